//! A standing sums a poll over its partitions: in whatever order announcements come, the newest stands,
//! versions only grow, and final means final.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use pollux_core::gate::Gate;
use pollux_core::id::{EventId, Generation, PollId, UnixMillis};
use pollux_core::kind::words::Names;
use pollux_core::poll::{Draft, Poll, Results, Turnout};
use pollux_core::standing::{Shown, Standing, TallyAt};
use pollux_core::tally::{Tally, control};
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
    let (round, names) = (poll.round, Names::default());
    let tally = Tally { phase, round, gate, counts, names, voters: votes, changes };
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
    // Another node reopened the poll, and its announcement was lost: a partition's tally tells.
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
    let before = standing.version(Shown::Numbers);
    let mut older = hidden.clone();
    older.close(UnixMillis(2)).unwrap();
    older.hidings = 0;
    assert!(standing.take_poll(Arc::new(older.clone())));
    assert_eq!((standing.poll.status, standing.poll.hidings), (older.status, 3));
    assert!(standing.version(Shown::Nothing) > before);
    // A poll that says it was hidden more often is believed.
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

#[test]
fn whether_turnout_shows_is_fixed_by_the_opening() {
    let shown = poll();
    assert_eq!(shown.turnout, Turnout::Shown, "unless the organiser hides it");
    let mut standing = Standing::new(Arc::new(shown.clone()), PARTITIONS);
    // A node that does not know turnout closed the poll, and left the field out.
    let mut older = Poll { turnout: Turnout::Hidden, ..shown };
    older.close(UnixMillis(2)).unwrap();
    assert!(standing.take_poll(Arc::new(older.clone())));
    assert_eq!((standing.poll.status, standing.poll.turnout), (older.status, Turnout::Shown));
    // A draft's turnout is what was written last.
    let draft = Draft { turnout: Turnout::Hidden, ..Draft::new("Which?", ["A", "B"]) };
    let mut written = Poll::draft(older.id, draft, [0; 32], UnixMillis(1)).unwrap();
    let mut standing = Standing::new(Arc::new(written.clone()), PARTITIONS);
    written.edit(Draft::new("Which?", ["A", "B"]), UnixMillis(2)).unwrap();
    assert!(standing.take_poll(Arc::new(written)));
    assert_eq!(standing.poll.turnout, Turnout::Shown);
}

/// A `History` is a poll whose numbers are hidden, as two partitions count it. It keeps what each has committed
/// after each of its records, and the poll after each of its changes.
struct History {
    polls: Vec<Poll>,
    tallies: [Vec<Tally>; 2],
}

impl History {
    fn new(turnout: Turnout) -> Self {
        let draft = Draft { results: Results::Hidden, turnout, ..Draft::new("Which?", ["A", "B"]) };
        let now = UnixMillis(1);
        let mut poll = Poll::draft(PollId::new(now, [1; 10]), draft, [0; 32], now).unwrap();
        poll.open(now).unwrap();
        Self { polls: vec![poll], tallies: [vec![Tally::new()], vec![Tally::new()]] }
    }

    /// Takes one more step: a partition hears of the poll, a new voter votes, a voter votes again, or the
    /// organiser changes the poll.
    fn go_on(&mut self, partition: usize, what: u8) {
        let mut poll = self.polls.last().unwrap().clone();
        let mut tally = self.tallies[partition].last().unwrap().clone();
        if what == 4 || tally.phase == 0 {
            control(&poll.rules(), &mut tally, poll.phase, poll.round, poll.gate());
        }
        match what {
            0..3 => {
                (tally.voters, tally.changes) = (tally.voters + 1, tally.changes + 1);
                tally.counts[0] += 1;
            }
            3 => tally.changes += 1,
            4 => {}
            _ => {
                if what == 5 {
                    poll.reset(UnixMillis(9)).unwrap();
                } else {
                    poll.reveal().unwrap();
                }
                return self.polls.push(poll);
            }
        }
        self.tallies[partition].push(tally);
    }
}

/// Returns what is shown of the poll to a viewer who sees only turnout.
fn seen(standing: &Standing) -> (u64, u64, bool) {
    (standing.poll.revision, standing.total_voters(), standing.is_final())
}

#[test]
fn a_version_tells_no_more_than_is_shown() {
    for (turnout, first, again) in [(Turnout::Shown, true, false), (Turnout::Hidden, false, false)]
    {
        let mut history = History::new(turnout);
        let mut standing = Standing::new(Arc::new(history.polls[0].clone()), 2);
        let audience = match turnout {
            Turnout::Shown => Shown::Turnout,
            Turnout::Hidden => Shown::Nothing,
        };
        let mut moved = |what| {
            let before = standing.version(audience);
            history.go_on(0, what);
            let tally = history.tallies[0].last().unwrap().clone();
            let next_offset = history.tallies[0].len() as u64;
            let (poll, generation) = (standing.poll.id, generation(1));
            let at = TallyAt { poll, partition: 0, generation, next_offset, tally };
            assert!(standing.take_tally(at));
            standing.version(audience) > before
        };
        assert!(moved(4) == first, "the opening");
        assert_eq!(moved(0), first, "{turnout:?}: somebody new");
        assert_eq!(moved(3), again, "{turnout:?}: a changed mind");
    }
}

proptest! {
    /// However late, often and out of order a node hears of votes, changed minds, resets and reveals,
    /// nobody's version goes back, neither while they see the same of the poll nor when they come to see
    /// more. A viewer who sees turnout is sent every state that differs.
    #[test]
    fn nobodys_version_goes_back_over_resets_and_reveals(
        turnout in prop_oneof![3 => Just(Turnout::Shown), 1 => Just(Turnout::Hidden)],
        steps in prop::collection::vec((0..2_usize, 0..7_u8), 0..60),
        announcements in prop::collection::vec((0..3_usize, 0..99_usize), 0..120),
    ) {
        let mut history = History::new(turnout);
        for (partition, what) in steps {
            history.go_on(partition, what);
        }
        let mut standing = Standing::new(Arc::new(history.polls[0].clone()), 2);
        // The versions are, in this order, those of viewers who are told of no votes (an event's list), of
        // the public before the reveal, of the owner, and of the public across reveals.
        let less = if turnout == Turnout::Shown { Shown::Turnout } else { Shown::Nothing };
        let versions = |standing: &Standing| {
            let public = if standing.poll.revealed { Shown::Numbers } else { less };
            [Shown::Nothing, less, Shown::Numbers, public].map(|shown| standing.version(shown))
        };
        let mut before = versions(&standing);
        let mut last = (before[1], seen(&standing));
        for (whose, which) in announcements {
            let at = which % history.tallies.get(whose).map_or(history.polls.len(), Vec::len);
            if let Some(tallies) = history.tallies.get(whose) {
                let (poll, next_offset, partition) = (standing.poll.id, at as u64, whose as u32);
                let (generation, tally) = (generation(1), tallies[at].clone());
                standing.take_tally(TallyAt { poll, partition, generation, next_offset, tally });
            } else {
                standing.take_poll(Arc::new(history.polls[at].clone()));
            }
            let now = versions(&standing);
            let rises = now.iter().zip(&before).all(|(now, before)| now >= before);
            prop_assert!(rises, "{now:?} after {before:?}");
            prop_assert!(now[..3].is_sorted(), "or showing more goes back: {now:?}");
            if less == Shown::Turnout {
                let next = (now[1], seen(&standing));
                prop_assert!(next.0 > last.0 || next.1 == last.1, "{next:?} is not sent after {last:?}");
                last = next;
            }
            before = now;
        }
    }

    /// Tallies may come late, twice and out of order: the versions shown never go back, for viewers who see
    /// the numbers and for those who do not, and the last state is the same.
    #[test]
    fn versions_never_go_back_whatever_the_order(
        order in prop::collection::vec((0..PARTITIONS, 0..12_u64), 0..80),
    ) {
        let poll = poll();
        let mut standing = Standing::new(Arc::new(poll.clone()), PARTITIONS);
        let mut newest = [None; PARTITIONS as usize];
        let (mut open, mut hidden) = (standing.version(Shown::Numbers), standing.version(Shown::Nothing));
        for (partition, votes) in order {
            let was_newer = standing.take_tally(tally(&poll, partition, 1, votes + 1, votes, 1));
            let best = &mut newest[partition as usize];
            prop_assert_eq!(was_newer, best.is_none_or(|best| best < votes));
            *best = (*best).max(Some(votes));
            prop_assert!(standing.version(Shown::Numbers) >= open);
            prop_assert!(standing.version(Shown::Nothing) >= hidden);
            prop_assert!(standing.version(Shown::Numbers) >= standing.version(Shown::Nothing), "or revealing goes back");
            (open, hidden) = (standing.version(Shown::Numbers), standing.version(Shown::Nothing));
        }
        prop_assert_eq!(standing.total_votes(), newest.iter().flatten().sum::<u64>());
    }
}
