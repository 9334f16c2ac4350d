//! Answers in JSON, and what caches may keep of them.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, LOCATION, VARY};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// Returns an answer in JSON with these further headers.
pub fn json<T: Serialize>(status: StatusCode, body: &T, headers: &HeaderMap) -> Response {
    let bytes = serde_json::to_vec(body).expect("answers are plain data");
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    let own = response.headers_mut();
    own.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    own.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in headers {
        own.insert(name, value.clone());
    }
    response
}

/// Returns the answer 200, in JSON.
pub fn ok<T: Serialize>(body: &T) -> Response {
    json(StatusCode::OK, body, &HeaderMap::new())
}

/// Returns the answer 201, in JSON, with the location of what was created.
pub fn created<T: Serialize>(location: String, body: &T) -> Response {
    let location = HeaderValue::try_from(location).expect("a path with a UUID");
    json(StatusCode::CREATED, body, &HeaderMap::from_iter([(LOCATION, location)]))
}

/// Returns the answer 204.
pub fn done() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Returns an answer with an `ETag`, or 304 to a client that has it already.
pub fn cached<T: Serialize>(asked: &HeaderMap, body: &T, tag: &str, private: bool) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, HeaderValue::try_from(tag).expect("an ETag of plain characters"));
    headers.insert(VARY, HeaderValue::from_static("accept, authorization, cookie"));
    let control = if private { "private, no-cache" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
    if !matches(asked, tag) {
        return json(StatusCode::OK, body, &headers);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = headers;
    response
}

fn matches(asked: &HeaderMap, tag: &str) -> bool {
    asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|given| given.trim())
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

/// Returns a document in JSON as an answer.
pub fn served(json: &Bytes) -> Response {
    let mut response = Response::new(json.clone().into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
