//! What is on stage, and the token that steps from poll to poll without being the owner's.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::event::{Event, Program};
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::{change, ok};
use super::{draft, shape};
use crate::api::App;
use crate::api::http::body;
use crate::api::http::path::Params;
use crate::api::poll::change::{self as owner, Bearer, until};
use crate::api::problem::{Problem, Trouble};
use crate::watch::view::event::{self as view, EventView};

/// A token that can show and reveal, and do nothing else.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageToken {
    /// For the stage. A new owner's token ends it.
    pub stage_token: String,
    /// The stage's page, with the token in its fragment.
    pub stage_url: String,
}

/// What leads to the stage of an event or a poll that has this owner.
pub fn stage_token(app: &App, id: uuid::Uuid, owner: &[u8; 32]) -> StageToken {
    let stage_token = app.keys.stage_token(owner, app.ambient.now());
    let stage_url = format!("{}/present/{id}#token={stage_token}", app.public_url());
    StageToken { stage_token, stage_url }
}

/// Put one of the event's polls on stage and on phones, or none. A draft is opened by it. With `from`
/// it is a step from what the asker sees: sent twice, or by two askers at once, it is made once.
#[utoipa::path(
    post, path = "/api/events/{id}/show", tag = "owner", operation_id = "showPoll",
    params(("id" = String, Path, description = "The event's id or join code")),
    request_body(content = shape::Show, example = json!({"poll": null})),
    responses((status = 200, body = EventView, description = "Shown")),
    security(("owner" = []), ("stage" = [])),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(&app, &request)?.or_stage();
    let (head, body) = request.into_parts();
    let step = draft::show(&body::json(&app, &head.headers, body).await?)?;
    let (event, polls) = bearer.event(&app, &id, until(&app)).await?;
    // Once before a draft is opened, which cannot be taken back; and again with the change itself.
    still_there(&step, &event, &polls)?;
    if let Some(poll) = step.to {
        let there = |known: &&Standing| known.poll.status != PollStatus::Deleted;
        let Some(found) = polls.iter().filter(there).find(|known| known.poll.id == poll) else {
            return Err(Problem::rule("/poll", "is not a poll of this event"));
        };
        if found.poll.status == PollStatus::Draft {
            let now = app.ambient.now();
            let open = move |poll: &mut Poll| match poll.status {
                PollStatus::Draft => poll.open(now).map(|()| true),
                _ => Ok(false),
            };
            owner::change_of_event(&app, poll, until(&app), open).await?;
        }
    }
    let id = event.id.to_string();
    let program = change(&app, id, bearer, None, move |event, polls| {
        still_there(&step, event, polls)?;
        Ok(event.show(step.to))
    })
    .await?;
    Ok(ok(&view::event(&program, true)))
}

/// Whether what the asker sees on stage is still there, if that is said; or the step is made, since
/// whoever asks again may have lost the answer.
fn still_there(step: &draft::Step, event: &Event, polls: &[Standing]) -> Result<(), Problem> {
    let Some(from) = step.from else { return Ok(()) };
    let now = Program::new(Arc::new(event.clone()), polls).current();
    if now == from || now == step.to {
        return Ok(());
    }
    let name = |poll: Option<PollId>| poll.map_or("nothing".into(), |id| format!("poll {id}"));
    let (now, from) = (name(now), name(from));
    let detail =
        format!("the stage shows {now} by now, and showed {from} to you; nothing was changed");
    Err(Problem::new(Trouble::ChangedMeanwhile, detail))
}

/// The token of a stage for an event: it can show and reveal.
#[utoipa::path(
    post, path = "/api/events/{id}/stage", tag = "owner", operation_id = "getEventStage",
    params(("id" = String, Path, description = "The event's id or join code")),
    responses((status = 200, body = StageToken, description = "The same each time, until the owner's token is reissued")),
    security(("owner" = [])),
)]
pub async fn stage(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(&app, &request)?;
    let (event, _) = bearer.event(&app, &id, until(&app)).await?;
    Ok(ok(&stage_token(&app, event.id.0, &event.owner)))
}

/// The token of a stage for a poll.
#[utoipa::path(
    post, path = "/api/polls/{id}/stage", tag = "owner", operation_id = "getPollStage",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = StageToken, description = "The same each time, until the owner's token is reissued")),
    security(("owner" = [])),
)]
pub async fn poll_stage(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let standing = Bearer::of(&app, &request)?.poll(&app, &id, until(&app)).await?;
    Ok(ok(&stage_token(&app, standing.poll.id.0, &standing.poll.owner)))
}
