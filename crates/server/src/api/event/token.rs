//! The tokens of an event: new ones for an owner who lost theirs, and the stage token, with which a stage can
//! step from poll to poll without being the owner.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use pollux_core::event::Event;
use pollux_core::poll::{Poll, PollStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::access::keys::Keys;
use crate::api::change::event::change;
use crate::api::change::poll::change_of_event;
use crate::api::change::{Bearer, detached, until};
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::problem::{Problem, Trouble};

/// `NewEventTokens` holds the new tokens of an event, for an owner who lost theirs.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewEventTokens {
    /// The id of the event.
    pub event_id: String,
    /// The owner's token: from now on the only valid one, for the event and its polls.
    pub owner_token: String,
    /// The owner's page, with the token in the URL's fragment.
    pub owner_url: String,
    /// The token for the stage.
    pub stage_token: String,
    /// The stage's page, with the token in the URL's fragment.
    pub stage_url: String,
}

/// Reissue the tokens of an event and its polls.
#[utoipa::path(
    post, path = "/api/events/{id}/token", tag = "owner", operation_id = "reissueEventToken",
    params(("id" = String, Path, description = "The event's id or join code")),
    responses((status = 200, body = NewEventTokens, description = "The new tokens; the old ones are no longer valid")),
    security(("operator" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
    ]))),
)]
pub async fn reissue(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
) -> Result<Response, Problem> {
    asker.require_operator(&app)?;
    let serial = app.ambient.random();
    let bearer = Bearer::of(asker)?;
    // This runs to its end even if nobody waits: if it were half done, the old token would still open the
    // other polls.
    let done = detached(&app, move |app| async move { renew(&app, &id, bearer, serial).await });
    done.await.map(|tokens| answer::ok(&tokens))
}

async fn renew(
    app: &Arc<App>,
    id: &str,
    bearer: Bearer,
    serial: [u8; 16],
) -> Result<NewEventTokens, Problem> {
    let (event, _) = bearer.event(app, id, until(app)).await?;
    let token = app.keys.owner_token(event.id.0, serial);
    let hash = Keys::token_hash(&token);
    let id = event.id.to_string();
    let bearer_of_polls = bearer.clone();
    let agenda = change(app, id, bearer, None, None, move |event, _| {
        event.set_owner(hash);
        Ok(true)
    })
    .await?;
    // The event is read anew, because a poll may have been added while the old token was still valid.
    let (_, polls) = bearer_of_polls.event(app, &event.id.to_string(), until(app)).await?;
    for poll in polls.iter().filter(|poll| poll.poll.status != PollStatus::Deleted) {
        let set_owner = move |poll: &mut Poll| Ok(poll.set_owner(hash));
        change_of_event(app, poll.poll.id, until(app), set_owner).await?;
    }
    let stage = stage_token(app, event.id.0, &agenda.event.owner);
    Ok(NewEventTokens {
        event_id: event.id.to_string(),
        owner_url: owner_url(app, &event, &token),
        owner_token: token,
        stage_token: stage.stage_token,
        stage_url: stage.stage_url,
    })
}

/// A `StageToken` can only show and reveal.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageToken {
    /// The token for the stage. It becomes invalid when the owner's token is reissued.
    pub stage_token: String,
    /// The stage's page, with the token in the URL's fragment.
    pub stage_url: String,
}

/// Returns the token and the page for the stage of an event or a poll with this owner.
pub fn stage_token(app: &App, id: uuid::Uuid, owner: &[u8; 32]) -> StageToken {
    let stage_token = app.keys.stage_token(owner, app.ambient.now());
    let stage_url = format!("{}/present/{id}#token={stage_token}", app.public_url());
    StageToken { stage_token, stage_url }
}

/// Read the stage token of an event, which can only show and reveal.
#[utoipa::path(
    post, path = "/api/events/{id}/stage", tag = "owner", operation_id = "getEventStage",
    params(("id" = String, Path, description = "The event's id or join code")),
    responses((status = 200, body = StageToken, description = "The token, which is the same each time until the owner's token is reissued")),
    security(("owner" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
    ]))),
)]
pub async fn stage(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(asker)?;
    let (event, _) = bearer.event(&app, &id, until(&app)).await?;
    Ok(answer::ok(&stage_token(&app, event.id.0, &event.owner)))
}

/// Read the stage token of a poll, which can only show and reveal.
#[utoipa::path(
    post, path = "/api/polls/{id}/stage", tag = "owner", operation_id = "getPollStage",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = StageToken, description = "The token, which is the same each time until the owner's token is reissued")),
    security(("owner" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
    ]))),
)]
pub async fn poll_stage(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
) -> Result<Response, Problem> {
    let standing = Bearer::of(asker)?.poll(&app, &id, until(&app)).await?;
    Ok(answer::ok(&stage_token(&app, standing.poll.id.0, &standing.poll.owner)))
}

/// Returns the owner's page. The token is in the fragment, which browsers send to no server.
pub(super) fn owner_url(app: &App, event: &Event, token: &str) -> String {
    format!("{}/studio#event={}&token={token}", app.public_url(), event.id)
}
