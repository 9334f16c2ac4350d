//! What became of a ballot, told from its voter's rows. One rule for every backend, so that a
//! voter hears the same whichever keeps the rows.

use pollux_core::ballot::Status;
use pollux_core::id::{BallotId, Partition};

use super::{BallotFate, BallotRow};

/// Finds the fate of a ballot among its voter's rows, from the latest back. A ballot that
/// counted is replaced once a later one of the same round counted.
pub(super) struct FateFinder {
    ballot: BallotId,
    /// The round of the oldest row so far that counted. Rounds never grow on the way back, so
    /// a row of the ballot's own round that counted, if there is one, is the last of them.
    counted_in: Option<u32>,
}

impl FateFinder {
    pub(super) fn new(ballot: BallotId) -> Self {
        Self { ballot, counted_in: None }
    }

    /// Look at the next older row; `Some` once the answer is known, be it that there is none.
    pub(super) fn look(
        &mut self,
        partition: Partition,
        row: &BallotRow,
    ) -> Option<Option<BallotFate>> {
        if row.ballot == self.ballot {
            let counted = row.decided == Status::Counted;
            let replaced = counted && self.counted_in == Some(row.after.round);
            let status = if replaced { Status::Replaced } else { row.decided };
            let position = (partition, row.offset);
            return Some(Some(BallotFate { ballot: self.ballot, status, position }));
        }
        if !row.after.may_have_seen(self.ballot) {
            // Nothing as great was decided up to here.
            return Some(None);
        }
        if row.decided == Status::Counted {
            self.counted_in = Some(row.after.round);
        }
        None
    }
}
