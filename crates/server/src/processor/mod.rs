//! Ballots become tallies: a worker per partition reads the log, folds (pure), commits
//! everything in one transaction, and only then announces.
//!
//! [`batch`] is the decision, [`worker`] the loop around it, [`announcer`] tells the nodes, [`copier`] copies dead letters, [`housekeeping`] closes polls whose
//! time has come ([`clock`]: also when somebody sets the clock) and repeats control records that were
//! not seen. Nothing is kept here that
//! the store does not know: a worker may die at any line and another goes on from the store's
//! offset.

mod announcer;
pub mod batch;
mod clock;
mod copier;
pub mod housekeeping;
pub mod worker;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use pollux_core::id::{Offset, Partition};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ambient::SharedAmbient;
use crate::config::ProcessorLimits;
use crate::log::Log;
use crate::store::Store;

/// What every worker holds.
#[derive(Clone)]
pub struct Processor {
    /// Where ballots come from.
    pub log: Arc<dyn Log>,
    /// Where decisions go.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub ambient: SharedAmbient,
    /// Whether no other process has a clock that polls are opened and closed by.
    pub alone: bool,
    /// Batch sizes and pauses.
    pub limits: ProcessorLimits,
    /// Partitions that cannot go on, and why; empty when all is well.
    pub troubles: Arc<Mutex<BTreeMap<Partition, String>>>,
    /// Partitions that are this process's to count.
    pub held: Arc<Mutex<BTreeSet<Partition>>>,
    /// By partition, what this process has done beyond counting. The store hears of it with the next
    /// commit only: a partition that cannot go on would be announced anew with every try.
    done: Arc<Mutex<BTreeMap<Partition, Done>>>,
}

/// Up to which offsets what was committed is announced, and its dead letters are copied.
#[derive(Default)]
struct Done {
    told: Offset,
    copied: Offset,
}

impl Processor {
    /// A processor over these backends.
    pub fn new(
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        ambient: SharedAmbient,
        limits: ProcessorLimits,
    ) -> Self {
        let (troubles, held, done) = (Arc::default(), Arc::default(), Arc::default());
        Self { log, store, ambient, alone: false, limits, troubles, held, done }
    }

    /// Join the group and run a worker for each partition held, until `stop`; then finish the
    /// commits under way. Dropping this stops the workers where they are.
    pub async fn run(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        tasks.spawn(housekeeping::run(self.clone(), stop.clone()));
        let mut workers: BTreeMap<Partition, CancellationToken> = BTreeMap::new();
        if let Some(mut membership) = self.join(&stop).await {
            loop {
                let held = tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    held = membership.changed() => held,
                };
                *self.held.lock() = held.iter().copied().collect();
                workers.retain(|partition, worker| {
                    let keep = held.contains(partition);
                    if !keep {
                        worker.cancel();
                    }
                    keep
                });
                while tasks.try_join_next().is_some() {}
                for partition in held {
                    workers.entry(partition).or_insert_with(|| {
                        let stop = stop.child_token();
                        tasks.spawn(worker::run(self.clone(), partition, stop.clone()));
                        stop
                    });
                }
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Join the group, trying until it works; `None` when told to stop.
    async fn join(&self, stop: &CancellationToken) -> Option<Box<dyn crate::log::Membership>> {
        loop {
            if stop.is_cancelled() {
                return None;
            }
            match self.log.join().await {
                Ok(membership) => return Some(membership),
                Err(error) => tracing::warn!(%error, "cannot join the group of processors yet"),
            }
            self.pause(stop).await;
        }
    }

    /// Wait before trying again, or until told to stop.
    async fn pause(&self, stop: &CancellationToken) {
        stop.run_until_cancelled(tokio::time::sleep(self.limits.retry)).await;
    }
}
