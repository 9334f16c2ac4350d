//! The processor turns ballots into tallies: a worker per partition reads the log, folds (pure),
//! commits everything in one transaction, and only then announces.
//!
//! ```text
//!           ┌──────────────── a worker per partition ───────────────┐
//!   log ──▶ │ read ──▶ batch: fold each record ──▶ commit           │ ──▶ store
//!           │                                        │              │
//!           │                    ┌───────────────────┤              │
//!           │                    ▼                   ▼              │
//!           │                announcer             copier           │
//!           └────────────────────│───────────────────│──────────────┘
//!                                ▼                   ▼
//!                        topic `tallies`     topic `votes.dead`
//!
//!   store ──▶ housekeeping (clock) ──▶ store, log       closes what is due, repeats what is missing
//! ```
//!
//! [`worker`] is the loop and [`batch`] the decision in it. `announcer` tells the nodes what was
//! committed, and `copier` copies dead letters. [`housekeeping`] closes polls whose time has come
//! and appends again the control records that some partition has not committed; `clock` keeps a
//! poll's time limit true when somebody sets the wall clock. Nothing that matters is kept here
//! alone: the store has it too, so a worker may die at any line of its code, and another one goes
//! on from the store's offset.

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

/// `Processor` holds the log, the store and the settings that all workers of a process share.
#[derive(Clone)]
pub struct Processor {
    /// The log that ballots come from.
    pub log: Arc<dyn Log>,
    /// The store that decisions go to.
    pub store: Arc<dyn Store>,
    /// The clock and the source of randomness.
    pub ambient: SharedAmbient,
    /// Whether this is the only process whose clock opens and closes polls.
    pub alone: bool,
    /// The batch sizes and pauses.
    pub limits: ProcessorLimits,
    /// The partitions that cannot go on, and why; empty when all is well.
    pub troubles: Arc<Mutex<BTreeMap<Partition, String>>>,
    /// The partitions whose ballots this process counts.
    pub held: Arc<Mutex<BTreeSet<Partition>>>,
    /// How far this process has announced and copied each partition. The store learns it only with
    /// the next commit. If a partition cannot go on there is no next commit, and without this map
    /// the same tallies would be announced again at every attempt.
    done: Arc<Mutex<BTreeMap<Partition, Done>>>,
}

/// `Done` has the offsets below which a partition's commits are announced and its dead letters are copied.
#[derive(Default)]
struct Done {
    announced: Offset,
    copied: Offset,
}

impl Processor {
    /// Makes a processor over these backends.
    pub fn new(
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        ambient: SharedAmbient,
        limits: ProcessorLimits,
    ) -> Self {
        let (troubles, held, done) = (Arc::default(), Arc::default(), Arc::default());
        Self { log, store, ambient, alone: false, limits, troubles, held, done }
    }

    /// Joins the group and runs a worker for each partition that this process holds. At `stop` the
    /// workers first finish the commits under way. Dropping this future stops them where they are.
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

    /// Joins the group, trying until it works. Returns `None` when told to stop.
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

    /// Waits before the next attempt, or until told to stop.
    async fn pause(&self, stop: &CancellationToken) {
        stop.run_until_cancelled(tokio::time::sleep(self.limits.retry)).await;
    }
}
