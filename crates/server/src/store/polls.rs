//! [`Polls`] is the part of the store that the API writes: polls and events, and who holds a join code.

use async_trait::async_trait;
use bytes::Bytes;
use pollux_core::event::Event;
use pollux_core::id::{EventId, PollId, UnixMillis};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;

use super::StoreError;

/// How long an idempotency key is remembered, in milliseconds: a day.
pub const IDEMPOTENCY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// How long a join code rests once its poll has closed, in milliseconds: a month of 30 days.
pub const CODE_REST_MILLIS: u64 = 30 * IDEMPOTENCY_MILLIS;

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
    /// The store could not do it, see [`StoreError`].
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

/// An event with its polls.
pub type EventAndPolls = (Event, Vec<Standing>);

/// Polls and events. Each revision is written once: whoever changes one says which revision it replaces.
#[async_trait]
pub trait Polls: Send + Sync + 'static {
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
    /// another (see [`Polls::create`]) it leads there for good: the poll that had it stays what
    /// it is, but [`ChangeError::CodeTaken`] keeps it from being open again, for nobody could
    /// join it by the code it shows.
    async fn change(&self, poll: &Poll, expected: u64) -> Result<(), ChangeError>;

    /// Replace polls that are closed now, each if its revision is still the one beside it, all of
    /// them in one step, so that many may close at one moment. Says of each whether it was.
    async fn close(&self, polls: &[(Poll, u64)]) -> Result<Vec<bool>, StoreError>;

    // ---- events: written by the API ----

    /// Keep a new event under the first of `codes` that is free, as [`Polls::create`] does.
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
}
