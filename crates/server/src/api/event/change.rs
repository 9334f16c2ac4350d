//! The owner's changes of an event: edit and delete.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};

use super::{draft, shape};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::change::event::change;
use crate::api::change::poll::change_of_event;
use crate::api::change::{Bearer, detached, refused, until};
use crate::api::http::path::Params;
use crate::api::http::{answer, body};
use crate::api::lookup::ask::ask;
use crate::api::problem::{Problem, Trouble};
use crate::store::EventAndPolls;
use crate::watch::view::event::{self as view, EventView};

/// Change an event: its title, colour and layout, the order of its polls, and the sites that may frame it.
#[utoipa::path(
    patch, path = "/api/events/{id}", tag = "owner", operation_id = "editEvent",
    params(("id" = String, Path, description = "The event's id or join code")),
    request_body(content = shape::EventPatch, example = json!({"accent": "#0B5CAD"})),
    responses((status = 200, body = EventView, description = "Changed")),
    security(("owner" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
    ]))),
)]
pub async fn edit(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(asker)?;
    let (head, body) = request.into_parts();
    let draft = draft::patch(&body::json(&app, &head.headers, body).await?)?;
    let agenda = change(&app, id, bearer, None, None, move |event, polls| {
        let there = polls.iter().filter(|poll| poll.poll.status != PollStatus::Deleted);
        let ids: Vec<PollId> = there.map(|poll| poll.poll.id).collect();
        event.edit(draft.clone(), &ids).map(|()| true).map_err(refused)
    })
    .await?;
    Ok(answer::ok(&view::event(&agenda, true)))
}

/// Delete an event and its polls.
#[utoipa::path(
    delete, path = "/api/events/{id}", tag = "owner", operation_id = "deleteEvent",
    params(("id" = String, Path, description = "The event's id or join code")),
    responses((status = 204, description = "Deleted")),
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
    detached(&app, move |app| async move { remove(&app, &id, bearer).await }).await?;
    Ok(answer::done())
}

async fn remove(app: &Arc<App>, id: &str, bearer: Bearer) -> Result<(), Problem> {
    let now = app.ambient.now();
    let (event, polls) = bearer.event(app, id, until(app)).await?;
    // The polls go first: if this is interrupted, the owner can repeat it for as long as the event exists.
    delete_polls(app, &(event.clone(), polls)).await?;
    let id = event.id;
    change(app, id.to_string(), bearer, None, None, move |event, _| Ok(event.delete(now))).await?;
    match ask(app, app.store.event(id)).await? {
        Some(rest) => delete_polls(app, &rest).await,
        None => Ok(()),
    }
}

async fn delete_polls(app: &Arc<App>, (_, polls): &EventAndPolls) -> Result<(), Problem> {
    let now = app.ambient.now();
    for poll in polls {
        let delete = move |poll: &mut Poll| match poll.status {
            PollStatus::Deleted => Ok(false),
            _ => poll.delete(now).map(|()| true),
        };
        if poll.poll.status != PollStatus::Deleted {
            change_of_event(app, poll.poll.id, until(app), delete).await?;
        }
    }
    Ok(())
}
