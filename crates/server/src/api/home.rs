//! Paths that are a page for a browser and data for everybody else, and the paths that are
//! neither ours nor the front end's.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, SET_COOKIE, UPGRADE, VARY};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::json;

use super::identity::Client;
use super::lookup::Params;
use super::problem::{Problem, Trouble};
use super::{App, events, leaderboard as board, live, polls};
use crate::web;

/// The root: a WebSocket, a page, or a list of what there is.
pub async fn home(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if request.headers().contains_key(UPGRADE) {
        return live::socket(State(app), request).await;
    }
    if let Some(page) = page(&app, &request) {
        return Ok(page);
    }
    let index = json!({
        "name": "Pollux",
        "publicUrl": app.public_url(),
        "polls": "/api/polls",
        "leaderboard": "/api/leaderboard",
        "events": "/api/events",
        "webSocket": "/ws",
        "openapi": "/api/openapi.json",
        "asyncapi": "/api/asyncapi.json",
        "docs": "/docs",
        "health": "/healthz",
    });
    Ok(vary(super::answer(StatusCode::OK, &index, &HeaderMap::new())))
}

/// The leaderboard, or its page.
pub async fn leaderboard(
    state: State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    match page(&state, &request) {
        Some(page) => Ok(page),
        None => board::read(state, request).await,
    }
}

/// A poll, or its page.
pub async fn poll(
    state: State<Arc<App>>,
    id: Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    match page(&state, &request) {
        Some(page) => Ok(page),
        None => polls::read(state, id, request).await,
    }
}

/// Everything else: the front end's files and pages, or nothing.
pub async fn elsewhere(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let readable = matches!(*request.method(), Method::GET | Method::HEAD);
    if readable && let Some(mut file) = web::asset(request.uri().path(), request.headers()) {
        if let Some(id) = web::framed(request.uri().path()) {
            let from = Client::of(&app, request.headers(), request.extensions()).address;
            web::let_frame(&mut file, &events::embed_of(&app, id, from).await);
        }
        return recognised(&app, &request, file);
    }
    if readable && wants_html(request.headers()) {
        return vary(web::nothing_here());
    }
    let path: String = request.uri().path().chars().take(100).collect();
    Problem::new(Trouble::NoSuchRoute, format!("there is nothing at {path}; see /docs"))
        .into_response()
}

/// The page of this path, if a browser asks for one.
fn page(app: &App, request: &Request<Body>) -> Option<Response> {
    let page = wants_html(request.headers())
        .then(|| web::asset(request.uri().path(), request.headers()))
        .flatten()?;
    Some(vary(recognised(app, request, page)))
}

/// Whoever opens a page is a voter from then on: a ballot whose first answer is lost is then
/// sent again under the same cookie.
fn recognised(app: &App, request: &Request<Body>, mut page: Response) -> Response {
    let headers = request.headers();
    let html =
        page.headers().get(CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"));
    if html && app.keys.cookie(headers).is_none() {
        let https = Client::of(app, headers, request.extensions()).https;
        let cookie = app.keys.set_cookie(&app.ambient.random(), https);
        page.headers_mut().insert(SET_COOKIE, cookie);
    }
    page
}

/// Whether `text/html` is named as acceptable.
fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let html = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
            html && !parts.any(|part| part == "q=0" || part == "q=0.0")
        })
}

fn vary(mut response: Response) -> Response {
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    response
}
