//! The live load has voters with ballot ids of their own vote over HTTP and WebSocket, at both web nodes. A
//! ballot that was not answered is sent again under the same id, to the other node, until it is. What each
//! voter was told is kept for the recount, and so is how long there was no answer at all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::Mutex;
use pollux_checker::Asks;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::http::Client;
use crate::lag::Lag;
use crate::sockets::Socket;
use crate::stage::{PARTITIONS, Poll, Stage};

/// The load casts this many ballots a second over HTTP.
const RATE: f64 = 250.0;
/// This many ballots may wait for their answers at once; beyond that no new ones are cast.
const WAITING: usize = 1_000;
/// This many voters are at work over WebSockets at the same time.
const SOCKETS: usize = 4;
/// Voters say these words, some of which are the same to people.
const WORDS: [&str; 10] = [
    "Rust",
    "RUST",
    " rust ",
    "Go",
    "Zig",
    "fast builds",
    "Fast  Builds",
    "安全",
    "Sécurité",
    "сон",
];
/// An unanswered ballot is still sent again for this long after the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// `Told` is what a voter knows of a ballot in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// 202, or 200: the ballot is durable and decided once.
    Recorded,
    /// 503, and no other answer before: the ballot is certainly not on the log.
    NotRecorded,
    /// 409: the ballot does not count.
    TooLate,
    /// No answer until the end: the ballot may be on the log or not.
    Nothing,
}

/// `Sent` is a ballot that was sent, with what its voter was told.
#[derive(Clone, Debug)]
pub struct Sent {
    pub ballot: String,
    pub told: Told,
}

/// `Pulse` keeps what is known of the answers so far.
struct Pulse {
    lag: Arc<Lag>,
    /// The time of the latest acknowledgement, and the longest time between two, by partition.
    seen: Mutex<Vec<(Instant, Duration)>>,
    acknowledged: AtomicU64,
    /// The longest time from the first sending of a ballot to its acknowledgement, in milliseconds.
    slowest: AtomicU64,
    /// Answers that nobody should be given.
    wrong: Mutex<Vec<String>>,
    /// The number of answers by status; 0 is no answer.
    answers: Mutex<BTreeMap<u16, u64>>,
}

impl Pulse {
    fn acknowledged(&self, since: Instant, receipt: &Value) {
        let place = &receipt["position"];
        if let Some(partition) = place["partition"].as_u64() {
            let (last, longest) = &mut self.seen.lock()[partition as usize];
            *longest = last.elapsed().max(*longest);
            *last = Instant::now();
            // A repeated append may have succeeded without telling where.
            if let Some(offset) = place["offset"].as_u64() {
                self.lag.acknowledged(partition, offset);
            }
        }
        self.acknowledged.fetch_add(1, Relaxed);
        self.slowest.fetch_max(since.elapsed().as_millis() as u64, Relaxed);
    }

    fn answered(&self, status: u16) {
        *self.answers.lock().entry(status).or_default() += 1;
    }
}

/// `Load` owns the voters at work.
pub struct Load {
    runtime: Handle,
    nodes: [u16; 2],
    polls: Arc<Vec<Poll>>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
    voters: Vec<JoinHandle<Vec<Sent>>>,
    lag: std::thread::JoinHandle<()>,
    /// The ballots that a scenario has sent itself.
    extra: Mutex<Vec<Sent>>,
}

/// `Outcome` is what came of a load.
pub struct Outcome {
    pub sent: Vec<Sent>,
    pub acknowledged: u64,
    /// The longest time without an acknowledgement, of the partition that was worst off.
    pub unavailable: Duration,
    /// The longest that one ballot waited for its acknowledgement.
    pub slowest: Duration,
    /// The longest that an acknowledged ballot waited to be counted.
    pub lag: Duration,
    pub answers: BTreeMap<u16, u64>,
    pub wrong: Vec<String>,
}

impl Load {
    /// Starts the voters over HTTP and over WebSockets, and the look at the lag.
    pub fn start(stage: &Stage, polls: Arc<Vec<Poll>>, seed: u64) -> Self {
        let (runtime, nodes) = (stage.runtime.handle().clone(), stage.web_ports());
        let pulse = Arc::new(Pulse {
            lag: Arc::default(),
            seen: Mutex::new(vec![(Instant::now(), Duration::ZERO); PARTITIONS as usize]),
            acknowledged: AtomicU64::new(0),
            slowest: AtomicU64::new(0),
            wrong: Mutex::default(),
            answers: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let voter = |n: usize| Voter {
            dice: StdRng::seed_from_u64(seed ^ ((n as u64 + 1) << 32)),
            nodes,
            polls: polls.clone(),
            pulse: pulse.clone(),
            stop: stop.clone(),
            give_up: None,
        };
        let over_http = std::iter::once(runtime.spawn(voter(0).over_http()));
        let over_sockets = (1..=SOCKETS).map(|n| runtime.spawn(voter(n).over_sockets()));
        let voters = over_http.chain(over_sockets).collect();
        let lag = pulse.lag.watch(stage.cluster.database(), stop.clone());
        Self { runtime, nodes, polls, pulse, stop, voters, lag, extra: Mutex::default() }
    }

    /// Returns the number of ballots acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.pulse.acknowledged.load(Relaxed)
    }

    /// Waits until votes have been acknowledged in every partition since the call.
    pub fn wait_everywhere(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            let seen = self.pulse.seen.lock().clone();
            let silent: Vec<usize> =
                (0..seen.len()).filter(|partition| seen[*partition].0 < begun).collect();
            if silent.is_empty() {
                return Ok(());
            }
            let answers = self.pulse.answers.lock().clone();
            ensure!(
                begun.elapsed() < patience,
                "nothing was acknowledged in partitions {silent:?} for {patience:?}; answers: {answers:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends several copies at once of one ballot of a new voter in the first poll, to both nodes in turn.
    /// Each copy is sent again until it is answered; the handle that is returned waits for that.
    pub fn cast_copies(&self, copies: usize, first_node: usize, ballot: &str) -> JoinHandle<Told> {
        let (nodes, poll) = (self.nodes, self.polls[0].id.clone());
        let (pulse, ballot) = (self.pulse.clone(), ballot.to_owned());
        let body = json!({ "optionId": 1, "voterId": format!("of {ballot}"), "ballotId": ballot });
        let stop = self.stop.clone();
        self.runtime.spawn(async move {
            let sending = (0..copies).map(|n| {
                let mut cast = Cast::new(nodes, (first_node + n) % 2, pulse.clone(), stop.clone());
                let (poll, body) = (poll.clone(), body.clone());
                tokio::spawn(async move { cast.until_answered(&poll, &body, false).await })
            });
            let mut told = Told::Recorded;
            for one in sending.collect::<Vec<_>>() {
                match one.await {
                    Ok(Told::Recorded) => {}
                    Ok(other) => told = other,
                    Err(_) => told = Told::Nothing,
                }
            }
            told
        })
    }

    /// Notes, for the recount, a ballot that a scenario has sent itself.
    pub fn note(&self, sent: Sent) {
        self.extra.lock().push(sent);
    }

    /// Stops new ballots, and waits for the answers to all that were sent.
    pub fn finish(self) -> Result<Outcome> {
        let gaps = self.pulse.seen.lock().clone();
        let unavailable = gaps.iter().map(|(last, longest)| last.elapsed().max(*longest)).max();
        let acknowledged = self.acknowledged();
        self.stop.cancel();
        let mut sent = std::mem::take(&mut *self.extra.lock());
        for voter in self.voters {
            sent.extend(self.runtime.block_on(voter).context("a voter panicked")?);
        }
        self.lag.join().map_err(|_| anyhow::anyhow!("the look at the lag panicked"))?;
        ensure!(acknowledged > 0, "nothing was acknowledged");
        Ok(Outcome {
            acknowledged: sent.iter().filter(|sent| sent.told == Told::Recorded).count() as u64,
            sent,
            unavailable: unavailable.unwrap_or_default(),
            slowest: Duration::from_millis(self.pulse.slowest.load(Relaxed)),
            lag: self.pulse.lag.longest(),
            answers: self.pulse.answers.lock().clone(),
            wrong: self.pulse.wrong.lock().clone(),
        })
    }
}

/// A `Voter` casts one ballot after another.
struct Voter {
    dice: StdRng,
    nodes: [u16; 2],
    polls: Arc<Vec<Poll>>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
    give_up: Option<Instant>,
}

impl Voter {
    /// Casts ballots at their rate whether or not those before them are answered: real voters do not wait for
    /// each other.
    async fn over_http(mut self) -> Vec<Sent> {
        let idle: Arc<Mutex<Vec<Cast>>> = Arc::default();
        let (mut casting, mut sent, mut names) = (JoinSet::new(), Vec::new(), 0_u64);
        let pause = Duration::from_secs_f64(1.0 / RATE);
        let mut due = tokio::time::Instant::now();
        while !self.stop.is_cancelled() {
            tokio::time::sleep_until(due).await;
            due = (due + pause).max(tokio::time::Instant::now() - Duration::from_secs(1));
            while let Some(done) = casting.try_join_next() {
                sent.extend(done);
            }
            if casting.len() >= WAITING {
                continue;
            }
            // The voter is new, or has voted before, in whichever poll.
            if names < 5 || self.dice.random_bool(0.8) {
                names += 1;
            }
            let name = names - self.dice.random_range(0..names.min(2));
            let ballot = ballot_id(&mut self.dice);
            let (poll, mut body) = self.choose();
            body["voterId"] = format!("voter {name}").into();
            body["ballotId"] = ballot.clone().into();
            let (gives_up, first) = (self.dice.random_bool(0.1), self.dice.random_range(0..2));
            let (idle, nodes) = (idle.clone(), self.nodes);
            let (pulse, stop) = (self.pulse.clone(), self.stop.clone());
            casting.spawn(async move {
                let pooled = idle.lock().pop();
                let mut cast = pooled.unwrap_or_else(|| Cast::new(nodes, first, pulse, stop));
                cast.at = first;
                let told = cast.until_answered(&poll, &body, gives_up).await;
                idle.lock().push(cast);
                Sent { ballot, told }
            });
        }
        while let Some(done) = casting.join_next().await {
            sent.extend(done);
        }
        sent
    }

    /// Votes as one new voter after another, each of whom changes their mind a few times. Nobody keeps a
    /// cookie: a retry on another socket belongs to the same voter by the ballot's id, and from the first
    /// receipt on by its `voter`.
    async fn over_sockets(mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        while !self.stop.is_cancelled() {
            let (mut socket, mut voter) = (None, None);
            for _ in 0..self.dice.random_range(1..4) {
                let ballot = ballot_id(&mut self.dice);
                let (poll, mut message) = self.choose();
                message["type"] = "vote".into();
                message["poll"] = poll.into();
                message["ballotId"] = ballot.clone().into();
                message["ref"] = ballot.clone().into();
                if let Some(voter) = &voter {
                    message["voter"] = Value::clone(voter);
                }
                let told = self.say(&mut socket, &mut voter, &message).await;
                sent.push(Sent { ballot, told });
                sleep(Duration::from_millis(250)).await;
            }
        }
        sent
    }

    fn choose(&mut self) -> (String, Value) {
        // The first poll is hot.
        let n = if self.dice.random_bool(0.6) { 0 } else { self.dice.random_range(0..4) };
        let poll = &self.polls[n % self.polls.len()];
        let body = match poll.asks {
            Asks::Choice { options, most } => {
                let mut chosen = vec![self.dice.random_range(1..=options)];
                if most > 1 && chosen[0] > 1 {
                    chosen.push(1);
                }
                json!({ "optionIds": chosen })
            }
            _ => {
                let words = [(); 2].map(|()| WORDS[self.dice.random_range(0..WORDS.len())]);
                json!({ "answer": words })
            }
        };
        (poll.id.clone(), body)
    }

    /// Sends one ballot until it is answered, on one socket after another, always as the same voter.
    async fn say(
        &mut self,
        socket: &mut Option<Socket>,
        voter: &mut Option<Value>,
        message: &Value,
    ) -> Told {
        let begun = Instant::now();
        loop {
            let outcome = self.say_once(socket, message).await;
            self.pulse.answered(outcome.as_ref().map_or(0, |(status, _)| *status));
            match outcome {
                Ok((202, answer)) => {
                    self.pulse.acknowledged(begun, &answer["receipt"]);
                    let given = answer["receipt"].get("voter").cloned();
                    *voter = voter.take().or(given);
                    return Told::Recorded;
                }
                Ok((409, _)) => return Told::TooLate,
                Ok((429, _)) => {}
                // The other node may be better off.
                Ok((503 | 504, _)) | Err(_) => *socket = None,
                Ok((other, _)) => {
                    self.pulse.wrong.lock().push(format!("a WebSocket was told {other}"));
                    return Told::Nothing;
                }
            }
            if over(&self.stop, &mut self.give_up) {
                return Told::Nothing;
            }
            sleep(Duration::from_millis(self.dice.random_range(50..150))).await;
        }
    }

    /// Sends one ballot once, and returns the status that HTTP would have had, with the answer.
    async fn say_once(
        &mut self,
        socket: &mut Option<Socket>,
        message: &Value,
    ) -> Result<(u16, Value)> {
        let open = match socket {
            Some(open) => open,
            none => {
                let node = self.nodes[self.dice.random_range(0..2)];
                let poll = message["poll"].as_str().unwrap_or_default();
                none.insert(Socket::open(node, &format!("poll={poll}")).await?)
            }
        };
        open.send(message).await?;
        loop {
            let answer = open.next(crate::http::ANSWER).await?;
            if answer["ref"] == message["ref"] {
                return match answer["type"].as_str() {
                    Some("error") => {
                        let status = answer["problem"]["status"].as_u64().context("no status")?;
                        Ok((status as u16, answer))
                    }
                    Some(kind) if kind.starts_with("vote.") => Ok((202, answer)),
                    other => bail!("answered with {other:?}"),
                };
            }
        }
    }
}

/// `Cast` sends one ballot until it is answered.
struct Cast {
    clients: [Client; 2],
    at: usize,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
    give_up: Option<Instant>,
}

impl Cast {
    fn new(nodes: [u16; 2], at: usize, pulse: Arc<Pulse>, stop: CancellationToken) -> Self {
        Self { clients: nodes.map(Client::new), at, pulse, stop, give_up: None }
    }

    async fn until_answered(&mut self, poll: &str, body: &Value, gives_up: bool) -> Told {
        let path = format!("/api/polls/{poll}/vote");
        let (begun, mut unknown) = (Instant::now(), false);
        let mut pause = Duration::from_millis(40);
        loop {
            let answer = self.clients[self.at].send("POST", &path, Some(body), None).await;
            self.pulse.answered(answer.as_ref().map_or(0, |(status, _)| *status));
            match answer {
                Ok((200 | 202, receipt)) => {
                    if receipt["ballotId"] != body["ballotId"] {
                        self.pulse.wrong.lock().push(format!("a receipt of another: {receipt}"));
                    }
                    self.pulse.acknowledged(begun, &receipt);
                    return Told::Recorded;
                }
                Ok((409, _)) => return Told::TooLate,
                Ok((503, _)) if gives_up && !unknown => return Told::NotRecorded,
                Ok((429 | 503, _)) => {}
                Ok((504, _)) | Err(_) => unknown = true,
                Ok((status, problem)) => {
                    self.pulse.wrong.lock().push(format!("a vote was told {status}: {problem}"));
                    return Told::Nothing;
                }
            }
            if over(&self.stop, &mut self.give_up) {
                return Told::Nothing;
            }
            self.at = 1 - self.at;
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}

/// Returns whether the end was so long ago that nobody tries any more.
fn over(stop: &CancellationToken, give_up: &mut Option<Instant>) -> bool {
    stop.is_cancelled() && give_up.get_or_insert_with(Instant::now).elapsed() > PATIENCE
}

/// Returns a UUIDv7 of now.
pub fn ballot_id(dice: &mut StdRng) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    uuid::Builder::from_unix_timestamp_millis(now, &dice.random()).into_uuid().to_string()
}
