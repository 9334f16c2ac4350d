//! The database is shown as others see it: its migrations, what is refused, and what an organiser can ask.

use std::sync::Arc;

use pollux_cluster::Postgres;
use pollux_core::announcement::Announcement;
use pollux_core::poll::{Poll, Turnout};
use pollux_server::config::{Password, PostgresConfig};
use pollux_server::store::Created;
use pollux_server::store::conformance::{
    NOW, Worker, at, ballot_id, change, create, create_event, generation, open_poll, voter,
};
use pollux_server::store::postgres::{OpenError, Outboxed, PostgresStore};
use pollux_server::store::{Ballots, Counting, Polls};

use super::documents::{number, points, ranking, rating};
use super::{client, database, shared, sql};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_to_start_creates_the_tables_and_the_rest_wait() {
    let server = shared();
    let config = database(&server);
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let config = config.clone();
        opening.spawn(async move { PostgresStore::open(&config, 3).await.map(|_| ()) });
    }
    while let Some(opened) = opening.join_next().await {
        opened.unwrap().unwrap();
    }
    let client = client(&config).await;
    let applied = "SELECT count(*) FROM refinery_schema_history";
    let applied: i64 = client.query_one(applied, &[]).await.unwrap().get(0);
    let files = std::fs::read_dir("src/store/postgres/migrations").unwrap().count();
    assert_eq!(applied, files as i64, "each once");
}

/// Creates a database whose tables are those of a node of this schema version.
pub async fn left_at(server: &Postgres, version: i32) -> PostgresConfig {
    let (new, old) = (database(server), database(server));
    PostgresStore::open(&new, 1).await.unwrap();
    sql(
        &old,
        "CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name varchar(255), \
         applied_on varchar(255), checksum varchar(255))",
    )
    .await;
    let applied = "SELECT version, name, checksum FROM refinery_schema_history \
         WHERE version <= $1 ORDER BY version";
    for row in client(&new).await.query(applied, &[&version]).await.unwrap() {
        let (n, name, sum): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
        let file = format!("src/store/postgres/migrations/V{n}__{name}.sql");
        sql(&old, &std::fs::read_to_string(file).unwrap()).await;
        let note = format!(
            "INSERT INTO refinery_schema_history VALUES ({n}, '{name}', '2026-01-01T00:00:00Z', '{sum}')"
        );
        sql(&old, &note).await;
    }
    old
}

#[tokio::test]
async fn a_database_from_before_there_were_events_is_brought_up_to_date() {
    let server = shared();
    let old = left_at(&server, 1).await;
    let poll = open_poll(1);
    let rows = format!(
        "INSERT INTO polls VALUES ('{0}', '100001', 'Q?', 'single', 1, 'replace', 'live', true, \
         true, true, 'open', 1, 1, 2, now(), NULL, NULL, '\\x{1}'); INSERT INTO options VALUES \
         ('{0}', 1, 'a'), ('{0}', 2, 'b'); INSERT INTO codes VALUES ('100001', '{0}'); \
         INSERT INTO outbox (poll, revision) VALUES ('{0}', 2); \
         INSERT INTO offsets VALUES (0, '{2}', 5, 5)",
        poll.id,
        "00".repeat(32),
        generation(1),
    );
    sql(&old, &rows).await;
    let store = PostgresStore::open(&old, 1).await.unwrap();
    assert_eq!(store.begin(0, generation(1)).await.unwrap().next_offset, 5);
    assert_eq!(store.digests(0, 0).await.unwrap(), [], "of what was counted then");
    let mut kept = (*store.by_code("100001").await.unwrap().unwrap().poll).clone();
    assert_eq!((kept.id, kept.event, kept.embed.len()), (poll.id, None, 0));
    assert_eq!(kept.turnout, Turnout::Hidden, "as it was made");
    assert_eq!(*of(&store.outbox(9).await.unwrap()[0]), kept);
    let event = create_event(&*store, 1).await;
    change(&*store, &mut kept, |poll| assert!(event.adopt(poll).unwrap())).await;
    assert_eq!(store.event_by_code("100001").await.unwrap().unwrap().0, event);
}

async fn refused(config: &PostgresConfig, partitions: u32) -> OpenError {
    PostgresStore::open(config, partitions).await.err().expect("refused")
}

#[tokio::test]
async fn a_database_that_is_not_for_us_is_refused_by_name() {
    let server = shared();
    let config = database(&server);
    PostgresStore::open(&config, 3).await.unwrap();
    let other = refused(&config, 4).await;
    assert!(matches!(other, OpenError::Partitions { asked: 4, .. }), "{other}");
    let newer = "INSERT INTO refinery_schema_history VALUES (99, 'x', '2030-01-01T00:00:00Z', '1')";
    sql(&config, newer).await;
    let newer = refused(&config, 3).await;
    assert!(matches!(newer, OpenError::Newer { found: 99, .. }), "{newer}");
    assert!(newer.to_string().contains(&config.name), "{newer}");

    let wrong = Password("hunter2".into());
    let stranger = PostgresConfig { password: wrong, ..config.clone() };
    let why = refused(&stranger, 3).await;
    assert!(matches!(why, OpenError::Refused { .. }), "{why}");
    for told in [format!("{why}"), format!("{why:?}"), format!("{stranger:?}")] {
        assert!(!told.contains("hunter2"), "{told}");
    }
    let missing = PostgresConfig { name: "nowhere".into(), ..config.clone() };
    let why = refused(&missing, 3).await;
    assert!(matches!(why, OpenError::NoDatabase { .. }), "{why}");
    let nobody = PostgresConfig { port: 1, ..config };
    let why = refused(&nobody, 3).await;
    assert!(matches!(why, OpenError::Unreachable { .. }), "{why}");
}

#[tokio::test]
async fn an_organiser_can_read_the_tables() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*store, open_poll(1)).await;
    let mut worker = Worker::begin(&*store, 0).await;
    worker.vote(&poll, voter(1), ballot_id(1), &[1]).await;
    worker.vote(&poll, voter(2), ballot_id(2), &[1, 3]).await;
    let mut others = Vec::new();
    for (n, kind) in (2..).zip([rating(), ranking(), points(), number()]) {
        others.push(create(&*store, Poll { kind, ..open_poll(n) }).await);
    }
    let client = client(&config).await;
    let rows = client
        .query("SELECT text, votes FROM results WHERE code = $1 ORDER BY option", &[&poll.code])
        .await
        .unwrap();
    let read: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(read, [("a".into(), 2), ("b".into(), 0), ("c".into(), 1)]);
    for other in others {
        let options = "SELECT count(*) FROM results WHERE poll = $1";
        let options = client.query_one(options, &[&other.id.0]).await.unwrap();
        assert_eq!(options.get::<_, i64>(0), 0, "only a choice has any: {:?}", other.kind);
    }
    let rows = client
        .query("SELECT choice, decided, at::text FROM decided_ballots ORDER BY log_offset", &[])
        .await
        .unwrap();
    let read: Vec<(Vec<String>, String)> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let counted = || "counted".to_owned();
    assert_eq!(read, [(vec!["a".into()], counted()), (vec!["a".into(), "c".into()], counted())]);
    let when: String = rows[0].get(2);
    assert!(when.starts_with("2026-09-21 "), "{when}");
}

fn of(note: &Outboxed) -> &Poll {
    let Announcement::Poll(poll) = &note.change else { panic!("{note:?}") };
    poll
}

#[tokio::test]
async fn the_outbox_tells_changes_in_order_until_they_are_relayed() {
    let server = shared();
    let store = PostgresStore::open(&database(&server), 1).await.unwrap();
    let mut one = create(&*store, open_poll(1)).await;
    let two = create(&*store, open_poll(2)).await;
    change(&*store, &mut one, |poll| assert!(poll.close(at(NOW)).unwrap())).await;
    assert!(store.change(&two, two.revision + 1).await.is_err(), "what fails tells nothing");
    let notes = store.outbox(9).await.unwrap();
    let told: Vec<_> = notes.iter().map(|note| (of(note).id, note.revision)).collect();
    let first = one.revision - 1;
    assert_eq!(told, [(one.id, first), (two.id, two.revision), (one.id, one.revision)]);
    assert_eq!(*of(&notes[0]), one, "as it is now");
    assert_eq!(store.outbox(2).await.unwrap(), notes[..2]);
    store.relayed(notes[1].seq).await.unwrap();
    assert_eq!(store.outbox(9).await.unwrap(), notes[2..]);
    store.relayed(notes[2].seq).await.unwrap();
    let mut event = create_event(&*store, 3).await;
    event.show(Some(one.id));
    store.change_event(&event, 1, None).await.unwrap();
    let notes = store.outbox(9).await.unwrap();
    let told: Vec<_> = notes.iter().map(|note| (note.change.clone(), note.revision)).collect();
    let now = Announcement::Event(Arc::new(event));
    assert_eq!(told, [(now.clone(), 1), (now, 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_goes_to_one_poll_though_two_nodes_offer_it() {
    let server = shared();
    let config = database(&server);
    let nodes = [PostgresStore::open(&config, 1).await, PostgresStore::open(&config, 1).await];
    let nodes = nodes.map(|node| node.unwrap());
    for n in 0..10 {
        let code = || vec![(5000 + n).to_string()];
        let (one, other) = tokio::join!(
            nodes[0].create(open_poll(2 * n), code(), None),
            nodes[1].create(open_poll(2 * n + 1), code(), None)
        );
        let new = [one.unwrap(), other.unwrap()].map(|made| matches!(made, Created::New(_)));
        assert!(new[0] != new[1], "{n}: {new:?}");
    }
    assert_eq!(nodes[0].outbox(99).await.unwrap().len(), 10);
}
