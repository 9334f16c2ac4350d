//! Polls and events are documents, and were columns before: databases of then are brought up to date, and nodes of
//! then, which may run beside ours, see our changes as we see theirs.

use std::time::Duration;

use pollux_core::event::{Event, Layout};
use pollux_core::id::{PollId, UnixMillis};
use pollux_core::kind::Kind;
use pollux_core::kind::choice::{Choice, ChoiceMode};
use pollux_core::kind::number::{self, Decimal, Number};
use pollux_core::kind::points::{self, Points};
use pollux_core::kind::ranking::{self, Ranking};
use pollux_core::kind::rating::{KindWord, Rating, Symbol};
use pollux_core::poll::{Poll, PollStatus, Results, Revote, Turnout};
use pollux_server::store::conformance::{
    NOW, at, create, create_event, draft_poll, new_event, open_poll, poll_id,
};
use pollux_server::store::postgres::PostgresStore;
use pollux_server::store::{Polls, Store};

use super::older::Older;
use super::schema::left_at;
use super::{client, database, shared};

/// The last moment of the year 9999, which no floating-point number holds.
const LAST: UnixMillis = UnixMillis(253_402_300_799_999);

fn choice(kind: ChoiceMode, max_choices: u8, options: &[&str]) -> Kind {
    let options = options.iter().map(|text| (*text).to_owned()).collect();
    Kind::Choice(Choice { options, kind, max_choices })
}

/// Returns what a rating asks.
pub fn rating() -> Kind {
    Kind::Rating(Rating {
        kind: KindWord::Rating,
        statements: vec!["It was \"good\"".into(), "Länge".into()],
        steps: 11,
        lowest: 0,
        low_label: "\\ never".into(),
        high_label: String::new(),
        symbol: Symbol::Numbers,
    })
}

/// Returns what a ranking asks.
pub fn ranking() -> Kind {
    let options = vec!["\"first\"".into(), "Länge".into(), "{a,NULL}".into()];
    Kind::Ranking(Ranking { kind: ranking::KindWord::Ranking, options, places: 2 })
}

/// Returns what a poll for points asks.
pub fn points() -> Kind {
    let options = vec!["\\ never".into(), "'; --".into()];
    Kind::Points(Points { kind: points::KindWord::Points, options, budget: 1000 })
}

/// Returns what a number asks.
pub fn number() -> Kind {
    Kind::Number(Number {
        kind: number::KindWord::Number,
        min: Decimal::of_millionths(-999_999_999_999_999),
        max: Decimal::of_millionths(1),
        step: Decimal::of_millionths(1_000_000_000_000_000),
        unit: "'; -- µ\\".into(),
        solution: Some(Decimal::of_millionths(8_848_860_000)),
    })
}

/// Returns polls that differ in everything that a poll can have. Some belong to the event.
fn shapes(event: &Event) -> Vec<Poll> {
    let plain = open_poll(1);
    let odd = ["\"quoted\" \\u0041", "{a,NULL}", "Ärger 🗳️", "'; --", "null", "\\", "a", "10%"];
    let multiple = Poll {
        kind: choice(ChoiceMode::Multiple, 5, &odd),
        question: "\"Which\", \\ 'and' 🗳️?".into(),
        revote: Revote::Refuse,
        results: Results::AfterVote,
        turnout: Turnout::Hidden,
        revealed: false,
        voter_ids: false,
        listed: false,
        owner: std::array::from_fn(|n| (n * 8 + 7) as u8),
        ..draft_poll(1)
    };
    let rating = Poll {
        kind: rating(),
        event: Some(event.id),
        code: event.code.clone(),
        embed: vec!["https://example.org".into(), "https://a.example:8443".into()],
        results: Results::Hidden,
        ..plain.clone()
    };
    let timed = Poll {
        closes_at: Some(LAST),
        closes_after: Some(90),
        missed_closes_at: Some(at(NOW - 1)),
        created_at: at(NOW - 999),
        hidings: u32::MAX,
        phase: u32::MAX,
        round: u32::MAX,
        embed: vec!["*".into()],
        kind: choice(ChoiceMode::Single, 1, &["yes", "no"]),
        ..plain.clone()
    };
    let deleted = Poll {
        status: PollStatus::Deleted,
        closed_at: Some(at(NOW + 1)),
        kind: choice(ChoiceMode::Multiple, 2, &["x", "y", "z", "a", "b"]),
        ..plain.clone()
    };
    let ranking = Poll { kind: ranking(), ..plain.clone() };
    let points = Poll { kind: points(), ..plain.clone() };
    let number = Poll { kind: number(), ..plain.clone() };
    vec![plain, multiple, rating, timed, deleted, ranking, points, number]
}

fn full_event(n: u64, polls: &[PollId]) -> Event {
    Event {
        code: format!("70{n:04}"),
        title: "An \"event\" \\ 🎉".into(),
        accent: Some("#0B5CAD".into()),
        layout: Layout::Columns,
        logo: Some("a1".into()),
        current: polls.first().copied(),
        order: polls.to_vec(),
        embed: vec!["https://example.org".into()],
        revision: 7,
        deleted_at: Some(LAST),
        owner: std::array::from_fn(|n| 255 - n as u8),
        hidings: 3,
        ..new_event(n)
    }
}

async fn poll_of(store: &dyn Store, id: PollId) -> Poll {
    (*store.standing(id).await.unwrap().unwrap().poll).clone()
}

#[tokio::test]
async fn what_was_kept_in_columns_is_read_from_documents() {
    let server = shared();
    let config = left_at(&server, 11).await;
    let older = Older::join(&config).await;
    let (plain, full) = (new_event(1), full_event(2, &[]));
    for event in [&plain, &full] {
        assert!(older.put_event(event, None, event.logo.as_ref().map(|_| &b"png"[..])).await);
    }
    let mut kept = shapes(&plain);
    for (n, poll) in kept.iter_mut().enumerate() {
        poll.id = poll_id(100 + n as u64);
        assert!(older.put(poll, None).await);
    }
    let on_stage = full_event(3, &[kept[0].id, kept[2].id]);
    assert!(older.put_event(&on_stage, None, None).await);

    let store = PostgresStore::open(&config, 1).await.unwrap();
    for poll in &kept {
        assert_eq!(poll_of(&*store, poll.id).await, *poll);
    }
    for event in [plain, full, on_stage] {
        assert_eq!(store.event(event.id).await.unwrap().unwrap().0, event);
        let logo = event.id == full_event(2, &[]).id;
        assert_eq!(store.logo(event.id).await.unwrap().is_some(), logo);
    }
    assert_eq!(store.outbox(99).await.unwrap().len(), kept.len() + 3);
}

#[tokio::test]
async fn a_migration_waits_for_who_reads_and_lets_others_read() {
    let server = shared();
    let config = left_at(&server, 11).await;
    let older = Older::join(&config).await;
    let poll = open_poll(100);
    assert!(older.put(&poll, None).await);
    // As a `pg_dump` does, and longer than a migration waits for a lock.
    let (reader, other) = (client(&config).await, client(&config).await);
    reader.batch_execute("BEGIN; LOCK TABLE polls, events IN ACCESS SHARE MODE").await.unwrap();
    let starts = tokio::spawn(async move { PostgresStore::open(&config, 1).await });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!starts.is_finished(), "it had to wait");
    let reading =
        tokio::time::timeout(Duration::from_secs(8), other.query("SELECT FROM polls", &[]));
    assert_eq!(reading.await.expect("nobody waits for long").unwrap().len(), 1);
    reader.batch_execute("COMMIT").await.unwrap();
    let store = starts.await.unwrap().unwrap();
    assert_eq!(poll_of(&*store, poll.id).await, poll);
}

#[tokio::test]
async fn a_session_that_looks_for_tables_elsewhere_keeps_documents_in_step() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let poll = create(&*store, open_poll(100)).await;
    let by_hand = client(&config).await;
    by_hand.batch_execute("SET search_path = ''").await.unwrap();
    by_hand.batch_execute("UPDATE public.polls SET question = 'By hand?'").await.unwrap();
    assert_eq!(poll_of(&*store, poll.id).await, Poll { question: "By hand?".into(), ..poll });
}

/// Writes a poll by either node: a new one, or one of the `expected` revision.
async fn put(node: &Result<&dyn Store, &Older>, poll: Poll, expected: Option<u64>) -> Poll {
    match (node, expected) {
        (Ok(ours), None) => create(*ours, poll).await,
        (Ok(ours), Some(expected)) => ours.change(&poll, expected).await.map(|()| poll).unwrap(),
        (Err(older), expected) => {
            assert!(older.put(&poll, expected).await);
            poll
        }
    }
}

#[tokio::test]
async fn older_nodes_see_our_changes_of_polls_as_we_see_theirs() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let older = Older::join(&config).await;
    let shapes = shapes(&create_event(&*store, 1).await);
    let nodes: [Result<&dyn Store, &Older>; 2] = [Ok(&*store), Err(&older)];
    let mut ids = 100..;
    for before in &shapes {
        for after in &shapes {
            for (first, second) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let poll = Poll { id: poll_id(ids.next().unwrap()), ..before.clone() };
                let made = put(&nodes[first], poll, None).await;
                assert_eq!(poll_of(&*store, made.id).await, made, "made by {first}");
                assert_eq!(older.poll(made.id).await, made, "made by {first}");
                let (id, revision) = (made.id, made.revision + 1);
                let mut changed = Poll { id, revision, ..after.clone() };
                if changed.event.is_none() {
                    // No poll leaves its event or loses its code.
                    (changed.event, changed.code) = (made.event, made.code.clone());
                }
                let changed = put(&nodes[second], changed, Some(made.revision)).await;
                assert_eq!(poll_of(&*store, id).await, changed, "changed by {second}");
                assert_eq!(older.poll(id).await, changed, "changed by {second}");
                let late = Poll { question: "Late".into(), ..changed.clone() };
                assert!(store.change(&late, made.revision).await.is_err());
                assert!(!older.put(&late, Some(made.revision)).await);
                assert_eq!(poll_of(&*store, id).await, changed);
            }
        }
    }
    let left = "SELECT count(*) FROM options o JOIN polls p ON p.id = o.poll \
         WHERE o.option > coalesce(json_array_length(p.poll::json -> 'options'), 0)";
    let left: i64 = client(&config).await.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, 0, "options that no poll has");
}

#[tokio::test]
async fn what_the_last_release_does_not_know_stays_as_it_is() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let older = Older::join(&config).await;
    let event = create_event(&*store, 1).await;
    let choices = shapes(&event).into_iter().filter(|it| matches!(it.kind, Kind::Choice(_)));
    for (id, shape) in (100..).map(poll_id).zip(choices) {
        let mut poll = create(&*store, Poll { id, ..shape }).await;
        poll.question = "And now?".into();
        poll.kind = choice(ChoiceMode::Single, 1, &["one", "other", "third"]);
        poll.revision += 1;
        assert!(older.change_as_released(&poll, poll.revision - 1).await);
        assert_eq!(poll_of(&*store, id).await, poll);
    }
}

#[tokio::test]
async fn older_nodes_see_our_changes_of_events_as_we_see_theirs() {
    let server = shared();
    let config = database(&server);
    let store = PostgresStore::open(&config, 1).await.unwrap();
    let older = Older::join(&config).await;
    let polls = [create(&*store, open_poll(1)).await.id, create(&*store, open_poll(2)).await.id];
    let theirs = full_event(3, &polls);
    assert!(older.put_event(&theirs, None, Some(b"theirs")).await);
    let ours = create_event(&*store, 4).await;
    for mut event in [theirs, ours] {
        check_event(&store, &older, &event).await;
        for round in 0_u64..4 {
            let expected = event.revision;
            event = Event {
                revision: expected + 1,
                title: format!("Round {round}"),
                logo: (round < 3).then(|| format!("a{}", round / 2)),
                id: event.id,
                created_at: event.created_at,
                ..full_event(10 + round, &polls[..round as usize % 3])
            };
            let logo = (round == 0).then_some(&b"ours"[..]);
            if round % 2 == 0 {
                store.change_event(&event, expected, logo).await.unwrap();
            } else {
                assert!(older.put_event(&event, Some(expected), logo).await);
            }
            check_event(&store, &older, &event).await;
            let kept = store.logo(event.id).await.unwrap();
            assert_eq!(kept.as_deref(), (round < 3).then_some(&b"ours"[..]), "round {round}");
        }
    }
}

async fn check_event(store: &PostgresStore, older: &Older, event: &Event) {
    assert_eq!(store.event(event.id).await.unwrap().unwrap().0, *event);
    assert_eq!(older.event(event.id).await, *event);
}
