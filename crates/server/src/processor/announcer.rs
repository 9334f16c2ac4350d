//! The announcer tells every node what a partition's worker has committed: first the newest
//! tallies, which are absolute, then how far the partition is decided.
//!
//! The worker does not wait for the announcer. Only the newest tally of each poll is pending, so
//! while the log takes no announcements, further commits add few. That a partition is decided up to
//! an offset is announced only after every tally below this offset, and only then does the store
//! record the offset as announced.

use std::collections::BTreeMap;
use std::convert::Infallible;

use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::standing::TallyAt;
use tokio::sync::Notify;

use super::Processor;

/// An announcer sends one partition's announcements.
pub(super) struct Announcer<'a> {
    processor: &'a Processor,
    partition: Partition,
    pending: Mutex<Pending>,
    /// Notified when there is more to announce.
    more: Notify,
    /// Notified when less is left to announce.
    less: Notify,
}

/// `Pending` holds what is committed and not announced yet, and says how far the partition is announced.
struct Pending {
    /// The newest tally of each poll.
    tallies: BTreeMap<PollId, TallyAt>,
    /// The offset below which everything is committed.
    next: Offset,
    /// The offset below which everything is announced.
    announced: Offset,
    /// Whether nothing is pending: no tally, and no offset beyond the last that was announced.
    idle: bool,
}

impl<'a> Announcer<'a> {
    pub(super) fn new(processor: &'a Processor, partition: Partition) -> Self {
        let (more, less) = (Notify::new(), Notify::new());
        let pending = Pending { tallies: BTreeMap::new(), next: 0, announced: 0, idle: true };
        Self { processor, partition, pending: Mutex::new(pending), more, less }
    }

    /// Takes up a partition that is committed up to `next` and, according to the store, announced
    /// up to `stored`. If this returns an offset, the caller must [`Self::enqueue`] everything that
    /// was committed from there on.
    pub(super) fn begin(&self, stored: Offset, next: Offset) -> Option<Offset> {
        // If this process has announced more than the store has committed, the store was replaced
        // by another copy, and only what that copy says can be relied on.
        let here = self.processor.done.lock().get(&self.partition).map(|done| done.announced);
        let here = here.filter(|announced| *announced <= next);
        let announced = stored.max(here.unwrap_or(0));
        let mut pending = self.pending.lock();
        (pending.announced, pending.next) = (announced, announced);
        // If this process has announced exactly up to `next`, there is nothing to repeat. Otherwise
        // another worker may have committed since, and may have died before it announced that.
        (here != Some(next)).then_some(announced)
    }

    /// Queues the tallies of a commit that ends at `next`.
    pub(super) fn enqueue(&self, tallies: Vec<TallyAt>, next: Offset) {
        let mut pending = self.pending.lock();
        pending.tallies.extend(tallies.into_iter().map(|at| (at.poll, at)));
        pending.next = next;
        pending.idle = false;
        self.more.notify_one();
    }

    /// Returns the offset below which everything is announced.
    pub(super) fn announced(&self) -> Offset {
        self.pending.lock().announced
    }

    /// Waits until everything is announced.
    pub(super) async fn all_announced(&self) {
        loop {
            let less = self.less.notified();
            if self.pending.lock().idle {
                return;
            }
            less.await;
        }
    }

    /// Announces what is pending, and never returns. After a failure it tries again, together with
    /// what became pending in the meantime.
    pub(super) async fn run(&self) -> Infallible {
        let mut failing = false;
        loop {
            let taken = {
                let mut pending = self.pending.lock();
                let tallies = std::mem::take(&mut pending.tallies);
                (!pending.idle).then_some((tallies, pending.next))
            };
            let Some((tallies, next)) = taken else {
                self.more.notified().await;
                continue;
            };
            let mut under_way = UnderWay { announcer: self, tallies };
            match under_way.announce(next).await {
                Ok(()) => failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        let partition = self.partition;
                        tracing::warn!(
                            partition,
                            %error,
                            "the commit could not be announced; trying again"
                        );
                    }
                    drop(under_way);
                    tokio::time::sleep(self.processor.limits.retry).await;
                }
            }
        }
    }
}

/// `UnderWay` holds the tallies that are being announced. When it is dropped, those that are not known to be
/// announced become pending again.
struct UnderWay<'a> {
    announcer: &'a Announcer<'a>,
    tallies: BTreeMap<PollId, TallyAt>,
}

impl UnderWay<'_> {
    async fn announce(&mut self, next_offset: Offset) -> Result<(), crate::log::AppendError> {
        let Announcer { processor, partition, .. } = *self.announcer;
        let log = &processor.log;
        if !self.tallies.is_empty() {
            let tallies = self.tallies.values().cloned().map(Announcement::Tally).collect();
            log.announce(tallies).await?;
            self.tallies.clear();
        }
        let generation = log.generation();
        log.announce(vec![Announcement::Progress { partition, generation, next_offset }]).await?;
        let mut pending = self.announcer.pending.lock();
        pending.announced = next_offset;
        pending.idle = pending.next == next_offset;
        processor.done.lock().entry(partition).or_default().announced = next_offset;
        self.announcer.less.notify_waiters();
        Ok(())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut pending = self.announcer.pending.lock();
        for (poll, at) in std::mem::take(&mut self.tallies) {
            // A tally that became pending in the meantime is newer.
            pending.tallies.entry(poll).or_insert(at);
        }
    }
}
