//! The pulse of a poll: how many watch it, and how far its votes have come. An event, which may show no poll
//! yet, has a pulse too: how many follow it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::lookup::seen::seen;
use crate::api::lookup::{self, Named};
use crate::api::operate::ends::{ends, records};
use crate::api::problem::Problem;
use crate::watch::latency::Percentiles;
use crate::watch::view;

/// The age up to which a known end of the log is used again: too short for anybody to notice.
const FRESH: Duration = Duration::from_millis(250);

/// A `Pulse` says how a poll is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pulse {
    /// The number of sockets and streams on this node that watch the poll.
    pub watchers: u64,
    /// Whether one of them, since this node started, came from a machine other than the server's. If so,
    /// phones can reach the server.
    pub elsewhere: bool,
    /// The number of records in the whole installation that the log has acknowledged: ballots of all polls
    /// and the records of their opening and closing. Null while the numbers are hidden from you, or if the
    /// log does not answer.
    #[schema(required)]
    pub acknowledged: Option<u64>,
    /// The number of those records that are decided, as far as this node has heard. Null while the numbers
    /// are hidden from you.
    #[schema(required)]
    pub counted: Option<u64>,
    /// The number of those records that are not decided yet. Null in the same cases as `acknowledged`.
    #[schema(required)]
    pub in_flight: Option<u64>,
    /// The time from the log's acknowledgement of a vote until the state with it was sent to screens, on this
    /// node and over all polls. Null before the first vote, and while the numbers are hidden from you.
    #[schema(required)]
    pub vote_to_screen: Option<VoteToScreen>,
    /// The hash of the result once it is final, which `pollux recount` prints too. Null before, and while the
    /// numbers are hidden from you.
    #[schema(required)]
    pub result_hash: Option<String>,
}

/// `VoteToScreen` says how long the newest sampled votes took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoteToScreen {
    /// The median: half of the votes took no longer, in milliseconds.
    #[serde(rename = "p50Ms")]
    pub p50_ms: u64,
    /// The 99th percentile: 99 of 100 votes took no longer, in milliseconds.
    #[serde(rename = "p99Ms")]
    pub p99_ms: u64,
    /// The number of samples.
    pub samples: u64,
}

impl From<Percentiles> for VoteToScreen {
    fn from(percentiles: Percentiles) -> Self {
        let Percentiles { p50, p99, samples } = percentiles;
        let millis = |time: Duration| time.as_millis() as u64;
        Self { p50_ms: millis(p50), p99_ms: millis(p99), samples: samples as u64 }
    }
}

/// Read how many watch a poll, and how far its votes have come.
#[utoipa::path(
    get, path = "/api/polls/{id}/pulse", tag = "polls", operation_id = "getPulse",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = Pulse, description = "The present values; numbers are null while hidden from you")),
    security((), ("owner" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (standing, audience) = seen(&app, &id, &asker, request.headers()).await?;
    let id = standing.poll.id;
    let mut pulse = Pulse {
        watchers: app.hub.viewers_of(id) as u64,
        elsewhere: app.hub.viewers_elsewhere(id),
        acknowledged: None,
        counted: None,
        in_flight: None,
        vote_to_screen: None,
        result_hash: None,
    };
    if view::sees_numbers(&standing.poll, audience) {
        let counted = app.hub.progress();
        let ends = app.ends.ask(FRESH, app.config.api.probe, || ends(&app)).await;
        pulse.counted = Some(records(&counted));
        if let Some(Ok(ends)) = ends {
            // The ends may have been read a moment ago, but what was counted is on the log in any case.
            let ends: Vec<_> =
                ends.iter().zip(&counted).map(|(end, next)| *end.max(next)).collect();
            pulse.acknowledged = Some(records(&ends));
            pulse.in_flight = Some(records(&ends) - records(&counted));
        }
        pulse.vote_to_screen = app.hub.vote_to_screen().map(VoteToScreen::from);
        pulse.result_hash = standing.result_hash();
    }
    Ok(answer::ok(&pulse))
}

/// An `EventPulse` says how an event is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventPulse {
    /// The number of sockets and streams on this node that follow the event, whichever poll it shows.
    pub watchers: u64,
    /// Whether one of them, since this node started, came from a machine other than the server's. If so,
    /// phones can reach the server.
    pub elsewhere: bool,
}

/// Read how many follow an event.
#[utoipa::path(
    get, path = "/api/events/{id}/pulse", tag = "events", operation_id = "getEventPulse",
    params(("id" = String, Path, description = "The id or join code of an event, or of a poll that belongs to none")),
    responses((status = 200, body = EventPulse, description = "The present values")),
)]
pub async fn event(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
) -> Result<Response, Problem> {
    let found = lookup::named(&app, &id, asker.client.address, Some(&asker));
    let (viewers, elsewhere) = match found.await? {
        Named::Event(agenda) => app.hub.followers(agenda.event.id),
        Named::Poll(standing) => {
            let id = standing.poll.id;
            (app.hub.viewers_of(id), app.hub.viewers_elsewhere(id))
        }
    };
    let pulse = EventPulse { watchers: viewers as u64, elsewhere };
    Ok(answer::ok(&pulse))
}
