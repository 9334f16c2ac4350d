//! The handshake of a WebSocket (RFC 6455).

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use hyper::upgrade::OnUpgrade;
use sha1::{Digest, Sha1};

use super::interest::{interest, room};
use super::socket::Talk;
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::http::query::{Query, bad};
use crate::api::problem::{Problem, Trouble};
use crate::api::serve::server::{self, Slot};
use crate::watch::socket::serve_socket;
use crate::watch::viewer::BrowserId;
use crate::watch::viewer::Interest;

/// The text that RFC 6455 §1.3 appends to the client's key.
const HANDSHAKE: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Accepts a WebSocket. Its voter is the cookie's. A client without a cookie is named by its first ballot,
/// which names the same voter on every socket over which it is sent.
pub async fn socket(
    State(app): State<Arc<App>>,
    asker: Asker,
    mut request: Request<Body>,
) -> Result<Response, Problem> {
    let accept = handshake(request.headers())?;
    check_origin(&app, request.headers())?;
    let from = asker.client.address;
    let query = Query::of(request.uri())?;
    let cookie = app.keys.cookie(request.headers());
    let interest = interest(&app, &query, from, cookie).await?;
    room(&app)?;
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(Problem::new(Trouble::UpgradeRequired, "this connection cannot be upgraded"));
    };
    let slot = request.extensions_mut().remove::<Slot>();
    tokio::spawn(watch(app, upgrade, interest, cookie, from, slot));

    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// Serves the socket after the handshake. Nothing else of the connection is kept.
async fn watch(
    app: Arc<App>,
    upgrade: OnUpgrade,
    interest: Interest,
    voter: Option<BrowserId>,
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

/// Checks the client's handshake (RFC 6455 §4.2.1), and returns the answer to its key.
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

/// Checks the page's origin, which browsers send. Other clients need not send one.
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

/// Returns the scheme and authority of a URL.
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
