//! The creation of a poll: once, even if the request comes twice.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::poll::Poll;
use pollux_core::standing::Standing;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{draft, shape};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::access::capacity;
use crate::api::access::keys::Keys;
use crate::api::change::keep::{idempotency_key, keep, spend};
use crate::api::change::{detached, refused};
use crate::api::http::{answer, body};
use crate::api::kind::choice::example;
use crate::api::problem::{Problem, Trouble};
use crate::store::IdempotencyKey;
use crate::watch::view::{self, Audience, PollView};

/// A `CreatedPoll` is a new poll, with the token that only its creator is given.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedPoll {
    /// The poll.
    #[serde(flatten)]
    pub poll: PollView,
    /// The owner's token. Keep it: it is shown only now, and is needed for everything the owner does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner_token: Option<String>,
    /// The owner's page, with the token in the URL's fragment, which is sent to no server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner_url: Option<String>,
}

/// Create a poll.
#[utoipa::path(
    post, path = "/api/polls", tag = "polls", operation_id = "createPoll",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A key of your choice: the same request under the same key creates one poll", pattern = "^[!-~]{16,255}$")),
    request_body(content = shape::NewPoll,
        example = json!(example("What is your favorite language?", ["JavaScript", "Python"]))),
    responses((status = 201, body = CreatedPoll, description = "Created", headers(("Location" = String)))),
    extensions(("x-troubles" = json!([
        Trouble::NoToken, Trouble::WrongToken, Trouble::KeyReused, Trouble::StoreUnavailable,
        Trouble::ChangeUnknown, Trouble::TooManyPolls,
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
    let (draft, open) = draft::create(&body, true)?;
    let now = app.ambient.now();
    let id = app.ambient.poll_id();
    let token = app.keys.owner_token(id.0, [0; 16]);
    let mut poll = Poll::draft(id, draft, Keys::token_hash(&token), now).map_err(refused)?;
    poll.give_text_key(|| app.ambient.random());
    if open {
        poll.open(now).map_err(refused)?;
    }
    let place = open.then(|| capacity::for_new(&app, &asker)).transpose()?;
    spend(&app, &asker)?;
    let key = key.map(|key| IdempotencyKey { key, request: Sha256::digest(&body).into() });
    detached(&app, move |app| async move {
        let standing = keep(&app, poll, key).await?;
        drop(place);
        Ok(answer(&app, &standing, asker.client.address))
    })
    .await
}

fn answer(app: &App, standing: &Standing, from: IpAddr) -> Response {
    let poll = &standing.poll;
    app.limits.show(from, poll.id.0);
    let token = app.keys.first_token(poll.id.0, &poll.owner);
    let body = CreatedPoll {
        poll: view::poll(standing, Audience::Owner),
        owner_url: token.as_ref().map(|token| owner_url(app, poll, token)),
        owner_token: token,
    };
    answer::created(format!("/api/polls/{}", poll.id), &body)
}

/// Returns the owner's page. The token is in the fragment, which browsers send to no server.
pub(super) fn owner_url(app: &App, poll: &Poll, token: &str) -> String {
    format!("{}/studio#poll={}&token={token}", app.public_url(), poll.id)
}
