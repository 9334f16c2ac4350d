//! Housekeeping: it closes polls whose closing time has come, and appends control records again
//! that some partition has not seen. Every node does this; doing it twice changes nothing.
//!
//! Thousands of polls may close at one moment, and perhaps only one of them has an audience. So
//! they are closed many at a time, those that have waited longest first, and no step is longer than
//! its bound.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use futures_util::future::join_all;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::poll::Poll;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Processor;
use super::clock::Clock;
use crate::log::control;
use crate::store::StoreError;

/// The most polls that are closed in one step, which is one sync of the store and one of the log.
const MOST_A_STEP: usize = 1_024;

/// The most steps of closing in one round. While there is more, the next round follows at once.
const MOST_STEPS: usize = 8;

/// The most polls whose control records are looked after in one round.
const MOST_SETTLED: usize = 256;

/// `Appended` keeps the end that each partition had when a poll's control record was last appended to it. The record is
/// appended again only once the partition is committed beyond that offset, or to its end. Otherwise
/// a partition whose worker stands still would be filled with repetitions.
type Appended = BTreeMap<(PollId, Partition), Offset>;

/// Runs a round of housekeeping now and then, until told to stop.
pub async fn run(processor: Processor, stop: CancellationToken) {
    let mut rounds = Rounds::new(processor);
    let mut pause = true;
    loop {
        let wait = async {
            match pause {
                true => tokio::time::sleep(rounds.processor.limits.housekeeping).await,
                false => tokio::task::yield_now().await,
            }
        };
        // A log that does not answer must not delay a stop.
        if stop.run_until_cancelled(wait).await.is_none() {
            return;
        }
        pause = match stop.run_until_cancelled(rounds.next()).await {
            Some(Ok(more)) => !more,
            Some(Err(error)) => {
                tracing::debug!(%error, "housekeeping is tried again later");
                true
            }
            None => return,
        };
    }
}

/// `Rounds` keeps what is remembered from round to round.
struct Rounds {
    processor: Processor,
    clock: Clock,
    appended: Appended,
    /// The last poll whose control records were looked after, if there are more behind it.
    looked_at: Option<PollId>,
}

impl Rounds {
    fn new(processor: Processor) -> Self {
        let clock = Clock::read(&processor);
        Self { processor, clock, appended: Appended::new(), looked_at: None }
    }

    /// Runs one round. Returns whether there are more polls to close.
    async fn next(&mut self) -> Result<bool, StoreError> {
        let closed = match self.clock.mend(&self.processor).await {
            Ok(()) => self.close_due().await,
            // By a clock that was set and is not mended yet, polls would close too early.
            Err(error) => Err(error),
        };
        self.settle().await?;
        closed
    }

    /// Closes the polls whose time has come, unless somebody changes them in between.
    async fn close_due(&mut self) -> Result<bool, StoreError> {
        let now = self.processor.ambient.now();
        let mut after = None;
        for _ in 0..MOST_STEPS {
            let due = self.processor.store.due(now, after, MOST_A_STEP).await?;
            // A poll that could not be closed is passed over until the next round.
            after = due.last().and_then(|poll| Some((poll.closes_at?, poll.id)));
            let last = due.len() < MOST_A_STEP;
            self.close(due).await?;
            if last {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn close(&mut self, due: Vec<Poll>) -> Result<(), StoreError> {
        let Processor { log, store, ambient, .. } = &self.processor;
        let now = ambient.now();
        let close = |mut poll: Poll| {
            let expected = poll.revision;
            poll.close(now).unwrap_or(false).then_some((poll, expected))
        };
        let over: Vec<_> = due.into_iter().filter_map(close).collect();
        if over.is_empty() {
            return Ok(());
        }
        let closed = store.close(&over).await?;
        let closed = over.into_iter().zip(closed).filter(|(_, closed)| *closed);
        let closed: Vec<Poll> = closed.map(|((poll, _), _)| poll).collect();
        control::publish_all(&**log, &closed, now).await;
        for (partition, end) in self.ends().await {
            let last = end.saturating_sub(1);
            self.appended.extend(closed.iter().map(|poll| ((poll.id, partition), last)));
        }
        Ok(())
    }

    /// Returns the ends of those partitions that report one. It is called once a step, because a
    /// frozen broker delays each reply.
    async fn ends(&self) -> BTreeMap<Partition, Offset> {
        let mut ends = BTreeMap::new();
        for partition in 0..self.processor.log.partitions() {
            if let Ok(end) = self.processor.log.end(partition).await {
                ends.insert(partition, end);
            }
        }
        ends
    }

    /// Appends control records to the partitions that have not seen them, and announces their polls
    /// again: if the record was lost on the way, the announcement may have been, too. If there are
    /// more polls than one round takes, the others follow in the next rounds.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let from = self.looked_at;
        let unsettled = self.processor.store.unsettled(from, MOST_SETTLED).await?;
        let rest = unsettled.len() == MOST_SETTLED;
        self.looked_at = unsettled.last().map(|poll| poll.id).filter(|_| rest);
        self.forget_settled(from, &unsettled);
        if unsettled.is_empty() {
            return Ok(());
        }
        let Processor { log, store, ambient, .. } = &self.processor;
        let progress: BTreeMap<_, _> = store.progress().await?.into_iter().collect();
        let ends = self.ends().await;
        let (mut appends, mut missed) = (Vec::new(), Vec::new());
        for poll in unsettled {
            let Some(standing) = store.standing(poll.id).await? else { continue };
            let Some(record) = control::record(&poll, ambient.now()) else { continue };
            let seen: BTreeMap<_, _> =
                standing.tallies().map(|at| (at.partition, at.tally.phase)).collect();
            let before = appends.len();
            for (partition, end) in &ends {
                let committed = progress.get(partition).map_or(0, |p| p.next_offset);
                if seen.get(partition) >= Some(&poll.phase) {
                    continue;
                }
                let appended = self.appended.get(&(poll.id, *partition));
                if appended.is_some_and(|at| committed <= *at) && committed < *end {
                    continue;
                }
                appends.push(log.append_last(*partition, record.clone()).within(control::PATIENCE));
                self.appended.insert((poll.id, *partition), *end);
            }
            if appends.len() > before {
                missed.push(Announcement::Poll(Arc::new(poll)));
            }
        }
        let _ = join_all(appends).await;
        if !missed.is_empty() {
            let _ = timeout(control::PATIENCE, log.announce(missed)).await;
        }
        Ok(())
    }

    /// Forgets the polls behind `from` that are settled by now: all up to `looked_at` that are not
    /// in `unsettled`.
    fn forget_settled(&mut self, from: Option<PollId>, unsettled: &[Poll]) {
        let first = from.map_or(Bound::Unbounded, |id| Bound::Excluded((id, Partition::MAX)));
        let last =
            self.looked_at.map_or(Bound::Unbounded, |id| Bound::Included((id, Partition::MAX)));
        let of_settled = |(id, _): &&(PollId, Partition)| {
            unsettled.binary_search_by_key(id, |poll| poll.id).is_err()
        };
        let known = self.appended.range((first, last)).map(|(key, _)| key);
        let settled: Vec<_> = known.filter(of_settled).copied().collect();
        for key in settled {
            self.appended.remove(&key);
        }
    }
}
