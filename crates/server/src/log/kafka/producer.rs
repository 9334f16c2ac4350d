//! The sending side: one idempotent producer, its bounds, and the way back of its answers.
//!
//! No future per record: librdkafka's callback puts the outcome into a list, and one task of the
//! runtime wakes whoever waits, many at a time.
//!
//! **What a delivery report says.** librdkafka knows whether a failed record was sent, but its
//! Rust wrapper does not pass it on, so the error code has to do. A record that was queued may
//! have been sent, timed out and queued again; every code that comes of waiting, of a connection
//! or of a purge therefore means *unknown*. Only what a broker answers to these very bytes at
//! every attempt, too large or malformed, means *not recorded*. So does a refusal to queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use pollux_core::id::{Partition, Position};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::client::{self, settings};
use super::dead::Copy;
use crate::config::{KafkaConfig, LogLimits};
use crate::log::{Append, AppendError, NewRecord};

/// Room in librdkafka's queue beside votes: announcements, which wait for their delivery.
const ANNOUNCEMENTS: usize = 65_536;
/// Between two looks whether the producer can go on, besides being told.
const LOOK: Duration = Duration::from_secs(1);
/// Pause before a producer that cannot be made is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Why appends are refused after a stop.
const SHUT: &str = "the log is shut";

type Outcome = Result<Position, AppendError>;

/// Sends records, and tells what became of each.
pub(super) struct Producer {
    shared: Arc<Shared>,
    /// `None` while a new one is made.
    current: Arc<RwLock<Option<Arc<Sender>>>>,
}

pub(super) type Sender = ThreadedProducer<Deliveries>;

/// What the callers, the callback and the tasks share.
struct Shared {
    votes: String,
    most: usize,
    most_in_partition: usize,
    in_flight: AtomicUsize,
    in_partition: Vec<AtomicUsize>,
    closed: AtomicBool,
    /// Records acknowledged so far.
    acknowledged: AtomicU64,
    answers: Mutex<Vec<(oneshot::Sender<Outcome>, Outcome)>>,
    /// There are answers to be given.
    decided: Notify,
    /// Answers were given.
    given: Notify,
    /// The producer may refuse everything from now on.
    fatal: Notify,
}

/// A record on its way.
pub(super) struct Delivery {
    answer: oneshot::Sender<Outcome>,
    /// Whose bound it counts towards; an announcement's toward none.
    partition: Option<Partition>,
}

impl Shared {
    /// Take a place for a record, or say why there is none.
    fn enter(&self, partition: Partition) -> Result<(), String> {
        let (all, mine) = (&self.in_flight, &self.in_partition[partition as usize]);
        if all.fetch_add(1, Ordering::AcqRel) >= self.most {
            self.leave_all();
            return Err(format!("{} records wait for Kafka already", self.most));
        }
        if mine.fetch_add(1, Ordering::AcqRel) >= self.most_in_partition {
            mine.fetch_sub(1, Ordering::AcqRel);
            self.leave_all();
            let most = self.most_in_partition;
            return Err(format!("{most} records wait for partition {partition} already"));
        }
        Ok(())
    }

    fn leave(&self, partition: Partition) {
        self.in_partition[partition as usize].fetch_sub(1, Ordering::AcqRel);
        self.leave_all();
    }

    fn leave_all(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    fn answer(&self, delivery: Delivery, outcome: Outcome) {
        if let Some(partition) = delivery.partition {
            self.leave(partition);
        }
        if outcome.is_ok() {
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        let mut answers = self.answers.lock();
        answers.push((delivery.answer, outcome));
        if answers.len() == 1 {
            drop(answers);
            self.decided.notify_one();
        }
    }

    /// Wake those who wait.
    fn give(&self) {
        let answers = std::mem::take(&mut *self.answers.lock());
        for (waiter, outcome) in answers {
            // An error says that nobody waits any more.
            let _ = waiter.send(outcome);
        }
        self.given.notify_waiters();
    }
}

/// librdkafka's callbacks; they run on the thread that polls the producer.
pub(super) struct Deliveries(Arc<Shared>);

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::report(&error, reason);
        // It may have come of a fatal one, without saying so.
        self.0.fatal.notify_one();
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Box<Delivery>) {
        let outcome = match result {
            Ok(message) => Ok(Position {
                partition: message.partition() as Partition,
                // A repeated append that was recorded the first time is not told where.
                offset: message.offset().try_into().ok(),
            }),
            Err((error, _)) => Err(undelivered(error)),
        };
        self.0.answer(*delivery, outcome);
    }
}

/// What a failed delivery means, see the module's documentation.
fn undelivered(error: &KafkaError) -> AppendError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidRecord) => {
            AppendError::NotRecorded(error.to_string())
        }
        _ => AppendError::Unknown(error.to_string()),
    }
}

fn producer_settings(config: &KafkaConfig, limits: &LogLimits) -> ClientConfig {
    let mut client = settings(config);
    client
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // 0 would be for ever.
        .set("message.timeout.ms", config.timeout.as_millis().max(1).to_string())
        .set("request.timeout.ms", "3000")
        .set("linger.ms", (config.linger.as_micros() as f64 / 1000.0).to_string())
        .set("compression.type", "none")
        .set("queue.buffering.max.messages", (limits.queue + ANNOUNCEMENTS).to_string());
    client
}

impl Producer {
    /// Connect. Call it inside the runtime that will await the appends.
    pub(super) fn start(
        config: &KafkaConfig,
        limits: &LogLimits,
        votes: String,
        partitions: u32,
        stop: CancellationToken,
    ) -> Result<Self, KafkaError> {
        let shared = Arc::new(Shared {
            votes,
            most: limits.queue,
            most_in_partition: config.partition_queue,
            in_flight: AtomicUsize::new(0),
            in_partition: (0..partitions).map(|_| AtomicUsize::new(0)).collect(),
            closed: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            answers: Mutex::default(),
            decided: Notify::new(),
            given: Notify::new(),
            fatal: Notify::new(),
        });
        let settings = producer_settings(config, limits);
        let first = make(&settings, &shared)?;
        let current = Arc::new(RwLock::new(Some(first)));
        tokio::spawn(give(shared.clone(), stop.clone()));
        tokio::spawn(renew(settings, shared.clone(), current.clone(), stop));
        Ok(Self { shared, current })
    }

    /// Queue a record for `votes`.
    pub(super) fn append(&self, partition: Partition, record: &NewRecord) -> Append {
        if let Err(why) = self.ready().and_then(|()| self.shared.enter(partition)) {
            return Append::refused(why);
        }
        let NewRecord { key, value } = record;
        let record = BaseRecord::with_opaque_to(&self.shared.votes, ())
            .partition(partition as i32)
            .key(&key[..])
            .payload(&value[..]);
        let append = self.send(record, Some(partition));
        if matches!(append, Append::Ready(_)) {
            self.shared.leave(partition);
        }
        append
    }

    /// Queue a record for another topic.
    pub(super) fn announce(&self, topic: &str, key: &str, value: &[u8]) -> Append {
        let record = BaseRecord::with_opaque_to(topic, ()).partition(0);
        self.send(record.key(key.as_bytes()).payload(value), None)
    }

    /// Queue the copy of a dead record.
    pub(super) fn copy(&self, topic: &str, copy: Copy) -> Append {
        let record = BaseRecord::with_opaque_to(topic, ()).partition(0).headers(copy.headers);
        self.send(record.key(&copy.key[..]).payload(&copy.value[..]), None)
    }

    /// Queue a record; `counted`: towards which partition's bound.
    fn send(&self, record: BaseRecord<'_, [u8], [u8]>, counted: Option<Partition>) -> Append {
        let (answer, outcome) = oneshot::channel();
        let BaseRecord { topic, partition, payload, key, timestamp, headers, .. } = record;
        let delivery_opaque = Box::new(Delivery { answer, partition: counted });
        let record =
            BaseRecord { topic, partition, payload, key, timestamp, headers, delivery_opaque };
        let current = self.current.read();
        let Some(sender) = &*current else { return Append::refused(RENEWED) };
        match sender.send(record) {
            Ok(()) => Append::Waiting(outcome),
            Err((error, _)) => {
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                    self.shared.fatal.notify_one();
                }
                Append::refused(error.to_string())
            }
        }
    }

    /// Whether a record would be queued.
    pub(super) fn ready(&self) -> Result<(), String> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(SHUT.into());
        }
        self.current.read().as_ref().map_or(Err(RENEWED.into()), |_| Ok(()))
    }

    /// How many records were acknowledged so far: a sign that Kafka takes them.
    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// The client, to ask the brokers something.
    pub(super) fn client(&self) -> Option<Arc<Sender>> {
        self.current.read().clone()
    }

    /// Refuse further appends, and wait for the outcome of all that were queued. It comes: what
    /// is not acknowledged times out.
    pub(super) async fn shut(&self) {
        self.shared.closed.store(true, Ordering::Release);
        loop {
            let given = self.shared.given.notified();
            if self.shared.in_flight.load(Ordering::Acquire) == 0
                && self.shared.answers.lock().is_empty()
            {
                break;
            }
            given.await;
        }
    }
}

const RENEWED: &str = "the connection to Kafka is being made anew";

fn make(settings: &ClientConfig, shared: &Arc<Shared>) -> Result<Arc<Sender>, KafkaError> {
    settings.create_with_context(Deliveries(shared.clone())).map(Arc::new)
}

/// Wake those whose records are decided.
async fn give(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = shared.decided.notified() => shared.give(),
            () = stop.cancelled() => break,
        }
    }
    shared.give();
}

/// Replace a producer that has met a fatal error: it will never send again. What it held is
/// answered with *unknown* as it is dropped.
async fn renew(
    settings: ClientConfig,
    shared: Arc<Shared>,
    current: Arc<RwLock<Option<Arc<Sender>>>>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = shared.fatal.notified() => {}
            // Should nobody append, and the event be missed.
            () = tokio::time::sleep(LOOK) => {}
        }
        let is_fatal = |sender: &Arc<Sender>| sender.client().fatal_error();
        let Some((code, why)) = current.read().as_ref().and_then(is_fatal) else { continue };
        tracing::warn!(%code, why, "the producer cannot go on and is replaced");
        let old = current.write().take();
        // Dropping waits for librdkafka's threads.
        let _ = tokio::task::spawn_blocking(move || drop(old)).await;
        loop {
            match make(&settings, &shared) {
                Ok(new) => break *current.write() = Some(new),
                Err(error) => tracing::warn!(%error, "no producer can be made; trying again"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
                return;
            }
        }
    }
    let old = current.write().take();
    let _ = tokio::task::spawn_blocking(move || drop(old)).await;
}
