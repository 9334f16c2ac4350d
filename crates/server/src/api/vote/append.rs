//! Putting a ballot on the log, which may have to wait until the log takes it.

use std::time::Duration;

use pollux_core::ballot::Ballot;
use pollux_core::id::{Position, partition_of};
use pollux_core::record::{Entry, ballot_key};
use tokio::time::{Instant, timeout};

use super::fate::decision;
use super::receipt::Recorded;
use crate::api::App;
use crate::api::problem::{Problem, Trouble};
use crate::log::{AppendError, NewRecord};

/// Whoever has waited so long for the log may be late.
const LONG_WAIT: Duration = Duration::from_secs(1);
/// Longest look whether they are.
const LOOK: Duration = Duration::from_millis(500);

/// Append a ballot; its record's place, once it is durable.
pub async fn append(app: &App, ballot: Ballot, patience: Duration) -> Result<Position, Problem> {
    let key = ballot_key(ballot.poll, ballot.voter);
    let partition = partition_of(key.as_bytes(), app.log.partitions());
    let record = NewRecord { key: key.into(), value: Entry::Ballot(ballot).encode().into() };
    let began = Instant::now();
    let outcome = app.log.append(partition, record).within(patience).await;
    app.metrics.appended(began.elapsed());
    outcome.map_err(|error| match error {
        AppendError::NotRecorded(why) => {
            tracing::debug!(%why, "a ballot was refused by the log");
            let detail = "the log does not take the ballot at the moment";
            Problem::new(Trouble::NotRecorded, detail)
        }
        AppendError::Unknown(why) => {
            tracing::debug!(%why, "a ballot's append is unknown");
            let detail = "the log did not say whether it has the ballot";
            Problem::new(Trouble::OutcomeUnknown, detail)
        }
    })
}

/// Whether a ballot that was appended since then has waited long enough to be late.
pub fn may_be_late(began: Instant) -> bool {
    began.elapsed() >= LONG_WAIT
}

/// A ballot that waited for the log may stand behind a change of its poll that another node has
/// recorded meanwhile, such as its close. Then only what was decided is an answer.
#[cold]
pub async fn after_waiting(app: &App, recorded: Recorded) -> Result<Recorded, Problem> {
    let (id, phase) = (recorded.poll.id, recorded.poll.phase);
    let stored = match timeout(LOOK, app.store.standing(id)).await {
        Ok(Ok(Some(standing))) => Some(standing.poll.phase),
        _ => app.hub.poll(id).map(|poll| poll.phase),
    };
    if stored.is_none_or(|now| now == phase) {
        return Ok(recorded);
    }
    let Some(decided) = decision(app, &recorded).await else {
        let detail = "the poll was changed while the ballot waited for the log, and it is not decided \
                      yet: send the same ballotId again in a moment to hear what became of it";
        let unknown = Problem::new(Trouble::OutcomeUnknown, detail);
        return Err(unknown.with_ballot(recorded.ballot));
    };
    Ok(Recorded { decided: Some(decided), ..recorded })
}
