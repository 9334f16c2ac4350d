//! What every request passes first and every answer last: the limit per address, the security
//! headers, CORS for allowed origins, and the count.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use tower::layer::layer_fn;
use tower::{Service, service_fn};

use super::App;
use super::identity::Client;

/// Scripts, styles and connections of this server only; nothing inline, no framing.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SECURITY: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Put it in front of all routes.
pub fn in_front(router: Router, app: Arc<App>) -> Router {
    router.layer(layer_fn(move |route: Route| {
        let app = app.clone();
        service_fn(move |request: Request| {
            let app = app.clone();
            let mut route = route.clone();
            async move {
                let headers = request.headers();
                let Client { address, https } = Client::of(&app, headers, request.extensions());
                let method = request.method().clone();
                let matched = request.extensions().get::<MatchedPath>().cloned();
                let origin = allowed_origin(&app, headers);
                let preflight = origin.is_some()
                    && method == Method::OPTIONS
                    && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
                let mut response = match app.limits.request(address) {
                    Ok(()) => route.call(request).await?,
                    Err(problem) => problem.into_response(),
                };
                finish(&app, &mut response, origin, preflight);
                if https {
                    // Over plain HTTP browsers ignore it, and complain in the console of every page.
                    response.headers_mut().insert(OPENER, HeaderValue::from_static("same-origin"));
                }
                let template = matched.as_ref().map(MatchedPath::as_str);
                app.metrics.answered(template, &method, response.status());
                Ok::<_, std::convert::Infallible>(response)
            }
        })
    }))
}

fn finish(app: &App, response: &mut Response, origin: Option<HeaderValue>, preflight: bool) {
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        // A page may need a policy of its own, which is then its own to answer for.
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
                HeaderValue::from_static("GET, POST, PATCH, DELETE"),
            );
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("authorization, content-type, idempotency-key"),
            );
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }
    if app.stopping.is_cancelled() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// The request's origin, if it is one of the allowed others.
fn allowed_origin(app: &App, headers: &HeaderMap) -> Option<HeaderValue> {
    if app.config.allowed_origins.is_empty() {
        return None;
    }
    let origin = headers.get(header::ORIGIN)?;
    let listed = app.config.allowed_origins.iter().any(|allowed| origin == allowed.as_str());
    listed.then(|| origin.clone())
}

/// The answer of a path that does not take this method. The router adds `Allow`.
pub async fn wrong_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return response;
    }
    let detail = format!("this path does not take {method}; the header Allow lists what it takes");
    super::problem::Problem::new(super::problem::Trouble::MethodNotAllowed, detail).into_response()
}
