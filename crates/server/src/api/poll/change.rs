//! The owner's changes of a poll: edit, open, close, reopen, reveal, reset, delete.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::id::UnixMillis;
use pollux_core::poll::{ChangeRefused, Poll};
use pollux_core::standing::Standing;

use super::{draft, shape};
use crate::api::App;
use crate::api::access::asker::Asker;
use crate::api::change::poll::change;
use crate::api::change::{Bearer, until};
use crate::api::http::path::Params;
use crate::api::http::query::{Query, bad};
use crate::api::http::{answer, body};
use crate::api::problem::{Problem, Trouble};
use crate::watch::view::{self, Audience, PollView};

/// Reads the phase that a change is meant for, if its request names one.
fn phase_of(request: &Request<Body>) -> Result<Option<u32>, Problem> {
    let query = Query::of(request.uri())?;
    let Some(text) = query.one("phase")? else { return Ok(None) };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let phase = text.parse().ok().filter(|_| plain);
    phase.map(Some).ok_or_else(|| bad("the query parameter phase must be a whole number"))
}

fn shown(standing: &Standing) -> Response {
    answer::ok(&view::poll(standing, Audience::Owner))
}

/// Edit a draft. The sites that may frame a poll (`embed`) can be changed at any time.
#[utoipa::path(
    patch, path = "/api/polls/{id}", tag = "owner", operation_id = "editPoll",
    params(("id" = String, Path, description = "The poll's id or join code")),
    request_body(content = shape::PollPatch, example = json!({"question": "Which one?"})),
    responses((status = 200, body = PollView, description = "Changed")),
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
    let bytes = body::json(&app, &head.headers, body).await?;
    // The body is read once before anything is changed, so that an unreadable one is a problem of its own. It
    // is read again at each attempt, because it applies to what the draft says then.
    let until = until(&app);
    let standing = bearer.poll(&app, &id, until).await?;
    let new = draft::patch(&bytes, standing.poll.to_draft())?;
    let only_embed = draft::only_embed(&bytes);
    let ambient = app.ambient.clone();
    let standing = change(&app, id, bearer, None, until, move |poll| {
        if only_embed {
            return poll.allow_embed(new.embed.clone());
        }
        let Ok(draft) = draft::patch(&bytes, poll.to_draft()) else { return Ok(false) };
        poll.edit(draft, ambient.now())?;
        poll.give_text_key(|| ambient.random());
        Ok(true)
    })
    .await?;
    Ok(shown(&standing))
}

macro_rules! action {
    ($(#[$doc:meta])* $name:ident, $path:literal, $operation:literal, $does:literal, [$($trouble:ident),*],
     $change:expr) => {
        action! { $(#[$doc])* $name, $path, $operation, $does, [$($trouble),*], $change, |owner| owner }
    };
    (
        $(#[$doc:meta])* $name:ident, $path:literal, $operation:literal, $does:literal,
        [$($trouble:ident),*], $change:expr, $bearer:expr
    ) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "owner", operation_id = $operation,
            params(
                ("id" = String, Path, description = "The poll's id or join code"),
                ("phase" = Option<u32>, Query,
                    description = "The `phase` that the change is meant for. In another phase nothing is changed, and the answer is 409"),
            ),
            responses((status = 200, body = PollView, description = $does)),
            security(("owner" = [])),
            extensions(("x-troubles" = json!([
                Trouble::ChangedMeanwhile, Trouble::ChangeUnknown, Trouble::WrongStatus,
                $(Trouble::$trouble),*
            ]))),
        )]
        pub async fn $name(
            State(app): State<Arc<App>>,
            Params([id]): Params<1>,
            asker: Asker,
            request: Request<Body>,
        ) -> Result<Response, Problem> {
            let bearer: fn(Bearer) -> Bearer = $bearer;
            let now = app.ambient.now();
            let change_it: fn(&mut Poll, UnixMillis) -> Result<bool, ChangeRefused> = $change;
            let bearer = bearer(Bearer::of(asker)?);
            let phase = phase_of(&request)?;
            let change_it = move |poll: &mut Poll| change_it(poll, now);
            let until = until(&app);
            let standing = change(&app, id, bearer, phase, until, change_it).await?;
            Ok(shown(&standing))
        }
    };
}

action! {
    /// Open a draft.
    open, "/api/polls/{id}/open", "openPoll", "The poll, which is open. Its rules are fixed from now on", [RulesBroken, TooManyPolls],
    |poll, now| poll.open(now).map(|()| true)
}

action! {
    /// Close a poll.
    close, "/api/polls/{id}/close", "closePoll", "The poll, which is closed, and `final` once every partition is counted", [],
    |poll, now| poll.close(now)
}

action! {
    /// Open a closed poll again.
    reopen, "/api/polls/{id}/reopen", "reopenPoll", "The poll, which is open again", [TooManyPolls],
    |poll, now| poll.reopen(now)
}

action! {
    /// Show the numbers to everybody. The stage token may do this too.
    reveal, "/api/polls/{id}/reveal", "revealPoll", "The poll, whose numbers everybody sees", [],
    |poll, _| poll.reveal(), Bearer::or_stage
}

action! {
    /// Begin a new round from zero.
    reset, "/api/polls/{id}/reset", "resetPoll", "The poll, in a new round that begins from zero", [],
    |poll, now| poll.reset(now).map(|()| true)
}

/// Delete a poll.
#[utoipa::path(
    delete, path = "/api/polls/{id}", tag = "owner", operation_id = "deletePoll",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("phase" = Option<u32>, Query,
            description = "The `phase` that the change is meant for. In another phase nothing is changed, and the answer is 409"),
    ),
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
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(asker)?;
    let phase = phase_of(&request)?;
    let now = app.ambient.now();
    let delete = move |poll: &mut Poll| poll.delete(now).map(|()| true);
    change(&app, id, bearer, phase, until(&app), delete).await?;
    Ok(answer::done())
}
