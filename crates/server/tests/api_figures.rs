//! The figures are what is read beside a poll: its pulse, its course over time, its replay, its results as a
//! file, and the status of the whole pipeline, when all is well and when parts of it are away.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::{Answer, Ask, NOON, OPERATOR, World};
use pollux_core::id::{BallotId, PollId, UnixMillis};
use pollux_core::result;
use pollux_server::log::memory::LogFaults;
use pollux_server::store::memory::{Faults, StoreFaults};
use serde_json::{Value, json};
use tokio::time::Instant;

const POLL: &str = r#"{"question":"Which?","options":["a","b","=c"]}"#;
const HIDDEN: &str = r#"{"question":"Which?","options":["a","b"],"results":"hidden"}"#;

async fn get(world: &World, path: impl Into<String>) -> Answer {
    world.call(Ask::get(path).request()).await
}

/// Returns the JSON of a figure of a poll, as the public sees it.
async fn figure(world: &World, id: &str, name: &str) -> Value {
    let answer = get(world, format!("/api/polls/{id}/{name}")).await;
    assert_eq!(answer.status, 200, "{name}: {answer}");
    answer.json()
}

async fn vote(world: &World, id: &str, voter: u32, option: u8) {
    let body = json!({"optionId": option, "voterId": format!("voter {voter}")}).to_string();
    let answer = world.call(Ask::post(format!("/api/polls/{id}/vote"), body).request()).await;
    assert_eq!(answer.status, 202, "{answer}");
}

async fn owner(world: &World, id: &str, token: &str, action: &str) {
    let ask = Ask::post(format!("/api/polls/{id}/{action}"), "").token(token);
    let answer = world.call(ask.request()).await;
    assert_eq!(answer.status, 200, "{action}: {answer}");
    world.settle().await;
}

/// Lets time pass for everybody: on the clock, and for those who wait.
async fn pass(world: &World, time: Duration) {
    world.ambient.advance(time);
    tokio::time::sleep(time).await;
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_pulse_tells_how_far_votes_have_come() {
    let world = World::new().await;
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    let opened = figure(&world, &id, "pulse").await;
    assert_eq!(opened["acknowledged"], 2, "the poll was opened in both partitions: {opened}");
    assert_eq!(opened["voteToScreen"], Value::Null);
    for voter in 0..10 {
        vote(&world, &id, voter, 1).await;
    }
    world.settle().await;
    let counted = figure(&world, &id, "pulse").await;
    let numbers = |pulse: &Value| {
        ["acknowledged", "counted", "inFlight"].map(|name| pulse[name].as_u64().unwrap())
    };
    assert_eq!(numbers(&counted), [12, 12, 0]);
    let samples = counted["voteToScreen"]["samples"].as_u64().unwrap();
    assert!((1..=10).contains(&samples), "{counted}");

    let still = Faults { unavailable: 1.0, ..Faults::NONE };
    world.store.set_faults(StoreFaults { commits: still, ..StoreFaults::NONE });
    for voter in 10..15 {
        vote(&world, &id, voter, 2).await;
    }
    pass(&world, 3 * SECOND).await;
    assert_eq!(numbers(&figure(&world, &id, "pulse").await), [17, 12, 5]);
    world.store.set_faults(StoreFaults::NONE);
    world.settle().await;
    pass(&world, SECOND).await;
    let caught_up = figure(&world, &id, "pulse").await;
    assert_eq!(numbers(&caught_up), [17, 17, 0]);
    let slowest = caught_up["voteToScreen"]["p99Ms"].as_u64().unwrap();
    assert!(slowest >= 3_000, "one of them waited for the store: {caught_up}");
    assert!(caught_up["voteToScreen"]["p50Ms"].as_u64().unwrap() <= slowest);

    assert_eq!(caught_up["resultHash"], Value::Null, "not final yet");
    owner(&world, &id, &token, "close").await;
    let hash = result::hash(&result::line(id.parse().unwrap(), 1, &[10, 5, 0], 15));
    assert_eq!(figure(&world, &id, "pulse").await["resultHash"], hash);
    assert_eq!(get(&world, format!("/api/polls/{id}")).await.json()["resultHash"], hash);
    owner(&world, &id, &token, "reopen").await;
    assert_eq!(figure(&world, &id, "pulse").await["resultHash"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_takes_its_number_along_and_no_time() {
    let world = World::new().await;
    let (id, _) = world.poll(POLL).await;
    world.settle().await;
    world.fail(LogFaults { read_error: 1.0, ..LogFaults::default() });
    let began = Instant::now();
    let pulse = figure(&world, &id, "pulse").await;
    assert!(began.elapsed() <= 2 * SECOND);
    assert_eq!([&pulse["acknowledged"], &pulse["inFlight"]], [&Value::Null; 2]);
    assert_eq!(pulse["counted"], 2);
}

#[tokio::test(start_paused = true)]
async fn hidden_numbers_show_in_no_figure() {
    let world = World::new().await;
    let (id, token) = world.poll(HIDDEN).await;
    world.settle().await;
    vote(&world, &id, 1, 1).await;
    owner(&world, &id, &token, "close").await;
    let pulse = figure(&world, &id, "pulse").await;
    for name in ["acknowledged", "counted", "inFlight", "voteToScreen", "resultHash"] {
        assert_eq!(pulse[name], Value::Null, "{name}");
    }
    assert_eq!(figure(&world, &id, "trend").await["points"], Value::Null);
    let poll = get(&world, format!("/api/polls/{id}")).await.json();
    assert_eq!((&poll["resultHash"], &poll["totalVoters"]), (&Value::Null, &json!(1)));
    let replay = || get(&world, format!("/api/polls/{id}/replay"));
    assert_eq!(replay().await.status, 409);

    let own = |name: &str| {
        let ask = Ask::get(format!("/api/polls/{id}/{name}")).token(&token);
        let world = &world;
        async move { world.call(ask.request()).await.json() }
    };
    let counted = own("pulse").await["counted"].as_u64().unwrap();
    assert!(counted >= 5, "two openings, two closings, a vote: {counted}");
    assert_eq!(own("trend").await["points"].as_array().unwrap().len(), 1);
    assert_eq!(own("replay").await["voters"], 1);
    owner(&world, &id, &token, "reveal").await;
    assert_eq!(replay().await.status, 200);
    assert!(figure(&world, &id, "pulse").await["counted"].as_u64().unwrap() >= counted);
}

#[tokio::test(start_paused = true)]
async fn who_watches_is_counted_and_a_phone_is_told_from_this_machine() {
    let world =
        World::with(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let (id, _) = world.poll(POLL).await;
    let (other, _) = world.poll(POLL).await;
    world.settle().await;
    let watch = async |id: &str, from: &str| {
        let ask = Ask::get(format!("/api/polls/{id}/events")).header("x-forwarded-for", from);
        let stream = tower::ServiceExt::oneshot(world.router.clone(), ask.request());
        stream.await.unwrap()
    };
    let seen = async |id: &str| {
        let pulse = figure(&world, id, "pulse").await;
        (pulse["watchers"].as_u64().unwrap(), pulse["elsewhere"].as_bool().unwrap())
    };
    assert_eq!(seen(&id).await, (0, false));
    let here = watch(&id, "127.0.0.1").await;
    assert_eq!(seen(&id).await, (1, false));
    let phone = watch(&id, "192.0.2.7").await;
    assert_eq!(seen(&id).await, (2, true));
    drop((here, phone));
    assert_eq!(seen(&id).await, (0, true), "one has come, and that it could is what counts");
    assert_eq!(seen(&other).await, (0, false));
}

#[tokio::test(start_paused = true)]
async fn who_follows_an_event_is_counted_before_it_shows_anything() {
    let world =
        World::with(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let made = world.call(Ask::post("/api/events", r#"{"title":"Conf"}"#).request()).await.json();
    let [event, token] = ["id", "ownerToken"].map(|name| made[name].as_str().unwrap());
    let (lone, _) = world.poll(POLL).await;
    world.settle().await;
    let watch = async |query: &str, from: &str| {
        let ask = Ask::get(format!("/api/events?event={query}")).header("x-forwarded-for", from);
        let stream = tower::ServiceExt::oneshot(world.router.clone(), ask.request());
        stream.await.unwrap()
    };
    let seen = async |id: &str| {
        let pulse = get(&world, format!("/api/events/{id}/pulse")).await.json();
        (pulse["watchers"].as_u64().unwrap(), pulse["elsewhere"].as_bool().unwrap())
    };
    assert_eq!(seen(event).await, (0, false));
    let stage = watch(event, "127.0.0.1").await;
    assert_eq!(seen(event).await, (1, false));
    let phone = watch(made["code"].as_str().unwrap(), "192.0.2.7").await;
    assert_eq!(seen(event).await, (2, true));
    // The viewers are taken along to the poll that is shown, and counted there as well.
    let ask = Ask::post(format!("/api/events/{event}/polls"), POLL).token(token);
    let poll = world.call(ask.request()).await.json()["id"].as_str().unwrap().to_owned();
    let show = Ask::post(format!("/api/events/{event}/show"), json!({"poll": poll}).to_string());
    assert_eq!(world.call(show.token(token).request()).await.status, 200);
    world.settle().await;
    let pulse = figure(&world, &poll, "pulse").await;
    assert_eq!([&pulse["watchers"], &pulse["elsewhere"]], [&json!(2), &json!(true)]);
    drop((stage, phone));
    assert_eq!(seen(event).await, (0, true));
    let alone = watch(&lone, "192.0.2.7").await;
    assert_eq!(seen(&lone).await, (1, true));
    drop(alone);
    // The event's owner is told the status of everything; its stage token is not.
    let status = Ask::get(format!("/api/status?poll={event}"));
    let owners = world.call(status.clone().token(token).request()).await;
    assert!(owners.json()["log"].is_object(), "{owners}");
    let stage = status.token(made["stageToken"].as_str().unwrap());
    assert_eq!(world.call(stage.request()).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn the_trend_is_how_a_poll_came_to_its_numbers() {
    let world = World::new().await;
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    for voter in 0..5 {
        pass(&world, 10 * SECOND).await;
        vote(&world, &id, voter, 1 + (voter % 2) as u8).await;
        world.settle().await;
    }
    let trend = figure(&world, &id, "trend").await;
    assert_eq!(trend["stepMs"], 1_000);
    let points = trend["points"].as_array().unwrap();
    let shown: Vec<_> = points.iter().map(|point| (&point["voters"], &point["votes"])).collect();
    let expected = [
        (json!(0), json!([0, 0, 0])),
        (json!(1), json!([1, 0, 0])),
        (json!(2), json!([1, 1, 0])),
        (json!(3), json!([2, 1, 0])),
        (json!(4), json!([2, 2, 0])),
        (json!(5), json!([3, 2, 0])),
    ];
    assert_eq!(shown, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
    assert_eq!(points[1]["at"], "2026-11-21T12:00:10.000Z");
    assert_eq!(points[5]["at"], "2026-11-21T12:00:50.000Z");
    owner(&world, &id, &token, "reset").await;
    let trend = figure(&world, &id, "trend").await;
    assert_eq!(trend["points"].as_array().unwrap().len(), 1, "a round begins at zero: {trend}");
    assert_eq!(trend["points"][0]["voters"], 0);
}

/// Casts a vote with everything in it: retries, changes of mind, late ballots, a round before.
async fn a_lively_vote(world: &World) -> (String, String) {
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    for voter in 0..20 {
        vote(world, &id, voter, 3).await;
    }
    owner(world, &id, &token, "reset").await;
    pass(world, 100 * SECOND).await;
    for voter in 0..40 {
        vote(world, &id, voter, 1).await;
        pass(world, SECOND).await;
    }
    pass(world, 60 * SECOND).await;
    for voter in 0..10 {
        // These voters change their minds, and each ballot is sent twice.
        let ballot = BallotId::new(UnixMillis(NOON + 210_000), [voter as u8; 10]);
        for _ in 0..2 {
            let body = json!({"optionId": 2, "voterId": format!("voter {voter}"),
                "ballotId": ballot.to_string()});
            let ask = Ask::post(format!("/api/polls/{id}/vote"), body.to_string());
            assert_eq!(world.call(ask.request()).await.status, 202);
        }
    }
    pass(world, 100 * SECOND).await;
    owner(world, &id, &token, "close").await;
    (id, token)
}

fn votes(frame: &Value) -> Vec<u64> {
    frame["votes"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_replay_goes_from_the_first_vote_to_the_final_result() {
    let world = World::new().await;
    let (id, _) = a_lively_vote(&world).await;
    // Others vote in another poll, and none of it is in this poll's replay.
    let (other, _) = world.poll(POLL).await;
    vote(&world, &other, 1, 3).await;
    let poll = get(&world, format!("/api/polls/{id}")).await.json();
    let replay = figure(&world, &id, "replay").await;
    let frames = replay["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 200);
    assert_eq!(votes(&frames[199]), [30, 10, 0]);
    let shown: Vec<_> = poll["options"].as_array().unwrap().iter().map(|o| &o["votes"]).collect();
    assert_eq!(json!(votes(&frames[199])), json!(shown));
    assert_eq!(replay["voters"], poll["totalVoters"]);
    assert_eq!(replay["from"], frames[0]["at"]);
    assert_eq!(replay["to"], frames[199]["at"]);
    assert_eq!(replay["to"], poll["closedAt"]);
    assert_eq!(replay["from"], "2026-11-21T12:01:40.000Z", "not the round before");
    // There are 300 seconds in 199 steps: a vote a second, then a pause, then ten changes of mind.
    let total = |frame: &Value| votes(frame).iter().sum::<u64>();
    for (i, frame) in frames.iter().enumerate() {
        let second = 200 * i as u64 / 199;
        assert_eq!(total(frame), (second + 1).min(40), "frame {i}");
        assert_eq!(votes(frame)[1], if second >= 100 { 10 } else { 0 }, "frame {i}");
    }
    assert!(frames.is_sorted_by_key(|frame| frame["at"].as_str().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_read_once_and_kept() {
    let world = World::with(|config| config.api.replays = 1).await;
    let (id, token) = a_lively_vote(&world).await;
    world.fail(LogFaults { read_error: 1.0, ..LogFaults::default() });
    let replay = || get(&world, format!("/api/polls/{id}/replay"));
    let failed = replay().await;
    assert_eq!((failed.status.as_u16(), failed.header("retry-after")), (503, "1"), "{failed}");
    world.fail(LogFaults::default());
    pass(&world, SECOND).await;
    let made = replay().await;
    assert_eq!(made.status, 200);
    world.fail(LogFaults { read_error: 1.0, ..LogFaults::default() });
    pass(&world, 3600 * SECOND).await;
    assert_eq!(replay().await.body, made.body, "kept");
    world.fail(LogFaults::default());
    // Another phase may end with another result, and its replay replaces the one that was kept.
    owner(&world, &id, &token, "reopen").await;
    assert_eq!(replay().await.status, 409);
    vote(&world, &id, 77, 3).await;
    owner(&world, &id, &token, "close").await;
    assert_eq!(votes(&replay().await.json()["frames"][199]), [30, 10, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_without_votes_is_one_frame_and_a_long_one_none() {
    let world = World::with(|config| config.api.replay_records = 10).await;
    let (id, token) = world.poll(POLL).await;
    let early = get(&world, format!("/api/polls/{id}/replay")).await;
    assert_eq!(early.json()["detail"], "a poll is replayed once it is closed");
    owner(&world, &id, &token, "close").await;
    let replay = figure(&world, &id, "replay").await;
    assert_eq!(replay["frames"].as_array().unwrap().len(), 1);
    assert_eq!(votes(&replay["frames"][0]), [0, 0, 0]);
    owner(&world, &id, &token, "reopen").await;
    for voter in 0..5 {
        vote(&world, &id, voter, 1).await;
    }
    owner(&world, &id, &token, "close").await;
    let long = get(&world, format!("/api/polls/{id}/replay")).await;
    assert_eq!(long.status, 409);
    let detail = long.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("more than 10 records"), "{detail}");
    assert!(detail.contains("POLLUX_API_REPLAY_RECORDS"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn results_are_saved_by_their_owner() {
    let world = World::new().await;
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    for voter in 0..3 {
        vote(&world, &id, voter, if voter == 0 { 1 } else { 3 }).await;
    }
    world.settle().await;
    let path = format!("/api/polls/{id}/export");
    assert_eq!(get(&world, &path).await.status, 401);
    assert_eq!(world.call(Ask::get(&path).token("x").request()).await.status, 403);
    let own = |query: &str| {
        let ask = Ask::get(format!("{path}{query}")).token(&token);
        let world = &world;
        async move { world.call(ask.request()).await }
    };
    let sheet = own("").await;
    let code = get(&world, format!("/api/polls/{id}")).await.json()["code"].clone();
    let code = code.as_str().unwrap();
    assert_eq!(sheet.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        sheet.header("content-disposition"),
        format!("attachment; filename=\"pollux-{code}.csv\"")
    );
    assert_eq!(
        String::from_utf8(sheet.body.clone()).unwrap(),
        format!(
            "pollId,code,question,status,final,round,optionId,option,votes,share,totalVotes,totalVoters\n\
             {id},{code},Which?,open,false,1,1,a,1,0.3333,3,3\n\
             {id},{code},Which?,open,false,1,2,b,0,0,3,3\n\
             {id},{code},Which?,open,false,1,3,'=c,2,0.6667,3,3\n"
        )
    );
    assert_eq!(own("?format=csv").await.body, sheet.body);
    let saved = own("?format=json").await;
    assert!(saved.header("content-disposition").ends_with(".json\""));
    let saved = saved.json();
    assert_eq!(saved["poll"]["totalVoters"], 3);
    assert_eq!(
        saved["results"][2],
        json!({"optionId": 3, "option": "=c", "votes": 2, "share": 0.6667})
    );
    assert_eq!(own("?format=xls").await.status, 400);
    let (hidden, token) = world.poll(HIDDEN).await;
    let ask = Ask::get(format!("/api/polls/{hidden}/export")).token(&token);
    assert!(String::from_utf8(world.call(ask.request()).await.body).unwrap().contains(",a,0,0,"));
}

#[tokio::test(start_paused = true)]
async fn the_operator_lists_every_poll() {
    let world = World::new().await;
    let (listed, _) = world.poll(POLL).await;
    pass(&world, SECOND).await;
    let (unlisted, token) = world
        .poll(r#"{"question":"?","options":["a","b"],"listed":false,"results":"hidden"}"#)
        .await;
    pass(&world, SECOND).await;
    let (draft, _) = world.poll(r#"{"question":"?","options":["a","b"],"open":false}"#).await;
    let (deleted, gone) = world.poll(POLL).await;
    let delete = Ask::new("DELETE", format!("/api/polls/{deleted}")).token(&gone);
    assert_eq!(world.call(delete.request()).await.status, 204);
    let ids = |answer: &Answer| -> Vec<String> {
        let polls = answer.json()["polls"].as_array().unwrap().clone();
        polls.iter().map(|poll| poll["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&get(&world, "/api/polls").await), [&*listed]);
    assert_eq!(ids(&get(&world, "/api/polls?all=false").await), [&*listed]);
    let all = |token: &str, query: &str| {
        let ask = Ask::get(format!("/api/polls?all=true{query}")).token(token);
        let world = &world;
        async move { world.call(ask.request()).await }
    };
    let everything = all(OPERATOR, "").await;
    assert_eq!(ids(&everything), [draft.clone(), unlisted.clone(), listed.clone()]);
    assert_eq!(everything.json()["polls"][1]["totalVoters"], 0, "with all numbers");
    assert_eq!(all(&token, "").await.status, 403);
    assert_eq!(get(&world, "/api/polls?all=true").await.status, 401);
    assert_eq!(all(OPERATOR, "&status=draft").await.status, 200);
    assert_eq!(ids(&all(OPERATOR, "&status=draft").await), [&*draft]);
    assert_eq!(get(&world, "/api/polls?status=draft").await.status, 400);
    // The operator lists page by page, whatever was deleted in between.
    let (mut found, mut query) = (Vec::new(), "&limit=1".to_owned());
    loop {
        let page = all(OPERATOR, &query).await;
        found.extend(ids(&page));
        match page.json()["nextCursor"].as_str() {
            Some(cursor) => query = format!("&limit=1&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, [draft, unlisted, listed]);
}

#[tokio::test(start_paused = true)]
async fn the_status_is_the_organisers() {
    let world = World::new().await;
    world.app.processor.set(processor(&world)).ok().unwrap();
    let (id, token) = world.poll(POLL).await;
    vote(&world, &id, 1, 1).await;
    world.settle().await;
    let status = get(&world, "/api/status").await.json();
    assert_eq!(status["mode"], "embedded");
    assert_eq!(status["ready"], true);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    for name in ["startedAt", "node", "watchers", "log", "processors", "store", "lastCommitAt"] {
        assert_eq!(status[name], Value::Null, "{name} is not everybody's");
    }
    let ask = |token: &str, query: &str| {
        let ask = Ask::get(format!("/api/status{query}")).token(token);
        let world = &world;
        async move { world.call(ask.request()).await }
    };
    assert_eq!(ask("x", "").await.status, 403);
    assert_eq!(ask(&token, "").await.status, 403, "of which poll?");
    assert_eq!(ask("x", &format!("?poll={id}")).await.status, 403);
    let owners = ask(&token, &format!("?poll={id}")).await.json();
    let status = ask(OPERATOR, "").await.json();
    assert_eq!(owners, status);
    assert_eq!(status["startedAt"], "2026-11-21T12:00:00.000Z");
    assert_eq!(status["lastCommitAt"], "2026-11-21T12:00:00.000Z");
    assert_eq!(status["node"], "localhost:5000");
    assert_eq!(
        status["log"],
        json!({"ok": true, "detail": null, "weakness": null, "partitions": 2, "end": 3, "counted": 3, "lag": 0,
            "lagSeconds": 0})
    );
    assert_eq!(status["store"], json!({"ok": true, "detail": null}));
    assert_eq!(status["processors"], json!({"here": 0, "partitions": 2, "troubles": []}));
}

/// Returns a processor that only reports; the world's own does the work.
fn processor(world: &World) -> pollux_server::processor::Processor {
    let app = &world.app;
    let limits = app.config.processor.clone();
    pollux_server::processor::Processor::new(
        app.log.clone(),
        app.store.clone(),
        app.ambient.clone(),
        limits,
    )
}

#[tokio::test(start_paused = true)]
async fn the_status_is_told_in_time_whatever_is_away() {
    let world = World::new().await;
    let (id, token) = world.poll(POLL).await;
    world.settle().await;
    let status = async |token: &str, query: &str| {
        let began = Instant::now();
        let ask = Ask::get(format!("/api/status{query}")).token(token);
        let answer = world.call(ask.request()).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert!(began.elapsed() <= 3 * SECOND, "{:?}", began.elapsed());
        answer.json()
    };
    // The store is first slower than anybody waits for, and then it refuses.
    let slow = Faults { delay: 60 * SECOND..61 * SECOND, ..Faults::NONE };
    let refused = Faults { unavailable: 1.0, ..Faults::NONE };
    for reads in [slow, refused] {
        world.store.set_faults(StoreFaults { reads, ..StoreFaults::NONE });
        // By now, whatever was asked before has been given up.
        pass(&world, 10 * SECOND).await;
        let status = status(&token, &format!("?poll={id}")).await;
        assert_eq!(status["store"]["ok"], false, "{status}");
        let detail = status["store"]["detail"].as_str().unwrap();
        assert!(detail.starts_with("The data folder cannot be used: votes in polls"), "{detail}");
        assert_eq!(status["log"]["ok"], true);
        assert_eq!([&status["log"]["end"], &status["log"]["counted"]], [&json!(2), &json!(2)]);
        // Nobody can look up whose poll it is, so the answer is what everybody may know.
        let unknown = PollId::new(UnixMillis(1), [1; 10]);
        let brief = status_of(&world, &token, &format!("?poll={unknown}")).await;
        assert_eq!([&brief["ready"], &brief["log"]], [&json!(true), &Value::Null]);
    }
    vote(&world, &id, 1, 1).await;
    pass(&world, 2 * SECOND).await;
    let behind = status(OPERATOR, "").await;
    assert_eq!(behind["log"]["lag"], 1, "{behind}");
    pass(&world, 10 * SECOND).await;
    let behind = status(OPERATOR, "").await;
    let waiting = behind["log"]["lagSeconds"].as_u64().unwrap();
    assert!((10..13).contains(&waiting), "as long as this test has looked: {behind}");

    world.store.set_faults(StoreFaults::NONE);
    world.fail(LogFaults { read_error: 1.0, ..LogFaults::default() });
    pass(&world, 2 * SECOND).await;
    let status = status(OPERATOR, "").await;
    assert_eq!(status["log"]["ok"], false);
    let detail = status["log"]["detail"].as_str().unwrap();
    assert!(detail.contains("votes are refused until it can be"), "{detail}");
    assert_eq!([&status["log"]["end"], &status["log"]["lag"]], [&Value::Null; 2]);
    assert_eq!(status["store"]["ok"], true);
}

async fn status_of(world: &World, token: &str, query: &str) -> Value {
    let began = Instant::now();
    let answer = world.call(Ask::get(format!("/api/status{query}")).token(token).request()).await;
    assert!(began.elapsed() <= 3 * SECOND);
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()
}

#[tokio::test(start_paused = true)]
async fn the_address_is_what_phones_open() {
    let world = World::new().await;
    let address = get(&world, "/api/address").await.json();
    let good =
        json!({"url": "http://polls.example", "phonesCanOpen": true, "why": null, "fix": null});
    assert_eq!(address, good);
    let world = World::with(|config| config.public_url = None).await;
    let address = get(&world, "/api/address").await.json();
    assert_eq!(address["url"], "http://localhost:5000");
    assert_eq!(address["phonesCanOpen"], false);
    let fix = address["fix"].as_str().unwrap();
    assert!(fix.contains("POLLUX_HOST=0.0.0.0"), "{address}");
    assert_eq!(get(&world, "/").await.json()["publicUrl"], "http://localhost:5000");
}
