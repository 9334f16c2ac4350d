//! Polls of words: how often a large one is sent, what new names cost the store, and that nothing hidden is sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pollux_core::announcement::Announcement;
use pollux_core::kind::words::{self, Names, Verdict};
use pollux_core::kind::{Kind, KindDraft};
use pollux_core::poll::{Draft, Poll, Results, Turnout};
use pollux_core::seal::Word;
use pollux_core::standing::{Standing, TallyAt};
use pollux_server::config::WatchLimits;
use pollux_server::watch::grants::{Grant, Proof};
use pollux_server::watch::stream::{EventStream, event_stream};
use pollux_server::watch::viewer::Interest;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::feed::{Backend, feed};
use super::world::*;

/// Returns an open poll of words, with its key.
fn words_poll(n: u64) -> Arc<Poll> {
    let mut poll = (*poll(n, Results::Live, true)).clone();
    let kind = KindDraft::Words(words::Draft::default());
    let draft = Draft { kind, ..Draft::new("Which words?", [""; 0]) };
    poll.kind = Poll::draft(poll.id, draft, [0; 32], NOW).unwrap().kind;
    poll.give_text_key(|| [9; 64]);
    Arc::new(poll)
}

fn sealed(poll: &Poll, text: &str) -> Word {
    poll.text_key.as_ref().unwrap().seal(text).unwrap()
}

/// Returns the tally of a partition in which each of these words was said so many times.
fn said(poll: &Poll, words: &[Word], times: u64) -> TallyAt {
    let mut tally = tally(poll, 0, [0, 0]);
    let count = words.len() as u64;
    tally.tally.counts = std::iter::once(0).chain(words.iter().map(|_| times)).collect();
    tally.tally.names = Names::of(words.to_vec());
    tally.tally.voters = times;
    tally.tally.changes = 1 + count * times;
    tally.next_offset = tally.tally.changes;
    tally
}

/// Returns the tally as it is announced, which has no names.
fn announced(tally: &TallyAt) -> Announcement {
    Announcement::decode(&Announcement::Tally(tally.clone()).encode()).unwrap()
}

/// Returns a standing of this poll with this tally, as the store has it.
fn stored(poll: &Arc<Poll>, tally: TallyAt) -> Standing {
    let mut standing = Standing::new(poll.clone(), PARTITIONS);
    assert!(standing.take_tally(tally));
    standing
}

/// Reads for so long, and returns the size of each message together with when it came.
async fn read_for(viewer: &mut EventStream, long: Duration) -> Vec<(Instant, usize, Value)> {
    let (until, mut came) = (Instant::now() + long, Vec::new());
    while let Ok(Some(json)) = tokio::time::timeout_at(until, viewer.next_json()).await {
        came.push((Instant::now(), json.len(), serde_json::from_slice(&json).unwrap()));
    }
    came
}

#[tokio::test(start_paused = true)]
async fn a_large_poll_is_sent_less_often_and_its_end_at_once() {
    let world = World::new(WatchLimits::default());
    let large = words_poll(1);
    let words: Vec<_> = (0..500).map(|n| sealed(&large, &format!("{n:040}"))).collect();
    world.hub.merge(stored(&large, said(&large, &words, 1)));
    let small = world.open(2, Results::Live);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut of_large = event_stream(&world.hub, one(&large), None);
    let mut of_small = event_stream(&world.hub, one(&small), None);
    next(&mut of_large).await;
    next(&mut of_small).await;

    let begun = Instant::now();
    let votes = async {
        for n in 2..1_002 {
            world.hub.apply(announced(&said(&large, &words, n))).unwrap();
            world.tally(&small, 0, [n, 0]);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut closed = (*large).clone();
        closed.close(NOW).unwrap();
        world.hub.apply(Announcement::Poll(Arc::new(closed))).unwrap();
    };
    let ten = Duration::from_millis(10_050);
    let ((), large_came, small_came) =
        tokio::join!(votes, read_for(&mut of_large, ten), read_for(&mut of_small, ten));
    assert_eq!(large_came[0].0, begun, "the first change at once");
    let bytes: usize = large_came.iter().map(|(_, bytes, _)| bytes).sum();
    let size = large_came[0].1;
    assert!((28_000..44_000).contains(&size), "{size} bytes");
    assert!(bytes <= 10 * (64 << 10) + 2 * size, "{bytes} bytes in {} messages", large_came.len());
    assert!(bytes >= 9 * (64 << 10), "{bytes} bytes in {} messages", large_came.len());
    assert!((100..=101).contains(&small_came.len()), "a small poll is sent each tick");
    let (at, _, last) = large_came.last().unwrap();
    assert_eq!(last["type"], "poll.closed");
    assert_eq!(last["poll"]["totalVotes"], 1_001 * 500, "with its last numbers");
    let waited = *at - begun - Duration::from_secs(10);
    assert!(waited <= Duration::from_millis(100), "the close waited for {waited:?}");
}

/// Turnout is shown while words are hidden. Its pace must not tell how many words there are, though somebody may see them.
#[tokio::test(start_paused = true)]
async fn the_pace_of_turnout_does_not_tell_how_many_words_are_hidden() {
    let mut paces = Vec::new();
    for count in [1, 500] {
        let world = World::new(WatchLimits::default());
        let mut poll = (*words_poll(1)).clone();
        (poll.results, poll.revealed, poll.turnout) = (Results::Hidden, false, Turnout::Shown);
        let poll = Arc::new(poll);
        let words: Vec<_> = (0..count).map(|n| sealed(&poll, &format!("{n:040}"))).collect();
        world.hub.merge(stored(&poll, said(&poll, &words, 1)));
        tokio::time::sleep(Duration::from_secs(5)).await;
        let grants = vec![(poll.id, Grant::Runs(Proof::Operator))];
        let mut owner = event_stream(&world.hub, Interest { grants, ..one(&poll) }, None);
        let mut public = event_stream(&world.hub, one(&poll), None);
        assert_eq!(next(&mut owner).await["polls"][0]["totalVotes"], count);
        assert_eq!(next(&mut public).await["polls"][0]["words"], Value::Null);
        let begun = Instant::now();
        let votes = async {
            for n in 2..502 {
                world.hub.apply(announced(&said(&poll, &words, n))).unwrap();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let five = Duration::from_millis(5_050);
        let ((), own, came) =
            tokio::join!(votes, read_for(&mut owner, five), read_for(&mut public, five));
        assert!(own.len() > 5, "{} messages", own.len());
        paces.push(came.iter().map(|(at, ..)| *at - begun).collect::<Vec<_>>());
    }
    assert!(paces[0].len() > 5, "{paces:?}");
    assert_eq!(paces[0], paces[1]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_new_words_costs_few_reads_and_holds_up_no_other_poll() {
    let world = World::new(WatchLimits::default());
    let backend = Arc::new(Backend::default());
    let flooded = words_poll(1);
    let other = poll(2, Results::Live, true);
    for poll in [&flooded, &other] {
        backend.store.lock().insert(poll.id, Standing::new(poll.clone(), PARTITIONS));
    }
    let (running, loaded, stop) = feed(&world, &backend);
    loaded.cancelled().await;
    *backend.slow.lock() = Duration::from_millis(20);

    let words: Vec<_> = (0..1_000).map(|n| sealed(&flooded, &format!("word {n}"))).collect();
    for n in 1..=500 {
        let tally = said(&flooded, &words[..2 * n], 1);
        backend.store.lock().insert(flooded.id, stored(&flooded, tally.clone()));
        backend.announce(announced(&tally));
        backend.announce(Announcement::Tally(super::world::tally(&other, 0, [n as u64, 0])));
        tokio::time::sleep(Duration::from_millis(1)).await;
        let here = world.hub.standing(other.id).unwrap().total_votes();
        assert_eq!(here, n as u64, "the other poll's announcement was held up");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let reads = backend.single.lock().len();
    println!("1,000 new words in 2 s: {reads} reads");
    assert!((2..=22).contains(&reads), "{reads} reads");
    let standing = world.hub.standing(flooded.id).unwrap();
    assert_eq!((standing.total_votes(), standing.cloud().words.len()), (1_000, 1_000));
    assert!(standing.cloud().words.iter().all(|word| word.text.is_some()), "none is unreadable");

    // Words that came before cost no read, and a single new one is there in a blink.
    backend.single.lock().clear();
    let again = said(&flooded, &words, 2);
    backend.announce(announced(&again));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(world.hub.standing(flooded.id).unwrap().total_votes(), 2_000);
    assert!(backend.single.lock().is_empty());
    stop.cancel();
    running.await.unwrap();
}

/// The greeting of viewers of everything is kept for a tick. It must not outlive a decision to hide a word.
#[tokio::test(start_paused = true)]
async fn a_hidden_word_greets_nobody() {
    let world = World::new(WatchLimits::default());
    let mut poll = words_poll(1);
    let words = ["fine", "foul"].map(|text| sealed(&poll, text));
    world.hub.merge(stored(&poll, said(&poll, &words, 1)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut early = event_stream(&world.hub, everything(), None);
    let hello = next(&mut early).await.to_string();
    assert!(hello.contains("fine") && hello.contains("foul"), "{hello}");
    let hide = Verdict { hide: vec![words[1].name], ..Verdict::default() };
    world.change(&mut poll, |poll| assert!(poll.moderate(&hide).unwrap()));
    // No time has passed.
    for interest in [everything(), one(&poll)] {
        let mut late = event_stream(&world.hub, interest, None);
        let hello = next(&mut late).await.to_string();
        assert!(hello.contains("fine") && !hello.contains("foul"), "{hello}");
    }
    let update = timeout(Duration::from_millis(100), next_poll(&mut early)).await.unwrap();
    assert!(!update.to_string().contains("foul"), "{update}");
    assert_eq!(update["poll"]["unshownVotes"], 1);
}

/// An announced change has no key. The hub keeps the one that it has, without what was erased.
#[tokio::test(start_paused = true)]
async fn an_announced_change_leaves_the_key_and_takes_what_was_erased() {
    let world = World::new(WatchLimits::default());
    let poll = words_poll(1);
    let words = ["keep", "erase"].map(|text| sealed(&poll, text));
    world.hub.merge(stored(&poll, said(&poll, &words, 1)));
    let mut changed = (*poll).clone();
    let erase = Verdict { erase: vec![words[1].name], ..Verdict::default() };
    changed.moderate(&erase).unwrap();
    let heard = Announcement::decode(&Announcement::Poll(Arc::new(changed)).encode()).unwrap();
    let Announcement::Poll(bare) = &heard else { panic!("{heard:?}") };
    assert!(bare.text_key.is_none(), "no key is announced");
    world.hub.apply(heard).unwrap();
    let known = world.hub.poll(poll.id).unwrap();
    let key = known.text_key.as_ref().expect("the key stays");
    assert!(key.seal("keep").is_some() && key.seal("ERASE").is_none());
    let Kind::Words(_) = &known.kind else { panic!("{:?}", known.kind) };
    let states: BTreeMap<_, _> = world
        .hub
        .standing(poll.id)
        .unwrap()
        .cloud()
        .words
        .into_iter()
        .map(|word| (word.name, word.text.map(|text| text.to_string())))
        .collect();
    assert_eq!(states[&words[0].name].as_deref(), Some("keep"));
    assert_eq!(states[&words[1].name], None);
}
