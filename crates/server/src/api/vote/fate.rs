//! What became of a ballot, as its voter is told: in the receipt, on request, and when the same ballot
//! comes again after the close or with another cookie.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};
use pollux_core::ballot::Status;
use pollux_core::id::{BallotId, Offset, Partition, PollId, Position, UnixMillis, VoterId};
use pollux_core::poll::{Poll, PollStatus};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::api::App;
use crate::api::access::identity::{Client, CookieValue, SignedVoter, Who};
use crate::api::http::query::{Query, bad};
use crate::api::lookup::{self, Params, ask};
use crate::api::problem::{Problem, Trouble};
use crate::store::{BallotFate, StoreError};
use crate::watch::view::{self, Audience};

/// Longest look for what a retry may be a repetition of.
const LOOK_BACK: Duration = Duration::from_millis(500);

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
    /// Of a superseded ballot: the ballot of the same voter that counts in its place. A ballot
    /// under a greater id, or under none, counts again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid", nullable = false)]
    pub superseded_by: Option<BallotId>,
    /// To whoever came without a cookie and without a name: sent along with the next ballot it makes
    /// that the same voter's. The cookie of the answer says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub voter: Option<SignedVoter>,
}

/// What was decided about a ballot, as its voter is told.
#[derive(Clone, Copy, Debug)]
pub struct Decided {
    /// Never *recorded*.
    pub status: Status,
    /// See [`Receipt::superseded_by`].
    pub superseded_by: Option<BallotId>,
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
    /// What this voter is recognised by from now on; `None` for one who was recognised by it, by
    /// a name, or comes with an old ballot id.
    pub newcomer: Option<CookieValue>,
    /// The same, signed.
    pub signed: Option<SignedVoter>,
    /// What became of it, when that is known already.
    pub decided: Option<Decided>,
}

/// Wait for the fold to decide, as long as is allowed.
pub async fn decision(app: &App, recorded: &Recorded) -> Option<Decided> {
    let Position { partition, offset } = recorded.position;
    let decided = async {
        // Without an offset of its own the ballot is somewhere below the end.
        let offset = match offset {
            Some(offset) => offset,
            None => app.log.end(partition).await.ok()?.saturating_sub(1),
        };
        app.hub.committed(partition, offset).await;
        let (poll, voter) = (recorded.poll.id, recorded.voter);
        let fate = app.store.fate(poll, voter, recorded.ballot).await.ok()??;
        told(app, poll, voter, &fate).await.ok()
    };
    timeout(app.config.api.wait, decided).await.ok().flatten()
}

impl Recorded {
    /// One whose fate is known.
    fn decided(poll: Arc<Poll>, voter: VoterId, fate: &BallotFate, decided: Decided) -> Self {
        let (partition, offset) = fate.position;
        let position = Position { partition, offset: Some(offset) };
        let (ballot, decided) = (fate.ballot, Some(decided));
        Self { poll, voter, ballot, position, newcomer: None, signed: None, decided }
    }

    /// The receipt, with the decision if there is one.
    pub fn receipt(&self, decided: Option<Decided>) -> Receipt {
        let Position { partition, offset } = self.position;
        Receipt {
            ballot_id: self.ballot,
            poll_id: self.poll.id,
            status: decided.map_or(Status::Recorded, |decided| decided.status),
            position: tells_positions(&self.poll).then_some(Place { partition, offset }),
            superseded_by: decided.and_then(|decided| decided.superseded_by),
            voter: self.signed,
        }
    }

    pub(crate) fn location(&self) -> String {
        let Self { poll, ballot, position: Position { partition, offset }, .. } = self;
        match offset.filter(|_| tells_positions(poll)) {
            Some(offset) => {
                format!("/api/polls/{}/ballots/{ballot}?at={partition}.{offset}", poll.id)
            }
            None => format!("/api/polls/{}/ballots/{ballot}", poll.id),
        }
    }
}

/// What the voter is told of a ballot's fate.
async fn told(
    app: &App,
    poll: PollId,
    voter: VoterId,
    fate: &BallotFate,
) -> Result<Decided, StoreError> {
    let superseded_by = match fate.status {
        Status::Superseded => app.store.voter(poll, voter).await?.counted.map(|(id, _)| id),
        _ => None,
    };
    Ok(Decided { status: fate.status, superseded_by })
}

/// Offsets count ballots: who may not see the numbers must not see those either.
fn tells_positions(poll: &Poll) -> bool {
    view::sees_numbers(poll, Audience::Public)
}

/// A ballot that comes with a cookie may be the retry of one that came without, whose voter is then
/// another: a page has set the cookie in between, or the first answer did, and was half lost. A first
/// try's id is young, so only an old one is looked up, and where it was decided already, that holds.
#[cold]
pub(crate) async fn cast_without_cookie(
    app: &App,
    poll: &Arc<Poll>,
    ballot: BallotId,
) -> Option<Recorded> {
    let voter = app.keys.voter(poll.id, Who::first(ballot));
    let looked = async {
        let fate = app.store.fate(poll.id, voter, ballot).await.ok()??;
        let decided = told(app, poll.id, voter, &fate).await.ok()?;
        Some(Recorded::decided(poll.clone(), voter, &fate, decided))
    };
    // A store that is away holds up no vote.
    timeout(LOOK_BACK, looked).await.ok().flatten()
}

/// Why a ballot is too late.
#[derive(Clone, Copy)]
pub(crate) enum Late {
    /// It waited on its way through a reset: it was wished of another round than it came in.
    PastRound,
    ClosingTime,
    Closed,
}

impl Late {
    /// Whether a ballot that was wished of this round, if it says so, is too late, and why.
    pub fn of(poll: &Poll, round: Option<u64>, now: UnixMillis) -> Option<Self> {
        match poll.status {
            _ if round.is_some_and(|round| round < u64::from(poll.round)) => Some(Self::PastRound),
            _ if poll.takes_votes(now) => None,
            PollStatus::Open => Some(Self::ClosingTime),
            _ => Some(Self::Closed),
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::PastRound => "the ballot is of an earlier round, which is over",
            Self::ClosingTime => "the poll's closing time has passed",
            Self::Closed => "the poll is closed",
        }
    }
}

/// The poll does not take this ballot any more; but it may be the retry of one whose answer was lost
/// while it did, and then the answer is what became of that one.
#[cold]
pub(crate) async fn too_late(
    app: &App,
    poll: Arc<Poll>,
    voter: VoterId,
    ballot: BallotId,
    late: Late,
    named: bool,
    retried: bool,
) -> Result<Recorded, Problem> {
    let detail = late.detail();
    let closed = Problem::new(Trouble::PollNotOpen, detail);
    if !named {
        return Err(closed);
    }
    if let Some(fate) = ask(app, app.store.fate(poll.id, voter, ballot)).await? {
        let decided = ask(app, told(app, poll.id, voter, &fate)).await?;
        return Ok(Recorded::decided(poll, voter, &fate, decided));
    }
    if retried && let Some(first) = cast_without_cookie(app, &poll, ballot).await {
        return Ok(first);
    }
    // In a round that is over it can count for nothing that is shown, whether it is there or not.
    let over = matches!(late, Late::PastRound);
    if over || app.hub.standing(poll.id).is_some_and(|standing| standing.is_final()) {
        return Err(closed);
    }
    let detail = format!(
        "{detail}, but what was taken before is still being counted, and this ballot may be among \
         it: send the same ballotId again in a moment to hear what became of it"
    );
    Err(Problem::new(Trouble::OutcomeUnknown, detail).with_ballot(ballot))
}

/// What became of a ballot, asked by its voter.
#[utoipa::path(
    get, path = "/api/polls/{id}/ballots/{ballotId}", tag = "voting", operation_id = "getBallot",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("ballotId" = String, Path, description = "The ballot's id", format = "uuid"),
        ("at" = Option<String>, Query, description = "Where its record stands, as `partition.offset`", example = "3.1042", pattern = "^[0-9]{1,9}\\.[0-9]{1,18}$"),
        ("voterId" = Option<String>, Query, description = "The `voterId` it was cast with; else the cookie tells"),
        ("voter" = Option<String>, Query, description = "The `voter` of a receipt, for clients that keep no cookies"),
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
    let proven = match query.one("voter")? {
        Some(signed) => Some(app.keys.voter_of(signed)?),
        None => app.keys.cookie(headers),
    };
    let voter = match (query.one("voterId")?, proven) {
        (Some(name), _) => Who::Named(name),
        (None, Some(value)) => Who::Cookie(value),
        (None, None) => Who::first(ballot),
    };
    let voter = app.keys.voter(poll.id, voter);
    let Some(fate) = ask(&app, app.store.fate(poll.id, voter, ballot)).await? else {
        let detail = "it is not decided yet, or was never recorded for this voter";
        return Err(Problem::new(Trouble::NoSuchBallot, detail).with_ballot(ballot));
    };
    let decided = ask(&app, told(&app, poll.id, voter, &fate)).await?;
    let receipt = Recorded::decided(poll, voter, &fate, decided).receipt(Some(decided));
    Ok(crate::api::answer(StatusCode::OK, &receipt, &HeaderMap::new()))
}

fn read_place(text: &str) -> Result<(Partition, Offset), Problem> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.')
        .filter(|(partition, offset)| digits(partition) && digits(offset))
        .and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)))
        .ok_or_else(|| bad("the query parameter at must be partition.offset, such as 3.1042"))
}
