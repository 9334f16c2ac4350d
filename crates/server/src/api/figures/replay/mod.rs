//! The replay of a final poll's vote from the log itself: its records are read and folded again, and the
//! outcome must be the result that is shown.
//!
//! One replay is made at a time, and is kept for later requests. Its records are decoded and folded on one
//! thread beside the runtime's own, because votes need those.

mod fold;
mod make;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, Request};
use parking_lot::Mutex;
use pollux_core::id::PollId;
use pollux_core::poll::PollStatus;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use self::make::make;
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::lookup::seen::seen;
use crate::api::operate::probe::Probe;
use crate::api::problem::{Problem, Trouble};
use crate::log::ReadError;
use crate::watch::view::sees_numbers;

/// A replay never gets too old, because it is made from records that do not change.
const FRESH: Duration = Duration::MAX;

/// A `Replay` shows how the vote of a poll went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Replay)]
pub struct ReplayView {
    /// The time of the first vote that counted. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub from: String,
    /// The time at which the poll closed. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub to: String,
    /// The number of people counted in the end.
    pub voters: u64,
    /// Frames at equal intervals, from the first vote to the close. The last one is the final result.
    #[schema(min_items = 1, max_items = 200)]
    pub frames: Vec<Frame>,
}

/// A `ReplayFrame` shows what was counted up to one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReplayFrame)]
pub struct Frame {
    /// The moment. RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub at: String,
    /// The marks counted by then: for a choice one number for each option in the organiser's order; for a
    /// rating one for each step of the first statement, then of the second, and so on; for a ranking likewise one
    /// for each place of each option; for points the first option's points and the number of people who gave it any,
    /// then the same of the second, and so on; for a number one for each value, from the least on.
    pub votes: Vec<u64>,
}

/// `Replays` keeps the replays that were asked for last, and those that are being made.
pub struct Replays {
    kept: Mutex<VecDeque<(Key, Arc<Making>)>>,
    /// The permit to make a replay, of which there is one because making one takes memory.
    making: Arc<Semaphore>,
}

/// A key is a poll and its phase: there is one result for each phase that is final.
type Key = (PollId, u32);

/// `Making` is one replay that is being made, for which all who ask wait together.
type Making = Probe<Bytes, Failed>;

impl Default for Replays {
    fn default() -> Self {
        Self { kept: Mutex::default(), making: Arc::new(Semaphore::new(1)) }
    }
}

impl Replays {
    /// Returns the replay of this poll, or a new one in the place of the oldest that is made. Returns `None`
    /// while as many are being made as may be kept.
    fn of(&self, key: Key, most: usize) -> Option<Arc<Making>> {
        let mut kept = self.kept.lock();
        if let Some((_, probe)) = kept.iter().find(|(known, _)| *known == key) {
            return Some(probe.clone());
        }
        if kept.len() >= most {
            let done = kept.iter().position(|(_, probe)| !probe.is_under_way())?;
            kept.remove(done);
        }
        let probe = Arc::new(Probe::default());
        kept.push_back((key, probe.clone()));
        Some(probe)
    }
}

/// `Failed` says why there is no replay.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failed {
    /// The poll's part of the log has more records than are read for a replay.
    TooLong,
    /// The log cannot be read at the moment.
    Unreadable(String),
    /// What the log gives is not what is shown.
    Different,
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Read a replay of a final poll's vote.
#[utoipa::path(
    get, path = "/api/polls/{id}/replay", tag = "polls", operation_id = "getReplay",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = ReplayView, description = "The numbers counted up to each frame, folded from the log itself")),
    security((), ("owner" = [])),
    extensions(("x-troubles" = json!([Trouble::WrongStatus]))),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers: &HeaderMap = request.headers();
    let (standing, audience) = seen(&app, &id, &asker, headers).await?;
    let poll = &standing.poll;
    if !standing.is_final() {
        let detail = match poll.status {
            PollStatus::Closed => "the poll is closed, but not all of its votes are counted yet",
            _ => "a poll is replayed once it is closed",
        };
        return Err(Problem::new(Trouble::WrongStatus, detail));
    }
    if !sees_numbers(poll, audience) {
        let detail = "the poll's numbers are hidden until its owner reveals them";
        return Err(Problem::new(Trouble::WrongStatus, detail));
    }
    let limits = &app.config.api;
    let Some(probe) = app.replays.of((poll.id, poll.phase), limits.replays) else {
        return Err(Problem::new(Trouble::StoreUnavailable, "many replays are being made already"));
    };
    let made = probe.ask(FRESH, limits.deadline, || {
        let (log, making, most) =
            (app.log.clone(), app.replays.making.clone(), limits.replay_records);
        async move {
            let _alone = making.acquire().await;
            make(&*log, &standing, most as u64).await
        }
    });
    match made.await {
        Some(Ok(json)) => {
            let mut response = answer::served(&json);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        Some(Err(failed)) => Err(problem(&app, &failed)),
        None => Err(Problem::new(
            Trouble::StoreUnavailable,
            "the replay of a long vote is still being made; ask again in a moment",
        )),
    }
}

fn problem(app: &App, failed: &Failed) -> Problem {
    match failed {
        Failed::TooLong => {
            let most = app.config.api.replay_records;
            let detail = format!(
                "the vote lies among more than {most} records of the log, which is as many as are \
                 read for a replay (POLLUX_API_REPLAY_RECORDS)"
            );
            Problem::new(Trouble::WrongStatus, detail)
        }
        Failed::Unreadable(why) => {
            tracing::warn!(%why, "a vote cannot be replayed now");
            Problem::new(Trouble::StoreUnavailable, "the log cannot be read at the moment")
        }
        Failed::Different => {
            tracing::error!("a replay is not what is shown: run `pollux recount`");
            Problem::new(
                Trouble::StoreUnavailable,
                "what the log gives is not what is shown; the operator should run pollux recount",
            )
        }
    }
}

#[cfg(test)]
mod tests;
