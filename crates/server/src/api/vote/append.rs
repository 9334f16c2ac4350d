//! The append of a ballot to the log, which may have to wait until the log takes it.

use std::time::Duration;

use pollux_core::ballot::Ballot;
use pollux_core::id::{Position, partition_of};
use pollux_core::record::{Entry, ballot_key};
use tokio::time::Instant;

use crate::api::App;
use crate::api::problem::{Problem, Trouble};
use crate::log::{AppendError, NewRecord};

/// The time after which a ballot may have been overtaken by a change of its poll, even if it never stood in
/// line.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// `Appended` tells of a ballot that is durable on the log.
pub struct Appended {
    /// The position of its record.
    pub position: Position,
    /// Whether the append took so long that the poll may have been changed meanwhile.
    pub waited: bool,
}

/// Appends a ballot. It stands in line for as long as the voter is patient.
pub async fn append(app: &App, ballot: Ballot, patience: Duration) -> Result<Appended, Problem> {
    let key = ballot_key(ballot.poll, ballot.voter);
    let partition = partition_of(key.as_bytes(), app.log.partitions());
    let record = NewRecord { key: key.into(), value: Entry::Ballot(ballot).encode().into() };
    let began = Instant::now();
    let mut append = app.log.append(partition, record);
    let outcome = append.taken(patience, app.config.api.vote_deadline).await;
    let took = began.elapsed();
    app.metrics.appended(took);
    match outcome {
        Ok(position) => {
            let waited = append.has_waited() || took >= LONG_WAIT;
            Ok(Appended { position, waited })
        }
        Err(AppendError::NotRecorded(why)) => {
            tracing::debug!(%why, "a ballot was refused by the log");
            let detail = "the log does not take the ballot at the moment";
            Err(Problem::new(Trouble::NotRecorded, detail))
        }
        Err(AppendError::Unknown(why)) => {
            tracing::debug!(%why, "a ballot's append is unknown");
            let detail = "the log did not say whether it has the ballot";
            Err(Problem::new(Trouble::OutcomeUnknown, detail))
        }
    }
}
