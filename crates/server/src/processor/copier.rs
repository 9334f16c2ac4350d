//! The copier copies a partition's dead letters to `votes.dead`, where people find them with
//! Kafka's own tools.
//!
//! The copies are a convenience, because the store has the rows. A failure to copy delays neither
//! votes nor announcements. The copies stay owed, by this process or by the next worker of the
//! partition.

use std::convert::Infallible;
use std::time::Duration;

use parking_lot::Mutex;
use pollux_core::id::{Offset, Partition};
use tokio::sync::Notify;

use super::Processor;
use crate::log::DeadRecord;
use crate::store::DeadLetter;

/// The number of dead letters copied at once; each may be long.
const AT_ONCE: usize = 64;
/// The pause before a failed attempt is repeated.
const AGAIN: Duration = Duration::from_secs(30);

/// A copier copies one partition's dead letters to their topic.
pub(super) struct Copier<'a> {
    processor: &'a Processor,
    partition: Partition,
    owed: Mutex<Owed>,
    more: Notify,
    /// Notified when nothing may be owed any more.
    done: Notify,
}

/// `Owed` says where there may be dead letters that have no copy yet.
#[derive(Clone, Copy, Default)]
struct Owed {
    /// Whether there may be some.
    any: bool,
    /// The offset below which every dead letter has its copy.
    from: Offset,
    /// The offset up to which the partition is committed.
    next: Offset,
    /// The end of the last commit with dead letters.
    last: Offset,
}

impl<'a> Copier<'a> {
    pub(super) fn new(processor: &'a Processor, partition: Partition) -> Self {
        let (more, done) = (Notify::new(), Notify::new());
        Self { processor, partition, owed: Mutex::default(), more, done }
    }

    /// Takes up a partition that is committed up to `next` and, according to the store, copied up
    /// to `stored`.
    pub(super) fn begin(&self, stored: Offset, next: Offset) {
        let here = self.processor.done.lock().get(&self.partition).map_or(0, |done| done.copied);
        let from = if here <= next { here.max(stored) } else { stored };
        // Copies of a store that was replaced by an older one do not count for this one.
        self.processor.done.lock().entry(self.partition).or_default().copied = from;
        *self.owed.lock() = Owed { any: from < next, from, next, last: next };
        self.more.notify_one();
    }

    /// Takes note of a commit that ends at `next`, with dead letters or without.
    pub(super) fn committed(&self, next: Offset, dead: bool) {
        let mut owed = self.owed.lock();
        let before = std::mem::replace(&mut owed.next, next);
        if dead {
            owed.last = next;
        }
        if dead && !std::mem::replace(&mut owed.any, true) {
            owed.from = before;
            self.more.notify_one();
        }
    }

    /// Returns the offset below which every dead letter has its copy.
    pub(super) fn copied(&self) -> Offset {
        let owed = self.owed.lock();
        if owed.any { owed.from } else { owed.next }
    }

    /// Waits until everything is copied.
    pub(super) async fn all_copied(&self) {
        loop {
            let done = self.done.notified();
            if !self.owed.lock().any {
                return;
            }
            done.await;
        }
    }

    /// Copies what is owed, for ever.
    pub(super) async fn run(&self) -> Infallible {
        loop {
            if !self.owed.lock().any {
                self.more.notified().await;
                continue;
            }
            if let Err(error) = self.copy().await {
                let partition = self.partition;
                tracing::warn!(
                    partition,
                    error,
                    "dead letters are copied later; the store has them"
                );
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    async fn copy(&self) -> Result<(), String> {
        let Self { processor, partition, .. } = *self;
        let Owed { mut from, next, .. } = *self.owed.lock();
        while from < next {
            let dead = processor.store.dead(partition, from, AT_ONCE).await;
            let dead = dead.map_err(|error| error.to_string())?;
            from = dead.last().map_or(next, |last| last.offset + 1);
            let copies = dead.into_iter().map(copy).collect();
            let copied = processor.log.copy_dead(partition, copies).await;
            copied.map_err(|error| error.to_string())?;
            // If a later step fails, these are not copied again.
            self.owed.lock().from = from;
        }
        processor.done.lock().entry(partition).or_default().copied = from;
        let mut owed = self.owed.lock();
        // A dead letter that was committed meanwhile is copied in the next round.
        owed.any = owed.last > from;
        self.done.notify_waiters();
        Ok(())
    }
}

fn copy(letter: DeadLetter) -> DeadRecord {
    let DeadLetter { offset, key, value, reason } = letter;
    DeadRecord { offset, key, value, reason }
}
