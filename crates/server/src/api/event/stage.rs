//! The stage of an event: which of its polls is shown.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::event::{Agenda, Event};
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;

use super::{draft, shape};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::change::event::change;
use crate::api::change::poll::change_of_event;
use crate::api::change::{Bearer, until};
use crate::api::http::path::Params;
use crate::api::http::{answer, body};
use crate::api::problem::{Problem, Trouble};
use crate::watch::view::event::{self as view, EventView};

/// Put one of the event's polls on stage and on phones, or none. A draft is opened. With `from` it is a step
/// from what the asker sees: if it is sent twice, or by two askers at once, it happens once.
#[utoipa::path(
    post, path = "/api/events/{id}/show", tag = "owner", operation_id = "showPoll",
    params(("id" = String, Path, description = "The event's id or join code")),
    request_body(content = shape::Show, example = json!({"poll": null})),
    responses((status = 200, body = EventView, description = "The event, with the poll on stage")),
    security(("owner" = []), ("stage" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
        Trouble::TooManyPolls,
    ]))),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(asker)?.or_stage();
    let (head, body) = request.into_parts();
    let step = draft::show(&body::json(&app, &head.headers, body).await?)?;
    let found = bearer.event(&app, &id, until(&app)).await?;
    let id = found.0.id.to_string();
    // This is checked here because opening a draft cannot be taken back, and again with the change itself.
    still_there(&step, &found.0, &found.1)?;
    let mut found = Some(found);
    if let (Some(poll), Some((_, polls))) = (step.to, &found) {
        let is_it = |known: &&Standing| known.poll.id == poll;
        let is_there = |known: &&Standing| known.poll.status != PollStatus::Deleted;
        let not_its = || Problem::rule("/poll", "is not a poll of this event");
        let known = polls.iter().find(is_it).filter(is_there).ok_or_else(not_its)?;
        if known.poll.status == PollStatus::Draft {
            let now = app.ambient.now();
            let open = move |poll: &mut Poll| match poll.status {
                PollStatus::Draft => poll.open(now).map(|()| true),
                _ => Ok(false),
            };
            let opened = change_of_event(&app, poll, until(&app), open).await?;
            Some(&opened).filter(is_there).ok_or_else(not_its)?;
            // Opening took a while, in which the event's other polls may have changed, so the event is read
            // again.
            found = None;
        }
    }
    let agenda = change(&app, id, bearer, found, None, move |event, polls| {
        still_there(&step, event, polls)?;
        Ok(event.show(step.to))
    })
    .await?;
    Ok(answer::ok(&view::event(&agenda, true)))
}

/// Checks that the stage still shows what the asker sees there, if the request says so. It passes as well if
/// the step was made already, because a client that asks again may have lost the answer.
fn still_there(step: &draft::StageStep, event: &Event, polls: &[Standing]) -> Result<(), Problem> {
    let Some(from) = step.from else { return Ok(()) };
    let now = Agenda::new(Arc::new(event.clone()), polls).current();
    if now == from || now == step.to {
        return Ok(());
    }
    let name = |poll: Option<PollId>| poll.map_or("nothing".into(), |id| format!("poll {id}"));
    let (now, from) = (name(now), name(from));
    let detail =
        format!("the stage shows {now} by now, and showed {from} to you; nothing was changed");
    Err(Problem::new(Trouble::ChangedMeanwhile, detail))
}
