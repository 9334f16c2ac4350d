//! Events: making, reading and editing them, and their polls.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Request, StatusCode};
use pollux_core::event::{Event, MAX_POLLS, Program};
use pollux_core::id::{EventId, PollId};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Announcement, Standing};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::stage::stage_token;
use super::{draft, shape};
use crate::api::App;
use crate::api::access::asker::{bearer, wrong_token};
use crate::api::access::client::Client;
use crate::api::access::keys::{Keys, Right};
use crate::api::access::room;
use crate::api::http::answer::{self, cached};
use crate::api::http::body;
use crate::api::http::path::Params;
use crate::api::lookup::ask::{ask, silent, store_problem};
use crate::api::lookup::seen::ignored;
use crate::api::lookup::{self, Named};
use crate::api::poll::change::{self as owner, Bearer, until};
use crate::api::poll::create::{self, Kept, idempotency_key, under_a_code};
use crate::api::poll::draft as poll_draft;
use crate::api::problem::security::{About, SecurityEvent};
use crate::api::problem::{Problem, Trouble};
use crate::store::{ChangeError, EventStanding, IdempotencyKey, StoreError};
use crate::watch::view::event::{self as view, EventView};
use crate::watch::view::{Audience, PollView};

/// A change that loses this many races in a row is given up.
const ATTEMPTS: usize = 8;

/// A new event with the secrets that only its maker gets, once.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedEvent {
    /// The event.
    #[serde(flatten)]
    pub event: EventView,
    /// Keep it: it is shown this once, and needed for everything the owner does, with the
    /// event's polls too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner_token: Option<String>,
    /// A page that holds the token in its fragment, which no server gets to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner_url: Option<String>,
    /// For the stage: it shows and reveals, and can do nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stage_token: Option<String>,
    /// The stage's page, with its token in the fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stage_url: Option<String>,
}

/// New tokens of an event, for an owner who lost theirs.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewEventTokens {
    /// Which event.
    pub event_id: String,
    /// The only valid one from now on, for the event and its polls.
    pub owner_token: String,
    /// The owner's page.
    pub owner_url: String,
    /// The stage's.
    pub stage_token: String,
    /// The stage's page.
    pub stage_url: String,
}

fn owner_url(app: &App, event: &Event, token: &str) -> String {
    format!("{}/studio#event={}&token={token}", app.public_url(), event.id)
}

/// 200, in JSON.
pub fn ok<T: Serialize>(body: &T) -> Response {
    answer::json(StatusCode::OK, body, &HeaderMap::new())
}

/// Make an event.
#[utoipa::path(
    post, path = "/api/events", tag = "events", operation_id = "createEvent",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same request under the same key makes one event", pattern = "^[!-~]{16,255}$")),
    request_body(content = shape::NewEvent, example = json!({"title": "Rust Conf 2026"})),
    responses((status = 201, body = CreatedEvent, description = "Made", headers(("Location" = String)))),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if app.config.operator_creates {
        app.keys.require_admin(request.headers())?;
    }
    let key = idempotency_key(request.headers())?;
    let from = Client::of(&app, request.headers(), request.extensions()).address;
    let (head, body) = request.into_parts();
    let body = body::json(&app, &head.headers, body).await?;
    let draft = draft::create(&body)?;
    let id = EventId(app.ambient.poll_id().0);
    let owner = Keys::token_hash(&app.keys.owner_token(id.0, [0; 16]));
    let event = Event::new(id, draft, owner, app.ambient.now()).map_err(owner::refused)?;
    create::spend(&app, &head.headers, from)?;
    let request = Sha256::new().chain_update(b"event").chain_update(&body).finalize().into();
    let key = key.map(|key| IdempotencyKey { key, request });
    let program = owner::detached(&app, move |app| async move { keep(&app, event, key).await });
    let program = program.await?;
    let event = &program.event;
    app.limits.show(from, event.id.0);
    // A token that was reissued since is not ours to derive again.
    let token = app.keys.owner_token(event.id.0, [0; 16]);
    let token = (Keys::token_hash(&token) == event.owner).then_some(token);
    let mut headers = HeaderMap::new();
    let location = HeaderValue::try_from(format!("/api/events/{}", event.id));
    headers.insert(LOCATION, location.expect("a UUID"));
    let stage = token.is_some().then(|| stage_token(&app, event.id.0, &event.owner));
    let (stage_token, stage_url) = stage.map(|s| (s.stage_token, s.stage_url)).unzip();
    let body = CreatedEvent {
        event: view::event(&program, true),
        owner_url: token.as_ref().map(|token| owner_url(&app, event, token)),
        owner_token: token,
        stage_token,
        stage_url,
    };
    Ok(answer::json(StatusCode::CREATED, &body, &headers))
}

async fn keep(
    app: &Arc<App>,
    event: Event,
    key: Option<IdempotencyKey>,
) -> Result<Program, Problem> {
    let (until, id) = (until(app), event.id);
    let create = |codes| app.store.create_event(event.clone(), codes, key.clone());
    let (event, polls) = match under_a_code(app, until, create).await? {
        Kept::New(event) => (event, Vec::new()),
        Kept::Before(event) => {
            let found = timeout_at(until, ask(app, app.store.event(event.id))).await;
            let found = found.unwrap_or_else(|_| Err(silent()))?;
            found.unwrap_or((event, Vec::new()))
        }
        Kept::Unknown(problem) => return settle(app, id, until, |_| ()).await.ok_or(problem),
    };
    Ok(publish(app, event, polls, until).await)
}

/// The store has it: tell this node and the others.
async fn publish(app: &Arc<App>, event: Event, polls: Vec<Standing>, until: Instant) -> Program {
    let program = Program::new(Arc::new(event.clone()), &polls);
    app.hub.merge_event(event, &polls);
    owner::announce(app, Announcement::Event(program.event.clone()), until).await;
    program
}

/// The store did not say whether it made a change: look, hand over what is `found`, and tell everybody.
async fn settle(
    app: &Arc<App>,
    id: EventId,
    until: Instant,
    found: impl FnOnce(&Event) + Send + 'static,
) -> Option<Program> {
    let app = app.clone();
    let looking = tokio::spawn(async move {
        let (event, polls) = ask(&app, app.store.event(id)).await.ok()??;
        found(&event);
        Some(publish(&app, event, polls, Instant::now()).await)
    });
    timeout_at(until, looking).await.ok()?.ok()?
}

/// Read an event; or the one that is made up around a poll which is in none.
#[utoipa::path(
    get, path = "/api/events/{id}", tag = "events", operation_id = "getEvent",
    params(
        ("id" = String, Path, description = "The id or join code of an event, or of a poll"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` you have"),
    ),
    responses(
        (status = 200, body = EventView, description = "The event; its owner and its stage are shown drafts, without an `ETag`",
            headers(("ETag" = String))),
        (status = 304, description = "You have the newest"),
    ),
    security((), ("owner" = []), ("stage" = [])),
)]
pub async fn read(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let from = Client::of(&app, headers, request.extensions()).address;
    let token = bearer(headers);
    let named = lookup::named(&app, &id, from, token).await?;
    ignored(&app, token, named.owner(), named.id(), request.extensions());
    let event = match named {
        Named::Poll(standing) => view::lone(&standing),
        Named::Event(program) => {
            let owner = &program.event.owner;
            if token.is_some_and(|token| app.keys.allow(token, owner, Right::Stage).is_ok()) {
                let program = lookup::stored_event(&app, program).await?;
                // Drafts stay in no browser's cache.
                return Ok(ok(&view::event(&program, true)));
            }
            view::event(&program, false)
        }
    };
    let tag = format!("\"{}-p\"", event.version);
    Ok(cached(headers, &event, &tag, false))
}

/// Change an event of the bearer of the token; `change` says whether there was anything to do.
pub async fn change(
    app: &Arc<App>,
    id: String,
    bearer: Bearer,
    logo: Option<Bytes>,
    change: impl Fn(&mut Event, &[Standing]) -> Result<bool, Problem> + Send + Sync + 'static,
) -> Result<Program, Problem> {
    let until = until(app);
    owner::detached(app, move |app| async move {
        for _ in 0..ATTEMPTS {
            let (mut event, polls) = bearer.event(&app, &id, until).await?;
            let (before, expected) = (event.clone(), event.revision);
            if !change(&mut event, &polls)? {
                return Ok(publish(&app, event, polls, until).await);
            }
            let changed = app.store.change_event(&event, expected, logo.as_deref());
            match timeout_at(until, changed).await {
                Ok(Ok(())) => record(&app, &bearer, &before, &event),
                Ok(Err(ChangeError::Conflict | ChangeError::CodeTaken)) => continue,
                Ok(Err(ChangeError::Store(error))) => {
                    if !matches!(error, StoreError::Unknown(_)) {
                        return Err(store_problem(&error));
                    }
                    let found = recorder(&app, bearer, before, &event);
                    let made = settle(&app, event.id, until, found).await;
                    let made = made.filter(|made| *made.event == event);
                    return made.ok_or_else(|| store_problem(&error));
                }
                Err(_) => {
                    let found = recorder(&app, bearer, before, &event);
                    settle(&app, event.id, until, found).await;
                    return Err(owner::no_answer());
                }
            }
            return Ok(publish(&app, event, polls, until).await);
        }
        let detail = "others changed the event each time in between; nothing was changed";
        Err(Problem::new(Trouble::ChangedMeanwhile, detail))
    })
    .await
}

/// The store has the change: if it is a security event, it goes on record.
fn record(app: &App, bearer: &Bearer, before: &Event, after: &Event) {
    if let Some(event) = SecurityEvent::of_event(before, after) {
        let by = bearer.role(app, &before.owner);
        app.security.note(event, About::change(after.id.0, by));
    }
}

/// Puts a change on record once it is found to be what the store has.
fn recorder(
    app: &Arc<App>,
    bearer: Bearer,
    before: Event,
    after: &Event,
) -> impl FnOnce(&Event) + Send + 'static {
    let (app, after) = (app.clone(), after.clone());
    move |found| {
        if *found == after {
            record(&app, &bearer, &before, &after);
        }
    }
}

/// Change an event: title, colour, layout, the order of its polls, who may frame it.
#[utoipa::path(
    patch, path = "/api/events/{id}", tag = "owner", operation_id = "editEvent",
    params(("id" = String, Path, description = "The event's id or join code")),
    request_body(content = shape::EventPatch, example = json!({"accent": "#0B5CAD"})),
    responses((status = 200, body = EventView, description = "Changed")),
    security(("owner" = [])),
)]
pub async fn edit(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(&app, &request)?;
    let (head, body) = request.into_parts();
    let draft = draft::patch(&body::json(&app, &head.headers, body).await?)?;
    let program = change(&app, id, bearer, None, move |event, polls| {
        let there = polls.iter().filter(|poll| poll.poll.status != PollStatus::Deleted);
        let ids: Vec<PollId> = there.map(|poll| poll.poll.id).collect();
        event.edit(draft.clone(), &ids).map(|()| true).map_err(owner::refused)
    })
    .await?;
    Ok(ok(&view::event(&program, true)))
}

/// Put a new poll into the event, or take one in that is in none.
#[utoipa::path(
    post, path = "/api/events/{id}/polls", tag = "owner", operation_id = "addPoll",
    params(
        ("id" = String, Path, description = "The event's id or join code"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "The same request under the same key makes one poll", pattern = "^[!-~]{16,255}$"),
    ),
    request_body(content = shape::EventPollBody,
        example = json!({"question": "Which one?", "options": ["This", "That"]})),
    responses((status = 201, body = PollView, description = "The poll; it has the event's code and owner",
        headers(("Location" = String)))),
    security(("owner" = [])),
)]
pub async fn add(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(&app, &request)?;
    let key = idempotency_key(request.headers())?;
    let from = Client::of(&app, request.headers(), request.extensions()).address;
    let (head, body) = request.into_parts();
    let body = body::json(&app, &head.headers, body).await?;
    let (event, polls) = bearer.event(&app, &id, until(&app)).await?;
    let standing = match draft::take_in(&body)? {
        // It is in already: whoever asks again has lost the answer.
        Some(lone) if polls.iter().any(|known| known.poll.id.to_string() == lone.poll_id) => {
            bearer.poll(&app, &lone.poll_id, until(&app)).await?
        }
        _ if polls.len() >= MAX_POLLS => {
            return Err(Problem::rule("", format!("an event has at most {MAX_POLLS} polls")));
        }
        Some(lone) => {
            let bearer = bearer.with_token(&lone.poll_token);
            let event = event.clone();
            let join = move |poll: &mut Poll| poll.join(&event);
            owner::change(&app, lone.poll_id, bearer, until(&app), join).await?
        }
        None => {
            let (draft, open) = poll_draft::create(&body, false)?;
            let now = app.ambient.now();
            let id = app.ambient.poll_id();
            let poll = Poll::draft(id, draft, event.owner, now).and_then(|mut poll| {
                poll.join(&event)?;
                if open {
                    poll.open(now)?;
                }
                Ok(poll)
            });
            let poll = poll.map_err(owner::refused)?;
            let place = open.then(|| room::for_new(&app, &head.headers)).transpose()?;
            create::spend(&app, &head.headers, from)?;
            let request = Sha256::new().chain_update(event.id.0).chain_update(&body).finalize();
            let key = key.map(|key| IdempotencyKey { key, request: request.into() });
            let kept = move |app| async move {
                let _until_it_is_counted = place;
                create::keep(&app, poll, key).await
            };
            owner::detached(&app, kept).await?
        }
    };
    // Whoever deleted the event meanwhile, or gave out new tokens of it, has not seen this poll.
    match ask(&app, app.store.event(event.id)).await? {
        Some((now, _)) if now.deleted_at.is_none() && now.owner == standing.poll.owner => {}
        Some((now, _)) if now.deleted_at.is_none() => {
            let hand_over = move |poll: &mut Poll| Ok(poll.hand_over(now.owner));
            owner::change_of_event(&app, standing.poll.id, until(&app), hand_over).await?;
            return Err(wrong_token("event's owner's"));
        }
        _ => {
            let now = app.ambient.now();
            let gone = move |poll: &mut Poll| poll.delete(now).map(|()| true);
            owner::change_of_event(&app, standing.poll.id, until(&app), gone).await?;
            return Err(lookup::no_such_event());
        }
    }
    let mut headers = HeaderMap::new();
    let location = HeaderValue::try_from(format!("/api/polls/{}", standing.poll.id));
    headers.insert(LOCATION, location.expect("a UUID"));
    let poll = crate::watch::view::poll(&standing, Audience::Owner);
    Ok(answer::json(StatusCode::CREATED, &poll, &headers))
}

/// Issue new tokens of an event and its polls.
#[utoipa::path(
    post, path = "/api/events/{id}/token", tag = "owner", operation_id = "reissueEventToken",
    params(("id" = String, Path, description = "The event's id or join code")),
    responses((status = 200, body = NewEventTokens, description = "The new tokens; the old ones are no longer valid")),
    security(("operator" = [])),
)]
pub async fn reissue(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    app.keys.require_admin(request.headers())?;
    let serial = app.ambient.random();
    let bearer = Bearer::of(&app, &request)?;
    // To the end, even if nobody waits: half done, the old token would still run the other polls.
    let done =
        owner::detached(&app, move |app| async move { renew(&app, &id, bearer, serial).await });
    done.await.map(|tokens| ok(&tokens))
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
    let program = change(app, id, bearer, None, move |event, _| {
        event.hand_over(hash);
        Ok(true)
    })
    .await?;
    // Read anew: a poll may have come in while the old token was still valid.
    let (_, polls) = bearer_of_polls.event(app, &event.id.to_string(), until(app)).await?;
    for poll in polls.iter().filter(|poll| poll.poll.status != PollStatus::Deleted) {
        let hand_over = move |poll: &mut Poll| Ok(poll.hand_over(hash));
        owner::change_of_event(app, poll.poll.id, until(app), hand_over).await?;
    }
    let stage = stage_token(app, event.id.0, &program.event.owner);
    Ok(NewEventTokens {
        event_id: event.id.to_string(),
        owner_url: owner_url(app, &event, &token),
        owner_token: token,
        stage_token: stage.stage_token,
        stage_url: stage.stage_url,
    })
}

/// Delete an event and its polls.
#[utoipa::path(
    delete, path = "/api/events/{id}", tag = "owner", operation_id = "deleteEvent",
    params(("id" = String, Path, description = "The event's id or join code")),
    responses((status = 204, description = "Gone")),
    security(("owner" = [])),
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bearer = Bearer::of(&app, &request)?;
    owner::detached(&app, move |app| async move { remove(&app, &id, bearer).await }).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn remove(app: &Arc<App>, id: &str, bearer: Bearer) -> Result<(), Problem> {
    let now = app.ambient.now();
    let (event, polls) = bearer.event(app, id, until(app)).await?;
    // First the polls: whoever is interrupted can go on, as long as the event is there.
    delete_polls(app, &(event.clone(), polls)).await?;
    let id = event.id;
    change(app, id.to_string(), bearer, None, move |event, _| Ok(event.delete(now))).await?;
    match ask(app, app.store.event(id)).await? {
        Some(rest) => delete_polls(app, &rest).await,
        None => Ok(()),
    }
}

async fn delete_polls(app: &Arc<App>, (_, polls): &EventStanding) -> Result<(), Problem> {
    let now = app.ambient.now();
    for poll in polls {
        let delete = move |poll: &mut Poll| match poll.status {
            PollStatus::Deleted => Ok(false),
            _ => poll.delete(now).map(|()| true),
        };
        if poll.poll.status != PollStatus::Deleted {
            owner::change_of_event(app, poll.poll.id, until(app), delete).await?;
        }
    }
    Ok(())
}

/// Who may frame the overlay of this event or poll: what goes into `frame-ancestors`. Nobody if
/// there is no such thing.
pub async fn embed_of(app: &App, id: &str, from: IpAddr) -> Vec<String> {
    if let Ok(poll) = id.parse()
        && let Some(poll) = app.hub.poll(poll)
        && !poll.embed.is_empty()
    {
        return poll.embed.clone();
    }
    match lookup::named(app, id, from, None).await {
        Ok(Named::Event(program)) => program.event.embed.clone(),
        Ok(Named::Poll(standing)) => standing.poll.embed.clone(),
        Err(_) => Vec::new(),
    }
}
