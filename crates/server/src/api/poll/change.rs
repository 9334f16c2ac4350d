//! What the owner does with a poll: edit, open, close, reopen, reveal, reset, delete.
//!
//! The store has the change first; then every partition gets the control record (the
//! processor's housekeeping appends again what is missing), and every node is told.
//!
//! A change may name the phase that it is meant for (`?phase=`). It is then made in that phase or
//! not at all, so one that is sent twice, or by two organisers at once, is made once.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode};
use pollux_core::id::{PollId, UnixMillis};
use pollux_core::poll::{ChangeError, Poll, PollStatus};
use pollux_core::standing::{Announcement, Standing};
use tokio::time::{Instant, timeout, timeout_at};

use super::{draft, shape};
use crate::api::App;
use crate::api::access::asker::require_token;
use crate::api::access::client::Client;
use crate::api::access::keys::Right;
use crate::api::access::room;
use crate::api::http::path::Params;
use crate::api::http::query::{Query, bad};
use crate::api::http::{answer, body};
use crate::api::lookup::ask::{ask, silent, store_problem};
use crate::api::lookup::owned;
use crate::api::problem::security::{About, SecurityEvent};
use crate::api::problem::{Problem, Trouble};
use crate::log::control;
use crate::store::{self, EventStanding, StoreError};
use crate::watch::grants::Proof;
use crate::watch::view::{self, Audience, PollView};

/// A change that loses this many races in a row is given up.
const ATTEMPTS: usize = 8;

/// The problem that the core's refusal of a change is.
pub fn refused(error: ChangeError) -> Problem {
    match error {
        ChangeError::Invalid(broken) => Problem::rules(broken),
        ChangeError::Status(_) => Problem::new(Trouble::WrongStatus, error.to_string()),
    }
}

/// Run to the end even if the client goes away in the middle.
pub async fn detached<T, F>(app: &Arc<App>, work: impl FnOnce(Arc<App>) -> F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    tokio::spawn(work(app.clone())).await.unwrap_or_else(|_| {
        Err(Problem::new(Trouble::ChangeUnknown, "the server stopped in the middle of it"))
    })
}

/// Whoever shows a token.
#[derive(Clone)]
pub struct Bearer {
    token: Vec<u8>,
    from: IpAddr,
    right: Right,
}

impl Bearer {
    /// Of this request, or 401.
    pub fn of(app: &App, request: &Request<Body>) -> Result<Self, Problem> {
        let token = require_token(request.headers())?.to_vec();
        let from = Client::of(app, request.headers(), request.extensions()).address;
        Ok(Self { token, from, right: Right::Owner })
    }

    /// The same where the stage's token does, too.
    pub fn or_stage(self) -> Self {
        Self { right: Right::Stage, ..self }
    }

    /// Another token from the same place, such as a body's.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.into(), ..self.clone() }
    }

    /// Whose token it is, of something that has this owner.
    pub fn role(&self, app: &App, owner: &[u8; 32]) -> &'static str {
        match app.keys.proof(&self.token, owner) {
            Some(Proof::Operator) => "operator",
            Some(Proof::Owner(_)) => "owner",
            Some(Proof::Stage(_)) => "stage",
            None => "nobody",
        }
    }

    /// The poll this one may change, as the store has it.
    pub async fn poll(&self, app: &App, id: &str, until: Instant) -> Result<Standing, Problem> {
        owned(app, id, Some(self), until).await
    }

    /// The event this one may change, as the store has it.
    pub async fn event(
        &self,
        app: &App,
        id: &str,
        until: Instant,
    ) -> Result<EventStanding, Problem> {
        let found = owned::event(app, id, self.from, &self.token, self.right);
        timeout_at(until, found).await.unwrap_or_else(|_| Err(silent()))
    }
}

/// When a request must be answered that begins with its change now.
pub fn until(app: &App) -> Instant {
    Instant::now() + app.config.api.deadline
}

/// Change a poll of the bearer of the token; `change` says whether there was anything to do.
pub async fn change(
    app: &Arc<App>,
    id: String,
    bearer: Bearer,
    until: Instant,
    change: impl Fn(&mut Poll) -> Result<bool, ChangeError> + Send + Sync + 'static,
) -> Result<Standing, Problem> {
    change_whose(app, id, Some(bearer), None, until, change).await
}

/// The same of a poll whose event's bearer may change it.
pub async fn change_of_event(
    app: &Arc<App>,
    id: PollId,
    until: Instant,
    change: impl Fn(&mut Poll) -> Result<bool, ChangeError> + Send + Sync + 'static,
) -> Result<Standing, Problem> {
    change_whose(app, id.to_string(), None, None, until, change).await
}

/// The same of anybody's, unless the poll has left the phase that the change is meant for.
async fn change_whose(
    app: &Arc<App>,
    id: String,
    bearer: Option<Bearer>,
    phase: Option<u32>,
    until: Instant,
    change: impl Fn(&mut Poll) -> Result<bool, ChangeError> + Send + Sync + 'static,
) -> Result<Standing, Problem> {
    detached(app, move |app| async move {
        for _ in 0..ATTEMPTS {
            let mut standing = owned(&app, &id, bearer.as_ref(), until).await?;
            let mut poll = (*standing.poll).clone();
            let expected = poll.revision;
            if let Some(phase) = phase.filter(|phase| *phase != poll.phase) {
                return Err(moved_on(&app, &standing, phase, until).await);
            }
            if !change(&mut poll).map_err(refused)? {
                // Whoever asks again may have lost the answer, and we the publication.
                publish(&app, &standing, until).await;
                return Ok(standing);
            }
            let opens = poll.status == PollStatus::Open && standing.poll.status != PollStatus::Open;
            let _until_it_is_counted = opens.then(|| room::for_known(&app)).transpose()?;
            match timeout_at(until, app.store.change(&poll, expected)).await {
                Ok(Ok(())) => record(&app, bearer.as_ref(), &standing.poll, &poll),
                Ok(Err(store::ChangeError::Conflict)) => continue,
                Ok(Err(taken @ store::ChangeError::CodeTaken)) => {
                    return Err(Problem::new(Trouble::WrongStatus, taken.to_string()));
                }
                Ok(Err(store::ChangeError::Store(error))) => {
                    if !matches!(error, StoreError::Unknown(_)) {
                        return Err(store_problem(&error));
                    }
                    let found = recorder(&app, bearer, &standing.poll, &poll);
                    let made = settle(&app, poll.id, until, found).await;
                    let made = made.filter(|made| *made.poll == poll);
                    return made.ok_or_else(|| store_problem(&error));
                }
                Err(_) => {
                    let found = recorder(&app, bearer, &standing.poll, &poll);
                    settle(&app, poll.id, until, found).await;
                    return Err(no_answer());
                }
            }
            standing.take_poll(Arc::new(poll));
            publish(&app, &standing, until).await;
            return Ok(standing);
        }
        let detail = "others changed the poll each time in between; nothing was changed";
        Err(Problem::new(Trouble::ChangedMeanwhile, detail))
    })
    .await
}

/// The store has the change: if it is a security event, it goes on record.
fn record(app: &App, bearer: Option<&Bearer>, before: &Poll, after: &Poll) {
    if let Some(event) = SecurityEvent::of_poll(before, after) {
        // What happens to an event's polls happens by the event.
        let by = bearer.map_or("event", |bearer| bearer.role(app, &before.owner));
        app.security.note(event, About::change(after.id.0, by));
    }
}

/// Puts a change on record once it is found to be what the store has.
fn recorder(
    app: &Arc<App>,
    bearer: Option<Bearer>,
    before: &Arc<Poll>,
    after: &Poll,
) -> impl FnOnce(&Poll) + Send + 'static {
    let (app, before, after) = (app.clone(), before.clone(), after.clone());
    move |found| {
        if *found == after {
            record(&app, bearer.as_ref(), &before, &after);
        }
    }
}

/// The poll is no longer in the phase that a change is meant for. Whoever asks again may have lost
/// the answer, and we the publication.
async fn moved_on(app: &Arc<App>, standing: &Standing, phase: u32, until: Instant) -> Problem {
    publish(app, standing, until).await;
    let now = standing.poll.phase;
    let detail = format!("the poll is in phase {now}, not in {phase}; nothing was changed");
    Problem::new(Trouble::ChangedMeanwhile, detail)
}

/// The phase that a change is meant for, if its request names one.
fn phase_of(request: &Request<Body>) -> Result<Option<u32>, Problem> {
    let query = Query::of(request.uri())?;
    let Some(text) = query.one("phase")? else { return Ok(None) };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let phase = text.parse().ok().filter(|_| plain);
    phase.map(Some).ok_or_else(|| bad("the query parameter phase must be a whole number"))
}

async fn owned(
    app: &App,
    id: &str,
    bearer: Option<&Bearer>,
    until: Instant,
) -> Result<Standing, Problem> {
    let found = async {
        match (bearer, id.parse()) {
            (Some(Bearer { token, from, right }), _) => {
                owned::poll(app, id, *from, token, *right).await
            }
            (None, Ok(id)) => {
                let found = ask(app, app.store.standing(id)).await?;
                found.ok_or_else(Problem::no_such_poll)
            }
            (None, Err(_)) => Err(Problem::no_such_poll()),
        }
    };
    timeout_at(until, found).await.unwrap_or_else(|_| Err(silent()))
}

/// The store did not say whether it made a change: look, hand over what is `found`, and tell everybody, for
/// nobody else will if it was made. What takes longer than `until` is done behind the client's back.
pub async fn settle(
    app: &Arc<App>,
    id: PollId,
    until: Instant,
    found: impl FnOnce(&Poll) + Send + 'static,
) -> Option<Standing> {
    let app = app.clone();
    let looking = tokio::spawn(async move {
        let standing = ask(&app, app.store.standing(id)).await.ok()??;
        found(&standing.poll);
        publish(&app, &standing, Instant::now()).await;
        Some(standing)
    });
    timeout_at(until, looking).await.ok()?.ok()?
}

/// The problem of a change that the store has not answered.
pub fn no_answer() -> Problem {
    Problem::new(Trouble::ChangeUnknown, "the store did not answer in time")
}

/// The store has it: tell this node, and wait until the others and every partition are told, but
/// not beyond `until`. None of it can fail the change, which is made; what does not get through
/// is made up for by housekeeping.
pub async fn publish(app: &Arc<App>, standing: &Standing, until: Instant) {
    let poll = standing.poll.clone();
    app.hub.note(standing);
    if poll.status == PollStatus::Draft {
        if poll.event.is_some() {
            announce(app, Announcement::Poll(poll), until).await;
        }
        return;
    }
    app.hub.merge(standing.clone());
    let app = app.clone();
    let telling = tokio::spawn(async move {
        let told = control::publish(&*app.log, &poll, app.ambient.now());
        if timeout(app.config.api.deadline, told).await.is_err() {
            tracing::warn!(poll = %poll.id, "the log is slow; the change is published again later");
        }
    });
    let _ = timeout_at(until, telling).await;
}

/// Tell the other nodes, but not beyond `until`. What does not get through they find out when they
/// compare themselves with the store.
pub async fn announce(app: &Arc<App>, what: Announcement, until: Instant) {
    let app = app.clone();
    let telling = tokio::spawn(async move {
        let told = timeout(app.config.api.deadline, app.log.announce(vec![what])).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!("a change is announced later");
        }
    });
    let _ = timeout_at(until, telling).await;
}

fn shown(standing: &Standing) -> Response {
    answer::ok(&view::poll(standing, Audience::Owner))
}

/// Edit a draft. Who may frame a poll (`embed`) can be changed at any time.
#[utoipa::path(
    patch, path = "/api/polls/{id}", tag = "owner", operation_id = "editPoll",
    params(("id" = String, Path, description = "The poll's id or join code")),
    request_body(content = shape::PollPatch, example = json!({"question": "Which one?"})),
    responses((status = 200, body = PollView, description = "Changed")),
    security(("owner" = [])),
)]
pub async fn edit(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(&app, &request)?;
    let (head, body) = request.into_parts();
    let bytes = body::json(&app, &head.headers, body).await?;
    // Once before anything is changed, so that a body that does not read is a problem of its
    // own; and again at each attempt, upon what the draft says then.
    let until = until(&app);
    let standing = owned(&app, &id, Some(&bearer), until).await?;
    let new = draft::patch(&bytes, standing.poll.to_draft())?;
    let only_embed = draft::only_embed(&bytes);
    let ambient = app.ambient.clone();
    let standing = change(&app, id, bearer, until, move |poll| {
        if only_embed {
            return poll.allow_embed(new.embed.clone());
        }
        let Ok(draft) = draft::patch(&bytes, poll.to_draft()) else { return Ok(false) };
        poll.edit(draft, ambient.now()).map(|()| true)
    })
    .await?;
    Ok(shown(&standing))
}

macro_rules! action {
    ($(#[$doc:meta])* $name:ident, $path:literal, $operation:literal, $does:literal, $change:expr) => {
        action! { $(#[$doc])* $name, $path, $operation, $does, $change, |owner| owner }
    };
    (
        $(#[$doc:meta])* $name:ident, $path:literal, $operation:literal, $does:literal, $change:expr,
        $bearer:expr
    ) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "owner", operation_id = $operation,
            params(
                ("id" = String, Path, description = "The poll's id or join code"),
                ("phase" = Option<u32>, Query,
                    description = "The `phase` it is meant for: in another one nothing is done, and the answer is 409"),
            ),
            responses((status = 200, body = PollView, description = $does)),
            security(("owner" = [])),
        )]
        pub async fn $name(
            State(app): State<Arc<App>>,
            Params([id]): Params<1>,
            request: Request<Body>,
        ) -> Result<Response, Problem> {
            let bearer: fn(Bearer) -> Bearer = $bearer;
            let now = app.ambient.now();
            let change_it: fn(&mut Poll, UnixMillis) -> Result<bool, ChangeError> = $change;
            let bearer = bearer(Bearer::of(&app, &request)?);
            let phase = phase_of(&request)?;
            let change_it = move |poll: &mut Poll| change_it(poll, now);
            let until = until(&app);
            let standing = change_whose(&app, id, Some(bearer), phase, until, change_it).await?;
            Ok(shown(&standing))
        }
    };
}

action! {
    /// Open a draft.
    open, "/api/polls/{id}/open", "openPoll", "Open; its rules are fixed from now on",
    |poll, now| poll.open(now).map(|()| true)
}

action! {
    /// Close a poll.
    close, "/api/polls/{id}/close", "closePoll", "Closed; `final` once every partition is counted",
    |poll, now| poll.close(now)
}

action! {
    /// Open a closed poll again.
    reopen, "/api/polls/{id}/reopen", "reopenPoll", "Open again",
    |poll, now| poll.reopen(now)
}

action! {
    /// Show the numbers to everybody. The stage's token does, too.
    reveal, "/api/polls/{id}/reveal", "revealPoll", "Everybody sees the numbers",
    |poll, _| poll.reveal(), Bearer::or_stage
}

action! {
    /// Begin a new round from zero.
    reset, "/api/polls/{id}/reset", "resetPoll", "A new round, from zero",
    |poll, now| poll.reset(now).map(|()| true)
}

/// Delete a poll.
#[utoipa::path(
    delete, path = "/api/polls/{id}", tag = "owner", operation_id = "deletePoll",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("phase" = Option<u32>, Query,
            description = "The `phase` it is meant for: in another one nothing is done, and the answer is 409"),
    ),
    responses((status = 204, description = "Gone")),
    security(("owner" = [])),
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(&app, &request)?;
    let phase = phase_of(&request)?;
    let now = app.ambient.now();
    let delete = move |poll: &mut Poll| poll.delete(now).map(|()| true);
    change_whose(&app, id, Some(bearer), phase, until(&app), delete).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
