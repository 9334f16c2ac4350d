//! Reading any topic of ours for a person who looks on: `pollux consume`, `pollux trace`. Alone it
//! leaves no trace on the brokers; in a group it commits offsets of that group. No node uses it:
//! the processor reads through [`super::reader`], and its offsets are the store's.

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

/// Records read ahead of whoever prints them.
const AHEAD: usize = 1024;
/// How often the thread looks whether anybody still listens.
const TICK: Duration = Duration::from_millis(100);
/// What the names of the groups end with that are Pollux's own.
const OURS: [&str; 2] = ["pollux-processors", "pollux-readers"];

/// What to read.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of this topic, by its whole name.
    pub topic: String,
    /// Of this partition, or of all.
    pub partition: Option<Partition>,
    /// Where to begin; in a group only where it has committed nothing yet.
    pub start: Start,
    /// As a member of this group.
    pub group: Option<String>,
    /// Whether to wait for more at the end.
    pub follow: bool,
}

/// Where to begin in each partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first record kept.
    Beginning,
    /// After the last record that is there now.
    End,
    /// At this offset.
    Offset(Offset),
    /// This many records before the end.
    Last(u64),
    /// At the first record that a broker appended at this time or later.
    Since(UnixMillis),
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consumed {
    /// A record.
    Record(TopicRecord),
    /// The partitions this member of the group holds now.
    Assigned(Vec<Partition>),
}

/// A record of any topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicRecord {
    /// Its partition.
    pub partition: Partition,
    /// Its place in it.
    pub offset: Offset,
    /// When the broker appended it (or when it was made, if the topic keeps that instead).
    pub at: Option<UnixMillis>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; none is a tombstone.
    pub value: Option<Bytes>,
    /// What stands beside it, by name.
    pub headers: Vec<(String, Bytes)>,
}

/// Reads a topic. Dropping it leaves the group.
pub struct Consumer {
    topic: String,
    client: Arc<BaseConsumer<Assignment>>,
    grouped: bool,
    events: mpsc::Receiver<Result<Consumed, OpenError>>,
    thread: JoinHandle<()>,
    stop: DropGuard,
}

/// Notices when the group gives and takes partitions.
#[derive(Default)]
struct Assignment {
    changes: AtomicU64,
}

impl ClientContext for Assignment {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::report(&error, reason);
    }
}

impl ConsumerContext for Assignment {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}

impl Consumer {
    /// Connect, and find where to begin. A topic or an offset that is not there is an error.
    pub async fn open(config: &KafkaConfig, plan: Plan) -> Result<Self, OpenError> {
        client::check(config)?;
        let config = config.clone();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&config, plan)).await;
        opened.map_err(|error| OpenError::Kafka(error.to_string()))?
    }

    fn open_blocking(config: &KafkaConfig, plan: Plan) -> Result<Self, OpenError> {
        let settings = match &plan.group {
            None => reader_settings(config),
            Some(group) => member_settings(config, group, plan.start)?,
        };
        let mut settings = settings;
        settings.set("enable.partition.eof", (!plan.follow).to_string());
        let client: Arc<BaseConsumer<Assignment>> =
            Arc::new(settings.create_with_context(Assignment::default())?);
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

    /// The next event; `None` at the end, if the plan was not to follow. Safe to cancel.
    pub async fn next(&mut self) -> Result<Option<Consumed>, OpenError> {
        self.events.recv().await.transpose()
    }

    /// Whether nothing is waiting to be told.
    pub fn is_idle(&self) -> bool {
        self.events.is_empty()
    }

    /// The partition's records up to this one were dealt with: the group need not be given them
    /// again.
    pub fn done(&self, partition: Partition, offset: Offset) {
        if self.grouped {
            // Of a partition that was taken away meanwhile there is nothing to be noted.
            let _ = self.client.store_offset(&self.topic, partition as i32, offset as i64);
        }
    }

    /// Commit what is done, and leave the group.
    pub async fn close(self) -> Result<(), OpenError> {
        let Self { client, grouped, events, thread, stop, .. } = self;
        let closing = move || {
            drop((stop, events));
            // It ends within a tick; had it panicked, there is nothing to be saved.
            let _ = thread.join();
            match client.commit_consumer_state(CommitMode::Sync) {
                _ if !grouped => Ok(()),
                // Nothing new.
                Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
                done => done,
            }
        };
        let closed = tokio::task::spawn_blocking(closing).await;
        Ok(closed.map_err(|error| OpenError::Kafka(error.to_string()))??)
    }
}

/// The thread that reads.
struct Reading {
    topic: String,
    client: Arc<BaseConsumer<Assignment>>,
    told: mpsc::Sender<Result<Consumed, OpenError>>,
    stop: CancellationToken,
    follow: bool,
    /// Where the partitions ended when we came to them: one that does not follow reads so far. To
    /// wait for all to be read whole at once would take for ever while they grow.
    ends: BTreeMap<Partition, i64>,
    /// Partitions that have been read so far.
    ended: BTreeSet<Partition>,
    /// Those to read; in a group unknown until it says so.
    held: Option<BTreeSet<Partition>>,
    /// Changes of the assignment that were told.
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

    /// Ask where the partitions end whose end is not known; what fails is asked again.
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

    /// What the group has given us, if that has changed.
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

/// Whether an error will not pass by itself.
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

/// A member of somebody's group. What was printed is committed every few seconds, when the group
/// takes a partition away, and at the end.
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

/// The partitions to read.
fn partitions(
    client: &BaseConsumer<Assignment>,
    config: &KafkaConfig,
    plan: &Plan,
) -> Result<Vec<Partition>, OpenError> {
    // All topics: to ask for one may make it.
    let metadata = client
        .fetch_metadata(None, PATIENCE)
        .map_err(|error| OpenError::no_answer(config, &error))?;
    let topic = &plan.topic;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let all = found.map(|found| found.partitions().len() as u32).filter(|all| *all > 0);
    let all = all.ok_or_else(|| {
        OpenError::Missing(format!(
            "there is no topic {topic} on {}; `pollux topics create` makes it",
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

/// Where reading alone begins. An offset past the end of one of several partitions means its end.
fn positions(
    client: &BaseConsumer<Assignment>,
    plan: &Plan,
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

/// The first offset kept, and the one after the last. A new leader may need a moment.
fn range(
    client: &BaseConsumer<Assignment>,
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

/// Of each partition the first offset of this time or later, if there is one.
fn offsets_at(
    client: &BaseConsumer<Assignment>,
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
