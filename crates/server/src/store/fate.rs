//! What became of a ballot, told from the rows there are. One rule for every backend, so that
//! a voter hears the same whichever keeps the rows.

use pollux_core::ballot::Status;
use pollux_core::id::{BallotId, Partition};
use pollux_core::poll::Rules;

use super::{BallotFate, BallotRow};

/// The fate of a voter's ballot.
///
/// `own` is a row of this very ballot and voter (found where the asker said, or else the
/// voter's latest when that is the ballot asked for); `latest` the voter's latest row. Without
/// an own row the latest state tells what it can, and the place is unknown.
pub(super) fn fate(
    rules: &Rules,
    ballot: BallotId,
    own: Option<(Partition, &BallotRow)>,
    latest: Option<&BallotRow>,
) -> Option<BallotFate> {
    let now = latest.map(|row| row.after).unwrap_or_default();
    let Some((partition, row)) = own else {
        let status = now.status_of(ballot, rules)?;
        return Some(BallotFate { ballot, status, position: None });
    };
    let replaced = now.counted.is_some_and(|(counted, _)| counted != ballot);
    let status = match row.decided {
        Status::Counted if replaced => Status::Replaced,
        decided => decided,
    };
    Some(BallotFate { ballot, status, position: Some((partition, row.offset)) })
}
