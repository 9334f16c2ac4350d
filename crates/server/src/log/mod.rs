//! The log is where a vote is made durable before it is acknowledged.
//!
//! ```text
//!  api: a ballot             ──▶ append      ┐               ┌ `votes`       ──▶ read ──▶ processor
//!  control: a poll's change  ──▶ append_last ┤               │
//!                            ──▶ announce    ├──▶ backend ───┼ announcements ──▶ feed ──▶ watch
//!  processor: tallies        ──▶ announce    ┤               │
//!             dead records   ──▶ copy_dead   ┘               └ `votes.dead`  (in a cluster)
//!
//!  a backend, and what stands in front of it:
//!    Watched  ──▶ embedded    SQLite, one process
//!    Waiting  ──▶ kafka       a cluster
//!                 memory      for tests
//! ```
//!
//! [`Log`] is the port. Its documentation is the contract, and `conformance` holds every backend to
//! it. `memory` can be told to fail in every way that the contract allows. [`control`] appends a
//! poll's control records and announces its changes. [`Watched`] (`stall`) reports an embedded log
//! whose disk hangs, and in [`Waiting`] records wait in line while Kafka takes none.

pub mod control;
pub mod embedded;
pub mod kafka;
#[cfg(any(test, feature = "conformance"))]
pub mod memory;
mod stall;
mod waiting;

#[cfg(test)]
mod backends;
#[cfg(test)]
mod conformance;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll as TaskPoll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, Offset, Partition, Position};
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use stall::Watched;
pub use waiting::Waiting;

/// A new record is one to be appended to `votes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// The record's key, from which the caller has computed the partition.
    pub key: Bytes,
    /// The record's value; see [`pollux_core::record`].
    pub value: Bytes,
}

/// A record is one that was read back from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's place in its partition.
    pub offset: Offset,
    /// The record's key.
    pub key: Bytes,
    /// The record's value.
    pub value: Bytes,
}

/// A dead record is a record of `votes` that is no valid ballot and no change of a poll, in the
/// form in which it is copied to `votes.dead`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadRecord {
    /// The record's place in its partition.
    pub offset: Offset,
    /// The record's key.
    pub key: Bytes,
    /// The record's value.
    pub value: Bytes,
    /// The reason why it is dead.
    pub reason: String,
}

/// `AppendError` says why an append is not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The record is certainly not on the log and never will be. The caller answers 503, and
    /// whether to send the ballot again is up to the client.
    #[error("not recorded: {0}")]
    NotRecorded(String),
    /// The record may be on the log already, or may still be appended. The caller answers 504.
    #[error("unknown: {0}")]
    Unknown(String),
}

/// `ReadError` says why a partition cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The offset is past the end, or before the first record that is kept. Either the log is not
    /// the one that the store was counted from, or it was shortened. A reader must not go on at
    /// another offset.
    #[error("offset {from} of partition {partition} is not on the log (it ends at {end})")]
    OutOfRange {
        /// The partition that was read.
        partition: Partition,
        /// The offset that was asked for.
        from: Offset,
        /// The partition's end.
        end: Offset,
    },
    /// The bytes on the log are not those that were written. A reader must not go on behind them.
    #[error(
        "the log is damaged: {0}. Restore an undamaged copy; `pollux recount` lists all damage"
    )]
    Damaged(String),
    /// The log cannot be read at the moment; the caller tries again.
    #[error("the log cannot be read now: {0}")]
    Unavailable(String),
}

/// The outcome of an append says where the record stands, or why it may not be on the log.
pub type AppendOutcome = Result<Position, AppendError>;

/// An append is a future that resolves to its outcome. Dropping it does not undo the append.
pub enum Append {
    /// The outcome was known at once, for example because the queue was full.
    Ready(Option<AppendOutcome>),
    /// The append is under way.
    Waiting(oneshot::Receiver<AppendOutcome>),
    /// The append is under way. The log counts as stalled if it answers none for long; see
    /// [`Watched`].
    Watched(stall::Pending),
    /// The append is under way, or its record stands in line until the log takes it.
    InLine(Box<waiting::Ticket>),
}

impl Append {
    /// Returns an append that was refused at once, for this reason.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Ready(Some(Err(AppendError::NotRecorded(reason.into()))))
    }

    /// Waits for the outcome as [`Self::taken`] does, with `patience` as the deadline, too.
    pub async fn within(mut self, patience: Duration) -> AppendOutcome {
        self.taken(patience, patience).await
    }

    /// Waits for the outcome. A record that still stands in line after `patience` (or after
    /// `deadline`, if that is sooner) is withdrawn and is certainly not recorded. If the log has
    /// taken the record by then, its outcome is awaited up to `deadline`, and is unknown after
    /// that.
    pub async fn taken(&mut self, patience: Duration, deadline: Duration) -> AppendOutcome {
        let patience = patience.min(deadline);
        if let Ok(outcome) = timeout(patience, &mut *self).await {
            return outcome;
        }
        if let Self::InLine(ticket) = self
            && ticket.withdraw()
        {
            let why = format!("the log did not take it within {patience:?}");
            return Err(AppendError::NotRecorded(why));
        }
        let late =
            |_| Err(AppendError::Unknown(format!("the log did not answer within {deadline:?}")));
        timeout(deadline - patience, self).await.unwrap_or_else(late)
    }

    /// Returns whether the record stood in line at any time.
    pub fn has_waited(&self) -> bool {
        matches!(self, Self::InLine(ticket) if ticket.has_stood())
    }
}

/// Polls for the log's answer to an append; a log that has stopped answers nothing, so the outcome
/// is unknown.
fn outcome(
    receiver: &mut oneshot::Receiver<AppendOutcome>,
    cx: &mut Context<'_>,
) -> TaskPoll<AppendOutcome> {
    let stopped = |_| Err(AppendError::Unknown("the log stopped".into()));
    Pin::new(receiver).poll(cx).map(|answer| answer.unwrap_or_else(stopped))
}

impl Future for Append {
    type Output = AppendOutcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> TaskPoll<Self::Output> {
        match &mut *self {
            Self::Ready(outcome) => {
                TaskPoll::Ready(outcome.take().expect("an append is awaited once"))
            }
            Self::Waiting(receiver) => outcome(receiver, cx),
            Self::Watched(pending) => Pin::new(pending).poll(cx),
            Self::InLine(ticket) => Pin::new(ticket).poll(cx),
        }
    }
}

/// The log holds the topic `votes`. It also carries announcements to every node.
///
/// # Promises to whoever appends
/// - An append that resolves to `Ok` is durable: no crash of any one process or machine loses it.
///   (The embedded log has one machine, whose disk must survive.)
/// - `NotRecorded` means that the record is not on the log and never will be. `Unknown` means that
///   it may be there already, or may still be appended.
/// - If a record is appended to a partition after another one was acknowledged there, it stands
///   behind that one.
/// - The queue is bounded. When it is full, an append is refused at once and does not wait for
///   room.
///
/// # Promises to whoever reads
/// - The offsets of a partition ascend. In the embedded log they are 0, 1, 2, … without gaps.
///   Offset 0 is the genesis record of [`Log::generation`].
/// - Only durable records are read. Whatever was read once is there for ever, at that offset, with
///   those bytes.
///
/// # Promises to whoever reads a feed
/// - [`Log::feed`] delivers every announcement that is made after it has resolved, or it ends with
///   [`FeedLost`]; then the node joins again and loads the store anew. The announcements of one
///   announcer come in order: polls and events among themselves, and all others among themselves.
///   An announcement may be delivered twice, and an old one may be left out if a newer one of the
///   same key exists.
///
/// # Promises about dead records
/// - A dead record for which [`Log::copy_dead`] returned `Ok` has a copy on `votes.dead`, perhaps
///   several. The copy says where the record stands and why it is dead. Copies are for people who
///   look with Kafka's own tools; what was decided is what the store has committed. A log that lives in
///   one process with its store keeps no copies, because nobody else can read either of the two.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Returns the generation, which tells this log from any that was made before it.
    fn generation(&self) -> Generation;

    /// Returns the number of partitions, which is fixed for the generation.
    fn partitions(&self) -> u32;

    /// Queues a record and never blocks. The order of calls is the order on the log.
    fn append(&self, partition: Partition, record: NewRecord) -> Append;

    /// Queues a record that must stand behind every record that this process appended to the
    /// partition before it. Those among them that are never recorded do not matter.
    fn append_last(&self, partition: Partition, record: NewRecord) -> Append {
        self.append(partition, record)
    }

    /// Reads up to `most` records from `from` on. It waits up to `wait` for the first, and returns
    /// an empty list if none came. `from` may equal the end; if it is greater, the answer is
    /// [`ReadError::OutOfRange`].
    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError>;

    /// Returns the offset that the next durable record will get.
    async fn end(&self, partition: Partition) -> Result<Offset, ReadError>;

    /// Joins the group of processors.
    async fn join(&self) -> Result<Box<dyn Membership>, ReadError>;

    /// Sends announcements to every node. It returns once it is certain that they will reach all
    /// feeds that stay joined.
    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), AppendError>;

    /// Copies a partition's dead records to `votes.dead`, after they were committed.
    async fn copy_dead(
        &self,
        partition: Partition,
        dead: Vec<DeadRecord>,
    ) -> Result<(), AppendError>;

    /// Returns a feed of the announcements that are made from now on.
    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError>;

    /// Returns `Ok` if an append would be taken now, and otherwise why not; `/readyz` shows it.
    fn ready(&self) -> Result<(), String>;

    /// Returns why no append would be taken now, if the cause is one that passes by itself, such as
    /// a broker's fault.
    fn hindrance(&self) -> Option<String> {
        None
    }

    /// Returns what the log has found damaged among the records it holds, for `/readyz`. Appends
    /// are taken all the same. A log whose records are kept by other processes returns `None`.
    fn damage(&self) -> Option<String> {
        None
    }

    /// Returns how the log could lose records that it has acknowledged. `/readyz` shows it. Appends
    /// are taken all the same.
    fn weakness(&self) -> Option<String> {
        None
    }

    /// Appends what is queued, then stops. Appends after this are refused.
    async fn shut(&self);
}

/// A membership is a place in the group of processors. Dropping it leaves the group.
#[async_trait]
pub trait Membership: Send {
    /// Waits until the partitions that this member holds change, and returns those it holds now.
    /// The first call returns at once with the first assignment. Two members may for a while
    /// believe that they hold the same partition; the store's compare-and-set decides between them.
    async fn changed(&mut self) -> Vec<Partition>;
}

/// A feed delivers announcements as they come.
#[async_trait]
pub trait Feed: Send {
    /// Waits for at least one announcement. Cancelling it loses none.
    async fn next(&mut self) -> Result<Vec<Announcement>, FeedLost>;
}

/// The feed has fallen too far behind, or its connection was lost. The node joins again and then
/// loads the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("announcements were missed")]
pub struct FeedLost;
