//! The path from a ballot that was read to a record that is durable on the log.
//!
//! Invariant 1: nothing here answers success before the log has acknowledged the record.

use std::sync::Arc;
use std::time::Duration;

use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{BallotId, PollId, UnixMillis, VoterId};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::text::Text;

use super::append::{Appended, append};
use super::ballot::Cast;
use super::fate::cast_without_cookie;
use super::late::{Late, too_late};
use super::name::{Name, caster};
use super::overtaken::after_waiting;
use super::receipt::Recorded;
use crate::api::App;
use crate::api::access::keys::Who;
use crate::api::lookup::ask::ask;
use crate::api::problem::Problem;
use crate::watch::view;
use crate::watch::viewer::BrowserId;

/// The age from which a ballot id gets no cookie. Whoever sends an old id may have read it elsewhere, long
/// after it was cast, and must not become its voter.
const STALE: Duration = Duration::from_secs(600);

/// The age from which a ballot id may be that of a retry.
const RETRY: Duration = Duration::from_secs(2);

/// Returns whether the sender of a ballot with this id may have read the id elsewhere.
pub fn is_stale(ballot: BallotId, now: UnixMillis) -> bool {
    is_older(ballot, now, STALE)
}

fn is_older(ballot: BallotId, now: UnixMillis, than: Duration) -> bool {
    u128::from(now.0.saturating_sub(ballot.time().0)) > than.as_millis()
}

/// Checks a ballot, names its voter, and appends it to the log, which may take as long as the voter waits.
pub async fn record(
    app: &App,
    poll: Arc<Poll>,
    cast: &Cast<'_>,
    cookie: Option<BrowserId>,
    patience: Duration,
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
    let name = cast.voter_id.as_ref().map(|Text(name)| Name::checked(&poll, name)).transpose()?;
    let (voter, known_by) = match (&name, proven) {
        (Some(name), _) => (name.voter(app, &poll), None),
        (None, Some(value)) => (app.keys.voter(poll.id, Who::Cookie(value)), Some(value)),
        (None, None) => (app.keys.voter(poll.id, Who::first(ballot)), Some(*ballot.0.as_bytes())),
    };
    let newcomer = known_by.filter(|_| proven.is_none() && !is_stale(ballot, now));
    let by_client = named_by == NamedBy::Client;
    let by_cookie_alone = cast.voter_id.is_none() && cast.voter.is_none() && cookie.is_some();
    let retried = by_client && by_cookie_alone && is_older(ballot, now, RETRY);
    if let Some(late) = Late::of(&poll, cast.round, now) {
        let voter = caster(name.as_ref(), app, &poll, voter).await.unwrap_or(voter);
        return Box::pin(too_late(app, poll, voter, ballot, late, by_client, retried)).await;
    }
    // A new voter with a ballot id that we created cannot have voted before, so there is nothing to limit
    // yet.
    if by_client || cast.voter_id.is_some() || proven.is_some() {
        app.limits.ballot(voter)?;
    }
    let voter = caster(name.as_ref(), app, &poll, voter).await?;
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
    let appended = append(app, record, patience).await;
    let Appended { position, waited } = appended.map_err(|problem| problem.with_ballot(ballot))?;
    app.hub.acknowledged(poll.id, position);
    if let Some(known_by) = known_by.filter(|_| view::shows_after_vote(&poll)) {
        app.hub.voted(poll.id, known_by);
    }
    let signed = newcomer.map(|value| app.keys.signed(&value, app.ambient.now()));
    let recorded = Recorded { poll, voter, ballot, position, newcomer, signed, decided: None };
    if waited {
        return Box::pin(after_waiting(app, recorded)).await;
    }
    Ok(recorded)
}

/// Returns how many whole seconds an id's time is ahead of `from`, if that is more than is allowed.
fn seconds_ahead(app: &App, ballot: BallotId, from: UnixMillis) -> Option<u64> {
    let ahead = ballot.time().0.saturating_sub(from.0);
    (u128::from(ahead) > app.config.api.ahead.as_millis()).then(|| ahead.div_ceil(1000))
}

/// Refuses a ballot id from the future, which would supersede every later ballot of its voter. It is allowed
/// if the voter has a ballot about as far ahead already, cast while this server's clock or another node's was
/// fast, because then only ids beyond that one can change the vote.
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
