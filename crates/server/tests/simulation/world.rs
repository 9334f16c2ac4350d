//! The world of one seed holds backends, nodes that come and go, and everybody who uses them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use pollux_checker::Asks;
use pollux_core::id::{Generation, PollId, UnixMillis};
use pollux_server::ambient::{Ambient, SharedAmbient};
use pollux_server::api::App;
use pollux_server::boot::node::{Node, Parts};
use pollux_server::config::LogLimits;
use pollux_server::log::memory::{LogFaults, MemoryLog, MemoryNode};
use pollux_server::log::{Log, NewRecord};
use pollux_server::store::memory::{MemoryStore, StoreFaults};
use pollux_server::watch::grants::{Grant, Proof};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

use crate::client::{self, Known, Seed, Sent};
use crate::faults::{config, log_faults, store_faults};
use crate::spy::{AnnouncedUpTo, Spy, Violation};
use crate::stranger::Wishes;
use crate::summary::Summary;
use crate::tokens::{Issue, Tokens};
use crate::words::Hidden;
use crate::{check, holder, operator, organiser, stage, stranger, viewer, words};

/// `PollPlan` is a poll as its organiser knows it.
#[derive(Clone, Debug)]
pub struct PollPlan {
    pub id: String,
    /// The poll's tokens, which an event's polls share.
    pub tokens: Rc<Tokens>,
    pub asks: Asks,
    pub refuse: bool,
    /// The words of the poll that its organiser has hidden.
    pub hidden: Rc<Hidden>,
}

impl PollPlan {
    /// Returns what this issue's token grants, or once granted.
    fn grant(&self, issue: &Issue) -> (PollId, Grant) {
        (self.id.parse().unwrap(), Grant::Runs(Proof::Owner(issue.hash)))
    }

    /// Returns the body of a random vote in the poll.
    pub fn vote(&self, dice: &mut StdRng) -> Value {
        match self.asks {
            Asks::Choice { options, .. } => json!({ "optionId": dice.random_range(1..=options) }),
            Asks::Rating { statements, steps, lowest } => {
                let step = |dice: &mut StdRng| lowest + dice.random_range(0..steps);
                let mut rated = vec![json!(step(dice))];
                for _ in 1..statements {
                    rated.push(if dice.random() { json!(step(dice)) } else { Value::Null });
                }
                json!({ "answer": rated })
            }
            Asks::Ranking { options, places } => {
                let mut order: Vec<u64> = (1..=options).collect();
                order.shuffle(dice);
                order.truncate(dice.random_range(1..=places) as usize);
                json!({ "answer": order })
            }
            Asks::Points { options, budget } => {
                let mut left = budget;
                let mut given = vec![0; options as usize];
                for points in &mut given {
                    *points = dice.random_range(0..=left);
                    left -= *points;
                }
                // At least one point has to be given.
                given[0] += u64::from(left == budget);
                given.shuffle(dice);
                json!({ "answer": given })
            }
            Asks::Number { min, step, values } => {
                let number = min + step * dice.random_range(0..values) as i64;
                json!({ "answer": number as f64 / 1e6 })
            }
            Asks::Words { most } => {
                let count = dice.random_range(1..=most);
                let words: Vec<_> = (0..count).map(|_| words::spell(dice)).collect();
                json!({ "answer": words })
            }
        }
    }
}

/// An `Answer` is what a node answers.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// The cookie that the node set, to be sent back.
    pub cookie: Option<String>,
}

/// `Simulated` is the paused clock, with dice of the seed's own.
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

/// `Skewed` is the same clock as one node has it, which somebody sets forwards and back.
struct Skewed {
    right: SharedAmbient,
    /// The milliseconds by which the clock is ahead.
    ahead: Arc<AtomicI64>,
}

impl Ambient for Skewed {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.right.now().0.strict_add_signed(self.ahead.load(Relaxed)))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.right.fill(bytes);
    }
}

/// `Running` is a node that runs.
struct Running {
    node: Node,
    /// The routes, made once, because making them all takes longer than answering.
    router: Router,
    log: Arc<MemoryNode>,
    since: Instant,
}

/// `World` is the world of one seed.
pub struct World {
    ambient: SharedAmbient,
    log: MemoryLog,
    store: Arc<MemoryStore>,
    nodes: Vec<RefCell<Option<Running>>>,
    /// The milliseconds by which each node's clock is ahead.
    ahead: Vec<Arc<AtomicI64>>,
    partitions: u32,
    violation: Arc<Violation>,
    pub seen_views: Cell<u64>,
    crashes: Cell<u64>,
    power_cuts: Cell<u64>,
    clock_jumps: Cell<u64>,
    hindrances: Cell<u64>,
    announced: Arc<AnnouncedUpTo>,
    pub reissues: Cell<u64>,
    pub shown: Cell<u64>,
    pub withheld: Cell<u64>,
    pub hidings: Cell<u64>,
}

/// This is the operator's token.
pub const OPERATOR: &str = "the operator's token";

/// A node's clock is off by at most this many milliseconds.
const FURTHEST: i64 = 2 * 3_600_000;

/// A run lasts no longer than this by the simulated clock; usually it takes a few minutes.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// A writer to the log that is no node has this member number.
const INTRUDER: u32 = 99;

/// Makes the whole run.
pub async fn run(seed: u64) -> Summary {
    let mut dice = StdRng::seed_from_u64(seed);
    let world = Rc::new(World::new(&mut dice));
    let local = LocalSet::new();
    let violation = world.violation.clone();
    let life = local.run_until(world.live(dice, stage::has_one(seed), operator::revokes(seed)));
    tokio::select! {
        biased;
        // The panic comes at once: what a broken world does from here on may take for ever.
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
        let nodes: Vec<_> = (0..dice.random_range(1..=2)).map(|_| RefCell::new(None)).collect();
        let ahead = nodes.iter().map(|_| Arc::default()).collect();
        Self {
            ambient: Arc::new(ambient),
            log,
            store,
            nodes,
            ahead,
            partitions,
            violation: Arc::default(),
            seen_views: Cell::new(0),
            crashes: Cell::new(0),
            power_cuts: Cell::new(0),
            clock_jumps: Cell::new(0),
            hindrances: Cell::new(0),
            announced: Arc::default(),
            reissues: Cell::new(0),
            shown: Cell::new(0),
            withheld: Cell::new(0),
            hidings: Cell::new(0),
        }
    }

    /// Returns the right clock, and the dice.
    pub fn ambient(&self) -> &SharedAmbient {
        &self.ambient
    }

    /// Returns the log of all nodes.
    pub fn log(&self) -> &MemoryLog {
        &self.log
    }

    /// Returns the store of all nodes.
    pub fn store(&self) -> &Arc<MemoryStore> {
        &self.store
    }

    /// Returns the number of nodes, whether they run or not.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the number of partitions.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Returns what a node's routes work on, or `None` while the node is down.
    pub fn app(&self, node: usize) -> Option<Arc<App>> {
        self.nodes[node].borrow().as_ref().map(|running| running.node.app.clone())
    }

    /// Returns the same, with the time at which the node started.
    pub fn running(&self, node: usize) -> Option<(Arc<App>, Instant)> {
        self.nodes[node].borrow().as_ref().map(|it| (it.node.app.clone(), it.since))
    }

    /// Sends a request to a node; returns `None` if the node is down.
    pub async fn ask(
        &self,
        node: usize,
        method: &str,
        path: &str,
        body: Option<&Value>,
        cookie: Option<&str>,
        header: Option<(&str, &str)>,
    ) -> Option<Answer> {
        let router = self.nodes[node].borrow().as_ref()?.router.clone();
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

    async fn live(self: Rc<Self>, mut dice: StdRng, gathered: bool, revokes: bool) -> Summary {
        for node in 0..self.nodes() {
            self.start(node);
        }
        let mut polls = organiser::create(&self, revokes, &mut dice).await;
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
        let strangers: Vec<_> = (0..dice.random_range(1..4))
            .map(|n| {
                let (world, polls, dice) = (self.clone(), polls.clone(), StdRng::seed(&mut dice));
                let vote = async move { stranger::vote(&world, &polls, n, dice).await };
                tokio::task::spawn_local(vote)
            })
            .collect();
        let organiser = tokio::task::spawn_local({
            let (world, polls, dice) = (self.clone(), polls.clone(), StdRng::seed(&mut dice));
            async move { organiser::change_at_random(&world, &polls, dice).await }
        });
        let viewers: Vec<_> = (0..2)
            .map(|_| {
                let (world, polls, dice) = (self.clone(), polls.clone(), StdRng::seed(&mut dice));
                let watch = async move { viewer::watch(&world, &polls, until, dice).await };
                tokio::task::spawn_local(watch)
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
        let revoked = revokes.then(|| {
            let (world, polls, event) = (self.clone(), polls.clone(), event.clone());
            let [times, one, other] = std::array::from_fn(|_| StdRng::seed(&mut dice));
            tokio::task::spawn_local(async move {
                tokio::join!(
                    operator::revoke(&world, event.as_deref(), &polls, until, times),
                    holder::watch(&world, event.as_deref(), &polls, until, one),
                    holder::watch(&world, event.as_deref(), &polls, until, other)
                )
            })
        });
        self.chaos(until, &mut dice).await;
        if let Some(revoked) = revoked {
            revoked.await.unwrap();
        }
        if let Some(stage) = stage {
            stage.await.unwrap();
        }
        organiser.await.unwrap();
        for viewer in viewers {
            viewer.await.unwrap();
        }
        let mut sent = Vec::new();
        for voter in voters {
            sent.extend(voter.await.unwrap());
        }
        let mut wishes = Vec::new();
        for stranger in strangers {
            wishes.push(stranger.await.unwrap());
        }
        let summary = self.end(&polls, sent, wishes, dice).await;
        if let Some(event) = event {
            stage::agreed(&self, &event, &polls).await;
        }
        summary
    }

    /// Makes crashes, restarts, power cuts, a log that accepts nothing for a while, and partitions that move
    /// or have two owners.
    async fn chaos(&self, until: Instant, dice: &mut StdRng) {
        while Instant::now() < until {
            sleep(Duration::from_millis(dice.random_range(100..2_500))).await;
            let node = dice.random_range(0..self.nodes());
            match dice.random_range(0..13) {
                0..4 => {
                    self.crash(node);
                    if self.nodes() == 1 && dice.random_bool(0.4) {
                        // The clock moves only once nothing is left to do, so by then the node's tasks are
                        // gone.
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
                9 => {
                    // Brokers are gone: votes and announcements wait, while what is on the log is counted.
                    self.log.hinder(Some("a partition has no leader"));
                    self.hindrances.set(self.hindrances.get() + 1);
                    sleep(Duration::from_millis(dice.random_range(0..6_000))).await;
                    self.log.hinder(None);
                }
                _ => self.set_the_clock(node, dice.random_range(-FURTHEST..FURTHEST)),
            }
        }
    }

    /// Sets a node's clock, wrong or right.
    fn set_the_clock(&self, node: usize, ahead: i64) {
        self.ahead[node].store(ahead, Relaxed);
        self.clock_jumps.set(self.clock_jumps.get() + u64::from(ahead != 0));
    }

    /// Writes a record that nobody can read straight to the topic.
    fn intrude(&self, dice: &mut StdRng) {
        let value = format!("{{\"v\":1,\"type\":\"ballot\",\"n\":{}", dice.random::<u16>());
        let record = NewRecord { key: "intruder".into(), value: value.into() };
        let partition = dice.random_range(0..self.partitions);
        // Nobody waits for the outcome.
        drop(self.log.node(INTRUDER).append(partition, record));
    }

    /// Ends all faults, sends again what was left unknown, closes every poll, and asserts that everything
    /// agrees.
    async fn end(
        &self,
        polls: &[PollPlan],
        mut sent: Vec<Sent>,
        wishes: Vec<Wishes>,
        mut dice: StdRng,
    ) -> Summary {
        self.log.set_faults(LogFaults::default());
        self.store.set_faults(StoreFaults::NONE);
        for node in 0..self.nodes() {
            self.set_the_clock(node, 0);
            self.log.assign(node as u32, (0..self.partitions).collect());
            if self.app(node).is_none() {
                self.start(node);
            }
        }
        // By now, requests that were under way have ended, and what had to be tried again was.
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
        let untold = stranger::untold(self, &wishes);
        for wishes in wishes {
            wishes.check(&truth);
            sent.extend(wishes.acknowledged);
        }
        check::ballots(&sent, &untold, &truth);
        check::store(self, polls, &truth);
        check::digests(self);
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
            clock_jumps: self.clock_jumps.get(),
            hindrances: self.hindrances.get(),
            reissues: self.reissues.get(),
            shown: self.shown.get(),
            withheld: self.withheld.get(),
            hidings: self.hidings.get(),
        }
    }

    /// Waits until every node shows the recount's numbers as final; they must do so soon, and must not change
    /// afterwards.
    async fn agreed(&self, polls: &[PollPlan], dice: &mut StdRng) -> pollux_checker::Recount {
        let newest: Vec<_> = polls.iter().map(|poll| poll.grant(&poll.tokens.newest())).collect();
        let mut disagreement = String::new();
        for _ in 0..30 {
            let truth = check::truth(self, polls);
            let mut screens = Vec::new();
            for node in 0..self.nodes() {
                screens.push(viewer::look(self, node, polls, newest.clone()).await);
            }
            let verdict: Result<(), String> =
                screens.iter().try_for_each(|shown| check::screen(shown, polls, &truth));
            match verdict {
                Ok(()) => {
                    for other in &screens[1..] {
                        check::same(&screens[0], other);
                    }
                    self.revoked(polls).await;
                    self.public(polls, &truth).await;
                    sleep(Duration::from_secs(dice.random_range(5..60))).await;
                    assert_eq!(truth, check::truth(self, polls), "final, and yet it moved");
                    return truth;
                }
                Err(why) => disagreement = why,
            }
        }
        panic!("never final: {disagreement}");
    }

    /// Asserts that in the end every node knows which tokens are no longer valid.
    async fn revoked(&self, polls: &[PollPlan]) {
        let polls: Vec<_> = polls.iter().filter(|poll| poll.tokens.len() > 1).cloned().collect();
        if polls.is_empty() {
            return;
        }
        for node in 0..self.nodes() {
            let grants = polls.iter().map(|poll| poll.grant(&poll.tokens.get(0))).collect();
            let shown = viewer::look(self, node, &polls, grants).await;
            shown.values().for_each(viewer::shows_to_all);
        }
    }

    /// Asserts that in the end everybody is shown the turnout, wherever it is not hidden.
    async fn public(&self, polls: &[PollPlan], truth: &pollux_checker::Recount) {
        let mut screens = Vec::new();
        for node in 0..self.nodes() {
            screens.push(viewer::look(self, node, polls, Vec::new()).await);
            check::turnout(&screens[node], polls, truth);
            check::same(&screens[0], &screens[node]);
        }
    }

    fn start(&self, node: usize) {
        let log = self.log.node(node as u32);
        let (store, violation) = (self.store.clone(), self.violation.clone());
        let spy = Spy { announced: self.announced.clone(), log: log.clone(), store, violation };
        let running = Node::start(Parts {
            alone: false,
            config: config(),
            ambient: Arc::new(Skewed {
                right: self.ambient.clone(),
                ahead: self.ahead[node].clone(),
            }),
            log: Arc::new(spy),
            store: self.store.clone(),
            secret: b"the simulation's secret".to_vec(),
            operator_token: OPERATOR.into(),
        });
        let (router, since) = (running.router(), Instant::now());
        *self.nodes[node].borrow_mut() = Some(Running { node: running, router, log, since });
    }

    fn crash(&self, node: usize) {
        if let Some(running) = self.nodes[node].borrow_mut().take() {
            running.log.crash();
            self.crashes.set(self.crashes.get() + 1);
        }
    }
}
