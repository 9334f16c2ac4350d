//! The logo of an event: a small picture, kept beside the event.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use sha2::{Digest, Sha256};

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::change::Bearer;
use crate::api::change::event::change;
use crate::api::http::path::Params;
use crate::api::http::query::Query;
use crate::api::http::{answer, body};
use crate::api::lookup::ask::ask;
use crate::api::lookup::{self, Named};
use crate::api::problem::{Problem, Trouble};
use crate::watch::view::event::{self as view, EventView};

/// Returns the media type of a picture by its first bytes. It knows only kinds of pictures that can hold no
/// script.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Give an event a logo.
#[utoipa::path(
    put, path = "/api/events/{id}/logo", tag = "owner", operation_id = "putLogo",
    params(("id" = String, Path, description = "The event's id or join code")),
    request_body(content(
        (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"),
    ), description = "A picture of at most 64 KiB"),
    responses((status = 200, body = EventView, description = "Changed")),
    security(("owner" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
    ]))),
)]
pub async fn put(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(asker)?;
    let (head, body) = request.into_parts();
    let bytes = body::bytes(&app, &head.headers, body, app.config.api.logo).await?;
    if kind(&bytes).is_none() {
        return Err(Problem::rule("", "must be a picture: PNG, JPEG or WebP"));
    }
    let tag = hex::encode(&Sha256::digest(&bytes)[..8]);
    let set_logo =
        move |event: &mut pollux_core::event::Event, _: &[_]| Ok(event.set_logo(Some(tag.clone())));
    let agenda = change(&app, id, bearer, None, Some(bytes), set_logo).await?;
    Ok(answer::ok(&view::event(&agenda, true)))
}

/// Remove an event's logo.
#[utoipa::path(
    delete, path = "/api/events/{id}/logo", tag = "owner", operation_id = "deleteLogo",
    params(("id" = String, Path, description = "The event's id or join code")),
    responses((status = 200, body = EventView, description = "Changed")),
    security(("owner" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
    ]))),
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(asker)?;
    let agenda = change(&app, id, bearer, None, None, |event, _| Ok(event.set_logo(None))).await?;
    Ok(answer::ok(&view::event(&agenda, true)))
}

/// Read an event's logo.
#[utoipa::path(
    get, path = "/api/events/{id}/logo", tag = "events", operation_id = "getLogo",
    params(
        ("id" = String, Path, description = "The event's id or join code"),
        ("v" = Option<String>, Query, description = "The version of the logo, as in the event's `logo`. With it the answer may be cached for good"),
    ),
    responses((status = 200, description = "The picture", content(
        (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp"),
    ))),
    extensions(("x-troubles" = json!([Trouble::NoSuchRoute]))),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let none = || Problem::new(Trouble::NoSuchRoute, "the event has no logo");
    let query = Query::of(request.uri())?;
    let from = asker.client.address;
    let Named::Event(agenda) = lookup::named(&app, &id, from, None).await? else {
        return Err(none());
    };
    let bytes = ask(&app, app.store.logo(agenda.event.id)).await?.ok_or_else(none)?;
    let kind = kind(&bytes).ok_or_else(none)?;
    // The bytes may be newer than what this node knows of the event, so the tag is computed from them.
    let tag = hex::encode(&Sha256::digest(&bytes)[..8]);
    let control = match query.one("v")? {
        Some(asked) if asked == tag => "public, max-age=31536000, immutable",
        _ => "no-cache",
    };
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(control));
    Ok(response)
}
