//! A PostgreSQL server is killed, frozen, and back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pollux_cluster::Postgres;
use pollux_server::config::PostgresConfig;
use pollux_server::store::conformance::{create, generation, open_poll, voter};
use pollux_server::store::postgres::PostgresStore;
use pollux_server::store::{Ballots, CommitError, Counting, Listing, Polls, Store, StoreError};

use super::workers::batch;
use super::{database, until};

fn impatient(server: &Postgres) -> PostgresConfig {
    let short = Duration::from_millis(700);
    PostgresConfig {
        wait: short,
        connect: short,
        statement: short,
        lock: short,
        ..database(server)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_outlives_kill_9() {
    let server = Postgres::start().unwrap();
    let config = impatient(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*store, open_poll(1)).await;
    let (mut next, mut expected) = (0, Vec::new());
    let mut kills = 0;
    let done = AtomicUsize::new(0);
    while kills < 3 {
        let found = store.begin(0, generation(1)).await.unwrap().next_offset;
        assert_eq!(found, next, "it goes on where it was left");
        let before = done.load(Ordering::Relaxed);
        let striking = async {
            // The kill comes amid the commits, each time at another point of one.
            let at_least = before + 5 + kills;
            until("five commits", async || done.load(Ordering::Relaxed) >= at_least).await;
            tokio::task::block_in_place(|| server.kill()).unwrap();
        };
        let committing = async {
            loop {
                let commit = batch(&*store, &poll, 0, next, 40);
                match store.commit(0, &commit).await {
                    Ok(()) => {
                        next = commit.to;
                        expected.extend(commit.ballots);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(CommitError::Store(StoreError::Unknown(_))) => return Some(commit),
                    Err(CommitError::Store(StoreError::Unavailable(_))) => return None,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let (maybe, ()) = tokio::join!(committing, striking);
        kills += 1;
        server.launch().unwrap();
        until("back", async || store.progress().await.is_ok()).await;
        if let Some(commit) = maybe {
            // `begin` tells whether the commit was made.
            if store.begin(0, generation(1)).await.unwrap().next_offset == commit.to {
                next = commit.to;
                expected.extend(commit.ballots);
            }
        }
    }
    let progress = store.begin(0, generation(1)).await.unwrap();
    assert_eq!(progress.next_offset, next);
    assert!(expected.len() > 15 * 40);
    assert_eq!(store.ballots(0, 0, None, 1 << 20).await.unwrap(), expected);
    let standing = store.standing(poll.id).await.unwrap().unwrap();
    assert_eq!(standing.counts()[0], next, "the tally is that of the last commit");
}

/// Asserts that every method reports that the server is unavailable, within the time it has.
async fn all_unavailable(store: &PostgresStore, config: &PostgresConfig) {
    let poll = open_poll(1);
    let commit = batch(store, &poll, 0, 0, 5);
    let (id, who) = (poll.id, voter(1));
    let ballot = commit.ballots[0].ballot;
    let patience = 2 * config.statement + Duration::from_millis(500);
    macro_rules! each {
        ($($call:expr),+ $(,)?) => { $(
            let since = Instant::now();
            let answer = $call.await.map(|_| ()).map_err(|error| format!("{error:?}"));
            let name = stringify!($call);
            assert!(since.elapsed() < patience, "{name} took {:?}", since.elapsed());
            let error = answer.expect_err(name);
            assert!(error.contains("Unavailable"), "{name}: {error}");
        )+ };
    }
    each!(
        store.create(open_poll(2), vec!["1".into()], None),
        store.change(&poll, 1),
        store.close(&[(poll.clone(), 1)]),
        store.standing(id),
        store.by_code("1"),
        store.list(Listing { limit: 1, ..Listing::default() }),
        store.due(poll.created_at, None, 100),
        store.unsettled(None, 100),
        store.begin(0, generation(1)),
        store.load(0, &[id], &[(id, who)]),
        store.decided(0, &[(id, who, ballot)]),
        store.commit(0, &commit),
        store.tallies_since(0, 0),
        store.fate(id, who, ballot),
        store.voter(id, who),
        store.ballots(0, 0, None, 1),
        store.dead(0, 0, 1),
        store.progress(),
        store.outbox(1),
        store.relayed(1),
    );
    assert!(store.ready().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_told_of_in_time_and_is_found_again() {
    let server = Postgres::start().unwrap();
    let config = impatient(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    create(&*store, open_poll(1)).await;
    store.begin(0, generation(1)).await.unwrap();

    // The server is frozen: its connections stay open, and nobody answers.
    server.pause().unwrap();
    until("noticed without a call", async || store.ready().is_err()).await;
    all_unavailable(&store, &config).await;
    server.resume().unwrap();
    until("ready without a call", async || store.ready().is_ok()).await;
    assert_eq!(store.begin(0, generation(1)).await.unwrap().next_offset, 0);

    // The server is gone.
    server.kill().unwrap();
    all_unavailable(&store, &config).await;
    server.launch().unwrap();
    until("ready without a call", async || store.ready().is_ok()).await;
    let poll = store.by_code("100001").await.unwrap().unwrap().poll;
    let commit = batch(&*store, &poll, 0, 0, 5);
    store.commit(0, &commit).await.unwrap();
    store.shut().await;
    assert!(matches!(store.progress().await, Err(StoreError::Unavailable(_))));
}
