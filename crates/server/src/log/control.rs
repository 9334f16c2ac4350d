//! Control records and announcements tell the log and the nodes that polls have changed, once the
//! store has the changes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, Partition, UnixMillis};
use pollux_core::poll::Poll;
use pollux_core::record::{Control, Entry, Genesis};
use tokio::time::timeout;

use super::{Log, NewRecord};

/// The time that a control record or an announcement waits for a log that takes none. Housekeeping
/// tries again later, and has other polls to serve meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Announces a poll, and appends its control record to every partition; see [`publish_all`].
pub async fn publish(log: &dyn Log, poll: &Poll, now: UnixMillis) {
    publish_all(log, std::slice::from_ref(poll), now).await;
}

/// Announces polls, and appends their control records to every partition. The store has the
/// changes, so a failure here loses nothing: the processor's housekeeping appends missing control
/// records, and the nodes' reconciling makes up for missing announcements.
pub async fn publish_all(log: &dyn Log, polls: &[Poll], now: UnixMillis) {
    let told = polls.iter().map(|poll| Announcement::Poll(Arc::new(poll.clone()))).collect();
    let (told, ()) = tokio::join!(timeout(PATIENCE, log.announce(told)), append(log, polls, now));
    if let (Ok(Err(_)) | Err(_), Some(poll)) = (told, polls.first()) {
        let others = polls.len() - 1;
        tracing::warn!(poll = %poll.id, others, "a poll's change is not announced yet");
    }
}

/// Appends the control record of each poll's present phase to every partition. A repetition changes
/// nothing.
async fn append(log: &dyn Log, polls: &[Poll], now: UnixMillis) {
    let to_all = |poll| {
        let record = record(poll, now);
        (0..log.partitions()).filter_map(move |partition| {
            let record = record.clone()?;
            Some(
                async move { (poll.id, log.append_last(partition, record).within(PATIENCE).await) },
            )
        })
    };
    let outcomes = join_all(polls.iter().flat_map(to_all).collect::<Vec<_>>()).await;
    let mut failed = outcomes.into_iter().filter_map(|(poll, done)| Some((poll, done.err()?)));
    if let Some((poll, error)) = failed.next() {
        let others = failed.count();
        tracing::warn!(%poll, others, %error, "a control record will be appended again");
    }
}

/// Returns the control record of the poll's present phase; `None` for a draft.
pub fn record(poll: &Poll, now: UnixMillis) -> Option<NewRecord> {
    let control = Control::of(poll, now)?;
    let value = Bytes::from(Entry::Control(control).encode());
    Some(NewRecord { key: Bytes::from(control.key()), value })
}

/// Returns the genesis record, with which every partition begins.
pub(super) fn genesis(generation: Generation, partition: Partition, partitions: u32) -> NewRecord {
    let value = Entry::Genesis(Genesis { generation, partition, partitions }).encode();
    NewRecord { key: "genesis".into(), value: value.into() }
}
