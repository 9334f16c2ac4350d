//! What a voter is told about a ballot.

use std::sync::Arc;

use pollux_core::ballot::Status;
use pollux_core::id::{BallotId, Offset, Partition, PollId, Position, VoterId};
use pollux_core::poll::Poll;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::access::cookie::{BrowserId, SignedVoter};
use crate::store::BallotFate;
use crate::watch::view::{self, Audience};

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
    pub newcomer: Option<BrowserId>,
    /// The same, signed.
    pub signed: Option<SignedVoter>,
    /// What became of it, when that is known already.
    pub decided: Option<Decided>,
}

impl Recorded {
    /// One whose fate is known.
    pub fn decided(poll: Arc<Poll>, voter: VoterId, fate: &BallotFate, decided: Decided) -> Self {
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

    pub(super) fn location(&self) -> String {
        let Self { poll, ballot, position: Position { partition, offset }, .. } = self;
        match offset.filter(|_| tells_positions(poll)) {
            Some(offset) => {
                format!("/api/polls/{}/ballots/{ballot}?at={partition}.{offset}", poll.id)
            }
            None => format!("/api/polls/{}/ballots/{ballot}", poll.id),
        }
    }
}

/// Offsets count ballots: who may not see the numbers must not see those either.
fn tells_positions(poll: &Poll) -> bool {
    view::sees_numbers(poll, Audience::Public)
}
