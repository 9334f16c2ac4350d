//! While the brokers are being replaced votes wait and are recorded, unless there is no time or no room.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::sync::Arc;
use std::time::Duration;

use api_support::{Answer, Ask, World};
use pollux_server::ambient::Ambient as _;
use pollux_server::log::memory::LogFaults;
use pollux_server::log::{Log, control};
use pollux_server::store::Polls;
use pollux_server::store::memory::{Faults, StoreFaults};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const POLL: &str = r#"{"question":"Which?","options":["a","b"]}"#;
const SECOND: Duration = Duration::from_secs(1);

/// Starts a node of a cluster, with room for three votes that wait, and an open poll.
async fn world() -> (Arc<World>, String) {
    let world = World::with(|config| {
        config.kafka.broker = vec!["kafka1:9092".into()];
        config.db.host = Some("database".into());
        config.kafka.waiting = 3;
    });
    let world = world.await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    (Arc::new(world), poll)
}

/// Votes, and returns the answer with how long it took.
fn vote(world: &Arc<World>, poll: &str, prefer: Option<&str>) -> JoinHandle<(Answer, Duration)> {
    let ask = Ask::post(format!("/api/polls/{poll}/vote"), r#"{"optionId":1}"#);
    let ask = match prefer {
        Some(prefer) => ask.header("prefer", prefer),
        None => ask,
    };
    let (world, begun) = (world.clone(), Instant::now());
    tokio::spawn(async move { (world.call(ask.request()).await, begun.elapsed()) })
}

fn ballots(world: &World) -> usize {
    (0..2)
        .flat_map(|p| world.cluster.records(p))
        .filter(|r| r.value.windows(8).any(|w| w == b"\"ballot\""))
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_vote_waits_for_the_brokers_and_is_taken_once_they_are_back() {
    let (world, poll) = world().await;
    world.cluster.hinder(Some("partition 0 of votes has no leader"));
    let votes = [vote(&world, &poll, None), vote(&world, &poll, Some("respond-async, wait=19"))];
    sleep(9 * SECOND).await;
    assert_eq!(world.call(Ask::get("/readyz").request()).await.status, 200, "there is room");
    let metrics = world.call(Ask::get("/metrics").token(api_support::OPERATOR).request()).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    // The gauge is that of all nodes in this process, so only its presence is asserted.
    assert!(metrics.lines().any(|line| line.starts_with("pollux_log_waiting ")), "{metrics}");
    let status =
        world.call(Ask::get("/api/status").token(api_support::OPERATOR).request()).await.json();
    let detail = status["log"]["detail"].as_str().unwrap();
    assert!(detail.contains("votes wait until it can be"), "{detail}");
    world.cluster.hinder(None);
    for vote in votes {
        let (answer, waited) = vote.await.unwrap();
        assert_eq!(answer.status, 202, "{answer}");
        assert!(waited < 9 * SECOND + SECOND / 5, "{waited:?}");
    }
    assert_eq!(ballots(&world), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_time_is_told_that_it_is_not_recorded() {
    let (world, poll) = world().await;
    world.cluster.hinder(Some("partition 0 of votes has no leader"));
    for (prefer, longest) in [
        (Some("wait=2"), 2),
        (Some("wait=0"), 0),
        (None, 20),
        (Some("wait=900"), 20),
        (Some("wait=soon"), 20),
    ] {
        let (answer, waited) = vote(&world, &poll, prefer).await.unwrap();
        assert_eq!(answer.status, 503, "{prefer:?}: {answer}");
        assert_eq!(waited.as_secs(), longest, "{prefer:?}");
    }
    world.cluster.hinder(None);
    sleep(60 * SECOND).await;
    assert_eq!(ballots(&world), 0, "not recorded is not recorded");
}

/// The patience that a client states is about the line, not about the acknowledgement.
#[tokio::test(start_paused = true)]
async fn whoever_has_no_time_is_taken_where_nobody_waits() {
    let (world, poll) = world().await;
    world.fail(LogFaults { delay: SECOND / 4..SECOND / 2, ..LogFaults::default() });
    let (answer, _) = vote(&world, &poll, Some("wait=0")).await.unwrap();
    assert_eq!(answer.status, 202, "{answer}");
}

/// Nobody can say whether the poll was closed meanwhile, nor what was decided, so the answer is not 202.
#[tokio::test(start_paused = true)]
async fn what_waited_while_the_store_is_away_is_asked_for_again() {
    let (world, poll) = world().await;
    world.cluster.hinder(Some("partition 0 of votes has no leader"));
    let waits = vote(&world, &poll, None);
    sleep(SECOND / 2).await;
    let away = Faults { unavailable: 1.0, ..Faults::NONE };
    world.store.set_faults(StoreFaults { reads: away.clone(), commits: away, ..StoreFaults::NONE });
    world.cluster.hinder(None);
    let (answer, _) = waits.await.unwrap();
    assert_eq!(answer.status, 504, "{answer}");
    assert_eq!(ballots(&world), 1, "it is durable, and counted later");
}

#[tokio::test(start_paused = true)]
async fn a_full_line_is_told_at_once_and_the_node_is_not_ready() {
    let (world, poll) = world().await;
    world.cluster.hinder(Some("partition 0 of votes has no leader"));
    let votes: Vec<_> = (0..3).map(|_| vote(&world, &poll, None)).collect();
    sleep(SECOND).await;
    let (refused, waited) = vote(&world, &poll, None).await.unwrap();
    assert_eq!((refused.status.as_u16(), waited), (503, Duration::ZERO), "{refused}");
    let ready = world.call(Ask::get("/readyz").request()).await;
    assert_eq!(ready.status, 503, "{ready}");
    world.cluster.hinder(None);
    for vote in votes {
        assert_eq!(vote.await.unwrap().0.status, 202);
    }
    assert_eq!(world.call(Ask::get("/readyz").request()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_waited_past_a_close_by_another_node_is_told_that_it_is_late() {
    let (world, poll) = world().await;
    world.cluster.hinder(Some("partition 0 of votes has no leader"));
    let waits = vote(&world, &poll, None);
    sleep(5 * SECOND).await;
    // The store has the close, and the other node reaches the brokers first. Nobody tells this node.
    let mut closed = (*world.app.hub.poll(poll.parse().unwrap()).unwrap()).clone();
    let (expected, now) = (closed.revision, world.ambient.now());
    closed.close(now).unwrap();
    world.store.change(&closed, expected).await.unwrap();
    world.cluster.hinder(None);
    let other = world.cluster.node(2);
    let record = control::record(&closed, now).unwrap();
    let appends = [other.append(0, record.clone()), other.append(1, record)];
    for append in appends {
        append.await.unwrap();
    }
    let (answer, _) = waits.await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &*answer.json()["status"].to_string()),
        (200, "\"late\""),
        "{answer}"
    );
    assert_eq!(ballots(&world), 1);
}
