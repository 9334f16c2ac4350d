//! A poll's sum over partitions: whatever order the news comes in, the newest stands, versions
//! only grow, and final means final.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use pollux_core::id::{EventId, Generation, PollId, UnixMillis};
use pollux_core::poll::{Draft, Poll};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::{Gate, Tally};
use proptest::prelude::*;

const PARTITIONS: u32 = 3;

fn poll() -> Poll {
    let now = UnixMillis(1);
    let draft = Draft::new("Which?", ["A", "B"]);
    let mut poll = Poll::draft(PollId::new(now, [1; 10]), draft, [0; 32], now).unwrap();
    poll.open(now).unwrap();
    poll
}

fn generation(n: u8) -> Generation {
    Generation(PollId::new(UnixMillis(u64::from(n)), [n; 10]).0)
}

fn tally(
    poll: &Poll,
    partition: u32,
    log: u8,
    next_offset: u64,
    votes: u64,
    phase: u32,
) -> TallyAt {
    let gate = if phase == poll.phase { poll.gate() } else { Gate::Open };
    let counts = vec![votes, 0];
    let changes = votes + u64::from(phase);
    let tally = Tally { phase, round: poll.round, gate, counts, voters: votes, changes };
    TallyAt { poll: poll.id, partition, generation: generation(log), next_offset, tally }
}

#[test]
fn final_is_when_every_partition_is_in_the_closing_phase_and_none_beyond() {
    let mut closed = poll();
    closed.close(UnixMillis(2)).unwrap();
    let mut standing = Standing::new(Arc::new(closed.clone()), PARTITIONS);
    for partition in 0..PARTITIONS {
        assert!(!standing.is_final(), "partition {partition} has not closed yet");
        standing.take_tally(tally(&closed, partition, 1, 9, 5, 2));
    }
    assert!(standing.is_final());
    // Reopened elsewhere, and the announcement of the poll was lost: a partition tells.
    standing.take_tally(tally(&closed, 1, 1, 10, 6, 3));
    assert!(!standing.is_final(), "a partition counts again");
}

#[test]
fn a_node_that_knows_no_events_takes_no_poll_out_of_one() {
    let mut joined = poll();
    (joined.event, joined.code) = (Some(EventId(joined.id.0)), "482913".into());
    let mut standing = Standing::new(Arc::new(joined.clone()), PARTITIONS);
    let mut older = joined.clone();
    older.close(UnixMillis(2)).unwrap();
    (older.event, older.code) = (None, "111111".into());
    assert!(standing.take_poll(Arc::new(older.clone())));
    assert_eq!(standing.poll.status, older.status);
    assert_eq!((standing.poll.event, &standing.poll.code), (joined.event, &joined.code));
}

#[test]
fn a_node_that_knows_no_hidings_takes_none_back() {
    let mut hidden = poll();
    hidden.hidings = 3;
    let mut standing = Standing::new(Arc::new(hidden.clone()), PARTITIONS);
    let before = standing.version(true);
    let mut older = hidden.clone();
    older.close(UnixMillis(2)).unwrap();
    older.hidings = 0;
    assert!(standing.take_poll(Arc::new(older.clone())));
    assert_eq!((standing.poll.status, standing.poll.hidings), (older.status, 3));
    assert!(standing.version(false) > before);
    // One that knows of more is believed.
    let newer = Poll { hidings: 5, revision: older.revision + 1, ..older };
    assert!(standing.take_poll(Arc::new(newer)));
    assert_eq!(standing.poll.hidings, 5);
}

#[test]
fn a_newer_log_wipes_out_the_tallies_of_the_older() {
    let poll = poll();
    let mut standing = Standing::new(Arc::new(poll.clone()), PARTITIONS);
    standing.take_tally(tally(&poll, 0, 1, 90, 50, 1));
    standing.take_tally(tally(&poll, 1, 1, 90, 50, 1));
    assert!(standing.take_tally(tally(&poll, 0, 2, 4, 3, 1)), "a newer log is newer at any offset");
    assert_eq!(standing.total_votes(), 3);
    assert!(!standing.take_tally(tally(&poll, 1, 1, 99, 60, 1)), "the older log is over");
    assert_eq!(standing.total_votes(), 3);
}

#[test]
fn a_reset_shows_zero_before_any_partition_has_heard_of_it() {
    let mut poll = poll();
    let mut standing = Standing::new(Arc::new(poll.clone()), PARTITIONS);
    standing.take_tally(tally(&poll, 0, 1, 9, 5, 1));
    standing.take_tally(tally(&poll, 1, 1, 9, 2, 1));
    assert_eq!(standing.counts(), [7, 0]);
    poll.reset(UnixMillis(9)).unwrap();
    standing.take_poll(Arc::new(poll.clone()));
    assert_eq!((standing.counts(), standing.total_votes()), (vec![0, 0], 0));
    standing.take_tally(tally(&poll, 1, 1, 10, 1, 2));
    assert_eq!((standing.counts(), standing.total_voters()), (vec![1, 0], 1));
}

proptest! {
    /// Tallies may come late, twice and out of order: the versions shown never go back, for
    /// those who see the numbers and for those who do not, and the last state is the same.
    #[test]
    fn versions_never_go_back_whatever_the_order(
        order in prop::collection::vec((0..PARTITIONS, 0..12_u64), 0..80),
    ) {
        let poll = poll();
        let mut standing = Standing::new(Arc::new(poll.clone()), PARTITIONS);
        let mut newest = [None; PARTITIONS as usize];
        let (mut open, mut hidden) = (standing.version(true), standing.version(false));
        for (partition, votes) in order {
            let was_newer = standing.take_tally(tally(&poll, partition, 1, votes + 1, votes, 1));
            let best = &mut newest[partition as usize];
            prop_assert_eq!(was_newer, best.is_none_or(|best| best < votes));
            *best = (*best).max(Some(votes));
            prop_assert!(standing.version(true) >= open);
            prop_assert!(standing.version(false) >= hidden);
            prop_assert!(standing.version(true) >= standing.version(false), "or revealing goes back");
            (open, hidden) = (standing.version(true), standing.version(false));
        }
        prop_assert_eq!(standing.total_votes(), newest.iter().flatten().sum::<u64>());
    }
}
