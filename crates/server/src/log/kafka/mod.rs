//! The log of a cluster is the topic `votes` on Kafka.
//!
//! [`listing`] lists the topics that exist, [`topics`] creates and checks them, [`flush`] has
//! brokers flush the votes, and [`genesis`] says which log they are. Then [`producer`] appends
//! through a [`lane`] per partition, [`reader`] reads, [`group`] distributes the partitions,
//! [`feed`] hears announcements, and [`dead`] copies dead records. [`health`] checks whether votes
//! would be taken, and [`consumer`] is for people who look on. [`client`] is what all of these have
//! in common. Nothing outside this folder depends on how Kafka works, and nothing in it counts
//! votes.

mod client;
pub mod consumer;
mod dead;
mod feed;
pub mod flush;
mod genesis;
mod group;
mod health;
mod lane;
mod listing;
mod producer;
mod reader;
pub mod topics;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, Offset, Partition};
use rdkafka::error::KafkaError;
use tokio_util::sync::CancellationToken;

use self::health::Health;
use self::listing::Names;
use self::producer::{Producer, To};
use self::reader::Reader;
use self::topics::Prepared;
use super::{Append, AppendError, DeadRecord, Feed, Log, Membership, NewRecord, ReadError, Record};
use crate::ambient::SharedAmbient;
use crate::config::{KafkaConfig, LogLimits};

/// The most announcements, or dead records, that one caller queues at once; the rest follow when
/// these are delivered.
const AT_ONCE: usize = 1024;

/// `OpenError` says why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings contradict each other.
    #[error("{0}")]
    Settings(String),
    /// The topics break the promise; each fault has its own line.
    #[error("the topics on Kafka cannot be used:\n  - {}", .0.join("\n  - "))]
    Refused(Vec<String>),
    /// What was asked for does not exist.
    #[error("{0}")]
    Missing(String),
    /// Kafka cannot be reached, or does not do what it should.
    #[error("Kafka: {0}")]
    Kafka(String),
}

impl OpenError {
    /// Returns the error of a question that none of the named brokers has answered.
    fn no_answer(config: &KafkaConfig, error: &KafkaError) -> Self {
        Self::Kafka(format!(
            "no answer from {} ({error}); is KAFKA_BROKER right, and are POLLUX_KAFKA_TLS and \
             POLLUX_KAFKA_SASL as the brokers want them?",
            config.broker.join(",")
        ))
    }
}

impl From<KafkaError> for OpenError {
    fn from(error: KafkaError) -> Self {
        match error {
            // librdkafka does not accept the settings, for example a file that is no certificate.
            KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) => {
                Self::Settings(format!("the settings for Kafka: {error}"))
            }
            _ => Self::Kafka(error.to_string()),
        }
    }
}

/// `KafkaLog` is a process's connection to the log.
pub struct KafkaLog {
    config: KafkaConfig,
    /// Most announcements that a feed may be behind.
    feed: usize,
    prepared: Prepared,
    producer: Arc<Producer>,
    reader: Option<Reader>,
    health: Arc<Health>,
    stop: CancellationToken,
    /// The token that `shut` cancels, so that members leave the group.
    leave: CancellationToken,
}

impl KafkaLog {
    /// Connects, and creates topics that do not exist. It must be called inside the runtime that
    /// will await the appends.
    pub async fn open(
        config: &KafkaConfig,
        limits: &LogLimits,
        ambient: SharedAmbient,
    ) -> Result<Arc<Self>, OpenError> {
        let prepared = topics::create(config, &*ambient).await?;
        for fault in &prepared.faults {
            tracing::warn!("the promise does not hold: {fault}");
        }
        for warning in &prepared.warnings {
            tracing::warn!("{warning}");
        }
        let stop = CancellationToken::new();
        // A failure below this line ends what was begun.
        let begun = stop.clone().drop_guard();
        let (names, partitions) = (&prepared.names, prepared.partitions);
        let producer = Producer::start(config, limits, names, partitions, stop.clone())?;
        let reader = Reader::start(config, names.votes.clone(), partitions, stop.clone())?;
        let (producer, health) = (Arc::new(producer), Arc::new(Health::new()));
        let log = (config.clone(), prepared.clone());
        let watch = health::watch(health.clone(), producer.clone(), log, stop.clone());
        tokio::spawn(watch);
        begun.disarm();
        Ok(Arc::new(Self {
            config: config.clone(),
            feed: limits.feed,
            prepared,
            producer,
            reader: Some(reader),
            health,
            leave: stop.child_token(),
            stop,
        }))
    }

    /// Opens the log as it stands, for reading only: nothing is created and nothing written.
    pub async fn open_read_only(config: &KafkaConfig) -> Result<LogReader, OpenError> {
        LogReader::open(config).await
    }

    /// Returns what the topics are like, and whether they keep the promise.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    fn reader(&self) -> &Reader {
        self.reader.as_ref().expect("it is there until the log is dropped")
    }
}

/// The reader has a log open for reading only.
pub struct LogReader {
    generation: Generation,
    partitions: u32,
    reader: Option<Reader>,
    stop: CancellationToken,
}

impl LogReader {
    async fn open(config: &KafkaConfig) -> Result<Self, OpenError> {
        client::check(config)?;
        let names = Names::new(&config.topic_prefix);
        let topics = listing::list(config, &names).await?;
        let votes = names.votes;
        let brokers = config.broker.join(",");
        let missing = |what| OpenError::Missing(format!("{what} {votes} on {brokers}"));
        let found = topics.iter().find(|topic| topic.name == votes);
        let partitions = found.ok_or_else(|| missing("there is no topic"))?.partitions.len() as u32;
        let generation = topics::generation(config, &topics).await?;
        let generation = generation.ok_or_else(|| missing("no log has begun on"))?;
        let stop = CancellationToken::new();
        let reader = Some(Reader::start(config, votes, partitions, stop.clone())?);
        Ok(Self { generation, partitions, reader, stop })
    }

    /// Returns the generation of the log.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns the number of partitions.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Returns the offset that the next durable record will get, as of now.
    pub async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        self.reader().end(partition).await
    }

    /// Reads up to `most` records from `from` on; returns an empty list at the end.
    pub async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
    ) -> Result<Vec<Record>, ReadError> {
        self.reader().read(partition, from, most, Duration::ZERO).await
    }

    fn reader(&self) -> &Reader {
        self.reader.as_ref().expect("it is there until this is dropped")
    }
}

impl Drop for LogReader {
    fn drop(&mut self) {
        self.stop.cancel();
        let reader = self.reader.take();
        std::thread::spawn(move || drop(reader));
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.stop.cancel();
        // Closing a client waits for its threads, and this may run on a thread of the runtime.
        let reader = self.reader.take();
        std::thread::spawn(move || drop(reader));
    }
}

#[async_trait]
impl Log for KafkaLog {
    fn generation(&self) -> Generation {
        self.prepared.generation
    }

    fn partitions(&self) -> u32 {
        self.prepared.partitions
    }

    fn append(&self, partition: Partition, record: NewRecord) -> Append {
        if partition >= self.partitions() {
            return Append::refused(format!("there is no partition {partition}"));
        }
        match self.health.takes(partition) {
            Ok(()) => self.producer.append(partition, record),
            Err(why) => Append::refused(why),
        }
    }

    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError> {
        self.reader().read(partition, from, most, wait).await
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        self.reader().end(partition).await
    }

    async fn join(&self) -> Result<Box<dyn Membership>, ReadError> {
        let joined = group::join(&self.config, &self.prepared.names.votes, &self.leave);
        let member = joined.map_err(|error| ReadError::Unavailable(error.to_string()))?;
        Ok(Box::new(member))
    }

    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), AppendError> {
        for some in announcements.chunks(AT_ONCE) {
            let sent = some.iter().map(|announcement| {
                let topic = match announcement {
                    Announcement::Poll(_) | Announcement::Event(_) => To::Polls,
                    Announcement::Tally(_) | Announcement::Progress { .. } => To::Tallies,
                };
                self.producer.announce(topic, announcement.key(), announcement.encode())
            });
            for delivery in sent.collect::<Vec<_>>() {
                delivery.await?;
            }
        }
        Ok(())
    }

    async fn copy_dead(
        &self,
        partition: Partition,
        dead: Vec<DeadRecord>,
    ) -> Result<(), AppendError> {
        let generation = self.generation();
        for some in dead.chunks(AT_ONCE) {
            let copies = some.iter().map(|record| dead::copy(generation, partition, record));
            let sent = copies.map(|copy| self.producer.copy(copy));
            for delivery in sent.collect::<Vec<_>>() {
                delivery.await?;
            }
        }
        Ok(())
    }

    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError> {
        let (config, names) = (self.config.clone(), self.prepared.names.clone());
        let (most, stop) = (self.feed, self.stop.clone());
        let listening =
            tokio::task::spawn_blocking(move || feed::listen(&config, &names, most, &stop)).await;
        let unavailable = |why: &dyn std::fmt::Display| ReadError::Unavailable(why.to_string());
        let feed = listening.map_err(|error| unavailable(&error))?;
        Ok(Box::new(feed.map_err(|error| unavailable(&error))?))
    }

    fn ready(&self) -> Result<(), String> {
        self.producer.ready()?;
        self.health.ready()?;
        self.producer.silence().map_or(Ok(()), Err)
    }

    fn hindrance(&self) -> Option<String> {
        let hindrance = self.producer.hindrance().or_else(|| self.health.hindrance());
        // Silence passes by itself only if the log is not gone for good.
        match self.health.ready() {
            Ok(()) => hindrance.or_else(|| self.producer.silence()),
            Err(_) => hindrance,
        }
    }

    fn weakness(&self) -> Option<String> {
        let Prepared { faults, warnings, .. } = &self.prepared;
        let all: Vec<_> = faults.iter().chain(warnings).map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    async fn shut(&self) {
        self.leave.cancel();
        self.producer.shut().await;
    }
}
