//! Casting a ballot: from the body to a record that is durable on the log, and what became
//! of it. The hot path of the server.
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
use pollux_core::ballot::{Ballot, Choice, OptionId, Status};
use pollux_core::id::{BallotId, Offset, Partition, PollId, Position, VoterId, partition_of};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::record::{Entry, ballot_key};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use super::front::Front;
use super::identity::{Client, CookieValue, Who};
use super::json::{self, Text};
use super::lookup::{self, Params, ask};
use super::problem::{Problem, Trouble};
use super::query::{Query, bad};
use super::{App, draft};
use crate::log::{AppendError, NewRecord};
use crate::store::BallotFate;
use crate::watch::view::{self, Audience};

/// Longest `voterId`, in bytes.
pub const MAX_VOTER_ID: usize = 128;
/// An older ballot id gets nobody a cookie.
const STALE: Duration = Duration::from_secs(600);

/// A ballot as a client writes it: exactly one of the first four members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cast<'a> {
    #[serde(borrow)]
    pub(super) option: Option<Text<'a>>,
    pub(super) option_id: Option<u64>,
    pub(super) options: Option<Vec<Text<'a>>>,
    pub(super) option_ids: Option<Vec<u64>>,
    pub(super) ballot_id: Option<Text<'a>>,
    pub(super) voter_id: Option<Text<'a>>,
}

/// What a voter is told about a ballot.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Which ballot; send the same one again if an answer is lost.
    #[schema(value_type = String, format = "uuid")]
    pub ballot_id: BallotId,
    /// In which poll.
    #[schema(value_type = String, format = "uuid")]
    pub poll_id: PollId,
    /// recorded, and later counted, replaced, superseded, refused or late.
    #[schema(value_type = String, example = "recorded")]
    pub status: Status,
    /// Where its record stands; null where that would tell numbers that are hidden.
    #[schema(required)]
    pub position: Option<Place>,
}

/// A place on the log.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Position)]
pub struct Place {
    /// The partition of the topic `votes`.
    pub partition: Partition,
    /// The offset in it; null when a retried append succeeded without telling.
    #[schema(required)]
    pub offset: Option<Offset>,
}

/// A ballot that is durable.
pub struct Recorded {
    /// The poll as it was then.
    pub poll: Arc<Poll>,
    /// The pseudonym.
    pub voter: VoterId,
    /// Which.
    pub ballot: BallotId,
    /// Where.
    pub position: Position,
    /// The cookie of this voter; `None` for a named one.
    pub cookie: Option<CookieValue>,
    /// What became of it, when that is known already.
    pub decided: Option<Status>,
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
    front.finish(app, Some(ROUTE), &mut response);
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
    let set_cookie = match recorded.cookie {
        Some(value) if cookie.is_none() && !is_stale(app, recorded.ballot) => {
            Some(app.keys.set_cookie(&value, client.https))
        }
        _ => None,
    };
    let decided = match recorded.decided {
        None if wait => Box::pin(decision(app, &recorded)).await,
        decided => decided,
    };
    Ok(answer(&recorded, decided, set_cookie))
}

/// A ballot id that somebody may have read elsewhere, long after it was cast, must not get
/// them the cookie of its voter.
fn is_stale(app: &App, ballot: BallotId) -> bool {
    app.ambient.now().0.saturating_sub(ballot.time().0) > STALE.as_millis() as u64
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
    let choice = cast.choice(&poll)?;
    let ballot = cast.ballot_id(app)?;
    let came_with_cookie = cookie.is_some();
    let (who, cookie) = match (&cast.voter_id, cookie) {
        (Some(name), _) => (Who::Named(voter_id(&poll, &name.0)?), None),
        (None, Some(value)) => (Who::Cookie(value), Some(value)),
        (None, None) => (Who::first(ballot), Some(*ballot.0.as_bytes())),
    };
    let voter = app.keys.voter(poll.id, who);
    if !poll.takes_votes(now) {
        let named = cast.ballot_id.is_some();
        return Box::pin(after_the_close(app, poll, voter, ballot, named)).await;
    }
    // Somebody new with an id of ours cannot have voted before: there is nothing to limit yet.
    if cast.ballot_id.is_some() || cast.voter_id.is_some() || came_with_cookie {
        app.limits.ballot(voter)?;
    }
    let record = Ballot {
        poll: poll.id,
        voter,
        id: ballot,
        choice,
        round: poll.round,
        phase: poll.phase,
        at: now,
    };
    let position = append(app, &record).await.map_err(|problem| problem.with_ballot(ballot))?;
    app.hub.acknowledged(poll.id, position);
    if let Some(cookie) = cookie.filter(|_| view::shows_after_vote(&poll)) {
        app.hub.voted(poll.id, cookie);
    }
    Ok(Recorded { poll, voter, ballot, position, cookie, decided: None })
}

/// The poll takes no votes any more; but this may be the retry of a ballot whose answer was
/// lost while it did, and then the answer is what became of that one.
#[cold]
async fn after_the_close(
    app: &App,
    poll: Arc<Poll>,
    voter: VoterId,
    ballot: BallotId,
    named: bool,
) -> Result<Recorded, Problem> {
    let detail = match poll.status {
        PollStatus::Open => "the poll's closing time has passed",
        _ => "the poll is closed",
    };
    let closed = Problem::new(Trouble::PollNotOpen, detail);
    if !named {
        return Err(closed);
    }
    if let Some(fate) = ask(app, app.store.fate(poll.id, voter, ballot)).await? {
        let (partition, offset) = fate.position;
        let position = Position { partition, offset: Some(offset) };
        let decided = Some(fate.status);
        return Ok(Recorded { poll, voter, ballot, position, cookie: None, decided });
    }
    if app.hub.standing(poll.id).is_some_and(|standing| standing.is_final()) {
        return Err(closed);
    }
    let detail = format!(
        "{detail}, but what was taken before is still being counted, and this ballot may be among \
         it: send the same ballotId again in a moment to hear what became of it"
    );
    Err(Problem::new(Trouble::OutcomeUnknown, detail).with_ballot(ballot))
}

fn decided_receipt(poll: &Poll, fate: &BallotFate) -> Receipt {
    let (partition, offset) = fate.position;
    let position = Place { partition, offset: Some(offset) };
    let position = tells_positions(poll).then_some(position);
    Receipt { ballot_id: fate.ballot, poll_id: poll.id, status: fate.status, position }
}

/// Offsets count ballots: who may not see the numbers must not see those either.
fn tells_positions(poll: &Poll) -> bool {
    view::sees_numbers(poll, Audience::Public)
}

async fn append(app: &App, ballot: &Ballot) -> Result<Position, Problem> {
    let key = ballot_key(ballot.poll, ballot.voter);
    let partition = partition_of(key.as_bytes(), app.log.partitions());
    let record = NewRecord { key: key.into(), value: Entry::Ballot(*ballot).encode().into() };
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

/// Wait for the fold to decide, as long as is allowed.
pub async fn decision(app: &App, recorded: &Recorded) -> Option<Status> {
    let Position { partition, offset } = recorded.position;
    let decided = async {
        // Without an offset of its own the ballot is somewhere below the end.
        let offset = match offset {
            Some(offset) => offset,
            None => app.log.end(partition).await.ok()?.saturating_sub(1),
        };
        app.hub.committed(partition, offset).await;
        let fate = app.store.fate(recorded.poll.id, recorded.voter, recorded.ballot).await;
        Some(fate.ok()??.status)
    };
    timeout(app.config.api.wait, decided).await.ok().flatten()
}

impl Recorded {
    /// The receipt, with the decision if there is one.
    pub fn receipt(&self, decided: Option<Status>) -> Receipt {
        let Position { partition, offset } = self.position;
        Receipt {
            ballot_id: self.ballot,
            poll_id: self.poll.id,
            status: decided.unwrap_or(Status::Recorded),
            position: tells_positions(&self.poll).then_some(Place { partition, offset }),
        }
    }

    fn location(&self) -> String {
        let Self { poll, ballot, position: Position { partition, offset }, .. } = self;
        match offset.filter(|_| tells_positions(poll)) {
            Some(offset) => {
                format!("/api/polls/{}/ballots/{ballot}?at={partition}.{offset}", poll.id)
            }
            None => format!("/api/polls/{}/ballots/{ballot}", poll.id),
        }
    }
}

fn answer(recorded: &Recorded, decided: Option<Status>, cookie: Option<HeaderValue>) -> Response {
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
    /// The options it marks.
    fn choice(&self, poll: &Poll) -> Result<Choice, Problem> {
        let (choice, pointer) = match (
            &self.option,
            self.option_id,
            &self.options,
            &self.option_ids,
        ) {
            (Some(text), None, None, None) => {
                (Choice::of([by_text(poll, text, || "/option".into())?]), "/option")
            }
            (None, Some(id), None, None) => {
                (Choice::of([by_number(poll, id, || "/optionId".into())?]), "/optionId")
            }
            (None, None, Some(texts), None) => {
                let ids = texts
                    .iter()
                    .enumerate()
                    .map(|(i, text)| by_text(poll, text, || format!("/options/{i}")));
                (Choice::of(ids.collect::<Result<Vec<_>, _>>()?), "/options")
            }
            (None, None, None, Some(ids)) => {
                let ids = ids
                    .iter()
                    .enumerate()
                    .map(|(i, id)| by_number(poll, *id, || format!("/optionIds/{i}")));
                (Choice::of(ids.collect::<Result<Vec<_>, _>>()?), "/optionIds")
            }
            _ => {
                let given = [
                    self.option.is_some(),
                    self.option_id.is_some(),
                    self.options.is_some(),
                    self.option_ids.is_some(),
                ];
                let given = given.into_iter().filter(|given| *given).count();
                let detail = format!(
                    "exactly one of option, optionId, options and optionIds is needed; there are {given}"
                );
                return Err(Problem::rule("", detail));
            }
        };
        let choice = choice.expect("options of a poll are numbered 1 to 100");
        poll.check(choice).map_err(|detail| Problem::rule(pointer, detail))?;
        Ok(choice)
    }

    /// The client's ballot id, or one of ours.
    fn ballot_id(&self, app: &App) -> Result<BallotId, Problem> {
        let Some(Text(text)) = &self.ballot_id else { return Ok(app.ballot_id()) };
        let id: BallotId =
            text.parse().map_err(|error| Problem::rule("/ballotId", format!("is {error}")))?;
        let most = app.ambient.now().0.saturating_add(app.config.api.ahead.as_millis() as u64);
        if id.time().0 > most {
            let seconds = (id.time().0 - most).div_ceil(1000) + app.config.api.ahead.as_secs();
            return Err(Problem::rule(
                "/ballotId",
                format!(
                    "its time is {seconds} s ahead of the server's clock; at most {} s are allowed",
                    app.config.api.ahead.as_secs()
                ),
            ));
        }
        Ok(id)
    }
}

fn by_text(
    poll: &Poll,
    Text(text): &Text<'_>,
    pointer: impl Fn() -> String,
) -> Result<OptionId, Problem> {
    let text = text.trim();
    match poll.options.iter().position(|option| option == text) {
        Some(index) => Ok(index as OptionId + 1),
        None => {
            let shown: String = text.chars().take(50).collect();
            let more = if shown.len() < text.len() { "…" } else { "" };
            let detail = format!("{:?} is not an option of this poll", format!("{shown}{more}"));
            Err(Problem::rule(pointer(), detail))
        }
    }
}

fn by_number(poll: &Poll, id: u64, pointer: impl Fn() -> String) -> Result<OptionId, Problem> {
    let count = poll.options.len();
    if (1..=count as u64).contains(&id) {
        return Ok(id as OptionId);
    }
    let detail = format!("option {id} does not exist; the poll has options 1 to {count}");
    Err(Problem::rule(pointer(), detail))
}

/// What became of a ballot, asked by its voter.
#[utoipa::path(
    get, path = "/api/polls/{id}/ballots/{ballotId}", tag = "voting", operation_id = "getBallot",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("ballotId" = String, Path, description = "The ballot's id", format = "uuid"),
        ("at" = Option<String>, Query, description = "Where its record stands, as `partition.offset`", example = "3.1042", pattern = "^[0-9]{1,9}\\.[0-9]{1,18}$"),
        ("voterId" = Option<String>, Query, description = "The `voterId` it was cast with; else the cookie tells"),
    ),
    responses((status = 200, body = Receipt, description = "Decided")),
)]
pub async fn fate(
    State(app): State<Arc<App>>,
    Params([id, ballot]): Params<2>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let client = Client::of(&app, headers, request.extensions());
    let query = Query::of(request.uri())?;
    // A voter's rows are found without it; it is part of the address all the same.
    query.one("at")?.map(read_place).transpose()?;
    let poll = lookup::poll(&app, &id, client.address).await?;
    let ballot: BallotId =
        ballot.parse().map_err(|error| bad(format!("the ballot's id in the path is {error}")))?;
    let voter = match (query.one("voterId")?, app.keys.cookie(headers)) {
        (Some(name), _) => Who::Named(name),
        (None, Some(value)) => Who::Cookie(value),
        (None, None) => Who::first(ballot),
    };
    let voter = app.keys.voter(poll.id, voter);
    let Some(fate) = ask(&app, app.store.fate(poll.id, voter, ballot)).await? else {
        let detail = "it is not decided yet, or was never recorded for this voter";
        return Err(Problem::new(Trouble::NoSuchBallot, detail).with_ballot(ballot));
    };
    let receipt = decided_receipt(&poll, &fate);
    Ok(super::answer(StatusCode::OK, &receipt, &HeaderMap::new()))
}

fn read_place(text: &str) -> Result<(Partition, Offset), Problem> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.')
        .filter(|(partition, offset)| digits(partition) && digits(offset))
        .and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)))
        .ok_or_else(|| bad("the query parameter at must be partition.offset, such as 3.1042"))
}
