//! The search finds the records of a ballot: in a folder it reads all of the log, on Kafka the topic from
//! about the time that the ballot's id carries.

use bytes::Bytes;
use pollux_core::announcement::Announcement;
use pollux_core::ballot::Ballot;
use pollux_core::id::{BallotId, Offset, Partition, PollId, UnixMillis};
use pollux_core::record::Entry;
use pollux_server::config::Config;
use pollux_server::log::kafka::consumer::{Consumed, Consumer, ReadPlan, Start, TopicRecord};

use crate::exit::Outcome;
use crate::kafka::{self, Topic};
use crate::source::LogReader;
use crate::terminal;

/// Records are read this many at a time.
const BATCH: usize = 8_192;
/// The clocks of phones, nodes and brokers are believed to differ by no more than this, in milliseconds.
const CLOCKS: u64 = 60_000;

/// `Found` is a record of the ballot. A ballot that was sent again may have several.
pub struct Found {
    /// The record's partition.
    pub partition: Partition,
    /// The record's offset.
    pub offset: Offset,
    /// The ballot that the record holds.
    pub ballot: Ballot,
    /// The time at which the partition's leader appended it, if it is on Kafka.
    pub appended: Option<UnixMillis>,
}

/// Returns the ballot that a record holds, if it is the one that is traced.
fn read(value: &Bytes, ballot: BallotId) -> Option<Ballot> {
    match Entry::decode(value) {
        Ok(Entry::Ballot(entry)) if entry.id == ballot => Some(entry),
        _ => None,
    }
}

/// Returns every record of the ballot in a folder, in log order within each partition.
pub async fn in_folder(log: &LogReader, ballot: BallotId) -> Outcome<Vec<Found>> {
    let mut found = Vec::new();
    for partition in 0..log.partitions() {
        let end = log.end(partition).await?;
        let bar = terminal::progress(Some(end), "records");
        let mut from = 0;
        while from < end {
            let records = log.read(partition, from, BATCH).await?;
            let Some(last) = records.last() else { break };
            from = last.offset + 1;
            found.extend(records.iter().filter_map(|record| {
                let ballot = read(&record.value, ballot)?;
                Some(Found { partition, offset: record.offset, ballot, appended: None })
            }));
            bar.set_position(from);
        }
        bar.finish_and_clear();
    }
    Ok(found)
}

/// Returns every record of the ballot on Kafka, in log order within each partition. Nobody appends a ballot
/// before its id was made, and an id may not be far ahead of the clock. But a foreign producer may choose any
/// id, so all of the topic is read before the search says that there is none.
pub async fn on_kafka(config: &Config, ballot: BallotId) -> Outcome<Vec<Found>> {
    let slack = config.api.ahead.as_millis() as u64 + CLOCKS;
    let since = UnixMillis(ballot.time().0.saturating_sub(slack));
    let mut found = scan(config, Start::Since(since), ballot).await?;
    if found.is_empty() {
        found = scan(config, Start::Beginning, ballot).await?;
    }
    found.sort_by_key(|found| (found.partition, found.offset));
    Ok(found)
}

async fn scan(config: &Config, start: Start, ballot: BallotId) -> Outcome<Vec<Found>> {
    let mut found = Vec::new();
    let bar = terminal::progress(None, "records");
    each(config, Topic::Votes, start, |record| {
        bar.inc(1);
        let TopicRecord { partition, offset, at: appended, value: Some(value), .. } = record else {
            return false;
        };
        let entry = read(&value, ballot);
        found.extend(entry.map(|ballot| Found { partition, offset, ballot, appended }));
        false
    })
    .await?;
    bar.finish_and_clear();
    Ok(found)
}

/// Returns when the nodes were told of a count that includes this record. The topic is compacted, so that of
/// a vote long ago only a later announcement may be left.
pub async fn announced(
    config: &Config,
    found: &Found,
    since: UnixMillis,
) -> Outcome<Option<UnixMillis>> {
    let (poll, place) = (found.ballot.poll, (found.partition, found.offset));
    let mut told = None;
    let since = Start::Since(UnixMillis(since.0.saturating_sub(CLOCKS)));
    each(config, Topic::Tallies, since, |record| {
        let value = record.value.as_ref().map(|value| Announcement::decode(value));
        let covers =
            value.is_some_and(|value| value.is_ok_and(|value| covers(&value, poll, place)));
        if covers {
            told = record.at;
        }
        covers
    })
    .await?;
    Ok(told)
}

/// Returns whether the announcement covers the record: it is a tally of its poll, or it says that its
/// partition is decided past it, which is all there is if the record changed no tally.
fn covers(
    announcement: &Announcement,
    poll: PollId,
    (partition, offset): (Partition, Offset),
) -> bool {
    match announcement {
        Announcement::Poll(_) | Announcement::Event(_) => false,
        Announcement::Tally(at) => {
            (at.poll, at.partition) == (poll, partition) && at.next_offset > offset
        }
        Announcement::Progress { partition: of, next_offset, .. } => {
            *of == partition && *next_offset > offset
        }
    }
}

/// Passes the records of a topic to `look` until that returns true, or there are no more.
async fn each(
    config: &Config,
    topic: Topic,
    start: Start,
    mut look: impl FnMut(TopicRecord) -> bool,
) -> Outcome {
    let plan = ReadPlan {
        topic: topic.name(&config.kafka.topic_prefix),
        partition: None,
        start,
        group: None,
        follow: false,
    };
    let mut consumer = Consumer::open(&config.kafka, plan).await.map_err(kafka::failure)?;
    while let Some(event) = consumer.next().await.map_err(kafka::failure)? {
        if let Consumed::Record(record) = event
            && look(record)
        {
            break;
        }
    }
    consumer.close().await.map_err(kafka::failure)
}
