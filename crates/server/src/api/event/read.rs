//! The reading of events, and the sites that may frame an event's overlay.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::right::{Right, may};

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::answer::{self, cached};
use crate::api::http::path::Params;
use crate::api::lookup::{self, Named};
use crate::api::problem::Problem;
use crate::watch::view::event::{self as view, EventView};

/// Read an event. A poll that belongs to no event is shown as an event of its own.
#[utoipa::path(
    get, path = "/api/events/{id}", tag = "events", operation_id = "getEvent",
    params(
        ("id" = String, Path, description = "The id or join code of an event, or of a poll"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` you have"),
    ),
    responses(
        (status = 200, body = EventView, description = "The event. Its owner and its stage are shown drafts too, without an `ETag`",
            headers(("ETag" = String))),
        (status = 304, description = "You have the newest version"),
    ),
    security((), ("owner" = []), ("stage" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let named = lookup::named(&app, &id, asker.client.address, Some(&asker)).await?;
    asker.ignored(&app, named.owner(), named.id());
    let event = match named {
        Named::Poll(standing) => view::lone(&standing),
        Named::Event(agenda) => {
            let owner = &agenda.event.owner;
            if may(asker.role(&app, owner), Right::Stage).is_ok() {
                let agenda = lookup::stored_event(&app, agenda).await?;
                // Drafts must not stay in a browser's cache.
                return Ok(answer::ok(&view::event(&agenda, true)));
            }
            view::event(&agenda, false)
        }
    };
    let tag = format!("\"{}-p\"", event.version);
    Ok(cached(headers, &event, &tag, false))
}

/// Returns the origins that may frame the overlay of this event or poll, for `frame-ancestors`. There are
/// none if no such event or poll exists.
pub async fn embed_of(app: &App, id: &str, from: IpAddr) -> Vec<String> {
    if let Ok(poll) = id.parse()
        && let Some(poll) = app.hub.poll(poll)
        && !poll.embed.is_empty()
    {
        return poll.embed.clone();
    }
    match lookup::named(app, id, from, None).await {
        Ok(Named::Event(agenda)) => agenda.event.embed.clone(),
        Ok(Named::Poll(standing)) => standing.poll.embed.clone(),
        Err(_) => Vec::new(),
    }
}
