//! The processor announces and reports each change once, however long it lasts.

#![allow(clippy::unwrap_used)]

use std::fmt;
use std::time::Duration;

use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, PollId, UnixMillis};
use pollux_core::poll::{Draft, Poll};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tracing::field::{Field, Visit};
use tracing::span;

use super::*;
use crate::ambient::Ambient;
use crate::config::{LogLimits, ProcessorLimits};
use crate::log::control;
use crate::log::memory::{LogFaults, MemoryLog};
use crate::store::Created;
use crate::store::Polls;
use crate::store::memory::{Faults, MemoryStore, StoreFaults};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const PARTITIONS: u32 = 4;

/// `Still` is a clock that stands still, with dice that always fall the same.
struct Still;

impl Ambient for Still {
    fn now(&self) -> UnixMillis {
        NOW
    }
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Returns a processor over memory backends, and its store.
fn processor() -> (Processor, Arc<MemoryStore>) {
    let generation = Generation("0199a3a4-0000-7000-8000-000000000001".parse().unwrap());
    let limits = LogLimits::default();
    let cluster = MemoryLog::new(generation, PARTITIONS, limits, LogFaults::default(), 1);
    let store = MemoryStore::faulty(PARTITIONS, StoreFaults::NONE, StdRng::seed_from_u64(1));
    let limits = ProcessorLimits::default();
    (Processor::new(cluster.node(1), store.clone(), Arc::new(Still), limits), store)
}

/// Creates a poll that is open in the store, and not on the log yet.
async fn open(store: &MemoryStore) -> Poll {
    let id = PollId::new(NOW, [1; 10]);
    let mut poll = Poll::draft(id, Draft::new("?", ["a", "b"]), [0; 32], NOW).unwrap();
    poll.open(NOW).unwrap();
    let created = store.create(poll, vec!["482913".into()], None).await.unwrap();
    let Created::New(poll) = created else { panic!("{created:?}") };
    poll
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_every_partition_missed_is_announced_once() {
    let (processor, store) = processor();
    let mut feed = processor.log.feed().await.unwrap();
    let poll = open(&store).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(processor.clone().run(stop.clone()));
    let mut told = 0;
    while let Ok(Ok(heard)) = tokio::time::timeout(Duration::from_secs(30), feed.next()).await {
        let of_polls = |a: &&Announcement| matches!(a, Announcement::Poll(p) if p.id == poll.id);
        told += heard.iter().filter(of_polls).count();
    }
    assert_eq!(told, 1);
    for partition in 0..PARTITIONS {
        assert_eq!(processor.log.end(partition).await.unwrap(), 2, "its record, once");
    }
    stop.cancel();
    running.await.unwrap();
}

/// `Said` collects what is logged at level INFO and above.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn times(&self, text: &str) -> usize {
        self.0.lock().iter().filter(|line| line.contains(text)).count()
    }
}

/// A `Line` is the fields of one log line, as text.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}

impl tracing::Subscriber for Said {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::INFO
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().push(line.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_full_is_told_once_and_so_is_its_end() {
    let said = Said::default();
    let _guard = tracing::subscriber::set_default(said.clone());
    let (processor, store) = processor();
    let poll = open(&store).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(processor.clone().run(stop.clone()));
    let (full, minute) = (Faults { unavailable: 1.0, ..Faults::NONE }, Duration::from_secs(60));
    for time in 1..3 {
        store.set_faults(StoreFaults { commits: full.clone(), ..StoreFaults::NONE });
        control::publish(&*processor.log, &poll, NOW).await;
        tokio::time::sleep(minute).await;
        assert_eq!(processor.troubles.lock().len(), PARTITIONS as usize, "every one has work");
        let warned = said.times("starting again from the store's offset");
        assert_eq!(warned, time * PARTITIONS as usize, "once for each partition and time");
        store.set_faults(StoreFaults::NONE);
        tokio::time::sleep(minute).await;
        assert_eq!(said.times("is counted again"), time * PARTITIONS as usize);
        assert!(processor.troubles.lock().is_empty());
    }
    stop.cancel();
    running.await.unwrap();
}
