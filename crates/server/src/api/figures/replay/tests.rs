//! Tests of replays: votes that the memory log holds are replayed, and compared with counts of the log up to
//! each frame.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use pollux_core::announcement::Announcement;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::fold::{Past, known};
use pollux_core::id::{BallotId, Generation, Offset, Partition, UnixMillis, VoterId};
use pollux_core::kind::Answer;
use pollux_core::poll::{Draft, Poll};
use pollux_core::record::{Control, Entry, ballot_key, ballot_partition};
use pollux_core::standing::{Standing, TallyAt};
use proptest::prelude::*;

use super::fold::FRAMES;
use super::make::{Aside, CLOCKS, PAGE, beginning};
use super::*;
use crate::config::LogLimits;
use crate::log::memory::{LogFaults, MemoryLog, MemoryNode};
use crate::log::{
    Append, AppendError, DeadRecord, Feed, Log, Membership, NewRecord, ReadError, Record,
};
use crate::processor::batch::{Batch, Slice};

const PARTITIONS: u32 = 2;
const MADE: u64 = 1_795_262_400_000;
const PLENTY: u64 = 1_000_000;

fn poll(n: u64) -> Poll {
    let id = PollId::new(UnixMillis(MADE + n), [1; 10]);
    let draft = Draft::new("Which?", ["a", "b", "c"]);
    let mut poll = Poll::draft(id, draft, [0; 32], UnixMillis(MADE + n)).unwrap();
    poll.open(UnixMillis(MADE + n)).unwrap();
    poll
}

fn log() -> (MemoryLog, Arc<MemoryNode>) {
    let generation = Generation("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap());
    let limits = LogLimits::default();
    let cluster = MemoryLog::new(generation, PARTITIONS, limits, LogFaults::default(), 1);
    let node = cluster.node(1);
    (cluster, node)
}

async fn control(log: &MemoryNode, poll: &Poll, at: u64) {
    let control = Control::of(poll, UnixMillis(at)).unwrap();
    for partition in 0..PARTITIONS {
        let value = Entry::Control(control).encode().into();
        let record = NewRecord { key: control.key().into(), value };
        log.append(partition, record).await.unwrap();
    }
}

async fn cast(log: &MemoryNode, poll: &Poll, voter: u8, n: u64, option: u8, at: u64) {
    let (voter, id) = (VoterId([voter; 16]), BallotId::new(UnixMillis(n), [voter; 10]));
    let answer = Answer::options([option]).unwrap();
    let (round, phase, at) = (poll.round, poll.phase, UnixMillis(at));
    let named_by = if n.is_multiple_of(3) { NamedBy::Server } else { NamedBy::Client };
    let ballot = Ballot { poll: poll.id, voter, id, named_by, answer, round, phase, at };
    let partition = ballot_partition(poll.id, voter, PARTITIONS);
    let key = ballot_key(poll.id, voter).into();
    let value = Entry::Ballot(ballot).encode().into();
    log.append(partition, NewRecord { key, value }).await.unwrap();
}

/// Returns what the processor makes of the records that `keep` selects.
fn standing(cluster: &MemoryLog, poll: &Poll, keep: impl Fn(&Record) -> bool) -> Standing {
    let mut standing = Standing::new(Arc::new(poll.clone()), PARTITIONS);
    for partition in 0..PARTITIONS {
        let mut records = cluster.records(partition);
        let end = records.len() as u64;
        records.retain(&keep);
        let generation = Generation(uuid::Uuid::nil());
        let slice = Slice { partition, partitions: PARTITIONS, generation };
        let mut past = Past::default();
        past.polls.insert(poll.id, known(poll, None).unwrap());
        Batch::read(records).decide(slice, 0, &mut past);
        let tally = past.polls.remove(&poll.id).unwrap().1;
        let next_offset = end;
        let poll = poll.id;
        standing.take_tally(TallyAt { poll, partition, generation, next_offset, tally });
    }
    standing
}

/// A `Step` is what happens next in the course of a vote.
#[derive(Clone, Debug)]
enum Step {
    Cast { other: bool, voter: u8, n: u64, option: u8 },
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let cast = (any::<bool>(), 0..8_u8, 0..12_u64, 1..4_u8)
        .prop_map(|(other, voter, n, option)| Step::Cast { other, voter, n, option });
    prop_oneof![40 => cast, 1 => Just(Step::Reset)]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the course of a vote, each frame equals a count of the log up to its moment.
    #[test]
    fn every_frame_is_what_the_log_said_by_then(
        steps in prop::collection::vec((step(), 0..500_u64), 0..80),
    ) {
        runtime().block_on(async {
            let (cluster, log) = log();
            let (mut ours, theirs) = (poll(0), poll(1));
            let mut now = MADE + 10;
            control(&log, &ours, now).await;
            control(&log, &theirs, now).await;
            let mut began = now;
            for (step, pause) in steps {
                now += pause;
                match step {
                    Step::Cast { other, voter, n, option } => {
                        let poll = if other { &theirs } else { &ours };
                        cast(&log, poll, voter, n, option, now).await;
                    }
                    Step::Reset => {
                        ours.reset(UnixMillis(now)).unwrap();
                        control(&log, &ours, now).await;
                        began = now;
                    }
                }
            }
            now += 1_000;
            ours.close(UnixMillis(now)).unwrap();
            control(&log, &ours, now).await;
            // This ballot is late, and appears in no frame.
            cast(&log, &ours, 9, 99, 3, now + 5).await;
            let end = standing(&cluster, &ours, |_| true);
            assert!(end.is_final());
            let json = make(&*log, &end, PLENTY).await.unwrap();
            let view: ReplayView = serde_json::from_slice(&json).unwrap();
            assert_eq!(view.frames.last().unwrap().votes, end.counts());
            assert_eq!(view.voters, end.total_voters());
            assert!(view.frames.len() <= FRAMES as usize);
            for frame in &view.frames {
                let at: jiff::Timestamp = frame.at.parse().unwrap();
                let at = at.as_millisecond() as u64;
                assert!(at >= began);
                let by_then = standing(&cluster, &ours, |record| {
                    match Entry::decode(&record.value).unwrap() {
                        Entry::Ballot(ballot) => ballot.at.0 <= at,
                        Entry::Control(control) => control.at.0 <= at,
                        Entry::Genesis(_) => true,
                    }
                });
                assert_eq!(frame.votes, by_then.counts(), "at {}", frame.at);
            }
        });
    }
}

/// Creates a poll that was voted on long after another one had filled the log.
async fn after_a_long_log(times: impl Fn(u64) -> u64) -> (Arc<MemoryNode>, Standing) {
    let (cluster, log) = log();
    let (before, mut ours) = (poll(0), poll(10 * CLOCKS));
    control(&log, &before, times(MADE)).await;
    for n in 0..2 * PAGE as u64 + 1_000 {
        cast(&log, &before, n as u8, n, 1, times(MADE + n)).await;
    }
    let opened = MADE + 10 * CLOCKS;
    control(&log, &ours, times(opened)).await;
    for voter in 0..100 {
        cast(&log, &ours, voter, 1, 2, times(opened + u64::from(voter))).await;
    }
    ours.close(UnixMillis(opened + 1_000)).unwrap();
    control(&log, &ours, times(opened + 1_000)).await;
    for n in 0..100 {
        cast(&log, &before, n as u8, 1_000_000 + n, 1, times(opened + 2_000)).await;
    }
    let end = standing(&cluster, &ours, |_| true);
    (log, end)
}

#[test]
fn only_records_that_may_be_of_the_poll_are_read() {
    runtime().block_on(async {
        let (log, end) = after_a_long_log(|at| at).await;
        let mut begins = BTreeMap::new();
        for tally in end.tallies() {
            let (partition, until) = (tally.partition, tally.next_offset);
            let begin = beginning(&*log, &end.poll, partition, until, PLENTY).await.unwrap();
            begins.insert(partition, begin);
        }
        assert!(begins.values().all(|begin| *begin > 0), "{begins:?}");
        let json = make(&*log, &end, PLENTY).await.unwrap();
        let view: ReplayView = serde_json::from_slice(&json).unwrap();
        assert_eq!((view.voters, view.frames.len()), (100, 200));
        assert_eq!(make(&*log, &end, 1_000).await, Err(Failed::TooLong));
    });
}

#[test]
fn wrong_record_times_cost_time_and_no_vote() {
    runtime().block_on(async {
        // The clocks of all nodes stood still, long before the poll was created.
        let (log, end) = after_a_long_log(|_| MADE - 10 * CLOCKS).await;
        let json = make(&*log, &end, PLENTY).await.unwrap();
        let view: ReplayView = serde_json::from_slice(&json).unwrap();
        assert_eq!(view.frames.last().unwrap().votes, [0, 100, 0]);
    });
}

#[test]
fn a_result_that_is_not_the_logs_is_not_replayed() {
    runtime().block_on(async {
        let (log, end) = after_a_long_log(|at| at).await;
        let mut other = Standing::new(end.poll.clone(), PARTITIONS);
        for tally in end.tallies() {
            let mut tally = tally.clone();
            tally.tally.counts[0] += 1;
            other.take_tally(tally);
        }
        assert_eq!(make(&*log, &other, PLENTY).await, Err(Failed::Different));
    });
}

/// `Spied` has the bytes of a record, and notes the thread that drops them.
struct Spied {
    bytes: Bytes,
    seen: Arc<Mutex<Vec<std::thread::ThreadId>>>,
}

impl AsRef<[u8]> for Spied {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Spied {
    fn drop(&mut self) {
        self.seen.lock().push(std::thread::current().id());
    }
}

/// A `Spying` is a log that notices when its records are dropped. A replay asks nothing else of it.
struct Spying {
    log: Arc<MemoryNode>,
    seen: Arc<Mutex<Vec<std::thread::ThreadId>>>,
}

#[async_trait]
impl Log for Spying {
    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError> {
        let spy = |record: Record| {
            let value = Spied { bytes: record.value.clone(), seen: self.seen.clone() };
            Record { value: Bytes::from_owner(value), ..record }
        };
        let records = self.log.read(partition, from, most, wait).await?;
        Ok(records.into_iter().map(spy).collect())
    }

    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn generation(&self) -> Generation {
        unimplemented!()
    }

    fn append(&self, _: Partition, _: NewRecord) -> Append {
        unimplemented!()
    }

    async fn end(&self, _: Partition) -> Result<Offset, ReadError> {
        unimplemented!()
    }

    async fn join(&self) -> Result<Box<dyn Membership>, ReadError> {
        unimplemented!()
    }

    async fn announce(&self, _: Vec<Announcement>) -> Result<(), AppendError> {
        unimplemented!()
    }

    async fn copy_dead(&self, _: Partition, _: Vec<DeadRecord>) -> Result<(), AppendError> {
        unimplemented!()
    }

    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError> {
        unimplemented!()
    }

    fn ready(&self) -> Result<(), String> {
        unimplemented!()
    }

    async fn shut(&self) {
        unimplemented!()
    }
}

#[test]
fn no_record_is_decoded_on_a_thread_that_votes_need() {
    runtime().block_on(async {
        let (cluster, log) = log();
        let mut ours = poll(0);
        control(&log, &ours, MADE).await;
        for voter in 0..100 {
            cast(&log, &ours, voter, 1, 2, MADE + u64::from(voter)).await;
        }
        ours.close(UnixMillis(MADE + 1_000)).unwrap();
        control(&log, &ours, MADE + 1_000).await;
        let end = standing(&cluster, &ours, |_| true);
        let seen = Arc::default();
        let spying = Spying { log, seen: Arc::clone(&seen) };
        make(&spying, &end, PLENTY).await.unwrap();
        let seen = seen.lock();
        assert!(seen.len() > 100, "{}", seen.len());
        assert!(!seen.contains(&std::thread::current().id()), "on the runtime's only thread");
    });
}

#[test]
fn one_page_is_folded_at_a_time() {
    runtime().block_on(async {
        let aside = Aside::new();
        let working = Arc::new(Mutex::new(()));
        let work = || {
            let working = working.clone();
            aside.run(move || {
                let _alone = working.try_lock().expect("another one is at it");
                // The pause gives any other piece of work that is allowed to run the chance to begin.
                std::thread::sleep(Duration::from_millis(1));
            })
        };
        try_join_all((0..20).map(|_| work())).await.unwrap();
    });
}

#[test]
fn as_many_replays_as_the_limit_are_kept_and_made() {
    runtime().block_on(async {
        let replays = Replays::default();
        let key = |n| (PollId::new(UnixMillis(n), [1; 10]), 2);
        let first = replays.of(key(1), 2).unwrap();
        assert!(Arc::ptr_eq(&first, &replays.of(key(1), 2).unwrap()), "one for all who ask");
        replays.of(key(2), 2).unwrap();
        let never = || std::future::pending::<Result<Bytes, Failed>>();
        assert_eq!(first.ask(FRESH, Duration::ZERO, never).await, None);
        replays.of(key(3), 2).unwrap();
        let kept: Vec<_> = replays.kept.lock().iter().map(|(key, _)| *key).collect();
        assert_eq!(kept, [key(1), key(3)], "the one that is being made stays");
        replays.of(key(3), 2).unwrap().ask(FRESH, Duration::ZERO, never).await;
        assert!(replays.of(key(4), 2).is_none());
    });
}
