//! The reading of a poll with its results.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use crate::api::access::asker::Asker;
use crate::api::http::answer::{self, cached};
use crate::api::http::path::Params;
use crate::api::lookup::seen::seen;
use crate::api::problem::Problem;
use crate::api::{App, lookup};
use crate::watch::view::{self, Audience, PollView};

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
        (status = 304, description = "You have the newest version"),
    ),
    security((), ("owner" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let (mut standing, audience) = seen(&app, &id, &asker, headers).await?;
    if audience == Audience::Owner {
        standing = lookup::stored(&app, standing).await?;
    }
    let poll = view::poll(&standing, audience);
    let (letter, private) = match audience {
        Audience::Public => ('p', false),
        Audience::Voted => ('v', true),
        // Hidden numbers and drafts must not stay in a browser's cache.
        Audience::Owner => return Ok(answer::ok(&poll)),
    };
    // `final` may become true when a partition commits the closing phase and counts nothing more, which
    // need not raise the version.
    let tag = format!("\"{}-{letter}{}\"", poll.version, u8::from(poll.is_final));
    Ok(cached(headers, &poll, &tag, private))
}
