//! The words of a poll, summed over partitions: every node shows the same cloud, however announcements reach it, and
//! none ever shows a count without its name.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use pollux_core::announcement::Announcement;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::gate::Gate;
use pollux_core::id::{BallotId, Generation, PollId, UnixMillis, VoterId};
use pollux_core::kind::words::{self, Said, State, Verdict};
use pollux_core::kind::{Answer, KindDraft};
use pollux_core::poll::{Draft, Poll};
use pollux_core::seal::TextKey;
use pollux_core::standing::{Cloud, Shown, Standing, TallyAt};
use pollux_core::tally::{Tally, VoterState, control, count};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const NOW: UnixMillis = UnixMillis(1_763_740_800_000);
const PARTITIONS: usize = 3;
const TEXTS: [&str; 8] = ["Rust", "RUST", "rust", "Go", "go", "Zig", "C", "Größe"];

fn random() -> [u8; 64] {
    [7; 64]
}

fn key() -> TextKey {
    TextKey::new(random())
}

fn asks_words() -> Draft {
    let kind = words::Draft { max_words: Some(10), approve: false };
    Draft::new("In a word?", KindDraft::Words(kind))
}

/// Returns an open poll of words.
fn poll() -> Poll {
    let mut poll = Poll::draft(PollId::new(NOW, [1; 10]), asks_words(), [0; 32], NOW).unwrap();
    poll.give_text_key(random);
    poll.open(NOW).unwrap();
    poll
}

fn say(texts: &[&str]) -> Answer {
    let mut said: Vec<_> = texts.iter().map(|text| key().seal(text).unwrap()).collect();
    said.sort_by_key(|word| word.name);
    said.dedup_by_key(|word| word.name);
    Answer::Words(Said::of(said))
}

/// A `Counter` is one partition that counts ballots, with all tallies that it has committed.
struct Counter {
    partition: u32,
    tally: Tally,
    voters: BTreeMap<u8, VoterState>,
    committed: Vec<TallyAt>,
}

impl Counter {
    fn new(partition: u32) -> Self {
        let (tally, voters) = (Tally::new(), BTreeMap::new());
        Self { partition, tally, voters, committed: Vec::new() }
    }

    fn hear(&mut self, poll: &Poll) -> TallyAt {
        control(&poll.rules(), &mut self.tally, poll.phase, poll.round, poll.gate());
        self.commit(poll)
    }

    fn count(&mut self, poll: &Poll, voter: u8, texts: &[&str]) -> TallyAt {
        let ballot = Ballot {
            poll: poll.id,
            voter: VoterId([voter; 16]),
            id: BallotId::new(UnixMillis(self.committed.len() as u64), [0; 10]),
            named_by: NamedBy::Server,
            answer: say(texts),
            round: poll.round,
            phase: poll.phase,
            at: NOW,
        };
        let voter = self.voters.entry(voter).or_default();
        count(&poll.rules(), &mut self.tally, voter, &ballot, None);
        self.commit(poll)
    }

    fn commit(&mut self, poll: &Poll) -> TallyAt {
        let at = TallyAt {
            poll: poll.id,
            partition: self.partition,
            generation: Generation(poll.id.0),
            next_offset: self.committed.len() as u64 + 1,
            tally: self.tally.clone(),
        };
        self.committed.push(at.clone());
        at
    }
}

/// Returns a tally as it is announced.
fn announced(at: &TallyAt) -> TallyAt {
    let bytes = Announcement::Tally(at.clone()).encode();
    let Ok(Announcement::Tally(heard)) = Announcement::decode(&bytes) else { unreachable!() };
    assert!(heard.tally.names.is_empty());
    heard
}

/// Returns a poll as it is announced.
fn told(poll: &Poll) -> Arc<Poll> {
    let bytes = Announcement::Poll(Arc::new(poll.clone())).encode();
    let Ok(Announcement::Poll(heard)) = Announcement::decode(&bytes) else { unreachable!() };
    assert!(heard.text_key.is_none());
    heard
}

fn shown(cloud: &Cloud) -> Vec<(&str, u64)> {
    cloud.words.iter().map(|word| (word.text.as_deref().unwrap_or("-"), word.votes)).collect()
}

#[test]
fn words_are_summed_by_their_names_and_the_first_partitions_spelling_is_shown() {
    let poll = poll();
    let [mut one, mut two] = [0, 1].map(Counter::new);
    one.count(&poll, 1, &["Go", "RUST"]);
    let first = one.count(&poll, 2, &["C"]);
    two.count(&poll, 1, &["rust", "go", "Zig"]);
    two.count(&poll, 2, &["Zig"]);
    let second = two.count(&poll, 1, &["rust", "Zig"]);
    let mut standing = Standing::new(Arc::new(poll.clone()), 2);
    assert!(standing.take_tally(second.clone()) && standing.take_tally(first.clone()));
    let cloud = standing.cloud();
    let found = shown(&cloud);
    assert!(found.is_sorted_by_key(|(_, votes)| std::cmp::Reverse(*votes)), "{found:?}");
    let sums = [("RUST", 2), ("Zig", 2), ("Go", 1), ("C", 1)];
    assert_eq!(BTreeMap::from_iter(found), BTreeMap::from(sums));
    let mut result = sums.map(|(text, votes)| (key().name(text), votes));
    result.sort_unstable();
    let (names, votes): (Vec<_>, Vec<_>) = result.into_iter().unzip();
    assert_eq!(cloud.result(), (names, [&[0], &votes[..]].concat()), "ascending, after the others");
    assert_eq!((standing.counts(), standing.total_votes()), (vec![6], 6));
    assert_eq!(standing.total_voters(), 4);
    standing.open_words();
    assert_eq!(standing.cloud(), cloud);
    // The node that hears of the first partition later shows the same in the end.
    let mut other = Standing::new(Arc::new(poll), 2);
    assert!(other.take_tally(first));
    other.open_words();
    assert!(other.take_tally(second));
    assert_eq!(other.cloud(), cloud);
    assert_eq!(other.result_line(), standing.result_line());
}

#[test]
fn of_equally_many_votes_the_word_that_came_first_is_first() {
    let poll = poll();
    let mut one = Counter::new(0);
    for (voter, text) in ["Zig", "C", "Go", "Größe"].into_iter().enumerate() {
        one.count(&poll, voter as u8, &[text]);
    }
    let mut standing = Standing::new(Arc::new(poll.clone()), 1);
    standing.take_tally(one.count(&poll, 9, &["Go"]));
    assert_eq!(shown(&standing.cloud()), [("Go", 2), ("Zig", 1), ("C", 1), ("Größe", 1)]);
    // Whoever takes back the only vote for a word takes it out of the cloud.
    standing.take_tally(one.count(&poll, 0, &["Go"]));
    assert_eq!(shown(&standing.cloud()), [("Go", 3), ("C", 1), ("Größe", 1)]);
}

#[test]
fn what_was_decided_about_a_word_is_told_and_an_erased_text_is_gone() {
    let mut poll = poll();
    let mut one = Counter::new(0);
    let at = one.count(&poll, 1, &["Rust", "Go", "Zig"]);
    let mut standing = Standing::new(Arc::new(poll.clone()), 1);
    standing.take_tally(at);
    standing.open_words();
    let [rust, go, zig] = ["Rust", "Go", "Zig"].map(|text| key().name(text));
    let verdict = Verdict {
        approve: Some(true),
        show: vec![zig],
        hide: vec![go],
        erase: vec![rust],
        clear: vec![],
    };
    poll.moderate(&verdict).unwrap();
    let whole = standing.poll.text_key.clone();
    assert!(standing.take_poll(told(&poll)));
    assert_ne!(standing.poll.text_key, whole, "the node's key forgets the erased word, too");
    assert_eq!(standing.poll.text_key, poll.text_key);
    let again = {
        let mut standing = standing.clone();
        standing.open_words();
        standing.cloud()
    };
    for cloud in [standing.cloud(), again] {
        let mut told: Vec<_> =
            cloud.words.iter().map(|word| (word.name, word.text.as_deref(), word.state)).collect();
        let mut right = vec![
            (rust, None, State::Erased),
            (go, Some("Go"), State::Hidden),
            (zig, Some("Zig"), State::Shown),
        ];
        told.sort_unstable();
        right.sort_unstable();
        assert_eq!(told, right);
    }
    poll.delete(NOW).unwrap();
    assert!(standing.take_poll(told(&poll)));
    assert_eq!(standing.poll.text_key, None);
    assert!(standing.cloud().words.iter().all(|word| word.text.is_none()), "the key is gone");
    assert!(!standing.lacks_key(), "and nobody need look for it");
}

#[test]
fn an_announced_tally_is_taken_if_its_names_are_known() {
    let poll = poll();
    let mut one = Counter::new(0);
    let mut standing = Standing::new(Arc::new(poll.clone()), 2);
    let mut hears = |at: &TallyAt| (standing.lacks_names_of(at), standing.take_tally(at.clone()));
    let (lacking, taken, refused) = ((true, false), (false, true), (false, false));
    assert_eq!(hears(&announced(&one.hear(&poll))), taken, "no word was said yet");
    let first = one.count(&poll, 1, &["Rust"]);
    assert_eq!(hears(&announced(&first)), lacking);
    assert_eq!(hears(&announced(&first)), lacking, "it is not known by then either");
    assert_eq!(hears(&first), taken, "as the store has it");
    assert_eq!(hears(&announced(&first)), refused, "it is known");
    let old = one.count(&poll, 2, &["rust"]);
    assert_eq!(hears(&announced(&one.count(&poll, 3, &["RUST"]))), taken, "no new name");
    assert_eq!(hears(&announced(&old)), refused, "it is older");
    let newer = one.count(&poll, 3, &["Go"]);
    assert_eq!(hears(&announced(&newer)), lacking);
    // The names of another log may have another order, however many are known.
    let generation = |n| Generation(PollId::new(UnixMillis(NOW.0 + n), [1; 10]).0);
    let other = TallyAt { generation: generation(1), next_offset: 1, ..announced(&first) };
    assert_eq!(hears(&other), lacking);
    let (partition, names) = (1, first.tally.names.clone());
    let tally = Tally { names, ..other.tally.clone() };
    assert_eq!(hears(&TallyAt { partition, tally, ..other.clone() }), taken);
    assert_eq!(hears(&announced(&newer)), refused, "the older log is over");
    assert_eq!(hears(&TallyAt { partition: 1, ..announced(&newer) }), refused);
    assert_eq!(hears(&other), lacking, "the other partition's names are not these");
    assert_eq!(hears(&TallyAt { partition: 2, ..other }), refused, "there is no such partition");
}

#[test]
fn a_new_round_begins_without_names() {
    let mut poll = poll();
    let mut one = Counter::new(0);
    let mut standing = Standing::new(Arc::new(poll.clone()), 1);
    standing.take_tally(one.count(&poll, 1, &["Rust", "Go"]));
    let before = announced(&one.count(&poll, 1, &["Go"]));
    poll.reset(NOW).unwrap();
    assert!(standing.take_poll(told(&poll)));
    assert!(standing.cloud().words.is_empty(), "before the partition has heard of it");
    assert!(standing.take_tally(announced(&one.hear(&poll))));
    let again = one.count(&poll, 1, &["Go"]);
    assert!(standing.lacks_names_of(&announced(&again)), "the names are those of another round");
    assert!(!standing.take_tally(before), "what is late is not taken");
    assert!(standing.take_tally(again));
    assert_eq!(shown(&standing.cloud()), [("Go", 1)]);
}

#[test]
fn a_tally_of_a_draft_waits_until_the_draft_is_known_as_it_was_opened() {
    let draft = Draft::new("Which?", ["A", "B"]);
    let mut poll = Poll::draft(PollId::new(NOW, [1; 10]), draft, [0; 32], NOW).unwrap();
    let mut standing = Standing::new(Arc::new(poll.clone()), 1);
    poll.edit(asks_words(), NOW).unwrap();
    poll.give_text_key(random);
    poll.open(NOW).unwrap();
    let at = Counter::new(0).count(&poll, 1, &["Rust", "Go"]);
    assert!(standing.lacks_names_of(&announced(&at)));
    assert!(!standing.take_tally(announced(&at)));
    assert!(standing.take_poll(told(&poll)));
    assert!(standing.lacks_key(), "an announcement has no key");
    // The store's poll is of the same revision, and has the key.
    assert!(standing.take_poll(Arc::new(poll.clone())) && standing.take_tally(at));
    assert!(!standing.lacks_key());
    assert!(!standing.take_poll(Arc::new(poll)), "nothing is new");
    assert_eq!(standing.total_votes(), 2);
    assert_eq!(standing.cloud().words.len(), 2);
    assert!(standing.cloud().words.iter().all(|word| word.text.is_some()));
}

#[test]
fn a_key_is_taken_from_an_older_revision_without_what_was_erased_since() {
    let mut poll = poll();
    let stored = Arc::new(poll.clone());
    poll.moderate(&Verdict { erase: vec![key().name("Go")], ..Verdict::default() }).unwrap();
    let mut standing = Standing::new(told(&poll), 1);
    assert!(standing.lacks_key());
    assert!(standing.take_poll(stored.clone()));
    assert_eq!((standing.poll.revision, &standing.poll.text_key), (poll.revision, &poll.text_key));
    assert!(!standing.take_poll(stored), "the key that is known stays");
    assert_eq!(standing.poll.text_key, poll.text_key);
}

/// A `History` is a poll with all its revisions, and with all tallies that its partitions have committed.
struct History {
    polls: Vec<Poll>,
    counters: [Counter; PARTITIONS],
}

/// The place of the revision that was opened.
const OPENED: usize = 2;

impl History {
    /// Begins with a draft of another kind, which becomes one of words and is opened.
    fn new() -> Self {
        let draft = Draft::new("Which?", ["A", "B"]);
        let mut poll = Poll::draft(PollId::new(NOW, [1; 10]), draft, [0; 32], NOW).unwrap();
        let mut polls = vec![poll.clone()];
        poll.edit(asks_words(), NOW).unwrap();
        poll.give_text_key(random);
        polls.push(poll.clone());
        poll.open(NOW).unwrap();
        polls.push(poll);
        let counters = [0, 1, 2].map(Counter::new);
        Self { polls, counters }
    }

    fn go_on(&mut self, step: &Step) {
        let mut poll = self.polls.last().unwrap().clone();
        match *step {
            Step::Say(at, voter, ref texts) if poll.gate() == Gate::Open => {
                self.counters[at].count(&poll, voter, texts);
            }
            Step::Say(..) => {}
            Step::Hear(at) => drop(self.counters[at].hear(&poll)),
            Step::Reset => poll.reset(NOW).unwrap(),
            Step::Close => drop(poll.close(NOW).unwrap()),
            Step::Reopen => drop(poll.reopen(NOW).unwrap()),
            Step::Hide(text) => {
                decide(&mut poll, |name| Verdict { hide: name, ..Verdict::default() }, text)
            }
            Step::Erase(text) => {
                decide(&mut poll, |name| Verdict { erase: name, ..Verdict::default() }, text)
            }
        }
        if poll.revision > self.polls.last().unwrap().revision {
            self.polls.push(poll);
        }
    }
}

fn decide(poll: &mut Poll, verdict: fn(Vec<pollux_core::seal::Name>) -> Verdict, text: &str) {
    poll.moderate(&verdict(vec![key().name(text)])).unwrap();
}

/// A `Step` is what happens next: voters say words in a partition, it hears of the poll, or the organiser acts.
#[derive(Clone, Debug)]
enum Step {
    Say(usize, u8, Vec<&'static str>),
    Hear(usize),
    Reset,
    Close,
    Reopen,
    Hide(&'static str),
    Erase(&'static str),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text = || select(&TEXTS[..]);
    let say = (0..PARTITIONS, 0..4_u8, prop::collection::vec(text(), 1..4));
    let step = prop_oneof![
        12 => say.prop_map(|(at, voter, texts)| Step::Say(at, voter, texts)),
        3 => (0..PARTITIONS).prop_map(Step::Hear),
        1 => Just(Step::Reset),
        1 => Just(Step::Close),
        2 => Just(Step::Reopen),
        1 => text().prop_map(Step::Hide),
        1 => text().prop_map(Step::Erase),
    ];
    prop::collection::vec(step, 0..40)
}

/// A `Node` has one standing, and reads the store when it lacks something.
struct Node(Standing);

impl Node {
    /// Reads the store as it was when it had at least this much.
    fn read(&mut self, history: &History, poll: usize, tallies: [usize; PARTITIONS]) {
        self.0.take_poll(Arc::new(history.polls[poll].clone()));
        for (counter, at) in history.counters.iter().zip(tallies) {
            counter.committed.get(at).map(|at| self.0.take_tally(at.clone()));
        }
    }

    /// Hears of a revision of the poll.
    fn hear_poll(&mut self, history: &History, at: usize) {
        self.0.take_poll(told(&history.polls[at]));
        if self.0.lacks_key() {
            self.read(history, at, [0; PARTITIONS]);
        }
        assert!(!self.0.lacks_key());
        assert!(self.0.poll.revision >= history.polls[at].revision);
    }

    /// Hears of a tally. If it lacks the names, it reads the store, which had this tally or one of the next.
    fn hear_tally(&mut self, history: &History, whose: usize, at: usize, next: usize) {
        let committed = &history.counters[whose].committed;
        let heard = announced(&committed[at]);
        if self.0.lacks_names_of(&heard) {
            assert!(!self.0.take_tally(heard.clone()));
            let mut tallies = [0; PARTITIONS];
            tallies[whose] = (at + next).min(committed.len() - 1);
            self.read(history, OPENED, tallies);
        } else {
            self.0.take_tally(heard.clone());
        }
        let known = self.0.tallies().find(|known| known.partition == heard.partition).unwrap();
        assert!(known.age() >= heard.age(), "nothing newer is missed");
    }

    fn check(&self) {
        for at in self.0.tallies() {
            let named = at.tally.counts.len().saturating_sub(1);
            assert_eq!(at.tally.names.len(), named, "each count has its name");
        }
        if self.0.poll.kind.holds_texts() {
            let cloud = self.0.cloud();
            let votes: u64 = cloud.words.iter().map(|word| word.votes).sum();
            assert_eq!(votes + cloud.other, self.0.total_votes());
            for word in cloud.words {
                assert_eq!(word.text.is_none(), word.state == State::Erased, "{word:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// However late, often and out of order a node hears of votes and decisions: it never shows a count without its
    /// name or a word that was erased, nobody's version goes back, and in the end it shows what every node shows.
    #[test]
    fn every_node_comes_to_show_the_same_cloud(
        steps in steps(),
        heard in prop::collection::vec((0..=PARTITIONS, any::<Index>(), 0..3_usize, any::<bool>()), 0..60),
    ) {
        let mut history = History::new();
        steps.iter().for_each(|step| history.go_on(step));
        let start = || Node(Standing::new(Arc::new(history.polls[0].clone()), PARTITIONS as u32));
        let mut node = start();
        let versions = |node: &Node| [Shown::Nothing, Shown::Numbers].map(|shown| node.0.version(shown));
        let mut before = versions(&node);
        for (whose, at, next, opens) in heard {
            match history.counters.get(whose) {
                Some(counter) if counter.committed.is_empty() => continue,
                Some(counter) => node.hear_tally(&history, whose, at.index(counter.committed.len()), next),
                None => node.hear_poll(&history, at.index(history.polls.len())),
            }
            if opens {
                node.0.open_words();
            }
            node.check();
            let now = versions(&node);
            prop_assert!(now.iter().zip(&before).all(|(now, before)| now >= before), "{now:?} after {before:?}");
            before = now;
        }
        let mut fresh = start();
        let last = history.polls.len() - 1;
        let newest = [0, 1, 2].map(|at| history.counters[at].committed.len().saturating_sub(1));
        fresh.read(&history, last, newest);
        for (whose, at) in newest.into_iter().enumerate().filter(|(whose, _)| !history.counters[*whose].committed.is_empty()) {
            node.hear_tally(&history, whose, at, 0);
        }
        node.hear_poll(&history, last);
        node.check();
        prop_assert_eq!(node.0.cloud(), fresh.0.cloud());
        prop_assert_eq!(node.0.result_line(), fresh.0.result_line());
        prop_assert_eq!(&node.0.poll, &fresh.0.poll, "with the same key");
        prop_assert_eq!(versions(&node), versions(&fresh));
        node.0.open_words();
        prop_assert_eq!(node.0.cloud(), fresh.0.cloud());
        node.check();
    }
}
