//! The status of the whole pipeline, in words that an organiser understands. It never waits long for log or
//! store: one that is away is reported as away.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, Uri};
use parking_lot::Mutex;
use pollux_core::id::Offset;
use pollux_core::right::{Right, may};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use super::address;
use super::ends::{SILENT, ends, records};
use crate::api::access::asker::Asker;
use crate::api::access::right::wrong_token;
use crate::api::http::answer;
use crate::api::http::query::Query;
use crate::api::problem::security::SecurityEvent;
use crate::api::problem::{Problem, Trouble};
use crate::api::{App, lookup};
use crate::watch::view::rfc3339;

/// How old the answers of log and store may be.
const FRESH: Duration = Duration::from_secs(1);

/// `Status` says how the server is. Without a token only the first three members are given; the others are null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `embedded` is one process with a data folder. `cluster` is any number of nodes over Kafka and
    /// PostgreSQL.
    pub mode: String,
    /// The version of this server.
    pub version: String,
    /// Whether votes are accepted now.
    pub ready: bool,
    /// The time at which this node started. RFC 3339, UTC.
    #[schema(required, format = "date-time")]
    pub started_at: Option<String>,
    /// The address at which this node is reached.
    #[schema(required)]
    pub node: Option<String>,
    /// The number of sockets and streams on this node that watch anything.
    #[schema(required)]
    pub watchers: Option<u64>,
    /// The log, where votes are kept before and after they are counted.
    #[schema(required)]
    pub log: Option<LogStatus>,
    /// The processors, which count votes.
    #[schema(required)]
    pub processors: Option<ProcessorsStatus>,
    /// The store, where polls and results are kept.
    #[schema(required)]
    pub store: Option<StoreStatus>,
    /// The time at which this node last heard that votes were counted. RFC 3339, UTC; null if it has not yet.
    #[schema(required, format = "date-time")]
    pub last_commit_at: Option<String>,
}

/// `LogStatus` says how the log is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogStatus {
    /// Whether the log takes votes, says how many it has, and is undamaged as far as is known.
    pub ok: bool,
    /// What is wrong; null if nothing is.
    #[schema(required)]
    pub detail: Option<String>,
    /// In what the log may lose votes that it has acknowledged, as when brokers do not flush them to disk
    /// first; null if there is nothing of the kind.
    #[schema(required)]
    pub weakness: Option<String>,
    /// The number of partitions.
    pub partitions: u32,
    /// The number of records on the log: ballots of all polls and the records of their opening and closing.
    /// Null if the log does not answer.
    #[schema(required)]
    pub end: Option<u64>,
    /// The number of those records that are decided.
    pub counted: u64,
    /// The number of those records that are not decided yet. Null if the log does not answer.
    #[schema(required)]
    pub lag: Option<u64>,
    /// The seconds for which at least one of those records has been waiting, as far as this node has seen. A
    /// node looks when it is asked for its status. 0 when nothing waits.
    #[schema(required)]
    pub lag_seconds: Option<u64>,
}

/// `ProcessorsStatus` says how the processors are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessorsStatus {
    /// The number of partitions that this node counts. Other nodes of a cluster count the others.
    pub here: u32,
    /// The number of partitions.
    pub partitions: u32,
    /// Why partitions that this node should count are not being counted; empty when all is well.
    pub troubles: Vec<String>,
}

/// `StoreStatus` says how the store is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// Whether polls can be created and changed, and votes counted.
    pub ok: bool,
    /// What is wrong; null if nothing is.
    #[schema(required)]
    pub detail: Option<String>,
}

/// Read the status of the server.
#[utoipa::path(
    get, path = "/api/status", tag = "server", operation_id = "getStatus",
    params(("poll" = Option<String>, Query, description = "The poll or event (id or join code) whose owner's token you show")),
    responses((status = 200, body = Status, description = "The whole status for the operator and for the owner of any poll or event; the first three members for everybody. The operator and the server's own machine are also told what log, store and processor report about a fault")),
    security((), ("owner" = []), ("operator" = [])),
    extensions(("x-troubles" = json!([Trouble::WrongToken, Trouble::NoSuchPoll]))),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let all = may_see_all(&app, &asker, request.uri()).await?;
    let mut status = Status {
        mode: if app.config.is_cluster() { "cluster" } else { "embedded" }.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ready: !app.stopping.is_cancelled() && app.log.ready().is_ok(),
        started_at: None,
        node: None,
        watchers: None,
        log: None,
        processors: None,
        store: None,
        last_commit_at: None,
    };
    if all {
        let words = Words { of_backends: asker.is_insider(&app) };
        let ((log, counted), own) = (pipeline(&app, words).await, address::own(&app.config));
        status.started_at = Some(rfc3339(app.started_at));
        status.node = Some(own);
        status.watchers = Some(app.hub.viewers() as u64);
        status.log = Some(log);
        status.processors = Some(processors(&app, words));
        status.store = Some(store(&app, counted.err(), words));
        status.last_commit_at = app.hub.committed_at().map(rfc3339);
    }
    Ok(answer::ok(&status))
}

/// `Words` says in whose words a fault is told. Anybody may create a poll and be its owner, so owners are told
/// our words only: a backend's words name files, hosts and accounts.
#[derive(Clone, Copy)]
struct Words {
    of_backends: bool,
}

impl Words {
    /// Returns our words, followed by the backend's where they may be told.
    fn tell(self, ours: String, theirs: &str) -> String {
        if self.of_backends { format!("{ours} ({theirs})") } else { ours }
    }
}

/// Returns whether the asker shows the operator's token, or the owner's of the poll or event that the query
/// names.
async fn may_see_all(app: &App, asker: &Asker, uri: &Uri) -> Result<bool, Problem> {
    if asker.token().is_none() {
        return Ok(false);
    }
    if asker.is_operator(app) {
        return Ok(true);
    }
    let query = Query::of(uri)?;
    let Some(poll) = query.one("poll")? else {
        let detail = "this is not the operator's token; with an owner's token, name its poll or event: \
                      ?poll={id}";
        let problem = Problem::new(Trouble::WrongToken, detail);
        return Err(problem.noted_as(SecurityEvent::OperatorTokenWrong));
    };
    // While the store is away, an owner whose poll is not in memory is told no more than everybody.
    let found = lookup::named(app, poll, asker.client.address, Some(asker));
    match timeout(app.config.api.probe, found).await {
        Ok(Ok(named)) => match may(asker.role(app, named.owner()), Right::Owner) {
            Ok(()) => Ok(true),
            Err(_) => Err(wrong_token("owner's")),
        },
        Ok(Err(problem)) if problem.trouble() == Trouble::NoSuchPoll => Err(problem),
        Ok(Err(_)) | Err(_) => Ok(false),
    }
}

/// Returns the status of the log, and an error if the store does not say how far it has counted.
async fn pipeline(app: &Arc<App>, words: Words) -> (LogStatus, Result<(), String>) {
    let (store, patience) = (app.store.clone(), app.config.api.probe);
    let deadline = app.config.api.deadline;
    let progress = app.progress.ask(FRESH, patience, || async move {
        let progress = timeout(deadline, store.progress()).await.map_err(|_| SILENT)?;
        progress.map_err(|error| error.to_string())
    });
    // The store is asked first, because what it had counted by then is on the log when the log is asked.
    let progress = progress.await.unwrap_or_else(|| Err(SILENT.into()));
    let ends = app.ends.ask(FRESH, patience, || ends(app)).await;
    let ends = ends.unwrap_or_else(|| Err(SILENT.into()));
    let mut counted = app.hub.progress();
    for (partition, progress) in progress.iter().flatten() {
        if let Some(next) = counted.get_mut(*partition as usize) {
            *next = progress.next_offset.max(*next);
        }
    }
    let mut log = LogStatus {
        ok: true,
        detail: None,
        weakness: None,
        partitions: app.log.partitions(),
        end: None,
        counted: records(&counted),
        lag: None,
        lag_seconds: None,
    };
    if let Ok(ends) = &ends {
        let ends: Vec<_> = ends.iter().zip(&counted).map(|(end, next)| *end.max(next)).collect();
        log.end = Some(records(&ends));
        log.lag = Some(records(&ends) - records(&counted));
        log.lag_seconds = Some(app.behind.look(&ends, &counted).as_secs());
    }
    let hindrance = app.log.hindrance();
    let meanwhile = if hindrance.is_some() { "wait" } else { "are refused" };
    let refused = hindrance.or(app.log.ready().err()).or(ends.err()).map(|why| {
        let who = if app.config.is_cluster() { "Kafka" } else { "The log in the data folder" };
        words.tell(format!("{who} cannot be used: votes {meanwhile} until it can be"), &why)
    });
    let damaged = || {
        let ours = "Votes are taken and kept, but some records of the log are damaged";
        app.log.damage().map(|why| words.tell(ours.to_owned(), &why))
    };
    log.detail = refused.or_else(damaged);
    log.ok = log.detail.is_none();
    log.weakness = app.log.weakness().map(|why| {
        words.tell("Votes are taken, but some that were acknowledged may be lost".to_owned(), &why)
    });
    (log, progress.map(drop))
}

fn processors(app: &App, words: Words) -> ProcessorsStatus {
    let partitions = app.log.partitions();
    let Some(processor) = app.processor.get() else {
        return ProcessorsStatus { here: 0, partitions, troubles: Vec::new() };
    };
    let troubles = processor.troubles.lock();
    let held = processor.held.lock();
    let here = held.iter().filter(|partition| !troubles.contains_key(partition)).count();
    let troubles = troubles.iter().map(|(partition, why)| {
        words.tell(format!("partition {partition} is not counted at the moment"), why)
    });
    ProcessorsStatus { here: here as u32, partitions, troubles: troubles.collect() }
}

fn store(app: &App, silent: Option<String>, words: Words) -> StoreStatus {
    let why = app.store.ready().err().or(silent);
    let detail = why.map(|why| {
        let who = if app.config.is_cluster() { "The database" } else { "The data folder" };
        let ours = format!(
            "{who} cannot be used: votes in polls that are open are taken and kept, but they are \
             counted, and polls created and changed, only once it can be"
        );
        words.tell(ours, &why)
    });
    StoreStatus { ok: detail.is_none(), detail }
}

/// `Behind` knows how long records on the log have been waiting to be counted. For each partition an end that
/// was seen is remembered until it is counted; then the present end is.
#[derive(Default)]
pub struct Behind {
    seen: Mutex<Vec<(Offset, Instant)>>,
}

impl Behind {
    /// Returns how long the oldest record has been waiting, at least.
    fn look(&self, ends: &[Offset], counted: &[Offset]) -> Duration {
        let now = Instant::now();
        let mut seen = self.seen.lock();
        seen.resize(ends.len(), (0, now));
        for ((seen, end), next) in seen.iter_mut().zip(ends).zip(counted) {
            if *next >= seen.0 {
                *seen = (*end, now);
            }
        }
        let waiting = seen.iter().zip(counted).filter(|(seen, next)| seen.0 > **next);
        waiting.map(|((_, since), _)| now - *since).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_told_from_what_is_under_way() {
        let second = Duration::from_secs(1);
        let behind = Behind::default();
        assert_eq!(behind.look(&[10, 5], &[10, 5]), Duration::ZERO);
        for n in 1..10 {
            // Something is always under way, and all of it is counted a moment later.
            assert_eq!(behind.look(&[10 + n, 5], &[9 + n, 5]), Duration::ZERO, "{n}");
            advance(second).await;
        }
        behind.look(&[30, 6], &[20, 5]);
        advance(4 * second).await;
        assert_eq!(behind.look(&[50, 6], &[29, 6]), 4 * second);
        advance(second).await;
        assert_eq!(behind.look(&[50, 6], &[30, 6]), Duration::ZERO, "those of then are counted");
        advance(second).await;
        assert_eq!(behind.look(&[50, 6], &[40, 6]), second, "and later ones wait since then");
    }
}
