//! Each viewer may see and do certain things over HTTP, WebSockets and server-sent events: numbers after
//! one's own vote, the owner's token on a socket, and messages as the AsyncAPI document has them.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::served::{PATIENCE, Served, TestViewer, serve};
use api_support::{Ask, OPERATOR, World};
use futures_util::StreamExt;
use pollux_server::log::memory::LogFaults;
use pollux_server::store::memory::{Faults, StoreFaults};
use serde_json::{Value, json};
use tower::ServiceExt;

const AFTER_VOTE: &str = r#"{"question":"Which?","options":["a","b"],"results":"afterVote"}"#;
const HIDDEN: &str = r#"{"question":"Which?","options":["a","b"],"results":"hidden",
    "turnout":"hidden"}"#;

fn vote(poll: &str, option: u8) -> Ask {
    Ask::post(format!("/polls/{poll}/vote"), format!(r#"{{"optionId":{option}}}"#))
}

/// Returns the numbers of every poll in a message or an answer, except a turnout that everybody sees.
fn numbers(message: &Value) -> Vec<&Value> {
    let polls = message["polls"].as_array().into_iter().flatten();
    let polls = polls.chain(message.get("poll")).chain(message.get("totalVotes").map(|_| message));
    polls
        .flat_map(|poll| {
            let options = poll["options"].as_array().unwrap().iter().map(|option| &option["votes"]);
            let turnout = Some(&poll["totalVoters"]).filter(|_| poll["turnout"] == "hidden");
            options.chain([&poll["totalVotes"]]).chain(turnout)
        })
        .collect()
}

fn shows(message: &Value) -> bool {
    let numbers = numbers(message);
    let shown = numbers.iter().filter(|number| number.is_u64()).count();
    assert!(shown == 0 || shown == numbers.len(), "all or none: {message}");
    shown > 0
}

fn saw_numbers(viewer: &TestViewer) -> bool {
    viewer.heard.iter().any(shows)
}

/// Reads the poll as a client with this cookie.
async fn read(world: &World, poll: &str, cookie: Option<&str>) -> Value {
    let ask = Ask::get(format!("/polls/{poll}"));
    let ask = match cookie {
        Some(cookie) => ask.header("cookie", cookie),
        None => ask,
    };
    world.call(ask.request()).await.json()
}

/// Stops processing: what is voted now is counted only once `count` is called.
fn stop_counting(world: &World) {
    let commits = Faults { unavailable: 1.0, ..Faults::NONE };
    world.store.set_faults(StoreFaults { commits, ..StoreFaults::NONE });
}

fn count(world: &World) {
    world.store.set_faults(StoreFaults::NONE);
}

#[tokio::test(start_paused = true)]
async fn after_the_vote_its_voter_reads_the_numbers_and_nobody_else() {
    let world = World::new().await;
    let (id, token) = world.poll(AFTER_VOTE).await;
    let bob = world.call(Ask::get("/").header("accept", "text/html").request()).await.cookie();
    let bob = bob.unwrap();
    world.settle().await;
    let voted = world.call(vote(&id, 1).request()).await;
    let ada = voted.cookie().unwrap();
    assert!(shows(&read(&world, &id, Some(&ada)).await), "though it is not counted yet");
    world.settle().await;

    let forged = format!("{}{}", &bob[..bob.len() - 22], &ada[ada.len() - 22..]);
    for cookie in [None, Some(bob.as_str()), Some(&forged), Some("pollux_voter=x")] {
        assert!(!shows(&read(&world, &id, cookie).await), "{cookie:?}");
    }
    let own = read(&world, &id, Some(&ada)).await;
    assert_eq!((&own["totalVotes"], &own["options"][0]["votes"]), (&json!(1), &json!(1)));
    // A vote under a `voterId` is not the vote of the cookie that came along with it.
    let named = Ask::post(format!("/polls/{id}/vote"), r#"{"optionId":1,"voterId":"eve"}"#);
    assert_eq!(world.call(named.header("cookie", &bob).request()).await.status, 202);
    world.settle().await;
    assert!(!shows(&read(&world, &id, Some(&bob)).await));
    // A vote in one poll is not a vote in another, either.
    let (other, _) = world.poll(AFTER_VOTE).await;
    assert!(!shows(&read(&world, &other, Some(&ada)).await));
    for list in ["/api/polls", "/api/leaderboard"] {
        let list = world.call(Ask::get(list).header("cookie", &ada).request()).await.json();
        assert!(!shows(&list), "what all are shown is the same for all: {list}");
        assert_eq!(list["options"].as_array().map_or(0, Vec::len), 0);
    }
    let ask = Ask::get(format!("/polls/{id}")).header("cookie", &ada);
    let tag = world.call(ask.request()).await.header("etag").to_owned();
    let stranger = Ask::get(format!("/polls/{id}")).header("if-none-match", &tag);
    assert_eq!(world.call(stranger.request()).await.status, 200, "their copies are not the same");

    world.call(vote(&id, 2).header("cookie", &bob).request()).await;
    world.settle().await;
    assert_eq!(read(&world, &id, Some(&bob)).await["totalVotes"], 3);
    // A voter who voted before a reset has seen numbers anyway.
    let reset = Ask::post(format!("/polls/{id}/reset"), "").token(&token);
    assert_eq!(world.call(reset.request()).await.status, 200);
    world.settle().await;
    assert_eq!(read(&world, &id, Some(&ada)).await["totalVotes"], 0);
    assert!(!shows(&read(&world, &id, None).await));
    let reveal = Ask::post(format!("/polls/{id}/reveal"), "").token(&token);
    assert_eq!(world.call(reveal.request()).await.status, 200);
    assert!(shows(&read(&world, &id, None).await));
}

#[tokio::test]
async fn a_socket_shows_the_numbers_after_its_own_vote_and_after_a_reconnect() {
    let served = serve(|_| {}).await;
    let (id, token) = served.world.poll(AFTER_VOTE).await;
    let query = format!("?poll={id}");
    let mut bob = served.socket(&query, None).await;
    let mut all = served.socket("", None).await;
    let mut ada = served.socket(&query, None).await;
    assert!(!shows(&ada.next().await));
    let ada_is = ada.vote(&id, 1).await.unwrap();
    if !saw_numbers(&ada) {
        assert_eq!(ada.until(shows).await["type"], "poll.updated");
    }
    ada.until(|message| message["poll"]["totalVotes"] == 1).await;

    // With the cookie a new socket shows the numbers at once, in a second window too, and on every way to
    // subscribe.
    let mut back = served.socket(&query, Some(&ada_is)).await;
    assert_eq!(back.next().await["polls"][0]["totalVotes"], 1);
    let mut later = served.socket("?leaderboard", Some(&ada_is)).await;
    later.say(json!({"type": "subscribe", "poll": id})).await;
    assert_eq!(later.until_type("poll.updated").await["poll"]["totalVotes"], 1);
    let mut stream = events(&served, &format!("/polls/{id}/events"), &ada_is).await;
    assert_eq!(stream.next().await["polls"][0]["totalVotes"], 1);

    // A viewer of everything may have a cookie, too.
    let mut everything = served.socket("", Some(&ada_is)).await;
    assert_eq!(everything.next().await["polls"][0]["totalVotes"], 1);
    let mut stream = events(&served, "/events", &ada_is).await;
    assert_eq!(stream.next().await["polls"][0]["totalVotes"], 1);

    // Eve votes over HTTP with the cookie of her open sockets.
    let page = Ask::get("/").header("accept", "text/html").request();
    let eve_is = served.world.call(page).await.cookie().unwrap();
    let mut eve = served.socket(&query, Some(&eve_is)).await;
    let mut eve_too = served.socket(&query, Some(&eve_is)).await;
    served.world.call(vote(&id, 2).header("cookie", &eve_is).request()).await;
    for eve in [&mut eve, &mut eve_too, &mut everything] {
        eve.until(|message| message["poll"]["totalVotes"] == 2).await;
    }
    ada.until(|message| message["poll"]["totalVotes"] == 2).await;

    for other in [&mut bob, &mut all] {
        other.catch_up().await;
        assert!(!saw_numbers(other), "{:?}", other.heard);
    }
    // A refused vote on Bob's own socket is no vote, so it shows him no numbers.
    bob.say(json!({"type": "vote", "poll": id, "optionId": 9, "ref": 1})).await;
    bob.until_type("error").await;
    bob.catch_up().await;
    assert!(!saw_numbers(&bob));
    let reveal = Ask::post(format!("/polls/{id}/reveal"), "").token(&token);
    served.world.call(reveal.request()).await;
    bob.until(|message| message["poll"]["totalVotes"] == 2).await;
}

/// What only the owner is told is not sent to the public, whoever looks first.
#[tokio::test]
async fn a_missed_closing_time_is_pushed_to_the_owner_alone() {
    let served = serve(|_| {}).await;
    let body =
        r#"{"question":"q","options":["a","b"],"closesAt":"2026-11-21T13:00:00Z","open":false}"#;
    for owner_first in [true, false] {
        let (id, token) = served.world.poll(body).await;
        served.world.ambient.advance(Duration::from_secs(7_200));
        let open = Ask::post(format!("/polls/{id}/open"), "").token(&token);
        assert_eq!(served.world.call(open.request()).await.status, 200);
        served.world.ambient.set_back(Duration::from_secs(7_200));
        let query = format!("?poll={id}");
        let (mut owner, mut public) =
            (served.socket(&query, None).await, served.socket(&query, None).await);
        owner.say(json!({"type": "auth", "token": token})).await;
        owner.catch_up().await;
        if owner_first {
            owner.say(json!({"type": "subscribe", "poll": id})).await;
            owner.catch_up().await;
        }
        served.world.call(vote(&id, 1).request()).await;
        for (viewer, is_owner) in [(&mut public, false), (&mut owner, true)] {
            let seen = viewer.until(|message| message["poll"]["totalVotes"] == 1).await;
            assert_eq!(seen["poll"]["missedClosesAt"].is_string(), is_owner, "{seen}");
        }
        assert!(public.heard.iter().all(|told| !told.to_string().contains("13:00:00")));
    }
}

/// A voter who was answered 202 and connects before the vote is counted is a voter all the same.
/// What is shown of a poll is encoded once for many viewers, and the owner is told more of it than they are.
#[tokio::test]
async fn the_right_answer_is_pushed_to_the_owner_alone_until_the_close() {
    let served = serve(|_| {}).await;
    for (results, told_to_voter) in [("live", true), ("afterVote", true), ("hidden", false)] {
        let body = format!(
            r#"{{"question":"?","kind":"number","max":9,"solution":4.25,"results":"{results}"}}"#
        );
        let (id, token) = served.world.poll(&body).await;
        served.world.settle().await;
        let own = |what: &str| Ask::post(format!("/polls/{id}/{what}"), "").token(&token);
        let query = format!("?poll={id}");
        let mut owner = served.socket(&query, None).await;
        owner.say(json!({"type": "auth", "token": token})).await;
        let solved = |message: &Value| {
            let polls = message["polls"].as_array().into_iter().flatten();
            let mut polls = polls.chain(message.get("poll"));
            polls.any(|poll| !poll["solution"].is_null() || !poll["nearest"].is_null())
        };
        owner.until(solved).await;
        let mut all = served.socket("", None).await;
        let mut voter = served.socket(&query, None).await;
        voter.say(json!({"type": "vote", "poll": id, "answer": 4})).await;
        voter.until_type("vote.recorded").await;
        let nearest = json!({ "values": [4], "people": 1 });
        owner.until(|message| message["poll"]["nearest"] == nearest).await;
        for what in ["close", "reopen"] {
            let is_news =
                |message: &Value| message["poll"]["phase"] == if what == "close" { 2 } else { 3 };
            assert_eq!(served.world.call(own(what).request()).await.status, 200);
            let [seen_by_owner, seen_by_voter, seen_by_all] =
                [&mut owner, &mut voter, &mut all].map(|viewer| viewer.until(is_news));
            assert!(solved(&seen_by_owner.await), "{results}, {what}");
            assert_eq!(
                solved(&seen_by_voter.await),
                told_to_voter && what == "close",
                "{results}, {what}"
            );
            assert_eq!(
                solved(&seen_by_all.await),
                results == "live" && what == "close",
                "{results}, {what}"
            );
        }
        for viewer in [&voter, &all] {
            let early = viewer.heard.iter().filter(|message| solved(message));
            assert!(early.into_iter().all(|message| message["poll"]["status"] == "closed"));
        }
    }
}

#[tokio::test]
async fn who_reconnects_before_the_vote_is_counted_sees_the_numbers_too() {
    let served = serve(|_| {}).await;
    let (id, _) = served.world.poll(AFTER_VOTE).await;
    served.world.settle().await;
    stop_counting(&served.world);
    let voted = served.world.call(vote(&id, 1).request()).await;
    assert_eq!(voted.status, 202);
    let ada = voted.cookie().unwrap();
    let query = format!("?poll={id}");
    let mut by_query = served.socket(&query, Some(&ada)).await;
    let mut everything = served.socket("", Some(&ada)).await;
    let mut by_name = served.socket("?leaderboard", Some(&ada)).await;
    by_name.say(json!({"type": "subscribe", "poll": id})).await;
    by_name.catch_up().await;
    let mut stream = events(&served, &format!("/polls/{id}/events"), &ada).await;
    let mut other = served.socket(&query, None).await;
    count(&served.world);
    for socket in [&mut by_query, &mut by_name, &mut everything] {
        socket.until(|message| message["poll"]["totalVotes"] == 1).await;
    }
    stream.until(|message| message["poll"]["totalVotes"] == 1).await;
    other.catch_up().await;
    assert!(!saw_numbers(&other));
}

/// `Stream` reads server-sent events as a browser does.
struct Stream {
    body: axum::body::BodyDataStream,
    read: String,
}

async fn events(served: &Served, path: &str, cookie: &str) -> Stream {
    Stream::of(served, Ask::get(path).header("cookie", cookie)).await
}

impl Stream {
    async fn of(served: &Served, ask: Ask) -> Self {
        let response = served.world.router.clone().oneshot(ask.request()).await.unwrap();
        assert_eq!(response.status(), 200);
        Self { body: response.into_body().into_data_stream(), read: String::new() }
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Some((block, rest)) = self.read.split_once("\n\n") {
                let data = block.lines().find_map(|line| line.strip_prefix("data: "));
                let data = data.map(|data| serde_json::from_str(data).unwrap());
                self.read = rest.to_owned();
                match data {
                    Some(data) => return data,
                    None => continue,
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await.unwrap();
            self.read += std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap();
        }
    }

    async fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.next().await;
            if holds(&message) {
                return message;
            }
        }
    }
}

/// Over a socket as over HTTP, a vote that is refused or left unknown counts once when it is sent again.
#[tokio::test]
async fn a_vote_over_a_socket_that_the_log_refuses_or_leaves_unknown_can_be_sent_again() {
    let served = serve(|_| {}).await;
    let (id, _) = served.world.poll(r#"{"question":"Which?","options":["a","b"]}"#).await;
    served.world.settle().await;
    for (n, (faults, slug)) in [
        (LogFaults { not_recorded: 1.0, ..LogFaults::default() }, "not-recorded"),
        (LogFaults { unknown_lost: 1.0, ..LogFaults::default() }, "outcome-unknown"),
        (LogFaults { unknown_recorded: 1.0, ..LogFaults::default() }, "outcome-unknown"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut socket = served.socket(&format!("?poll={id}"), None).await;
        served.world.fail(faults);
        socket.say(json!({"type": "vote", "poll": id, "optionId": 1, "ref": n})).await;
        let error = socket.until_type("error").await;
        assert_eq!(error["ref"], n);
        assert_eq!(error["problem"]["type"], format!("/docs/errors/{slug}"));
        served.world.fail(LogFaults::default());
        let ballot = &error["problem"]["ballotId"];
        for _ in 0..2 {
            let again = json!({"type": "vote", "poll": id, "optionId": 1, "ballotId": ballot});
            socket.say(again).await;
            let recorded = socket.until_type("vote.recorded").await;
            assert_eq!(&recorded["receipt"]["ballotId"], ballot);
            socket.until_type("vote.counted").await;
        }
        served.world.settle().await;
        assert_eq!(read(&served.world, &id, None).await["totalVotes"], n + 1);
    }
}

#[tokio::test]
async fn the_owners_token_opens_the_numbers_on_a_socket() {
    let served = serve(|_| {}).await;
    let (id, token) = served.world.poll(HIDDEN).await;
    let (other, other_token) = served.world.poll(HIDDEN).await;
    let query = format!("?poll={id}");
    served.world.call(vote(&id, 1).request()).await;
    served.world.call(vote(&other, 1).request()).await;
    served.world.settle().await;

    // The token is shown on a socket that watches the poll already.
    let mut owner = served.socket(&query, None).await;
    assert!(!shows(&owner.next().await));
    owner.say(json!({"type": "auth", "token": token})).await;
    assert_eq!(owner.next().await["poll"]["totalVotes"], 1);
    served.world.call(vote(&id, 2).request()).await;
    owner.until(|message| message["poll"]["totalVotes"] == 2).await;

    // The token is shown first and the poll named later, or the poll is named with the token, by its code.
    let mut early = served.socket("?leaderboard", None).await;
    early.say(json!({"type": "auth", "token": token})).await;
    early.say(json!({"type": "subscribe", "poll": id})).await;
    assert_eq!(early.until_type("poll.updated").await["poll"]["totalVotes"], 2);
    let mut named = served.socket("", None).await;
    let code = read(&served.world, &id, None).await["code"].clone();
    named.say(json!({"type": "auth", "token": token, "poll": code})).await;
    let shown = named.until(shows).await;
    assert_eq!(shown["poll"]["id"], id.as_str());

    // The operator's token opens every poll; another poll's token opens that poll only.
    let mut operator = served.socket(&format!("{query}&poll={other}"), None).await;
    operator.say(json!({"type": "auth", "token": OPERATOR})).await;
    for poll in [&id, &other] {
        operator.until(|m| m["poll"]["id"] == poll.as_str() && shows(m)).await;
    }
    let mut both = served.socket(&format!("{query}&poll={other}"), None).await;
    both.say(json!({"type": "auth", "token": other_token})).await;
    both.until(shows).await;
    served.world.call(vote(&id, 1).request()).await;
    served.world.call(vote(&other, 1).request()).await;
    both.until(|message| message["poll"]["totalVotes"] == 2).await;
    both.catch_up().await;
    for message in both.heard.iter().filter(|message| shows(message)) {
        assert_eq!(message["poll"]["id"], other.as_str());
    }
}

/// Reissues the tokens of the poll or event at this path.
async fn reissue(served: &Served, path: &str) -> Value {
    let ask = Ask::post(format!("/api/{path}/token"), "").token(OPERATOR);
    let answer = served.world.call(ask.request()).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()
}

#[tokio::test]
async fn a_reissued_token_ends_what_the_old_one_opened_on_a_socket() {
    let served = serve(|_| {}).await;
    let (id, token) = served.world.poll(HIDDEN).await;
    let cast = async |votes: u8| {
        for _ in 0..votes {
            assert_eq!(served.world.call(vote(&id, 1).request()).await.status, 202);
        }
        served.world.settle().await;
    };
    // With so many votes the version with numbers is greater than the one without.
    cast(5).await;
    let mut owner = served.socket(&format!("?poll={id}"), None).await;
    let mut again = served.socket(&format!("?poll={id}"), None).await;
    let mut all = served.socket("", None).await;
    let mut operator = served.socket(&format!("?poll={id}"), None).await;
    for (socket, token) in [
        (&mut owner, token.as_str()),
        (&mut again, &token),
        (&mut all, &token),
        (&mut operator, OPERATOR),
    ] {
        socket.say(json!({"type": "auth", "token": token, "poll": id})).await;
        assert_eq!(socket.until(shows).await["poll"]["totalVotes"], 5);
    }
    let new = reissue(&served, &format!("polls/{id}")).await["ownerToken"].clone();
    let mut lengths = Vec::new();
    for socket in [&mut owner, &mut again, &mut all] {
        let told = socket.until(|message| message["type"] == "poll.updated").await;
        assert!(!shows(&told), "it is told how the poll looks to everybody: {told}");
        lengths.push(socket.heard.len());
    }
    cast(1).await;
    operator.until(|message| message["poll"]["totalVotes"] == 6).await;
    for socket in [&mut again, &mut all] {
        socket.say(json!({"type": "unsubscribe", "poll": id})).await;
        socket.say(json!({"type": "subscribe", "poll": id})).await;
        assert!(!shows(&socket.until_type("poll.updated").await));
        socket.say(json!({"type": "auth", "token": token, "poll": id})).await;
        socket.until_type("error").await;
    }
    cast(1).await;
    for (socket, length) in [&mut owner, &mut again, &mut all].into_iter().zip(lengths) {
        socket.catch_up().await;
        assert!(!socket.heard[length..].iter().any(shows), "{:?}", socket.heard);
        socket.say(json!({"type": "auth", "token": new, "poll": id})).await;
        assert_eq!(socket.until(shows).await["poll"]["totalVotes"], 7);
    }
}

/// Makes an event with a draft and nothing on stage, and returns its path, and the tokens of owner and stage.
async fn event_with_a_draft(served: &Served) -> (String, Value) {
    let made = Ask::post("/api/events", r#"{"title":"Event"}"#).request();
    let made = served.world.call(made).await.json();
    let path = format!("events/{}", made["id"].as_str().unwrap());
    write_a_draft(served, &path, &made).await;
    (path, made)
}

async fn write_a_draft(served: &Served, path: &str, tokens: &Value) {
    let ask = Ask::post(format!("/api/{path}/polls"), HIDDEN);
    let answer =
        served.world.call(ask.token(tokens["ownerToken"].as_str().unwrap()).request()).await;
    assert_eq!(answer.status, 201, "{answer}");
}

fn listed(message: &Value) -> usize {
    message["event"]["polls"].as_array().map_or(usize::MAX, Vec::len)
}

#[tokio::test]
async fn reissued_tokens_of_an_event_end_what_the_old_ones_opened_with_nothing_on_stage() {
    let served = serve(|_| {}).await;
    let (path, made) = event_with_a_draft(&served).await;
    let query = format!("?event={}", made["id"].as_str().unwrap());
    let mut sockets = Vec::new();
    for token in ["ownerToken", "stageToken"] {
        let mut socket = served.socket(&query, None).await;
        assert_eq!(listed(&socket.next().await), 0);
        socket.say(json!({"type": "auth", "token": made[token]})).await;
        assert_eq!(listed(&socket.until_type("event.changed").await), 1);
        sockets.push((socket, token));
    }
    let new = reissue(&served, &path).await;
    for (socket, _) in &mut sockets {
        assert_eq!(listed(&socket.until_type("event.changed").await), 0, "as everybody sees it");
    }
    write_a_draft(&served, &path, &new).await;
    for (socket, token) in &mut sockets {
        let before = socket.heard.len();
        socket.say(json!({"type": "auth", "token": made[*token]})).await;
        socket.until_type("error").await;
        served.world.settle().await;
        socket.catch_up().await;
        assert_eq!(socket.heard.len(), before + 1, "not even that there is one more");
        socket.say(json!({"type": "auth", "token": new[*token]})).await;
        assert_eq!(listed(&socket.until_type("event.changed").await), 2);
    }
}

/// A browser's `EventSource` sends no header, so a stream accepts no token that could be revoked.
#[tokio::test]
async fn no_token_opens_anything_on_a_stream() {
    let served = serve(|_| {}).await;
    let (id, token) = served.world.poll(HIDDEN).await;
    let (_, made) = event_with_a_draft(&served).await;
    served.world.call(vote(&id, 1).request()).await;
    served.world.settle().await;
    let event = made["id"].as_str().unwrap();
    for path in [format!("/polls/{id}/events"), "/events".into(), format!("/events?event={event}")]
    {
        for token in [&token, OPERATOR, made["ownerToken"].as_str().unwrap()] {
            let ask = Ask::get(&path).token(token);
            let hello = Stream::of(&served, ask).await.next().await;
            let drafts = hello["event"]["polls"].as_array().map_or(0, Vec::len);
            assert!(!shows(&hello) && drafts == 0, "{path}: {hello}");
        }
    }
}

#[tokio::test]
async fn a_wrong_token_opens_nothing_on_a_socket_and_is_told() {
    let served = serve(|_| {}).await;
    let (id, token) = served.world.poll(HIDDEN).await;
    let (other, other_token) = served.world.poll(HIDDEN).await;
    served.world.call(vote(&id, 1).request()).await;
    served.world.settle().await;
    let mut socket = served.socket(&format!("?poll={id}"), None).await;
    let cut = &token[..token.len() - 1];
    for (say, slug) in [
        (json!({"type": "auth", "token": "wrong"}), "wrong-token"),
        (json!({"type": "auth", "token": ""}), "wrong-token"),
        (json!({"type": "auth", "token": cut}), "wrong-token"),
        (json!({"type": "auth", "token": other_token}), "wrong-token"),
        (json!({"type": "auth", "token": token, "poll": other}), "wrong-token"),
        (json!({"type": "auth", "token": token, "poll": "999999"}), "no-such-poll"),
        (json!({"type": "auth"}), "rules-broken"),
        (json!({"type": "auth", "token": 7}), "rules-broken"),
    ] {
        let mut say = say;
        say["ref"] = json!({"of": slug});
        socket.say(&say).await;
        let error = socket.until_type("error").await;
        assert_eq!(error["problem"]["type"], format!("/docs/errors/{slug}"), "{say}");
        if say["token"] != 7 {
            assert_eq!(error["ref"], say["ref"], "{say}");
        }
    }
    // A wrong token that is shown before the poll is named does not open it, either.
    let mut early = served.socket("?leaderboard", None).await;
    early.say(json!({"type": "auth", "token": "wrong"})).await;
    early.say(json!({"type": "subscribe", "poll": id})).await;
    early.until_type("poll.updated").await;
    served.world.call(vote(&id, 2).request()).await;
    served.world.settle().await;
    for socket in [&mut socket, &mut early] {
        socket.catch_up().await;
        assert!(!saw_numbers(socket), "{:?}", socket.heard);
    }
    // The socket is no worse off than before.
    socket.say(json!({"type": "auth", "token": token})).await;
    tokio::time::timeout(Duration::from_secs(5), socket.until(shows)).await.unwrap();
}
