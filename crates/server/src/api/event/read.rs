//! Reading an event, and who may frame its overlay.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::access::right::{Right, may};
use crate::api::http::answer::{self, cached};
use crate::api::http::path::Params;
use crate::api::lookup::{self, Named};
use crate::api::problem::Problem;
use crate::watch::view::event::{self as view, EventView};

/// Read an event; or the one that is made up around a poll which is in none.
#[utoipa::path(
    get, path = "/api/events/{id}", tag = "events", operation_id = "getEvent",
    params(
        ("id" = String, Path, description = "The id or join code of an event, or of a poll"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` you have"),
    ),
    responses(
        (status = 200, body = EventView, description = "The event; its owner and its stage are shown drafts, without an `ETag`",
            headers(("ETag" = String))),
        (status = 304, description = "You have the newest"),
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
    let named = lookup::named(&app, &id, asker.client.address, asker.token()).await?;
    asker.ignored(&app, named.owner(), named.id());
    let event = match named {
        Named::Poll(standing) => view::lone(&standing),
        Named::Event(agenda) => {
            let owner = &agenda.event.owner;
            if may(asker.role(&app, owner), Right::Stage).is_ok() {
                let agenda = lookup::stored_event(&app, agenda).await?;
                // Drafts stay in no browser's cache.
                return Ok(answer::ok(&view::event(&agenda, true)));
            }
            view::event(&agenda, false)
        }
    };
    let tag = format!("\"{}-p\"", event.version);
    Ok(cached(headers, &event, &tag, false))
}

/// Who may frame the overlay of this event or poll: what goes into `frame-ancestors`. Nobody if
/// there is no such thing.
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
