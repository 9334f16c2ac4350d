//! Every route on one screen. Each is served as `/api/…` and without the prefix.
//!
//! A new operation is a handler, with its document and its troubles, and its two lines here. A test checks
//! that the two lines agree (`no_way_in_is_undocumented`).

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use super::App;
use super::docs::{asyncapi, openapi, page as docs};
use super::event::{
    change as events, create as event_create, logo, polls as event_polls, read as event_read,
    stage, token as event_token,
};
use super::figures::{export, leaderboard, pulse, replay, trend};
use super::home;
use super::live::{handshake, streams};
use super::operate::{address, health, status};
use super::poll::{change as owner, create, list, moderate, read, token, words};
use super::serve::front;
use super::vote::{cast, fate};

/// `Routes` holds templates without the prefix, with their handlers.
type Routes = Vec<(&'static str, MethodRouter<Arc<App>>)>;

#[rustfmt::skip]
fn routes() -> Routes {
    vec![
        ("/",                             get(home::home)),
        ("/ws",                           get(handshake::socket)),
        ("/events",                       get(streams::all_events).post(event_create::create)),
        ("/events/{id}",                  get(event_read::read).patch(events::edit).delete(events::delete)),
        ("/events/{id}/polls",            post(event_polls::add)),
        ("/events/{id}/show",             post(stage::show)),
        ("/events/{id}/stage",            post(event_token::stage)),
        ("/events/{id}/token",            post(event_token::reissue)),
        ("/events/{id}/pulse",            get(pulse::event)),
        ("/events/{id}/logo",             get(logo::get).put(logo::put).delete(logo::delete)),
        ("/leaderboard",                  get(home::leaderboard)),
        ("/polls",                        get(list::list).post(create::create)),
        ("/polls/{id}",                   get(home::poll).patch(owner::edit).delete(owner::delete)),
        ("/polls/{id}/vote",              post(cast::cast)),
        ("/polls/{id}/ballots/{ballot}",  get(fate::fate)),
        ("/polls/{id}/events",            get(streams::poll_events)),
        ("/polls/{id}/pulse",             get(pulse::read)),
        ("/polls/{id}/trend",             get(trend::read)),
        ("/polls/{id}/replay",            get(replay::read)),
        ("/polls/{id}/export",            get(export::read)),
        ("/polls/{id}/open",              post(owner::open)),
        ("/polls/{id}/close",             post(owner::close)),
        ("/polls/{id}/reopen",            post(owner::reopen)),
        ("/polls/{id}/reveal",            post(owner::reveal)),
        ("/polls/{id}/reset",             post(owner::reset)),
        ("/polls/{id}/words",             get(words::list)),
        ("/polls/{id}/moderate",          post(moderate::moderate)),
        ("/polls/{id}/token",             post(token::reissue)),
        ("/status",                       get(status::read)),
        ("/address",                      get(address::read)),
        ("/polls/{id}/stage",             post(event_token::poll_stage)),
        ("/openapi.json",                 get(openapi::document)),
        ("/asyncapi.json",                get(asyncapi::document)),
        ("/docs",                         get(docs::page)),
        ("/docs/docs.css",                get(docs::style)),
    ]
}

/// Returns the routes that tell how the node is. A node that only counts has them too.
#[rustfmt::skip]
fn health() -> Routes {
    vec![
        ("/healthz",                      get(health::alive)),
        ("/readyz",                       get(health::ready)),
        ("/metrics",                      get(health::metrics)),
    ]
}

/// Returns the routes under `/api` whose short form is also a page. Under `/api` they are never pages.
#[rustfmt::skip]
fn api_only() -> Routes {
    vec![
        ("/api",              get(home::home)),
        ("/api/leaderboard",  get(leaderboard::read)),
        ("/api/polls/{id}",   get(read::read).patch(owner::edit).delete(owner::delete)),
    ]
}

/// Returns the templates of all routes, without the prefix.
pub fn templates() -> impl Iterator<Item = &'static str> {
    routes().into_iter().chain(health()).map(|(path, _)| path)
}

/// Returns the router of the whole HTTP side.
pub fn router(app: Arc<App>) -> Router {
    let all: Routes = routes().into_iter().chain(health()).collect();
    finish(both_spellings(all, api_only()).fallback(home::elsewhere), app)
}

/// Returns the router of a node that only counts.
pub fn health_only(app: Arc<App>) -> Router {
    finish(both_spellings(health(), Vec::new()).fallback(health::only_counts), app)
}

/// Adds each of `all` with the prefix and without. Those that are `special` under the prefix are added as
/// given.
fn both_spellings(all: Routes, special: Routes) -> Router<Arc<App>> {
    let mut router = Router::new();
    for (path, methods) in all {
        let prefixed = if path == "/" { "/api".to_owned() } else { format!("/api{path}") };
        if !special.iter().any(|(other, _)| *other == prefixed) {
            router = router.route(&prefixed, methods.clone());
        }
        router = router.route(path, methods);
    }
    special.into_iter().fold(router, |router, (path, methods)| router.route(path, methods))
}

fn finish(router: Router<Arc<App>>, app: Arc<App>) -> Router {
    let router = router.method_not_allowed_fallback(front::wrong_method).with_state(app.clone());
    front::in_front(router, app)
}
