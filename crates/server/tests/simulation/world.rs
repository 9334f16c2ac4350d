//! One seed's world: backends, nodes that come and go, and everybody who uses them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use pollux_core::id::{Generation, UnixMillis};
use pollux_server::ambient::{Ambient, SharedAmbient};
use pollux_server::api::App;
use pollux_server::boot::node::{Node, Parts};
use pollux_server::config::{Config, LogLimits};
use pollux_server::log::memory::{LogFaults, MemoryLog, MemoryNode};
use pollux_server::log::{Log, NewRecord};
use pollux_server::store::memory::{Faults, MemoryStore, StoreFaults};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::Value;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

use crate::client::{self, Known, Seed, Sent};
use crate::spy::{Spy, Violation};
use crate::{check, organiser, stage, watcher};

/// A poll, as its organiser knows it.
#[derive(Clone, Debug)]
pub struct PollPlan {
    pub id: String,
    pub token: String,
    pub options: u64,
    pub refuse: bool,
}

/// What a node said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// The cookie it set, to be sent back.
    pub cookie: Option<String>,
}

/// What happened in a run, or in many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub ballots: u64,
    pub counted: u64,
    pub not_recorded: u64,
    pub late: u64,
    pub resent_at_the_end: u64,
    pub duplicates_on_the_log: u64,
    pub crashes: u64,
    pub power_cuts: u64,
    pub views: u64,
}

impl Summary {
    pub fn add(&mut self, other: &Self) {
        self.ballots += other.ballots;
        self.counted += other.counted;
        self.not_recorded += other.not_recorded;
        self.late += other.late;
        self.resent_at_the_end += other.resent_at_the_end;
        self.duplicates_on_the_log += other.duplicates_on_the_log;
        self.crashes += other.crashes;
        self.power_cuts += other.power_cuts;
        self.views += other.views;
    }

    /// A simulation in which nothing goes wrong proves nothing.
    pub fn assert_worth_it(&self, seeds: u64) {
        assert!(self.ballots > seeds * 5 && self.counted > seeds * 2, "too few ballots");
        if seeds >= 500 {
            let rare = [self.not_recorded, self.late, self.resent_at_the_end, self.power_cuts];
            assert!(rare.iter().all(|n| *n > seeds / 100), "something never happens: {self:?}");
            assert!(self.duplicates_on_the_log > seeds && self.crashes > seeds, "{self:?}");
        }
    }
}

/// The paused clock, and dice of the seed's own.
struct Simulated {
    start: Instant,
    dice: Mutex<StdRng>,
}

impl Ambient for Simulated {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_763_740_800_000 + self.start.elapsed().as_millis() as u64)
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.dice.lock().fill_bytes(bytes);
    }
}

struct Running {
    node: Node,
    log: Arc<MemoryNode>,
}

pub struct World {
    ambient: SharedAmbient,
    log: MemoryLog,
    store: Arc<MemoryStore>,
    nodes: Vec<RefCell<Option<Running>>>,
    partitions: u32,
    violation: Arc<Violation>,
    pub seen_views: Cell<u64>,
    crashes: Cell<u64>,
    power_cuts: Cell<u64>,
}

/// Of the simulated clock; a run takes a few minutes of it.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// Writes to the log, and is no node.
const INTRUDER: u32 = 99;

/// The whole run.
pub async fn run(seed: u64) -> Summary {
    let mut dice = StdRng::seed_from_u64(seed);
    let world = Rc::new(World::new(&mut dice));
    let local = LocalSet::new();
    let violation = world.violation.clone();
    let life = local.run_until(world.live(dice, stage::has_one(seed)));
    tokio::select! {
        biased;
        // At once: what a broken world does from here on may take for ever.
        what = violation.happens() => panic!("{what}"),
        summary = tokio::time::timeout(LONGEST, life) => summary.expect("it came to an end"),
    }
}

impl World {
    fn new(dice: &mut StdRng) -> Self {
        let partitions = *[1, 1, 2, 3].get(dice.random_range(0..4)).unwrap();
        let generation = Generation(uuid::Uuid::from_u128(
            0x0199_0000_0000_7000_8000_0000_0000_0000 | u128::from(dice.random::<u32>()),
        ));
        let rough = dice.random_range(0.0..0.12);
        let log = MemoryLog::new(
            generation,
            partitions,
            LogLimits::default(),
            log_faults(rough),
            dice.random(),
        );
        let store = MemoryStore::faulty(partitions, store_faults(rough), StdRng::seed(dice));
        let ambient = Simulated { start: Instant::now(), dice: Mutex::new(StdRng::seed(dice)) };
        let nodes = (0..dice.random_range(1..=2)).map(|_| RefCell::new(None)).collect();
        Self {
            ambient: Arc::new(ambient),
            log,
            store,
            nodes,
            partitions,
            violation: Arc::default(),
            seen_views: Cell::new(0),
            crashes: Cell::new(0),
            power_cuts: Cell::new(0),
        }
    }

    pub fn ambient(&self) -> &SharedAmbient {
        &self.ambient
    }

    pub fn log(&self) -> &MemoryLog {
        &self.log
    }

    pub fn store(&self) -> &Arc<MemoryStore> {
        &self.store
    }

    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// What a node's routes work on; `None` while it is down.
    pub fn app(&self, node: usize) -> Option<Arc<App>> {
        self.nodes[node].borrow().as_ref().map(|running| running.node.app.clone())
    }

    /// Ask a node; `None` when it is down.
    pub async fn ask(
        &self,
        node: usize,
        method: &str,
        path: &str,
        body: Option<&Value>,
        cookie: Option<&str>,
        header: Option<(&str, &str)>,
    ) -> Option<Answer> {
        let router = self.nodes[node].borrow().as_ref()?.node.router();
        let mut request = Request::builder().method(method).uri(path).header("host", "pollux.test");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let response = router.oneshot(request.unwrap()).await.unwrap();
        let cookie = response.headers().get("set-cookie").map(|cookie| {
            cookie.to_str().unwrap().split(';').next().unwrap_or_default().to_owned()
        });
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Some(Answer { status, body, cookie })
    }

    async fn live(self: Rc<Self>, mut dice: StdRng, gathered: bool) -> Summary {
        for node in 0..self.nodes() {
            self.start(node);
        }
        let mut polls = organiser::create(&self, &mut dice).await;
        let event = match gathered {
            true => Some(Rc::new(stage::gather(&self, &mut polls, &mut dice).await)),
            false => None,
        };
        let polls = Rc::new(polls);
        let until = Instant::now() + Duration::from_secs(dice.random_range(8..20));
        let voters: Vec<_> = (0..dice.random_range(3..9))
            .map(|n| {
                let (world, polls, dice) = (self.clone(), polls.clone(), StdRng::seed(&mut dice));
                tokio::task::spawn_local(async move { client::vote(&world, &polls, n, dice).await })
            })
            .collect();
        let organiser = tokio::task::spawn_local({
            let (world, polls, dice) = (self.clone(), polls.clone(), StdRng::seed(&mut dice));
            async move { organiser::meddle(&world, &polls, dice).await }
        });
        let watchers: Vec<_> = (0..2)
            .map(|_| {
                let (world, dice) = (self.clone(), StdRng::seed(&mut dice));
                tokio::task::spawn_local(async move { watcher::watch(&world, until, dice).await })
            })
            .collect();
        let stage = event.clone().map(|event| {
            let (world, polls) = (self.clone(), polls.clone());
            let (steps, follows) = (StdRng::seed(&mut dice), StdRng::seed(&mut dice));
            tokio::task::spawn_local(async move {
                tokio::join!(
                    stage::step(&world, &event, &polls, until, steps),
                    stage::follow(&world, &event, until, follows)
                )
            })
        });
        self.chaos(until, &mut dice).await;
        if let Some(stage) = stage {
            stage.await.unwrap();
        }
        organiser.await.unwrap();
        for watcher in watchers {
            watcher.await.unwrap();
        }
        let mut sent = Vec::new();
        for voter in voters {
            sent.extend(voter.await.unwrap());
        }
        let summary = self.end(&polls, sent, dice).await;
        if let Some(event) = event {
            stage::agreed(&self, &event, &polls).await;
        }
        summary
    }

    /// Crashes, restarts, power cuts, and partitions that move, or have two owners.
    async fn chaos(&self, until: Instant, dice: &mut StdRng) {
        while Instant::now() < until {
            sleep(Duration::from_millis(dice.random_range(100..2_500))).await;
            let node = dice.random_range(0..self.nodes());
            match dice.random_range(0..10) {
                0..4 => {
                    self.crash(node);
                    if self.nodes() == 1 && dice.random_bool(0.4) {
                        // By then its tasks are gone: the clock moves once nothing is left to do.
                        sleep(Duration::from_millis(1)).await;
                        self.store.power_cut();
                        self.power_cuts.set(self.power_cuts.get() + 1);
                    }
                    sleep(Duration::from_millis(dice.random_range(0..2_000))).await;
                    self.start(node);
                }
                4..8 => {
                    let mine = (0..self.partitions).filter(|_| dice.random_bool(0.6)).collect();
                    self.log.assign(node as u32, mine);
                }
                8 => self.intrude(dice),
                _ => {}
            }
        }
    }

    /// Somebody writes straight to the topic what nobody can read.
    fn intrude(&self, dice: &mut StdRng) {
        let value = format!("{{\"v\":1,\"type\":\"ballot\",\"n\":{}", dice.random::<u16>());
        let record = NewRecord { key: "intruder".into(), value: value.into() };
        let partition = dice.random_range(0..self.partitions);
        // Whatever becomes of it.
        drop(self.log.node(INTRUDER).append(partition, record));
    }

    /// All is well again: what was left unknown is sent again, every poll is closed, and then
    /// everything must agree.
    async fn end(&self, polls: &[PollPlan], mut sent: Vec<Sent>, mut dice: StdRng) -> Summary {
        self.log.set_faults(LogFaults::default());
        self.store.set_faults(StoreFaults::NONE);
        for node in 0..self.nodes() {
            self.log.assign(node as u32, (0..self.partitions).collect());
            if self.app(node).is_none() {
                self.start(node);
            }
        }
        // What was under way has landed, and what was to be tried again was.
        sleep(Duration::from_secs(40)).await;
        let mut resent_at_the_end = 0;
        for sent in sent.iter_mut().filter(|sent| sent.known == Known::Unknown) {
            resent_at_the_end += 1;
            for _ in 0..40 {
                if sent.known != Known::Unknown {
                    break;
                }
                *sent = client::send(self, sent.clone(), 1, StdRng::seed(&mut dice)).await.0;
            }
        }
        for poll in polls {
            let mut tries = 0;
            while !organiser::change(self, poll, "close", &mut dice).await {
                tries += 1;
                assert!(tries < 50, "cannot close {poll:?}");
                sleep(Duration::from_millis(100)).await;
            }
        }
        let truth = self.agreed(polls, &mut dice).await;
        check::ballots(&sent, &truth);
        check::store(self, polls, &truth);
        let count =
            |status: &str| truth.ballots.values().filter(|d| d.status == status).count() as u64;
        let records: usize = (0..self.partitions).map(|p| self.log.records(p).len()).sum();
        Summary {
            ballots: sent.len() as u64,
            counted: count("counted"),
            not_recorded: sent.iter().filter(|s| s.known == Known::NotRecorded).count() as u64,
            late: count("late"),
            resent_at_the_end,
            duplicates_on_the_log: (records as u64).saturating_sub(truth.ballots.len() as u64),
            crashes: self.crashes.get(),
            power_cuts: self.power_cuts.get(),
            views: self.seen_views.get(),
        }
    }

    /// Wait until every node shows the recount's numbers as final; they must do so soon, and
    /// must not move afterwards.
    async fn agreed(&self, polls: &[PollPlan], dice: &mut StdRng) -> pollux_checker::Recount {
        let ids: Vec<_> = polls.iter().map(|poll| poll.id.parse().unwrap()).collect();
        let mut disagreement = String::new();
        for _ in 0..30 {
            let truth = check::truth(self, polls);
            let mut screens = Vec::new();
            for node in 0..self.nodes() {
                screens.push(watcher::look(self, node, ids.clone()).await);
            }
            let verdict: Result<(), String> =
                screens.iter().try_for_each(|shown| check::screen(shown, polls, &truth));
            match verdict {
                Ok(()) => {
                    for other in &screens[1..] {
                        check::same(&screens[0], other);
                    }
                    sleep(Duration::from_secs(dice.random_range(5..60))).await;
                    assert_eq!(truth, check::truth(self, polls), "final, and yet it moved");
                    return truth;
                }
                Err(why) => disagreement = why,
            }
        }
        panic!("never final: {disagreement}");
    }

    fn start(&self, node: usize) {
        let log = self.log.node(node as u32);
        let (store, violation) = (self.store.clone(), self.violation.clone());
        let spy = Spy { log: log.clone(), store, violation };
        let running = Node::start(Parts {
            config: config(),
            ambient: self.ambient.clone(),
            log: Arc::new(spy),
            store: self.store.clone(),
            secret: b"the simulation's secret".to_vec(),
            admin_token: "the operator's token".into(),
        });
        *self.nodes[node].borrow_mut() = Some(Running { node: running, log });
    }

    fn crash(&self, node: usize) {
        if let Some(running) = self.nodes[node].borrow_mut().take() {
            running.log.crash();
            self.crashes.set(self.crashes.get() + 1);
        }
    }
}

/// The limits that look at the real clock are out of the way.
fn config() -> Config {
    let mut config = Config::default();
    config.api.per_voter = (1_000_000, 1_000_000);
    config.api.guesses = 1_000_000;
    config
}

fn log_faults(rough: f64) -> LogFaults {
    let millis = |n| Duration::from_millis((n as f64 * rough * 10.0) as u64);
    LogFaults {
        not_recorded: rough,
        unknown_lost: rough,
        unknown_recorded: rough,
        delay: millis(0)..millis(1_500) + Duration::from_millis(1),
        duplicate: rough,
        no_offset: rough,
        not_copied: rough,
        read_error: rough,
        feed_lost: rough / 4.0,
        announcement_duplicate: rough,
        announcement_delay: millis(0)..millis(800) + Duration::from_millis(1),
    }
}

fn store_faults(rough: f64) -> StoreFaults {
    let millis = |n| Duration::from_millis((n as f64 * rough * 10.0) as u64);
    let faults = |longest| Faults {
        unavailable: rough,
        unknown_done: rough,
        unknown_not_done: rough,
        delay: millis(0)..millis(longest) + Duration::from_millis(1),
    };
    StoreFaults { reads: faults(200), changes: faults(500), commits: faults(1_500) }
}
