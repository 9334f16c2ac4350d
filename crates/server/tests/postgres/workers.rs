//! Several workers share a database, and some stop halfway.

use std::sync::Arc;
use std::task::Poll as Polled;
use std::time::{Duration, Instant};

use pollux_core::ballot::Status;
use pollux_core::fold::Trail;
use pollux_core::poll::Poll;
use pollux_core::tally::VoterState;
use pollux_server::config::PostgresConfig;
use pollux_server::store::conformance::{
    NOW, Worker, at, ballot_id, choosing, create, generation, often, open_poll, some_tally, voter,
};
use pollux_server::store::postgres::PostgresStore;
use pollux_server::store::{
    BallotRow, Ballots, Commit, CommitError, Counting, DeadLetter, Store, StoreError,
};

use super::{database, shared, sql};

/// Returns a batch of `count` new voters, and one dead letter.
pub fn batch(store: &dyn Store, poll: &Poll, partition: u32, from: u64, count: u64) -> Commit {
    let row = |offset: u64| {
        let (ballot, answer) = (ballot_id(offset), choosing(&[1]));
        let mut who = voter(0);
        who.0[..8].copy_from_slice(&(offset.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes());
        let after =
            VoterState { round: 1, counted: Some((ballot, answer.clone())), seen: Some(ballot) };
        let (poll, decided, at) = (poll.id, Status::Counted, at(NOW));
        let link = Trail::default().next();
        BallotRow { offset, poll, voter: who, ballot, answer, decided, at, after, link }
    };
    let to = from + count + 1;
    let (key, value) = (b"key".as_slice().into(), b"value".as_slice().into());
    let dead = DeadLetter { offset: to - 1, key, value, reason: "for the test".into() };
    let worker = Worker { store, partition, next: from };
    let tallies = vec![worker.at(poll, some_tally(&[to, 0, 0]), to)];
    let ballots = (from..from + count).map(row).collect();
    Commit { from, to, tallies, ballots, dead: vec![dead], ..Commit::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_workers_one_is_fenced() {
    let server = shared();
    let config = database(&server);
    let one = PostgresStore::open(&config, 1).await.unwrap();
    let other = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*one, open_poll(1)).await;
    let mut from = one.begin(0, generation(1)).await.unwrap().next_offset;
    other.begin(0, generation(1)).await.unwrap();
    for round in 0..20 {
        // The batches differ in length, so that it shows whose rows are there.
        let mine = batch(&*one, &poll, 0, from, 50);
        let theirs = batch(&*other, &poll, 0, from, 70);
        let (won, lost) = tokio::join!(one.commit(0, &mine), other.commit(0, &theirs));
        let (winner, loser) = if won.is_ok() { (&mine, lost) } else { (&theirs, won) };
        assert_eq!(loser, Err(CommitError::Fenced), "round {round}");
        let kept = other.ballots(0, from, None, 1000).await.unwrap();
        assert_eq!(kept, winner.ballots, "round {round}");
        assert_eq!(one.dead(0, from, 9).await.unwrap(), winner.dead);
        assert_eq!(one.tallies_since(0, from).await.unwrap(), winner.tallies);
        from = one.begin(0, generation(1)).await.unwrap().next_offset;
        assert_eq!(from, winner.to);
    }
}

/// A lookup that scanned the partition would take longer the more was counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn voters_are_looked_up_by_their_own_index() {
    let server = shared();
    // With room for one voter, practically none is remembered.
    let config = PostgresConfig { voters: 1, ..database(&server) };
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    for from in [0, 3_001, 6_002] {
        store.commit(0, &batch(&*store, &poll, 0, from, 3_000)).await.unwrap();
    }
    let asked = 200;
    let strangers: Vec<_> = (0..asked).map(|n| (poll.id, voter(n + 1))).collect();
    for analyzed in [false, true] {
        if analyzed {
            sql(&config, "ANALYZE ballots").await;
        }
        sql(&config, "SELECT pg_stat_reset()").await;
        store.load(0, &[], &strangers).await.unwrap();
        let client = super::client(&config).await;
        let read = async |index: &str| {
            let of = "SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes \
                      WHERE indexrelname = $1";
            let row = client.query_one(of, &[&index]).await.unwrap();
            (row.get::<_, i64>(0), row.get::<_, i64>(1))
        };
        // The server reports its statistics a little later.
        super::until("told", async || read("ballots_by_voter").await.0 >= i64::from(asked)).await;
        let (_, rows) = read("ballots_in_log_order").await;
        assert!(rows < 100, "{rows} rows were read in log order, analyzed: {analyzed}");
    }
}

/// A voter who votes all night, and sends old ballots again, must not hold up everybody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_back_reads_as_few_rows_however_often_somebody_voted() {
    let server = shared();
    let config = PostgresConfig { voters: 1, ..database(&server) };
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    store.commit(0, &batch(&*store, &poll, 0, 0, 3_000)).await.unwrap();
    let ballots = often(&poll, voter(1), 3_001, 3_000);
    store
        .commit(0, &Commit { from: 3_001, to: 6_001, ballots, ..Commit::default() })
        .await
        .unwrap();
    let asked: Vec<_> = (0..100).map(|n| (poll.id, voter(1), ballot_id(40 * n + 3))).collect();
    for analyzed in [false, true] {
        if analyzed {
            sql(&config, "ANALYZE ballots").await;
        }
        sql(&config, "SELECT pg_stat_reset()").await;
        let decided = store.decided(0, &asked).await.unwrap();
        assert_eq!(decided.iter().flatten().count(), 75, "those that he cast");
        for (poll, voter, ballot) in &asked[..10] {
            store.fate(*poll, *voter, *ballot).await.unwrap().unwrap();
        }
        let client = super::client(&config).await;
        let read = async || {
            let of = "SELECT t.seq_scan, t.seq_tup_read, sum(i.idx_scan)::bigint, \
                      sum(i.idx_tup_read)::bigint FROM pg_stat_user_tables t \
                      JOIN pg_stat_user_indexes i USING (relid) WHERE t.relname = 'ballots' \
                      GROUP BY 1, 2";
            let row = client.query_one(of, &[]).await.unwrap();
            let number = |n| row.get::<_, i64>(n);
            [number(0), number(1), number(2), number(3)]
        };
        super::until("told", async || read().await[2] >= 200).await;
        let [whole, of_whole, _, by_index] = read().await;
        assert_eq!((whole, of_whole), (0, 0), "the table was read through, analyzed: {analyzed}");
        assert!(by_index < 110 * 20, "{by_index} rows were read, analyzed: {analyzed}");
    }
}

/// `Stoppable` runs a future as a process that may be stopped does: the future is polled some times, then not
/// at all, and neither is its connection to the server.
struct Stoppable {
    runtime: tokio::runtime::Runtime,
    store: Arc<PostgresStore>,
}

/// `Committing` is a commit under way.
type Committing = std::pin::Pin<Box<dyn Future<Output = Result<(), CommitError>>>>;

impl Stoppable {
    fn start(config: &PostgresConfig, partitions: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(PostgresStore::open(config, partitions)).unwrap();
        Self { runtime, store }
    }

    /// Polls the work this many times; returns `None` if that was not its end.
    fn run(&self, work: &mut Committing, polls: usize) -> Option<Result<(), CommitError>> {
        let mut left = polls;
        self.runtime.block_on(std::future::poll_fn(|context| {
            if left == 0 {
                return Polled::Ready(None);
            }
            left -= 1;
            work.as_mut().poll(context).map(Some)
        }))
    }
}

#[test]
fn a_worker_stopped_anywhere_holds_the_next_one_up_for_a_moment_only() {
    let server = shared();
    let (idle, slack) = (Duration::from_millis(300), Duration::from_secs(3));
    let config = PostgresConfig { idle_in_transaction: idle, ..database(&server) };
    let partitions = 200;
    let stopped = Stoppable::start(&config, partitions);
    let next = Stoppable::start(&config, partitions);
    let poll = next.runtime.block_on(create(&*next.store, open_poll(1)));
    let (mut held_up, mut quick) = (0, 0);
    for polls in 1.. {
        let partition = polls as u32;
        assert!(partition < partitions, "a commit takes more polls than there are partitions");
        stopped.runtime.block_on(stopped.store.begin(partition, generation(1))).unwrap();
        // So many rows do not fit into the socket's buffers.
        let theirs = batch(&*stopped.store, &poll, partition, 0, 8000);
        let (store, commit) = (stopped.store.clone(), theirs.clone());
        let mut committing: Committing =
            Box::pin(async move { store.commit(partition, &commit).await });
        let early = stopped.run(&mut committing, polls);

        // The worker is stopped, and another takes the partition over.
        let since = Instant::now();
        let took_over = next.runtime.block_on(async {
            let store = &next.store;
            let progress = store.begin(partition, generation(1)).await.unwrap();
            let mine = batch(&**store, &poll, partition, progress.next_offset, 10);
            match store.commit(partition, &mine).await {
                Err(CommitError::Fenced) => None,
                done => Some(done.map(|()| mine)),
            }
        });
        let waited = since.elapsed();
        assert!(waited < idle + slack, "held up for {waited:?} by a stop after {polls} polls");
        if waited > idle {
            held_up += 1
        } else {
            quick += 1
        }

        // Then the stopped worker goes on.
        let end =
            early.clone().unwrap_or_else(|| stopped.run(&mut committing, usize::MAX).unwrap());
        drop(committing);
        let kept = next.runtime.block_on(next.store.ballots(partition, 0, None, 10_000)).unwrap();
        match took_over {
            Some(Ok(mine)) if mine.from == 0 => {
                let fenced = matches!(
                    end,
                    Err(CommitError::Fenced
                        | CommitError::Store(StoreError::Unavailable(_) | StoreError::Unknown(_)))
                );
                assert!(fenced, "stopped after {polls} polls, then {end:?}");
                assert_eq!(kept, mine.ballots, "stopped after {polls} polls");
            }
            Some(Ok(mine)) => {
                assert_eq!(kept.len(), theirs.ballots.len() + mine.ballots.len());
            }
            Some(Err(error)) => panic!("stopped after {polls} polls: {error}"),
            None => assert_eq!(kept, theirs.ballots, "it was done just then"),
        }
        if early.is_some() {
            assert_eq!(early, Some(Ok(())));
            break;
        }
    }
    assert!(held_up > 0, "it was stopped while it held the offset");
    assert!(quick > 2, "it was stopped while it sent its rows");
}

#[tokio::test]
async fn what_the_server_cannot_do_now_changes_nothing_and_is_done_later() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    let commit = batch(&*store, &poll, 0, 0, 5);
    // The last statement reports a full disk (53100), a timeout (57014), a column out of range (22003) and a
    // violated check (23514).
    for (code, passes) in [("53100", true), ("57014", true), ("22003", false), ("23514", false)] {
        let fail = format!(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{code}'; END $$; \
             CREATE TRIGGER fail BEFORE INSERT ON dead_letters FOR EACH ROW EXECUTE FUNCTION fail()"
        );
        sql(&config, &fail).await;
        let answer = store.commit(0, &commit).await;
        match &answer {
            Err(CommitError::Store(StoreError::Unavailable(why))) if passes => {
                assert!(why.contains(code), "{why}");
                assert!(store.ready().unwrap_err().contains(code));
            }
            Err(CommitError::Store(StoreError::Damaged(why))) if !passes => {
                assert!(why.contains(code), "{why}");
            }
            _ => panic!("{code}: {answer:?}"),
        }
        assert_eq!(store.begin(0, generation(1)).await.unwrap().next_offset, 0);
        assert_eq!(store.ballots(0, 0, None, 9).await.unwrap(), []);
        sql(&config, "DROP TRIGGER fail ON dead_letters; DROP FUNCTION fail").await;
    }
    store.commit(0, &commit).await.unwrap();
    store.ready().unwrap();
    assert_eq!(store.ballots(0, 0, None, 9).await.unwrap(), commit.ballots);
}
