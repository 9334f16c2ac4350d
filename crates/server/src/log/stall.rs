//! `Watched` notices a log whose disk hangs. A commit that never returns is no error: nothing is
//! refused until the queue is full, and every vote waits for its deadline and gets no answer. The
//! log therefore reports itself as not ready once it owes answers and has given none for a while.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, Offset, Partition};
use tokio::sync::oneshot::{Receiver, error::TryRecvError};
use tokio::time::Instant;

use super::{
    Append, AppendError, AppendOutcome, DeadRecord, Feed, Log, Membership, NewRecord, ReadError,
    Record,
};

/// `Watched` is a log that counts the appends that it has not answered yet.
pub struct Watched {
    log: Arc<dyn Log>,
    unanswered: Arc<Mutex<Unanswered>>,
    patience: Duration,
}

impl Watched {
    /// Watches this log, which is not ready once it has left appends unanswered for as long as
    /// `patience`.
    pub fn new(log: Arc<dyn Log>, patience: Duration) -> Arc<Self> {
        Arc::new(Self { log, unanswered: Arc::default(), patience })
    }

    fn watch(&self, append: Append) -> Append {
        let Append::Waiting(receiver) = append else { return append };
        self.unanswered.lock().begin();
        Append::Watched(Pending { receiver: Some(receiver), unanswered: self.unanswered.clone() })
    }
}

/// `Unanswered` counts the appends that are not answered yet.
#[derive(Default)]
struct Unanswered {
    waiting: usize,
    /// An append whose caller has left before the answer; the log still owes it.
    left: Option<Receiver<AppendOutcome>>,
    /// The time at which the log last gave an answer, or began to owe one.
    progress: Option<Instant>,
}

impl Unanswered {
    fn begin(&mut self) {
        if !self.is_owed() {
            self.progress = Some(Instant::now());
        }
        self.waiting += 1;
    }

    fn answered(&mut self) {
        self.waiting -= 1;
        self.progress = Some(Instant::now());
    }

    /// Keeps the receiver of a caller who has left. Answers come in the order of the appends, so
    /// the newest that was left stands for the others.
    fn left(&mut self, receiver: Receiver<AppendOutcome>) {
        self.waiting -= 1;
        self.left = Some(receiver);
    }

    fn is_owed(&mut self) -> bool {
        let unanswered = |left: &mut Receiver<_>| left.try_recv() == Err(TryRecvError::Empty);
        if !self.left.as_mut().is_some_and(unanswered) {
            self.left = None;
        }
        self.waiting > 0 || self.left.is_some()
    }

    /// Returns how long the log has owed answers without giving one.
    fn age(&mut self) -> Duration {
        if self.is_owed() {
            self.progress.map_or(Duration::ZERO, |at| at.elapsed())
        } else {
            Duration::ZERO
        }
    }
}

/// `Pending` is an append that is not answered yet.
pub struct Pending {
    receiver: Option<Receiver<AppendOutcome>>,
    unanswered: Arc<Mutex<Unanswered>>,
}

impl Future for Pending {
    type Output = AppendOutcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<AppendOutcome> {
        let receiver = self.receiver.as_mut().expect("an append is awaited once");
        super::outcome(receiver, cx).map(|outcome| {
            self.receiver = None;
            self.unanswered.lock().answered();
            outcome
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(receiver) = self.receiver.take() {
            self.unanswered.lock().left(receiver);
        }
    }
}

#[async_trait]
impl Log for Watched {
    fn append(&self, partition: Partition, record: NewRecord) -> Append {
        self.watch(self.log.append(partition, record))
    }

    fn append_last(&self, partition: Partition, record: NewRecord) -> Append {
        self.watch(self.log.append_last(partition, record))
    }

    fn hindrance(&self) -> Option<String> {
        self.log.hindrance()
    }

    fn ready(&self) -> Result<(), String> {
        self.log.ready()?;
        let age = self.unanswered.lock().age();
        if age < self.patience {
            return Ok(());
        }
        Err(format!("records have waited for {} s, and none is acknowledged", age.as_secs()))
    }

    fn damage(&self) -> Option<String> {
        self.log.damage()
    }

    fn weakness(&self) -> Option<String> {
        self.log.weakness()
    }

    fn generation(&self) -> Generation {
        self.log.generation()
    }

    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError> {
        self.log.read(partition, from, most, wait).await
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        self.log.end(partition).await
    }

    async fn join(&self) -> Result<Box<dyn Membership>, ReadError> {
        self.log.join().await
    }

    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), AppendError> {
        self.log.announce(announcements).await
    }

    async fn copy_dead(
        &self,
        partition: Partition,
        dead: Vec<DeadRecord>,
    ) -> Result<(), AppendError> {
        self.log.copy_dead(partition, dead).await
    }

    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError> {
        self.log.feed().await
    }

    async fn shut(&self) {
        self.log.shut().await;
    }
}
