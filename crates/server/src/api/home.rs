//! Paths that are a page for a browser and data for everybody else, and the paths that are
//! neither ours nor the front end's.

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

/// The root: a WebSocket, a page, or a list of what there is.
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
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    match page(&state, &request) {
        Some(page) => Ok(page),
        None => polls::read(state, id, asker, request).await,
    }
}

/// Everything else: the front end's files and pages, or nothing.
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
        return web::vary(web::nothing_here());
    }
    let path: String = request.uri().path().chars().take(100).collect();
    Problem::new(Trouble::NoSuchRoute, format!("there is nothing at {path}; see /docs"))
        .into_response()
}

/// The page of this path, if a browser asks for one.
fn page(app: &App, request: &Request<Body>) -> Option<Response> {
    let page = web::wants_html(request.headers()).then(|| asset(app, request)).flatten()?;
    Some(web::vary(recognised(app, request, page)))
}

/// Our page or file of this path. Who is no voter yet gets a page whole, even if it is known: a 304
/// sets no cookie.
fn asset(app: &App, request: &Request<Body>) -> Option<Response> {
    let (path, headers) = (request.uri().path(), request.headers());
    let found = web::asset(path, headers)?;
    let known = found.status() == StatusCode::NOT_MODIFIED;
    let https = || Client::of(app, headers, request.extensions()).https;
    if !known || !is_page(&found) || app.keys.has_cookie(headers, https()) {
        return Some(found);
    }
    let mut headers = headers.clone();
    headers.remove(IF_NONE_MATCH);
    web::asset(path, &headers)
}

fn is_page(file: &Response) -> bool {
    file.headers().get(CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"))
}

/// Whoever opens a page is a voter from then on: a ballot whose first answer is lost is then
/// sent again under the same cookie. What the poll behind the page's code needs is sent along.
fn recognised(app: &App, request: &Request<Body>, mut page: Response) -> Response {
    if !is_page(&page) {
        return page;
    }
    let headers = request.headers();
    let client = Client::of(app, headers, request.extensions());
    if let Some(id) = web::voted_in(request.uri().path())
        && let Some(kind) = lookup::kind_shown(app, id, client.address)
    {
        web::preload(&mut page, kind);
    }
    if let Some(due) = app.keys.cookie_due(headers, client.https, || app.ambient.random()) {
        let cookie = Keys::set_cookie(&app.keys.signed(&due, app.ambient.now()), client.https);
        page.headers_mut().insert(SET_COOKIE, cookie);
    }
    page
}
