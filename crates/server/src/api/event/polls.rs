//! The addition of polls to an event.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::event::MAX_POLLS;
use pollux_core::poll::Poll;
use sha2::{Digest, Sha256};

use super::{draft, shape};
use crate::api::access::asker::Asker;
use crate::api::access::capacity;
use crate::api::access::right::wrong_token;
use crate::api::change::keep::{idempotency_key, keep, spend};
use crate::api::change::poll::change_of_event;
use crate::api::change::{self, Bearer, detached, refused, until};
use crate::api::http::path::Params;
use crate::api::http::{answer, body};
use crate::api::kind::choice::example;
use crate::api::lookup::ask::ask;
use crate::api::poll::draft as poll_draft;
use crate::api::problem::{Problem, Trouble};
use crate::api::{App, lookup};
use crate::store::IdempotencyKey;
use crate::watch::view::{Audience, PollView};

/// Add a new poll to an event, or take in a poll that belongs to no event.
#[utoipa::path(
    post, path = "/api/events/{id}/polls", tag = "owner", operation_id = "addPoll",
    params(
        ("id" = String, Path, description = "The event's id or join code"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "A key of your choice: the same request under the same key creates one poll", pattern = "^[!-~]{16,255}$"),
    ),
    request_body(content = shape::EventPollBody,
        example = json!(example("Which one?", ["This", "That"]))),
    responses((status = 201, body = PollView, description = "The poll, which has the event's join code and owner",
        headers(("Location" = String)))),
    security(("owner" = [])),
    extensions(("x-troubles" = json!([
        Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::KeyReused,
        Trouble::WrongStatus, Trouble::TooManyPolls,
    ]))),
)]
pub async fn add(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    asker: Asker,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(asker.clone())?;
    let key = idempotency_key(request.headers())?;
    let (head, body) = request.into_parts();
    let body = body::json(&app, &head.headers, body).await?;
    let (event, polls) = bearer.event(&app, &id, until(&app)).await?;
    let standing = match draft::take_in(&body)? {
        // The poll is in the event already: a client that asks again has lost the answer.
        Some(lone) if polls.iter().any(|known| known.poll.id.to_string() == lone.poll_id) => {
            bearer.poll(&app, &lone.poll_id, until(&app)).await?
        }
        _ if polls.len() >= MAX_POLLS => {
            return Err(Problem::rule("", format!("an event has at most {MAX_POLLS} polls")));
        }
        Some(lone) => {
            let bearer = bearer.with_token(&lone.poll_token);
            let event = event.clone();
            let join = move |poll: &mut Poll| event.adopt(poll);
            change::poll::change(&app, lone.poll_id, bearer, None, until(&app), join).await?
        }
        None => {
            let (draft, open) = poll_draft::create(&body, false)?;
            let now = app.ambient.now();
            let id = app.ambient.poll_id();
            let poll = Poll::draft(id, draft, event.owner, now).and_then(|mut poll| {
                event.adopt(&mut poll)?;
                poll.give_text_key(|| app.ambient.random());
                if open {
                    poll.open(now)?;
                }
                Ok(poll)
            });
            let poll = poll.map_err(refused)?;
            let place = open.then(|| capacity::for_new(&app, &asker)).transpose()?;
            spend(&app, &asker)?;
            let request = Sha256::new().chain_update(event.id.0).chain_update(&body).finalize();
            let key = key.map(|key| IdempotencyKey { key, request: request.into() });
            let kept = move |app| async move {
                let _until_it_is_counted = place;
                keep(&app, poll, key).await
            };
            detached(&app, kept).await?
        }
    };
    // The event may have been deleted meanwhile, or its tokens reissued, by somebody who did not see this
    // poll.
    match ask(&app, app.store.event(event.id)).await? {
        Some((now, _)) if now.deleted_at.is_none() && now.owner == standing.poll.owner => {}
        Some((now, _)) if now.deleted_at.is_none() => {
            let set_owner = move |poll: &mut Poll| Ok(poll.set_owner(now.owner));
            change_of_event(&app, standing.poll.id, until(&app), set_owner).await?;
            return Err(wrong_token("event owner's"));
        }
        _ => {
            let now = app.ambient.now();
            let gone = move |poll: &mut Poll| poll.delete(now).map(|()| true);
            change_of_event(&app, standing.poll.id, until(&app), gone).await?;
            return Err(lookup::no_such_event());
        }
    }
    let poll = crate::watch::view::poll(&standing, Audience::Owner);
    Ok(answer::created(format!("/api/polls/{}", standing.poll.id), &poll))
}
