//! When as many polls are open as a server accepts, some requests are refused, and others are not.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::{Answer, Ask, OPERATOR, World};
use futures_util::future::join_all;
use pollux_server::store::memory::{Faults, StoreFaults};

const OPEN: &str = r#"{"question":"Which?","options":["a","b"]}"#;
const DRAFT: &str = r#"{"question":"Which?","options":["a","b"],"open":false}"#;

/// Starts a server with room for ten polls, and for one more that it keeps free.
async fn with_room_for_ten() -> World {
    World::with(|config| config.watch.open_polls = 10).await
}

async fn make(world: &World, body: &str) -> Answer {
    world.call(Ask::post("/api/polls", body).request()).await
}

async fn act(world: &World, (id, token): &(String, String), action: &str) -> Answer {
    world.call(Ask::post(format!("/api/polls/{id}/{action}"), "").token(token).request()).await
}

#[tokio::test(start_paused = true)]
async fn past_the_bound_new_polls_are_refused_and_those_that_are_open_go_on() {
    let world = with_room_for_ten().await;
    let draft = world.poll(DRAFT).await;
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(world.poll(OPEN).await);
    }
    let refused = make(&world, OPEN).await;
    assert_eq!(refused.status, 503, "{refused}");
    assert_eq!(refused.json()["type"], "/docs/errors/too-many-polls");
    assert_eq!(refused.header("retry-after"), "60");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("10 polls are open"), "{detail}");
    assert!(detail.contains("POLLUX_WATCH_OPEN_POLLS"), "{detail}");

    let second = world.poll(DRAFT).await;
    let vote = Ask::post(format!("/api/polls/{}/vote", open[0].0), r#"{"optionId":1}"#);
    assert_eq!(world.call(vote.request()).await.status, 202);
    assert_eq!(act(&world, &open[0], "reset").await.status, 200);

    // A draft from before can be opened, though strangers have taken all the room that there is for new
    // polls.
    let opened = act(&world, &draft, "open").await;
    assert_eq!(opened.status, 200, "{opened}");
    let refused = act(&world, &second, "open").await;
    assert_eq!(refused.status, 503, "{refused}");
    assert_eq!(refused.json()["type"], "/docs/errors/too-many-polls");
    let poll = world.call(Ask::get(format!("/api/polls/{}", second.0)).token(&second.1).request());
    assert_eq!(poll.await.json()["status"], "draft", "nothing was changed");

    // Closing or deleting a poll makes room, for one each.
    assert_eq!(act(&world, &open[1], "close").await.status, 200);
    let gone = Ask::new("DELETE", format!("/api/polls/{}", open[2].0)).token(&open[2].1);
    assert_eq!(world.call(gone.request()).await.status, 204);
    assert_eq!(world.app.hub.open_polls(), 9);
    assert_eq!(act(&world, &open[1], "reopen").await.status, 200);
    assert_eq!(make(&world, OPEN).await.status, 503, "ten are open");
    assert_eq!(act(&world, &second, "open").await.status, 200);
    assert_eq!(world.app.hub.open_polls(), 11);
}

#[tokio::test(start_paused = true)]
async fn an_event_and_its_stage_keep_to_the_bound_and_the_operator_has_what_is_kept_free() {
    let world = with_room_for_ten().await;
    let event = world.call(Ask::post("/api/events", r#"{"title":"Here"}"#).request()).await.json();
    let text = |name: &str| event[name].as_str().unwrap().to_owned();
    let (id, token) = (text("id"), text("ownerToken"));
    let add = |body: &str| {
        let ask = Ask::post(format!("/api/events/{id}/polls"), body).token(&token);
        world.call(ask.request())
    };
    let draft = add(OPEN.replace('}', r#","open":false}"#).as_str()).await.json();
    for _ in 0..10 {
        world.poll(OPEN).await;
    }
    let refused = add(&OPEN.replace('}', r#","open":true}"#)).await;
    assert_eq!(refused.status, 503, "{refused}");
    let by_operator = world.call(Ask::post("/api/polls", OPEN).token(OPERATOR).request()).await;
    assert_eq!(by_operator.status, 201, "{by_operator}");
    let step = serde_json::json!({ "poll": draft["id"] }).to_string();
    let show = Ask::post(format!("/api/events/{id}/show"), step).token(&token);
    let refused = world.call(show.request()).await;
    assert_eq!(refused.status, 503, "{refused}");
    let made = (by_operator.json()["id"].as_str().unwrap().to_owned(), OPERATOR.to_owned());
    assert_eq!(act(&world, &made, "close").await.status, 200);
    let shown = world.call(show.request()).await;
    assert_eq!(shown.status, 200, "{shown}");
}

#[tokio::test(start_paused = true)]
async fn many_at_once_find_no_more_room_than_there_is() {
    let world = with_room_for_ten().await;
    let slow = Duration::from_millis(50)..Duration::from_millis(51);
    let changes = Faults { delay: slow, ..Faults::NONE };
    world.store.set_faults(StoreFaults { changes, ..StoreFaults::NONE });
    let answers = join_all((0..40).map(|_| make(&world, OPEN))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
    assert_eq!(answers.iter().filter(|answer| answer.status == 503).count(), 30);
    assert_eq!(world.app.hub.open_polls(), 10);
    // A refused poll holds no room, and neither does one whose creation failed.
    let first = answers.iter().find(|answer| answer.status == 201).unwrap().json();
    let text = |name: &str| first[name].as_str().unwrap().to_owned();
    world.store.set_faults(StoreFaults::NONE);
    assert_eq!(act(&world, &(text("id"), text("ownerToken")), "close").await.status, 200);
    world.store.set_faults(StoreFaults {
        changes: Faults { unavailable: 1.0, ..Faults::NONE },
        ..StoreFaults::NONE
    });
    for _ in 0..3 {
        let failed = make(&world, OPEN).await;
        assert_eq!(failed.json()["type"], "/docs/errors/store-unavailable", "{failed}");
    }
    world.store.set_faults(StoreFaults::NONE);
    assert_eq!(make(&world, OPEN).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn polls_that_nobody_used_are_found_and_voted_in_as_any_other() {
    let world = World::with(|config| {
        config.watch.loaded_polls = 0;
        (config.watch.leaderboard, config.watch.overview) = (1, 1);
        config.api.guesses = 3;
    })
    .await;
    let mut polls = Vec::new();
    for _ in 0..5 {
        let made = make(&world, OPEN).await.json();
        world.ambient.advance(Duration::from_millis(1));
        polls.push(["id", "code"].map(|name| made[name].as_str().unwrap().to_owned()));
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    let shelved = |n: usize| world.app.hub.shelved(polls[n][0].parse().unwrap());
    assert_eq!([0, 1, 2, 3, 4].map(shelved), [false, true, true, true, false]);

    for n in 0..4 {
        let wrong = Ask::get(format!("/api/polls/10000{n}")).request();
        assert_eq!(world.call(wrong).await.status, if n < 3 { 404 } else { 429 });
    }
    let by_code = world.call(Ask::get(format!("/api/polls/{}", polls[1][1])).request()).await;
    assert_eq!(by_code.status, 200, "a listed code is no guess: {by_code}");
    let vote =
        Ask::post(format!("/api/polls/{}/vote?wait=counted", polls[2][0]), r#"{"optionId":1}"#);
    let counted = world.call(vote.request()).await;
    assert_eq!(counted.status, 200, "{counted}");
    assert_eq!([1, 2, 3].map(shelved), [false, false, true]);
    world.settle().await;
    let poll = world.call(Ask::get(format!("/api/polls/{}", polls[2][0])).request()).await.json();
    assert_eq!((&poll["totalVotes"], &poll["status"]), (&1.into(), &"open".into()));
    let board = world.call(Ask::get("/api/leaderboard").request()).await.json();
    assert_eq!(board["polls"][0]["pollId"], polls[2][0].as_str(), "{board}");

    // Nobody has asked for the last poll, and its closing time comes all the same.
    let made = r#"{"question":"Until?","options":["a","b"],"closesAfter":600}"#;
    let timed = make(&world, made).await.json()["id"].as_str().unwrap().to_owned();
    world.ambient.advance(Duration::from_millis(1));
    make(&world, OPEN).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(world.app.hub.shelved(timed.parse().unwrap()));
    world.ambient.advance(Duration::from_secs(600));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!world.app.hub.shelved(timed.parse().unwrap()));
    let closed = world.call(Ask::get(format!("/api/polls/{timed}")).request()).await.json();
    assert_eq!((&closed["status"], &closed["final"]), (&"closed".into(), &true.into()));
}
