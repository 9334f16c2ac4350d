//! Health: whether the server is alive and ready, and the metrics that an operator watches.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::answer;
use crate::api::problem::{Problem, Trouble};

/// `Health` says whether the server can work.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `alive` or `ready`.
    pub status: String,
    /// Present if polls cannot be created and changed at the moment. Votes in known polls are accepted all
    /// the same. The reason is given only to the server's own machine and to the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub store: Option<String>,
    /// Present if some of the log is found to be damaged. Votes are accepted all the same. The details are
    /// given only to the server's own machine and to the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub log: Option<String>,
    /// Present if the log may lose votes that it has acknowledged, as when brokers do not flush them to disk
    /// first. Votes are accepted all the same. The details are given only to the server's own machine and to
    /// the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub weakness: Option<String>,
}

/// Check that the process runs.
#[utoipa::path(
    get, path = "/healthz", tag = "server", operation_id = "getHealth",
    responses((status = 200, body = Health, description = "The process runs")),
)]
pub async fn alive() -> Response {
    let health = Health { status: "alive".into(), store: None, log: None, weakness: None };
    answer::ok(&health)
}

/// Check that the log takes votes.
#[utoipa::path(
    get, path = "/readyz", tag = "server", operation_id = "getReadiness",
    responses((status = 200, body = Health, description = "The log takes votes")),
    security((), ("operator" = [])),
    extensions(("x-troubles" = json!([Trouble::NotReady]))),
)]
pub async fn ready(State(app): State<Arc<App>>, asker: Asker) -> Result<Response, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::new(Trouble::NotReady, "the server is stopping"));
    }
    let insider = asker.is_insider(&app);
    let told = |why, instead: &str| if insider { why } else { instead.to_owned() };
    app.log.ready().map_err(|why| {
        let why = told(why, "it takes no votes at the moment");
        Problem::new(Trouble::NotReady, format!("the log: {why}"))
    })?;
    let store = app.store.ready().err();
    let store = store.map(|why| told(why, "polls cannot be made and changed at the moment"));
    let log = app.log.damage().map(|why| told(why, "some of its records are damaged"));
    let weakness = app.log.weakness().map(|why| told(why, "acknowledged votes may be lost"));
    let health = Health { status: "ready".into(), store, log, weakness };
    Ok(answer::ok(&health))
}

/// Read the metrics in Prometheus' text format. From another machine this takes the operator's token.
#[utoipa::path(
    get, path = "/metrics", tag = "server", operation_id = "getMetrics",
    responses((status = 200, body = String, content_type = "text/plain", description = "Prometheus' text format")),
    security((), ("operator" = [])),
    extensions(("x-troubles" = json!([Trouble::NoToken, Trouble::WrongToken]))),
)]
pub async fn metrics(State(app): State<Arc<App>>, asker: Asker) -> Result<Response, Problem> {
    if !asker.is_insider(&app) {
        asker.require_operator(&app)?;
    }
    let text = app.metrics.render(&app.hub, &*app.log);
    let mut response = Response::new(Body::from(text));
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Answers everything else on a node that has no other routes.
pub async fn only_counts() -> Problem {
    let detail = "this node only counts votes (POLLUX_ROLES=processor); ask one of the web nodes";
    Problem::new(Trouble::NoSuchRoute, detail)
}
