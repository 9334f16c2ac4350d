//! What became of a ballot, told from its voter's rows. One rule for every backend, so that a
//! voter hears the same whichever keeps the rows.

use pollux_core::ballot::Status;
use pollux_core::id::{BallotId, Partition};

use super::{BallotFate, BallotRow};

/// The fate of a ballot, given its voter's rows from the latest back to the ballot's own. A
/// ballot that counted is replaced once a later one of the same round counted.
pub(super) struct FateFinder {
    ballot: BallotId,
    counted_in: Vec<u32>,
}

impl FateFinder {
    pub(super) fn new(ballot: BallotId) -> Self {
        Self { ballot, counted_in: Vec::new() }
    }

    /// Look at the next older row; `Some` once the answer is known.
    pub(super) fn look(&mut self, partition: Partition, row: &BallotRow) -> Option<BallotFate> {
        let round = row.after.round;
        if row.ballot == self.ballot {
            let replaced = row.decided == Status::Counted && self.counted_in.contains(&round);
            let status = if replaced { Status::Replaced } else { row.decided };
            return Some(BallotFate {
                ballot: self.ballot,
                status,
                position: (partition, row.offset),
            });
        }
        // Rows go back in time, so the rounds in here never grow: one of each is enough.
        if row.decided == Status::Counted && self.counted_in.last() != Some(&round) {
            self.counted_in.push(round);
        }
        None
    }
}
