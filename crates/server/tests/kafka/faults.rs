//! Brokers die and freeze under load: what was acknowledged stays, and the other answers are true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pollux_cluster::State;
use pollux_core::id::{Offset, Partition};
use pollux_server::config::LogLimits;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::*;

/// An append has an outcome within this time, which is below the deadline of a request.
const DEADLINE: Duration = Duration::from_secs(20);
/// A healed cluster accepts records again within this time.
const HEALED: Duration = Duration::from_secs(60);

/// `Told` is what the appenders were told.
#[derive(Default)]
struct Told {
    /// The number of times that each text was sent without being called certainly not recorded.
    sent: BTreeMap<String, u32>,
    acknowledged: BTreeSet<String>,
    slowest: Duration,
    errors: BTreeMap<String, u32>,
}

impl Told {
    fn merge(&mut self, other: Self) {
        self.sent.extend(other.sent);
        self.acknowledged.extend(other.acknowledged);
        self.slowest = self.slowest.max(other.slowest);
        for (error, times) in other.errors {
            *self.errors.entry(error).or_default() += times;
        }
    }
}

fn record(text: &str) -> NewRecord {
    NewRecord { key: "key".into(), value: text.to_owned().into() }
}

/// Appends one record after another, each until it is acknowledged, until told to stop.
async fn persist(log: Arc<KafkaLog>, name: u32, stop: CancellationToken) -> Told {
    let mut told = Told::default();
    let partition = name % log.partitions();
    for n in 0.. {
        let text = format!("{name}.{n:06}");
        loop {
            let begun = Instant::now();
            let outcome = log.append(partition, record(&text)).await;
            told.slowest = told.slowest.max(begun.elapsed());
            let sent = u32::from(!matches!(outcome, Err(AppendError::NotRecorded(_))));
            *told.sent.entry(text.clone()).or_default() += sent;
            match outcome {
                Ok(position) => {
                    assert_eq!(position.partition, partition);
                    told.acknowledged.insert(text);
                    break;
                }
                Err(error) => {
                    *told.errors.entry(error.to_string()).or_default() += 1;
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
        if stop.is_cancelled() {
            return told;
        }
    }
    unreachable!("it goes on until it is stopped")
}

/// Appends without waiting for earlier appends, and returns the places of what was acknowledged.
async fn stream(
    log: Arc<KafkaLog>,
    partition: Partition,
    stop: CancellationToken,
) -> Vec<Option<Offset>> {
    let (mut waiting, mut places) = (std::collections::VecDeque::new(), Vec::new());
    let mut n = 0;
    while !stop.is_cancelled() || !waiting.is_empty() {
        if !stop.is_cancelled() && waiting.len() < 200 {
            waiting.push_back(log.append(partition, record(&format!("stream.{partition}.{n:06}"))));
            n += 1;
            tokio::task::yield_now().await;
        } else if let Ok(position) = waiting.pop_front().unwrap().await {
            places.push(position.offset);
        }
    }
    places
}

/// Reads everything on a partition after its genesis record.
async fn read_all(log: &dyn Log, partition: Partition) -> Vec<Record> {
    let (mut all, mut from) = (Vec::new(), 0);
    let end = log.end(partition).await.unwrap();
    while from < end {
        let some = log.read(partition, from, 10_000, HEALED).await.unwrap();
        from = some.last().unwrap().offset + 1;
        all.extend(some);
    }
    all.remove(0);
    all
}

/// `Harmed` keeps brokers frozen or dead until it is dropped, even by an assertion that fails, because every
/// other test needs them.
struct Harmed(Vec<String>);

impl Harmed {
    fn freeze(names: Vec<String>) -> Self {
        let harmed = Self(names);
        block_in_place(|| harmed.0.iter().for_each(|name| CLUSTER.pause(name).unwrap()));
        harmed
    }

    fn kill(name: String) -> Self {
        block_in_place(|| CLUSTER.kill(&name).unwrap());
        Self(vec![name])
    }

    fn heal(&mut self) {
        for name in &self.0 {
            match CLUSTER.state(name).unwrap() {
                State::Dead => CLUSTER.start_member(name).unwrap(),
                _ => CLUSTER.resume(name).unwrap(),
            }
        }
        self.0.clear();
    }
}

impl Drop for Harmed {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        // An assertion has failed; a panic here would end the process, and hide it.
        let up = block_in_place(|| CLUSTER.bring_up().and_then(|()| CLUSTER.wait_in_sync(HEALED)));
        if let Err(error) = up {
            eprintln!("the cluster is not whole again: {error:#}");
        }
    }
}

/// Asserts that whatever the appenders were told is true of the log.
async fn judge(log: &KafkaLog, told: &Told) {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for partition in 0..log.partitions() {
        // This is the greatest number seen of each appender. Numbers are compared, not texts: while a stream is
        // refused at once, it counts on, and may pass the number of digits that it is written with.
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for record in read_all(log, partition).await {
            let text = String::from_utf8(record.value.to_vec()).unwrap();
            let count = times.entry(text.clone()).or_default();
            *count += 1;
            let (name, number) = text.rsplit_once('.').unwrap();
            let number = number.parse().unwrap();
            if *count == 1 {
                let before = last.insert(name.to_owned(), number);
                assert!(before < Some(number), "{text} first stands after {before:?}");
            }
        }
    }
    let missing: Vec<_> = told.acknowledged.iter().filter(|t| !times.contains_key(*t)).collect();
    assert!(missing.is_empty(), "acknowledged and not there: {missing:?}");
    for (text, sent) in &told.sent {
        let found = times.get(text).copied().unwrap_or_default();
        assert!(found <= *sent, "{text} may be there {sent} times and is there {found} times");
    }
}

/// Runs appenders while the cluster is being harmed.
async fn under_load<F: Future<Output = ()>>(log: &Arc<KafkaLog>, harm: F) -> Told {
    let stop = CancellationToken::new();
    let mut appenders = JoinSet::new();
    for name in 0..12 {
        appenders.spawn(persist(log.clone(), name, stop.clone()));
    }
    harm.await;
    stop.cancel();
    let mut told = Told::default();
    while let Some(one) = timeout(HEALED, appenders.join_next()).await.unwrap() {
        told.merge(one.unwrap());
    }
    told
}

/// Waits until another broker leads the partition. ZooKeeper must forget a dead broker before that broker returns:
/// otherwise it would be turned away.
fn wait_until_missed(topic: &str, partition: i32, dead: &str) {
    let led = || match CLUSTER.leader(topic, partition)? {
        heir if heir != dead => Ok(()),
        _ => anyhow::bail!("{dead} is not missed yet"),
    };
    CLUSTER.wait_until(HEALED, "another leads", led).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_killed_under_load_loses_nothing() {
    let _war = PEACE.write().await;
    let config = block_in_place(|| fresh(3));
    let log = open(&config, &LogLimits::default()).await;
    let votes = log.prepared().names.votes.clone();
    let stop = CancellationToken::new();
    let streamed: Vec<_> = (0..3)
        .map(|partition| tokio::spawn(stream(log.clone(), partition, stop.clone())))
        .collect();
    let told = under_load(&log, async {
        for partition in [0, 1] {
            sleep(Duration::from_secs(1)).await;
            let leader = block_in_place(|| CLUSTER.leader(&votes, partition).unwrap());
            let mut harmed = Harmed::kill(leader.clone());
            block_in_place(|| wait_until_missed(&votes, partition, &leader));
            sleep(Duration::from_secs(2)).await;
            block_in_place(|| {
                harmed.heal();
                CLUSTER.wait_in_sync(HEALED).unwrap();
            });
        }
    })
    .await;
    stop.cancel();
    for one in streamed {
        let places = one.await.unwrap();
        let known: Vec<_> = places.iter().flatten().collect();
        assert!(known.len() > 100, "{} of {} are known", known.len(), places.len());
        assert!(known.is_sorted(), "acknowledged in the order of the calls");
    }
    println!(
        "{} acknowledged, slowest {:?}, errors {:?}",
        told.acknowledged.len(),
        told.slowest,
        told.errors
    );
    assert!(told.acknowledged.len() > 100);
    assert!(told.slowest < DEADLINE, "{:?}", told.slowest);
    judge(&log, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_before_the_last_broker_waits_for_it() {
    let _war = PEACE.write().await;
    let [first, second] = block_in_place(|| [fresh(3), fresh(3)]);
    let log = open(&first, &LogLimits::default()).await;
    let votes = log.prepared().names.votes.clone();
    let away = block_in_place(|| CLUSTER.leader(&votes, 0).unwrap());
    let mut harmed = Harmed::kill(away.clone());
    block_in_place(|| wait_until_missed(&votes, 0, &away));
    let starting = tokio::spawn(async move { open(&second, &LogLimits::default()).await });
    sleep(Duration::from_secs(3)).await;
    // In KRaft mode a broker counts as soon as it has ever been there.
    assert!(!starting.is_finished() || CLUSTER.mode() == Mode::KRaft, "two brokers were enough");
    block_in_place(|| harmed.heal());
    let log = timeout(HEALED, starting).await.unwrap().unwrap();
    let votes = &log.prepared().topics[0];
    assert!(votes.partitions.iter().all(|it| it.replicas.len() == 3), "{votes:?}");
    block_in_place(|| CLUSTER.wait_in_sync(HEALED).unwrap());
}

/// Asserts that every append is refused at once, certainly not recorded, while no partition can have two
/// brokers in sync. Returns the texts, each sent 0 times.
async fn refused_at_once(log: &KafkaLog, begun: Instant) -> BTreeMap<String, u32> {
    let mut refused = BTreeMap::new();
    for n in 0..100_000 {
        let asked = Instant::now();
        let mut all = true;
        for partition in 0..log.partitions() {
            let text = format!("refused.{partition}.{n:06}");
            let outcome = timeout(DEADLINE, log.append(partition, record(&text))).await.unwrap();
            match outcome {
                Err(AppendError::NotRecorded(why)) => {
                    assert!(!why.is_empty());
                    refused.insert(text, 0);
                }
                // The brokers have not given up the frozen ones yet.
                _ => all = false,
            }
        }
        if all && refused.len() > 300 {
            assert!(asked.elapsed() < Duration::from_millis(100), "{:?}", asked.elapsed());
            println!("all is refused {:?} after the fault", begun.elapsed());
            return refused;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "never all, {:?}", log.ready());
        sleep(Duration::from_millis(2)).await;
    }
    panic!("never all, {:?}", log.ready())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_three_brokers_frozen_are_told_in_time_and_it_heals() {
    let _war = PEACE.write().await;
    let config = block_in_place(|| fresh(3));
    let log = open(&config, &LogLimits::default()).await;
    let votes = log.prepared().names.votes.clone();
    let alive = block_in_place(|| CLUSTER.leader(&votes, 0).unwrap());
    let brokers = ["kafka1", "kafka2", "kafka3"].map(str::to_owned);
    let others: Vec<_> = brokers.into_iter().filter(|name| *name != alive).collect();
    let mut refused = BTreeMap::new();
    let mut told = under_load(&log, async {
        sleep(Duration::from_secs(1)).await;
        let mut frozen = Harmed::freeze(others);
        let begun = Instant::now();
        let one = timeout(DEADLINE, log.append(0, record("frozen.000000"))).await.unwrap();
        one.unwrap_err();
        while log.ready().is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(30), "it says it is ready");
            sleep(Duration::from_millis(100)).await;
        }
        // In KRaft mode the frozen two are controllers as well: nobody is left who could take them out of
        // sync, and an append stays unknown rather than being refused.
        if CLUSTER.mode() == Mode::ZooKeeper {
            refused = refused_at_once(&log, begun).await;
        }
        sleep(Duration::from_secs(12).saturating_sub(begun.elapsed())).await;
        block_in_place(|| frozen.heal());
        let thawed = Instant::now();
        for n in 0.. {
            let again = log.append(0, record(&format!("thawed.{n:06}"))).await;
            if again.is_ok() && log.ready().is_ok() {
                break;
            }
            assert!(thawed.elapsed() < HEALED, "{again:?}, {:?}", log.ready());
            sleep(Duration::from_millis(100)).await;
        }
        println!("healed {:?} after the thaw", thawed.elapsed());
        block_in_place(|| CLUSTER.wait_in_sync(HEALED).unwrap());
    })
    .await;
    println!(
        "{} acknowledged, slowest {:?}, errors {:?}",
        told.acknowledged.len(),
        told.slowest,
        told.errors
    );
    assert!(!told.errors.is_empty(), "nothing was refused");
    told.sent.extend(refused);
    assert!(told.slowest < DEADLINE, "{:?}", told.slowest);
    judge(&log, &told).await;
}
