//! [`Ballots`] is the part of the store that is read about what was decided: for receipts, exports, traces and recounts.

use async_trait::async_trait;
use bytes::Bytes;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::fold::{Link, Trail, Voter};
use pollux_core::id::{BallotId, Offset, Partition, PollId, UnixMillis, VoterId};
use pollux_core::kind::Answer;
use pollux_core::tally::VoterState;

use super::{Progress, StoreError};

/// One decided ballot, as the store keeps it. A ballot id has one row at most: its first
/// record's; repetitions leave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BallotRow {
    /// Where its record stands (the partition is the commit's).
    pub offset: Offset,
    /// The poll that it was cast in.
    pub poll: PollId,
    /// The voter who cast it.
    pub voter: VoterId,
    /// The ballot's id.
    pub ballot: BallotId,
    /// The voter's answer.
    pub answer: Answer,
    /// What was decided when it was folded: counted, superseded, refused or late.
    pub decided: Status,
    /// When it was taken.
    pub at: UnixMillis,
    /// The voter's state after it.
    pub after: VoterState,
    /// Its place among the voter's rows in this poll.
    pub link: Link,
}

impl BallotRow {
    /// The voter's past, of which this is the latest row.
    pub(super) fn past(&self) -> Voter {
        Voter { state: self.after.clone(), trail: Trail::after(self.offset, self.link) }
    }
}

/// A record that is nobody's ballot, kept to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it stands (the partition is the commit's).
    pub offset: Offset,
    /// The record's key.
    pub key: Bytes,
    /// The record's value.
    pub value: Bytes,
    /// Why it is dead.
    pub reason: String,
}

/// One ballot's fate, for its voter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BallotFate {
    /// The ballot's id.
    pub ballot: BallotId,
    /// What it is now: as it was decided, but *replaced* if it counted until a later ballot of
    /// the same voter and round did.
    pub status: Status,
    /// Where the record stands that decided it.
    pub position: (Partition, Offset),
}

/// Decided ballots, dead letters, and how far each partition was counted.
#[async_trait]
pub trait Ballots: Send + Sync + 'static {
    /// What became of a voter's ballot: what its one row says, see [`BallotFate::status`].
    /// `None`: not decided yet, or never heard of. Its cost does not grow with the voter's ballots.
    async fn fate(
        &self,
        poll: PollId,
        voter: VoterId,
        ballot: BallotId,
    ) -> Result<Option<BallotFate>, StoreError>;

    /// The state of one voter in one poll.
    async fn voter(&self, poll: PollId, voter: VoterId) -> Result<VoterState, StoreError>;

    /// Ballots of a partition in log order from an offset on, at most `limit` rows; of one
    /// poll or of all. For export, trace and recount.
    async fn ballots(
        &self,
        partition: Partition,
        from: Offset,
        poll: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<BallotRow>, StoreError>;

    /// Dead letters of a partition in log order from an offset on.
    async fn dead(
        &self,
        partition: Partition,
        from: Offset,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// Digests of a partition's records as they were counted, in log order: those that end at or behind
    /// `since`. Each is true for ever, whatever is committed meanwhile. What older versions counted has none.
    async fn digests(&self, partition: Partition, since: Offset)
    -> Result<Vec<Digest>, StoreError>;

    /// What was committed of each partition, in order of the partitions.
    async fn progress(&self) -> Result<Vec<(Partition, Progress)>, StoreError>;
}
