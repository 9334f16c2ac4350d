//! [`Counting`] is the part of the store with which a processor's worker counts. It says how far the worker's
//! partition is committed and what the fold needs of the past, and it commits a batch.

use async_trait::async_trait;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::fold::Voter;
use pollux_core::id::{BallotId, Generation, Offset, Partition, PollId, VoterId};
use pollux_core::kind::Slot;
use pollux_core::poll::Poll;
use pollux_core::seal::Word;
use pollux_core::standing::TallyAt;

use super::{BallotRow, DeadLetter, Progress, StoreError};

/// `CommitError` says why a commit was not made, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The partition's next offset is not the expected one: another worker has taken over. Nothing
    /// was changed. The worker drops what it knows and takes up the partition anew.
    #[error("the partition's next offset is not the expected one")]
    Fenced,
    /// The store did not commit, or may not have; see [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A commit is one folded batch of a partition. The store makes all of its changes, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The offset that the store must have as the partition's next one.
    pub from: Offset,
    /// The next offset afterwards, which is greater than `from`.
    pub to: Offset,
    /// The offset below which everything was announced. The store keeps the greatest that it is told.
    pub announced: Offset,
    /// Whether the commit must survive a power cut once it is made, as a poll's change does. This is
    /// set if a control record has moved a poll to another phase, so that a poll which was shown as
    /// *final* stays final.
    pub durable: bool,
    /// The tallies that changed. They are absolute, and their `next_offset` is `to`. The store does not look at their
    /// names.
    pub tallies: Vec<TallyAt>,
    /// The names that these tallies have and did not have before. After a reset, all names of the new round are new.
    pub names: Vec<NameRow>,
    /// The rows of the ballots that were decided, in log order.
    pub ballots: Vec<BallotRow>,
    /// The dead letters, in log order.
    pub dead: Vec<DeadLetter>,
    /// The digest of the records up to `to`. It replaces the kept digest that begins at the same
    /// offset, if there is one. A batch that is folded but not to be committed has none.
    pub digest: Option<Digest>,
}

/// A name row is one name that a partition counts in a slot of its own, with the word that came first under it. Such rows
/// are only ever added. A tally's names are the rows of its poll, partition and round, by slot. They outlive the
/// poll's deletion, because ballots that stand before it on the log may yet have to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// The poll.
    pub poll: PollId,
    /// The round in which the name came.
    pub round: u32,
    /// The slot that the name has in the partition of the commit.
    pub slot: Slot,
    /// The name, and the word as its voter sealed it.
    pub word: Word,
}

/// `Loaded` holds what the fold needs of the past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Each poll that was asked for, whatever its status, with its tally in the partition. The tally has its names,
    /// because the fold cannot count words without them.
    pub polls: Vec<Option<(Poll, Option<TallyAt>)>>,
    /// The past of each voter that was asked for, as the voter's latest row has it.
    pub voters: Vec<Voter>,
}

/// `Counting` keeps each partition's decisions, tallies and next offset.
///
/// # Promises
/// - [`Counting::commit`] compares-and-sets the partition's next offset in the same transaction in which
///   it writes. If the comparison fails, nothing of the commit is ever seen. A worker that is stopped
///   halfway through a commit holds up the next worker for a bounded time only.
/// - [`Counting::load`] may answer from memory only what no other writer can have changed since. If a
///   commit fails, or its outcome is unknown, that memory is dropped.
/// - A commit's names are kept together with its tallies, or not at all. Reading the tallies of polls that hold no texts
///   costs nothing for names.
#[async_trait]
pub trait Counting: Send + Sync + 'static {
    /// Takes up a partition of this log, and returns where to go on. If the store has no row for the
    /// partition, it makes one at offset 0. If the row is of another generation, the answer is
    /// [`StoreError::Damaged`], which names both. What is kept in memory of the partition is dropped,
    /// unless it is as of the offset returned.
    async fn begin(
        &self,
        partition: Partition,
        generation: Generation,
    ) -> Result<Progress, StoreError>;

    /// Returns the past that a batch needs. The ballots of all voters asked for lie in this partition.
    async fn load(
        &self,
        partition: Partition,
        polls: &[PollId],
        voters: &[(PollId, VoterId)],
    ) -> Result<Loaded, StoreError>;

    /// Returns what was decided about each of these very ballots, if anything. It is asked only for
    /// the rare ballot whose id is not greater than all earlier ids of its voter. Its cost does not
    /// grow with the number of the voter's ballots.
    async fn decided(
        &self,
        partition: Partition,
        ballots: &[(PollId, VoterId, BallotId)],
    ) -> Result<Vec<Option<Status>>, StoreError>;

    /// Commits a folded batch.
    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<(), CommitError>;

    /// Returns the tallies of a partition whose `next_offset` is `since` or greater. They come without their names,
    /// which can be many, because they are read in order to be announced, and announcements have no names.
    async fn tallies_since(
        &self,
        partition: Partition,
        since: Offset,
    ) -> Result<Vec<TallyAt>, StoreError>;
}
