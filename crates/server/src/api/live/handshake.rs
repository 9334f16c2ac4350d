//! Watching: server-sent events, and the handshake of a WebSocket.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use hyper::upgrade::OnUpgrade;
use pollux_core::standing::Standing;
use sha1::{Digest, Sha1};

use crate::api::App;
use crate::api::access::identity::{Client, CookieValue};
use crate::api::http::query::{Query, bad};
use crate::api::live::socket::Talk;
use crate::api::lookup::{self, Named, Params};
use crate::api::operate::address;
use crate::api::poll::read as polls;
use crate::api::problem::{Problem, Trouble};
use crate::api::serve::server::{self, Slot};
use crate::watch::events::events;
use crate::watch::socket::serve_socket;
use crate::watch::viewer::{Interest, Watched};

/// What RFC 6455 §1.3 appends to the client's key.
const HANDSHAKE: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// All polls and the leaderboard, or what the query narrows it to.
#[utoipa::path(
    get, path = "/api/events", tag = "watching", operation_id = "watchAll",
    params(
        ("poll" = Option<Vec<String>>, Query, description = "Only this poll (id or join code); repeatable"),
        ("event" = Option<String>, Query, description = "This event (id or join code; a poll's will do) and its current poll, whichever that is"),
        ("leaderboard" = Option<String>, Query, description = "The leaderboard (too)"),
    ),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "`hello` first, then `poll.created`, `poll.updated`, `poll.closed`, `event.changed`, `leaderboard.changed`; data is JSON")),
)]
pub async fn all_events(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let query = Query::of(request.uri())?;
    let from = Client::of(&app, request.headers(), request.extensions()).address;
    let cookie = app.keys.cookie(request.headers());
    let interest = interest(&app, &query, from, cookie).await?;
    stream(&app, interest, cookie)
}

/// One poll.
#[utoipa::path(
    get, path = "/api/polls/{id}/events", tag = "watching", operation_id = "watchPoll",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "`hello` first, then `poll.updated` and `poll.closed`; data is JSON")),
)]
pub async fn poll_events(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let from = Client::of(&app, request.headers(), request.extensions()).address;
    let cookie = app.keys.cookie(request.headers());
    let mut interest = Interest { elsewhere: !address::is_here(from), ..Interest::default() };
    want(&app, &mut interest, &id, from, cookie).await?;
    stream(&app, interest, cookie)
}

fn stream(app: &App, interest: Interest, cookie: Option<CookieValue>) -> Result<Response, Problem> {
    room(app)?;
    let stopping = app.stopping.clone().cancelled_owned();
    let events = events(&app.hub, interest, cookie).take_until(Box::pin(stopping));
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would hold events back until its buffer is full.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn room(app: &App) -> Result<(), Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::new(Trouble::NotReady, "the server is stopping"));
    }
    if app.hub.viewers() >= app.config.watch.viewers {
        let detail = "the limit of simultaneous viewers is reached";
        return Err(Problem::new(Trouble::TooManyViewers, detail));
    }
    Ok(())
}

/// What a viewer's query asks for: everything, if it does not say.
async fn interest(
    app: &App,
    query: &Query,
    from: IpAddr,
    cookie: Option<CookieValue>,
) -> Result<Interest, Problem> {
    let leaderboard = query.has("leaderboard");
    let everything = !leaderboard && !query.has("poll") && !query.has("event");
    let elsewhere = !address::is_here(from);
    let mut interest = Interest { everything, leaderboard, elsewhere, ..Interest::default() };
    let most = app.config.watch.subscriptions;
    if query.all("poll").count() > most {
        return Err(bad(format!("at most {most} polls can be watched at a time")));
    }
    for id in query.all("poll") {
        want(app, &mut interest, id, from, cookie).await?;
    }
    if let Some(id) = query.one("event")? {
        follow(app, &mut interest, id, from, cookie).await?;
    }
    if everything && cookie.is_some() {
        for poll in app.hub.after_vote() {
            // Watching everything needs no store: without it the numbers stay hidden.
            let Ok(granted) = polls::granted(app, &poll, cookie).await else { break };
            interest.grants.extend(granted.map(|grant| (poll.id, grant)));
        }
    }
    Ok(interest)
}

async fn want(
    app: &App,
    interest: &mut Interest,
    id: &str,
    from: IpAddr,
    cookie: Option<CookieValue>,
) -> Result<(), Problem> {
    let standing = lookup::standing(app, id, from, None).await?;
    interest.polls.push(standing.poll.id);
    see(app, interest, &standing, cookie).await
}

/// Follow an event; of a lone poll the poll.
async fn follow(
    app: &App,
    interest: &mut Interest,
    id: &str,
    from: IpAddr,
    cookie: Option<CookieValue>,
) -> Result<(), Problem> {
    match lookup::named(app, id, from, None).await? {
        Named::Poll(standing) => {
            let id = standing.poll.id;
            interest.event = Some(Watched::Lone(id));
            if !interest.polls.contains(&id) {
                interest.polls.push(id);
            }
            see(app, interest, &standing, cookie).await
        }
        Named::Event(program) => {
            interest.event = Some(Watched::Event(program.event.id));
            let Some(current) = program.current() else { return Ok(()) };
            // Brings it into memory, if it is not there.
            let standing = lookup::standing(app, &current.to_string(), from, None).await?;
            see(app, interest, &standing, cookie).await
        }
    }
}

/// As whom the viewer sees a poll.
async fn see(
    app: &App,
    interest: &mut Interest,
    standing: &Standing,
    cookie: Option<CookieValue>,
) -> Result<(), Problem> {
    let granted = polls::granted(app, &standing.poll, cookie).await?;
    interest.grants.extend(granted.map(|grant| (standing.poll.id, grant)));
    Ok(())
}

/// A WebSocket, from its handshake on. Its voter is the cookie's; whoever has none is named by
/// their first ballot, the same on every socket that it is sent over.
pub async fn socket(
    State(app): State<Arc<App>>,
    mut request: Request<Body>,
) -> Result<Response, Problem> {
    let accept = handshake(request.headers())?;
    check_origin(&app, request.headers())?;
    let client = Client::of(&app, request.headers(), request.extensions());
    let query = Query::of(request.uri())?;
    let cookie = app.keys.cookie(request.headers());
    let interest = interest(&app, &query, client.address, cookie).await?;
    room(&app)?;
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(Problem::new(Trouble::UpgradeRequired, "this connection cannot be upgraded"));
    };
    let slot = request.extensions_mut().remove::<Slot>();
    tokio::spawn(watch(app, upgrade, interest, cookie, client.address, slot));

    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// After the handshake: all that stays of the connection is its socket.
async fn watch(
    app: Arc<App>,
    upgrade: OnUpgrade,
    interest: Interest,
    voter: Option<CookieValue>,
    from: IpAddr,
    slot: Option<Slot>,
) {
    let Ok(upgraded) = upgrade.await else { return };
    let Some((stream, read_ahead)) = server::reclaim(upgraded) else {
        tracing::error!("an upgraded connection was not one of ours");
        return;
    };
    let talk = Arc::new(Talk::new(app.clone(), voter, from, &interest, slot));
    let hub = app.hub.clone();
    drop(app);
    serve_socket(hub, stream, read_ahead, interest, voter, talk).await;
}

/// Check the client's handshake (RFC 6455 §4.2.1), and answer its key.
fn handshake(headers: &HeaderMap) -> Result<HeaderValue, Problem> {
    let wrong = |detail: &str| {
        Problem::new(Trouble::UpgradeRequired, detail)
            .with_header(header::UPGRADE, HeaderValue::from_static("websocket"))
            .with_header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
    };
    if !lists(headers, header::UPGRADE, b"websocket") {
        return Err(wrong("the header Upgrade: websocket is missing"));
    }
    if !lists(headers, header::CONNECTION, b"upgrade") {
        return Err(wrong("the header Connection: Upgrade is missing"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|v| v.as_bytes() != b"13") {
        return Err(wrong("Sec-WebSocket-Version must be 13"));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map_or(&b""[..], HeaderValue::as_bytes);
    if STANDARD.decode(key).map_or(0, |bytes| bytes.len()) != 16 {
        return Err(bad("Sec-WebSocket-Key must be 16 bytes in base64"));
    }
    let digest = Sha1::new().chain_update(key).chain_update(HANDSHAKE).finalize();
    Ok(HeaderValue::try_from(STANDARD.encode(digest)).expect("base64"))
}

fn lists(headers: &HeaderMap, name: HeaderName, wanted: &[u8]) -> bool {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|word| word.trim_ascii().eq_ignore_ascii_case(wanted))
}

/// Browsers send the origin of the page; other clients need not.
fn check_origin(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let origin = origin.as_bytes();
    let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
    let own = authority.is_some() && authority == host;
    let public = || origin_of(&app.public_url()) == origin;
    let listed = app.config.allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin);
    if own || listed || public() {
        return Ok(());
    }
    let detail = "pages of this origin may not connect; POLLUX_ALLOWED_ORIGINS can allow it";
    Err(Problem::new(Trouble::ForeignOrigin, detail))
}

/// Scheme and authority of a URL.
fn origin_of(url: &str) -> &[u8] {
    let from = url.find("://").map_or(0, |at| at + 3);
    let end = url[from..].find('/').map_or(url.len(), |at| from + at);
    &url.as_bytes()[..end]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_key_is_answered_as_in_the_rfc() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        assert_eq!(handshake(&headers).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (name, value) in [
            ("upgrade", "h2c"),
            ("connection", "close"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "c2hvcnQ="),
        ] {
            let mut headers = headers.clone();
            headers.insert(name, value.parse().unwrap());
            assert!(handshake(&headers).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn an_origin_is_scheme_and_authority() {
        assert_eq!(origin_of("https://polls.example/x/y"), b"https://polls.example");
        assert_eq!(origin_of("https://polls.example:8443"), b"https://polls.example:8443");
    }
}
