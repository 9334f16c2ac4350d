//! The store: the truth about polls, and about every ballot that is decided.
//!
//! [`Store`] is the port; its documentation is the contract, and `store/conformance.rs` holds
//! every backend to it. Backends: `embedded` (SQLite, one process), `postgres` (any number of
//! them) and `memory` (for tests; it can be told to fail in every way the contract allows).

pub mod embedded;
pub mod memory;
pub mod postgres;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

use async_trait::async_trait;
use bytes::Bytes;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::event::Event;
pub use pollux_core::fold::Voter;
use pollux_core::fold::{Link, Trail};
use pollux_core::id::{
    BallotId, EventId, Generation, Offset, Partition, PollId, UnixMillis, VoterId,
};
use pollux_core::kind::Answer;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::VoterState;

/// How long an idempotency key is remembered, in milliseconds: a day.
pub const IDEMPOTENCY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// How long a join code rests once its poll has closed, in milliseconds: a month of 30 days.
pub const CODE_REST_MILLIS: u64 = 30 * IDEMPOTENCY_MILLIS;

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was changed; try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It may or may not have been done.
    #[error("the store did not say whether it was done: {0}")]
    Unknown(String),
    /// The data contradicts itself or this binary; a person must look.
    #[error("the store is damaged or not ours: {0}")]
    Damaged(String),
}

/// Why a commit was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The partition's offset is not the expected one: another worker has taken over. Nothing
    /// was changed. Stop and reload.
    #[error("the partition's next offset is not the expected one")]
    Fenced,
    /// As [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a poll was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Somebody changed it in between: read it again and decide anew.
    #[error("the poll has changed in the meantime")]
    Conflict,
    /// It would be open under a code that another poll has by now.
    #[error(
        "the poll was closed for so long that its join code belongs to another poll now; it \
         cannot be opened again: create a new one"
    )]
    CodeTaken,
    /// As [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The client's name for one creation (the header `Idempotency-Key`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// What the client sent.
    pub key: String,
    /// SHA-256 of the request: another request under the same key is an error.
    pub request: [u8; 32],
}

/// What became of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created<T = Poll> {
    /// It is new, and has this code now.
    New(T),
    /// The same request under the same key was done before; this is what it made, as it is now.
    Before(T),
    /// Another request was done under this key.
    KeyReused,
    /// Every code offered is taken: offer others, longer ones.
    CodesTaken,
}

/// Which polls to list, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Only those of this status; drafts and deleted polls are never listed otherwise.
    pub status: Option<PollStatus>,
    /// Only those older than this one.
    pub before: Option<PollId>,
    /// At most so many.
    pub limit: usize,
    /// Unlisted ones too (for tools that read the whole store); then drafts and deleted polls
    /// as well, whatever `status` leaves.
    pub all: bool,
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

/// One decided ballot, as the store keeps it. A ballot id has one row at most: its first
/// record's; repetitions leave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BallotRow {
    /// Where its record stands (the partition is the commit's).
    pub offset: Offset,
    /// In which poll.
    pub poll: PollId,
    /// By whom.
    pub voter: VoterId,
    /// Which.
    pub ballot: BallotId,
    /// What it says.
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
    fn past(&self) -> Voter {
        Voter { state: self.after.clone(), trail: Trail::after(self.offset, self.link) }
    }
}

/// A record that is nobody's ballot, kept to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it stands (the partition is the commit's).
    pub offset: Offset,
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// Why it is dead.
    pub reason: String,
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

/// One ballot's fate, for its voter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BallotFate {
    /// Which.
    pub ballot: BallotId,
    /// What it is now: as it was decided, but *replaced* if it counted until a later ballot of
    /// the same voter and round did.
    pub status: Status,
    /// Where the record stands that decided it.
    pub position: (Partition, Offset),
}

/// An event with its polls.
pub type EventAndPolls = (Event, Vec<Standing>);

/// What has a join code, or was made under an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Poll(PollId),
    Event(EventId),
}

/// Polls, events, ballots, tallies and offsets.
///
/// # Promises
/// - Every method that changes something changes all of it or nothing, and is durable when it
///   returns `Ok` — except [`Store::commit`], which may be lost by a crash of the machine as
///   long as what survives is a state between two commits, no older than the last durable
///   change of a poll and no older than the last commit that was to be `durable`: the log holds
///   the ballots, and the fold decides them the same again.
/// - [`Store::commit`] compares-and-sets the partition's offset in the transaction that writes, and
///   if that fails nothing is seen of it, ever. A worker stopped halfway through a commit holds up
///   the next one for a bounded time only.
/// - Reads see every change that returned `Ok` before they began.
/// - [`Store::load`] may answer from memory only what no other writer can have changed since;
///   a failed or ambiguous commit forgets it.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // ---- polls: written by the API ----

    /// Keep a new poll under the first of `codes` that is free. A code is free when no poll
    /// and no event has it, or its poll closed or was deleted, or its event was deleted, more than
    /// a month before `poll.created_at`. A poll of an event keeps the event's code, and takes none.
    /// Idempotency keys are remembered for a day. A poll whose id is here already was created
    /// before, with a key or without: the caller may try again after `Unknown`.
    async fn create(
        &self,
        poll: Poll,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, StoreError>;

    /// Replace a poll, if its revision is still `expected`. Once a poll's code has passed to
    /// another (see [`Store::create`]) it leads there for good: the poll that had it stays what
    /// it is, but [`ChangeError::CodeTaken`] keeps it from being open again, for nobody could
    /// join it by the code it shows.
    async fn change(&self, poll: &Poll, expected: u64) -> Result<(), ChangeError>;

    /// Replace polls that are closed now, each if its revision is still the one beside it, all of
    /// them in one step, so that many may close at one moment. Says of each whether it was.
    async fn close(&self, polls: &[(Poll, u64)]) -> Result<Vec<bool>, StoreError>;

    // ---- events: written by the API ----

    /// Keep a new event under the first of `codes` that is free, as [`Store::create`] does.
    async fn create_event(
        &self,
        event: Event,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created<Event>, StoreError>;

    /// Replace an event, if its revision is still `expected`. `logo`: the bytes of `event.logo`
    /// if they are new; those of an event that has none any more are forgotten.
    async fn change_event(
        &self,
        event: &Event,
        expected: u64,
        logo: Option<&[u8]>,
    ) -> Result<(), ChangeError>;

    // ---- events: read ----

    /// An event, deleted or not, with all polls that say they belong to it, by age.
    async fn event(&self, id: EventId) -> Result<Option<EventAndPolls>, StoreError>;

    /// The event a join code leads to: its own code, or one that a poll of it had before.
    async fn event_by_code(&self, code: &str) -> Result<Option<EventAndPolls>, StoreError>;

    /// The bytes of an event's logo.
    async fn logo(&self, id: EventId) -> Result<Option<Bytes>, StoreError>;

    // ---- polls: read ----

    /// A poll of any status with all its tallies.
    async fn standing(&self, id: PollId) -> Result<Option<Standing>, StoreError>;

    /// The poll a join code leads to; of an event's code the event's current poll.
    async fn by_code(&self, code: &str) -> Result<Option<Standing>, StoreError>;

    /// Polls, newest first.
    async fn list(&self, listing: Listing) -> Result<Vec<Standing>, StoreError>;

    /// Open polls whose closing time has come, in the order of these times and then by age: at
    /// most `limit`, from behind `after` on.
    async fn due(
        &self,
        now: UnixMillis,
        after: Option<(UnixMillis, PollId)>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError>;

    /// Polls past phase 0 (opened, or deleted as a draft) whose present phase some partition has
    /// not committed yet: their control records must be appended (again). By age, from behind
    /// `after` on: at most `limit`, and none only if there is none.
    async fn unsettled(&self, after: Option<PollId>, limit: usize)
    -> Result<Vec<Poll>, StoreError>;

    // ---- ballots: written by the processor ----

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

    // ---- ballots: read ----

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

    /// Whether a poll could be created now; otherwise why not.
    fn ready(&self) -> Result<(), String>;

    /// Finish what is queued, then stop.
    async fn shut(&self);
}
