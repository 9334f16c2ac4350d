//! The processor runs over backends that fail at one chosen point: what it owes must come all the same,
//! without another vote to set it going.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::digest::FULL;
use pollux_core::fold::{Past, known};
use pollux_core::id::{BallotId, Generation, Partition, PollId, UnixMillis, VoterId};
use pollux_core::kind::Answer;
use pollux_core::poll::{Draft, Poll, PollStatus};
use pollux_core::record::{Entry, ballot_key};
use pollux_core::standing::TallyAt;
use pollux_server::ambient::Ambient;
use pollux_server::config::{LogLimits, ProcessorLimits};
use pollux_server::log::memory::{LogFaults, MemoryLog, MemoryNode};
use pollux_server::log::{Log, NewRecord, control};
use pollux_server::processor::Processor;
use pollux_server::processor::batch::{Batch, Slice};
use pollux_server::store::memory::{Faults, MemoryStore, StoreFaults};
use pollux_server::store::{Ballots, Counting, Polls};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const NOW: UnixMillis = UnixMillis(1_763_740_800_000);
/// `A_WHILE` is enough for many rounds of housekeeping and many sessions; the clock is paused.
const A_WHILE: Duration = Duration::from_secs(30);

/// `Troubles` says what troubles the processor, by partition.
type Troubles = Arc<Mutex<BTreeMap<Partition, String>>>;

/// `Still` is a clock that stands still, without dice.
struct Still;

impl Ambient for Still {
    fn now(&self) -> UnixMillis {
        NOW
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// `World` has one partition and one open poll, without a worker yet.
struct World {
    cluster: MemoryLog,
    log: Arc<MemoryNode>,
    store: Arc<MemoryStore>,
    poll: Poll,
}

impl World {
    async fn new() -> Self {
        let generation = Generation(PollId::new(NOW, [1; 10]).0);
        let cluster = MemoryLog::new(generation, 1, LogLimits::default(), LogFaults::default(), 1);
        cluster.assign(0, vec![0]);
        let store = MemoryStore::new(1);
        let draft = Draft::new("Which?", ["This", "That"]);
        let mut poll = Poll::draft(PollId::new(NOW, [2; 10]), draft, [0; 32], NOW).unwrap();
        poll.open(NOW).unwrap();
        store.create(poll.clone(), vec!["123456".into()], None).await.unwrap();
        Self { log: cluster.node(0), cluster, store, poll }
    }

    fn processor(&self) -> Processor {
        let (log, store) = (self.log.clone(), self.store.clone());
        Processor::new(log, store, Arc::new(Still), ProcessorLimits::default())
    }

    /// Runs a worker until it has counted what there is.
    async fn count(&self) {
        let stop = CancellationToken::new();
        let counting = tokio::spawn(self.processor().run(stop.clone()));
        sleep(A_WHILE).await;
        stop.cancel();
        counting.await.unwrap();
    }

    /// Starts a processor, and returns its troubles.
    fn start(&self) -> Troubles {
        let processor = self.processor();
        let troubles = processor.troubles.clone();
        tokio::spawn(processor.run(CancellationToken::new()));
        troubles
    }

    /// Appends a record that nobody can read.
    async fn junk(&self, text: &'static str) {
        let record = NewRecord { key: "a key".into(), value: text.into() };
        self.log.append(0, record).await.unwrap();
    }

    /// Returns the values that were copied to `votes.dead`.
    fn copied(&self) -> Vec<Bytes> {
        self.cluster.dead().into_iter().map(|(_, record)| record.value).collect()
    }

    async fn vote(&self, n: u8) {
        let Poll { id, round, phase, .. } = self.poll;
        let ballot = Ballot {
            poll: id,
            voter: VoterId([n; 16]),
            id: BallotId::new(NOW, [n; 10]),
            named_by: NamedBy::Client,
            answer: Answer::options([1]).unwrap(),
            round,
            phase,
            at: NOW,
        };
        let key = ballot_key(id, ballot.voter).into();
        let value = Entry::Ballot(ballot).encode().into();
        self.log.append(0, NewRecord { key, value }).await.unwrap();
    }

    /// Does what a worker does that is killed before it announces what it has just committed.
    async fn commit_and_die(&self) {
        let slice = Slice { partition: 0, partitions: 1, generation: self.log.generation() };
        let from = self.store.begin(0, slice.generation).await.unwrap().next_offset;
        let records = self.log.read(0, from, 100, Duration::ZERO).await.unwrap();
        let mut past = Past::default();
        past.polls.insert(self.poll.id, known(&self.poll, None).unwrap());
        let commit = Batch::read(records).decide(slice, from, &mut past);
        self.store.commit(0, &commit).await.unwrap();
    }

    /// Returns the tally that is committed.
    fn tally(&self) -> TallyAt {
        self.store.dump().tallies[0].clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_control_record_that_got_lost_is_appended_again() {
    let world = World::new().await;
    world.cluster.set_faults(LogFaults { unknown_lost: 1.0, ..LogFaults::default() });
    world.start();
    sleep(A_WHILE).await;
    assert_eq!(world.store.unsettled(None, 100).await.unwrap().len(), 1, "nothing gets through");
    world.cluster.set_faults(LogFaults::default());
    sleep(A_WHILE).await;
    assert_eq!(world.store.unsettled(None, 100).await.unwrap(), []);
    let records = world.cluster.records(0).len();
    assert_eq!(records, 2, "the genesis record, and that of the opening once");
}

#[tokio::test(start_paused = true)]
async fn what_was_committed_but_not_announced_is_announced_by_the_next_worker() {
    let world = World::new().await;
    world.vote(1).await;
    world.commit_and_die().await;
    assert_eq!(world.store.unsettled(None, 100).await.unwrap(), [], "no control record will come");
    let mut feed = world.log.feed().await.unwrap();
    world.start();
    let owed = Announcement::Tally(world.tally());
    let told = async { while !feed.next().await.unwrap().contains(&owed) {} };
    timeout(A_WHILE, told).await.expect("it is announced");
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_copied_as_they_were() {
    let world = World::new().await;
    world.start();
    world.vote(1).await;
    world.junk("no ballot").await;
    world.vote(2).await;
    sleep(A_WHILE).await;
    assert_eq!(world.tally().tally.voters, 2, "what stands around it is counted");
    let letters = world.store.dump().dead;
    let [(0, letter)] = &letters[..] else { panic!("{letters:?}") };
    let copies = world.cluster.dead();
    let [(0, copy)] = &copies[..] else { panic!("{copies:?}") };
    assert_eq!((copy.offset, &copy.key, &copy.value), (letter.offset, &letter.key, &letter.value));
    assert_eq!(
        (copy.offset, &copy.key[..], &copy.value[..]),
        (2, &b"a key"[..], &b"no ballot"[..])
    );
    assert!(!copy.reason.is_empty() && copy.reason == letter.reason);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_committed_and_not_copied_are_copied_by_the_next_worker() {
    let world = World::new().await;
    world.vote(1).await;
    world.junk("one").await;
    world.junk("two").await;
    world.commit_and_die().await;
    assert_eq!(world.copied(), [""; 0]);
    world.start();
    sleep(A_WHILE).await;
    assert_eq!(world.copied(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn copies_that_fail_hold_up_no_vote_and_are_made_later() {
    let world = World::new().await;
    world.cluster.set_faults(LogFaults { not_copied: 1.0, ..LogFaults::default() });
    let troubles = world.start();
    world.junk("one").await;
    for n in 1..=3 {
        world.vote(n).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(world.tally().tally.voters, u64::from(n));
    }
    assert_eq!((world.copied().len(), troubles.lock().len()), (0, 0));
    world.cluster.set_faults(LogFaults::default());
    sleep(2 * A_WHILE).await;
    assert_eq!(world.copied(), ["one"], "without another vote");
}

/// The log loses its end under a running worker, and then grows past where it was.
#[tokio::test(start_paused = true)]
async fn a_log_that_lost_its_end_stops_the_partition_also_when_it_has_grown_again() {
    let world = World::new().await;
    let troubles = world.start();
    for n in 1..=3 {
        world.vote(n).await;
    }
    sleep(A_WHILE).await;
    let counted = world.tally();
    assert_eq!((counted.tally.voters, troubles.lock().len()), (3, 0));
    world.cluster.truncate(0, 2);
    sleep(A_WHILE).await;
    let trouble = troubles.lock().get(&0).cloned().unwrap_or_default();
    assert!(trouble.contains("records are missing"), "{trouble}");
    for n in 11..=20 {
        world.vote(n).await;
    }
    sleep(A_WHILE).await;
    let trouble = troubles.lock().get(&0).cloned().unwrap_or_default();
    assert!(trouble.contains("holds another record"), "{trouble}");
    assert_eq!(world.tally(), counted, "nothing is counted on top of what is not there");
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_newer_version_stops_the_partition_and_loses_nothing() {
    let world = World::new().await;
    world.vote(1).await;
    let newer = NewRecord { key: "key".into(), value: r#"{"v":2,"type":"unheard-of"}"#.into() };
    let position = world.log.append(0, newer).await.unwrap();
    world.vote(2).await;
    let mut feed = world.log.feed().await.unwrap();
    world.start();
    sleep(A_WHILE).await;
    assert_eq!(world.tally().tally.voters, 1, "what is older is counted");
    let is_told = |told: &Announcement| matches!(told, Announcement::Progress { next_offset, .. } if Some(*next_offset) == position.offset);
    let told = async { while !feed.next().await.unwrap().iter().any(is_told) {} };
    timeout(A_WHILE, told).await.expect("and told, though the partition goes no further");
    let (_, progress) = world.store.progress().await.unwrap()[0];
    assert_eq!(Some(progress.next_offset), position.offset, "and a newer pollux goes on there");
    assert_eq!(world.store.dump().dead, []);
}

/// The store was replaced by a copy from before the poll was made.
#[tokio::test(start_paused = true)]
async fn a_store_older_than_the_log_stops_the_partition_and_loses_nothing() {
    let mut world = World::new().await;
    world.vote(1).await;
    let known = world.poll.clone();
    let draft = Draft::new("And which?", ["This", "That"]);
    world.poll = Poll::draft(PollId::new(NOW, [3; 10]), draft, [0; 32], NOW).unwrap();
    world.poll.open(NOW).unwrap();
    world.log.append(0, control::record(&world.poll, NOW).unwrap()).await.unwrap();
    world.vote(2).await;
    world.start();
    sleep(A_WHILE).await;
    assert_eq!(world.store.dump().dead, [], "no ballot of the unknown poll is thrown away");

    world.store.create(world.poll.clone(), vec!["654321".into()], None).await.unwrap();
    sleep(A_WHILE).await;
    for poll in [known.id, world.poll.id] {
        let standing = world.store.standing(poll).await.unwrap().unwrap();
        assert_eq!(standing.total_voters(), 1, "{poll}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_phase_that_was_committed_outlives_a_power_cut() {
    let mut world = World::new().await;
    world.start();
    for n in 1..=20 {
        world.vote(n).await;
        let expected = world.poll.revision;
        world.poll.close(NOW).unwrap();
        if n % 2 == 0 {
            world.poll.reopen(NOW).unwrap();
        }
        world.store.change(&world.poll, expected).await.unwrap();
        control::publish(&*world.log, &world.poll, NOW).await;
        sleep(A_WHILE).await;
        assert_eq!(world.tally().tally.phase, world.poll.phase);
        assert_eq!(world.store.power_cut(), 0, "nothing may be lost back to before phase {n}");
    }
}

/// `Settable` is a clock that goes with the test's, and that somebody sets.
struct Settable {
    start: tokio::time::Instant,
    set_by: AtomicI64,
}

impl Ambient for Settable {
    fn now(&self) -> UnixMillis {
        let passed = self.start.elapsed().as_millis() as i64;
        UnixMillis(NOW.0.strict_add_signed(passed + self.set_by.load(Relaxed)))
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Opens a poll of twenty seconds, and another that closes at a time of the clock; sets the clock in the
/// tenth second, and returns whether each poll is open this many seconds later.
async fn open_after(set_by: i64, alone: bool, seconds: u64) -> [bool; 2] {
    let world = World::new().await;
    let clock = Arc::new(Settable { start: tokio::time::Instant::now(), set_by: 0.into() });
    let make = async |n: u8, after: Option<u64>, at: Option<u64>| {
        let mut draft = Draft::new("How long?", ["Yes", "No"]);
        (draft.closes_after, draft.closes_at) = (after, at.map(|at| UnixMillis(NOW.0 + at)));
        let mut poll = Poll::draft(PollId::new(NOW, [n; 10]), draft, [0; 32], NOW).unwrap();
        poll.open(clock.now()).unwrap();
        world.store.create(poll.clone(), vec![format!("12345{n}")], None).await.unwrap();
        poll.id
    };
    let polls = [make(7, Some(20), None).await, make(8, None, Some(20_000)).await];
    let limits = ProcessorLimits::default();
    let mut processor =
        Processor::new(world.log.clone(), world.store.clone(), clock.clone(), limits);
    processor.alone = alone;
    tokio::spawn(processor.run(CancellationToken::new()));
    sleep(Duration::from_secs(10)).await;
    clock.set_by.store(set_by, Relaxed);
    sleep(Duration::from_secs(seconds)).await;
    let mut open = [false; 2];
    for (open, poll) in open.iter_mut().zip(polls) {
        *open = world.store.standing(poll).await.unwrap().unwrap().poll.status == PollStatus::Open;
    }
    open
}

#[tokio::test(start_paused = true)]
async fn seconds_from_the_opening_are_seconds_though_the_clock_is_set() {
    const HOUR: i64 = 3_600_000;
    for set_by in [-HOUR, HOUR, -5_000, 5_000] {
        assert!(open_after(set_by, true, 8).await[0], "set by {set_by} ms: open after 18 s");
        assert!(!open_after(set_by, true, 12).await[0], "set by {set_by} ms: closed after 22 s");
    }
    // A closing time of the clock's goes by the clock, and among many nodes nobody knows whose clock it was.
    assert!(!open_after(HOUR, true, 2).await[1]);
    assert!(open_after(-HOUR, true, 60).await[1]);
    assert_eq!(open_after(HOUR, false, 2).await, [false, false]);
}

#[tokio::test(start_paused = true)]
async fn thousands_that_close_at_one_moment_hold_up_nobody() {
    const MANY: u16 = 6_000;
    let world = World::new().await;
    for n in 0..=MANY {
        let mut random = [3; 10];
        random[..2].copy_from_slice(&n.to_be_bytes());
        let draft = Draft::new("Which?", ["This", "That"]);
        let mut poll = Poll::draft(PollId::new(NOW, random), draft, [0; 32], NOW).unwrap();
        poll.open(NOW).unwrap();
        poll.closes_at = Some(NOW);
        world.store.create(poll, vec![format!("2{n:05}")], None).await.unwrap();
    }
    // The delay is that of a disk that syncs in some milliseconds.
    let delay = Duration::from_millis(2)..Duration::from_millis(3);
    let slow = Faults { delay: delay.clone(), ..Faults::NONE };
    world.store.set_faults(StoreFaults {
        reads: slow.clone(),
        changes: slow.clone(),
        commits: slow,
    });
    world.cluster.set_faults(LogFaults { delay, ..LogFaults::default() });
    world.start();
    sleep(ProcessorLimits::default().housekeeping + Duration::from_secs(1)).await;
    let open = |poll: &&Poll| poll.closes_at.is_some() && poll.status == PollStatus::Open;
    let dump = world.store.dump();
    assert_eq!(dump.polls.iter().filter(open).count(), 0, "the last is closed within a second");
    sleep(A_WHILE).await;
    assert_eq!(
        world.store.unsettled(None, 100).await.unwrap(),
        [],
        "and every partition has heard"
    );
    let records = world.cluster.records(0).len();
    assert!(records < usize::from(MANY) + 1_000, "{records}: hardly any is appended twice");
}

/// Returns the range of each digest, after checking it against the records there.
async fn digests(world: &World) -> Vec<(u64, u64)> {
    let records = world.cluster.records(0);
    let kept = world.store.digests(0, 0).await.unwrap();
    for kept in &kept {
        let records = &records[kept.from as usize..kept.to as usize];
        let of = records.iter().map(|it| (it.offset, &it.key[..], &it.value[..]));
        assert_eq!(pollux_checker::digest(of), kept.hash);
    }
    kept.iter().map(|kept| (kept.from, kept.to)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_digest_goes_on_over_workers_until_it_is_full() {
    let world = World::new().await;
    world.vote(1).await;
    // A worker of a version that keeps no digests would leave this.
    world.commit_and_die().await;
    assert_eq!(digests(&world).await, []);
    for n in 2..4 {
        world.vote(n).await;
        world.junk("{").await;
        world.count().await;
    }
    let end = world.log.end(0).await.unwrap();
    assert_eq!(digests(&world).await, [(2, end)]);
    for _ in 0..FULL + 100 {
        world.vote(1).await;
    }
    world.count().await;
    let end = world.log.end(0).await.unwrap();
    let kept = digests(&world).await;
    let [(2, full), (from, to)] = kept[..] else { panic!("{kept:?}") };
    assert!(full >= 2 + FULL && from == full && to == end, "{kept:?}");

    world.vote(9).await;
    world.commit_and_die().await;
    world.vote(10).await;
    world.count().await;
    let end = world.log.end(0).await.unwrap();
    assert_eq!(digests(&world).await[2..], [(end - 1, end)], "what lies between has none");
}
