//! The paths that are a page for browsers and data for everybody else, and the paths that belong neither to
//! the API nor to the screens.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, IF_NONE_MATCH, SET_COOKIE, UPGRADE};
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::api::access::asker::Asker;
use crate::api::access::client::Client;
use crate::api::access::keys::Keys;
use crate::api::event::read::embed_of;
use crate::api::figures::leaderboard as board;
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::live::handshake as live;
use crate::api::poll::read as polls;
use crate::api::problem::{Problem, Trouble};
use crate::api::{App, lookup};
use crate::web;

/// Answers at the root with a WebSocket, a page, or a list of the API's entry points.
pub async fn home(
    State(app): State<Arc<App>>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if request.headers().contains_key(UPGRADE) {
        return live::socket(State(app), asker, request).await;
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
    Ok(web::vary(answer::ok(&index)))
}

/// Answers with the leaderboard, or with its page.
pub async fn leaderboard(
    state: State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    match page(&state, &request) {
        Some(page) => Ok(page),
        None => board::read(state, request).await,
    }
}

/// Answers with a poll, or with its page.
pub async fn poll(
    state: State<Arc<App>>,
    id: Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    match page(&state, &request) {
        Some(page) => Ok(page),
        None => polls::read(state, id, asker, request).await,
    }
}

/// Answers at all other paths with the screens' files and pages, or with a problem.
pub async fn elsewhere(State(app): State<Arc<App>>, request: Request<Body>) -> Response {
    let readable = matches!(*request.method(), Method::GET | Method::HEAD);
    if readable && let Some(mut file) = asset(&app, &request) {
        if let Some(id) = web::framed(request.uri().path()) {
            let from = Client::of(&app, request.headers(), request.extensions()).address;
            web::let_frame(&mut file, &embed_of(&app, id, from).await);
        }
        return recognised(&app, &request, file);
    }
    if readable && web::wants_html(request.headers()) {
        return web::vary(web::not_found());
    }
    let path: String = request.uri().path().chars().take(100).collect();
    Problem::new(Trouble::NoSuchRoute, format!("there is nothing at {path}; see /docs"))
        .into_response()
}

/// Returns the page of this path, if a browser asks for it.
fn page(app: &App, request: &Request<Body>) -> Option<Response> {
    let page = web::wants_html(request.headers()).then(|| asset(app, request)).flatten()?;
    Some(web::vary(recognised(app, request, page)))
}

/// Returns the page or file of this path. A visitor without a voter cookie gets a whole page even if the
/// browser has it already, because the cookie is not set with a 304.
fn asset(app: &App, request: &Request<Body>) -> Option<Response> {
    let (path, headers) = (request.uri().path(), request.headers());
    let client = || Client::of(app, headers, request.extensions());
    let shown = web::voted_in(path).and_then(|id| lookup::poll_shown(app, id, client().address));
    let kind = shown.as_ref().map(|poll| poll.kind.word());
    let found = web::asset(path, headers, kind)?;
    let known = found.status() == StatusCode::NOT_MODIFIED;
    if !known || !is_page(&found) || app.keys.has_cookie(headers, client().https) {
        return Some(found);
    }
    let mut headers = headers.clone();
    headers.remove(IF_NONE_MATCH);
    web::asset(path, &headers, kind)
}

fn is_page(file: &Response) -> bool {
    file.headers().get(CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"))
}

/// Gives the visitor of a page a voter cookie, so that a ballot whose first answer is lost is sent again
/// under the same cookie.
fn recognised(app: &App, request: &Request<Body>, mut page: Response) -> Response {
    if !is_page(&page) {
        return page;
    }
    let headers = request.headers();
    let client = Client::of(app, headers, request.extensions());
    if let Some(due) = app.keys.cookie_due(headers, client.https, || app.ambient.random()) {
        let cookie = Keys::set_cookie(&app.keys.signed(&due, app.ambient.now()), client.https);
        page.headers_mut().insert(SET_COOKIE, cookie);
    }
    page
}
