//! A ballot: one voter's submission in one poll.

use serde::{Deserialize, Serialize};

use crate::id::{BallotId, PollId, UnixMillis, VoterId};
use crate::kind::Answer;

/// `NamedBy` says who gave a ballot its id. This decides how the ballot is ordered among those of
/// its voter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedBy {
    /// The client named it, so that it can send the same ballot again. The greatest id wins.
    #[default]
    Client,
    /// The server named it, because the client did not. Its place on the log orders it: it comes
    /// after every ballot that stands before it there, whatever clocks the ids were made from.
    Server,
}

/// A ballot is one voter's submission in one poll, here as it stands on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The poll.
    pub poll: PollId,
    /// The voter.
    pub voter: VoterId,
    /// The ballot's id.
    pub id: BallotId,
    /// Who gave the ballot its id.
    pub named_by: NamedBy,
    /// What the voter answered.
    pub answer: Answer,
    /// The poll's round when the ballot was taken; 0 if a foreign producer did not say.
    pub round: u32,
    /// The poll's phase when the ballot was taken (see [`crate::poll::Poll::phase`]); 0 if a
    /// foreign producer did not say.
    pub phase: u32,
    /// The time at which the node took it.
    pub at: UnixMillis,
}

/// A ballot's status says what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The ballot is durable on the log and not decided yet.
    Recorded,
    /// The ballot counts.
    Counted,
    /// The ballot counted until the same voter's newer ballot took its place.
    Replaced,
    /// The ballot came after a newer one of the same voter and never counted.
    Superseded,
    /// The poll takes one ballot per voter and had one already.
    Refused,
    /// The ballot reached the log after the poll closed, or belongs to an earlier round.
    Late,
}

impl Status {
    /// Returns the word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Counted => "counted",
            Self::Replaced => "replaced",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
            Self::Late => "late",
        }
    }
}
