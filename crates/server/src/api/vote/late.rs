//! Ballots that come too late, and retries among them whose first try came in time.

use std::sync::Arc;

use pollux_core::id::{BallotId, UnixMillis, VoterId};
use pollux_core::poll::{Poll, PollStatus};

use super::fate::{cast_without_cookie, told};
use super::receipt::Recorded;
use crate::api::App;
use crate::api::lookup::ask::ask;
use crate::api::problem::{Problem, Trouble};

/// `Late` says why a ballot is too late.
#[derive(Clone, Copy)]
pub(super) enum Late {
    /// The poll was reset while the ballot was on its way: the ballot names an earlier round.
    PastRound,
    ClosingTime,
    Closed,
}

impl Late {
    /// Returns why a ballot is too late, if it is. `round` is the round that the ballot names, if it names
    /// one.
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

/// Answers a ballot that the poll does not accept any more. The ballot may be the retry of one whose answer
/// was lost while the poll did accept it. Then the answer is what became of that one.
#[cold]
pub(super) async fn too_late(
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
    // In a round that is over the ballot changes nothing that is shown, whether it is on the log or not.
    let over = matches!(late, Late::PastRound);
    if over || app.hub.standing(poll.id).is_some_and(|standing| standing.is_final()) {
        return Err(closed);
    }
    let detail = format!(
        "{detail}, but ballots from before the close are still being counted, and this one may be \
         among them: send the same ballotId again in a moment to hear what became of it"
    );
    Err(Problem::new(Trouble::OutcomeUnknown, detail).with_ballot(ballot))
}
