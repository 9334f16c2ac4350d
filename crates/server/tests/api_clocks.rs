//! Clocks are wrong, and time passes: the tests say whose vote counts when the clocks of servers and devices
//! disagree, and when a poll closes.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::{Ask, NOON, World};
use pollux_core::id::{BallotId, PollId, UnixMillis};
use pollux_core::poll::{Draft, Poll};
use pollux_server::store::{CODE_REST_MILLIS, Created, Polls};
use pollux_server::watch::codes::CODE_IS_SURE_MILLIS;
use serde_json::{Value, json};
use tower::ServiceExt;

const POLL: &str = r#"{"question":"Which?","options":["a","b","c"]}"#;
const MINUTE: i64 = 60_000;

/// Returns a ballot id made by a clock that is this many milliseconds past noon.
fn id_at(millis: i64) -> String {
    BallotId::new(UnixMillis(NOON.strict_add_signed(millis)), [7; 10]).to_string()
}

/// Has Ada vote and wait for the decision, and returns the status of the answer, and the receipt.
async fn vote(world: &World, poll: &str, option: u8, ballot: Option<&str>) -> (u16, Value) {
    let mut body = json!({ "optionId": option, "voterId": "ada" });
    if let Some(ballot) = ballot {
        body["ballotId"] = json!(ballot);
    }
    let path = format!("/api/polls/{poll}/vote?wait=counted");
    let answer = world.call(Ask::post(path, body.to_string()).request()).await;
    (answer.status.as_u16(), answer.json())
}

async fn read(world: &World, poll: &str, token: Option<&str>) -> Value {
    let mut ask = Ask::get(format!("/api/polls/{poll}"));
    if let Some(token) = token {
        ask = ask.token(token);
    }
    world.call(ask.request()).await.json()
}

async fn votes(world: &World, poll: &str) -> Vec<u64> {
    world.settle().await;
    let poll = read(world, poll, None).await;
    let options = poll["options"].as_array().unwrap();
    options.iter().map(|option| option["votes"].as_u64().unwrap()).collect()
}

async fn act(world: &World, poll: &str, token: &str, action: &str) -> Value {
    let path = format!("/api/polls/{poll}/{action}");
    let answer = world.call(Ask::post(path, "").token(token).request()).await;
    assert_eq!(answer.status, 200, "{action}: {}", answer.json());
    world.settle().await;
    answer.json()
}

#[tokio::test(start_paused = true)]
async fn a_vote_without_an_id_counts_after_one_of_a_fast_clock() {
    let world = World::new().await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    let fast = id_at(50_000);
    assert_eq!(vote(&world, &poll, 1, Some(&fast)).await.1["status"], "counted");
    assert_eq!(vote(&world, &poll, 2, None).await.1["status"], "counted");
    assert_eq!(votes(&world, &poll).await, [0, 1, 0]);
    // The ballot with the fast clock's id is decided, whenever it is sent again.
    assert_eq!(vote(&world, &poll, 1, Some(&fast)).await.1["status"], "replaced");
    assert_eq!(votes(&world, &poll).await, [0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_servers_clock_that_is_set_right_locks_nobody_out() {
    let world = World::new().await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    world.ambient.advance(Duration::from_secs(3600));
    // The phone goes by the server's clock, which is an hour fast.
    let hour = 60 * MINUTE;
    assert_eq!(vote(&world, &poll, 1, Some(&id_at(hour))).await.1["status"], "counted");
    world.ambient.set_back(Duration::from_secs(3600));
    assert_eq!(vote(&world, &poll, 2, Some(&id_at(hour + 1))).await.1["status"], "counted");
    assert_eq!(votes(&world, &poll).await, [0, 1, 0]);
    // A vote without a ballot id replaces the vote as well, and so does one with an id that goes on from
    // there.
    assert_eq!(vote(&world, &poll, 3, None).await.1["status"], "counted");
    assert_eq!(vote(&world, &poll, 1, Some(&id_at(MINUTE))).await.1["status"], "counted");
    assert_eq!(votes(&world, &poll).await, [1, 0, 0]);
    // Nobody gets further ahead than a minute at a time.
    let (status, problem) = vote(&world, &poll, 1, Some(&id_at(hour + 2 * MINUTE))).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/ballotId")), "{problem}");
    let stranger = format!(r#"{{"optionId":1,"ballotId":"{}"}}"#, id_at(hour));
    let path = format!("/api/polls/{poll}/vote");
    assert_eq!(world.call(Ask::post(path, stranger).request()).await.status, 422);
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_superseded_ballot_names_the_one_that_counts() {
    let world = World::new().await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    world.ambient.advance(Duration::from_secs(600));
    let (right, slow) = (id_at(10 * MINUTE), id_at(8 * MINUTE + 5_000));
    let (_, counted) = vote(&world, &poll, 1, Some(&right)).await;
    assert_eq!((&counted["status"], counted.get("supersededBy")), (&json!("counted"), None));
    let (status, receipt) = vote(&world, &poll, 2, Some(&slow)).await;
    assert_eq!((status, &receipt["status"]), (200, &json!("superseded")));
    assert_eq!(receipt["supersededBy"], right, "{receipt}");
    // Asked for later, and after the close, the answer is the same.
    let path = format!("/api/polls/{poll}/ballots/{slow}?voterId=ada");
    assert_eq!(world.call(Ask::get(path).request()).await.json()["supersededBy"], right);
    // So the slow device knows which id it has to exceed.
    let beyond = id_at(10 * MINUTE + 1);
    assert_eq!(vote(&world, &poll, 2, Some(&beyond)).await.1["status"], "counted");
    assert_eq!(votes(&world, &poll).await, [0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_closed_poll_tells_what_superseded_a_late_retry() {
    let world = World::new().await;
    let (poll, token) = world.poll(POLL).await;
    world.settle().await;
    world.ambient.advance(Duration::from_secs(600));
    let (right, slow) = (id_at(10 * MINUTE), id_at(8 * MINUTE));
    vote(&world, &poll, 1, Some(&right)).await;
    vote(&world, &poll, 2, Some(&slow)).await;
    act(&world, &poll, &token, "close").await;
    let (status, receipt) = vote(&world, &poll, 2, Some(&slow)).await;
    assert_eq!((status, &receipt["supersededBy"]), (200, &json!(right)), "{receipt}");
    // An id from the future is no reason to answer anything else about a poll that is over.
    assert_eq!(vote(&world, &poll, 2, Some(&id_at(600 * MINUTE))).await.0, 409);
}

#[tokio::test(start_paused = true)]
async fn a_poll_closes_so_many_seconds_after_it_opens() {
    let world = World::new().await;
    let body = r#"{"question":"Which?","options":["a","b"],"closesAfter":30,"open":false}"#;
    let (poll, token) = world.poll(body).await;
    let draft = read(&world, &poll, Some(&token)).await;
    assert_eq!((&draft["closesAfter"], &draft["closesAt"]), (&json!(30), &Value::Null), "{draft}");
    // The draft was written the evening before.
    world.ambient.advance(Duration::from_secs(12 * 3600));
    let opened = act(&world, &poll, &token, "open").await;
    assert_eq!(opened["closesAt"], "2026-11-22T00:00:30.000Z", "{opened}");
    assert_eq!(vote(&world, &poll, 1, None).await.0, 200);
    world.ambient.advance(Duration::from_secs(20));
    // A new round has the whole time again, and so has a poll that is reopened.
    let again = act(&world, &poll, &token, "reset").await;
    assert_eq!(again["closesAt"], "2026-11-22T00:00:50.000Z", "{again}");
    world.ambient.advance(Duration::from_secs(30));
    assert_eq!(vote(&world, &poll, 1, None).await.0, 409);
    act(&world, &poll, &token, "close").await;
    let reopened = act(&world, &poll, &token, "reopen").await;
    assert_eq!(reopened["closesAt"], "2026-11-22T00:01:20.000Z", "{reopened}");
}

#[tokio::test(start_paused = true)]
async fn a_draft_whose_time_has_passed_opens_without_a_limit() {
    let world = World::new().await;
    let body = r#"{"question":"Which?","options":["a","b"],"closesAt":"2026-11-21T13:00:00Z","open":false}"#;
    let (poll, token) = world.poll(body).await;
    world.ambient.advance(Duration::from_secs(2 * 3600));
    // The draft can still be edited, unless an edit names a time in the past.
    let patch = |body: &str| {
        Ask::new("PATCH", format!("/api/polls/{poll}")).json(body).token(&token).request()
    };
    assert_eq!(world.call(patch(r#"{"question":"Which one?"}"#)).await.status, 200);
    assert_eq!(world.call(patch(r#"{"closesAt":"2026-11-21T13:30:00Z"}"#)).await.status, 422);
    let opened = act(&world, &poll, &token, "open").await;
    assert_eq!((&opened["status"], &opened["closesAt"]), (&json!("open"), &Value::Null));
    let missed = "2026-11-21T13:00:00.000Z";
    assert_eq!(opened["missedClosesAt"], missed, "the organiser is told");
    assert_eq!(read(&world, &poll, Some(&token)).await["missedClosesAt"], missed);
    assert_eq!(read(&world, &poll, None).await["missedClosesAt"], Value::Null, "and nobody else");
    assert_eq!(vote(&world, &poll, 1, None).await.0, 200);
    let closed = act(&world, &poll, &token, "close").await;
    assert_eq!(closed["missedClosesAt"], Value::Null, "it is of no use any more");
}

#[tokio::test(start_paused = true)]
async fn closes_at_and_closes_after_exclude_each_other() {
    let world = World::new().await;
    let made = |body: String| world.call(Ask::post("/api/polls", body).request());
    let with = |rest: &str| made(format!(r#"{{"question":"q","options":["a","b"],{rest}}}"#));
    for (rest, pointer) in [
        (r#""closesAfter":0"#, "/closesAfter"),
        (r#""closesAfter":604801"#, "/closesAfter"),
        (r#""closesAfter":1.5"#, "/closesAfter"),
        (r#""closesAfter":-1"#, "/closesAfter"),
        (r#""closesAfter":"30""#, "/closesAfter"),
        (r#""closesAfter":30,"closesAt":"2026-11-21T13:00:00Z""#, "/closesAfter"),
        (r#""closesAt":"2026-11-21T11:00:00Z""#, "/closesAt"),
        (r#""closesAt":"2026-11-21T11:00:00Z","open":false"#, "/closesAt"),
    ] {
        let answer = with(rest).await;
        assert_eq!(answer.status, 422, "{rest}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{rest}");
    }
    // In a patch, the one that is written replaces the other.
    let draft = r#"{"question":"q","options":["a","b"],"closesAfter":30,"open":false}"#;
    let (poll, token) = world.poll(draft).await;
    for (patch, at, after) in [
        (r#"{"closesAt":"2026-11-21T13:00:00Z"}"#, json!("2026-11-21T13:00:00.000Z"), Value::Null),
        (r#"{"closesAfter":60}"#, Value::Null, json!(60)),
        (r#"{"closesAt":null}"#, Value::Null, json!(60)),
        (r#"{"closesAt":null,"closesAfter":90}"#, Value::Null, json!(90)),
        (r#"{"question":"Q"}"#, Value::Null, json!(90)),
        (r#"{"closesAfter":null}"#, Value::Null, Value::Null),
    ] {
        let ask = Ask::new("PATCH", format!("/api/polls/{poll}")).json(patch).token(&token);
        let answer = world.call(ask.request()).await.json();
        assert_eq!((&answer["closesAt"], &answer["closesAfter"]), (&at, &after), "{patch}");
    }
}

/// Phones set their clocks by this header. If it stood still after the server's clock was set back, phones
/// would name ballots that are ahead of the clock and are refused.
#[tokio::test(start_paused = true)]
async fn every_answer_tells_the_time_as_the_clock_has_it() {
    let world = World::new().await;
    let (poll, _) = world.poll(POLL).await;
    world.settle().await;
    let date = async |ask: Ask| world.call(ask.request()).await.header("date").to_owned();
    let ask = || Ask::get(format!("/api/polls/{poll}"));
    let vote = || Ask::post(format!("/api/polls/{poll}/vote"), r#"{"optionId":1}"#);
    let noon = date(ask()).await;
    assert!(noon.ends_with(" 12:00:00 GMT"), "{noon}");
    world.ambient.advance(Duration::from_secs(3_600));
    assert_eq!(date(vote()).await, noon.replace("12:00:00", "13:00:00"));
    world.ambient.set_back(Duration::from_secs(3_599));
    for of in [ask(), vote(), Ask::get("/nowhere")] {
        assert_eq!(date(of).await, noon.replace("12:00:00", "12:00:01"));
    }
}

/// Creates a poll to which the store has given this code, and of which nobody has told the node.
async fn passed_on(world: &World, code: &str, open: bool) -> Poll {
    let now = world.app.ambient.now();
    let id = PollId::new(now, [9; 10]);
    let mut poll = Poll::draft(id, Draft::new("Newer?", ["a", "b"]), [0; 32], now).unwrap();
    if open {
        poll.open(now).unwrap();
    }
    match world.store.create(poll, vec![code.to_owned()], None).await.unwrap() {
        Created::New(poll) => poll,
        other => panic!("the code has not rested: {other:?}"),
    }
}

/// Makes the node look at a poll in every way that clients can.
async fn look_at(world: &World, poll: &str, token: &str) {
    for path in ["", "/pulse", "/trend", "/replay", "/export", "/events", "/ballots/x"] {
        let path = format!("/api/polls/{poll}{path}");
        world.router.clone().oneshot(Ask::get(&path).request()).await.unwrap();
        world.router.clone().oneshot(Ask::get(&path).token(token).request()).await.unwrap();
    }
    for path in ["/api/polls?status=closed".to_owned(), format!("/api/events/{poll}")] {
        world.call(Ask::get(path).request()).await;
    }
    let vote = Ask::post(format!("/api/polls/{poll}/vote"), r#"{"optionId":1}"#);
    world.call(vote.request()).await;
    let reopen = Ask::post(format!("/api/polls/{poll}/reopen"), "").token(token);
    world.call(reopen.request()).await;
    let reveal = Ask::post(format!("/api/polls/{poll}/reveal"), "").token(token);
    world.call(reveal.request()).await;
    world.settle().await;
}

/// Returns the id, the owner's token and the code of a closed poll whose code has rested long enough. A node
/// that remembers only one closed poll has forgotten it for another one.
async fn rested(world: &World) -> (String, String, String) {
    let made = world.call(Ask::post("/api/polls", POLL).request()).await.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    act(world, &text("id"), &text("ownerToken"), "close").await;
    let (other, token) = world.poll(POLL).await;
    act(world, &other, &token, "close").await;
    world.ambient.advance(Duration::from_millis(CODE_REST_MILLIS + 1000));
    (text("id"), text("ownerToken"), text("code"))
}

#[tokio::test(start_paused = true)]
async fn a_code_that_has_passed_on_is_not_taken_back_by_whoever_reads_the_old_poll() {
    const { assert!(CODE_IS_SURE_MILLIS < CODE_REST_MILLIS) };
    // The old poll is still remembered, forgotten and loaded again, or loaded again by every look.
    for closed_polls in [1000, 1, 0] {
        let world = World::with(|config| config.watch.closed_polls = closed_polls).await;
        let (old, token, code) = rested(&world).await;
        let newer = passed_on(&world, &code, true).await.id.to_string();
        assert_eq!(read(&world, &code, None).await["id"], json!(newer), "{closed_polls}");
        look_at(&world, &old, &token).await;
        assert_eq!(read(&world, &code, None).await["id"], json!(newer), "{closed_polls}");
        assert_eq!(read(&world, &old, None).await["id"], json!(old), "it is still there");
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_that_belongs_to_a_draft_leads_to_the_old_poll_no_more() {
    let world = World::new().await;
    let (old, token, code) = rested(&world).await;
    passed_on(&world, &code, false).await;
    assert_eq!(read(&world, &code, None).await["status"], json!(404));
    look_at(&world, &old, &token).await;
    assert_eq!(read(&world, &code, None).await["status"], json!(404));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_by_months_takes_no_code_back() {
    let world = World::with(|config| config.watch.closed_polls = 1).await;
    let (old, token, code) = rested(&world).await;
    let newer = passed_on(&world, &code, true).await.id.to_string();
    assert_eq!(read(&world, &code, None).await["id"], json!(newer));
    world.ambient.set_back(Duration::from_millis(2 * CODE_REST_MILLIS));
    look_at(&world, &old, &token).await;
    assert_eq!(read(&world, &code, None).await["id"], json!(newer));
}
