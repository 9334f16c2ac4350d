//! [`Counting`] is the part of the store that a processor's worker uses: where its partition stands, what the
//! fold needs of the past, and the commit of a batch.

use async_trait::async_trait;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::fold::Voter;
use pollux_core::id::{BallotId, Generation, Offset, Partition, PollId, VoterId};
use pollux_core::poll::Poll;
use pollux_core::standing::TallyAt;

use super::{BallotRow, DeadLetter, StoreError};

/// Why a commit was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The partition's offset is not the expected one: another worker has taken over. Nothing
    /// was changed. Stop and reload.
    #[error("the partition's next offset is not the expected one")]
    Fenced,
    /// The store could not do it, see [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the store knows of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The log its offsets belong to.
    pub generation: Generation,
    /// The first offset not committed.
    pub next_offset: Offset,
    /// Everything committed below this offset was announced.
    pub announced: Offset,
}

/// One batch of a partition, folded: everything changes, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The offset expected to be next.
    pub from: Offset,
    /// The next offset afterwards; greater than `from`.
    pub to: Offset,
    /// Everything below was announced; the store keeps the greatest it is told.
    pub announced: Offset,
    /// Whether it must survive a power cut once it is committed, as a poll's change does: set
    /// when a poll has moved to another phase, so that *final* holds once it was shown.
    pub durable: bool,
    /// Tallies that changed, absolute, with `next_offset` = `to`.
    pub tallies: Vec<TallyAt>,
    /// Ballots decided, in log order.
    pub ballots: Vec<BallotRow>,
    /// Dead records, in log order.
    pub dead: Vec<DeadLetter>,
    /// What the records up to `to` are, in place of the digest kept that begins where this does.
    /// Of a batch that no worker is about to commit there is none.
    pub digest: Option<Digest>,
}

/// What the fold needs of the past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// For each poll asked for: the poll (whatever its status) and its tally in the partition.
    pub polls: Vec<Option<(Poll, Option<TallyAt>)>>,
    /// For each voter asked for: what their latest row says.
    pub voters: Vec<Voter>,
}

/// One partition's decisions, tallies and next offset.
///
/// # Promises
/// - [`Counting::commit`] compares-and-sets the partition's offset in the transaction that writes, and
///   if that fails nothing is seen of it, ever. A worker stopped halfway through a commit holds up
///   the next one for a bounded time only.
/// - [`Counting::load`] may answer from memory only what no other writer can have changed since;
///   a failed or ambiguous commit forgets it.
#[async_trait]
pub trait Counting: Send + Sync + 'static {
    /// Take up a partition of this log: where to go on. Makes the row at offset 0 when the
    /// store has none; `Damaged` when its row is of another generation, naming both. Forgets
    /// what is kept in memory of the partition, unless that is as of the offset returned.
    async fn begin(
        &self,
        partition: Partition,
        generation: Generation,
    ) -> Result<Progress, StoreError>;

    /// The past that a batch needs. The voters are such whose ballots lie in this partition.
    async fn load(
        &self,
        partition: Partition,
        polls: &[PollId],
        voters: &[(PollId, VoterId)],
    ) -> Result<Loaded, StoreError>;

    /// What was decided about each of these very ballots, if anything. For the rare ballot whose
    /// id is not above all its voter's. Its cost does not grow with the voter's ballots.
    async fn decided(
        &self,
        partition: Partition,
        ballots: &[(PollId, VoterId, BallotId)],
    ) -> Result<Vec<Option<Status>>, StoreError>;

    /// Make a folded batch true.
    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<(), CommitError>;

    /// Tallies of a partition committed at or after `since` (by their `next_offset`).
    async fn tallies_since(
        &self,
        partition: Partition,
        since: Offset,
    ) -> Result<Vec<TallyAt>, StoreError>;
}
