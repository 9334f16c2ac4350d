//! What nobody asks for but time brings: polls whose closing time has come are closed, and
//! control records that some partition has not seen are appended again. Every node does this;
//! doing it twice changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::standing::Announcement;
use tokio_util::sync::CancellationToken;

use super::Processor;
use super::clock::Clock;
use crate::log::control;
use crate::store::StoreError;

/// Most polls whose control records are looked after in one round.
const MOST_A_ROUND: usize = 100;

/// Where each partition ended when a poll's control record was last appended to it. It is not
/// appended again before the partition is committed beyond that, or to its end: a partition
/// whose worker stands still would be filled with repetitions.
type Appended = BTreeMap<(PollId, Partition), Offset>;

/// Look now and then, until told to stop.
pub async fn run(processor: Processor, stop: CancellationToken) {
    let mut appended = Appended::new();
    let mut clock = Clock::read(&processor);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(processor.limits.housekeeping) => {}
        }
        let round = async {
            let closed = match clock.mend(&processor).await {
                Ok(()) => close_due(&processor).await,
                // By a clock that was set in between, polls would close too early.
                error => error,
            };
            let settled = settle(&processor, &mut appended).await;
            closed.and(settled)
        };
        // A log that does not answer must not hold up a stop.
        match stop.run_until_cancelled(round).await {
            Some(Err(error)) => tracing::debug!(%error, "housekeeping is tried again later"),
            Some(Ok(())) => {}
            None => return,
        }
    }
}

/// Close the polls whose time has come, unless somebody changes them in between.
async fn close_due(processor: &Processor) -> Result<(), StoreError> {
    let now = processor.ambient.now();
    for mut poll in processor.store.due(now).await? {
        let expected = poll.revision;
        if !poll.close(now).unwrap_or(false) {
            continue;
        }
        match processor.store.change(&poll, expected).await {
            Ok(()) => control::publish(&*processor.log, &poll, now).await,
            Err(error) => tracing::debug!(poll = %poll.id, %error, "not closed in this round"),
        }
    }
    Ok(())
}

/// Append control records to the partitions that have not seen them, and announce their polls
/// again: if the record was lost on the way, the announcement may have been, too.
async fn settle(processor: &Processor, appended: &mut Appended) -> Result<(), StoreError> {
    let Processor { log, store, .. } = processor;
    let unsettled = store.unsettled().await?;
    appended.retain(|(id, _), _| unsettled.iter().any(|poll| poll.id == *id));
    if unsettled.is_empty() {
        return Ok(());
    }
    let progress: BTreeMap<_, _> = store.progress().await?.into_iter().collect();
    // Asked once a round: a frozen broker takes its time for each answer.
    let mut ends = BTreeMap::new();
    for partition in 0..log.partitions() {
        ends.insert(partition, log.end(partition).await.ok());
    }
    for poll in unsettled.into_iter().take(MOST_A_ROUND) {
        let Some(standing) = store.standing(poll.id).await? else { continue };
        let Some(record) = control::record(&poll, processor.ambient.now()) else { continue };
        let seen: BTreeMap<_, _> =
            standing.tallies().map(|at| (at.partition, at.tally.phase)).collect();
        let mut missed = false;
        for partition in 0..log.partitions() {
            let committed = progress.get(&partition).map_or(0, |p| p.next_offset);
            if seen.get(&partition) >= Some(&poll.phase) {
                continue;
            }
            let Some(end) = ends[&partition] else { continue };
            let before = appended.get(&(poll.id, partition));
            if before.is_some_and(|before| committed <= *before) && committed < end {
                continue;
            }
            let _ = log.append(partition, record.clone()).await;
            appended.insert((poll.id, partition), end);
            missed = true;
        }
        if missed {
            let _ = log.announce(vec![Announcement::Poll(Arc::new(poll))]).await;
        }
    }
    Ok(())
}
