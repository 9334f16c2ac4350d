//! The stage of the fault suite is a real cluster whose members reach each other through proxies, with two
//! web nodes and two processors of the real binary and polls on them. It also knows the way back to health
//! after each scenario.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use pollux_checker::Asks;
use pollux_cluster::{Cluster, Mode, Options, Port, Ports, Proxies, START_DEADLINE, State};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::http::Client;
use crate::proxy::Net;
use crate::recount::Topic;

/// The votes are on this topic.
pub const VOTES: &str = "votes";
/// The topic has this many partitions: few, so that each has some load.
pub const PARTITIONS: i32 = 6;
/// These are the web nodes.
pub const WEB: [&str; 2] = ["web1", "web2"];
/// These are the processors.
pub const PROCESSORS: [&str; 2] = ["processor1", "processor2"];
/// This processor comes and goes.
pub const GUEST: &str = "processor3";
/// This member is PostgreSQL.
pub const DATABASE: &str = "pg";
/// These are the brokers.
pub const BROKERS: [&str; 3] = ["kafka1", "kafka2", "kafka3"];
/// These are the ZooKeepers.
pub const ZOOKEEPERS: [&str; 3] = ["zk1", "zk2", "zk3"];
/// The last lines of a node's log, this many, are shown with a failure.
const LOG_TAIL: usize = 40;
/// A harmed cluster is well again within this time, on two cores that run all of it.
pub const HEALED: Duration = Duration::from_secs(90);

/// `STARTED` says that the stage stands: from then on scenarios report, and the cluster's own progress is not
/// printed.
static STARTED: AtomicBool = AtomicBool::new(false);

/// A `Poll` belongs to a scenario, and has the token that may close it.
#[derive(Clone, Debug)]
pub struct Poll {
    pub id: String,
    pub asks: Asks,
    pub refuse: bool,
    token: String,
}

/// `Stage` owns everything that runs.
pub struct Stage {
    pub cluster: Cluster,
    pub net: Net,
    pub runtime: Runtime,
}

impl Stage {
    /// Starts the cluster, the proxies and the nodes.
    pub fn start(mode: Mode) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
        let net = Net::new(runtime.handle().clone(), &folder);
        let ports = Ports::free()?;
        let proxy = |kind: Port, names: [&str; 3]| -> Result<[u16; 3]> {
            let mut all = [0; 3];
            for (n, name) in (1..).zip(names) {
                all[usize::from(n) - 1] = net.serve(name, ports.get(kind, n))?;
            }
            Ok(all)
        };
        let proxies = Proxies {
            brokers: proxy(Port::Proxied, BROKERS)?,
            zookeepers: proxy(Port::ZooKeeper, ZOOKEEPERS)?,
        };
        let database = net.serve(DATABASE, ports.get(Port::Postgres, 1))?;
        let options = Options {
            folder,
            mode,
            port: Some(ports.get(Port::ZooKeeper, 0)),
            proxies: Some(proxies),
            progress: |line| {
                if !STARTED.load(Relaxed) {
                    eprintln!("  {line}");
                }
            },
            ..Options::default()
        };
        let stage = Self { cluster: Cluster::start(&options)?, net, runtime };
        let brokers = stage.cluster.proxied_bootstrap().context("there are proxies")?;
        let more = [
            ("KAFKA_BROKER", brokers),
            ("DB_PORT", database.to_string()),
            ("POLLUX_KAFKA_PARTITIONS", PARTITIONS.to_string()),
            ("POLLUX_LOG", "info".to_owned()),
        ];
        let program = Path::new(env!("CARGO_BIN_EXE_pollux"));
        let nodes = WEB.iter().map(|name| (name, "web"));
        let nodes = nodes.chain(PROCESSORS.iter().chain([&GUEST]).map(|name| (name, "processor")));
        for (number, (name, roles)) in (1..).zip(nodes) {
            stage.cluster.add_node(name, number, program, roles, &more)?;
        }
        stage.cluster.stop(GUEST)?;
        STARTED.store(true, Relaxed);
        Ok(stage)
    }

    /// Returns the port of a web node.
    pub fn port(&self, web: usize) -> u16 {
        self.cluster.ports().get(Port::Added, web as u16 + 1)
    }

    /// Returns the ports of both web nodes.
    pub fn web_ports(&self) -> [u16; 2] {
        [self.port(0), self.port(1)]
    }

    /// Sends one request to a web node.
    pub fn ask(
        &self,
        web: usize,
        method: &str,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
    ) -> Result<(u16, Value)> {
        let mut client = Client::new(self.port(web));
        self.runtime.block_on(client.send(method, path, body, token))
    }

    /// Makes fresh polls: the first is hot, the second counts only a voter's first ballot, in the third several options
    /// may be chosen, and the fourth asks for words.
    pub fn polls(&self) -> Result<Arc<Vec<Poll>>> {
        let bodies = [
            json!({ "question": "Which?", "options": ["A", "B", "C"] }),
            json!({ "question": "The first?", "options": ["A", "B"], "revote": "refuse" }),
            json!({ "question": "Which of them?", "options": ["A", "B", "C", "D"],
                    "kind": "multiple", "maxChoices": 2 }),
            json!({ "question": "What?", "kind": "words", "maxWords": 3 }),
        ];
        let polls = bodies.iter().enumerate().map(|(n, body)| {
            let (status, made) = self.ask(n % 2, "POST", "/api/polls", Some(body), None)?;
            ensure!(status == 201, "creating a poll: {status} {made}");
            let text = |name: &str| made[name].as_str().map(str::to_owned).context("a Poll");
            let number = |name: &str| body[name].as_u64();
            let options = body["options"].as_array().map_or(0, Vec::len) as u64;
            let asks = match number("maxWords") {
                Some(most) => Asks::Words { most },
                None => Asks::Choice { options, most: number("maxChoices").unwrap_or(1) },
            };
            Ok(Poll {
                id: text("id")?,
                asks,
                refuse: body["revote"] == "refuse",
                token: text("ownerToken")?,
            })
        });
        Ok(Arc::new(polls.collect::<Result<Vec<_>>>()?))
    }

    /// Closes a poll at whichever node can, and goes on until it is closed.
    pub fn close(&self, poll: &Poll) -> Result<()> {
        let path = format!("/api/polls/{}/close", poll.id);
        let (begun, mut web) = (Instant::now(), 0);
        loop {
            let answer = self.ask(web, "POST", &path, Some(&json!({})), Some(&poll.token));
            match answer {
                Ok((200, _)) => return Ok(()),
                // The attempt before may have closed it.
                Ok((409, problem)) if problem["detail"].to_string().contains("closed") => {
                    return Ok(());
                }
                other => ensure!(begun.elapsed() < HEALED, "closing a poll: {other:?}"),
            }
            web = 1 - web;
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Returns what a node shows of a poll, once that is final.
    pub fn final_view(&self, web: usize, poll: &Poll) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let answer = self.ask(web, "GET", &format!("/api/polls/{}", poll.id), None, None);
            match answer {
                Ok((200, view)) if view["final"] == true => return Ok(view),
                other => ensure!(
                    begun.elapsed() < HEALED,
                    "{} does not say that poll {} is final: {other:?}",
                    WEB[web],
                    poll.id
                ),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Returns the broker that leads a partition of the votes.
    pub fn leader(&self, partition: i32) -> Result<String> {
        self.cluster.leader(VOTES, partition)
    }

    /// Waits until another broker leads the partition: only then is the old leader given up.
    pub fn wait_for_heir(&self, partition: i32, old: &str) -> Result<String> {
        self.cluster.wait_until(HEALED, "another broker leads", || {
            let heir = self.leader(partition)?;
            ensure!(heir != old, "{old} is not missed yet");
            Ok(heir)
        })
    }

    /// Waits until a dead broker leads nothing and is in sync nowhere. Until then the partitions that it led,
    /// and those that it followed, wait for it.
    pub fn wait_until_missed(&self, broker: &str) -> Result<()> {
        let id: i32 = broker.trim_start_matches("kafka").parse()?;
        self.cluster.wait_until(HEALED, "the dead broker is missed", || {
            for topic in self.cluster.metadata()?.topics.iter().filter(|topic| topic.name == VOTES)
            {
                for partition in &topic.partitions {
                    let gone = partition.leader.is_some_and(|leader| leader != id);
                    ensure!(gone && !partition.in_sync.contains(&id), "{partition:?}");
                }
            }
            Ok(())
        })
    }

    /// Returns the leader of a partition as one broker sees it.
    pub fn leader_seen_by(&self, broker: &str, partition: i32) -> Result<String> {
        let topic = self.cluster.topic_seen_by(broker, VOTES)?;
        let found = topic.partitions.iter().find(|found| found.index == partition);
        let leader = found.and_then(|found| found.leader).context("nobody leads it")?;
        Ok(format!("kafka{leader}"))
    }

    /// Starts a broker again, and waits until it has all of every partition.
    pub fn restore(&self, broker: &str) -> Result<()> {
        self.cluster.start_member(broker)?;
        self.cluster.wait_in_sync(HEALED)
    }

    /// Returns how far each partition is counted, as the database says.
    pub fn counted(&self) -> Result<Vec<u64>> {
        let sql = "SELECT next_offset FROM offsets ORDER BY partition";
        let rows = self.cluster.database().query(sql)?;
        rows.lines().map(|row| Ok(row.parse()?)).collect()
    }

    /// Waits until everything that is on the log now is counted, and returns how long that took.
    pub fn wait_counted(&self) -> Result<Duration> {
        let begun = Instant::now();
        let ends = Topic::ends(&self.cluster.bootstrap())?;
        self.cluster.wait_until(HEALED, "what is on the log is counted", || {
            let counted = self.counted()?;
            let behind = ends.iter().zip(&counted).any(|(end, counted)| counted < end);
            ensure!(counted.len() == ends.len() && !behind, "{counted:?} of {ends:?}");
            Ok(())
        })?;
        Ok(begun.elapsed())
    }

    /// Prints the last lines of every node's log.
    pub fn tell_logs(&self) {
        for name in WEB.iter().chain(&PROCESSORS).chain([&GUEST]) {
            let log = self.cluster.folder().join(format!("{name}.log"));
            let said = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = said.lines().collect();
            let tail = lines.len().saturating_sub(LOG_TAIL);
            lines[tail..].iter().for_each(|line| eprintln!("    {name}: {line}"));
        }
    }

    /// Runs the product's own recount of everything that was ever voted here, and returns its last line.
    pub fn recount(&self) -> Result<String> {
        self.wait_counted()?;
        let mut recount = Command::new(env!("CARGO_BIN_EXE_pollux"));
        let output = recount.arg("recount").envs(self.cluster.environment()).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        ensure!(output.status.success(), "{said}");
        Ok(said.lines().last().unwrap_or_default().to_owned())
    }

    /// Undoes whatever a scenario left: everything runs, all links are well, every replica is in sync.
    pub fn heal(&self) -> Result<()> {
        self.net.mend_all();
        let core = |name: &&String| *name != GUEST;
        let names = self.cluster.names();
        for name in names.iter().filter(core) {
            if self.cluster.state(name)? == State::Paused {
                self.cluster.resume(name)?;
            }
        }
        if self.cluster.state(GUEST)? != State::Dead {
            self.cluster.kill(GUEST)?;
        }
        // Each wave needs the one before: ZooKeepers and PostgreSQL, then brokers, then nodes.
        let wave = |name: &str| match name {
            _ if ZOOKEEPERS.contains(&name) || name == DATABASE => 0,
            _ if BROKERS.contains(&name) => 1,
            _ => 2,
        };
        for now in 0..=2 {
            let of_it: Vec<&str> =
                names.iter().filter(core).map(String::as_str).filter(|n| wave(n) == now).collect();
            for name in &of_it {
                if self.cluster.state(name)? == State::Dead {
                    match now {
                        1 => self.start_broker(name)?,
                        _ => self.cluster.launch(name)?,
                    }
                }
            }
            self.cluster.wait_ready(&of_it, START_DEADLINE)?;
            if now == 1 {
                self.cluster.wait_in_sync(HEALED)?;
            }
        }
        Ok(())
    }

    /// Starts a broker. In ZooKeeper mode one that comes back before it was missed is turned away and ends,
    /// so it is started again.
    pub fn start_broker(&self, name: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let Err(why) = self.cluster.start_member(name) else { return Ok(()) };
            let dead = self.cluster.state(name)? == State::Dead;
            ensure!(dead && begun.elapsed() < HEALED, "{name} does not start again: {why:#}");
        }
    }
}
