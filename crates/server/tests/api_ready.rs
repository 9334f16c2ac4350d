//! A server says whether it is ready while its log's disk hangs, when nothing fails and nothing is
//! acknowledged. Only some are told why it is not.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use api_support::{Ask, OPERATOR, World};
use pollux_server::api::access::client::Peer;
use pollux_server::log::memory::LogFaults;
use pollux_server::store::memory::{Faults, StoreFaults};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const POLL: &str = r#"{"question":"Which?","options":["a","b"]}"#;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn late(delay: Range<Duration>) -> LogFaults {
    LogFaults { delay, ..LogFaults::default() }
}

/// Starts a server with an open poll.
async fn world() -> (Arc<World>, String) {
    let world = World::new().await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    (Arc::new(world), poll)
}

/// Votes, and waits for the answer.
fn vote(world: &Arc<World>, poll: &str) -> JoinHandle<u16> {
    let ask = Ask::post(format!("/api/polls/{poll}/vote"), r#"{"optionId":1}"#);
    let world = world.clone();
    tokio::spawn(async move { world.call(ask.request()).await.status.as_u16() })
}

/// Returns whether the server is ready, and what it says.
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

    // A client that gives up does not mend the disk.
    leaves.abort();
    assert_eq!(waits.await.unwrap(), 504);
    sleep(60 * SECOND).await;
    assert!(!ready(&world).await.0, "nobody waits any more");

    // Without a new vote the server is ready again once the disk has answered.
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

/// The words of log and store name files, hosts and accounts, so only the machine itself and the operator are
/// shown them. An owner's token does not suffice, because anybody can be the owner of a poll.
#[tokio::test(start_paused = true)]
async fn strangers_hear_nothing_of_a_backends_words() {
    let world = World::with(|config| config.log.stall = SECOND).await;
    let (poll, owner) = world.poll(POLL).await;
    world.settle().await;
    let world = Arc::new(world);
    let ask =
        async |path: &str, token: Option<&str>, address: &str, header: Option<&'static str>| {
            let ask = token.into_iter().fold(Ask::get(path), Ask::token);
            let ask = header.into_iter().fold(ask, |ask, name| ask.header(name, "192.0.2.1"));
            let mut request = ask.request();
            request.extensions_mut().insert(Peer(address.parse().unwrap()));
            String::from_utf8(world.call(request).await.body).unwrap()
        };
    let (far, near) = ("192.0.2.1", "127.0.0.1");
    let status = format!("/api/status?poll={poll}");
    let told = async |what: &str, words: &str| {
        for (path, token) in
            [("/readyz", None), (&status, Some(&*owner)), ("/readyz", Some(&*owner))]
        {
            for (address, header) in
                [(far, None), (near, Some("x-forwarded-for")), (near, Some("forwarded"))]
            {
                let said = ask(path, token, address, header).await;
                assert!(said.contains(what) && !said.contains(words), "{path} {address}: {said}");
            }
            assert!(
                ask(path, token, near, None).await.contains(words),
                "{path} on the machine itself"
            );
            assert!(
                ask(path, Some(OPERATOR), far, None).await.contains(words),
                "{path} to the operator"
            );
        }
    };
    let refused = Faults { unavailable: 1.0, ..Faults::NONE };
    world.store.set_faults(StoreFaults {
        reads: refused.clone(),
        changes: refused,
        ..StoreFaults::NONE
    });
    sleep(5 * SECOND).await;
    told("polls c", "refused by fault injection").await;
    world.store.set_faults(StoreFaults::NONE);

    let weakness = Some("votes has flush.messages=2".to_owned());
    world.fail(LogFaults { weakness, ..LogFaults::default() });
    told("may be lost", "flush.messages=2").await;
    let metrics = world.call(Ask::get("/metrics").token(OPERATOR).request()).await.body;
    let metrics = String::from_utf8(metrics).unwrap();
    assert!(metrics.lines().any(|line| line == "pollux_log_weak 1"), "{metrics}");

    let damage = Some("log.db at offset 2".to_owned());
    world.fail(LogFaults { damage, ..late(HOUR..HOUR + SECOND) });
    told("damaged", "log.db at offset 2").await;
    let vote = vote(&world, &poll);
    sleep(4 * SECOND).await;
    told("votes", "none is acknowledged").await;
    vote.abort();
}
