//! The fate of a ballot, as its voter is told of it: on request, when the voter waits for it, and when the
//! same ballot comes again with another cookie.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use pollux_core::ballot::Status;
use pollux_core::id::{BallotId, Offset, Partition, PollId, Position, VoterId};
use pollux_core::poll::Poll;
use tokio::time::timeout;

use super::name::Name;
use super::receipt::{Decided, Receipt, Recorded};
use crate::api::access::client::Client;
use crate::api::access::keys::Who;
use crate::api::http::answer;
use crate::api::http::path::Params;
use crate::api::http::query::{Query, bad};
use crate::api::lookup::ask::ask;
use crate::api::problem::{Problem, Trouble};
use crate::api::{App, lookup};
use crate::store::{BallotFate, StoreError};

/// The longest time for which a ballot waits while the store is asked about earlier ones of its voter.
pub(super) const LOOK_BACK: Duration = Duration::from_millis(500);

/// Waits for the fold to decide the ballot, as long as the configuration allows.
pub async fn decision(app: &App, recorded: &Recorded) -> Option<Decided> {
    let Position { partition, offset } = recorded.position;
    let decided = async {
        // A ballot whose offset is unknown stands somewhere before the end.
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

/// Returns what the voter is told about a ballot's fate.
pub async fn told(
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

/// Looks for the first try of a ballot that comes with a cookie but may have come without one before, when
/// its voter was another. A page may have set the cookie in between, or the first answer may have, of which
/// the body was lost. A first try has a young id, so only a ballot with an old id is looked up. If it was
/// decided already, that decision holds.
#[cold]
pub async fn cast_without_cookie(
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
    // A store that is away must hold up no vote.
    timeout(LOOK_BACK, looked).await.ok().flatten()
}

/// Read what became of a ballot, as its voter.
#[utoipa::path(
    get, path = "/api/polls/{id}/ballots/{ballotId}", tag = "voting", operation_id = "getBallot",
    params(
        ("id" = String, Path, description = "The poll's id or join code"),
        ("ballotId" = String, Path, description = "The ballot's id", format = "uuid"),
        ("at" = Option<String>, Query, description = "The position of its record on the log, as `partition.offset`", example = "3.1042", pattern = "^[0-9]{1,9}\\.[0-9]{1,18}$"),
        ("voterId" = Option<String>, Query, description = "The `voterId` with which it was cast. Without one the cookie identifies the voter"),
        ("voter" = Option<String>, Query, description = "The `voter` of a receipt, for clients that keep no cookies"),
    ),
    responses((status = 200, body = Receipt, description = "What was decided about the ballot")),
    extensions(("x-troubles" = json!([Trouble::NoSuchBallot]))),
)]
pub async fn fate(
    State(app): State<Arc<App>>,
    Params([id, ballot]): Params<2>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let client = Client::of(&app, headers, request.extensions());
    let query = Query::of(request.uri())?;
    // A voter's rows are found without it, but it is part of the address and must be well-formed.
    query.one("at")?.map(read_place).transpose()?;
    let poll = lookup::poll(&app, &id, client.address).await?;
    let ballot: BallotId =
        ballot.parse().map_err(|error| bad(format!("the ballot's id in the path is {error}")))?;
    let proven = match query.one("voter")? {
        Some(signed) => Some(app.keys.voter_of(signed)?),
        None => app.keys.cookie(headers),
    };
    let name = query.one("voterId")?.map(Name::of);
    let voter = match (&name, proven) {
        (Some(name), _) => name.voter(&app, &poll),
        (None, Some(value)) => app.keys.voter(poll.id, Who::Cookie(value)),
        (None, None) => app.keys.voter(poll.id, Who::first(ballot)),
    };
    let mut found =
        ask(&app, app.store.fate(poll.id, voter, ballot)).await?.map(|fate| (voter, fate));
    if found.is_none()
        && let Some(former) = name.and_then(|name| name.former(&app, &poll))
    {
        let fate = ask(&app, app.store.fate(poll.id, former, ballot)).await?;
        found = fate.map(|fate| (former, fate));
    }
    let Some((voter, fate)) = found else {
        let detail = "it is not decided yet, or was never recorded for this voter";
        return Err(Problem::new(Trouble::NoSuchBallot, detail).with_ballot(ballot));
    };
    let decided = ask(&app, told(&app, poll.id, voter, &fate)).await?;
    let receipt = Recorded::decided(poll, voter, &fate, decided).receipt(Some(decided));
    Ok(answer::ok(&receipt))
}

fn read_place(text: &str) -> Result<(Partition, Offset), Problem> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.')
        .filter(|(partition, offset)| digits(partition) && digits(offset))
        .and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)))
        .ok_or_else(|| bad("the query parameter at must be partition.offset, such as 3.1042"))
}
