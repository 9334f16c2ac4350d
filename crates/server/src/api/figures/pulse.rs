//! A poll's pulse: who watches, and how far the votes have come on their way. Of an event, which may
//! show no poll yet, who follows it.

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

/// How old the log's end may be: much younger than anybody can read.
const FRESH: Duration = Duration::from_millis(250);

/// How a poll is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pulse {
    /// Sockets and streams that watch this poll, on this node.
    pub watchers: u64,
    /// Whether one of them ever came from another machine than the server's, since this node started:
    /// then phones can open it.
    pub elsewhere: bool,
    /// Records that the log has acknowledged, of the whole installation: ballots of all polls and the
    /// marks of their opening and closing. Null while the numbers are hidden from you, or the log
    /// does not say.
    #[schema(required)]
    pub acknowledged: Option<u64>,
    /// Of them, those that are decided, as far as this node has heard. Null while the numbers are
    /// hidden from you.
    #[schema(required)]
    pub counted: Option<u64>,
    /// Of them, those that are not decided yet. Null as `acknowledged` is.
    #[schema(required)]
    pub in_flight: Option<u64>,
    /// From the log's acknowledgement of a vote to the moment at which the state with it was sent to
    /// screens, on this node, over all polls. Null before the first, and while hidden from you.
    #[schema(required)]
    pub vote_to_screen: Option<VoteToScreen>,
    /// Once final: the hash of the result, which `pollux recount` prints too. Null before, and while
    /// hidden from you.
    #[schema(required)]
    pub result_hash: Option<String>,
}

/// How long the newest sampled votes took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoteToScreen {
    /// Half of them took no longer, in milliseconds.
    #[serde(rename = "p50Ms")]
    pub p50_ms: u64,
    /// 99 of 100 took no longer, in milliseconds.
    #[serde(rename = "p99Ms")]
    pub p99_ms: u64,
    /// How many there are.
    pub samples: u64,
}

impl From<Percentiles> for VoteToScreen {
    fn from(percentiles: Percentiles) -> Self {
        let Percentiles { p50, p99, samples } = percentiles;
        let millis = |time: Duration| time.as_millis() as u64;
        Self { p50_ms: millis(p50), p99_ms: millis(p99), samples: samples as u64 }
    }
}

/// Who watches a poll, and how far the votes have come.
#[utoipa::path(
    get, path = "/api/polls/{id}/pulse", tag = "polls", operation_id = "getPulse",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = Pulse, description = "As of now; numbers are null while hidden from you")),
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
        watchers: app.hub.watchers(id) as u64,
        elsewhere: app.hub.watched_from_elsewhere(id),
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
            // What was counted is on the log, even if it was asked a moment ago.
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

/// How an event is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventPulse {
    /// Sockets and streams that follow this event, on this node, whichever poll it shows.
    pub watchers: u64,
    /// Whether one of them ever came from another machine than the server's, since this node started:
    /// then phones can open it.
    pub elsewhere: bool,
}

/// Who follows an event.
#[utoipa::path(
    get, path = "/api/events/{id}/pulse", tag = "events", operation_id = "getEventPulse",
    params(("id" = String, Path, description = "The event's id or join code; those of a lone poll will do")),
    responses((status = 200, body = EventPulse, description = "As of now")),
)]
pub async fn event(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
) -> Result<Response, Problem> {
    let found = lookup::named(&app, &id, asker.client.address, asker.token());
    let (watchers, elsewhere) = match found.await? {
        Named::Event(agenda) => app.hub.followers(agenda.event.id),
        Named::Poll(standing) => {
            let id = standing.poll.id;
            (app.hub.watchers(id), app.hub.watched_from_elsewhere(id))
        }
    };
    let pulse = EventPulse { watchers: watchers as u64, elsewhere };
    Ok(answer::ok(&pulse))
}
