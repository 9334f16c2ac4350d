//! Keys of what voters wrote are gone from the server's files once they are destroyed, and names are looked up one by
//! one.

use std::path::PathBuf;

use pollux_core::kind::words::Verdict;
use pollux_core::seal::TextKey;
use pollux_server::config::PostgresConfig;
use pollux_server::store::conformance::{
    NOW, Worker, at, ballot_id, change, create, found_in, open_poll, secrets_of, voter, words_poll,
};
use pollux_server::store::postgres::PostgresStore;
use pollux_server::store::{Counting, Polls, Store, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::schema::left_at;
use super::{client, database, shared, sql, until};

/// Returns the folder with all files of a database.
async fn files(config: &PostgresConfig) -> PathBuf {
    let path = "SELECT current_setting('data_directory') || '/base/' || oid::text \
                FROM pg_database WHERE datname = current_database()";
    let superuser = PostgresConfig { user: Some("postgres".into()), ..config.clone() };
    let path: String = client(&superuser).await.query_one(path, &[]).await.unwrap().get(0);
    path.into()
}

/// Returns whether a key is still to be destroyed.
async fn is_left(config: &PostgresConfig) -> bool {
    let left = "SELECT count(*) FROM destroyed_keys";
    client(config).await.query_one(left, &[]).await.unwrap().get::<_, i64>(0) > 0
}

async fn all_destroyed(config: &PostgresConfig) {
    until("destroyed", async || !is_left(config).await).await;
    sql(config, "CHECKPOINT").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_key_is_in_no_file_of_the_database() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let folder = files(&config).await;
    let mut dice = StdRng::seed_from_u64(5);
    let mut polls = Vec::new();
    for n in 0..30 {
        let mut poll = words_poll(n);
        let random: [[u8; 32]; 2] = dice.random();
        poll.text_key = Some(TextKey::new(random.concat().try_into().unwrap()));
        polls.push(create(&*store, poll).await);
    }
    let secrets = |polls: &[pollux_core::poll::Poll]| -> Vec<[u8; 32]> {
        polls.iter().filter_map(|poll| poll.text_key.as_ref()).flat_map(secrets_of).collect()
    };
    let before = secrets(&polls);
    sql(&config, "CHECKPOINT").await;
    assert_eq!(found_in(&folder, &before).len(), 60, "a search finds all that is there");
    for (n, poll) in polls.iter_mut().enumerate() {
        match n % 3 {
            0 => change(&*store, poll, |poll| poll.delete(at(NOW)).unwrap()).await,
            1 => {
                let erase = vec![poll.text_key.as_ref().unwrap().name("a word")];
                let erase = Verdict { erase, ..Verdict::default() };
                change(&*store, poll, |poll| assert!(poll.moderate(&erase).unwrap())).await;
            }
            _ => change(&*store, poll, |poll| assert!(poll.close(at(NOW)).unwrap())).await,
        }
    }
    let kept = secrets(&polls);
    let gone: Vec<_> = before.into_iter().filter(|secret| !kept.contains(secret)).collect();
    assert_eq!(gone.len(), 30, "both of ten keys, and the root of ten");
    all_destroyed(&config).await;
    assert!(found_in(&folder, &gone).is_empty());
    assert_eq!(found_in(&folder, &kept).len(), kept.len());
    for poll in &polls {
        assert_eq!(*store.standing(poll.id).await.unwrap().unwrap().poll, *poll);
    }
    store.shut().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_transaction_puts_off_the_end_of_a_key() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let folder = files(&config).await;
    let mut poll = create(&*store, words_poll(1)).await;
    let secrets = secrets_of(poll.text_key.as_ref().unwrap());
    let reader = client(&config).await;
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM polls")
        .await
        .unwrap();
    change(&*store, &mut poll, |poll| poll.delete(at(NOW)).unwrap()).await;
    let node = "SELECT pg_relation_filenode('text_keys')::bigint";
    let file = async || client(&config).await.query_one(node, &[]).await.unwrap().get::<_, i64>(0);
    let first = file().await;
    until("rewritten", async || file().await != first).await;
    sql(&config, "CHECKPOINT").await;
    assert!(is_left(&config).await && !found_in(&folder, &secrets).is_empty(), "it can be seen");
    // Another node does what this one leaves undone.
    store.shut().await;
    reader.batch_execute("COMMIT").await.unwrap();
    assert!(is_left(&config).await);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    all_destroyed(&config).await;
    assert!(found_in(&folder, &secrets).is_empty());
    assert_eq!(*store.standing(poll.id).await.unwrap().unwrap().poll, poll);
    store.shut().await;
}

#[tokio::test]
async fn a_key_that_is_none_is_damage() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let (poll, plain) = (create(&*store, words_poll(1)).await, create(&*store, open_poll(2)).await);
    sql(&config, "UPDATE text_keys SET text_key = '\\x0102'").await;
    for read in
        [store.standing(poll.id).await.map(drop), store.load(0, &[poll.id], &[]).await.map(drop)]
    {
        assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
    }
    assert_eq!(*store.standing(plain.id).await.unwrap().unwrap().poll, plain);
    let mut deleted = poll.clone();
    deleted.delete(at(NOW)).unwrap();
    store.change(&deleted, poll.revision).await.unwrap();
    assert_eq!(*store.standing(poll.id).await.unwrap().unwrap().poll, deleted);
}

#[tokio::test]
async fn what_is_announced_has_no_key() {
    let server = shared();
    let store = PostgresStore::open(&database(&server), 1).await.unwrap();
    let poll = create(&*store, words_poll(1)).await;
    let told = format!("{:?}", store.outbox(9).await.unwrap());
    assert!(told.contains(&poll.question) && told.contains("text_key: None"), "{told}");
}

#[tokio::test]
async fn names_are_looked_up_by_their_key() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let (poll, plain) = (create(&*store, words_poll(1)).await, create(&*store, open_poll(2)).await);
    let mut worker = Worker::begin(&*store, 0).await;
    worker.say(&poll, voter(1), ballot_id(1), &["a", "b"]).await.unwrap();
    worker.vote(&plain, voter(1), ballot_id(1), &[1]).await.unwrap();
    store.shut().await;
    let client = client(&config).await;
    // Names that nobody asks for: of other polls, partitions and rounds.
    let others = "INSERT INTO names SELECT gen_random_uuid(), 0, 1, n, '\\x00', '\\x00' \
                  FROM generate_series(1, 20000) n";
    client.batch_execute(others).await.unwrap();
    client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    // Returns how many names are fetched, and in how many searches, when a poll is read so often.
    let cost = async |id, words| {
        let read = async || {
            // A connection notes what it has read, at the latest when it ends.
            let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                          AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
            let alone = async || client.query_one(others, &[]).await.unwrap().get::<_, i64>(0) == 0;
            until("alone", alone).await;
            let read = "SELECT idx_tup_fetch + seq_tup_read, idx_scan + seq_scan \
                        FROM pg_stat_user_tables WHERE relname = 'names'";
            let row = client.query_one(read, &[]).await.unwrap();
            (row.get::<_, i64>(0), row.get::<_, i64>(1))
        };
        let before = read().await;
        let store = PostgresStore::open(&config, 1).await.unwrap();
        for _ in 0..20 {
            let standing = store.standing(id).await.unwrap().unwrap();
            assert_eq!(standing.cloud().words.len(), words);
        }
        store.shut().await;
        let after = read().await;
        (after.0 - before.0, after.1 - before.1)
    };
    assert_eq!(cost(plain.id, 0).await, (0, 0), "a poll of another kind asks for no names");
    assert_eq!(cost(poll.id, 2).await, (40, 20), "two names in each search");
}

#[tokio::test]
async fn a_database_from_before_there_were_words_is_brought_up_to_date() {
    let server = shared();
    let config = left_at(&server, 15).await;
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*store, words_poll(1)).await;
    sql(&config, "DELETE FROM text_keys").await;
    let found = store.standing(poll.id).await.unwrap().unwrap();
    assert_eq!(found.poll.text_key, None, "of a poll without a row");
}
