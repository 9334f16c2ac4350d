//! From the `{id}` of a path to its poll: from memory first, else from the store.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;

use super::App;
use super::problem::{Problem, Trouble};
use super::query::bad;
use crate::store::StoreError;

/// Fewest and most digits of a join code.
pub const CODE_DIGITS: (usize, usize) = (6, 12);

/// The parameters of a path, in order.
pub struct Params<const N: usize>(pub [String; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Params<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| bad("the path is not UTF-8 once it is percent-decoded"))?;
        let values: Vec<_> = params.iter().map(|(_, value)| value.to_owned()).collect();
        values.try_into().map(Self).map_err(|_| bad("the path has the wrong number of parts"))
    }
}

/// Ask the store something, within the request's deadline.
pub async fn ask<T>(
    app: &App,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(app.config.api.deadline, answer).await {
        Ok(answer) => answer.map_err(|error| store_problem(&error)),
        Err(_) => Err(silent()),
    }
}

/// The problem of a store that was asked and has not answered.
pub fn silent() -> Problem {
    Problem::new(Trouble::StoreUnavailable, "the store did not answer in time")
}

/// The problem a store's error is to the client. What is wrong inside is for the log file.
pub fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Unavailable(why) => {
            tracing::warn!(%why, "the store is unavailable");
            Problem::new(Trouble::StoreUnavailable, "polls cannot be read or changed at the moment")
        }
        StoreError::Unknown(why) => {
            tracing::warn!(%why, "the store left a change unknown");
            Problem::new(
                Trouble::ChangeUnknown,
                "the store did not say whether the change was made",
            )
        }
        StoreError::Damaged(why) => {
            tracing::error!(%why, "the store is damaged");
            Problem::new(
                Trouble::StoreUnavailable,
                "the store needs its operator; its log file says why",
            )
        }
    }
}

fn code(text: &str) -> bool {
    (CODE_DIGITS.0..=CODE_DIGITS.1).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The poll to vote in; the hot path.
pub async fn poll(app: &App, text: &str, from: IpAddr) -> Result<Arc<Poll>, Problem> {
    if let Ok(id) = text.parse()
        && let Some(poll) = app.hub.poll(id)
    {
        return Ok(poll);
    }
    Box::pin(standing(app, text, from, None)).await.map(|standing| standing.poll)
}

/// The poll and its results, as far as this token may see it.
pub async fn standing(
    app: &App,
    text: &str,
    from: IpAddr,
    token: Option<&[u8]>,
) -> Result<Standing, Problem> {
    if let Ok(id) = text.parse() {
        let standing = by_id(app, id, token).await?;
        app.limits.show(from, id);
        return Ok(standing);
    }
    if !code(text) {
        return Err(Problem::no_such_poll());
    }
    let in_memory = app.hub.by_code(text).and_then(|id| known(app, id));
    if let Err(problem) = app.limits.may_guess(from) {
        return in_memory.filter(|standing| no_guess(app, &standing.poll, from)).ok_or(problem);
    }
    let standing = match in_memory {
        Some(standing) => standing,
        None => {
            let found = ask(app, app.store.by_code(text)).await?;
            visible(app, found, token).inspect_err(|_| app.limits.guessed(from))?
        }
    };
    app.limits.show(from, standing.poll.id);
    Ok(standing)
}

/// Whether the code of this poll is no secret to an address: lists show it to everybody, or the
/// address was shown the poll before. So whoever uses up the guesses of a venue learns nothing
/// more, and keeps nobody there out of the poll.
fn no_guess(app: &App, poll: &Poll, from: IpAddr) -> bool {
    poll.listed || app.limits.was_shown(from, poll.id)
}

/// What is in memory and everybody's.
fn known(app: &App, id: PollId) -> Option<Standing> {
    app.hub.standing(id).filter(|standing| standing.poll.status != PollStatus::Draft)
}

async fn by_id(app: &App, id: PollId, token: Option<&[u8]>) -> Result<Standing, Problem> {
    if let Some(standing) = known(app, id) {
        return Ok(standing);
    }
    let found = ask(app, app.store.standing(id)).await?;
    visible(app, found, token)
}

/// What is in memory, brought up to what the store has: an owner whose change was left unknown
/// reads the poll to see. While the store cannot say, memory has to do.
pub async fn stored(app: &App, standing: Standing) -> Result<Standing, Problem> {
    match ask(app, app.store.standing(standing.poll.id)).await {
        Ok(Some(found)) if found.poll.status == PollStatus::Deleted => {
            app.hub.merge(found);
            Err(Problem::no_such_poll())
        }
        Ok(Some(found)) if found.poll.status != PollStatus::Draft => {
            app.hub.merge(found.clone());
            Ok(app.hub.standing(found.poll.id).unwrap_or(found))
        }
        _ => Ok(standing),
    }
}

/// The poll as the store has it, for whoever may change it.
pub async fn owned(app: &App, text: &str, from: IpAddr, token: &[u8]) -> Result<Standing, Problem> {
    // The code's poll may be one in memory; what is changed is what the store says it is.
    let id = match text.parse() {
        Ok(id) => id,
        Err(_) => standing(app, text, from, Some(token)).await?.poll.id,
    };
    let found = ask(app, app.store.standing(id)).await?;
    let standing = visible(app, found, Some(token))?;
    if !app.keys.owns(token, &standing.poll) {
        return Err(super::identity::wrong_token("poll's owner's"));
    }
    Ok(standing)
}

/// A deleted poll is nobody's, a draft its owner's only. What all may see is kept in memory.
fn visible(app: &App, found: Option<Standing>, token: Option<&[u8]>) -> Result<Standing, Problem> {
    let standing = found.ok_or_else(Problem::no_such_poll)?;
    match standing.poll.status {
        PollStatus::Deleted => Err(Problem::no_such_poll()),
        PollStatus::Draft => match token {
            Some(token) if app.keys.owns(token, &standing.poll) => Ok(standing),
            _ => Err(Problem::no_such_poll()),
        },
        PollStatus::Open | PollStatus::Closed => {
            app.hub.merge(standing.clone());
            Ok(standing)
        }
    }
}
