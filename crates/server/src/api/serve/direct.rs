//! The way of a vote past the router (docs/adr/0011-votes-pass-no-router.md).

use std::net::IpAddr;

use axum::response::{IntoResponse, Response};
use http::{Method, Request, Uri};
use hyper::body::Incoming;

use super::front::Front;
use crate::api::App;
use crate::api::access::client::Client;
use crate::api::vote::cast::take;

/// The template of the route, as in the metrics.
const ROUTE: &str = "/polls/{id}/vote";

/// Returns the id or join code of the poll that a request votes in, if it is a vote and its path is written
/// in the usual way.
pub fn target<'a>(method: &Method, uri: &'a Uri) -> Option<&'a str> {
    let path = uri.path();
    let id = path.strip_prefix("/api").unwrap_or(path).strip_prefix("/polls/")?;
    let id = id.strip_suffix("/vote")?;
    let plain =
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (method == Method::POST && plain).then_some(id)
}

/// Answers a request that has a [`target`] without the router, whose boxes and copies are noticeable at the
/// rate of votes (docs/benchmarks.md). In all else the answer is the same.
pub async fn answer_directly(app: &App, peer: IpAddr, request: Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let client = Client::behind(app, &head.headers, peer);
    let front = Front::of(app, client, &head.method, &head.headers);
    let id = target(&head.method, &head.uri).unwrap_or_default();
    let answer = match front.admit(app) {
        Ok(()) => take(app, id, client, &head, body).await,
        Err(problem) => Err(problem),
    };
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    front.finish(app, Some(ROUTE), head.uri.path(), &mut response);
    response
}
