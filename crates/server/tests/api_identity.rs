//! The tests say whose a ballot is when the client keeps no cookie, keeps it on one way in only, or comes
//! back as a new process: the same ballot id counts once.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::served::{Served, TestViewer, serve};
use api_support::{Ask, NOON, World};
use pollux_core::id::{BallotId, UnixMillis};
use pollux_server::log::memory::LogFaults;
use serde_json::{Value, json};

const POLL: &str = r#"{"question":"Which?","options":["a","b","c"]}"#;

/// Returns a ballot id of the present moment on the tests' clock.
fn ballot(n: u8) -> String {
    BallotId::new(UnixMillis(NOON), [n; 10]).to_string()
}

fn body(ballot: &str, option: u8) -> Value {
    json!({ "ballotId": ballot, "optionId": option })
}

async fn post(world: &World, poll: &str, body: &Value, cookie: Option<&str>) -> (u16, Value) {
    let mut ask = Ask::post(format!("/api/polls/{poll}/vote?wait=counted"), body.to_string());
    if let Some(cookie) = cookie {
        ask = ask.header("cookie", cookie);
    }
    let answer = world.call(ask.request()).await;
    (answer.status.as_u16(), answer.json())
}

/// Votes over a socket, and returns the decision.
async fn say(socket: &mut TestViewer, poll: &str, mut body: Value) -> Value {
    body["type"] = json!("vote");
    body["poll"] = json!(poll);
    socket.say(body).await;
    let decided = socket.until(|message| {
        let kind = message["type"].as_str().unwrap_or_default();
        kind == "error" || kind.starts_with("vote.") && kind != "vote.recorded"
    });
    decided.await
}

async fn a_pages_cookie(world: &World) -> String {
    world.call(Ask::get("/").header("accept", "text/html").request()).await.cookie().unwrap()
}

async fn open() -> (Served, String) {
    let served = serve(|_| {}).await;
    let (poll, _) = served.world.poll(POLL).await;
    served.world.settle().await;
    (served, poll)
}

#[tokio::test]
async fn one_ballot_id_counts_once_whichever_way_it_comes() {
    let (served, poll) = open().await;
    let (world, one) = (&served.world, body(&ballot(1), 1));
    // A script that keeps no cookies votes over two sockets, and then over HTTP.
    for _ in 0..2 {
        let mut socket = served.socket(&format!("?poll={poll}"), None).await;
        let told = say(&mut socket, &poll, one.clone()).await;
        assert_eq!(told["receipt"]["status"], "counted", "{told}");
    }
    assert_eq!(post(world, &poll, &one, None).await.1["status"], "counted");
    // A page has set a cookie meanwhile: a ballot that is seconds old is known by its id alone.
    world.ambient.advance(Duration::from_secs(3));
    let cookie = a_pages_cookie(world).await;
    let (status, again) = post(world, &poll, &one, Some(&cookie)).await;
    assert_eq!((status, &again["status"]), (200, &json!("counted")), "{again}");
    let mut socket = served.socket(&format!("?poll={poll}"), Some(&cookie)).await;
    assert_eq!(say(&mut socket, &poll, one.clone()).await["receipt"]["status"], "counted");
    assert_eq!(world.counted(&poll).await, (1, vec![1, 0, 0]));
    // Another ballot with that cookie is another voter's.
    assert_eq!(post(world, &poll, &body(&ballot(2), 2), Some(&cookie)).await.0, 200);
    assert_eq!(world.counted(&poll).await, (2, vec![1, 1, 0]));
}

#[tokio::test(start_paused = true)]
async fn a_retry_with_another_cookie_is_known_after_the_close_as_well() {
    let world = World::new().await;
    let (poll, token) = world.poll(POLL).await;
    world.settle().await;
    let one = body(&ballot(1), 1);
    post(&world, &poll, &one, None).await;
    world.ambient.advance(Duration::from_secs(3));
    let close = Ask::post(format!("/api/polls/{poll}/close"), "").token(&token);
    world.call(close.request()).await;
    world.settle().await;
    let cookie = a_pages_cookie(&world).await;
    let (status, told) = post(&world, &poll, &one, Some(&cookie)).await;
    assert_eq!((status, &told["status"]), (200, &json!("counted")), "{told}");
    assert_eq!(post(&world, &poll, &body(&ballot(2), 1), Some(&cookie)).await.0, 409);
}

#[tokio::test]
async fn without_cookies_a_voter_goes_on_by_what_the_receipt_says() {
    let (served, poll) = open().await;
    let world = &served.world;
    let mut socket = served.socket(&format!("?poll={poll}"), None).await;
    let first = say(&mut socket, &poll, body(&ballot(1), 1)).await;
    let voter = first["receipt"]["voter"].clone();
    assert!(voter.is_string(), "{first}");
    // On the same socket it is the same voter, who need not be told again.
    let second = say(&mut socket, &poll, body(&ballot(2), 2)).await;
    assert_eq!(second["receipt"]["voter"], Value::Null, "{second}");
    assert_eq!(world.counted(&poll).await, (1, vec![0, 1, 0]));
    // A new process goes on with the receipt's voter: over another socket, over HTTP as from a page of
    // another origin, and as a cookie.
    let with = |n: u8, option: u8| {
        let mut body = body(&ballot(n), option);
        body["voter"] = voter.clone();
        body
    };
    let mut another = served.socket(&format!("?poll={poll}"), None).await;
    say(&mut another, &poll, with(3, 3)).await;
    assert_eq!(world.counted(&poll).await, (1, vec![0, 0, 1]));
    // A retry of the second ballot, under that voter, is told what became of the first.
    assert_eq!(post(world, &poll, &with(2, 2), None).await.1["status"], "replaced");
    let foreign = a_pages_cookie(world).await;
    assert_eq!(post(world, &poll, &with(4, 1), Some(&foreign)).await.1["status"], "counted");
    let cookie = format!("pollux_voter={}", voter.as_str().unwrap());
    assert_eq!(
        post(world, &poll, &body(&ballot(5), 2), Some(&cookie)).await.1["status"],
        "counted"
    );
    assert_eq!(world.counted(&poll).await, (1, vec![0, 1, 0]));
    let fate = format!("/api/polls/{poll}/ballots/{}?voter={}", ballot(3), voter.as_str().unwrap());
    assert_eq!(world.call(Ask::get(fate).request()).await.json()["status"], "replaced");
}

/// A ballot whose outcome is unknown fixes its socket's voter as well, because it may be on the log.
#[tokio::test]
async fn a_socket_is_one_voters_from_the_first_ballot_that_may_be_on_the_log() {
    let (served, poll) = open().await;
    let world = &served.world;
    let query = format!("?poll={poll}");
    let mut socket = served.socket(&query, None).await;
    world.fail(LogFaults { unknown_recorded: 1.0, ..LogFaults::default() });
    let unknown = say(&mut socket, &poll, body(&ballot(1), 1)).await;
    assert_eq!(unknown["problem"]["status"], 504, "{unknown}");
    world.fail(LogFaults::default());
    say(&mut socket, &poll, body(&ballot(2), 2)).await;
    assert_eq!(world.counted(&poll).await, (1, vec![0, 1, 0]));

    // The same holds where the first ballot of a connection says whose it is.
    let mut first = served.socket(&query, None).await;
    let told = say(&mut first, &poll, body(&ballot(3), 3)).await;
    let mut again = served.socket(&query, None).await;
    let mut known = body(&ballot(4), 3);
    known["voter"] = told["receipt"]["voter"].clone();
    say(&mut again, &poll, known).await;
    say(&mut again, &poll, body(&ballot(5), 1)).await;
    assert_eq!(world.counted(&poll).await, (2, vec![1, 1, 0]));

    // A ballot that was refused fixes no voter.
    let mut third = served.socket(&query, None).await;
    let refused = say(&mut third, &poll, body(&ballot(6), 9)).await;
    assert_eq!(refused["problem"]["status"], 422, "{refused}");
    say(&mut third, &poll, body(&ballot(7), 1)).await;
    say(&mut third, &poll, body(&ballot(8), 2)).await;
    assert_eq!(world.counted(&poll).await, (3, vec![1, 2, 0]));
}

#[tokio::test(start_paused = true)]
async fn who_is_recognised_is_told_no_voter_and_a_forged_one_is_refused() {
    let world = World::new().await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    let cookie = a_pages_cookie(&world).await;
    let (_, known) = post(&world, &poll, &body(&ballot(1), 1), Some(&cookie)).await;
    assert_eq!(known.get("voter"), None, "{known}");
    let mut named = body(&ballot(2), 1);
    named["voterId"] = json!("ada");
    assert_eq!(post(&world, &poll, &named, None).await.1.get("voter"), None);
    // Two voters who are recognised stay two, whatever ballot ids they use.
    let other = a_pages_cookie(&world).await;
    assert_eq!(post(&world, &poll, &body(&ballot(1), 2), Some(&other)).await.0, 200);
    assert_eq!(world.counted(&poll).await, (3, vec![2, 1, 0]));
    for forged in ["", "x", &"A".repeat(43), &"A".repeat(44)] {
        let mut body = body(&ballot(3), 1);
        body["voter"] = json!(forged);
        let (status, problem) = post(&world, &poll, &body, None).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/voter")), "{forged}");
    }
    // A ballot id that is older than ten minutes may have been read by somebody else, so it gives its sender
    // no voter to go on as.
    world.ambient.advance(Duration::from_secs(601));
    assert_eq!(post(&world, &poll, &body(&ballot(4), 1), None).await.1.get("voter"), None);
}
