//! Telling the log and the nodes that a poll has changed, once the store has the change.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use pollux_core::id::{Generation, Partition, UnixMillis};
use pollux_core::poll::Poll;
use pollux_core::record::{Control, Entry, Genesis};
use pollux_core::standing::Announcement;

use super::{Log, NewRecord};

/// Announce the poll, and append its control record to every partition. What fails here is
/// made up for by the processor's housekeeping (control records) and by the nodes' reconciling
/// (announcements): the store has the change, so it cannot be lost.
pub async fn publish(log: &dyn Log, poll: &Poll, now: UnixMillis) {
    let told = log.announce(vec![Announcement::Poll(Arc::new(poll.clone()))]);
    let (told, ()) = tokio::join!(told, append(log, poll, now));
    if let Err(error) = told {
        tracing::warn!(poll = %poll.id, %error, "a poll's change is not announced yet");
    }
}

/// Append the control record of the poll's present phase to every partition. Repeating it
/// changes nothing.
async fn append(log: &dyn Log, poll: &Poll, now: UnixMillis) {
    let Some(record) = record(poll, now) else { return };
    let appends = (0..log.partitions()).map(|partition| log.append(partition, record.clone()));
    for outcome in join_all(appends.collect::<Vec<_>>()).await {
        if let Err(error) = outcome {
            tracing::warn!(poll = %poll.id, %error, "a control record will be appended again");
        }
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
