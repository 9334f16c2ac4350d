//! Casting a ballot: from the body to a record that is durable on the log. The hot path of the
//! server; what became of a ballot is in `fate.rs`.
//!
//! Invariant 1: nothing here answers success before the log has acknowledged the record.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use hyper::body::Incoming;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{BallotId, PollId, Position, UnixMillis, VoterId, partition_of};
use pollux_core::kind::{Answer, Written};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::record::{Entry, ballot_key};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};

use crate::api::App;
use crate::api::access::identity::{Client, CookieValue, Keys, Who};
use crate::api::http::json::{self, Text};
use crate::api::http::query::{Query, bad};
use crate::api::lookup::{self, Params, ask};
use crate::api::poll::draft;
use crate::api::problem::{Problem, Trouble};
use crate::api::serve::front::Front;
use crate::api::vote::fate::{
    Decided, Late, Receipt, Recorded, cast_without_cookie, decision, too_late,
};
use crate::log::{AppendError, NewRecord};
use crate::watch::view;

/// Longest `voterId`, in bytes.
pub const MAX_VOTER_ID: usize = 128;
/// An older ballot id gets nobody a cookie: they may have read it elsewhere, long after it was cast,
/// and must not become its voter.
const STALE: Duration = Duration::from_secs(600);
/// An older ballot id may be a retry's.
const RETRY: Duration = Duration::from_secs(2);

/// A ballot as a client writes it: exactly one of the first five members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cast<'a> {
    #[serde(borrow)]
    pub(crate) option: Option<Text<'a>>,
    pub(crate) option_id: Option<u64>,
    pub(crate) options: Option<Vec<Text<'a>>>,
    pub(crate) option_ids: Option<Vec<u64>>,
    pub(crate) answer: Option<&'a RawValue>,
    pub(crate) ballot_id: Option<Text<'a>>,
    pub(crate) voter_id: Option<Text<'a>>,
    pub(crate) voter: Option<Text<'a>>,
    pub(crate) round: Option<u64>,
}

/// Cast a ballot.
#[utoipa::path(
    post, path = "/api/polls/{id}/vote", tag = "voting", operation_id = "castBallot",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("wait" = Option<String>, Query, description = "`counted`: wait up to 5 s for the decision", pattern = "^counted$"),
    ),
    request_body(content = draft::VoteBody, example = json!({"option": "Rust"})),
    responses(
        (status = 202, body = Receipt, description = "Durable. `Location` is where to ask what became of it",
            headers(("Location" = String), ("Set-Cookie" = String))),
        (status = 200, body = Receipt, description = "Decided (with `wait=counted`)"),
    ),
)]
pub async fn cast(
    State(app): State<Arc<App>>,
    Params([id]): Params<1>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let client = Client::of(&app, &head.headers, &head.extensions);
    take(&app, &id, client, &head, body).await
}

/// The template of the route, as it is counted.
const ROUTE: &str = "/polls/{id}/vote";

/// The poll a request votes in, if it does and nothing about its path is unusual.
pub fn target<'a>(method: &Method, uri: &'a Uri) -> Option<&'a str> {
    let path = uri.path();
    let id = path.strip_prefix("/api").unwrap_or(path).strip_prefix("/polls/")?;
    let id = id.strip_suffix("/vote")?;
    let plain =
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (method == Method::POST && plain).then_some(id)
}

/// Answer a request that has a [`target`] without the router: at the rate of votes its boxes
/// and copies are felt (docs/benchmarks.md). Nothing else is different.
pub async fn answer_directly(app: &App, peer: IpAddr, request: Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let client = Client::behind(app, &head.headers, peer);
    let front = Front::of(app, client, &head.method, &head.headers);
    let id = target(&head.method, &head.uri).unwrap_or_default();
    let answer = match front.admit(app) {
        Ok(()) => take(app, id, client, &head, body).await,
        Err(problem) => Err(problem),
    };
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    front.finish(app, Some(ROUTE), head.uri.path(), &mut response);
    response
}

async fn take<B>(
    app: &App,
    id: &str,
    client: Client,
    head: &Parts,
    body: B,
) -> Result<Response, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let cookie = app.keys.cookie(&head.headers);
    let wait = wants_decision(&head.uri)?;
    let body = json::body(app, &head.headers, body).await?;
    let outcome = async {
        let poll = lookup::poll(app, id, client.address).await?;
        let cast = read(&body)?;
        record(app, poll, &cast, cookie).await
    }
    .await;
    app.metrics.vote(outcome.as_ref().err().map(Problem::trouble));
    let recorded = outcome?;
    let set_cookie = recorded.signed.map(|signed| Keys::set_cookie(&signed, client.https));
    let decided = match recorded.decided {
        None if wait => Box::pin(decision(app, &recorded)).await,
        decided => decided,
    };
    Ok(answer(&recorded, decided, set_cookie))
}

/// Whether a ballot of this id may have been read elsewhere by whoever sends it now.
pub(crate) fn is_stale(ballot: BallotId, now: UnixMillis) -> bool {
    is_older(ballot, now, STALE)
}

fn is_older(ballot: BallotId, now: UnixMillis, than: Duration) -> bool {
    u128::from(now.0.saturating_sub(ballot.time().0)) > than.as_millis()
}

fn wants_decision(uri: &Uri) -> Result<bool, Problem> {
    if uri.query().is_none() {
        return Ok(false);
    }
    match Query::of(uri)?.one("wait")? {
        None => Ok(false),
        Some("counted") => Ok(true),
        Some(_) => Err(bad("the query parameter wait takes the value counted")),
    }
}

/// Read a ballot; what does not read is looked at again, slowly, to say where.
pub fn read(body: &[u8]) -> Result<Cast<'_>, Problem> {
    // serde would read the members from an array, too, in the order they are declared in.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(json::no_object(body));
    }
    serde_json::from_slice(body).map_err(|error| draft::diagnose_vote(body, &error))
}

/// Check a ballot, name its voter, and put it on the log.
pub async fn record(
    app: &App,
    poll: Arc<Poll>,
    cast: &Cast<'_>,
    cookie: Option<CookieValue>,
) -> Result<Recorded, Problem> {
    let now = app.ambient.now();
    if poll.status == PollStatus::Draft {
        return Err(Problem::no_such_poll());
    }
    let answer = cast.checked(&poll)?;
    let (ballot, named_by) = cast.ballot_id(app, now)?;
    let proven = match &cast.voter {
        Some(Text(signed)) => Some(app.keys.voter_of(signed)?),
        None => cookie,
    };
    let (who, known_by) = match (&cast.voter_id, proven) {
        (Some(name), _) => (Who::Named(voter_id(&poll, &name.0)?), None),
        (None, Some(value)) => (Who::Cookie(value), Some(value)),
        (None, None) => (Who::first(ballot), Some(*ballot.0.as_bytes())),
    };
    let voter = app.keys.voter(poll.id, who);
    let newcomer = known_by.filter(|_| proven.is_none() && !is_stale(ballot, now));
    let by_client = named_by == NamedBy::Client;
    let by_cookie_alone = cast.voter_id.is_none() && cast.voter.is_none() && cookie.is_some();
    let retried = by_client && by_cookie_alone && is_older(ballot, now, RETRY);
    if let Some(late) = Late::of(&poll, cast.round, now) {
        return Box::pin(too_late(app, poll, voter, ballot, late, by_client, retried)).await;
    }
    // Somebody new with an id of ours cannot have voted before: there is nothing to limit yet.
    if by_client || cast.voter_id.is_some() || proven.is_some() {
        app.limits.ballot(voter)?;
    }
    if retried && let Some(first) = Box::pin(cast_without_cookie(app, &poll, ballot)).await {
        return Ok(first);
    }
    if by_client && seconds_ahead(app, ballot, now).is_some() {
        Box::pin(may_be_ahead(app, poll.id, voter, ballot, now)).await?;
    }
    let record = Ballot {
        poll: poll.id,
        voter,
        id: ballot,
        named_by,
        answer,
        round: poll.round,
        phase: poll.phase,
        at: now,
    };
    let position = append(app, record).await.map_err(|problem| problem.with_ballot(ballot))?;
    app.hub.acknowledged(poll.id, position);
    if let Some(known_by) = known_by.filter(|_| view::shows_after_vote(&poll)) {
        app.hub.voted(poll.id, known_by);
    }
    let signed = newcomer.map(|value| app.keys.signed(&value, app.ambient.now()));
    Ok(Recorded { poll, voter, ballot, position, newcomer, signed, decided: None })
}

/// How far an id's time is ahead of `from`, if that is more than is allowed; in whole seconds.
fn seconds_ahead(app: &App, ballot: BallotId, from: UnixMillis) -> Option<u64> {
    let ahead = ballot.time().0.saturating_sub(from.0);
    (u128::from(ahead) > app.config.api.ahead.as_millis()).then(|| ahead.div_ceil(1000))
}

/// An id from the future would win over all that its voter wishes later, so it is refused; unless
/// the voter has a ballot about as far ahead already, cast while this server's clock or another
/// node's was fast. Then only ids beyond that one can change the vote.
#[cold]
async fn may_be_ahead(
    app: &App,
    poll: PollId,
    voter: VoterId,
    ballot: BallotId,
    now: UnixMillis,
) -> Result<(), Problem> {
    let Some(seconds) = seconds_ahead(app, ballot, now) else { return Ok(()) };
    let seen = ask(app, app.store.voter(poll, voter)).await?.seen;
    if seen.is_some_and(|seen| seconds_ahead(app, ballot, seen.time()).is_none()) {
        return Ok(());
    }
    let most = app.config.api.ahead.as_secs();
    let detail = format!(
        "its time is {seconds} s ahead of the server's clock; at most {most} s are allowed"
    );
    Err(Problem::rule("/ballotId", detail))
}

async fn append(app: &App, ballot: Ballot) -> Result<Position, Problem> {
    let key = ballot_key(ballot.poll, ballot.voter);
    let partition = partition_of(key.as_bytes(), app.log.partitions());
    let record = NewRecord { key: key.into(), value: Entry::Ballot(ballot).encode().into() };
    let began = Instant::now();
    let outcome = timeout(app.config.api.deadline, app.log.append(partition, record)).await;
    app.metrics.appended(began.elapsed());
    match outcome {
        Ok(Ok(position)) => Ok(position),
        Ok(Err(AppendError::NotRecorded(why))) => {
            tracing::debug!(%why, "a ballot was refused by the log");
            Err(Problem::new(
                Trouble::NotRecorded,
                "the log does not take the ballot at the moment",
            ))
        }
        Ok(Err(AppendError::Unknown(why))) => {
            tracing::debug!(%why, "a ballot's append is unknown");
            Err(Problem::new(
                Trouble::OutcomeUnknown,
                "the log did not say whether it has the ballot",
            ))
        }
        Err(_) => Err(Problem::new(Trouble::OutcomeUnknown, "the log did not answer in time")),
    }
}

fn answer(recorded: &Recorded, decided: Option<Decided>, cookie: Option<HeaderValue>) -> Response {
    let mut body = Vec::with_capacity(192);
    serde_json::to_writer(&mut body, &recorded.receipt(decided)).expect("a receipt is plain data");
    let mut response = Response::new(body.into());
    // Room for what the front adds, too.
    *response.headers_mut() = HeaderMap::with_capacity(12);
    let status = if decided.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let location = HeaderValue::from_maybe_shared(Bytes::from(recorded.location()));
    headers.insert(LOCATION, location.expect("ids and numbers"));
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, cookie);
    }
    response
}

fn voter_id<'a>(poll: &Poll, name: &'a str) -> Result<&'a str, Problem> {
    let wrong = |detail: String| Err(Problem::rule("/voterId", detail));
    if !poll.voter_ids {
        return wrong("this poll does not take a voterId".into());
    }
    if name.is_empty() {
        return wrong("must not be empty".into());
    }
    if name.len() > MAX_VOTER_ID {
        return wrong(format!("must be at most {MAX_VOTER_ID} bytes; it has {}", name.len()));
    }
    if name.chars().any(char::is_control) {
        return wrong("must not contain control characters".into());
    }
    Ok(name)
}

impl Cast<'_> {
    /// The answer it gives, if the poll allows it.
    fn checked(&self, poll: &Poll) -> Result<Answer, Problem> {
        let texts = self.options.as_ref();
        let written = Written {
            option: self.option.as_ref().map(|Text(text)| &**text),
            option_id: self.option_id,
            options: texts.map(|texts| texts.iter().map(|Text(text)| &**text).collect()),
            option_ids: self.option_ids.as_deref(),
            answer: self.answer.map(RawValue::get),
        };
        poll.kind.read(&written).map_err(|broken| Problem::rule(broken.pointer, broken.detail))
    }

    /// The client's ballot id, or one of ours.
    fn ballot_id(&self, app: &App, now: UnixMillis) -> Result<(BallotId, NamedBy), Problem> {
        let Some(Text(text)) = &self.ballot_id else {
            return Ok((BallotId::new(now, app.ambient.random()), NamedBy::Server));
        };
        let id = text.parse().map_err(|error| Problem::rule("/ballotId", format!("is {error}")))?;
        Ok((id, NamedBy::Client))
    }
}
