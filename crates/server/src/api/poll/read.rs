//! Reading polls: one, or a list.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH, VARY};
use http::{Extensions, HeaderMap, Request, StatusCode};
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::App;
use crate::api::access::identity::{Client, CookieValue, Who, bearer};
use crate::api::http::query::{Query, bad};
use crate::api::lookup::{self, Params, ask};
use crate::api::problem::Problem;
use crate::api::problem::security;
use crate::store::Listing;
use crate::watch::grants::Grant;
use crate::watch::view::{self, Audience, PollView};

/// Polls in an answer when `limit` does not say, and at most.
const PAGE: (usize, usize) = (20, 100);

/// A page of polls, newest first.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PollList {
    /// The polls.
    pub polls: Vec<PollView>,
    /// The `cursor` of the next page; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// List polls, newest first.
#[utoipa::path(
    get, path = "/api/polls", tag = "polls", operation_id = "listPolls",
    params(
        ("status" = Option<String>, Query, description = "`open` or `closed` (or, with `all`, `draft`); all of them if left out", pattern = "^(open|closed|draft)$"),
        ("all" = Option<bool>, Query, description = "`true`, with the operator's token: unlisted polls and drafts too, with all numbers"),
        ("limit" = Option<u8>, Query, description = "Polls on a page", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before", pattern = "^[A-Za-z0-9_-]{22}$"),
    ),
    responses((status = 200, body = PollList, description = "Listed polls that are open or closed")),
    security((), ("operator" = [])),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let query = Query::of(request.uri())?;
    let all = match query.one("all")? {
        None | Some("false") => false,
        Some("true") => {
            app.keys.require_admin(request.headers())?;
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
        // What this node has heard is newer than, or as new as, what it read.
        let newest = app.hub.standing(stored.poll.id).unwrap_or(stored);
        view::poll(&newest, audience)
    });
    let page = PollList { polls: polls.collect(), next_cursor };
    Ok(crate::api::answer(StatusCode::OK, &page, &HeaderMap::new()))
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

/// Read a poll with its results.
#[utoipa::path(
    get, path = "/api/polls/{id}", tag = "polls", operation_id = "getPoll",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` you have"),
    ),
    responses(
        (status = 200, body = PollView, description = "The poll; numbers are null while hidden from you",
            headers(("ETag" = String))),
        (status = 304, description = "You have the newest"),
    ),
    security((), ("owner" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let (mut standing, audience) = seen(&app, &id, headers, request.extensions()).await?;
    if audience == Audience::Owner {
        standing = lookup::stored(&app, standing).await?;
    }
    let poll = view::poll(&standing, audience);
    let (letter, private) = match audience {
        Audience::Public => ('p', false),
        Audience::Voted => ('v', true),
        // Hidden numbers and drafts stay in no browser's cache.
        Audience::Owner => return Ok(crate::api::answer(StatusCode::OK, &poll, &HeaderMap::new())),
    };
    // `final` may turn true by a partition's silence alone, which no version tells.
    let tag = format!("\"{}-{letter}{}\"", poll.version, u8::from(poll.is_final));
    Ok(cached(headers, &poll, &tag, private))
}

/// The poll that is asked for, and as whom the asker sees it.
pub async fn seen(
    app: &App,
    id: &str,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<(Standing, Audience), Problem> {
    let from = Client::of(app, headers, extensions).address;
    let token = bearer(headers);
    let standing = lookup::standing(app, id, from, token).await?;
    let audience = match token {
        Some(token) if app.keys.owns(token, &standing.poll) => Audience::Owner,
        _ => audience(app, &standing.poll, app.keys.cookie(headers)).await?,
    };
    security::ignored(app, token, &standing.poll.owner, standing.poll.id.0, extensions);
    Ok((standing, audience))
}

/// Public, or somebody who has voted in a poll that shows its numbers to those.
pub async fn audience(
    app: &App,
    poll: &Poll,
    cookie: Option<CookieValue>,
) -> Result<Audience, Problem> {
    if !view::shows_after_vote(poll) {
        return Ok(Audience::Public);
    }
    let Some(cookie) = cookie else { return Ok(Audience::Public) };
    if app.hub.has_voted(poll.id, cookie) {
        return Ok(Audience::Voted);
    }
    let voter = app.keys.voter(poll.id, Who::Cookie(cookie));
    let state = ask(app, app.store.voter(poll.id, voter)).await?;
    // Ever: whoever has seen the numbers of one round need not be shut out of the next.
    Ok(if state.seen.is_some() { Audience::Voted } else { Audience::Public })
}

/// What the voter with this cookie is granted in a poll.
pub async fn granted(
    app: &App,
    poll: &Poll,
    cookie: Option<CookieValue>,
) -> Result<Option<Grant>, Problem> {
    Ok((audience(app, poll, cookie).await? == Audience::Voted).then_some(Grant::Voted))
}

/// An answer with an ETag, or 304 to who has it already.
pub fn cached<T: Serialize>(asked: &HeaderMap, body: &T, tag: &str, private: bool) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, HeaderValue::try_from(tag).expect("an ETag of plain characters"));
    headers.insert(VARY, HeaderValue::from_static("accept, authorization, cookie"));
    let control = if private { "private, no-cache" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
    if !matches(asked, tag) {
        return crate::api::answer(StatusCode::OK, body, &headers);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = headers;
    response
}

fn matches(asked: &HeaderMap, tag: &str) -> bool {
    asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|given| given.trim())
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}
