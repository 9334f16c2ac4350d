//! Copying a partition's dead letters to `votes.dead`, where people find them with Kafka's own tools.
//!
//! The copies are a courtesy: the store has the rows. What hinders them holds up neither votes nor
//! announcements; they stay owed, by this process or by whoever works on the partition next.

use std::convert::Infallible;
use std::time::Duration;

use parking_lot::Mutex;
use pollux_core::id::{Offset, Partition};
use tokio::sync::Notify;

use super::Processor;
use crate::log::DeadRecord;
use crate::store::DeadLetter;

/// Dead letters copied at once; each may be long.
const AT_ONCE: usize = 64;
/// Pause before those that could not be copied are tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// One partition's dead letters.
pub(super) struct Copier<'a> {
    processor: &'a Processor,
    partition: Partition,
    owed: Mutex<Owed>,
    more: Notify,
    /// Nothing is owed any more.
    done: Notify,
}

/// Which dead letters have no copy yet.
#[derive(Clone, Copy, Default)]
struct Owed {
    /// There may be some.
    any: bool,
    /// None below this.
    from: Offset,
    /// The partition is committed up to here.
    next: Offset,
    /// Up to here, when there was a dead letter last.
    last: Offset,
}

impl<'a> Copier<'a> {
    pub(super) fn new(processor: &'a Processor, partition: Partition) -> Self {
        let (more, done) = (Notify::new(), Notify::new());
        Self { processor, partition, owed: Mutex::default(), more, done }
    }

    /// Take up a partition that is committed up to `next` and copied up to `stored`, as the store has it.
    pub(super) fn begin(&self, stored: Offset, next: Offset) {
        let here = self.processor.done.lock().get(&self.partition).map_or(0, |done| done.copied);
        let from = if here <= next { here.max(stored) } else { stored };
        // What this process copied of a store that was put back is not copied for this one.
        self.processor.done.lock().entry(self.partition).or_default().copied = from;
        *self.owed.lock() = Owed { any: from < next, from, next, last: next };
        self.more.notify_one();
    }

    /// A commit that ends at `next` had dead letters, or had none.
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

    /// Everything below has its copy.
    pub(super) fn copied(&self) -> Offset {
        let owed = self.owed.lock();
        if owed.any { owed.from } else { owed.next }
    }

    /// Waits until all is copied.
    pub(super) async fn all_copied(&self) {
        loop {
            let done = self.done.notified();
            if !self.owed.lock().any {
                return;
            }
            done.await;
        }
    }

    /// Copy what is owed, for ever.
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
            let buried = processor.log.bury(partition, copies).await;
            buried.map_err(|error| error.to_string())?;
            // These are not copied again.
            self.owed.lock().from = from;
        }
        processor.done.lock().entry(partition).or_default().copied = from;
        let mut owed = self.owed.lock();
        // What was committed meanwhile is looked at in the next round.
        owed.any = owed.last > from;
        self.done.notify_waiters();
        Ok(())
    }
}

fn copy(letter: DeadLetter) -> DeadRecord {
    let DeadLetter { offset, key, value, reason } = letter;
    DeadRecord { offset, key, value, reason }
}
