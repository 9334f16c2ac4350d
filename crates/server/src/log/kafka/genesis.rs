//! The genesis records say which log this is.
//!
//! Offset 0 of every partition of `votes` holds a genesis record, and all of them name the same
//! generation. Several processes may find a new topic at once, and any may die half way, so
//! **partition 0 elects**: a process that wants to begin the log appends a proposal there. The
//! generation of the *first* record on partition 0, in Kafka's order, is the log's, whoever
//! proposed it. Only after reading it back does a process write to another partition, and it writes
//! only this generation. So there are never two generations, and that depends on no timing.
//!
//! Timing only keeps the log tidy: the process that created the topics begins at once, all others
//! wait a while first. If two begin all the same, a second proposal is left over on partition 0, or
//! the same genesis record twice on another partition. The fold treats all but the first as stray,
//! and no vote is affected. Votes come later: a node takes none before it has read the genesis
//! record of every partition.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pollux_core::id::{Generation, Partition};
use pollux_core::record::{Entry, Genesis};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset as At, TopicPartitionList};

use super::OpenError;
use super::client::{Context, PATIENCE, reader_settings, settings};
use crate::config::KafkaConfig;
use crate::log::control::genesis;

/// The time for which other processes wait for the creator of the topics.
const WAIT_FOR_CREATOR: Duration = Duration::from_secs(3);
/// The time that a new log may take to begin; after that something is wrong with the brokers.
const DEADLINE: Duration = Duration::from_secs(30);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Returns the log's generation, and elects one if there is none yet. `proposal` is this process's
/// own, should it be needed; `creator` says whether this process created the topic.
pub(super) async fn elect(
    config: &KafkaConfig,
    topic: &str,
    partitions: u32,
    proposal: Generation,
    creator: bool,
) -> Result<Generation, OpenError> {
    let begun = Instant::now();
    let wait = if creator { Duration::ZERO } else { WAIT_FOR_CREATOR };
    loop {
        let first = match look(config, topic, partitions).await {
            // A broker that has only just started may answer that it knows no such topic.
            Err(OpenError::Kafka(why)) if begun.elapsed() < DEADLINE => {
                tracing::info!(why, "the genesis records cannot be read yet; asking again");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            first => first?,
        };
        let elected = check(topic, partitions, &first)?;
        let missing: Vec<_> = (0..partitions).filter(|p| !first.contains_key(p)).collect();
        if let (Some(generation), true) = (elected, missing.is_empty()) {
            return Ok(generation);
        }
        if begun.elapsed() > DEADLINE {
            let why = format!("partitions {missing:?} of {topic} have no genesis record yet");
            return Err(OpenError::Kafka(why));
        }
        if begun.elapsed() < wait {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        match elected {
            Some(generation) => write(config, topic, &missing, generation, partitions).await,
            None => write(config, topic, &[0], proposal, partitions).await,
        }
    }
}

/// Returns the log's generation if it has begun; writes nothing.
pub(super) async fn read(
    config: &KafkaConfig,
    topic: &str,
    partitions: u32,
) -> Result<Option<Generation>, OpenError> {
    check(topic, partitions, &look(config, topic, partitions).await?)
}

/// Reads the first record of every partition; see [`first_records`].
async fn look(
    config: &KafkaConfig,
    topic: &str,
    partitions: u32,
) -> Result<BTreeMap<Partition, Option<Genesis>>, OpenError> {
    let (config, topic) = (config.clone(), topic.to_owned());
    let read = move || first_records(&config, &topic, partitions);
    let looked = tokio::task::spawn_blocking(read).await;
    looked.map_err(|error| OpenError::Kafka(error.to_string()))?
}

/// Checks that this is still the whole log of that generation. It blocks.
pub(super) fn confirm(
    config: &KafkaConfig,
    topic: &str,
    partitions: u32,
    generation: Generation,
) -> Result<(), String> {
    let first = first_records(config, topic, partitions).map_err(|error| error.to_string())?;
    let mut expected =
        (0..partitions).map(|n| (n, Some(Genesis { generation, partition: n, partitions })));
    match expected.all(|(n, genesis)| first.get(&n) == Some(&genesis)) {
        true => Ok(()),
        false => Err(format!(
            "{topic} was deleted, and the topic there now is not the log {generation}: restore it \
             from a backup, or begin with an empty store too, and start again"
        )),
    }
}

/// Returns the generation that partition 0 elected, if the first records agree with it.
fn check(
    topic: &str,
    partitions: u32,
    first: &BTreeMap<Partition, Option<Genesis>>,
) -> Result<Option<Generation>, OpenError> {
    let elected = first.get(&0).copied().flatten().map(|genesis| genesis.generation);
    let mut faults = Vec::new();
    for (&partition, &found) in first {
        let generation = elected.or(found.map(|genesis| genesis.generation));
        let wanted = generation.map(|generation| Genesis { generation, partition, partitions });
        match found {
            Some(_) if found == wanted && elected.is_some() => {}
            Some(Genesis { partitions: then, .. }) if then != partitions => faults.push(format!(
                "partition {partition} of {topic} was one of {then}, and now there are \
                 {partitions}: votes would be looked for in the wrong place"
            )),
            Some(_) => faults.push(format!(
                "the genesis record of partition {partition} of {topic} contradicts that of 0"
            )),
            None => faults.push(format!(
                "partition {partition} of {topic} does not begin with a genesis record: it is \
                 not of Pollux, or its beginning was removed"
            )),
        }
    }
    if faults.is_empty() { Ok(elected) } else { Err(OpenError::Refused(faults)) }
}

/// Reads the first record of every partition that has any; `None` stands for one that is no genesis
/// record.
fn first_records(
    config: &KafkaConfig,
    topic: &str,
    partitions: u32,
) -> Result<BTreeMap<Partition, Option<Genesis>>, OpenError> {
    let client: BaseConsumer<Context> = reader_settings(config).create_with_context(Context)?;
    let (mut first, mut list) = (BTreeMap::new(), TopicPartitionList::new());
    for partition in 0..partitions {
        let (low, high) = client.fetch_watermarks(topic, partition as i32, PATIENCE)?;
        if low > 0 {
            first.insert(partition, None);
        } else if high > 0 {
            list.add_partition_offset(topic, partition as i32, At::Offset(0))?;
        }
    }
    let wanted = first.len() + list.count();
    client.assign(&list)?;
    let deadline = Instant::now() + DEADLINE;
    while first.len() < wanted {
        match client.poll(PAUSE) {
            Some(Ok(message)) => {
                let genesis = match message.payload().map(Entry::decode) {
                    Some(Ok(Entry::Genesis(genesis))) if message.offset() == 0 => Some(genesis),
                    _ => None,
                };
                first.entry(message.partition() as Partition).or_insert(genesis);
            }
            None if Instant::now() < deadline => {}
            // The client tries again by itself.
            Some(Err(_)) if Instant::now() < deadline => {}
            _ => return Err(OpenError::Kafka(format!("{topic} cannot be read"))),
        }
    }
    Ok(first)
}

/// Appends genesis records. Success is not reported, because the caller reads them back.
async fn write(
    config: &KafkaConfig,
    topic: &str,
    to: &[Partition],
    generation: Generation,
    partitions: u32,
) {
    let mut settings = settings(config);
    settings.set("enable.idempotence", "true").set("message.timeout.ms", "5000");
    let producer = settings.create_with_context::<_, FutureProducer<Context>>(Context);
    let written = async {
        let producer = producer?;
        for &partition in to {
            let record = genesis(generation, partition, partitions);
            let record = FutureRecord::to(topic)
                .partition(partition as i32)
                .key(&record.key[..])
                .payload(&record.value[..]);
            producer.send(record, PATIENCE).await.map_err(|(error, _)| error)?;
        }
        Ok::<_, KafkaError>(())
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, "the genesis records are not written yet");
    }
}
