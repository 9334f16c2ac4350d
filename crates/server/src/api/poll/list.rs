//! The list of polls, page by page.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use pollux_core::id::PollId;
use pollux_core::poll::PollStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::answer;
use crate::api::http::query::{Query, bad};
use crate::api::lookup::ask::ask;
use crate::api::problem::{Problem, Trouble};
use crate::store::Listing;
use crate::watch::view::{self, Audience, PollView};

/// The number of polls in an answer: without a `limit`, and at most.
const PAGE: (usize, usize) = (20, 100);

/// A `PollList` is a page of polls, newest first.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PollList {
    /// The polls.
    pub polls: Vec<PollView>,
    /// The `cursor` of the next page; null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// List polls, newest first.
#[utoipa::path(
    get, path = "/api/polls", tag = "polls", operation_id = "listPolls",
    params(
        ("status" = Option<String>, Query, description = "`open` or `closed` (or, with `all`, `draft`); all of these if left out", pattern = "^(open|closed|draft)$"),
        ("all" = Option<bool>, Query, description = "`true` includes unlisted polls and drafts, and shows all numbers; it takes the operator's token"),
        ("limit" = Option<u8>, Query, description = "The number of polls on a page; 20 if left out", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the previous page", pattern = "^[A-Za-z0-9_-]{22}$"),
    ),
    responses((status = 200, body = PollList, description = "Listed polls that are open or closed")),
    security((), ("operator" = [])),
    extensions(("x-troubles" = json!([
        Trouble::NoToken, Trouble::WrongToken, Trouble::StoreUnavailable,
    ]))),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let query = Query::of(request.uri())?;
    let all = match query.one("all")? {
        None | Some("false") => false,
        Some("true") => {
            asker.require_operator(&app)?;
            true
        }
        Some(_) => return Err(bad("the query parameter all must be true or false")),
    };
    let status = match query.one("status")? {
        None => None,
        Some("open") => Some(PollStatus::Open),
        Some("closed") => Some(PollStatus::Closed),
        Some("draft") if all => Some(PollStatus::Draft),
        Some(_) => return Err(bad("the query parameter status must be open or closed")),
    };
    let limit = query.number("limit", PAGE.0, (1, PAGE.1))?;
    let before = query.one("cursor")?.map(read_cursor).transpose()?;
    let listing = Listing { status, before, limit: limit + 1, all };
    let mut found = ask(&app, app.store.list(listing)).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found.last().filter(|_| more).map(|last| cursor(last.poll.id));
    let audience = if all { Audience::Owner } else { Audience::Public };
    found.retain(|stored| stored.poll.status != PollStatus::Deleted);
    let polls = found.into_iter().map(|stored| {
        // What this node has heard is at least as new as what it read.
        let newest = app.hub.standing(stored.poll.id).unwrap_or(stored);
        view::poll(&newest, audience)
    });
    let page = PollList { polls: polls.collect(), next_cursor };
    Ok(answer::ok(&page))
}

fn cursor(last: PollId) -> String {
    URL_SAFE_NO_PAD.encode(last.0.as_bytes())
}

fn read_cursor(text: &str) -> Result<PollId, Problem> {
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
        .filter(|uuid| uuid.get_version_num() == 7)
        .map(PollId)
        .ok_or_else(|| bad("the query parameter cursor is not one that this server gave out"))
}
