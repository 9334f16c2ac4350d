//! The other yardstick of `make bench`: librdkafka alone, used as a competent person would use it, with the
//! producer settings of Pollux and the same records. It is threaded and idempotent, with `acks=all` and
//! without a future for each record. There is no HTTP and no voter, and nothing is counted. The report is
//! JSON.
//!
//! `raw_producer BROKERS TOPIC PARTITIONS SECONDS closed IN_FLIGHT` or `… open RATE`: latency counts from the
//! intended time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::{Condvar, Mutex};
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{BallotId, PollId, UnixMillis, VoterId};
use pollux_core::kind::Answer;
use pollux_core::record::{Entry, ballot_key, ballot_partition};
use pollux_server::config::KafkaConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The pause between two looks at what is due, as in the load on Pollux.
const PACE: Duration = Duration::from_micros(500);

/// `Outcomes` counts what became of the records.
#[derive(Default)]
struct Outcomes {
    micros: Mutex<Vec<u32>>,
    in_flight: Mutex<u64>,
    landed: Condvar,
    failed: AtomicU64,
}

/// `Deliveries` is what librdkafka calls for each record.
struct Deliveries(Arc<Outcomes>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    /// The moment at which the record was due.
    type DeliveryOpaque = Box<Instant>;

    fn delivery(&self, result: &DeliveryResult<'_>, due: Box<Instant>) {
        match result {
            Ok(_) => self.0.micros.lock().push(due.elapsed().as_micros() as u32),
            Err(_) => drop(self.0.failed.fetch_add(1, Ordering::Relaxed)),
        }
        *self.0.in_flight.lock() -= 1;
        self.0.landed.notify_one();
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic, partitions, seconds, how, figure] = &args[..] else {
        bail!("BROKERS TOPIC PARTITIONS SECONDS closed|open FIGURE");
    };
    let (partitions, figure): (u32, f64) = (partitions.parse()?, figure.parse()?);
    let time = Duration::from_secs_f64(seconds.parse()?);
    let outcomes = Arc::<Outcomes>::default();
    let producer = producer(brokers, outcomes.clone())?;
    let mut sender =
        Sender { producer: &producer, topic, partitions, outcomes: &outcomes, next: 0 };
    // Connections, leaders and the producer's id must be there before anything is measured.
    for _ in 0..partitions * 10 {
        sender.send(Instant::now())?;
    }
    producer.flush(Duration::from_secs(30))?;
    outcomes.micros.lock().clear();

    let (start, before) = (Instant::now(), cpu()?);
    match how.as_str() {
        "closed" => sender.closed(start + time, figure as u64)?,
        "open" => sender.open(start, time, figure)?,
        other => bail!("{other} is neither closed nor open"),
    }
    let took = start.elapsed().as_secs_f64();
    producer.flush(Duration::from_secs(30))?;
    let used = cpu()? - before;
    let failed = outcomes.failed.load(Ordering::Relaxed);
    ensure!(failed == 0, "{failed} records were not acknowledged");
    let mut micros = std::mem::take(&mut *outcomes.micros.lock());
    micros.sort_unstable();
    let at = |share: f64| f64::from(micros[(micros.len() as f64 * share) as usize]) / 1000.0;
    println!(
        "{}",
        json!({
            "rate": micros.len() as f64 / took, "p50Millis": at(0.5), "p99Millis": at(0.99),
            "cpuMicros": used * 1e6 / micros.len() as f64,
        })
    );
    Ok(())
}

fn producer(brokers: &str, outcomes: Arc<Outcomes>) -> Result<ThreadedProducer<Deliveries>> {
    let linger = KafkaConfig::default().linger.as_secs_f64() * 1e3;
    Ok(ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", linger.to_string())
        .set("socket.nagle.disable", "true")
        .set("queue.buffering.max.messages", "1000000")
        .create_with_context(Deliveries(outcomes))?)
}

/// `Sender` sends ballots to the topic.
struct Sender<'a> {
    producer: &'a ThreadedProducer<Deliveries>,
    topic: &'a str,
    partitions: u32,
    outcomes: &'a Outcomes,
    next: u64,
}

impl Sender<'_> {
    /// Sends a ballot of a voter who was never seen before, as Pollux writes it.
    fn send(&mut self, due: Instant) -> Result<()> {
        let now = UnixMillis(1_790_000_000_000 + self.next);
        self.next += 1;
        let poll = PollId::new(UnixMillis(1_790_000_000_000), [1; 10]);
        let (voter, id) =
            (VoterId(rand::random::<u128>().to_be_bytes()), BallotId::new(now, rand::random()));
        let answer = Answer::options([1]).context("an option")?;
        let ballot = Ballot {
            poll,
            voter,
            id,
            named_by: NamedBy::Client,
            answer,
            round: 1,
            phase: 1,
            at: now,
        };
        let (key, value) = (ballot_key(poll, voter), Entry::Ballot(ballot).encode());
        let partition = ballot_partition(poll, voter, self.partitions) as i32;
        let record = BaseRecord::with_opaque_to(self.topic, Box::new(due));
        let record = record.partition(partition).key(&key).payload(&value);
        *self.outcomes.in_flight.lock() += 1;
        self.producer.send(record).map_err(|(error, _)| error.into())
    }

    /// Keeps at most this many records in flight, and sends the next whenever one is acknowledged.
    fn closed(&mut self, end: Instant, most: u64) -> Result<()> {
        while Instant::now() < end {
            {
                let mut in_flight = self.outcomes.in_flight.lock();
                while *in_flight >= most {
                    self.outcomes.landed.wait(&mut in_flight);
                }
            }
            self.send(Instant::now())?;
        }
        Ok(())
    }

    /// Sends records at intended times, whatever comes back.
    fn open(&mut self, start: Instant, time: Duration, rate: f64) -> Result<()> {
        let mut sent = 0_u64;
        loop {
            let now = Instant::now();
            loop {
                let due = start + Duration::from_secs_f64(sent as f64 / rate);
                if due >= start + time {
                    return Ok(());
                }
                if due > now {
                    break;
                }
                self.send(due)?;
                sent += 1;
            }
            std::thread::sleep(PACE);
        }
    }
}

/// Returns the CPU seconds of this process, including those in the kernel.
fn cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> =
        stat.rsplit_once(')').context("an odd stat")?.1.split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}
