//! The fold of one poll's records on the log, and the ballots that it counted as frames of a replay.

use pollux_core::ballot::{Ballot, Status};
use pollux_core::fold::{self, Outcome, Past};
use pollux_core::id::{Offset, PollId, UnixMillis};
use pollux_core::kind::Answer;
use pollux_core::kind::words::Names;
use pollux_core::poll::Poll;
use pollux_core::record::{Control, Entry};
use pollux_core::standing::Standing;
use pollux_core::tally::{DeadReason, Tally};

use super::{Frame, ReplayView};
use crate::log::Record;
use crate::watch::view::rfc3339;

/// The most frames of a replay.
pub(super) const FRAMES: u64 = 200;

/// A `CountedBallot` is a ballot that began to count, with the answer of the ballot that it replaced.
pub struct CountedBallot {
    at: UnixMillis,
    counted: Answer,
    replaced: Option<Answer>,
}

/// `Fold` is one poll in one partition, folded by the core.
pub struct Fold {
    poll: PollId,
    part: fold::Part,
    past: Past,
    /// The ballots counted in the present round.
    pub ballots: Vec<CountedBallot>,
    /// The latest time seen. A ballot counts when it comes to stand on the log, even if its node's clock is
    /// behind.
    now: UnixMillis,
}

impl Fold {
    /// Creates the fold of a poll in this partition before its first record.
    pub fn new(poll: &Poll, part: fold::Part) -> Self {
        let mut past = Past::default();
        past.polls.extend(fold::known(poll, None).map(|known| (poll.id, known)));
        Self { poll: poll.id, part, past, ballots: Vec::new(), now: UnixMillis::default() }
    }

    /// Returns the tally up to now, if the poll is known.
    pub fn tally(&self) -> Option<&Tally> {
        self.past.polls.get(&self.poll).map(|(_, tally)| tally)
    }

    fn round(&self) -> Option<u32> {
        self.tally().map(|tally| tally.round)
    }

    /// Folds these records as well, as far as they lie before `until`.
    pub fn page(mut self, records: Vec<Record>, until: Offset) -> Self {
        for record in records.into_iter().filter(|record| record.offset < until) {
            if let Ok(entry) = Entry::decode(&record.value) {
                self.apply(record.offset, &entry);
            }
        }
        self
    }

    fn apply(&mut self, offset: Offset, entry: &Entry) {
        let (Entry::Ballot(Ballot { poll, at, .. }) | Entry::Control(Control { poll, at, .. })) =
            entry
        else {
            return;
        };
        if *poll != self.poll {
            return;
        }
        let round = self.round();
        let effect = self.past.apply(self.part, offset, entry);
        if !matches!(effect.outcome, Outcome::Dead(DeadReason::Misplaced)) {
            self.now = self.now.max(*at);
        }
        if self.round() != round {
            self.ballots.clear();
        }
        if let (Outcome::Decided(decided), Entry::Ballot(ballot)) = (effect.outcome, entry)
            && decided.status == Status::Counted
        {
            let (at, counted) = (self.now, ballot.answer.clone());
            self.ballots.push(CountedBallot { at, counted, replaced: decided.replaced });
        }
    }
}

/// Returns the ballots as frames at equal intervals.
pub fn show(mut ballots: Vec<CountedBallot>, voters: u64, standing: &Standing) -> ReplayView {
    // The ballots of each partition are in ascending order already, and a stable sort keeps that order.
    ballots.sort_by_key(|ballot| ballot.at);
    let closed = standing.poll.closed_at.unwrap_or_default();
    let to = ballots.last().map_or(closed, |ballot| ballot.at.max(closed));
    let from = ballots.first().map_or(to, |ballot| ballot.at);
    let length = to.0 - from.0;
    let intervals = length.min(FRAMES - 1);
    let form = standing.poll.kind.form();
    let (mut votes, names) = (vec![0_u64; form.slots()], Names::default());
    let mut ballots = ballots.into_iter().peekable();
    let frames = (0..=intervals).map(|n| {
        let at = UnixMillis(from.0 + (length * n).checked_div(intervals).unwrap_or(length));
        while let Some(ballot) = ballots.next_if(|ballot| ballot.at <= at) {
            // Without names all words fall into the one slot that a replay shows of them.
            form.marks(&ballot.counted, &names, |slot, weight| votes[slot] += weight);
            if let Some(answer) = ballot.replaced {
                form.marks(&answer, &names, |slot, weight| votes[slot] -= weight);
            }
        }
        Frame { at: rfc3339(at), votes: votes.clone() }
    });
    let frames = frames.collect();
    ReplayView { from: rfc3339(from), to: rfc3339(to), voters, frames }
}
