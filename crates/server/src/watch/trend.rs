//! The trend of each poll: its cumulative counts over time, as this node has shown them since it
//! knows the poll. It is bounded in polls and in points. When a poll's points run out, its step
//! doubles, so a minute is kept by the second and a day by some minutes.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use pollux_core::id::{PollId, UnixMillis};
use pollux_core::standing::Standing;

/// The most points of one poll.
pub const MOST_POINTS: usize = 240;
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
        while self.points.len() > MOST_POINTS {
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

    use pollux_core::poll::{Draft, Poll};
    use proptest::prelude::*;

    use super::*;

    fn point(at: u64, voters: u64) -> Point {
        Point { at: UnixMillis(at), voters, votes: vec![voters, 0] }
    }

    proptest! {
        /// However votes come, the line is bounded, ascends, has one point a step, and ends with
        /// what is shown. No point has a count that was not the last of its step.
        #[test]
        fn a_line_stays_bounded_and_true(pauses in prop::collection::vec(0..5_000_u64, 1..900)) {
            let mut trend = Trend::new(1);
            let mut now = 1_795_262_400_000;
            let mut all = Vec::new();
            for (voters, pause) in (1..).zip(pauses) {
                now += pause;
                trend.note(point(now, voters));
                all.push(point(now, voters));
            }
            prop_assert!(trend.points.len() <= MOST_POINTS);
            prop_assert_eq!(trend.points.last(), all.last());
            let bin = |point: &Point| point.at.0 / trend.step;
            let last_of_bins: Vec<_> = all
                .chunk_by(|a, b| bin(a) == bin(b))
                .map(|chunk| chunk.last().unwrap().clone())
                .collect();
            prop_assert_eq!(&trend.points, &last_of_bins);
            prop_assert!(trend.step == FIRST_STEP || trend.points.len() > MOST_POINTS / 8, "no coarser than it must be");
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
        let id = PollId::new(UnixMillis(n), [1; 10]);
        let mut poll =
            Poll::draft(id, Draft::new("Which?", ["a", "b"]), [0; 32], UnixMillis(0)).unwrap();
        poll.round = round;
        Standing::new(Arc::new(poll), 1)
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
