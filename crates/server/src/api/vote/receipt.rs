//! Receipts, which tell voters about their ballots.

use std::sync::Arc;

use pollux_core::ballot::Status;
use pollux_core::id::{BallotId, Offset, Partition, PollId, Position, VoterId};
use pollux_core::poll::Poll;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::access::cookie::SignedVoter;
use crate::store::BallotFate;
use crate::watch::view::{self, Audience};
use crate::watch::viewer::BrowserId;

/// `Receipt` is what a voter is told about a ballot.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The id of the ballot. Send the same ballot again if an answer is lost.
    #[schema(value_type = String, format = "uuid")]
    pub ballot_id: BallotId,
    /// The id of the poll.
    #[schema(value_type = String, format = "uuid")]
    pub poll_id: PollId,
    /// recorded, and later counted, replaced, superseded, refused or late.
    #[schema(value_type = String, example = "recorded")]
    pub status: Status,
    /// The position of the ballot's record on the log; null where it would reveal numbers that are hidden.
    #[schema(required)]
    pub position: Option<PositionView>,
    /// The ballot of the same voter that counts in place of a superseded one. A further ballot with a greater
    /// id, or with none, counts again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid", nullable = false)]
    pub superseded_by: Option<BallotId>,
    /// Given to voters who came without a cookie and without a name. Sent along with the next ballot, it
    /// makes that ballot the same voter's. The cookie of the answer does the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub voter: Option<SignedVoter>,
}

/// `Decided` is what was decided about a ballot, as its voter is told.
#[derive(Clone, Copy, Debug)]
pub struct Decided {
    /// The status, which is never *recorded*.
    pub status: Status,
    /// The ballot that counts instead; see [`Receipt::superseded_by`].
    pub superseded_by: Option<BallotId>,
}

/// A position says where a record stands on the log.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Position)]
pub struct PositionView {
    /// The partition of the topic `votes`.
    pub partition: Partition,
    /// The offset in the partition; null if a retried append succeeded without reporting it.
    #[schema(required)]
    pub offset: Option<Offset>,
}

/// `Recorded` tells of a ballot that is durable.
pub struct Recorded {
    /// The poll as it was then.
    pub poll: Arc<Poll>,
    /// The voter's pseudonym.
    pub voter: VoterId,
    /// The ballot's id.
    pub ballot: BallotId,
    /// The position of the ballot's record.
    pub position: Position,
    /// The browser id that identifies a new voter from now on. It is `None` for a voter who was identified by
    /// one already or by a name, or whose ballot id is old.
    pub newcomer: Option<BrowserId>,
    /// The same browser id, signed.
    pub signed: Option<SignedVoter>,
    /// What became of the ballot, if that is known already.
    pub decided: Option<Decided>,
}

impl Recorded {
    /// Creates a ballot whose fate is known.
    pub fn decided(poll: Arc<Poll>, voter: VoterId, fate: &BallotFate, decided: Decided) -> Self {
        let (partition, offset) = fate.position;
        let position = Position { partition, offset: Some(offset) };
        let (ballot, decided) = (fate.ballot, Some(decided));
        Self { poll, voter, ballot, position, newcomer: None, signed: None, decided }
    }

    /// Returns the receipt, with the decision if there is one.
    pub fn receipt(&self, decided: Option<Decided>) -> Receipt {
        let Position { partition, offset } = self.position;
        Receipt {
            ballot_id: self.ballot,
            poll_id: self.poll.id,
            status: decided.map_or(Status::Recorded, |decided| decided.status),
            position: tells_positions(&self.poll).then_some(PositionView { partition, offset }),
            superseded_by: decided.and_then(|decided| decided.superseded_by),
            voter: self.signed,
        }
    }

    /// Returns the path at which to ask what became of the ballot.
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

/// Returns whether positions may be told. Offsets count ballots, so whoever may not see the numbers must not
/// see offsets either.
fn tells_positions(poll: &Poll) -> bool {
    view::sees_numbers(poll, Audience::Public)
}
