//! The log in memory, for tests: it can fail in every way that the contract of [`Log`] allows, and
//! in no other. Everything it does is drawn from one seeded generator and timed by tokio's clock,
//! so that a seed repeats its run exactly under a paused, single-threaded runtime.
//!
//! [`MemoryLog`] is the cluster, which the test keeps; [`MemoryNode`] is one process's connection
//! to it, which may crash.

mod node;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, Offset, Partition, Position};
use pollux_core::record::{Entry, Genesis};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

pub use self::node::MemoryNode;
use super::{
    Append, AppendError, AppendOutcome, DeadRecord, Feed, FeedLost, Log, Membership, NewRecord,
    ReadError, Record,
};
use crate::config::LogLimits;
use crate::level::Level;

/// The faults are probabilities from 0 to 1, and ranges of delays. By default the log never fails
/// and never delays anything.
#[derive(Clone, Debug, Default)]
pub struct LogFaults {
    /// An append (or announcement) is refused.
    pub not_recorded: f64,
    /// An append is answered with `Unknown`, and its record is lost.
    pub unknown_lost: f64,
    /// An append is answered with `Unknown`, but its record reaches the log: before the answer, or
    /// after one more delay.
    pub unknown_recorded: f64,
    /// The delay from the call to the log, and once more from the log to the answer.
    pub delay: Range<Duration>,
    /// An acknowledged record reaches the log a second time, after one more delay.
    pub duplicate: f64,
    /// An acknowledgement does not tell the offset.
    pub no_offset: f64,
    /// Dead records are not copied; this comes in addition to the faults of every append.
    pub not_copied: f64,
    /// A read, `end`, `join` or `feed` fails.
    pub read_error: f64,
    /// A feed is lost instead of delivering.
    pub feed_lost: f64,
    /// A feed gets an announcement a second time, after one more delay.
    pub announcement_duplicate: f64,
    /// The delay from an announcement to each feed; the announcements of one node stay in order.
    pub announcement_delay: Range<Duration>,
    /// What the log reports as damaged; see [`Log::damage`].
    pub damage: Option<String>,
    /// In what the log may lose records; see [`Log::weakness`].
    pub weakness: Option<String>,
    /// Why the log takes no records and no announcements for a while; see [`Log::hindrance`].
    pub hindrance: Option<String>,
}

/// A member id is the number of a node, as [`MemoryLog::assign`] takes it.
pub type MemberId = u32;

/// The memory log is the cluster, which outlives every node.
#[derive(Clone)]
pub struct MemoryLog {
    cluster: Arc<Cluster>,
}

/// The cluster holds what all nodes share.
struct Cluster {
    generation: Generation,
    limits: LogLimits,
    state: Mutex<State>,
    /// The end of each partition.
    ends: Vec<Level<Offset>>,
    /// Wakes the pump when something was planned.
    planned: Notify,
}

/// The state holds the content of the log, its faults, and what is planned.
struct State {
    dice: StdRng,
    faults: LogFaults,
    partitions: Vec<Vec<Record>>,
    /// The topic `votes.dead`; each record comes with the partition in which it stood.
    dead: Vec<(Partition, DeadRecord)>,
    /// What will happen, by time and then in the order in which it was planned.
    planned: BTreeMap<(Instant, u64), Planned>,
    /// A counter of everything that was planned and of every feed that was opened.
    sequence: u64,
    /// Whether a task is running that makes planned things happen.
    pumped: bool,
    assignments: BTreeMap<MemberId, watch::Sender<Vec<Partition>>>,
    feeds: BTreeMap<u64, FeedState>,
}

/// `Planned` is something that will happen at a time.
enum Planned {
    /// A record reaches the log, or fails to.
    Land { partition: Partition, record: NewRecord, fate: Fate, answer: Option<Answer> },
    /// The caller of an append gets its answer.
    Answer { answer: Answer, outcome: AppendOutcome },
    /// An announcement reaches a feed.
    Deliver { feed: u64, announcement: Announcement },
}

/// `Answer` leads to the caller who waits for an append.
struct Answer {
    waiter: oneshot::Sender<AppendOutcome>,
    /// The node whose bound the append counts towards until it is answered.
    node: Arc<Mutex<Node>>,
}

/// A fate says what will become of an append.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Recorded { twice: bool, told_where: bool },
    NotRecorded,
    UnknownLost,
    UnknownRecorded { late: bool },
}

/// `Node` holds a node's own state.
#[derive(Default)]
struct Node {
    /// The number of appends that are not answered yet.
    waiting: watch::Sender<usize>,
    /// When the node's newest record for each partition reaches the log; later ones must not
    /// overtake it.
    latest: BTreeMap<Partition, Instant>,
    /// When the node's newest announcement reaches each feed.
    announced: BTreeMap<u64, Instant>,
    closed: bool,
}

/// The feed state holds the announcements that a feed has not delivered yet.
#[derive(Default)]
struct FeedState {
    queue: VecDeque<Announcement>,
    lost: bool,
    arrived: Arc<Notify>,
}

impl MemoryLog {
    /// Creates a log with nothing on it but genesis records.
    pub fn new(
        generation: Generation,
        partitions: u32,
        limits: LogLimits,
        faults: LogFaults,
        seed: u64,
    ) -> Self {
        let genesis = |partition| {
            let entry = Entry::Genesis(Genesis { generation, partition, partitions });
            vec![Record { offset: 0, key: "genesis".into(), value: entry.encode().into() }]
        };
        let state = State {
            dice: StdRng::seed_from_u64(seed),
            faults,
            partitions: (0..partitions).map(genesis).collect(),
            dead: Vec::new(),
            planned: BTreeMap::new(),
            sequence: 0,
            pumped: false,
            assignments: BTreeMap::new(),
            feeds: BTreeMap::new(),
        };
        let ends = (0..partitions).map(|_| Level::new(1)).collect();
        let (state, planned) = (Mutex::new(state), Notify::new());
        Self { cluster: Arc::new(Cluster { generation, limits, state, ends, planned }) }
    }

    /// Returns the connection of a process, as this member of the group of processors.
    pub fn node(&self, member: MemberId) -> Arc<MemoryNode> {
        Arc::new(MemoryNode { cluster: self.cluster.clone(), member, node: Arc::default() })
    }

    /// Replaces the faults from now on.
    pub fn set_faults(&self, faults: LogFaults) {
        self.cluster.state.lock().faults = faults;
    }

    /// Makes the log take no records and no announcements, for this reason, until it is called with
    /// `None`.
    pub fn hinder(&self, why: Option<&str>) {
        self.cluster.state.lock().faults.hindrance = why.map(str::to_owned);
    }

    /// Assigns partitions to a member; another member may have them too. A member that was never
    /// assigned any has all.
    pub fn assign(&self, member: MemberId, partitions: Vec<Partition>) {
        let mut state = self.cluster.state.lock();
        self.cluster.assignment(&mut state, member).send_replace(partitions);
    }

    /// Returns whether the member has joined and not left.
    pub fn is_joined(&self, member: MemberId) -> bool {
        let mut state = self.cluster.state.lock();
        self.cluster.assignment(&mut state, member).receiver_count() > 0
    }

    /// Returns everything on a partition, for the test to check.
    pub fn records(&self, partition: Partition) -> Vec<Record> {
        self.cluster.state.lock().partitions[partition as usize].clone()
    }

    /// Returns everything on `votes.dead`, each with the partition in which it stood.
    pub fn dead(&self) -> Vec<(Partition, DeadRecord)> {
        self.cluster.state.lock().dead.clone()
    }

    /// Cuts a partition short. This breaks the contract, to test that readers notice.
    pub fn truncate(&self, partition: Partition, end: Offset) {
        let mut state = self.cluster.state.lock();
        state.partitions[partition as usize].truncate(end as usize);
        self.cluster.set_end(partition, end);
    }
}

impl State {
    fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.dice.random_bool(probability.min(1.0))
    }

    fn draw(&mut self, range: &Range<Duration>) -> Duration {
        if range.is_empty() { range.start } else { self.dice.random_range(range.clone()) }
    }

    fn fate(&mut self) -> Fate {
        let faults = self.faults.clone();
        if self.happens(faults.not_recorded) {
            Fate::NotRecorded
        } else if self.happens(faults.unknown_lost) {
            Fate::UnknownLost
        } else if self.happens(faults.unknown_recorded) {
            Fate::UnknownRecorded { late: self.dice.random() }
        } else {
            let twice = self.happens(faults.duplicate);
            Fate::Recorded { twice, told_where: !self.happens(faults.no_offset) }
        }
    }

    fn read_fault(&mut self) -> Result<(), ReadError> {
        let probability = self.faults.read_error;
        match self.happens(probability) {
            true => Err(ReadError::Unavailable("a fault of the test".into())),
            false => Ok(()),
        }
    }
}

impl Cluster {
    fn assignment<'a>(
        &self,
        state: &'a mut State,
        member: MemberId,
    ) -> &'a watch::Sender<Vec<Partition>> {
        let all = || watch::Sender::new((0..self.ends.len() as u32).collect());
        state.assignments.entry(member).or_insert_with(all)
    }

    /// Plans something for a time; what is planned for the same time happens in the order of
    /// planning.
    fn plan(self: &Arc<Self>, state: &mut State, at: Instant, next: Planned) {
        state.sequence += 1;
        state.planned.insert((at, state.sequence), next);
        if state.pumped {
            self.planned.notify_one();
        } else {
            state.pumped = true;
            tokio::spawn(self.clone().pump());
        }
    }

    /// Makes planned things happen when their time comes, until none is left.
    async fn pump(self: Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state.lock();
                while let Some(first) = state.planned.first_entry()
                    && first.key().0 <= Instant::now()
                {
                    let next = first.remove();
                    self.happen(&mut state, next);
                }
                match state.planned.first_key_value() {
                    Some(((at, _), _)) => *at,
                    None => {
                        state.pumped = false;
                        return;
                    }
                }
            };
            tokio::select! {
                biased;
                () = self.planned.notified() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    fn happen(self: &Arc<Self>, state: &mut State, next: Planned) {
        match next {
            Planned::Land { partition, record, fate, answer } => {
                let outcome = self.land(state, partition, record, fate);
                if let Some(answer) = answer {
                    let delay = state.faults.delay.clone();
                    let at = Instant::now() + state.draw(&delay);
                    self.plan(state, at, Planned::Answer { answer, outcome });
                }
            }
            Planned::Answer { answer, outcome } => {
                answer.node.lock().waiting.send_modify(|waiting| *waiting -= 1);
                // An error says that the caller does not wait any more.
                let _ = answer.waiter.send(outcome);
            }
            Planned::Deliver { feed, announcement } => {
                let Some(feed) = state.feeds.get_mut(&feed) else { return };
                if feed.queue.len() >= self.limits.feed {
                    feed.lost = true;
                }
                if !feed.lost {
                    feed.queue.push_back(announcement);
                }
                feed.arrived.notify_one();
            }
        }
    }

    fn land(
        self: &Arc<Self>,
        state: &mut State,
        partition: Partition,
        record: NewRecord,
        fate: Fate,
    ) -> AppendOutcome {
        let again = |record| {
            let fate = Fate::Recorded { twice: false, told_where: true };
            Planned::Land { partition, record, fate, answer: None }
        };
        let delay = state.faults.delay.clone();
        let later = Instant::now() + state.draw(&delay);
        match fate {
            Fate::NotRecorded => Err(AppendError::NotRecorded("a fault of the test".into())),
            Fate::UnknownLost => Err(AppendError::Unknown("a fault of the test".into())),
            Fate::UnknownRecorded { late } => {
                match late {
                    true => self.plan(state, later, again(record)),
                    false => drop(self.record(state, partition, record)),
                }
                Err(AppendError::Unknown("a fault of the test".into()))
            }
            Fate::Recorded { twice, told_where } => {
                if twice {
                    self.plan(state, later, again(record.clone()));
                }
                let offset = self.record(state, partition, record);
                Ok(Position { partition, offset: told_where.then_some(offset) })
            }
        }
    }

    fn record(&self, state: &mut State, partition: Partition, record: NewRecord) -> Offset {
        let records = &mut state.partitions[partition as usize];
        let offset = records.len() as Offset;
        records.push(Record { offset, key: record.key, value: record.value });
        self.set_end(partition, offset + 1);
        offset
    }

    fn set_end(&self, partition: Partition, offset: Offset) {
        self.ends[partition as usize].change(|end| {
            *end = offset;
            true
        });
    }
}
