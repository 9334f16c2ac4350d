//! Words are said in many spellings, and their organiser hides some. What a node has said to be hidden, it shows to
//! nobody.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pollux_checker as checker;
use pollux_core::standing::TallyAt;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::world::{PollPlan, World};

/// Every word that is said here, in lower case.
const VOCABULARY: [&str; 9] =
    ["rust", "fast builds", "mud", "größe", "x", "=1+1", "zürich", "<b>", "über uns"];

/// Returns a word in one of its spellings.
pub fn spell(dice: &mut StdRng) -> String {
    let word = VOCABULARY[dice.random_range(0..VOCABULARY.len())];
    match dice.random_range(0..4) {
        0 => word.to_uppercase(),
        1 => format!(" {word}  "),
        2 => word.replace(' ', "  "),
        _ => word.to_owned(),
    }
}

/// Returns the word that a text spells.
fn word(text: &str) -> String {
    // The capital form of ß is SS.
    text.to_lowercase().replace("grösse", "größe")
}

/// `Hidden` keeps the words of a poll that are certainly hidden.
#[derive(Debug, Default)]
pub struct Hidden {
    said: RefCell<BTreeMap<String, Said>>,
    /// The words that somebody has asked to show without learning what became of that. It may be done at any time, so
    /// they are never certain again.
    unsure: RefCell<BTreeSet<String>>,
}

/// `Said` is the answer that said a word to be hidden.
#[derive(Clone, Debug)]
struct Said {
    at: Instant,
    /// The epoch of the node that gave the answer.
    by: String,
}

/// Hides a word, shows one, or changes whether words wait for approval. It may or may not work.
pub async fn moderate(world: &World, poll: &PollPlan, dice: &mut StdRng) {
    let node = dice.random_range(0..world.nodes());
    let turn = poll.tokens.turn();
    let bearer = format!("Bearer {}", poll.tokens.newest().owner);
    let header = Some(("authorization", &*bearer));
    let list = format!("/api/polls/{}/words?limit=500", poll.id);
    let listed = timeout(Duration::from_secs(5), world.ask(node, "GET", &list, None, None, header));
    let Ok(Some(listed)) = listed.await else { return };
    if listed.status != 200 {
        let revoked = listed.status == 403 && poll.tokens.may_refuse(turn);
        assert!(revoked || listed.status == 503, "{listed:?}");
        return;
    }
    let all = listed.body["words"].as_array().unwrap();
    if all.is_empty() {
        return;
    }
    let chosen = &all[dice.random_range(0..all.len())];
    let text = word(chosen["text"].as_str().unwrap());
    assert!(VOCABULARY.contains(&&*text), "nobody said {chosen}");
    let hides = dice.random_bool(0.7);
    let mut verdict = json!({ if hides { "hide" } else { "show" }: [chosen["id"]] });
    if dice.random_bool(0.3) {
        verdict["approve"] = json!(dice.random::<bool>());
    }
    if !hides {
        poll.hidden.said.borrow_mut().remove(&text);
    }
    let epoch = world.app(node).map(|app| app.hub.epoch().to_owned());
    let path = format!("/api/polls/{}/moderate", poll.id);
    let turn = poll.tokens.turn();
    let asked = world.ask(node, "POST", &path, Some(&verdict), None, header);
    let patience = Duration::from_millis(dice.random_range(500..12_000));
    let answer = timeout(patience, asked).await.ok().flatten();
    let done = answer.as_ref().is_some_and(|answer| answer.status == 200);
    if let Some(answer) = &answer {
        let revoked = answer.status == 403 && poll.tokens.may_refuse(turn);
        // In a round that began meanwhile nobody may have said the word yet.
        assert!(revoked || matches!(answer.status, 200 | 409 | 422 | 503 | 504), "{answer:?}");
    }
    if !hides && !done {
        poll.hidden.unsure.borrow_mut().insert(text);
    } else if hides && done {
        let shown = answer.unwrap().body["words"].clone();
        assert!(!shows(&shown, &text), "the answer shows what it hides: {shown}");
        world.hidings.set(world.hidings.get() + 1);
        let said = Said { at: Instant::now(), by: epoch.unwrap() };
        poll.hidden.said.borrow_mut().insert(text, said);
    }
}

fn shows(words: &Value, text: &str) -> bool {
    let mut shown = words.as_array().into_iter().flatten();
    shown.any(|shown| word(shown["text"].as_str().unwrap()) == text)
}

/// Asserts that a node does not show what it has said to be hidden, or what was hidden before it started (`since`).
pub fn none_hidden(polls: &[PollPlan], view: &Value, epoch: &str, since: Instant) {
    let Some(poll) = polls.iter().find(|poll| view["id"] == poll.id) else { return };
    for (text, said) in &*poll.hidden.said.borrow() {
        let knows = said.by == epoch || said.at < since;
        if knows && !poll.hidden.unsure.borrow().contains(text) {
            assert!(!shows(&view["words"], text), "{text} is hidden, and shown in {view}");
        }
    }
}

/// Returns how often each name was counted in a round, as the store has it.
pub fn counted(tallies: &[TallyAt], poll: &str, round: u64) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    let current = tallies.iter().filter(|at| at.poll.to_string() == poll);
    for at in current.filter(|at| u64::from(at.tally.round) == round) {
        for (word, votes) in at.tally.names.words().iter().zip(at.tally.counts.iter().skip(1)) {
            *counted.entry(word.name.to_string()).or_insert(0) += votes;
        }
    }
    counted.retain(|_, votes| *votes > 0);
    counted
}

/// Returns whether a view has all votes of a recount. If no word is hidden from it, it has the votes of each.
pub fn are_all_there(view: &Value, result: &checker::Result) -> bool {
    if view["kind"] != "words" {
        return true;
    }
    let mut shown: Vec<u64> = votes_of_words(view).collect();
    let mut counted: Vec<u64> = result.words.values().copied().collect();
    let unshown = view["unshownVotes"].as_u64().unwrap();
    shown.sort_unstable();
    counted.sort_unstable();
    let sums = shown.iter().sum::<u64>() + unshown == counted.iter().sum::<u64>();
    sums && (unshown > 0 || shown == counted)
}

/// Returns how many votes a view has, of words that are shown and of others.
pub fn votes(view: &Value) -> u64 {
    let beside = ["otherVotes", "unshownVotes"].map(|name| view[name].as_u64().unwrap_or(0));
    votes_of_words(view).chain(beside).sum()
}

fn votes_of_words(view: &Value) -> impl Iterator<Item = u64> {
    let words = view["words"].as_array().into_iter().flatten();
    words.map(|word| word["votes"].as_u64().unwrap())
}
