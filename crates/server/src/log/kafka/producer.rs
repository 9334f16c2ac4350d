//! The producer sends records: one idempotent client of librdkafka, its bounds, and the way back of
//! its answers.
//!
//! There is no future per record: librdkafka's callback puts the outcome into a list, and one task
//! of the runtime wakes those who wait, many at a time. Records of a partition are handed over a
//! batch at a time (see [`super::lane`]). A record that waits for the batch before it is not sent
//! yet, so if that batch fails it is certainly not recorded.
//!
//! **What a delivery report says.** librdkafka knows whether a failed record was sent, but its Rust
//! wrapper does not pass that on, so the error code has to do. A record that was queued may have
//! been sent, timed out and queued again. Every code that comes from waiting, from a connection or
//! from a purge therefore means *unknown*. Only what a broker answers to these very bytes at every
//! attempt, too large or malformed, means *not recorded*. So does a refusal to queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use pollux_core::id::{Partition, Position};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::{self, settings};
use super::dead::Copy;
use super::lane::{Lane, Unsent};
use super::listing::Names;
use crate::config::{KafkaConfig, LogLimits};
use crate::log::{Append, AppendError, AppendOutcome, NewRecord};

/// The room in librdkafka's queue besides votes, for announcements, which wait for their delivery.
const ANNOUNCEMENTS: usize = 65_536;
/// The pause between two checks whether the producer can go on, besides its own reports.
const LOOK: Duration = Duration::from_secs(1);
/// The pause before a producer that cannot be created is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// The time for which a partition may leave records unanswered before it counts as silent. A leader
/// that dies is usually replaced sooner.
const SILENT: Duration = Duration::from_secs(5);
/// The reason for refusing appends after a stop.
const SHUT: &str = "the log is shut";

/// The producer sends records and reports the outcome of each.
pub(super) struct Producer {
    shared: Arc<Shared>,
}

/// The sender is the client of librdkafka.
pub(super) type Sender = ThreadedProducer<Deliveries>;

/// `Shared` holds what the callers, the callback and the tasks share.
struct Shared {
    /// The client; `None` while a new one is created. It holds this struct in its turn, until the
    /// last client is stopped.
    current: RwLock<Option<Arc<Sender>>>,
    /// The lanes of `votes` by partition, and then those of the other topics.
    lanes: Vec<Mutex<Lane>>,
    linger: Duration,
    /// How long a record may wait to be handed over. If it waited longer, its outcome would come
    /// after the request's deadline: the timeout follows, and librdkafka may be a second late.
    patience: Duration,
    /// A broker that has owed an answer for longer is said to be silent.
    silent: Duration,
    most: usize,
    most_in_partition: usize,
    in_flight: AtomicUsize,
    in_partition: Vec<AtomicUsize>,
    closed: AtomicBool,
    /// The number of records acknowledged so far.
    acknowledged: AtomicU64,
    answers: Mutex<Vec<(oneshot::Sender<AppendOutcome>, AppendOutcome)>>,
    /// Wakes the task that gives answers.
    decided: Notify,
    /// Wakes `shut` after answers were given.
    given: Notify,
    /// Wakes the task that replaces a producer which may refuse everything from now on.
    fatal: Notify,
}

/// `To` names a topic besides `votes`; of each of them only one partition matters.
#[derive(Clone, Copy)]
pub(super) enum To {
    Tallies,
    Polls,
    Dead,
}

/// A delivery is a record on its way.
pub(super) struct Delivery {
    answer: oneshot::Sender<AppendOutcome>,
    lane: usize,
}

impl Shared {
    /// Takes a place for a record, or returns why there is none.
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

    /// Takes a record for a lane.
    fn post(
        &self,
        lane: usize,
        record: NewRecord,
        headers: Option<OwnedHeaders>,
    ) -> Result<oneshot::Receiver<AppendOutcome>, String> {
        let (answer, outcome) = oneshot::channel();
        let mut there = self.lanes[lane].lock();
        let unsent = Unsent { record, headers, answer, since: Instant::now() };
        if let Some(unsent) = there.take(unsent, self.linger)
            && let Err((_, why)) = self.hand_over(&there, lane, unsent)
        {
            // No record waits for this one: otherwise it would not have been returned.
            there.decided();
            return Err(why);
        }
        Ok(outcome)
    }

    /// Queues a record with librdkafka, or returns why not.
    fn hand_over(
        &self,
        to: &Lane,
        lane: usize,
        unsent: Unsent,
    ) -> Result<(), (oneshot::Sender<AppendOutcome>, String)> {
        let Unsent { record, headers, answer, .. } = unsent;
        let delivery = Box::new(Delivery { answer, lane });
        let mut queued = BaseRecord::with_opaque_to(&to.topic, delivery)
            .partition(to.partition as i32)
            .key(&record.key[..])
            .payload(&record.value[..]);
        queued.headers = headers;
        let current = self.current.read();
        let Some(sender) = &*current else {
            return Err((queued.delivery_opaque.answer, REPLACING.into()));
        };
        sender.send(queued).map_err(|(error, queued)| {
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                self.fatal.notify_one();
            }
            (queued.delivery_opaque.answer, error.to_string())
        })
    }

    /// Gives a record its outcome; after the last of its batch the next batch is handed over.
    fn settle(&self, Delivery { answer, lane }: Delivery, outcome: AppendOutcome) {
        let lost = matches!(outcome, Err(AppendError::Unknown(_)));
        self.answer(lane, answer, outcome);
        let mut there = self.lanes[lane].lock();
        let refuse = |answer, why: &str| {
            self.answer(lane, answer, Err(AppendError::NotRecorded(why.into())));
        };
        if !lost {
            there.answered();
        } else {
            for unsent in there.give_up() {
                refuse(unsent.answer, "what was sent before it was not acknowledged");
            }
        }
        for unsent in there.decided() {
            let handed = match unsent.since.elapsed() < self.patience {
                true => self.hand_over(&there, lane, unsent),
                false => Err((unsent.answer, "it waited too long to be sent".into())),
            };
            if let Err((answer, why)) = handed {
                there.decided();
                refuse(answer, &why);
            }
        }
    }

    fn answer(&self, lane: usize, answer: oneshot::Sender<AppendOutcome>, outcome: AppendOutcome) {
        if lane < self.in_partition.len() {
            self.leave(lane as Partition);
        }
        if outcome.is_ok() {
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        let mut answers = self.answers.lock();
        answers.push((answer, outcome));
        if answers.len() == 1 {
            drop(answers);
            self.decided.notify_one();
        }
    }

    /// Wakes those who wait.
    fn give(&self) {
        let answers = std::mem::take(&mut *self.answers.lock());
        for (waiter, outcome) in answers {
            // An error says that the caller does not wait any more.
            let _ = waiter.send(outcome);
        }
        self.given.notify_waiters();
    }
}

/// `Deliveries` holds librdkafka's callbacks, which run on the thread that polls the producer.
pub(super) struct Deliveries(Arc<Shared>);

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::report(&error, reason);
        // The error may come from a fatal one without saying so.
        self.0.fatal.notify_one();
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Box<Delivery>) {
        let outcome = match result {
            Ok(message) => Ok(Position {
                partition: message.partition() as Partition,
                // A repeated append that was recorded the first time is not told its offset.
                offset: message.offset().try_into().ok(),
            }),
            Err((error, _)) => Err(undelivered(error)),
        };
        self.0.settle(*delivery, outcome);
    }
}

/// Returns what a failed delivery means; see the module's documentation.
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
        // A timeout of 0 would mean for ever.
        .set("message.timeout.ms", config.timeout.as_millis().max(1).to_string())
        .set("request.timeout.ms", "3000")
        .set("linger.ms", (config.linger.as_micros() as f64 / 1000.0).to_string())
        .set("compression.type", "none")
        .set("queue.buffering.max.messages", (limits.queue + ANNOUNCEMENTS).to_string());
    client
}

impl Producer {
    /// Connects. It must be called inside the runtime that will await the appends.
    pub(super) fn start(
        config: &KafkaConfig,
        limits: &LogLimits,
        names: &Names,
        partitions: u32,
        stop: CancellationToken,
    ) -> Result<Self, KafkaError> {
        let votes = (0..partitions).map(|partition| Lane::new(&names.votes, partition));
        // The other topics come in the order of `To`.
        let others = [&names.tallies, &names.polls, &names.dead].map(|topic| Lane::new(topic, 0));
        let shared = Arc::new(Shared {
            current: RwLock::default(),
            lanes: votes.chain(others).map(Mutex::new).collect(),
            linger: config.linger,
            patience: config.timeout / 5,
            silent: SILENT.min(config.timeout / 3),
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
        *shared.current.write() = Some(make(&settings, &shared)?);
        tokio::spawn(give(shared.clone(), stop.clone()));
        tokio::spawn(renew(settings, shared.clone(), stop));
        Ok(Self { shared })
    }

    /// Queues a record for `votes`.
    pub(super) fn append(&self, partition: Partition, record: NewRecord) -> Append {
        if let Err(why) = self.ready().and_then(|()| self.shared.enter(partition)) {
            return Append::refused(why);
        }
        self.shared.post(partition as usize, record, None).map_or_else(
            |why| {
                self.shared.leave(partition);
                Append::refused(why)
            },
            Append::Waiting,
        )
    }

    /// Queues a record for another topic.
    pub(super) fn announce(&self, to: To, key: String, value: Vec<u8>) -> Append {
        self.post(to, NewRecord { key: key.into(), value: value.into() }, None)
    }

    /// Queues the copy of a dead record.
    pub(super) fn copy(&self, Copy { key, value, headers }: Copy) -> Append {
        self.post(To::Dead, NewRecord { key, value }, Some(headers))
    }

    fn post(&self, to: To, record: NewRecord, headers: Option<OwnedHeaders>) -> Append {
        let lane = self.shared.in_partition.len() + to as usize;
        self.shared.post(lane, record, headers).map_or_else(Append::refused, Append::Waiting)
    }

    fn is_shut(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// Checks whether a record would be queued.
    pub(super) fn ready(&self) -> Result<(), String> {
        if self.is_shut() {
            return Err(SHUT.into());
        }
        self.shared.current.read().as_ref().map_or(Err(REPLACING.into()), |_| Ok(()))
    }

    /// Returns why no record would be queued at the moment.
    pub(super) fn hindrance(&self) -> Option<String> {
        self.ready().err().filter(|_| !self.is_shut())
    }

    /// Returns which partitions' leaders take records and acknowledge none. Brokers do not report
    /// this themselves when they have lost the majority of their controllers: they then go on
    /// reporting the leaders and replicas of before.
    pub(super) fn silence(&self) -> Option<String> {
        if self.is_shut() {
            return None;
        }
        let votes = &self.shared.lanes[..self.shared.in_partition.len()];
        let silent = votes.iter().filter_map(|lane| {
            let lane = lane.lock();
            let (partition, topic, time) = (lane.partition, &lane.topic, lane.silent());
            (time > self.shared.silent).then(|| {
                let seconds = time.as_secs();
                format!("partition {partition} of {topic} has acknowledged nothing for {seconds} s")
            })
        });
        in_a_line(silent.collect())
    }

    /// Returns the number of records acknowledged so far; that it grows shows that Kafka takes
    /// records.
    pub(super) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Returns the client, to ask the brokers something.
    pub(super) fn client(&self) -> Option<Arc<Sender>> {
        self.shared.current.read().clone()
    }

    /// Refuses further appends, and waits for the outcome of all that were queued. Every outcome
    /// comes, because what is not acknowledged times out.
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

/// Returns in one line what several partitions lack: the first is named, the others are counted.
pub(super) fn in_a_line(mut lacks: Vec<String>) -> Option<String> {
    Some(match lacks.len() {
        0 => return None,
        1 => lacks.swap_remove(0),
        all => format!("{}; and {} more partitions", lacks[0], all - 1),
    })
}

/// The reason for refusing records while the client is replaced.
const REPLACING: &str = "the connection to Kafka is being re-established";

fn make(settings: &ClientConfig, shared: &Arc<Shared>) -> Result<Arc<Sender>, KafkaError> {
    settings.create_with_context(Deliveries(shared.clone())).map(Arc::new)
}

/// Wakes those whose records are decided.
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

/// Replaces a producer that has met a fatal error and will never send again. The records that it
/// held are answered with *unknown* when it is dropped.
async fn renew(settings: ClientConfig, shared: Arc<Shared>, stop: CancellationToken) {
    let current = &shared.current;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = shared.fatal.notified() => {}
            // This is for an event that was missed while nobody appends.
            () = tokio::time::sleep(LOOK) => {}
        }
        let is_fatal = |sender: &Arc<Sender>| sender.client().fatal_error();
        let fatal = current.read().as_ref().and_then(is_fatal);
        let Some((code, why)) = fatal else { continue };
        tracing::warn!(%code, why, "the producer cannot go on and is replaced");
        let old = current.write().take();
        // Dropping waits for librdkafka's threads.
        let _ = tokio::task::spawn_blocking(move || drop(old)).await;
        loop {
            match make(&settings, &shared) {
                Ok(new) => break *current.write() = Some(new),
                Err(error) => tracing::warn!(%error, "no producer can be created; trying again"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
                return;
            }
        }
    }
    let old = current.write().take();
    let _ = tokio::task::spawn_blocking(move || drop(old)).await;
}
