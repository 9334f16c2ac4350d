//! Alive, ready, and the numbers an operator watches.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::identity::Peer;
use super::problem::{Problem, Trouble};

/// How the server is.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `alive` or `ready`.
    pub status: String,
    /// Whether polls can be made and changed, when not: votes in known polls are still taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub store: Option<String>,
    /// What of the log is found to be damaged, if anything: votes are taken all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub log: Option<String>,
}

/// The process runs.
#[utoipa::path(
    get, path = "/healthz", tag = "server", operation_id = "getHealth",
    responses((status = 200, body = Health, description = "The process runs")),
)]
pub async fn alive() -> Response {
    let health = Health { status: "alive".into(), store: None, log: None };
    super::answer(StatusCode::OK, &health, &HeaderMap::new())
}

/// The log takes votes.
#[utoipa::path(
    get, path = "/readyz", tag = "server", operation_id = "getReadiness",
    responses((status = 200, body = Health, description = "The log takes votes")),
)]
pub async fn ready(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::new(Trouble::NotReady, "the server is stopping"));
    }
    app.log.ready().map_err(|why| Problem::new(Trouble::NotReady, format!("the log: {why}")))?;
    let (store, log) = (app.store.ready().err(), app.log.damage());
    let health = Health { status: "ready".into(), store, log };
    Ok(super::answer(StatusCode::OK, &health, &HeaderMap::new()))
}

/// Prometheus' text format; from another machine with the operator's token.
#[utoipa::path(
    get, path = "/metrics", tag = "server", operation_id = "getMetrics",
    responses((status = 200, body = String, content_type = "text/plain", description = "Prometheus' text format")),
    security((), ("operator" = [])),
)]
pub async fn metrics(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    // Totals tell of hidden polls: they are the operator's, or the machine's own.
    let headers = request.headers();
    let peer = request.extensions().get().is_none_or(|Peer(address)| address.is_loopback());
    if !peer || headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded") {
        app.keys.require_admin(headers)?;
    }
    let text = app.metrics.render(&app.hub);
    let mut response = Response::new(Body::from(text));
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    Ok(response)
}

/// Everything else, asked of a node that has no other routes.
pub async fn only_counts() -> Problem {
    let detail = "this node only counts votes (POLLUX_ROLES=processor); ask one of the web nodes";
    Problem::new(Trouble::NoSuchRoute, detail)
}
