//! The front, which every request passes first and every answer last: the limit per address, the security
//! headers, CORS for allowed origins, the metrics, and the security events.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use pollux_core::id::UnixMillis;
use tower::layer::layer_fn;
use tower::{Service, service_fn};

use crate::api::App;
use crate::api::access::client::Client;
use crate::api::http::path::short;
use crate::api::problem::security::{About, SecurityEvent};
use crate::api::problem::{Problem, Trouble};
use crate::web::RESOURCE_POLICY;

/// The content security policy: scripts, styles and connections of this server only, nothing inline, and no
/// framing.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The security headers of every answer.
pub(super) const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
];

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Puts the front before all routes.
pub fn in_front(router: Router, app: Arc<App>) -> Router {
    router.layer(layer_fn(move |route: Route| {
        let app = app.clone();
        service_fn(move |request: Request| {
            let app = app.clone();
            let mut route = route.clone();
            async move {
                let client = Client::of(&app, request.headers(), request.extensions());
                let uri = request.uri().clone();
                let matched = request.extensions().get::<MatchedPath>().cloned();
                let front = Front::of(&app, client, request.method(), request.headers());
                let mut response = match front.admit(&app) {
                    Ok(()) => route.call(request).await?,
                    Err(problem) => problem.into_response(),
                };
                let template = matched.as_ref().map(MatchedPath::as_str);
                front.finish(&app, template, uri.path(), &mut response);
                Ok::<_, Infallible>(response)
            }
        })
    }))
}

/// `Front` remembers what is needed of a request until it is answered.
pub struct Front {
    client: Client,
    method: Method,
    /// The origin of another site's page that may read the answer.
    origin: Option<HeaderValue>,
    preflight: bool,
}

impl Front {
    /// Notes what the front needs of a request.
    pub fn of(app: &App, client: Client, method: &Method, headers: &HeaderMap) -> Self {
        let origin = allowed_origin(app, headers);
        let preflight = origin.is_some()
            && method == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        Self { client, method: method.clone(), origin, preflight }
    }

    /// Checks whether the request may go on.
    pub fn admit(&self, app: &App) -> Result<(), Problem> {
        app.limits.request(self.client.address)
    }

    /// Completes the answer, and counts it under its route's template.
    pub fn finish(self, app: &App, template: Option<&str>, path: &str, response: &mut Response) {
        complete(app, response, self.origin, self.preflight);
        response.headers_mut().insert(header::DATE, date(app.ambient.now()));
        if self.client.https {
            // Over plain HTTP browsers ignore this header, and complain about it in the console of every
            // page.
            response.headers_mut().insert(OPENER, HeaderValue::from_static("same-origin"));
            let seconds = app.config.hsts.as_secs();
            if seconds > 0
                && let Ok(value) = HeaderValue::try_from(format!("max-age={seconds}"))
            {
                response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
            }
        }
        app.metrics.answered(template, &self.method, response.status());
        if let Some(event) = response.extensions_mut().remove::<SecurityEvent>() {
            app.security.note(event, About::request(template.map(short), path));
        }
    }
}

thread_local! {
    /// The second for which the date was last written, and the date.
    static DATE: RefCell<(u64, HeaderValue)> =
        const { RefCell::new((0, HeaderValue::from_static(""))) };
}

/// Returns the time for the header `Date`, by which phones correct their own clocks. After the clock was set
/// back, the date that hyper would write stands still until the clock has caught up.
fn date(now: UnixMillis) -> HeaderValue {
    let second = now.0 / 1000;
    DATE.with_borrow_mut(|(written, date)| {
        if *written != second {
            let at = Timestamp::from_second(second as i64).unwrap_or(Timestamp::MAX);
            let words = DateTimePrinter::new().timestamp_to_rfc9110_string(&at);
            let words = words.ok().and_then(|words| HeaderValue::try_from(words).ok());
            if let Some(words) = words {
                (*written, *date) = (second, words);
            }
        }
        date.clone()
    })
}

fn complete(app: &App, response: &mut Response, origin: Option<HeaderValue>, preflight: bool) {
    keep_cookies_apart(response);
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        // A page may need a policy of its own, for which it is then responsible itself.
        headers.entry(name).or_insert(value);
    }
    if !app.config.allowed_origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("etag, location, retry-after"),
        );
        if preflight {
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"),
            );
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("authorization, content-type, idempotency-key, prefer"),
            );
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }
}

/// Keeps cookies out of shared caches. A cookie makes a browser one voter, so a cache that many browsers
/// share would make all of them the same voter. It must keep no response that sets a cookie, and a 304 with
/// one would change the response that it has already.
fn keep_cookies_apart(response: &mut Response) {
    if !response.headers().contains_key(header::SET_COOKIE) {
        return;
    }
    if response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().remove(header::SET_COOKIE);
        return;
    }
    let control = response.headers().get(header::CACHE_CONTROL);
    if control.is_none_or(|control| control != "no-store") {
        let private = HeaderValue::from_static("private, no-cache");
        response.headers_mut().insert(header::CACHE_CONTROL, private);
    }
}

/// Returns the request's origin, if it is one of the allowed other origins.
fn allowed_origin(app: &App, headers: &HeaderMap) -> Option<HeaderValue> {
    if app.config.allowed_origins.is_empty() {
        return None;
    }
    let origin = headers.get(header::ORIGIN)?;
    let listed = app.config.allowed_origins.iter().any(|allowed| origin == allowed.as_str());
    listed.then(|| origin.clone())
}

/// Answers a request whose path does not accept its method. The router adds `Allow`.
pub async fn wrong_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    let detail = format!("this path does not take {method}; the header Allow lists what it takes");
    Problem::new(Trouble::MethodNotAllowed, detail).into_response()
}
