//! The processor runs between the real Kafka and the real PostgreSQL, and meets records that nobody can read,
//! records that only a newer binary can read, and a log that is not the one it was.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::fold::{Past, known};
use pollux_core::id::{BallotId, Offset, Partition, PollId, UnixMillis, VoterId};
use pollux_core::kind::Answer;
use pollux_core::poll::{Draft, Poll};
use pollux_core::record::{Entry, Genesis, ballot_key};
use pollux_server::config::{Password, PostgresConfig, ProcessorLimits};
use pollux_server::processor::Processor;
use pollux_server::processor::batch::{Batch, Slice};
use pollux_server::store::postgres::PostgresStore;
use pollux_server::store::{Ballots, Counting, DeadLetter, Polls};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset as At, TopicPartitionList};
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::topics::kafka_topics;
use super::*;

const LONG: Duration = Duration::from_secs(60);
const NOW: UnixMillis = UnixMillis(1_763_740_800_000);

/// `World` has a log of one partition, a database and an open poll, without a worker yet.
struct World {
    config: KafkaConfig,
    log: Arc<KafkaLog>,
    store: Arc<PostgresStore>,
    poll: Poll,
}

/// `Running` is a processor that runs.
struct Running {
    troubles: Arc<Mutex<BTreeMap<Partition, String>>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    fn trouble(&self) -> String {
        self.troubles.lock().get(&0).cloned().unwrap_or_default()
    }
}

impl World {
    async fn new() -> Self {
        let (config, database) = block_in_place(|| (fresh(1), database()));
        let log = open(&config, &LogLimits::default()).await;
        let store = PostgresStore::open(&database, 1).await.unwrap();
        let draft = Draft::new("Which?", ["This", "That"]);
        let mut poll = Poll::draft(PollId::new(NOW, [2; 10]), draft, [0; 32], NOW).unwrap();
        poll.open(NOW).unwrap();
        store.create(poll.clone(), vec!["123456".into()], None).await.unwrap();
        Self { config, log, store, poll }
    }

    fn start(&self) -> Running {
        let (log, store) = (self.log.clone(), self.store.clone());
        let limits = ProcessorLimits::default();
        let processor = Processor::new(log, store, Arc::new(SystemAmbient::new()), limits);
        let (troubles, stop) = (processor.troubles.clone(), CancellationToken::new());
        let task = tokio::spawn(processor.run(stop.clone()));
        Running { troubles, stop, task }
    }

    fn ballot(&self, n: u8) -> NewRecord {
        let Poll { id, round, phase, .. } = self.poll;
        let (voter, answer) = (VoterId([n; 16]), Answer::options([1]).unwrap());
        let name = BallotId::new(NOW, [n; 10]);
        let ballot = Ballot {
            poll: id,
            voter,
            id: name,
            named_by: NamedBy::Client,
            answer,
            round,
            phase,
            at: NOW,
        };
        let value = Entry::Ballot(ballot).encode().into();
        NewRecord { key: ballot_key(id, voter).into(), value }
    }

    async fn vote(&self, n: u8) {
        self.log.append(0, self.ballot(n)).await.unwrap();
    }

    async fn append(&self, value: impl Into<bytes::Bytes>) -> Offset {
        let record = NewRecord { key: "a key".into(), value: value.into() };
        self.log.append(0, record).await.unwrap().offset.unwrap()
    }

    async fn voters(&self) -> u64 {
        self.store.standing(self.poll.id).await.unwrap().unwrap().total_voters()
    }

    async fn until(&self, what: &str, voters: u64, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while self.voters().await != voters || !done() {
            assert!(begun.elapsed() < LONG, "never {what}: {} voters", self.voters().await);
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn dead(&self) -> Vec<DeadLetter> {
        self.store.dead(0, 0, 100).await.unwrap()
    }

    /// Waits until every dead letter has a copy on `votes.dead` that says all about it.
    async fn copied(&self) {
        let dead = self.dead().await;
        assert!(!dead.is_empty());
        let (topic, brokers) = (&self.log.prepared().names.dead, self.config.broker.join(","));
        let reader: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", "looks-at-the-dead")
            .create()
            .unwrap();
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(topic, 0, At::Beginning).unwrap();
        reader.assign(&from).unwrap();
        let (begun, mut missing) = (Instant::now(), dead);
        while !missing.is_empty() {
            assert!(begun.elapsed() < LONG, "without a copy: {missing:?}");
            let Some(message) = block_in_place(|| reader.poll(Duration::from_millis(100))) else {
                continue;
            };
            let message = message.unwrap();
            let headers: BTreeMap<_, _> = message.headers().unwrap().iter().map(text).collect();
            let says = |it: &DeadLetter| {
                headers["offset"] == it.offset.to_string() && headers["reason"] == it.reason
            };
            let found = missing.iter().position(says);
            assert_eq!(headers["partition"], "0");
            assert_eq!(headers["generation"], self.log.generation().to_string());
            if let Some(found) = found {
                let it = missing.swap_remove(found);
                let whole = !headers.contains_key("cut");
                let value = message.payload().unwrap_or_default();
                assert_eq!(whole, value.len() == it.value.len());
                assert_eq!(
                    (message.key().unwrap(), value),
                    (&it.key[..], &it.value[..value.len()])
                );
            }
        }
    }
}

fn text<'a>(header: rdkafka::message::Header<'a, &'a [u8]>) -> (String, String) {
    let value = String::from_utf8(header.value.unwrap().to_vec()).unwrap();
    (header.key.to_owned(), value)
}

/// Creates a database of its own, on the cluster.
fn database() -> PostgresConfig {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (to, count) = (CLUSTER.database(), COUNT.fetch_add(1, Ordering::Relaxed));
    let name = format!("polling{count}");
    to.query(&format!("CREATE DATABASE {name}")).unwrap();
    PostgresConfig {
        host: Some(to.host.clone()),
        port: to.port,
        user: Some(to.user.clone()),
        password: Password(to.password.clone()),
        name,
        connections: 4,
        ..PostgresConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_rows_wedge_nothing_and_a_newer_one_waits_for_a_newer_binary() {
    let _peace = PEACE.read().await;
    let world = World::new().await;
    // All records are in one batch, because no worker runs yet.
    world.vote(1).await;
    let bad: [&[u8]; 4] = [b"", b"\0\xff\xfe", br#"{"v":1,"type":"ballot"}"#, &[b'['; 900_000]];
    for value in bad {
        world.append(value.to_vec()).await;
    }
    let stray = Genesis { generation: world.log.generation(), partition: 0, partitions: 1 };
    world.append(Entry::Genesis(stray).encode()).await;
    let misread = format!(r#"{{"v":1,"type":"{}"}}"#, "é\0".repeat(2_000));
    world.append(misread).await;
    world.vote(2).await;
    let running = world.start();
    world.until("all are counted", 2, || true).await;
    assert_eq!(world.dead().await.len(), 6);
    assert_eq!(running.trouble(), "");
    world.copied().await;

    let newer = world.append(r#"{"v":2,"type":"unheard-of"}"#).await;
    world.vote(3).await;
    world.until("stopped", 2, || running.trouble().contains("newer than this binary")).await;
    assert!(running.trouble().contains(&format!("offset {newer} ")), "{}", running.trouble());
    let (_, progress) = world.store.progress().await.unwrap()[0];
    assert_eq!(progress.next_offset, newer, "a newer pollux goes on there");
    assert_eq!(world.dead().await.len(), 6, "what is newer is not thrown away");
    assert_eq!(world.voters().await, 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_of_a_worker_that_died_are_copied_by_the_next_one() {
    let _peace = PEACE.read().await;
    let world = World::new().await;
    world.vote(1).await;
    world.append("no ballot").await;
    // The worker commits, and dies before it announces or copies anything.
    let slice = Slice { partition: 0, partitions: 1, generation: world.log.generation() };
    let from = world.store.begin(0, slice.generation).await.unwrap().next_offset;
    let records = world.log.read(0, from, 100, LONG).await.unwrap();
    let mut past = Past::default();
    past.polls.insert(world.poll.id, known(&world.poll, None).unwrap());
    let commit = Batch::read(records).decide(slice, from, &mut past);
    world.store.commit(0, &commit).await.unwrap();
    assert_eq!(world.dead().await.len(), 1);

    let running = world.start();
    world.copied().await;
    running.stop().await;
}

/// The topic is deleted and made anew while everything runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_made_anew_is_not_taken_for_the_log() {
    let _peace = PEACE.read().await;
    let world = World::new().await;
    let running = world.start();
    for n in 1..=5 {
        world.vote(n).await;
    }
    world.until("counted", 5, || true).await;
    let (_, before) = world.store.progress().await.unwrap()[0];

    let votes = &world.log.prepared().names.votes;
    let make = ["--create", "--partitions", "1", "--replication-factor", "3", "--topic", votes];
    block_in_place(|| kafka_topics(&["--delete", "--topic", votes]));
    let gone = || world.log.ready().is_err_and(|why| why.contains("no topic"));
    world.until("missed", 5, gone).await;
    block_in_place(|| kafka_topics(&make));
    let another = || world.log.ready().is_err_and(|why| why.contains("is not the log"));
    world.until("known for another", 5, another).await;
    let refused = world.log.append(0, world.ballot(6)).await;
    assert!(matches!(refused, Err(AppendError::NotRecorded(_))), "{refused:?}");

    // A producer that looks at nothing fills the new topic past where the old one was counted.
    let producer: rdkafka::producer::BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", world.config.broker.join(","))
        .create()
        .unwrap();
    for n in 0..3 * before.next_offset as u8 {
        let NewRecord { key, value } = world.ballot(100 + n);
        let record = rdkafka::producer::BaseRecord::to(votes).key(&key[..]).payload(&value[..]);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    block_in_place(|| rdkafka::producer::Producer::flush(&producer, LONG)).unwrap();
    world.until("stopped", 5, || running.trouble().contains("genesis record")).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.voters().await, 5, "nothing of it is counted");
    assert_eq!(world.store.progress().await.unwrap()[0].1.next_offset, before.next_offset);
    running.stop().await;
}

/// The log's beginning was removed, by `kafka-delete-records` or a retention that somebody set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_without_its_beginning_is_not_taken_up() {
    let _peace = PEACE.read().await;
    let world = World::new().await;
    let running = world.start();
    world.vote(1).await;
    world.until("counted", 1, || true).await;
    running.stop().await;
    world.vote(2).await;
    let votes = &world.log.prepared().names.votes;
    block_in_place(|| delete_before(votes, 2));
    let running = world.start();
    world.until("stopped", 1, || running.trouble().contains("offset 0 of partition 0")).await;
    running.stop().await;
}

fn delete_before(topic: &str, offset: Offset) {
    let plan = format!(
        r#"{{"version":1,"partitions":[{{"topic":"{topic}","partition":0,"offset":{offset}}}]}}"#
    );
    let file = std::env::temp_dir().join(format!("{topic}{}.json", std::process::id()));
    std::fs::write(&file, plan).unwrap();
    let mut tool = CLUSTER.tool("org.apache.kafka.tools.DeleteRecordsCommand");
    let tool = tool.args(["--bootstrap-server", &CLUSTER.bootstrap(), "--offset-json-file"]);
    let output = tool.arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
