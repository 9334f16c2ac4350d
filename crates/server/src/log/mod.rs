//! The durable log: where a vote is safe.
//!
//! [`Log`] is the port; its documentation is the contract, and `log/conformance.rs` holds every
//! backend to it. Backends: `embedded` (SQLite, one process), `kafka` (a cluster) and `memory` (for
//! tests; it can be told to fail in every way the contract allows).

pub mod control;
pub mod embedded;
pub mod kafka;
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
use pollux_core::id::{Generation, Offset, Partition, Position};
use pollux_core::standing::Announcement;
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use stall::Watched;
pub use waiting::Waiting;

/// A record to be appended to `votes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// The record key; the caller has computed the partition from it.
    pub key: Bytes,
    /// The value, see [`pollux_core::record`].
    pub value: Bytes,
}

/// A record read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub offset: Offset,
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// A record of `votes` that is nobody's ballot, as it is copied to `votes.dead`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadRecord {
    /// Where it stands in its partition.
    pub offset: Offset,
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// Why it is dead.
    pub reason: String,
}

/// Why an append is not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Certainly not on the log, now or ever: the caller may say 503 and the client may send
    /// the ballot again or not.
    #[error("not recorded: {0}")]
    NotRecorded(String),
    /// It may or may not be on the log, or come to be there later: 504.
    #[error("unknown: {0}")]
    Unknown(String),
}

/// Why a partition cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The offset is past the end or before the first record kept: the log is not the one the
    /// store was built from, or it was shortened. Never skipped over.
    #[error("offset {from} of partition {partition} is not on the log (it ends at {end})")]
    OutOfRange {
        /// Which partition.
        partition: Partition,
        /// The offset asked for.
        from: Offset,
        /// The partition's end.
        end: Offset,
    },
    /// What stands there is not what was written. Never skipped over.
    #[error(
        "the log is damaged: {0}. Put back a whole copy of it; `pollux recount` says what else is \
         damaged, and what is whole"
    )]
    Damaged(String),
    /// Try again.
    #[error("the log cannot be read now: {0}")]
    Unavailable(String),
}

/// The outcome of an append, to be awaited. Dropping it does not undo the append.
pub enum Append {
    /// Decided at once (a full queue).
    Ready(Option<Result<Position, AppendError>>),
    /// Underway.
    Waiting(oneshot::Receiver<Result<Position, AppendError>>),
    /// Underway, and missed if it is never answered.
    Watched(stall::Pending),
    /// Underway, or in line until the log takes it.
    InLine(Box<waiting::Ticket>),
}

impl Append {
    /// Refused at once.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Ready(Some(Err(AppendError::NotRecorded(reason.into()))))
    }

    /// The outcome, if it is known within this time; see [`Self::taken`].
    pub async fn within(mut self, patience: Duration) -> Result<Position, AppendError> {
        self.taken(patience, patience).await
    }

    /// The outcome. What still stands in line after its patience, or the deadline, is taken out of it and
    /// certainly not recorded; what the log has by then is unknown if it is not answered by the deadline.
    pub async fn taken(
        &mut self,
        patience: Duration,
        deadline: Duration,
    ) -> Result<Position, AppendError> {
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

    /// Whether it ever stood in line.
    pub fn has_waited(&self) -> bool {
        matches!(self, Self::InLine(ticket) if ticket.has_stood())
    }
}

/// What the log says of an append, or that it has stopped.
fn outcome(
    receiver: &mut oneshot::Receiver<Result<Position, AppendError>>,
    cx: &mut Context<'_>,
) -> TaskPoll<Result<Position, AppendError>> {
    let stopped = |_| Err(AppendError::Unknown("the log stopped".into()));
    Pin::new(receiver).poll(cx).map(|answer| answer.unwrap_or_else(stopped))
}

impl Future for Append {
    type Output = Result<Position, AppendError>;

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

/// The topic `votes`, and the channel over which committed results reach every node.
///
/// # Promises to whoever appends
/// - An append that resolves to `Ok` is durable: no crash of any one process or machine loses
///   it (for the embedded log: of this machine short of its disk).
/// - `NotRecorded` means the record is not on the log and will never be. `Unknown` means
///   anything may be true, now or later.
/// - Records appended one after the other to one partition, the second after the first was
///   acknowledged, stand in that order.
/// - What is queued is bounded; past the bound an append is refused at once, never delayed.
///
/// # Promises to whoever reads
/// - Offsets of a partition are 0, 1, 2, … without gaps in the embedded log, and ascending in
///   every log. Offset 0 is the genesis record of [`Log::generation`].
/// - A record once read is there for ever, at that offset, with those bytes. Only durable
///   records are read.
///
/// # Promises to whoever watches
/// - [`Log::feed`] delivers every announcement made after it resolved, or ends with
///   [`FeedLost`]; then the reader joins again and loads the store anew. They come in order per
///   announcer: polls among themselves, and all others among themselves. An announcement may be
///   delivered twice, and one that is far behind may be left out for a newer of its key.
/// - A dead record that [`Log::bury`] returned `Ok` for has a copy on `votes.dead`, which says
///   where it stands and why it is dead. It may have several. The copies are for whoever looks
///   with Kafka's own tools; the truth is what the store has committed. A log that lives in
///   one process with its store keeps none: nobody else can read either of them.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Which incarnation of the log this is.
    fn generation(&self) -> Generation;

    /// How many partitions there are; fixed for the generation.
    fn partitions(&self) -> u32;

    /// Queue a record. Never blocks; the order of calls is the order on the log.
    fn append(&self, partition: Partition, record: NewRecord) -> Append;

    /// The same of a record that stands on the log behind everything that was appended before it by this
    /// process and is recorded.
    fn append_last(&self, partition: Partition, record: NewRecord) -> Append {
        self.append(partition, record)
    }

    /// Up to `most` records from `from` on. Waits up to `wait` for the first; empty when none
    /// came. `from` equal to the end is fine, beyond it is [`ReadError::OutOfRange`].
    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError>;

    /// The offset the next durable record will get.
    async fn end(&self, partition: Partition) -> Result<Offset, ReadError>;

    /// Join the group of processors.
    async fn join(&self) -> Result<Box<dyn Membership>, ReadError>;

    /// Tell every node. Returns once the announcements will reach all feeds that stay joined.
    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), AppendError>;

    /// Copy a partition's dead records, once they are committed.
    async fn bury(&self, partition: Partition, dead: Vec<DeadRecord>) -> Result<(), AppendError>;

    /// Listen from now on.
    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError>;

    /// Whether an append would be taken now; otherwise why not, for `/readyz`.
    fn ready(&self) -> Result<(), String>;

    /// Why no append would be taken now, where that passes by itself, such as the fault of a broker.
    fn hindrance(&self) -> Option<String> {
        None
    }

    /// What of the records it holds is found not to be what was written, for `/readyz`: appends are
    /// taken all the same. `None` from a log that others keep.
    fn damage(&self) -> Option<String> {
        None
    }

    /// Append what is queued, then stop. Appends after this are refused.
    async fn shut(&self);
}

/// A place in the group of processors. Dropping it leaves the group.
#[async_trait]
pub trait Membership: Send {
    /// Waits until the partitions this member holds change, and says which they are now. The
    /// first call returns at once with the first assignment. Two members may for a while
    /// believe they hold the same partition: the store's compare-and-set decides.
    async fn changed(&mut self) -> Vec<Partition>;
}

/// Announcements as they come.
#[async_trait]
pub trait Feed: Send {
    /// Waits for at least one. Safe to cancel.
    async fn next(&mut self) -> Result<Vec<Announcement>, FeedLost>;
}

/// The listener fell too far behind, or the connection was lost: join again, then load the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("announcements were missed")]
pub struct FeedLost;
