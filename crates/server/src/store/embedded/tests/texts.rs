//! What the embedded store keeps of polls whose voters write: keys that are destroyed for good, and names that cost
//! nothing elsewhere.

use std::time::Duration;

use bytes::Bytes;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::fold::{Past, known};
use pollux_core::kind::words::{MAX_NAMES, Names, Verdict};
use pollux_core::poll::PollStatus;
use pollux_core::record::{Entry, ballot_key};
use pollux_core::seal::{Name, Sealed, TextKey, Word};
use pollux_core::tally::Tally;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::ambient::SystemAmbient;
use crate::config::LogLimits;
use crate::log::embedded::EmbeddedLog;
use crate::log::{Log, NewRecord};
use crate::processor::batch::{Batch, Slice};
use crate::store::conformance::{
    draft_poll, found_in, new_names, saying, secrets_of, words_draft, words_poll,
};

/// The time within which a key is gone once no reader holds it back. The tests run beside others.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until none of these is in a file of the folder.
async fn until_gone(folder: &Path, secrets: &[[u8; 32]]) {
    let gone = async {
        while !found_in(folder, secrets).is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, gone).await;
    assert!(waited.is_ok(), "{:?} are in the files yet", found_in(folder, secrets).len());
}

fn random_poll(n: u64, dice: &mut StdRng) -> Poll {
    let mut poll = words_poll(n);
    let (one, two): ([u8; 32], [u8; 32]) = (dice.random(), dice.random());
    poll.text_key = Some(TextKey::new([one, two].concat().try_into().unwrap()));
    poll.question = "?".repeat(dice.random_range(1..300));
    poll
}

/// Changes a poll of words at random. Returns the secrets that this destroys.
async fn change_at_random(store: &dyn Store, poll: &mut Poll, dice: &mut StdRng) -> Vec<[u8; 32]> {
    let before = secrets_of(poll.text_key.as_ref().unwrap());
    let name = |dice: &mut StdRng| Name(dice.random());
    change(store, poll, |poll| match dice.random_range(0..8) {
        0 => poll.delete(at(NOW + 9)).unwrap(),
        1..4 => {
            let erase = vec![name(dice)];
            assert!(poll.moderate(&Verdict { erase, ..Verdict::default() }).unwrap());
        }
        // The row grows, so rows move between pages.
        4..7 => {
            let hide = (0..dice.random_range(1..30)).map(|_| name(dice)).collect();
            assert!(poll.moderate(&Verdict { hide, ..Verdict::default() }).unwrap());
        }
        _ => poll.reset(at(NOW + 9)).unwrap(),
    })
    .await;
    let after = poll.text_key.as_ref().map(secrets_of).unwrap_or_default();
    before.into_iter().filter(|secret| !after.contains(secret)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_key_is_in_no_file() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let mut dice = StdRng::seed_from_u64(13);
    let mut worker = Worker::begin(&*store, 0).await;
    let (mut polls, mut destroyed) = (Vec::new(), Vec::new());
    for n in 0..60 {
        let poll = create(&*store, random_poll(n, &mut dice)).await;
        worker.say(&poll, voter(1), ballot_id(n), &["a plain text of a voter", "b"]).await.unwrap();
        polls.push(poll);
    }
    for n in 0..200 {
        let which = dice.random_range(0..polls.len());
        destroyed.extend(change_at_random(&*store, &mut polls[which], &mut dice).await);
        if polls[which].status == PollStatus::Deleted {
            polls[which] = create(&*store, random_poll(100 + n, &mut dice)).await;
        }
    }
    assert!(destroyed.len() > 60, "{}", destroyed.len());
    until_gone(folder.path(), &destroyed).await;
    assert!(found_in(folder.path(), &["a plain text of a voter", "a plain text"]).is_empty());
    for poll in &polls {
        let key = poll.text_key.as_ref().unwrap();
        let found = store.standing(poll.id).await.unwrap().unwrap();
        assert_eq!(found.poll.text_key.as_ref(), Some(key));
        // What is kept is found, so what is not found is gone.
        let secrets = secrets_of(key);
        assert_eq!(found_in(folder.path(), &secrets[..1]).len(), 1);
    }
    store.shut().await;
    assert!(found_in(folder.path(), &destroyed).is_empty(), "nor after the end");
}

/// Begins to read as of now, for as long as the connection lives.
fn read_on(folder: &Path) -> Connection {
    let reader = schema::open_reader(folder).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT count(*) FROM polls", [], |row| row.get::<_, i64>(0)).unwrap();
    reader
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_puts_off_the_end_of_a_key() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let mut poll = create(&*store, words_poll(1)).await;
    let mut other = create(&*store, words_poll(2)).await;
    let secrets = secrets_of(poll.text_key.as_ref().unwrap());
    let reader = read_on(folder.path());
    change(&*store, &mut poll, |poll| poll.delete(at(NOW + 1)).unwrap()).await;
    let began = std::time::Instant::now();
    while began.elapsed() < 3 * jobs::DESTROY_AGAIN {
        change(&*store, &mut other, |poll| poll.reset(at(NOW + 2)).unwrap()).await;
        assert_eq!(found_in(folder.path(), &secrets).len() % 2, 0, "both of them");
        assert!(!found_in(folder.path(), &secrets).is_empty(), "the reader can still see it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A process that ends meanwhile leaves the rest to the next one.
    let left = crashed(folder.path(), folder.path().join(WAL).metadata().unwrap().len());
    assert!(!found_in(left.path(), &secrets).is_empty());
    let next = open(left.path());
    until_gone(left.path(), &secrets).await;
    next.shut().await;
    drop(reader);
    until_gone(folder.path(), &secrets).await;
    store.shut().await;
}

/// The keys lie in the store alone: not in the log, not in a commit, and what voters write is nowhere in plain text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_neither_key_nor_text() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let limits = LogLimits::default();
    let log = EmbeddedLog::open(folder.path(), 1, limits, Arc::new(SystemAmbient::new())).unwrap();
    let mut poll = create(&*store, words_poll(1)).await;
    let texts = ["nobody may read this", "nor this"];
    let Poll { id, round, phase, .. } = poll;
    let (answer, at) = (saying(&poll, &texts), at(NOW));
    let (voter, named_by) = (voter(1), NamedBy::Client);
    let ballot = Ballot { poll: id, voter, id: ballot_id(1), named_by, answer, round, phase, at };
    let key = ballot_key(id, voter).into();
    let value = Bytes::from(Entry::Ballot(ballot).encode());
    log.append(0, NewRecord { key, value }).await.unwrap();

    let slice = Slice { partition: 0, partitions: 1, generation: log.generation() };
    store.begin(0, slice.generation).await.unwrap();
    let records = log.read(0, 0, 9, Duration::from_secs(1)).await.unwrap();
    let mut past = Past::default();
    past.polls.insert(id, known(&poll, None).unwrap());
    let commit = Batch::read(records).decide(slice, 0, &mut past);
    assert_eq!((commit.names.len(), commit.ballots.len()), (2, 1));
    store.commit(0, &commit).await.unwrap();

    let secrets = secrets_of(poll.text_key.as_ref().unwrap());
    assert_eq!(found_in(folder.path(), &texts), [] as [&&str; 0]);
    assert!(!found_in(folder.path(), &secrets).is_empty());
    change(&*store, &mut poll, |poll| poll.delete(at).unwrap()).await;
    until_gone(folder.path(), &secrets).await;
    log.shut().await;
    store.shut().await;
    assert!(found_in(folder.path(), &secrets).is_empty());
}

/// Makes a commit of a round with so many names that begins at `from`.
fn named(poll: &Poll, round: u32, from: u64, count: usize) -> Commit {
    let word = |n: usize| {
        let name = Name((n as u128 + 1).to_be_bytes());
        Word { name, sealed: Sealed(vec![n as u8; 48].into()) }
    };
    let counts: Vec<u64> = std::iter::once(0).chain((0..count).map(|_| 1)).collect();
    let names = Names::of((0..count).map(word).collect());
    let tally = Tally { names, round, ..some_tally(&counts) };
    let names = new_names(poll, &Tally::new(), &tally);
    let next_offset = from + 1;
    let at = TallyAt { poll: poll.id, partition: 0, generation: generation(1), next_offset, tally };
    Commit { from, to: next_offset, tallies: vec![at], names, ..Commit::default() }
}

/// Returns how many of SQLite's steps it takes to read a poll with its tallies, and how many names they have.
fn steps(writer: &mut Writer, poll: &Poll) -> (u64, usize) {
    // The first time takes some more, to prepare the statements.
    steps_once(writer, poll);
    steps_once(writer, poll)
}

fn steps_once(writer: &mut Writer, poll: &Poll) -> (u64, usize) {
    let count = Arc::new(AtomicU64::new(0));
    let steps = count.clone();
    let each = move || {
        count.fetch_add(1, Relaxed);
        false
    };
    writer.db.conn.progress_handler(1, Some(each)).unwrap();
    let (key, found) = reads::poll(&writer.db.conn, poll.id).unwrap().unwrap();
    let standing = reads::standing(&writer.db.conn, 1, key, found).unwrap();
    writer.db.conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    (steps.load(Relaxed), standing.tallies().map(|at| at.tally.names.len()).sum())
}

#[test]
fn names_cost_what_the_present_round_has_and_other_polls_nothing() {
    let folder = tempdir().unwrap();
    let (choice, few, many) = (open_poll(1), words_poll(2), words_poll(3));
    let mut writer = begun(folder.path(), &choice);
    writer.commit(0, &batch(&choice, 0, 0..5)).unwrap();
    let (alone, _) = steps(&mut writer, &choice);
    for (poll, code) in [(&few, "2"), (&many, "3")] {
        writer.create(poll.clone(), &[code.into()], None).unwrap();
    }
    writer.commit(0, &named(&few, 1, 5, 10)).unwrap();
    let (first, names) = steps(&mut writer, &few);
    assert_eq!(names, 10);
    let pages = |writer: &Writer| {
        let sql = "PRAGMA page_count";
        writer.db.conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = pages(&writer);
    writer.commit(0, &named(&many, 1, 6, MAX_NAMES)).unwrap();
    let after = pages(&writer);
    writer.commit(0, &named(&few, 2, 7, MAX_NAMES)).unwrap();
    writer.commit(0, &named(&few, 3, 8, 10)).unwrap();
    // To find the rows among more of them takes a step or two.
    let (later, names) = steps(&mut writer, &few);
    assert!(later < first + 10 && names == 10, "{later} steps, {first} before earlier rounds");
    let (beside, names) = steps(&mut writer, &choice);
    assert!(beside < alone + 10 && names == 0, "{beside} steps of another kind, {alone} alone");
    let (all, names) = steps(&mut writer, &many);
    assert_eq!(names, MAX_NAMES);
    assert!(all < 30 * MAX_NAMES as u64, "{all} steps for {MAX_NAMES} names");
    // 16 bytes of a name and 48 of a sealed word are the most part of a row.
    let pages = (after - before) as usize;
    assert!(pages * PAGE < 100 * MAX_NAMES, "{pages} pages for {MAX_NAMES} names");
}

#[tokio::test]
async fn a_key_that_is_none_is_damage() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let poll = create(&*store, words_poll(1)).await;
    let plain = create(&*store, draft_poll(2)).await;
    store.shut().await;
    for broken in ["zeroblob(4096)", "zeroblob(5)", "text_key || x'00'"] {
        let conn = Connection::open(folder.path().join(FILE)).unwrap();
        conn.execute(&format!("UPDATE text_keys SET text_key = CAST({broken} AS BLOB)"), [])
            .unwrap();
        drop(conn);
        let store = open(folder.path());
        let read = store.standing(poll.id).await;
        assert!(matches!(read, Err(StoreError::Damaged(_))), "{broken}: {read:?}");
        assert_eq!(*store.standing(plain.id).await.unwrap().unwrap().poll, plain);
        store.shut().await;
    }
    // Such a poll can be deleted.
    let mut writer = writer(folder.path(), 10);
    let mut deleted = poll.clone();
    deleted.delete(at(NOW)).unwrap();
    writer.change(&deleted, poll.revision).unwrap();
    let kept = reads::poll(&writer.db.conn, poll.id).unwrap().unwrap().1;
    assert_eq!(kept, deleted);
}

#[tokio::test]
async fn a_tally_that_lacks_names_is_damage() {
    let folder = tempdir().unwrap();
    let poll = words_poll(1);
    let mut writer = begun(folder.path(), &poll);
    writer.commit(0, &named(&poll, 1, 0, 3)).unwrap();
    let (key, _) = reads::poll(&writer.db.conn, poll.id).unwrap().unwrap();
    let read = |writer: &Writer| reads::tally(&writer.db.conn, key, &poll, 0);
    assert!(read(&writer).is_ok());
    writer.db.conn.execute("DELETE FROM names WHERE slot = 2", []).unwrap();
    assert!(matches!(read(&writer), Err(StoreError::Damaged(_))));
    writer.db.conn.execute("DELETE FROM names WHERE slot = 3", []).unwrap();
    assert!(matches!(read(&writer), Err(StoreError::Damaged(_))));
}

#[tokio::test]
async fn a_file_from_before_there_were_words_is_brought_up_to_date() {
    let folder = tempdir().unwrap();
    let store = open(folder.path());
    let plain = create(&*store, open_poll(1)).await;
    let poll = create(&*store, words_draft(2)).await;
    store.shut().await;
    let conn = Connection::open(folder.path().join(FILE)).unwrap();
    let older = "DROP TABLE names; DROP TABLE text_keys; PRAGMA user_version = 5";
    conn.execute_batch(older).unwrap();
    drop(conn);
    let store = open(folder.path());
    assert_eq!(*store.standing(plain.id).await.unwrap().unwrap().poll, plain);
    let kept = store.standing(poll.id).await.unwrap().unwrap();
    assert_eq!(*kept.poll, Poll { text_key: None, ..poll });
    let new = create(&*store, words_poll(3)).await;
    assert_eq!(*store.standing(new.id).await.unwrap().unwrap().poll, new);
    store.shut().await;
}
