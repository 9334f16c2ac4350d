//! The conformance suite tests each promise of the documentation of [`Log`], for every backend.
//!
//! A backend joins with a function that makes a [`Subject`] and one line of [`suite`]. Backends
//! that live in this process are in `log/backends.rs`; Kafka is in `tests/kafka`, which includes
//! this file. No test may ask for more than the contract promises: offsets ascend but may have
//! gaps, an acknowledgement need not tell the offset, and an announcement may come twice.

#![allow(clippy::unwrap_used)]

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use pollux_core::announcement::Announcement;
use pollux_core::event::{Event, EventDraft};
use pollux_core::id::{EventId, Generation, Offset, Partition, UnixMillis};
use pollux_core::record::{Entry, Genesis};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::time::{Instant, timeout};

use super::{AppendError, DeadRecord, Feed, FeedLost, Log, NewRecord, ReadError, Record};
use crate::config::LogLimits;

/// The time that is long enough for any backend to do anything.
const LONG: Duration = Duration::from_secs(30);

/// The time that is long enough to believe that nothing will come.
const SHORT: Duration = Duration::from_millis(60);

/// `Reopen` is a function that opens the log again.
pub type Reopen = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Log>> + Send>;

/// The subject is a fresh log under test.
pub struct Subject {
    /// The log.
    pub log: Arc<dyn Log>,
    /// Opens the log again after it was shut and dropped, if the backend can.
    pub reopen: Option<Reopen>,
    /// What must live as long as the log, such as its folder or its broker.
    pub _keep: Box<dyn Any + Send>,
}

/// Returns limits that are small enough to be reached, and large enough for every test here.
fn limits() -> LogLimits {
    LogLimits {
        queue: 20_000,
        group: 512,
        linger: Duration::from_millis(1),
        tail_bytes: 64 << 10,
        feed: 64,
        ..LogLimits::default()
    }
}

macro_rules! suite {
    ($test:meta) => {
        suite!($test;
            every_partition_begins_with_genesis
            what_is_acknowledged_is_read
            calls_are_in_order
            thousands_append_at_once
            reads_are_bounded_and_repeatable
            old_and_new_records_read_alike
            a_read_waits_for_the_first_record
            beyond_the_end_is_out_of_range
            there_are_no_other_partitions
            past_the_bound_appends_are_refused_at_once
            any_bytes_come_back
            a_dropped_append_is_not_undone
            members_are_told_at_once_then_wait
            feeds_deliver_all_in_order
            a_feed_that_falls_behind_is_lost
            a_cancelled_wait_loses_nothing
            dead_records_are_taken_as_they_are
            shut_appends_what_is_queued_then_refuses
            reopened_it_is_the_same_log
        );
    };
    ($test:meta; $($name:ident)*) => {
        $(#[$test] async fn $name() { conformance::$name(subject).await; })*
    };
}

pub(crate) use suite;

// ---- helpers ----

fn record(text: impl Into<String>) -> NewRecord {
    NewRecord { key: "key".into(), value: Bytes::from(text.into()) }
}

/// Reads everything on a partition after its genesis record, in several steps.
async fn read_all(log: &dyn Log, partition: Partition) -> Vec<Record> {
    let end = log.end(partition).await.unwrap();
    let (mut all, mut from) = (Vec::new(), 0);
    while from < end {
        let bite = log.read(partition, from, 700, LONG).await.unwrap();
        assert!(!bite.is_empty(), "nothing at {from} though the end is {end}");
        for record in bite {
            assert!(record.offset >= from, "offsets ascend");
            from = record.offset + 1;
            all.push(record);
        }
    }
    all.remove(0);
    all
}

fn values(records: &[Record]) -> Vec<&[u8]> {
    records.iter().map(|record| &record.value[..]).collect()
}

fn progress(partition: Partition, next_offset: Offset, generation: Generation) -> Announcement {
    Announcement::Progress { partition, generation, next_offset }
}

/// Collects a feed's announcements until `last` has come, leaving out repetitions.
async fn until(feed: &mut dyn Feed, last: &Announcement) -> Vec<Announcement> {
    let mut seen = Vec::new();
    while !seen.contains(last) {
        for announcement in timeout(LONG, feed.next()).await.unwrap().unwrap() {
            if !seen.contains(&announcement) {
                seen.push(announcement);
            }
        }
    }
    seen
}

// ---- the promises ----

pub async fn every_partition_begins_with_genesis<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(3, limits()).await;
    assert_eq!(log.partitions(), 3);
    for partition in 0..3 {
        assert_eq!(log.end(partition).await, Ok(1));
        let first = log.read(partition, 0, 10, Duration::ZERO).await.unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!((first[0].offset, &first[0].key[..]), (0, &b"genesis"[..]));
        let genesis = Genesis { generation: log.generation(), partition, partitions: 3 };
        assert_eq!(Entry::decode(&first[0].value), Ok(Entry::Genesis(genesis)));
    }
}

pub async fn what_is_acknowledged_is_read<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(2, limits()).await;
    log.ready().unwrap();
    let mut before = 0;
    for i in 0..30 {
        let value = record(format!("value {i}"));
        let position = log.append(1, value.clone()).await.unwrap();
        assert_eq!(position.partition, 1);
        let newest = read_all(&*log, 1).await.pop().unwrap();
        assert_eq!((newest.key, newest.value), (value.key, value.value));
        assert!(newest.offset > before, "appended after the acknowledgement, it stands after");
        assert!(position.offset.is_none_or(|offset| offset == newest.offset));
        before = newest.offset;
    }
    assert_eq!(log.end(0).await, Ok(1), "the other partition is untouched");
}

pub async fn calls_are_in_order<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(2, limits()).await;
    let wanted: Vec<_> = (0..2_000).map(|i| record(format!("{i}"))).collect();
    let appends: Vec<_> =
        wanted.iter().enumerate().map(|(i, r)| log.append(i as u32 % 2, r.clone())).collect();
    for outcome in join_all(appends).await {
        outcome.unwrap();
    }
    for partition in 0..2 {
        let read = read_all(&*log, partition).await;
        let mine = wanted.iter().skip(partition as usize).step_by(2);
        assert_eq!(values(&read), mine.map(|r| &r.value[..]).collect::<Vec<_>>());
    }
}

pub async fn thousands_append_at_once<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(3, limits()).await;
    let tasks = (0..3_000).map(|task| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut positions = Vec::new();
            for turn in 0..3 {
                let text = format!("{task}.{turn}");
                positions.push((log.append(task % 3, record(text.clone())).await.unwrap(), text));
            }
            positions
        })
    });
    let (mut places, mut texts) = (BTreeSet::new(), BTreeSet::new());
    let logged = |p| read_all(&*log, p);
    let outcomes = join_all(tasks).await;
    let on_log = [logged(0).await, logged(1).await, logged(2).await];
    for positions in outcomes {
        let positions = positions.unwrap();
        assert!(
            positions.is_sorted_by_key(|(position, _)| position.offset.unwrap_or(0))
                || positions.iter().any(|(position, _)| position.offset.is_none())
        );
        for (position, text) in positions {
            if let Some(offset) = position.offset {
                assert!(places.insert((position.partition, offset)), "one place, one record");
                let records = &on_log[position.partition as usize];
                let at = records.binary_search_by_key(&offset, |r| r.offset).unwrap();
                assert_eq!(records[at].value, text.as_bytes());
            }
            texts.insert(text);
        }
    }
    let read: usize = on_log.iter().map(Vec::len).sum();
    let distinct: BTreeSet<_> = on_log.iter().flatten().map(|r| &r.value[..]).collect();
    assert_eq!((read, distinct.len(), texts.len()), (9_000, 9_000, 9_000));
}

pub async fn reads_are_bounded_and_repeatable<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, limits()).await;
    for append in (0..100).map(|i| log.append(0, record(format!("{i}")))).collect::<Vec<_>>() {
        append.await.unwrap();
    }
    let all = log.read(0, 0, usize::MAX, Duration::ZERO).await.unwrap();
    for (i, first) in all.iter().enumerate() {
        let one = log.read(0, first.offset, 1, Duration::ZERO).await.unwrap();
        assert_eq!(one, all[i..=i]);
        let some = log.read(0, first.offset, 7, Duration::ZERO).await.unwrap();
        assert!(!some.is_empty() && some.len() <= 7);
        assert_eq!(some, all[i..i + some.len()]);
    }
    assert_eq!(log.read(0, 0, 0, Duration::ZERO).await, Ok(vec![]));
    log.append(0, record("more")).await.unwrap();
    let again = log.read(0, 0, usize::MAX, Duration::ZERO).await.unwrap();
    assert_eq!(again[..all.len()], all);
}

/// More records than any backend keeps in memory: those that have left it must read as before.
pub async fn old_and_new_records_read_alike<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, limits()).await;
    let wanted: Vec<_> = (0..3_000).map(|i| record(format!("{i:0100}"))).collect();
    for outcome in join_all(wanted.iter().map(|r| log.append(0, r.clone()))).await {
        outcome.unwrap();
    }
    let read = read_all(&*log, 0).await;
    assert_eq!(values(&read), wanted.iter().map(|r| &r.value[..]).collect::<Vec<_>>());
}

pub async fn a_read_waits_for_the_first_record<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(2, limits()).await;
    let begun = Instant::now();
    assert_eq!(log.read(0, 1, 10, SHORT).await, Ok(vec![]));
    assert!(begun.elapsed() >= SHORT, "it waited");
    assert_eq!(log.read(0, 1, 10, Duration::ZERO).await, Ok(vec![]));

    let waiting = tokio::spawn({
        let log = log.clone();
        async move { log.read(0, 1, 10, LONG).await }
    });
    tokio::task::yield_now().await;
    log.append(1, record("elsewhere")).await.unwrap();
    assert!(!waiting.is_finished(), "another partition's record is not awaited");
    log.append(0, record("awaited")).await.unwrap();
    let read = timeout(LONG / 2, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(values(&read), [b"awaited"]);
}

pub async fn beyond_the_end_is_out_of_range<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, limits()).await;
    log.append(0, record("one")).await.unwrap();
    let end = log.end(0).await.unwrap();
    assert_eq!(log.read(0, end, 10, Duration::ZERO).await, Ok(vec![]));
    for from in [end + 1, Offset::MAX] {
        let error = ReadError::OutOfRange { partition: 0, from, end };
        assert_eq!(timeout(LONG / 2, log.read(0, from, 10, LONG)).await.unwrap(), Err(error));
    }
}

pub async fn there_are_no_other_partitions<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(2, limits()).await;
    for partition in [2, Partition::MAX] {
        let refused = log.append(partition, record("nowhere")).await;
        assert!(matches!(refused, Err(AppendError::NotRecorded(_))), "{refused:?}");
        log.read(partition, 0, 1, Duration::ZERO).await.unwrap_err();
        log.end(partition).await.unwrap_err();
    }
}

pub async fn past_the_bound_appends_are_refused_at_once<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, LogLimits { queue: 16, ..limits() }).await;
    let mut appends: Vec<_> = (0..20_000).map(|i| log.append(0, record(format!("{i}")))).collect();
    assert!(!matches!(&appends[15], super::Append::Ready(_)), "within the bound");
    assert!(appends.iter().any(|a| matches!(a, super::Append::Ready(_))), "refused at once");
    let (mut taken, mut refused) = (Vec::new(), 0);
    for (i, append) in appends.drain(..).enumerate() {
        match append.await {
            Ok(_) => taken.push(format!("{i}").into_bytes()),
            Err(AppendError::NotRecorded(_)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(taken.len() >= 16 && refused > 0);
    assert_eq!(values(&read_all(&*log, 0).await), taken, "the refused ones are not there");
    // The last acknowledgement may come a moment before the room that it makes.
    let room = async {
        while log.append(0, record("room again")).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, room).await.expect("room again");
    let ready = async {
        while log.ready().is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, ready).await.expect("ready again");
}

pub async fn any_bytes_come_back<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, limits()).await;
    let bytes = |most| prop::collection::vec(any::<u8>(), 0..most).prop_map(Bytes::from);
    let json = "\\{\"[a-z\"\\\\\n\0é]{0,40}\":[0-9]\\}".prop_map(Bytes::from);
    let record = (bytes(80), prop_oneof![bytes(600), json])
        .prop_map(|(key, value)| NewRecord { key, value });
    let mut runner = TestRunner::deterministic();
    let mut wanted: Vec<_> =
        (0..500).map(|_| record.new_tree(&mut runner).unwrap().current()).collect();
    wanted.push(NewRecord { key: Bytes::new(), value: Bytes::new() });
    wanted.push(NewRecord { key: "long".into(), value: vec![0; 200_000].into() });
    for outcome in join_all(wanted.iter().map(|r| log.append(0, r.clone()))).await {
        outcome.unwrap();
    }
    let read = read_all(&*log, 0).await.into_iter();
    let read: Vec<_> = read.map(|r| NewRecord { key: r.key, value: r.value }).collect();
    assert_eq!(read, wanted);
}

pub async fn a_dropped_append_is_not_undone<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, limits()).await;
    drop(log.append(0, record("nobody waits")));
    let read = log.read(0, 1, 1, LONG).await.unwrap();
    assert_eq!(values(&read), [b"nobody waits"]);
}

pub async fn members_are_told_at_once_then_wait<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(3, limits()).await;
    let mut member = log.join().await.unwrap();
    let all = timeout(LONG, member.changed()).await.unwrap();
    assert_eq!(all, [0, 1, 2], "the only member holds all partitions");
    assert!(timeout(SHORT, member.changed()).await.is_err(), "nothing changes");
}

pub async fn feeds_deliver_all_in_order<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, limits()).await;
    log.announce(vec![progress(0, 1, log.generation())]).await.unwrap();
    let (mut one, mut two) = (log.feed().await.unwrap(), log.feed().await.unwrap());
    let wanted: Vec<_> = (10..40).map(|i| progress(0, i, log.generation())).collect();
    for some in wanted.chunks(7) {
        log.announce(some.to_vec()).await.unwrap();
    }
    for feed in [&mut one, &mut two] {
        let mut seen = until(&mut **feed, &wanted[29]).await;
        seen.retain(|announcement| wanted.contains(announcement));
        assert_eq!(seen, wanted);
    }
    log.announce(vec![]).await.unwrap();
    let now = UnixMillis(1_790_000_000_000);
    let draft = EventDraft { title: Some("Any".into()), ..EventDraft::default() };
    let event = Event::new(EventId::new(now, [1; 10]), draft, [0; 32], now).unwrap();
    let event = Announcement::Event(Arc::new(event));
    log.announce(vec![event.clone()]).await.unwrap();
    for feed in [&mut one, &mut two] {
        until(&mut **feed, &event).await;
    }
}

pub async fn a_feed_that_falls_behind_is_lost<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, LogLimits { feed: 8, ..limits() }).await;
    let mut feed = log.feed().await.unwrap();
    for i in 0..200 {
        log.announce(vec![progress(0, i, log.generation())]).await.unwrap();
    }
    tokio::time::sleep(SHORT).await;
    let mut delivered = Vec::new();
    let lost = loop {
        match timeout(LONG, feed.next()).await.unwrap() {
            Ok(some) => delivered.extend(some),
            Err(lost) => break lost,
        }
        assert!(delivered.len() < 200, "some are missing, and it does not say so");
    };
    assert_eq!(lost, FeedLost);
    assert_eq!(feed.next().await, Err(FeedLost), "it does not go on behind the gap");

    let mut again = log.feed().await.unwrap();
    let last = progress(0, 1_000, log.generation());
    log.announce(vec![last.clone()]).await.unwrap();
    until(&mut *again, &last).await;
}

pub async fn a_cancelled_wait_loses_nothing<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, limits()).await;
    let mut feed = log.feed().await.unwrap();
    let wanted: Vec<_> = (0..20).map(|i| progress(0, i, log.generation())).collect();
    let mut seen = Vec::new();
    for announcement in &wanted {
        let waiting = timeout(Duration::from_millis(1), feed.next());
        let (announced, got) = tokio::join!(log.announce(vec![announcement.clone()]), waiting);
        announced.unwrap();
        seen.extend(got.unwrap_or(Ok(vec![])).unwrap());
    }
    if !seen.contains(&wanted[19]) {
        seen.extend(until(&mut *feed, &wanted[19]).await);
    }
    let mut distinct: Vec<Announcement> = Vec::new();
    for announcement in seen {
        if !distinct.contains(&announcement) {
            distinct.push(announcement);
        }
    }
    assert_eq!(distinct, wanted);
}

/// The backend decides what becomes of the copies, so nothing here reads them.
pub async fn dead_records_are_taken_as_they_are<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(2, limits()).await;
    let dead = |offset, key: &[u8], value: &[u8], reason: &str| DeadRecord {
        offset,
        key: Bytes::copy_from_slice(key),
        value: Bytes::copy_from_slice(value),
        reason: reason.to_owned(),
    };
    // The value is as long as a record of `votes` may be, and holds arbitrary bytes.
    let long = vec![0xff; 1 << 20];
    let mut all: Vec<_> = (1..3_000).map(|n| dead(n, b"key", b"value", "why")).collect();
    all.push(dead(3_000, b"", b"", ""));
    all.push(dead(3_001, b"\0\xff", &long, &"é\0".repeat(1 << 18)));
    for _ in 0..2 {
        timeout(LONG, log.copy_dead(1, all.clone())).await.unwrap().unwrap();
    }
    log.copy_dead(0, vec![]).await.unwrap();
    assert_eq!((log.end(0).await, log.end(1).await), (Ok(1), Ok(1)), "`votes` is untouched");
    log.ready().unwrap();
}

pub async fn shut_appends_what_is_queued_then_refuses<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, _keep, .. } = subject(1, limits()).await;
    let appends: Vec<_> = (0..1_000).map(|i| log.append(0, record(format!("{i}")))).collect();
    let (_, _) = tokio::join!(log.shut(), log.shut());
    let refused = log.append(0, record("too late")).await;
    assert!(matches!(refused, Err(AppendError::NotRecorded(_))), "{refused:?}");
    log.ready().unwrap_err();
    for outcome in join_all(appends).await {
        outcome.unwrap();
    }
    assert_eq!(log.end(0).await, Ok(1_001));
}

pub async fn reopened_it_is_the_same_log<F: Future<Output = Subject>>(
    subject: impl Fn(u32, LogLimits) -> F,
) {
    let Subject { log, reopen, _keep } = subject(2, limits()).await;
    let Some(reopen) = reopen else { return };
    let generation = log.generation();
    for append in (0..50).map(|i| log.append(1, record(format!("{i}")))).collect::<Vec<_>>() {
        append.await.unwrap();
    }
    let before = read_all(&*log, 1).await;
    log.shut().await;
    drop(log);
    let log = reopen().await;
    assert_eq!((log.generation(), log.partitions()), (generation, 2));
    assert_eq!(read_all(&*log, 1).await, before);
    log.append(1, record("more")).await.unwrap();
    let after = read_all(&*log, 1).await;
    assert_eq!((&after[..50], &after[50].value[..]), (&before[..], &b"more"[..]));
}
