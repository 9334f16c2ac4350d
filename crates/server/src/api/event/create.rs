//! The creation of an event.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::event::Event;
use pollux_core::id::EventId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::token::{owner_url, stage_token};
use super::{draft, shape};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::access::keys::Keys;
use crate::api::change::event::agenda;
use crate::api::change::keep::{idempotency_key, keep, spend};
use crate::api::change::{detached, refused};
use crate::api::http::{answer, body};
use crate::api::problem::{Problem, Trouble};
use crate::store::IdempotencyKey;
use crate::watch::view::event::{self as view, EventView};

/// A `CreatedEvent` is a new event, with the tokens that only its creator is given.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedEvent {
    /// The event.
    #[serde(flatten)]
    pub event: EventView,
    /// The owner's token. Keep it: it is shown only now, and is needed for everything the owner does with the
    /// event and its polls.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner_token: Option<String>,
    /// The owner's page, with the token in the URL's fragment, which is sent to no server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner_url: Option<String>,
    /// The token for the stage. It can only show and reveal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stage_token: Option<String>,
    /// The stage's page, with the token in the URL's fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stage_url: Option<String>,
}

/// Create an event.
#[utoipa::path(
    post, path = "/api/events", tag = "events", operation_id = "createEvent",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A key of your choice: the same request under the same key creates one event", pattern = "^[!-~]{16,255}$")),
    request_body(content = shape::NewEvent, example = json!({"title": "Rust Conf 2026"})),
    responses((status = 201, body = CreatedEvent, description = "Created", headers(("Location" = String)))),
    extensions(("x-troubles" = json!([
        Trouble::NoToken, Trouble::WrongToken, Trouble::KeyReused, Trouble::StoreUnavailable,
        Trouble::ChangeUnknown,
    ]))),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if app.config.operator_creates {
        asker.require_operator(&app)?;
    }
    let key = idempotency_key(request.headers())?;
    let (head, body) = request.into_parts();
    let body = body::json(&app, &head.headers, body).await?;
    let draft = draft::create(&body)?;
    let id = EventId(app.ambient.poll_id().0);
    let owner = Keys::token_hash(&app.keys.owner_token(id.0, [0; 16]));
    let event = Event::new(id, draft, owner, app.ambient.now()).map_err(refused)?;
    spend(&app, &asker)?;
    let request = Sha256::new().chain_update(b"event").chain_update(&body).finalize().into();
    let key = key.map(|key| IdempotencyKey { key, request });
    let kept = detached(&app, move |app| async move { keep(&app, event, key).await });
    let agenda = agenda(&kept.await?);
    let event = &agenda.event;
    app.limits.show(asker.client.address, event.id.0);
    let token = app.keys.first_token(event.id.0, &event.owner);
    let stage = token.is_some().then(|| stage_token(&app, event.id.0, &event.owner));
    let (stage_token, stage_url) = stage.map(|s| (s.stage_token, s.stage_url)).unzip();
    let body = CreatedEvent {
        event: view::event(&agenda, true),
        owner_url: token.as_ref().map(|token| owner_url(&app, event, token)),
        owner_token: token,
        stage_token,
        stage_url,
    };
    Ok(answer::created(format!("/api/events/{}", event.id), &body))
}
