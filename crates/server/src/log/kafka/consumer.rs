//! The consumer reads any topic of Pollux for a person who looks on: `pollux consume`, `pollux
//! trace`. Without a group it leaves nothing behind on the brokers; in a group it commits that
//! group's offsets. No node uses it: the processor reads through [`super::reader`], and its offsets
//! are the store's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pollux_core::id::{Offset, Partition, UnixMillis};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset as At, TopicPartitionList};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::OpenError;
use super::client::{self, PATIENCE, reader_settings, settings};
use crate::config::KafkaConfig;

/// The most records that are read ahead of the printing.
const AHEAD: usize = 1024;
/// The pause between two checks whether anybody still listens.
const TICK: Duration = Duration::from_millis(100);
/// The endings of the names of groups that are Pollux's own.
const OURS: [&str; 2] = ["pollux-processors", "pollux-readers"];

/// `ReadPlan` says what to read.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    /// The topic, by its whole name.
    pub topic: String,
    /// The partition, or all of them.
    pub partition: Option<Partition>,
    /// Where to begin; in a group this holds only where the group has committed nothing yet.
    pub start: Start,
    /// The group to be a member of, if any.
    pub group: Option<String>,
    /// Whether to wait for more at the end.
    pub follow: bool,
}

/// The start says where to begin in each partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Reading begins at the first record kept.
    Beginning,
    /// Reading begins after the last record that is there now.
    End,
    /// Reading begins at this offset.
    Offset(Offset),
    /// Reading begins this many records before the end.
    Last(u64),
    /// Reading begins at the first record that a broker appended at this time or later.
    Since(UnixMillis),
}

/// `Consumed` is an event that the consumer reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consumed {
    /// A record was read.
    Record(TopicRecord),
    /// This member of the group now holds these partitions.
    Assigned(Vec<Partition>),
}

/// A topic record is a record of any topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRecord {
    /// The record's partition.
    pub partition: Partition,
    /// The record's place in the partition.
    pub offset: Offset,
    /// The time at which the broker appended it (or at which it was created, if the topic keeps
    /// that instead).
    pub at: Option<UnixMillis>,
    /// The record's key.
    pub key: Option<Bytes>,
    /// The record's value; `None` for a tombstone.
    pub value: Option<Bytes>,
    /// The record's headers, by name.
    pub headers: Vec<(String, Bytes)>,
}

/// The consumer reads a topic. Dropping it leaves the group.
pub struct Consumer {
    topic: String,
    client: Arc<BaseConsumer<ReadAssignment>>,
    grouped: bool,
    events: mpsc::Receiver<Result<Consumed, OpenError>>,
    thread: JoinHandle<()>,
    stop: DropGuard,
}

/// `ReadAssignment` is the client's context, which notices when the group gives and takes partitions.
#[derive(Default)]
struct ReadAssignment {
    changes: AtomicU64,
}

impl ClientContext for ReadAssignment {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::report(&error, reason);
    }
}

impl ConsumerContext for ReadAssignment {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}

impl Consumer {
    /// Connects, and finds where to begin. A topic or an offset that does not exist is an error.
    pub async fn open(config: &KafkaConfig, plan: ReadPlan) -> Result<Self, OpenError> {
        client::check(config)?;
        let config = config.clone();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&config, plan)).await;
        opened.map_err(|error| OpenError::Kafka(error.to_string()))?
    }

    fn open_blocking(config: &KafkaConfig, plan: ReadPlan) -> Result<Self, OpenError> {
        let settings = match &plan.group {
            None => reader_settings(config),
            Some(group) => member_settings(config, group, plan.start)?,
        };
        let mut settings = settings;
        settings.set("enable.partition.eof", (!plan.follow).to_string());
        let client: Arc<BaseConsumer<ReadAssignment>> =
            Arc::new(settings.create_with_context(ReadAssignment::default())?);
        let partitions = partitions(&client, config, &plan)?;
        match plan.group {
            None => client.assign(&positions(&client, &plan, &partitions)?)?,
            Some(_) => client.subscribe(&[&plan.topic])?,
        }
        let (told, events) = mpsc::channel(AHEAD);
        let stop = CancellationToken::new();
        let reading = Reading {
            topic: plan.topic.clone(),
            client: client.clone(),
            told,
            stop: stop.clone(),
            follow: plan.follow,
            ends: BTreeMap::new(),
            ended: BTreeSet::new(),
            held: plan.group.is_none().then(|| partitions.into_iter().collect()),
            seen: 0,
        };
        let thread = std::thread::Builder::new()
            .name("kafka-consumer".into())
            .spawn(move || reading.run())
            .map_err(|error| OpenError::Kafka(error.to_string()))?;
        let (grouped, stop) = (plan.group.is_some(), stop.drop_guard());
        Ok(Self { topic: plan.topic, client, grouped, events, thread, stop })
    }

    /// Returns the next event; `None` at the end, unless the plan says to follow. It is safe to
    /// cancel.
    pub async fn next(&mut self) -> Result<Option<Consumed>, OpenError> {
        self.events.recv().await.transpose()
    }

    /// Returns whether no event is waiting.
    pub fn is_idle(&self) -> bool {
        self.events.is_empty()
    }

    /// Notes that the partition's records up to this one are done, so that the group need not be
    /// given them again.
    pub fn done(&self, partition: Partition, offset: Offset) {
        if self.grouped {
            // Nothing needs to be noted for a partition that was taken away meanwhile.
            let _ = self.client.store_offset(&self.topic, partition as i32, offset as i64);
        }
    }

    /// Commits what is done, and leaves the group.
    pub async fn close(self) -> Result<(), OpenError> {
        let Self { client, grouped, events, thread, stop, .. } = self;
        let closing = move || {
            drop((stop, events));
            // The thread ends within a tick; if it panicked, there is nothing to save.
            let _ = thread.join();
            match client.commit_consumer_state(CommitMode::Sync) {
                _ if !grouped => Ok(()),
                // There was nothing new to commit.
                Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
                done => done,
            }
        };
        let closed = tokio::task::spawn_blocking(closing).await;
        Ok(closed.map_err(|error| OpenError::Kafka(error.to_string()))??)
    }
}

/// `Reading` owns what the reading thread needs.
struct Reading {
    topic: String,
    client: Arc<BaseConsumer<ReadAssignment>>,
    told: mpsc::Sender<Result<Consumed, OpenError>>,
    stop: CancellationToken,
    follow: bool,
    /// The offsets at which the partitions ended when they were first looked at: a consumer that
    /// does not follow reads up to these. Waiting until all partitions are read to their ends at
    /// one moment would take for ever while they grow.
    ends: BTreeMap<Partition, i64>,
    /// The partitions that have been read up to those ends.
    ended: BTreeSet<Partition>,
    /// The partitions to read; in a group unknown until the group has assigned them.
    held: Option<BTreeSet<Partition>>,
    /// The number of assignment changes that were reported.
    seen: u64,
}

impl Reading {
    fn run(mut self) {
        while !self.stop.is_cancelled() {
            let event = match self.client.poll(TICK) {
                None => None,
                Some(Ok(message)) => {
                    let partition = message.partition() as Partition;
                    if self.ends.get(&partition).is_some_and(|end| message.offset() + 1 >= *end) {
                        self.ended.insert(partition);
                    }
                    Some(Ok(Consumed::Record(record(&message))))
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.ended.insert(partition as Partition);
                    None
                }
                Some(Err(error)) => lasting(&error).then(|| Err(error.into())),
            };
            let assigned = self.assignment();
            self.learn_ends();
            for event in assigned.into_iter().chain(event) {
                let last = event.is_err();
                if self.told.blocking_send(event).is_err() || last {
                    return;
                }
            }
            if !self.follow && self.held.as_ref().is_some_and(|held| held.is_subset(&self.ended)) {
                return;
            }
        }
    }

    /// Asks for the unknown ends of partitions; a question that fails is asked again later.
    fn learn_ends(&mut self) {
        if self.follow {
            return;
        }
        for partition in self.held.iter().flatten() {
            if !self.ends.contains_key(partition)
                && let Ok((_, end)) =
                    self.client.fetch_watermarks(&self.topic, *partition as i32, PATIENCE)
            {
                self.ends.insert(*partition, end);
            }
        }
    }

    /// Returns what the group has assigned, if that has changed.
    fn assignment(&mut self) -> Option<Result<Consumed, OpenError>> {
        let changes = self.client.context().changes.load(Ordering::Acquire);
        if changes == self.seen {
            return None;
        }
        self.seen = changes;
        let list = self.client.assignment().ok()?;
        let held: BTreeSet<_> =
            list.elements().iter().map(|e| e.partition() as Partition).collect();
        self.ended.retain(|partition| held.contains(partition));
        if self.held.as_ref() == Some(&held) {
            return None;
        }
        let told = Consumed::Assigned(held.iter().copied().collect());
        self.held = Some(held);
        Some(Ok(told))
    }
}

/// Returns whether an error will not pass by itself.
fn lasting(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(error, KafkaError::MessageConsumptionFatal(_))
        || matches!(
            error.rdkafka_error_code(),
            Some(
                Code::AutoOffsetReset
                    | Code::OffsetOutOfRange
                    | Code::UnknownTopicOrPartition
                    | Code::UnknownTopic
                    | Code::TopicAuthorizationFailed
                    | Code::GroupAuthorizationFailed
                    | Code::SaslAuthenticationFailed
            )
        )
}

fn record(message: &BorrowedMessage<'_>) -> TopicRecord {
    let at = message.timestamp().to_millis();
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let headers = headers.map(|header| {
        (header.key.to_owned(), Bytes::copy_from_slice(header.value.unwrap_or_default()))
    });
    TopicRecord {
        partition: message.partition() as Partition,
        offset: message.offset() as Offset,
        at: at.and_then(|millis| millis.try_into().ok()).map(UnixMillis),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        headers: headers.collect(),
    }
}

/// Returns the settings of a member of a person's own group. What was printed is committed every
/// few seconds, when the group takes a partition away, and at the end.
fn member_settings(
    config: &KafkaConfig,
    group: &str,
    start: Start,
) -> Result<ClientConfig, OpenError> {
    if OURS.iter().any(|ours| *group == format!("{}{ours}", config.topic_prefix)) {
        let why = format!("the group {group} is Pollux's own; name another one");
        return Err(OpenError::Settings(why));
    }
    let reset = match start {
        Start::Beginning => "earliest",
        Start::End => "latest",
        Start::Offset(_) | Start::Last(_) | Start::Since(_) => {
            let why = "a group goes on where it has committed; it can begin at the beginning or at \
                       the end only";
            return Err(OpenError::Settings(why.into()));
        }
    };
    let mut client = settings(config);
    client
        .set("group.id", group)
        .set("auto.offset.reset", reset)
        .set("enable.auto.commit", "true")
        .set("enable.auto.offset.store", "false")
        .set("partition.assignment.strategy", "cooperative-sticky");
    Ok(client)
}

/// Returns the partitions to read.
fn partitions(
    client: &BaseConsumer<ReadAssignment>,
    config: &KafkaConfig,
    plan: &ReadPlan,
) -> Result<Vec<Partition>, OpenError> {
    // All topics are asked for, because asking for one may create it.
    let metadata = client
        .fetch_metadata(None, PATIENCE)
        .map_err(|error| OpenError::no_answer(config, &error))?;
    let topic = &plan.topic;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let all = found.map(|found| found.partitions().len() as u32).filter(|all| *all > 0);
    let all = all.ok_or_else(|| {
        OpenError::Missing(format!(
            "there is no topic {topic} on {}; `pollux topics create` creates it",
            config.broker.join(",")
        ))
    })?;
    match plan.partition {
        None => Ok((0..all).collect()),
        Some(partition) if partition < all => Ok(vec![partition]),
        Some(partition) => Err(OpenError::Missing(format!(
            "there is no partition {partition} of {topic}; there are 0 to {}",
            all - 1
        ))),
    }
}

/// Returns where a consumer without a group begins. An offset past the end of one of several
/// partitions means that partition's end.
fn positions(
    client: &BaseConsumer<ReadAssignment>,
    plan: &ReadPlan,
    partitions: &[Partition],
) -> Result<TopicPartitionList, OpenError> {
    let topic = &plan.topic;
    let since = match plan.start {
        Start::Since(time) => offsets_at(client, topic, partitions, time)?,
        _ => BTreeMap::new(),
    };
    let mut list = TopicPartitionList::new();
    for &partition in partitions {
        let (low, end) = range(client, topic, partition)?;
        let at = match plan.start {
            Start::Beginning => low,
            Start::End => end,
            Start::Last(count) => end.saturating_sub(count).max(low),
            Start::Since(_) => since.get(&partition).copied().unwrap_or(end),
            Start::Offset(offset) if (low..=end).contains(&offset) => offset,
            Start::Offset(_) if plan.partition.is_some() => {
                return Err(OpenError::Missing(format!(
                    "partition {partition} of {topic} holds the offsets {low} up to {end}, the next \
                     to be written"
                )));
            }
            Start::Offset(offset) => offset.clamp(low, end),
        };
        list.add_partition_offset(topic, partition as i32, At::Offset(at as i64))?;
    }
    Ok(list)
}

/// Returns the first offset kept, and the one after the last. A new leader may need a moment to
/// answer.
fn range(
    client: &BaseConsumer<ReadAssignment>,
    topic: &str,
    partition: Partition,
) -> Result<(Offset, Offset), OpenError> {
    let begun = Instant::now();
    loop {
        match client.fetch_watermarks(topic, partition as i32, PATIENCE) {
            Ok((low, end)) => return Ok((low.max(0) as Offset, end.max(0) as Offset)),
            Err(_) if begun.elapsed() < PATIENCE => std::thread::sleep(TICK),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns each partition's first offset of this time or later, if there is one.
fn offsets_at(
    client: &BaseConsumer<ReadAssignment>,
    topic: &str,
    partitions: &[Partition],
    time: UnixMillis,
) -> Result<BTreeMap<Partition, Offset>, OpenError> {
    let mut asked = TopicPartitionList::new();
    for &partition in partitions {
        asked.add_partition_offset(topic, partition as i32, At::Offset(time.0 as i64))?;
    }
    let found = client.offsets_for_times(asked, PATIENCE)?;
    let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match element
        .offset()
    {
        At::Offset(offset) => Some((element.partition() as Partition, offset as Offset)),
        _ => None,
    };
    Ok(found.elements().iter().filter_map(offset).collect())
}
