//! [`Ballots`] is the part of the store that answers what was decided. Receipts, exports, traces and recounts
//! read it, and so does a worker that takes up its partition.

use async_trait::async_trait;
use bytes::Bytes;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::fold::{Link, Trail, Voter};
use pollux_core::id::{BallotId, Generation, Offset, Partition, PollId, UnixMillis, VoterId};
use pollux_core::kind::Answer;
use pollux_core::tally::VoterState;

use super::StoreError;

/// `Progress` says how far a partition is committed and announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The generation of the log that the offsets belong to.
    pub generation: Generation,
    /// The first offset that is not committed.
    pub next_offset: Offset,
    /// The offset below which everything committed was announced.
    pub announced: Offset,
}

/// A ballot row is one decided ballot, as the store keeps it. There is at most one row for a ballot id.
/// It comes from the ballot's first record; repetitions leave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BallotRow {
    /// The offset of the ballot's record in the partition of the commit.
    pub offset: Offset,
    /// The poll that it was cast in.
    pub poll: PollId,
    /// The voter who cast it.
    pub voter: VoterId,
    /// The ballot's id.
    pub ballot: BallotId,
    /// The voter's answer.
    pub answer: Answer,
    /// The decision at the time of the fold: counted, superseded, refused or late.
    pub decided: Status,
    /// The time at which a server took the ballot.
    pub at: UnixMillis,
    /// The voter's state after this ballot.
    pub after: VoterState,
    /// The ballot's place among the voter's rows in this poll.
    pub link: Link,
}

impl BallotRow {
    /// Returns the voter's past as of this row, which must be the voter's latest one.
    pub(super) fn past(&self) -> Voter {
        Voter { state: self.after.clone(), trail: Trail::after(self.offset, self.link) }
    }
}

/// A dead letter is a record that is no valid ballot, kept so that a person can look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record's offset in the partition of the commit.
    pub offset: Offset,
    /// The record's key.
    pub key: Bytes,
    /// The record's value.
    pub value: Bytes,
    /// The reason why the record is dead.
    pub reason: String,
}

/// A ballot's fate is what its voter is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BallotFate {
    /// The ballot's id.
    pub ballot: BallotId,
    /// The ballot's status now. It is the one that was decided, except that a ballot which counted is
    /// *replaced* once a later ballot of the same voter counts in the same round.
    pub status: Status,
    /// The partition and offset of the ballot's first record.
    pub position: (Partition, Offset),
}

/// `Ballots` returns decided ballots, dead letters, and how far each partition was counted.
#[async_trait]
pub trait Ballots: Send + Sync + 'static {
    /// Returns what became of a voter's ballot, from the ballot's one row. It returns `None` if the
    /// ballot is not decided yet, or was never on the log. Its cost does not grow with the number of
    /// the voter's ballots.
    async fn fate(
        &self,
        poll: PollId,
        voter: VoterId,
        ballot: BallotId,
    ) -> Result<Option<BallotFate>, StoreError>;

    /// Returns the state of one voter in one poll.
    async fn voter(&self, poll: PollId, voter: VoterId) -> Result<VoterState, StoreError>;

    /// Returns at most `limit` ballots of a partition, in log order, from an offset on. They are the
    /// ballots of one poll, or of all polls if `poll` is `None`.
    async fn ballots(
        &self,
        partition: Partition,
        from: Offset,
        poll: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<BallotRow>, StoreError>;

    /// Returns at most `limit` dead letters of a partition, in log order, from an offset on.
    async fn dead(
        &self,
        partition: Partition,
        from: Offset,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// Returns the digests of a partition's records as they were counted, in log order. They are those
    /// that end at `since` or behind it. Each stays true of its records, whatever is committed later.
    /// There is none of records that versions without digests counted.
    async fn digests(&self, partition: Partition, since: Offset)
    -> Result<Vec<Digest>, StoreError>;

    /// Returns how far each partition is committed, in the order of the partitions.
    async fn progress(&self) -> Result<Vec<(Partition, Progress)>, StoreError>;
}
