//! The reader has one client for all partitions of `votes`, each with a queue of its own.
//!
//! A caller who goes on where the last read stopped finds the next records fetched ahead. For
//! another offset the queue is positioned anew, after that offset was compared with what the
//! partition holds: missing records are reported, never skipped. Records are consecutive on this
//! topic. Should there be a gap all the same, it is believed only when a second look, from a fresh
//! position, shows the same.

use std::sync::Arc;
use std::time::Duration;

use pollux_core::id::{Offset, Partition};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset as At, TopicPartitionList};
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::client::{Context, PATIENCE, reader_settings};
use crate::config::KafkaConfig;
use crate::log::{ReadError, Record};

/// The time that a partition's leader may take to say where the partition ends.
const LEADER: Duration = Duration::from_secs(2);
/// The most bytes that one read returns, unless its first record alone is longer.
const READ_BYTES: usize = 8 << 20;
/// The pause between two checks whether the reader's thread has to end.
const TICK: Duration = Duration::from_millis(100);

/// A client reads partitions without a consumer group.
type Client = BaseConsumer<Context>;

/// The reader reads `votes`.
pub(super) struct Reader {
    client: Arc<Client>,
    /// A client of its own for questions, because on the other one a question would wait for a
    /// fetch to return.
    questions: Arc<Client>,
    topic: String,
    partitions: Vec<Mutex<PartitionReader>>,
}

/// `Fetched` says whether the client fetches a partition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fetched {
    Never,
    Yes,
    /// The client may or may not fetch it, for example after a failed seek.
    Perhaps,
}

/// `PartitionReader` knows how far one partition is read.
struct PartitionReader {
    queue: PartitionQueue<Context>,
    arrived: Arc<Notify>,
    /// Whether the client has been told to fetch the partition.
    fetched: Fetched,
    /// The offset that the queue will give next; `None` if that is not known.
    next: Option<Offset>,
    /// The partition's end at the last positioning. Records below it are on their way.
    end: Offset,
    /// A gap that was seen once, by the offsets before and after it.
    gap: Option<(Offset, Offset)>,
}

/// `Polled` is what was found in the queue.
enum Polled {
    Nothing,
    Record(Record),
    /// The record after a gap.
    Gap(Record),
    Failed(KafkaError),
}

impl Reader {
    /// Connects, and serves the client's callbacks until `stop`.
    pub(super) fn start(
        config: &KafkaConfig,
        topic: String,
        partitions: u32,
        stop: CancellationToken,
    ) -> Result<Self, KafkaError> {
        let mut settings = reader_settings(config);
        settings
            .set("queued.max.messages.kbytes", (config.read_ahead / 1024).max(1).to_string())
            .set("fetch.message.max.bytes", config.read_ahead.min(1 << 20).to_string());
        let client: Arc<Client> = Arc::new(settings.create_with_context(Context)?);
        let questions: Arc<Client> =
            Arc::new(settings.remove("group.id").create_with_context(Context)?);
        // The queues are split before anything is fetched, so that nothing of any partition goes to
        // the common queue.
        let partitions = (0..partitions).map(|partition| {
            let queue = client.split_partition_queue(&topic, partition as i32);
            let mut queue = queue.expect("a topic's name and a partition are valid");
            let arrived = Arc::new(Notify::new());
            let notify = arrived.clone();
            queue.set_nonempty_callback(move || notify.notify_one());
            let (next, gap) = (None, None);
            Mutex::new(PartitionReader {
                queue,
                arrived,
                fetched: Fetched::Never,
                next,
                end: 0,
                gap,
            })
        });
        let partitions = partitions.collect();
        let (served, asked) = (client.clone(), questions.clone());
        std::thread::Builder::new()
            .name("kafka-reader".into())
            .spawn(move || {
                while !stop.is_cancelled() {
                    // Records go to the partitions' queues; errors have been logged.
                    let _ = served.poll(TICK);
                    let _ = asked.poll(Duration::ZERO);
                }
            })
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self { client, questions, topic, partitions })
    }

    /// Reads records; see [`crate::log::Log::read`].
    pub(super) async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError> {
        let none = ReadError::OutOfRange { partition, from, end: 0 };
        let mut reader = self.partitions.get(partition as usize).ok_or(none)?.lock().await;
        if most == 0 {
            return Ok(Vec::new());
        }
        let begun = Instant::now();
        loop {
            if reader.next != Some(from) {
                self.position(&mut reader, partition, from).await?;
            }
            // What is taken from the queue is lost if this future is dropped before it returns.
            reader.next = None;
            let gap = reader.gap.take();
            let patience = if from < reader.end { wait.max(PATIENCE) } else { wait };
            match reader.await_one(from, begun + patience).await {
                Polled::Nothing if from < reader.end => {
                    let why =
                        format!("offset {from} of partition {partition} was not received in time");
                    return Err(ReadError::Unavailable(why));
                }
                Polled::Nothing => {
                    reader.next = Some(from);
                    return Ok(Vec::new());
                }
                Polled::Gap(record) if gap != Some((from, record.offset)) => {
                    reader.gap = Some((from, record.offset));
                }
                Polled::Record(record) | Polled::Gap(record) => {
                    return Ok(reader.fill(record, most).await);
                }
                Polled::Failed(error) => return Err(self.failed(&error, partition, from).await),
            }
        }
    }

    /// Returns a partition's end; see [`crate::log::Log::end`].
    pub(super) async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        if partition as usize >= self.partitions.len() {
            return Err(ReadError::OutOfRange { partition, from: 0, end: 0 });
        }
        self.range(partition).await.map(|(_, end)| end)
    }

    /// Returns the first offset kept, and the one after the last.
    async fn range(&self, partition: Partition) -> Result<(Offset, Offset), ReadError> {
        let topic = self.topic.clone();
        let ask = move |client: &Client| {
            let watermarks = || client.fetch_watermarks(&topic, partition as i32, LEADER);
            // The client may have asked a dead leader, which never answers. It must then be told to
            // ask who leads now.
            watermarks().or_else(|_| {
                client.fetch_metadata(Some(&topic), PATIENCE)?;
                watermarks()
            })
        };
        let (low, high) = blocking(&self.questions, ask).await?;
        match (low.try_into(), high.try_into()) {
            (Ok(low), Ok(high)) => Ok((low, high)),
            _ => Err(ReadError::Unavailable(format!("partition {partition}: no end is known"))),
        }
    }

    /// Positions the queue at this offset.
    async fn position(
        &self,
        reader: &mut PartitionReader,
        partition: Partition,
        from: Offset,
    ) -> Result<(), ReadError> {
        let (low, end) = self.range(partition).await?;
        if from > end || from < low {
            return Err(ReadError::OutOfRange { partition, from, end });
        }
        let (topic, fetched) = (self.topic.clone(), reader.fetched);
        reader.fetched = Fetched::Perhaps;
        blocking(&self.client, move |client| {
            let (at, partition) = (At::Offset(from as i64), partition as i32);
            if fetched == Fetched::Yes {
                return client.seek(&topic, partition, at, PATIENCE);
            }
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&topic, partition, at)?;
            if fetched == Fetched::Perhaps {
                let _ = client.incremental_unassign(&list);
            }
            client.incremental_assign(&list)
        })
        .await?;
        reader.fetched = Fetched::Yes;
        reader.end = end;
        Ok(())
    }

    /// Returns what an error of the queue means.
    async fn failed(&self, error: &KafkaError, partition: Partition, from: Offset) -> ReadError {
        if let Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) =
            error.rdkafka_error_code()
        {
            match self.range(partition).await {
                Ok((low, end)) if from > end || from < low => {
                    return ReadError::OutOfRange { partition, from, end };
                }
                // A new leader may be a moment behind.
                Ok(_) => {}
                Err(error) => return error,
            }
        }
        ReadError::Unavailable(error.to_string())
    }
}

/// Asks the brokers something, and waits for the answer.
async fn blocking<T: Send + 'static>(
    client: &Arc<Client>,
    ask: impl FnOnce(&Client) -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, ReadError> {
    let client = client.clone();
    let asked = tokio::task::spawn_blocking(move || ask(&client)).await;
    let unavailable = |why: &dyn std::fmt::Display| ReadError::Unavailable(why.to_string());
    asked.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))
}

impl PartitionReader {
    /// Polls the queue until it holds something or the time has come.
    async fn await_one(&mut self, from: Offset, until: Instant) -> Polled {
        loop {
            match self.poll(from) {
                Polled::Nothing => {}
                found => return found,
            }
            if timeout_at(until, self.arrived.notified()).await.is_err() {
                return self.poll(from);
            }
        }
    }

    /// Polls the queue once, dropping what lies before `from`, which is left over from an earlier
    /// position.
    fn poll(&self, from: Offset) -> Polled {
        loop {
            match self.queue.poll(Duration::ZERO) {
                None => return Polled::Nothing,
                Some(Err(error)) => return Polled::Failed(error),
                Some(Ok(message)) => match record(&message) {
                    found if found.offset < from => {}
                    found if found.offset > from => return Polled::Gap(found),
                    found => return Polled::Record(found),
                },
            }
        }
    }

    /// Returns the first record and those that follow it. These are all records that are in the
    /// queue, and all that the partition had when the client was positioned in it.
    async fn fill(&mut self, first: Record, most: usize) -> Vec<Record> {
        let until = Instant::now() + PATIENCE;
        let mut bytes = first.key.len() + first.value.len();
        let mut next = first.offset + 1;
        let mut records = vec![first];
        while records.len() < most && bytes < READ_BYTES {
            let found = match self.poll(next) {
                Polled::Nothing if next < self.end => self.await_one(next, until).await,
                found => found,
            };
            match found {
                Polled::Record(record) => {
                    bytes += record.key.len() + record.value.len();
                    next = record.offset + 1;
                    records.push(record);
                }
                Polled::Nothing => break,
                // The next read takes a fresh look.
                Polled::Gap(_) | Polled::Failed(_) => return records,
            }
        }
        self.next = Some(next);
        records
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let bytes = |bytes: Option<&[u8]>| bytes.map(bytes::Bytes::copy_from_slice);
    Record {
        offset: message.offset() as Offset,
        key: bytes(message.key()).unwrap_or_default(),
        value: bytes(message.payload()).unwrap_or_default(),
    }
}
