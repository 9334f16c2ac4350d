//! Making a poll: once, even if the request comes twice.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, Request, StatusCode};
use pollux_core::poll::{ChangeError, Poll, Violation};
use pollux_core::standing::Standing;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::{change as owner, draft, shape};
use crate::api::App;
use crate::api::access::client::Client;
use crate::api::access::keys::Keys;
use crate::api::access::room;
use crate::api::http::path::Params;
use crate::api::http::query::bad;
use crate::api::http::{answer, body};
use crate::api::lookup::ask::{ask, silent, store_problem};
use crate::api::lookup::code::CODE_DIGITS;
use crate::api::problem::{Problem, Trouble};
use crate::store::{Created, IdempotencyKey, StoreError};
use crate::watch::view::{self, Audience, PollView};

/// Codes offered to the store at a time.
const CODES: usize = 8;

/// A new poll with the secret that only its maker gets, once.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedPoll {
    /// The poll.
    #[serde(flatten)]
    pub poll: PollView,
    /// Keep it: it is shown this once, and needed for everything the owner does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner_token: Option<String>,
    /// A page that holds the token in its fragment, which no server gets to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner_url: Option<String>,
}

/// Make a poll.
#[utoipa::path(
    post, path = "/api/polls", tag = "polls", operation_id = "createPoll",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "The same request under the same key makes one poll", pattern = "^[!-~]{16,255}$")),
    request_body(content = shape::NewPoll,
        example = json!({"question": "What is your favorite language?", "options": ["JavaScript", "Python"]})),
    responses((status = 201, body = CreatedPoll, description = "Made", headers(("Location" = String)))),
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
    let (draft, open) = draft::create(&body, true)?;
    let now = app.ambient.now();
    let id = app.ambient.poll_id();
    let token = app.keys.owner_token(id.0, [0; 16]);
    let mut poll = Poll::draft(id, draft, Keys::token_hash(&token), now).map_err(owner::refused)?;
    if open {
        poll.open(now).map_err(owner::refused)?;
    }
    let place = open.then(|| room::for_new(&app, &head.headers)).transpose()?;
    spend(&app, &head.headers, from)?;
    let key = key.map(|key| IdempotencyKey { key, request: Sha256::digest(&body).into() });
    owner::detached(&app, move |app| async move {
        let standing = keep(&app, poll, key).await?;
        drop(place);
        Ok(answer(&app, &standing, from))
    })
    .await
}

/// Whoever makes something that stays spends of what their address may make; the operator does not.
pub fn spend(app: &App, headers: &HeaderMap, from: IpAddr) -> Result<(), Problem> {
    if app.keys.is_operators(headers) {
        return Ok(());
    }
    app.limits.creation(from)
}

/// The header `Idempotency-Key`, if it is there.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let bytes = value.as_bytes();
    if !(16..=255).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(bad("the header Idempotency-Key must be 16 to 255 visible ASCII characters"));
    }
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// Keep a new poll, and tell everybody.
pub async fn keep(
    app: &Arc<App>,
    poll: Poll,
    key: Option<IdempotencyKey>,
) -> Result<Standing, Problem> {
    let until = owner::until(app);
    let id = poll.id;
    let create = |codes| app.store.create(poll.clone(), codes, key.clone());
    let standing = match under_a_code(app, until, create).await? {
        Kept::New(poll) => Standing::new(Arc::new(poll), app.log.partitions()),
        Kept::Before(poll) => {
            let fresh = Standing::new(Arc::new(poll.clone()), app.log.partitions());
            let found = timeout_at(until, ask(app, app.store.standing(poll.id))).await;
            found.unwrap_or_else(|_| Err(silent()))?.unwrap_or(fresh)
        }
        Kept::Unknown(problem) => {
            return owner::settle(app, id, until, |_| ()).await.ok_or(problem);
        }
    };
    owner::publish(app, &standing, until).await;
    Ok(standing)
}

/// What became of something new.
pub enum Kept<T> {
    /// It is kept.
    New(T),
    /// The same request had made it before.
    Before(T),
    /// Whether it is kept the store has not said.
    Unknown(Problem),
}

/// Have the store keep something under a join code, ever longer ones until one is free.
pub async fn under_a_code<T, F: Future<Output = Result<Created<T>, StoreError>>>(
    app: &App,
    until: Instant,
    create: impl Fn(Vec<String>) -> F,
) -> Result<Kept<T>, Problem> {
    for digits in CODE_DIGITS.0..=CODE_DIGITS.1 {
        let codes = (0..CODES).map(|_| code(app, digits)).collect();
        match timeout_at(until, create(codes)).await {
            Ok(Ok(Created::New(new))) => return Ok(Kept::New(new)),
            Ok(Ok(Created::Before(before))) => return Ok(Kept::Before(before)),
            Ok(Ok(Created::KeyReused)) => {
                let detail = "another request was made under this Idempotency-Key";
                return Err(Problem::new(Trouble::KeyReused, detail));
            }
            Ok(Ok(Created::CodesTaken)) => {}
            Ok(Err(error @ StoreError::Unknown(_))) => {
                return Ok(Kept::Unknown(store_problem(&error)));
            }
            Ok(Err(error)) => return Err(store_problem(&error)),
            Err(_) => return Ok(Kept::Unknown(owner::no_answer())),
        }
    }
    Err(Problem::new(Trouble::StoreUnavailable, "no join code is free; try again"))
}

/// Random digits, the first not 0, so that nobody loses it in a spreadsheet.
fn code(app: &App, digits: usize) -> String {
    let least = 10_u64.pow(digits as u32 - 1);
    // A bias of 10¹² in 2⁶⁴ is of no use to anybody.
    let random = u64::from_be_bytes(app.ambient.random());
    (least + random % (9 * least)).to_string()
}

fn answer(app: &App, standing: &Standing, from: IpAddr) -> Response {
    let poll = &standing.poll;
    app.limits.show(from, poll.id.0);
    // A token that was reissued since is not ours to derive again.
    let token = app.keys.owner_token(poll.id.0, [0; 16]);
    let token = (Keys::token_hash(&token) == poll.owner).then_some(token);
    let body = CreatedPoll {
        poll: view::poll(standing, Audience::Owner),
        owner_url: token.as_ref().map(|token| owner_url(app, poll, token)),
        owner_token: token,
    };
    let mut headers = HeaderMap::new();
    let location = HeaderValue::try_from(format!("/api/polls/{}", poll.id));
    headers.insert(LOCATION, location.expect("a UUID"));
    answer::json(StatusCode::CREATED, &body, &headers)
}

/// The owner's page; the token is in the fragment, which browsers keep to themselves.
pub fn owner_url(app: &App, poll: &Poll, token: &str) -> String {
    format!("{}/studio#poll={}&token={token}", app.public_url(), poll.id)
}

/// A new owner's token, for an owner who lost theirs.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewToken {
    /// Which poll.
    pub poll_id: String,
    /// The only valid one from now on.
    pub owner_token: String,
    /// The owner's page.
    pub owner_url: String,
}

/// Issue a new owner's token.
#[utoipa::path(
    post, path = "/api/polls/{id}/token", tag = "owner", operation_id = "reissueToken",
    params(("id" = String, Path, description = "The poll's id or join code")),
    responses((status = 200, body = NewToken, description = "The new token; the old one is no longer valid")),
    security(("operator" = [])),
)]
pub async fn reissue(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    app.keys.require_admin(request.headers())?;
    let serial = app.ambient.random();
    let bearer = owner::Bearer::of(&app, &request)?;
    let keys = app.clone();
    let standing = owner::change(&app, id, bearer, owner::until(&app), move |poll| {
        if poll.event.is_some() {
            let detail = "the token is the event's: reissue that one (POST /api/events/{id}/token)";
            return Err(ChangeError::Invalid(vec![Violation::new("", detail)]));
        }
        let token = keys.keys.owner_token(poll.id.0, serial);
        Ok(poll.hand_over(Keys::token_hash(&token)))
    })
    .await?;
    let token = app.keys.owner_token(standing.poll.id.0, serial);
    let body = NewToken {
        poll_id: standing.poll.id.to_string(),
        owner_url: owner_url(&app, &standing.poll, &token),
        owner_token: token,
    };
    Ok(answer::ok(&body))
}
