//! The making of a replay: the poll's part of the log is found, read page by page, folded, and compared with
//! what is shown.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use pollux_core::fold;
use pollux_core::id::{Offset, Partition};
use pollux_core::poll::Poll;
use pollux_core::record::Entry;
use pollux_core::standing::Standing;
use tokio::sync::Semaphore;

use super::Failed;
use super::fold::{Fold, show};
use crate::log::Log;

/// The number of records that are read at a time.
pub(super) const PAGE: usize = 8_192;

/// The longest wait for records that are on the log.
const READ_WAIT: Duration = Duration::from_secs(2);

/// The largest difference between nodes' clocks that is reckoned with, in milliseconds. A record that is
/// older than its poll by more than this does not belong to the poll.
pub(super) const CLOCKS: u64 = 60 * 60 * 1000;

/// `Aside` is the thread, beside the runtime's own, on which a replay is folded.
pub(super) struct Aside(Arc<Semaphore>);

impl Aside {
    /// Creates the thread's queue, which admits one piece of work at a time.
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Runs some work on that thread, once the work before it is done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failed> {
        let turn = self.0.clone().acquire_owned().await;
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Failed::Unreadable(error.to_string()))
    }
}

/// Reads, folds and compares. The partitions are read at the same time, because a partition where a worker
/// waits for new records can keep a read of it waiting.
pub async fn make(log: &dyn Log, standing: &Standing, most: u64) -> Result<Bytes, Failed> {
    let poll = &standing.poll;
    let ranges = standing.tallies().map(async |tally| {
        let (partition, until) = (tally.partition, tally.next_offset);
        let from = beginning(log, poll, partition, until, most).await?;
        Ok::<_, Failed>(Part { partition, from, until })
    });
    let mut parts = try_join_all(ranges).await?;
    let aside = Aside::new();
    let mut json = replayed(log, standing, &parts, most, &aside).await?;
    if json.is_none() && parts.iter().any(|part| part.from > 0) {
        // The times of some records did not tell where they lie, so everything is read from the very
        // beginning.
        parts.iter_mut().for_each(|part| part.from = 0);
        json = replayed(log, standing, &parts, most, &aside).await?;
    }
    json.ok_or(Failed::Different)
}

/// A part is the range of a partition that is read.
#[derive(Clone, Copy)]
struct Part {
    partition: Partition,
    from: Offset,
    until: Offset,
}

/// Returns an offset before the poll's first record in this partition. It looks back from the partition's end
/// in ever longer steps, because a replay is mostly asked for soon after the vote.
pub(super) async fn beginning(
    log: &dyn Log,
    poll: &Poll,
    partition: Partition,
    until: Offset,
    most: u64,
) -> Result<Offset, Failed> {
    let made = poll.created_at.0.saturating_sub(CLOCKS);
    let mut back = PAGE as u64;
    while back < until {
        let records = log.read(partition, until - back, 1, READ_WAIT).await?;
        let taken = records.first().and_then(|record| match Entry::decode(&record.value) {
            Ok(Entry::Ballot(ballot)) => Some(ballot.at.0).filter(|at| *at > 0),
            Ok(Entry::Control(control)) => Some(control.at.0).filter(|at| *at > 0),
            Ok(Entry::Genesis(_)) | Err(_) => None,
        });
        if taken.is_some_and(|taken| taken < made) {
            return Ok(until - back);
        }
        if back > most {
            return Err(Failed::TooLong);
        }
        back *= 2;
    }
    Ok(0)
}

/// Returns the replay of these parts of the log as JSON, or `None` if it does not end in what is shown.
async fn replayed(
    log: &dyn Log,
    standing: &Standing,
    parts: &[Part],
    most: u64,
    aside: &Aside,
) -> Result<Option<Bytes>, Failed> {
    if parts.iter().map(|part| part.until - part.from).sum::<u64>() > most {
        return Err(Failed::TooLong);
    }
    let folds = parts.iter().map(|part| folded(log, &standing.poll, *part, aside));
    let folds = try_join_all(folds).await?;
    let standing = standing.clone();
    aside.run(move || told(folds, &standing)).await
}

/// Returns the replay of these folds as JSON, or `None` if it does not end in what is shown.
fn told(folds: Vec<Fold>, standing: &Standing) -> Option<Bytes> {
    let voters = folds.iter().filter_map(Fold::tally).map(|tally| tally.voters).sum();
    let ballots = folds.into_iter().flat_map(|fold| fold.ballots).collect();
    let view = show(ballots, voters, standing);
    let last = view.frames.last().map(|frame| &frame.votes);
    let same = voters == standing.total_voters() && last == Some(&standing.counts());
    same.then(|| serde_json::to_vec(&view).expect("a view is always JSON").into())
}

async fn folded(log: &dyn Log, poll: &Poll, part: Part, aside: &Aside) -> Result<Fold, Failed> {
    let Part { partition, from, until } = part;
    let mut fold = Fold::new(poll, fold::Part { partition, partitions: log.partitions() });
    let mut next = from;
    while next < until {
        let wanted = PAGE.min((until - next) as usize);
        let records = log.read(partition, next, wanted, READ_WAIT).await?;
        let Some(last) = records.last() else {
            return Err(Failed::Unreadable(format!("partition {partition} ends at {next}")));
        };
        next = last.offset + 1;
        fold = aside.run(move || fold.page(records, until)).await?;
    }
    Ok(fold)
}
