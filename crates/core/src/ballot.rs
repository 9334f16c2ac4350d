//! A ballot: one voter's submission in one poll.

use serde::{Deserialize, Serialize};

use crate::id::{BallotId, PollId, UnixMillis, VoterId};
use crate::kind::Answer;

/// Who gave a ballot its id, which settles how it is ordered among the ballots of its voter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedBy {
    /// The client, so that it can send the same ballot again. The greatest id wins.
    #[default]
    Client,
    /// The server, because the client named none. Its place on the log orders it: it comes after
    /// everything that stands before it there, whatever the clocks said that made the ids.
    Server,
}

/// A ballot as it stands on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// In which poll.
    pub poll: PollId,
    /// By whom.
    pub voter: VoterId,
    /// Which submission.
    pub id: BallotId,
    /// Who gave it that id.
    pub named_by: NamedBy,
    /// What it says.
    pub answer: Answer,
    /// The poll's round when it was taken; 0 when a foreign producer did not say.
    pub round: u32,
    /// The poll's phase when it was taken (see [`crate::poll::Poll::phase`]); 0 likewise.
    pub phase: u32,
    /// When the node took it.
    pub at: UnixMillis,
}

/// What became of a ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Durable on the log, not decided yet.
    Recorded,
    /// It counts.
    Counted,
    /// It counted until the same voter's newer ballot took its place.
    Replaced,
    /// It came after a newer ballot of the same voter and never counted.
    Superseded,
    /// The poll takes one ballot per voter and had one already.
    Refused,
    /// It reached the log after the poll closed, or belongs to an earlier round.
    Late,
}

impl Status {
    /// The word used on the wire.
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
