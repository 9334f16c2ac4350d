//! Telling the log and the nodes that polls have changed, once the store has the changes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use pollux_core::id::{Generation, Partition, UnixMillis};
use pollux_core::poll::Poll;
use pollux_core::record::{Control, Entry, Genesis};
use pollux_core::standing::Announcement;
use tokio::time::timeout;

use super::{Log, NewRecord};

/// How long a control record or an announcement waits for a log that takes none. Housekeeping tries
/// again, and has other polls to see to meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Announce a poll, and append its control record to every partition; see [`publish_all`].
pub async fn publish(log: &dyn Log, poll: &Poll, now: UnixMillis) {
    publish_all(log, std::slice::from_ref(poll), now).await;
}

/// Announce the polls, and append their control records to every partition. What fails here is
/// made up for by the processor's housekeeping (control records) and by the nodes' reconciling
/// (announcements): the store has the changes, so they cannot be lost.
pub async fn publish_all(log: &dyn Log, polls: &[Poll], now: UnixMillis) {
    let told = polls.iter().map(|poll| Announcement::Poll(Arc::new(poll.clone()))).collect();
    let (told, ()) = tokio::join!(timeout(PATIENCE, log.announce(told)), append(log, polls, now));
    if let (Ok(Err(_)) | Err(_), Some(poll)) = (told, polls.first()) {
        let others = polls.len() - 1;
        tracing::warn!(poll = %poll.id, others, "a poll's change is not announced yet");
    }
}

/// Append the control record of each poll's present phase to every partition. Repeating it
/// changes nothing.
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

/// The control record of the poll's present phase; `None` for a draft.
pub fn record(poll: &Poll, now: UnixMillis) -> Option<NewRecord> {
    let control = Control::of(poll, now)?;
    let value = Bytes::from(Entry::Control(control).encode());
    Some(NewRecord { key: Bytes::from(control.key()), value })
}

/// The record every partition begins with.
pub(super) fn genesis(generation: Generation, partition: Partition, partitions: u32) -> NewRecord {
    let value = Entry::Genesis(Genesis { generation, partition, partitions }).encode();
    NewRecord { key: "genesis".into(), value: value.into() }
}
