//! [`Polls`] is the part of the store that keeps polls and events, and which of them each join code leads
//! to. The API writes it, and so does the processor's housekeeping, which closes polls.

use async_trait::async_trait;
use bytes::Bytes;
use pollux_core::event::Event;
use pollux_core::id::{EventId, PollId, UnixMillis};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;

use super::StoreError;

/// The time for which an idempotency key is remembered, in milliseconds: a day.
pub const IDEMPOTENCY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// The time for which a join code is not given out again once its poll has closed, in milliseconds: a
/// month of 30 days.
pub const CODE_REST_MILLIS: u64 = 30 * IDEMPOTENCY_MILLIS;

/// `ChangeError` says why a poll or an event was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else changed it in between. The caller reads it again and decides anew.
    #[error("the poll has changed in the meantime")]
    Conflict,
    /// The poll would be open under a join code that leads to another poll or event by now.
    #[error(
        "the poll was closed for so long that its join code belongs to another poll now; it \
         cannot be opened again: create a new one"
    )]
    CodeTaken,
    /// The store did not make the change, or may not have; see [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An idempotency key is the client's name for one creation (the header `Idempotency-Key`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key, as the client sent it.
    pub key: String,
    /// The SHA-256 hash of the request, since another request under the same key is an error.
    pub request: [u8; 32],
}

/// `Created` says what became of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created<T = Poll> {
    /// The poll or event was created, and has its join code now.
    New(T),
    /// It was created before, under the same id or by the same request under the same key. This is
    /// what was created then, as it is now.
    Before(T),
    /// The key was used before for another request.
    KeyReused,
    /// Every code that was offered is taken. The caller offers others, which are longer.
    CodesTaken,
}

/// A listing says which polls to list, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The status of the polls to list. Without it, open and closed polls are listed, but no drafts and
    /// no deleted ones (see `all`).
    pub status: Option<PollStatus>,
    /// The poll than which all listed polls are older.
    pub before: Option<PollId>,
    /// The greatest number of polls to list.
    pub limit: usize,
    /// Whether unlisted polls are included, for tools that read the whole store. Then drafts and deleted
    /// polls are included too, unless `status` says otherwise.
    pub all: bool,
}

/// `EventAndPolls` is an event with its polls.
pub type EventAndPolls = (Event, Vec<Standing>);

/// Polls and events are written by revision: every change names the revision that it replaces, and each
/// revision is replaced only once.
///
/// Every poll that is returned has its text key, and every standing has the names of its tallies. A key that
/// [`TextKey::from_bytes`](pollux_core::seal::TextKey::from_bytes) cannot read is [`StoreError::Damaged`].
///
/// # Destroyed keys
/// A key that a change destroys, because its poll is deleted or a word was erased, is gone from the store's files soon
/// after the change, and at the latest soon after the last reader has ended that began before. A crash in between puts
/// that off until the next start. Nothing can be done here about copies that others have made: backups, snapshots of the
/// disk, blocks that the file system has freed and not yet used anew, and, of PostgreSQL, its write-ahead log and its
/// archive, replicas, and a server log that shows parameters.
#[async_trait]
pub trait Polls: Send + Sync + 'static {
    // ---- polls: written by the API ----

    /// Keeps a new poll under the first of `codes` that is free. A code is free if no poll and no
    /// event has it. It is also free if its poll was closed or deleted, or its event was deleted,
    /// more than a month before `poll.created_at`. A poll of an event keeps the event's code, and
    /// takes none of `codes`. Idempotency keys are remembered for a day. If the store has a poll of
    /// this id already, the answer is [`Created::Before`], with a key or without, so the caller may
    /// try again after `Unknown`.
    async fn create(
        &self,
        poll: Poll,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, StoreError>;

    /// Replaces a poll, if its revision is still `expected`. Its text key is replaced with it: by the poll's own one, or by
    /// none if the poll is deleted or holds no texts. A poll that should have a key but comes without it keeps the key
    /// that it has, without what could open the words that it says were erased. A code that has passed to another poll
    /// or event (see [`Polls::create`]) leads there for good. The poll that had it before is kept,
    /// but [`ChangeError::CodeTaken`] keeps it from being open again, because nobody could join it
    /// by the code that it shows.
    async fn change(&self, poll: &Poll, expected: u64) -> Result<(), ChangeError>;

    /// Replaces open polls by closed ones, each if its revision is still the one given with it. All
    /// are replaced in one step, so that many may close at one moment. Returns for each poll whether
    /// it was replaced.
    async fn close(&self, polls: &[(Poll, u64)]) -> Result<Vec<bool>, StoreError>;

    // ---- events: written by the API ----

    /// Keeps a new event under the first of `codes` that is free, as [`Polls::create`] does.
    async fn create_event(
        &self,
        event: Event,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created<Event>, StoreError>;

    /// Replaces an event, if its revision is still `expected`. `logo` holds the bytes of `event.logo`
    /// if they are new. If the event has no logo any more, the bytes of the old one are dropped.
    async fn change_event(
        &self,
        event: &Event,
        expected: u64,
        logo: Option<&[u8]>,
    ) -> Result<(), ChangeError>;

    // ---- events: read ----

    /// Returns an event, deleted or not, with all polls that say they belong to it, by age.
    async fn event(&self, id: EventId) -> Result<Option<EventAndPolls>, StoreError>;

    /// Returns the event that a join code leads to. This is the event's own code, or one that a poll
    /// had before it came to belong to the event.
    async fn event_by_code(&self, code: &str) -> Result<Option<EventAndPolls>, StoreError>;

    /// Returns the bytes of an event's logo.
    async fn logo(&self, id: EventId) -> Result<Option<Bytes>, StoreError>;

    // ---- polls: read ----

    /// Returns a poll of any status, with all its tallies.
    async fn standing(&self, id: PollId) -> Result<Option<Standing>, StoreError>;

    /// Returns the poll that a join code leads to. An event's code leads to the event's current poll.
    async fn by_code(&self, code: &str) -> Result<Option<Standing>, StoreError>;

    /// Returns the polls that `listing` describes, newest first.
    async fn list(&self, listing: Listing) -> Result<Vec<Standing>, StoreError>;

    /// Returns at most `limit` open polls whose closing time has come, in the order of these times and
    /// then by age. It begins behind `after`.
    async fn due(
        &self,
        now: UnixMillis,
        after: Option<(UnixMillis, PollId)>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError>;

    /// Returns at most `limit` polls past phase 0 (opened, or deleted as a draft) whose present phase
    /// some partition has not committed yet. Their control records must be appended (again). The polls
    /// are sorted by age, beginning behind `after`. The list is empty only if no such poll is left.
    async fn unsettled(&self, after: Option<PollId>, limit: usize)
    -> Result<Vec<Poll>, StoreError>;
}
