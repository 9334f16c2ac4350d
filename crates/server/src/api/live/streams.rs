//! Watching over server-sent events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use futures_util::StreamExt;
use http::Request;
use http::header::{self, HeaderName, HeaderValue};

use super::interest::{interest, room, want};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::path::Params;
use crate::api::http::query::Query;
use crate::api::operate::address;
use crate::api::problem::{Problem, Trouble};
use crate::watch::stream::event_stream;
use crate::watch::viewer::BrowserId;
use crate::watch::viewer::Interest;

/// Watch all polls and the leaderboard, or what the query narrows it to.
#[utoipa::path(
    get, path = "/api/events", tag = "watching", operation_id = "watchAll",
    params(
        ("poll" = Option<Vec<String>>, Query, description = "Only this poll (id or join code); may be repeated"),
        ("event" = Option<String>, Query, description = "This event (id or join code, also those of a poll) and its current poll, whichever that is"),
        ("leaderboard" = Option<String>, Query, description = "Send the leaderboard, in addition to the polls that are named"),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "`hello` first, then `poll.created`, `poll.updated`, `poll.closed`, `event.changed`, `leaderboard.changed`; data is JSON")),
    extensions(("x-troubles" = json!([
        Trouble::NotReady, Trouble::TooManyViewers, Trouble::NoSuchPoll,
        Trouble::StoreUnavailable,
    ]))),
)]
pub async fn all_events(
    State(app): State<Arc<App>>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let query = Query::of(request.uri())?;
    let from = asker.client.address;
    let cookie = app.keys.cookie(request.headers());
    let interest = interest(&app, &query, from, cookie).await?;
    stream(&app, interest, cookie)
}

/// Watch one poll.
#[utoipa::path(
    get, path = "/api/polls/{id}/events", tag = "watching", operation_id = "watchPoll",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "`hello` first, then `poll.updated` and `poll.closed`; data is JSON")),
    extensions(("x-troubles" = json!([Trouble::NotReady, Trouble::TooManyViewers]))),
)]
pub async fn poll_events(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let from = asker.client.address;
    let cookie = app.keys.cookie(request.headers());
    let mut interest = Interest { elsewhere: !address::is_here(from), ..Interest::default() };
    want(&app, &mut interest, &id, from, cookie).await?;
    stream(&app, interest, cookie)
}

fn stream(app: &App, interest: Interest, cookie: Option<BrowserId>) -> Result<Response, Problem> {
    room(app)?;
    let stopping = app.stopping.clone().cancelled_owned();
    let events = event_stream(&app.hub, interest, cookie).take_until(Box::pin(stopping));
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would hold events back until its buffer is full.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}
