//! Only the embedded store has these to answer for: crashes of its files, merges of its index, files that are
//! not its own, a full disk.

#![allow(clippy::unwrap_used)]

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::fold::{Link, Trail};
use pollux_core::id::BallotId;
use pollux_core::kind::Packed;
use pollux_core::poll::Poll;
use pollux_core::standing::TallyAt;
use pollux_core::tally::VoterState;
use tempfile::{TempDir, tempdir};

use super::past::Rows;
use super::*;
use crate::store::conformance::{
    NOW, Worker, at, ballot_id, change, choosing, create, create_event, generation, often,
    open_poll, some_tally, voter,
};
use crate::store::{
    BallotRow, Ballots, Commit, CommitError, Counting, Created, IdempotencyKey, Polls, Voter,
};

const WAL: &str = "store.db-wal";

fn open(folder: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(folder, 1, StoreLimits::default()).unwrap()
}

fn writer(folder: &Path, voters: usize) -> Writer {
    let conn = schema::open_writer(folder, 1).unwrap();
    Writer::new(conn, 1, StoreLimits { voters, ..StoreLimits::default() }).unwrap()
}

fn many_voters(n: u64) -> VoterId {
    // The ids are spread like the pseudonyms that they stand for.
    let mixed = u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    VoterId(mixed.to_be_bytes())
}

/// Returns a commit of these voters' ballots, at the offsets from `from` on.
fn batch(poll: &Poll, from: u64, voters: impl IntoIterator<Item = u64>) -> Commit {
    let ballots: Vec<BallotRow> = voters
        .into_iter()
        .enumerate()
        .map(|(i, n)| {
            let (ballot, answer) = (ballot_id(from + i as u64), choosing(&[1]));
            BallotRow {
                offset: from + i as u64,
                poll: poll.id,
                voter: many_voters(n),
                ballot,
                answer: answer.clone(),
                decided: Status::Counted,
                at: at(NOW),
                after: VoterState { round: 1, counted: Some((ballot, answer)), seen: Some(ballot) },
                link: Trail::default().next(),
            }
        })
        .collect();
    let to = from + ballots.len() as u64;
    let tally = TallyAt {
        poll: poll.id,
        partition: 0,
        generation: generation(1),
        next_offset: to,
        tally: some_tally(&[to, 0, 0]),
    };
    Commit { from, to, tallies: vec![tally], ballots, ..Commit::default() }
}

/// Copies the files as a crash leaves them: the database, and its write-ahead log cut to this length.
fn crashed(from: &Path, wal_bytes: u64) -> TempDir {
    let folder = tempdir().unwrap();
    fs::copy(from.join(FILE), folder.path().join(FILE)).unwrap();
    let wal = folder.path().join(WAL);
    fs::copy(from.join(WAL), &wal).unwrap();
    OpenOptions::new().write(true).open(wal).unwrap().set_len(wal_bytes).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_leaves_a_state_between_two_commits() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    let writing = {
        let (store, poll) = (store.clone(), poll.clone());
        tokio::spawn(async move {
            for n in 0..200 {
                let commit = batch(&poll, n * 10, n * 10..n * 10 + 10);
                store.commit(0, &commit).await.unwrap();
            }
        })
    };
    let (mut kept, mut copies) = (poll.clone(), Vec::new());
    for n in 0..8 {
        change(&*store, &mut kept, |poll| {
            poll.question = format!("Changed {n} times?");
            poll.revision += 1;
        })
        .await;
        let wal = folder.path().join(WAL).metadata().unwrap().len();
        copies.push((kept.revision, crashed(folder.path(), wal)));
    }
    writing.await.unwrap();
    for (revision, copy) in copies {
        let store = open(copy.path());
        let standing = store.standing(poll.id).await.unwrap().unwrap();
        assert_eq!(standing.poll.revision, revision, "every poll change before is there");
        between_two_commits(&store, &poll).await;
        store.shut().await;
    }
    store.shut().await;
}

/// Asserts that offset, tally, rows and voters tell of the same commits, and returns how far these go.
async fn between_two_commits(store: &EmbeddedStore, poll: &Poll) -> u64 {
    let next = store.begin(0, generation(1)).await.unwrap().next_offset;
    let rows = store.ballots(0, 0, None, 10_000).await.unwrap();
    assert_eq!((rows.len() as u64, next % 10), (next, 0));
    let standing = store.standing(poll.id).await.unwrap().unwrap();
    assert_eq!(standing.total_votes(), next);
    let voters: Vec<_> = (0..next + 5).map(|n| (poll.id, many_voters(n))).collect();
    let loaded = store.load(0, &[], &voters).await.unwrap().voters;
    assert_eq!(loaded.iter().filter(|past| past.state.counted.is_some()).count() as u64, next);
    next
}

#[tokio::test]
async fn a_power_cut_takes_only_commits_after_the_last_durable_one() {
    for by_commit in [true, false] {
        let folder = tempdir().unwrap();
        let store = open(folder.path());
        let mut poll = create(&*store, open_poll(1)).await;
        store.begin(0, generation(1)).await.unwrap();
        let vote = async |n: u64, durable| {
            let commit = Commit { durable, ..batch(&poll, n * 10, n * 10..n * 10 + 10) };
            store.commit(0, &commit).await.unwrap();
        };
        for n in 0..4 {
            vote(n, false).await;
        }
        vote(4, by_commit).await;
        if !by_commit {
            change(&*store, &mut poll, |poll| assert!(poll.close(at(NOW + 1)).unwrap())).await;
        }
        // This much was synced when the durable commit returned; only what follows can be cut off.
        let durable = folder.path().join(WAL).metadata().unwrap().len();
        for n in 5..9 {
            let commit = batch(&poll, n * 10, n * 10..n * 10 + 10);
            store.commit(0, &commit).await.unwrap();
        }
        let end = folder.path().join(WAL).metadata().unwrap().len();
        assert!(end > durable);
        let mut seen = Vec::new();
        for cut in (durable..=end).step_by(1777).chain([end]) {
            let copy = crashed(folder.path(), cut);
            let after = open(copy.path());
            assert_eq!(*after.standing(poll.id).await.unwrap().unwrap().poll, poll);
            seen.push(between_two_commits(&after, &poll).await);
            after.shut().await;
        }
        assert!(seen.is_sorted());
        seen.dedup();
        assert_eq!(seen, [50, 60, 70, 80, 90]);
        store.shut().await;
    }
}

/// `synchronous` is FULL (2) where SQLite syncs the write-ahead log before COMMIT returns, and NORMAL (1)
/// where it does not. To see the system calls themselves, run this test under
/// `strace -f -y -e fsync,fdatasync,pwrite64`.
#[test]
fn what_must_be_durable_is_synced_and_ballots_are_not() {
    let folder = tempdir().unwrap();
    let mut writer = writer(folder.path(), 100);
    let level = |writer: &Writer| -> i64 {
        writer.db.conn.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap()
    };
    let (normal, full) = (1, 2);
    let poll = open_poll(1);
    writer.create(poll.clone(), &["1".into()], None).unwrap();
    assert_eq!(level(&writer), full);
    writer.begin(0, generation(1)).unwrap();
    assert_eq!(level(&writer), full);
    writer.commit(0, &batch(&poll, 0, 0..3)).unwrap();
    assert_eq!(level(&writer), normal);
    writer.commit(0, &Commit { durable: true, ..batch(&poll, 3, 3..6) }).unwrap();
    assert_eq!(level(&writer), full);
    writer.commit(0, &batch(&poll, 6, 6..9)).unwrap();
    assert_eq!(level(&writer), normal);
    writer.change(&poll, poll.revision).unwrap();
    assert_eq!(level(&writer), full);
}

#[tokio::test]
async fn a_merge_may_be_cut_short_and_overtaken() {
    let folder = tempdir().unwrap();
    let poll = open_poll(1);
    let mut writer = writer(folder.path(), 3_000);
    writer.create(poll.clone(), &["1".into()], None).unwrap();
    writer.begin(0, generation(1)).unwrap();
    writer.commit(0, &batch(&poll, 0, 0..2_999)).unwrap();
    assert!(!writer.merging());
    // The map is full: its first slice is merged at once, and no more.
    writer.commit(0, &batch(&poll, 2_999, 2_999..3_000)).unwrap();
    assert!(writer.merging());
    let indexed = |folder: &Path| -> (i64, i64) {
        let conn = schema::open_reader(folder).unwrap();
        let count = conn.query_row("SELECT count(*) FROM voters", [], |row| row.get(0)).unwrap();
        let to = conn.query_row("SELECT indexed_to FROM offsets", [], |row| row.get(0)).unwrap();
        (count, to)
    };
    assert_eq!(indexed(folder.path()), (1_024, 0));
    // Every tenth voter votes again while their older row is being merged; then comes a crash.
    writer.commit(0, &batch(&poll, 3_000, (0..3_000).step_by(10))).unwrap();
    let wal = folder.path().join(WAL).metadata().unwrap().len();
    let copy = crashed(folder.path(), wal);
    while writer.merging() {
        writer.merge_slice(0).unwrap();
    }
    assert_eq!(indexed(folder.path()), (3_000, 3_000));
    drop(writer);

    for folder in [folder.path(), copy.path()] {
        let limits = StoreLimits { voters: 3_000, ..StoreLimits::default() };
        let store = EmbeddedStore::open(folder, 1, limits).unwrap();
        let reader = EmbeddedStore::open_read_only(folder).unwrap();
        let expected = |n: u64| ballot_id(if n.is_multiple_of(10) { 3_000 + n / 10 } else { n });
        let voters: Vec<_> = (0..3_001).map(|n| (poll.id, many_voters(n))).collect();
        let loaded = store.load(0, &[], &voters).await.unwrap().voters;
        for (n, past) in (0..3_000).zip(&loaded) {
            assert_eq!(past.state.counted, Some((expected(n), choosing(&[1]))), "voter {n}");
        }
        assert_eq!(loaded[3_000], Voter::default());
        for n in [0, 1, 2_990, 2_999, 3_000] {
            let state = reader.voter(poll.id, many_voters(n)).await.unwrap();
            assert_eq!(state, loaded[n as usize].state, "a reader without the maps, voter {n}");
        }
        store.shut().await;
    }
}

#[tokio::test]
async fn reads_beside_a_running_server_and_writes_nothing() {
    let folder = tempdir().unwrap();
    let missing = EmbeddedStore::open_read_only(folder.path()).err().unwrap();
    assert!(matches!(missing, OpenError::Missing(_)), "{missing}");
    let store = EmbeddedStore::open(folder.path(), 3, StoreLimits::default()).unwrap();
    let mut poll = create(&*store, open_poll(1)).await;
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert_eq!(reader.partitions(), 3);
    let mut worker = Worker::begin(&*store, 2).await;
    worker.vote(&poll, voter(1), ballot_id(1), &[1]).await;
    worker.vote(&poll, voter(1), ballot_id(2), &[2]).await;
    let standing = reader.standing(poll.id).await.unwrap().unwrap();
    assert_eq!(standing.counts(), [0, 1, 0], "it sees what was committed after it was opened");
    let fate = reader.fate(poll.id, voter(1), ballot_id(1)).await.unwrap().unwrap();
    assert_eq!(fate.status, Status::Replaced);
    let loaded = reader.load(2, &[poll.id], &[(poll.id, voter(1))]).await.unwrap();
    assert_eq!(loaded.voters, store.load(2, &[], &[(poll.id, voter(1))]).await.unwrap().voters);

    let (expected, refused) = (poll.revision, "opened to read");
    poll.close(at(NOW + 1)).unwrap();
    let changed = reader.change(&poll, expected).await.unwrap_err().to_string();
    assert!(changed.contains(refused), "{changed}");
    let commit = Commit { from: 2, to: 3, ..Commit::default() };
    let committed = reader.commit(2, &commit).await.unwrap_err().to_string();
    assert!(committed.contains(refused), "{committed}");
    assert!(reader.ready().is_err());
    store.shut().await;
    drop(store);
    assert!(reader.standing(poll.id).await.unwrap().is_some(), "without the server too");
}

#[tokio::test]
async fn a_shut_store_says_so_and_leaves_one_file() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    create(&*store, open_poll(1)).await;
    store.shut().await;
    store.shut().await;
    assert!(store.ready().is_err());
    let read = store.standing(open_poll(1).id).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let begun = store.begin(0, generation(1)).await;
    assert!(matches!(begun, Err(StoreError::Unavailable(_))), "{begun:?}");
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "the write-ahead log is gone: {files:?}");
}

#[tokio::test]
async fn the_write_ahead_log_stays_small() {
    let folder = tempdir().unwrap();
    let limits = StoreLimits { wal_bytes: 256 << 10, ..StoreLimits::default() };
    let store = EmbeddedStore::open(folder.path(), 1, limits).unwrap();
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    let (mut largest, mut total) = (0, 0);
    for n in 0..400 {
        store.commit(0, &batch(&poll, n * 50, n * 50..n * 50 + 50)).await.unwrap();
        largest = largest.max(folder.path().join(WAL).metadata().unwrap().len());
        total += 5 * 4096;
    }
    assert!(largest < 2 << 20, "{largest} bytes after about {total} were written");
    store.shut().await;
}

#[test]
fn a_full_disk_changes_nothing_and_passes() {
    let folder = tempdir().unwrap();
    let mut writer = writer(folder.path(), 100_000);
    let poll = open_poll(1);
    writer.create(poll.clone(), &["1".into()], None).unwrap();
    writer.begin(0, generation(1)).unwrap();
    let pages = |writer: &Writer, most: i64| {
        let sql = format!("PRAGMA max_page_count = {most}");
        writer.db.conn.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap();
    };
    pages(&writer, 60);
    let mut next = 0;
    let full = loop {
        match writer.commit(0, &batch(&poll, next, next..next + 500)) {
            Ok(()) => next += 500,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, CommitError::Store(StoreError::Unavailable(_))), "{full:?}");
    assert!(next > 0);
    let created = (2..200).find_map(|n| writer.create(open_poll(n), &[n.to_string()], None).err());
    assert!(matches!(created, Some(StoreError::Unavailable(_))), "{created:?}");
    assert_eq!(writer.begin(0, generation(1)).unwrap().next_offset, next, "nothing was changed");
    assert_eq!(writer.db.failed, None);
    pages(&writer, 10_000);
    writer.commit(0, &batch(&poll, next, next..next + 500)).unwrap();
    let check: String =
        writer.db.conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn a_commit_that_fails_for_no_known_reason_fails_the_store() {
    let folder = tempdir().unwrap();
    let mut writer = writer(folder.path(), 100);
    let poll = open_poll(1);
    writer.create(poll.clone(), &["1".into()], None).unwrap();
    writer.begin(0, generation(1)).unwrap();
    // Only COMMIT itself refuses this row, as only COMMIT meets the disk's errors.
    let sql = "CREATE TEMP TABLE owner (x PRIMARY KEY);
        CREATE TEMP TABLE owned (x REFERENCES owner DEFERRABLE INITIALLY DEFERRED);
        CREATE TEMP TRIGGER trap AFTER INSERT ON main.ballots
            BEGIN INSERT INTO owned VALUES (1); END;
        PRAGMA foreign_keys = ON;";
    writer.db.conn.execute_batch(sql).unwrap();
    let store = EmbeddedStore::start(folder.path(), 1, StoreLimits::default(), writer).unwrap();
    store.ready().unwrap();
    let answer = store.commit(0, &batch(&poll, 0, 0..3)).await;
    assert!(matches!(answer, Err(CommitError::Store(StoreError::Unknown(_)))), "{answer:?}");
    let why = store.failed().await;
    assert!(why.contains("commit failed"), "{why}");
    assert!(store.ready().is_err());
    let next = store.commit(0, &batch(&poll, 0, 0..3)).await;
    assert!(matches!(next, Err(CommitError::Store(StoreError::Unavailable(_)))), "{next:?}");
    store.shut().await;
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.begin(0, generation(1)).await.unwrap().next_offset, 0, "the next start");
    store.shut().await;
}

fn refused(folder: &Path) -> OpenError {
    let error = EmbeddedStore::open(folder, 1, StoreLimits::default()).err().unwrap();
    let message = error.to_string();
    assert!(message.contains(&folder.join(FILE).display().to_string()), "{message}");
    let read_only = EmbeddedStore::open_read_only(folder).err();
    if !matches!(error, OpenError::Partitions { .. }) {
        let same = std::mem::discriminant(&error);
        assert_eq!(read_only.map(|error| std::mem::discriminant(&error)), Some(same));
    }
    error
}

fn ours() -> TempDir {
    let folder = tempdir().unwrap();
    let mut writer = writer(folder.path(), 100);
    writer.create(open_poll(1), &["1".into()], None).unwrap();
    writer.begin(0, generation(1)).unwrap();
    writer.commit(0, &batch(&open_poll(1), 0, 0..500)).unwrap();
    writer.finish();
    folder
}

#[tokio::test]
async fn a_file_from_before_there_were_events_is_brought_up_to_date() {
    let folder = tempdir().unwrap();
    let poll = Poll { code: "100001".into(), ..open_poll(1) };
    let json = rows::poll_json(&poll);
    assert!(!json.contains("event") && !json.contains("embed"), "as it was written then: {json}");
    let conn = Connection::open(folder.path().join(FILE)).unwrap();
    conn.execute_batch(schema::MIGRATIONS[0]).unwrap();
    conn.execute_batch(
        "PRAGMA application_id = 0x504c5853; PRAGMA user_version = 1;
         INSERT INTO meta VALUES ('partitions', 1); INSERT INTO codes VALUES ('100001', 1);",
    )
    .unwrap();
    let put = "INSERT INTO polls VALUES (1, ?1, 'open', 1, 1, 2, NULL, NULL, 0, 0, ?2)";
    conn.execute(put, (poll.id.to_string(), json)).unwrap();
    let key = IdempotencyKey { key: "a key".into(), request: [1; 32] };
    let remember = "INSERT INTO idempotency VALUES (?1, ?2, 1, ?3)";
    conn.execute(remember, (&key.key, key.request, NOW as i64)).unwrap();
    drop(conn);
    let store = open(folder.path());
    assert_eq!(*store.by_code("100001").await.unwrap().unwrap().poll, poll);
    let again = store.create(open_poll(2), vec!["100002".into()], Some(key)).await.unwrap();
    assert_eq!(again, Created::Before(poll.clone()));
    let event = create_event(&*store, 1).await;
    let mut joined = poll;
    change(&*store, &mut joined, |poll| assert!(event.adopt(poll).unwrap())).await;
    assert_eq!(store.event_by_code("100001").await.unwrap().unwrap().0, event);
}

/// Returns a writer of a store that has this poll, after its worker has begun.
fn begun(folder: &Path, poll: &Poll) -> Writer {
    let mut writer = writer(folder, 1000);
    writer.create(poll.clone(), &["1".into()], None).unwrap();
    writer.begin(0, generation(1)).unwrap();
    writer
}

fn chain(poll: &Poll, length: u64) -> Commit {
    Commit { ballots: often(poll, voter(1), 0, length), ..batch(poll, 0, 0..length) }
}

#[tokio::test]
async fn rows_from_before_they_were_numbered_are_found() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    store.commit(0, &chain(&poll, 12)).await.unwrap();
    store.shut().await;
    let conn = Connection::open(folder.path().join(FILE)).unwrap();
    conn.execute_batch(
        "DROP TABLE names; DROP TABLE text_keys; DROP TABLE digests; DROP INDEX later_ballots; DROP INDEX later_counted;
         ALTER TABLE ballots DROP COLUMN nth;
         UPDATE ballots SET prev = nullif(position, 0) - 1; PRAGMA user_version = 2",
    )
    .unwrap();
    drop(conn);
    let store = open(folder.path());
    let loaded = store.load(0, &[], &[(poll.id, voter(1))]).await.unwrap();
    assert_eq!(loaded.voters[0].trail.ballots, 9);
    for n in 0..12 {
        let status = if n < 11 { Status::Replaced } else { Status::Counted };
        let fate = store.fate(poll.id, voter(1), ballot_id(n)).await.unwrap().unwrap();
        assert_eq!((fate.status, fate.position), (status, (0, n)));
    }
}

#[tokio::test]
async fn what_was_counted_before_digests_were_kept_has_none() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let poll = create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();
    store.commit(0, &batch(&poll, 0, 0..5)).await.unwrap();
    store.shut().await;
    let conn = Connection::open(folder.path().join(FILE)).unwrap();
    let older =
        "DROP TABLE names; DROP TABLE text_keys; DROP TABLE digests; PRAGMA user_version = 4";
    conn.execute_batch(older).unwrap();
    drop(conn);
    let store = open(folder.path());
    assert_eq!(store.begin(0, generation(1)).await.unwrap().next_offset, 5);
    assert_eq!(store.digests(0, 0).await.unwrap(), []);
    let digest = Digest { from: 5, to: 7, hash: [9; 32] };
    let commit = Commit { digest: Some(digest), ..batch(&poll, 5, 5..7) };
    store.commit(0, &commit).await.unwrap();
    assert_eq!(store.digests(0, 7).await.unwrap(), [digest]);
    assert_eq!(store.ballots(0, 0, None, 9).await.unwrap().len(), 7);
}

/// The test counts SQLite's own steps, in place of time.
#[test]
fn a_look_back_takes_as_long_however_often_somebody_voted() {
    let steps = |length: u64| {
        let folder = tempdir().unwrap();
        let poll = open_poll(1);
        let mut writer = begun(folder.path(), &poll);
        writer.commit(0, &chain(&poll, length)).unwrap();
        let steps = Arc::new(AtomicU64::new(0));
        let count = steps.clone();
        let each = move || {
            count.fetch_add(1, Relaxed);
            false
        };
        writer.db.conn.progress_handler(1, Some(each)).unwrap();
        let (index, conn) = (writer.index(), &writer.db.conn);
        // The ballots are the first, the last of the chain, one in the middle, the latest, and one that never
        // was.
        for ballot in [0, 7, length / 2, length - 1, length + 9] {
            let rows = Rows::of(conn, Some(&index), poll.id, voter(1)).unwrap().unwrap();
            let row = rows.find(ballot_id(ballot)).unwrap();
            assert_eq!(
                row.as_ref().map(|row| row.position),
                (ballot < length).then_some(ballot as i64)
            );
            if let Some(row) = row {
                rows.fate(&row).unwrap();
            }
        }
        steps.load(Relaxed)
    };
    let (short, long) = (steps(30), steps(10_000));
    assert!(long < short + short / 4, "{long} steps, and {short} of a short one");
}

#[test]
fn a_chain_that_does_not_end_is_damage() {
    let folder = tempdir().unwrap();
    let poll = open_poll(1);
    let mut writer = begun(folder.path(), &poll);
    let mut commit = chain(&poll, 3);
    commit.ballots[0].link = Link { nth: 1, prev: Some(2) };
    writer.commit(0, &commit).unwrap();
    let (index, conn) = (writer.index(), &writer.db.conn);
    let rows = Rows::of(conn, Some(&index), poll.id, voter(1)).unwrap().unwrap();
    let found = rows.find(ballot_id(1));
    assert!(matches!(found, Err(StoreError::Damaged(_))), "{:?}", found.map(|row| row.is_some()));
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_alone() {
    let garbage = tempdir().unwrap();
    fs::write(garbage.path().join(FILE), "not a database, ".repeat(1000)).unwrap();
    assert!(matches!(refused(garbage.path()), OpenError::NotADatabase(_)));
    let bytes = fs::read(garbage.path().join(FILE)).unwrap();
    assert!(bytes.starts_with(b"not a database"), "left as it was");

    let foreign = tempdir().unwrap();
    let conn = Connection::open(foreign.path().join(FILE)).unwrap();
    conn.execute_batch("CREATE TABLE theirs (x); PRAGMA application_id = 77").unwrap();
    drop(conn);
    assert!(matches!(refused(foreign.path()), OpenError::Foreign { found: 77, .. }));

    let newer = ours();
    let conn = Connection::open(newer.path().join(FILE)).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let known_here = super::schema::MIGRATIONS.len() as i64;
    let newer = refused(newer.path());
    assert!(matches!(newer, OpenError::Newer { found: 99, known, .. } if known == known_here));

    let other = ours();
    let error = EmbeddedStore::open(other.path(), 4, StoreLimits::default()).err().unwrap();
    assert!(matches!(error, OpenError::Partitions { found: 1, asked: 4, .. }), "{error}");
    let error = EmbeddedStore::open(other.path(), 0, StoreLimits::default()).err().unwrap();
    assert!(matches!(error, OpenError::TooManyPartitions(0)), "{error}");
}

#[test]
fn a_damaged_file_is_refused() {
    let folder = ours();
    let path = folder.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    // The schema's page is damaged, behind a header that is whole: the file has lost its tables.
    let mut bytes = whole.clone();
    bytes[100..4096].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(refused(folder.path()), OpenError::Corrupt { .. }));
    // The pages with the ballots, which are read back when the server starts, are damaged.
    let mut bytes = whole.clone();
    bytes[4096..].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(refused(folder.path()), OpenError::Corrupt { .. }));
    fs::write(&path, &whole).unwrap();
    assert!(EmbeddedStore::open(folder.path(), 1, StoreLimits::default()).is_ok());
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempdir().unwrap();
    let inner = folder.path().join("nowhere");
    let error = EmbeddedStore::open(&inner, 1, StoreLimits::default()).err().unwrap();
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error}");
}

/// Returns the CPU time of all threads of this process, in nanoseconds.
fn cpu_nanos() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let times =
        tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    times.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum()
}

/// Measures what load and commit cost, beside a table keyed by voter. It is run by hand, with
/// `cargo test --release -p pollux-server --lib store::embedded::tests::cost -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement, for a release build"]
async fn cost_of_a_ballot() {
    const BALLOTS: u64 = 1_000_000;
    for (size, bound) in [(256, usize::MAX), (1_000, usize::MAX), (1_000, 458_752)] {
        let folder = tempdir().unwrap();
        let limits = StoreLimits { voters: bound, ..StoreLimits::default() };
        let store = EmbeddedStore::open(folder.path(), 1, limits).unwrap();
        let poll = create(&*store, open_poll(1)).await;
        store.begin(0, generation(1)).await.unwrap();
        let batches: Vec<Commit> = (0..BALLOTS)
            .step_by(size)
            .map(|from| batch(&poll, from, from..from + size as u64))
            .collect();
        let start = cpu_nanos();
        for commit in &batches {
            let voters: Vec<_> = commit.ballots.iter().map(|row| (row.poll, row.voter)).collect();
            store.load(0, &[], &voters).await.unwrap();
            store.commit(0, commit).await.unwrap();
        }
        let used = (cpu_nanos() - start) as f64 / BALLOTS as f64 / 1000.0;
        println!("batches of {size}, memory bound {bound}: load and commit {used:.2} µs a ballot");
        let start = cpu_nanos();
        store.shut().await;
        let rest = (cpu_nanos().saturating_sub(start)) as f64 / BALLOTS as f64 / 1000.0;
        println!("    left over at the end: {rest:.2} µs a ballot");
    }
    for size in [256, 1_000] {
        println!("batches of {size}, keyed by voter: {:.2} µs", keyed_by_voter(BALLOTS, size));
    }
}

/// Measures what a look back costs, beside the walk through all of a voter's rows that it once was. It is run
/// by hand, as above, with `look_back` for `cost`.
#[test]
#[ignore = "a measurement, for a release build"]
fn look_back_and_walk() {
    for length in [2, 8, 30, 6_000] {
        let folder = tempdir().unwrap();
        let poll = open_poll(1);
        let mut writer = begun(folder.path(), &poll);
        writer.commit(0, &chain(&poll, length)).unwrap();
        let (index, conn) = (writer.index(), &writer.db.conn);
        let micros = |work: &dyn Fn()| {
            let start = cpu_nanos();
            (0..250).for_each(|_| work());
            (cpu_nanos() - start) as f64 / 250.0 / 1000.0
        };
        // This ballot never was: its id is between those of the first and the second.
        let stranger = BallotId(uuid::Uuid::from_u128(ballot_id(0).0.as_u128() + 1));
        let look = micros(&|| {
            let rows = Rows::of(conn, Some(&index), poll.id, voter(1)).unwrap().unwrap();
            assert!(rows.find(stranger).unwrap().is_none());
        });
        let walk = micros(&|| {
            for offset in (0..length).rev() {
                reads::ballot_at(conn, rows::position(0, offset)).unwrap().unwrap();
            }
        });
        println!("{length} ballots of a voter: a look back {look:.1} µs, a walk {walk:.1} µs");
    }
}

/// Measures the plain design: one upsert a ballot under (poll, voter).
fn keyed_by_voter(ballots: u64, size: u64) -> f64 {
    let folder = tempdir().unwrap();
    let conn = Connection::open(folder.path().join("plain.db")).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768;
         CREATE TABLE b (poll INTEGER, voter BLOB, ballot BLOB, choice INTEGER, at INTEGER,
                         PRIMARY KEY (poll, voter)) WITHOUT ROWID",
    )
    .unwrap();
    let poll = open_poll(1);
    let mut used = 0;
    for from in (0..ballots).step_by(size as usize) {
        let commit = batch(&poll, from, from..from + size);
        let start = cpu_nanos();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut get = conn.prepare_cached("SELECT ballot FROM b WHERE poll = 1 AND voter = ?1");
        let mut put = conn.prepare_cached("INSERT OR REPLACE INTO b VALUES (1, ?1, ?2, ?3, ?4)");
        for row in &commit.ballots {
            let known = get.as_mut().unwrap().exists([&row.voter.0[..]]).unwrap();
            assert!(!known);
            let Packed::Bits(options) = row.answer.pack() else { unreachable!() };
            let at = row.at.0 as i64;
            let params = (&row.voter.0[..], &row.ballot.0.as_bytes()[..], options as i64, at);
            put.as_mut().unwrap().execute(params).unwrap();
        }
        drop((get, put));
        conn.execute_batch("COMMIT").unwrap();
        used += cpu_nanos() - start;
    }
    used as f64 / ballots as f64 / 1000.0
}
