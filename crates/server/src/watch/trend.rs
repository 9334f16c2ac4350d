//! The trend of each poll: its cumulative counts over time, as this node has shown them since it
//! knows the poll. It is bounded in polls, and for each poll in points and in counts. When either of
//! these runs out, the poll's step doubles, so a minute is kept by the second and a day by some
//! minutes. A poll with many slots therefore has fewer points.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use pollux_core::id::{PollId, UnixMillis};
use pollux_core::standing::Standing;

/// The most points of one poll.
pub const MOST_POINTS: usize = 240;
/// The most counts of one poll, all its points together: as many as those of `MOST_POINTS` points of
/// a hundred slots, which are 192,000 bytes.
const MOST_COUNTS: usize = MOST_POINTS * 100;
/// The first step, in milliseconds.
const FIRST_STEP: u64 = 1_000;

/// A trend is one poll's course in its present round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trend {
    round: u32,
    /// The time that a point stands for, in milliseconds.
    pub step: u64,
    /// The points, ascending in time, at most one for each step. A step in which nothing changed
    /// has none.
    pub points: Vec<Point>,
}

/// `Point` holds the counts at the end of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The time of the last change in the step.
    pub at: UnixMillis,
    /// The number of people counted.
    pub voters: u64,
    /// The counts of the poll's slots, in order.
    pub votes: Vec<u64>,
}

impl Trend {
    fn new(round: u32) -> Self {
        Self { round, step: FIRST_STEP, points: Vec::new() }
    }

    fn note(&mut self, mut point: Point) {
        if let Some(last) = self.points.last_mut() {
            // A clock that was set back must not make the line go back in time.
            point.at = point.at.max(last.at);
            if last.at.0 / self.step == point.at.0 / self.step {
                *last = point;
                return;
            }
        }
        self.points.push(point);
        while self.is_too_long() {
            self.step *= 2;
            let step = self.step;
            // Of the points that now share a step the last one stays.
            self.points.dedup_by(|later, kept| {
                let same = later.at.0 / step == kept.at.0 / step;
                if same {
                    std::mem::swap(later, kept);
                }
                same
            });
        }
    }

    /// Whether there are more points or counts than are kept. The counts are added up because a
    /// draft's slots change with it, so its points may differ in length.
    fn is_too_long(&self) -> bool {
        let counts = || self.points.iter().map(|point| point.votes.len()).sum::<usize>();
        self.points.len() > MOST_POINTS || (self.points.len() > 1 && counts() > MOST_COUNTS)
    }
}

impl Default for Trend {
    fn default() -> Self {
        Self::new(1)
    }
}

/// `Trends` keeps the trends of all polls, up to a limit. Beyond it, the one that has not changed
/// for longest is dropped.
pub(super) struct Trends {
    most: usize,
    kept: Mutex<BTreeMap<PollId, Trend>>,
}

impl Trends {
    /// Makes an empty collection for at most this many polls.
    pub fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// Notes the poll's numbers as of `now`.
    pub fn note(&self, standing: &Standing, now: UnixMillis) {
        let (id, round) = (standing.poll.id, standing.poll.round);
        let votes = standing.counts();
        let point = Point { at: now, voters: standing.total_voters(), votes };
        let mut kept = self.kept.lock();
        let trend = kept.entry(id).or_insert_with(|| Trend::new(round));
        if trend.round != round {
            *trend = Trend::new(round);
        }
        trend.note(point);
        if kept.len() > self.most {
            let age = |trend: &Trend| trend.points.last().map(|point| point.at);
            let others = kept.iter().filter(|(other, _)| **other != id);
            let idle = others.min_by_key(|(id, trend)| (age(trend), **id)).map(|(id, _)| *id);
            idle.map(|idle| kept.remove(&idle));
        }
    }

    /// Returns a poll's trend, as far as it is kept.
    pub fn of(&self, poll: PollId) -> Option<Trend> {
        self.kept.lock().get(&poll).cloned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use pollux_core::kind::number::{Decimal, MAX_VALUES};
    use pollux_core::kind::{KindDraft, choice, number, points, ranking, rating};
    use pollux_core::poll::{Draft, Poll};
    use proptest::prelude::*;

    use super::*;
    use crate::config::WatchLimits;

    fn point(at: u64, voters: u64) -> Point {
        of_slots(at, voters, 2)
    }

    fn of_slots(at: u64, voters: u64, slots: usize) -> Point {
        let mut votes = vec![0; slots];
        votes[0] = voters;
        Point { at: UnixMillis(at), voters, votes }
    }

    /// Returns the most points of a poll with so many slots.
    fn most_points(slots: usize) -> usize {
        MOST_POINTS.min(MOST_COUNTS / slots)
    }

    /// Returns the bytes that a trend takes in memory.
    fn bytes(trend: &Trend) -> usize {
        let counts: usize = trend.points.iter().map(|point| point.votes.capacity()).sum();
        counts * size_of::<u64>() + trend.points.capacity() * size_of::<Point>()
    }

    /// A trend takes at most so many bytes: its counts, and room for 256 points.
    const MOST_BYTES: usize = MOST_COUNTS * 8 + 256 * 40;

    proptest! {
        /// However votes come, the line is bounded, ascends, has one point a step, and ends with
        /// what is shown. No point has a count that was not the last of its step.
        #[test]
        fn a_line_stays_bounded_and_true(
            pauses in prop::collection::vec(0..5_000_u64, 1..900),
            slots in prop::sample::select(&[1, 2, 100, 101, 400, 1_001][..]),
        ) {
            let mut trend = Trend::new(1);
            let mut now = 1_795_262_400_000;
            let mut all = Vec::new();
            for (voters, pause) in (1..).zip(pauses) {
                now += pause;
                trend.note(of_slots(now, voters, slots));
                all.push(of_slots(now, voters, slots));
            }
            prop_assert!(trend.points.len() <= most_points(slots));
            prop_assert!(bytes(&trend) <= MOST_BYTES);
            prop_assert_eq!(trend.points.last(), all.last());
            let bin = |point: &Point| point.at.0 / trend.step;
            let last_of_bins: Vec<_> = all
                .chunk_by(|a, b| bin(a) == bin(b))
                .map(|chunk| chunk.last().unwrap().clone())
                .collect();
            prop_assert_eq!(&trend.points, &last_of_bins);
            let fine = trend.step == FIRST_STEP || trend.points.len() > most_points(slots) / 8;
            prop_assert!(fine, "no coarser than it must be");
        }
    }

    #[test]
    fn a_clock_set_back_bends_no_line() {
        let mut trend = Trend::new(1);
        trend.note(point(10_000, 1));
        trend.note(point(3_000, 2));
        assert_eq!(trend.points, [point(10_000, 2)]);
    }

    fn standing(n: u64, round: u32) -> Standing {
        let mut poll = poll(n, Draft::new("Which?", ["a", "b"]).kind);
        poll.round = round;
        Standing::new(Arc::new(poll), 1)
    }

    fn poll(n: u64, kind: KindDraft) -> Poll {
        let id = PollId::new(UnixMillis(n), [1; 10]);
        let draft = Draft { kind, ..Draft::new("Which?", [""; 0]) };
        Poll::draft(id, draft, [0; 32], UnixMillis(0)).unwrap()
    }

    /// Returns the number with the most values.
    fn largest_number() -> KindDraft {
        let max = Some(Decimal::whole(i32::from(MAX_VALUES) - 1));
        KindDraft::Number(number::Draft { max, ..Default::default() })
    }

    /// Returns the largest poll of each kind, with the points that are kept of it.
    fn largest_of_each_kind() -> [(KindDraft, usize); 5] {
        let texts = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        let options = texts(choice::MAX_OPTIONS);
        let statements = texts(rating::MAX_STATEMENTS);
        let steps = Some(rating::MAX_STEPS.into());
        let ranked = texts(ranking::MAX_OPTIONS);
        let given = texts(points::MAX_OPTIONS);
        [
            (KindDraft::Choice(choice::Draft { options, ..Default::default() }), 240),
            (KindDraft::Points(points::Draft { options: given, ..Default::default() }), 240),
            (KindDraft::Rating(rating::Draft { statements, steps, ..Default::default() }), 72),
            (KindDraft::Ranking(ranking::Draft { options: ranked, places: None }), 60),
            (largest_number(), 23),
        ]
    }

    #[test]
    fn a_poll_of_any_kind_keeps_as_many_points_as_its_budget_holds() {
        for (kind, kept) in largest_of_each_kind() {
            let standing = Standing::new(Arc::new(poll(1, kind)), 1);
            let slots = standing.counts().len();
            let trends = Trends::new(1);
            let at = |second| {
                trends.note(&standing, UnixMillis(second * FIRST_STEP));
                trends.of(standing.poll.id).unwrap()
            };
            let full = (1..=kept as u64).map(at).last().unwrap();
            assert_eq!((full.points.len(), full.step), (kept, FIRST_STEP), "{slots} slots");
            let coarser = at(kept as u64 + 1);
            assert_eq!(coarser.step, 2 * FIRST_STEP, "{slots} slots");
            assert!(coarser.points.len() >= kept / 2, "{slots} slots: {}", coarser.points.len());
            let day = (1..86_400).step_by(60).map(|later| at(kept as u64 + later)).last().unwrap();
            assert!(day.points.len() > kept / 4, "{slots} slots: {}", day.points.len());
            assert!(bytes(&day) <= MOST_BYTES, "{slots} slots: {}", bytes(&day));
        }
    }

    #[test]
    fn a_draft_that_changes_its_slots_keeps_to_the_budget() {
        let mut trend = Trend::new(1);
        for second in 1..2_000 {
            // As many small points as there may be come before the large ones, and among them.
            let slots = if second % 300 < 240 { 2 } else { MAX_VALUES.into() };
            trend.note(of_slots(second * FIRST_STEP, second, slots));
            assert!(bytes(&trend) <= MOST_BYTES, "second {second}: {} bytes", bytes(&trend));
        }
    }

    /// SECURITY.md tells the memory of all trends: 50 MiB.
    #[test]
    fn all_trends_together_take_what_the_papers_say() {
        let most = WatchLimits::default().trends;
        assert!(most * MOST_BYTES <= 50 << 20, "{most} trends of {MOST_BYTES} bytes");
        let trends = Trends::new(most);
        for n in 0..=most as u64 {
            let standing = Standing::new(Arc::new(poll(n, largest_number())), 1);
            (1..=24).for_each(|second| trends.note(&standing, UnixMillis(second * FIRST_STEP)));
        }
        let kept = trends.kept.lock();
        let all: usize = kept.values().map(bytes).sum();
        assert_eq!(kept.len(), most);
        assert!(all <= most * MOST_BYTES, "{all} bytes");
    }

    #[test]
    fn the_poll_that_changed_longest_ago_makes_room_and_a_round_begins_anew() {
        let trends = Trends::new(2);
        let of = |n| trends.of(standing(n, 1).poll.id).map(|trend| trend.points.len());
        trends.note(&standing(1, 1), UnixMillis(1_000));
        trends.note(&standing(2, 1), UnixMillis(2_000));
        trends.note(&standing(1, 1), UnixMillis(3_000));
        trends.note(&standing(3, 1), UnixMillis(4_000));
        assert_eq!([of(1), of(2), of(3)], [Some(2), None, Some(1)]);
        trends.note(&standing(1, 2), UnixMillis(9_000));
        assert_eq!(of(1), Some(1), "nothing of the round before");
    }
}
