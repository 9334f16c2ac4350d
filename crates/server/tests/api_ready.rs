//! Whether a server says that it is ready while its log's disk hangs: nothing fails then, and nothing
//! is acknowledged either.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use api_support::{Ask, World};
use pollux_server::log::memory::LogFaults;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const POLL: &str = r#"{"question":"Which?","options":["a","b"]}"#;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn late(delay: Range<Duration>) -> LogFaults {
    LogFaults { delay, ..LogFaults::default() }
}

/// A server with an open poll.
async fn world() -> (Arc<World>, String) {
    let world = World::new().await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    (Arc::new(world), poll)
}

/// Somebody votes, and waits for the answer.
fn vote(world: &Arc<World>, poll: &str) -> JoinHandle<u16> {
    let ask = Ask::post(format!("/api/polls/{poll}/vote"), r#"{"optionId":1}"#);
    let world = world.clone();
    tokio::spawn(async move { world.call(ask.request()).await.status.as_u16() })
}

/// Whether the server is ready, and what it says.
async fn ready(world: &World) -> (bool, String) {
    let answer = world.call(Ask::get("/readyz").request()).await;
    let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
    (answer.status == 200, detail)
}

#[tokio::test(start_paused = true)]
async fn a_log_whose_disk_hangs_is_not_ready_and_is_named() {
    let (world, poll) = world().await;
    world.fail(late(HOUR..HOUR + SECOND));
    let waits = vote(&world, &poll);
    let leaves = vote(&world, &poll);
    sleep(4 * SECOND).await;
    assert!(ready(&world).await.0, "a disk may be slow for a moment");
    sleep(2 * SECOND).await;
    let (is_ready, why) = ready(&world).await;
    assert!(!is_ready && why.starts_with("the log: "), "{why}");
    let status = world.call(Ask::get("/api/status").request()).await.json();
    assert_eq!(status["ready"], false, "the studio is told the same");

    // Whoever gives up does not mend the disk.
    leaves.abort();
    assert_eq!(waits.await.unwrap(), 504);
    sleep(60 * SECOND).await;
    assert!(!ready(&world).await.0, "nobody waits any more");

    // Without a new vote it is well again once the disk has answered.
    sleep(3 * HOUR).await;
    assert!(ready(&world).await.0);
    world.fail(LogFaults::default());
    assert_eq!(vote(&world, &poll).await.unwrap(), 202);
    assert!(ready(&world).await.0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_log_that_goes_on_is_ready() {
    let (world, poll) = world().await;
    world.fail(late(SECOND..2 * SECOND));
    let mut votes = Vec::new();
    for _ in 0..20 {
        votes.push(vote(&world, &poll));
        sleep(SECOND).await;
        assert!(ready(&world).await.0);
    }
    for vote in votes {
        assert_eq!(vote.await.unwrap(), 202);
    }
}

#[tokio::test(start_paused = true)]
async fn the_bound_is_a_setting() {
    let world = World::with(|config| config.log.stall = SECOND).await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    let world = Arc::new(world);
    world.fail(late(HOUR..HOUR + SECOND));
    let vote = vote(&world, &poll);
    sleep(2 * SECOND).await;
    assert!(!ready(&world).await.0);
    vote.abort();
}
