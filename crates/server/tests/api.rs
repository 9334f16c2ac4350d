//! Every answer of the HTTP side, good and bad, is held to its snapshot.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::{Ask, OPERATOR, World};
use pollux_core::id::partition_of;
use pollux_core::record::ballot_key;
use pollux_server::api::access::client::Peer;
use pollux_server::log::NewRecord;
use pollux_server::log::memory::LogFaults;
use serde_json::json;

const CLASSIC: &str =
    r#"{"question":"What is your favorite language?","options":["JavaScript","Python"]}"#;

/// Returns a ballot id of this many milliseconds after noon.
fn ballot(millis: u64, n: u8) -> String {
    let at = pollux_core::id::UnixMillis(api_support::NOON + millis);
    pollux_core::id::BallotId::new(at, [n; 10]).to_string()
}

fn vote(id: &str) -> String {
    format!("/api/polls/{id}/vote")
}

#[tokio::test(start_paused = true)]
async fn the_classic_lines_of_every_tutorial() {
    let world = World::new().await;
    let made = world.tell(Ask::post("/api/polls", CLASSIC)).await.json();
    let id = made["id"].as_str().unwrap();
    world.settle().await;
    let first = world.tell(Ask::post(vote(id), r#"{"option":"JavaScript"}"#)).await;
    let again = Ask::post(vote(id), r#"{"option":" Python "}"#);
    world.tell(again.header("cookie", first.cookie().unwrap())).await;
    world.tell(Ask::post(vote(id), r#"{"optionId":2,"voterId":"ada"}"#)).await;
    world.settle().await;
    world.tell(Ask::get(format!("/polls/{id}"))).await;
    world.tell(Ask::get("/leaderboard")).await;
    world.tell(Ask::get("/polls")).await;
    world.tell(Ask::get("/")).await;
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_poll_from_draft_to_deleted() {
    let world = World::new().await;
    let body = r#"{"question":"Which?","options":["a","b","c"],"maxChoices":2,"results":"hidden",
        "revote":"refuse","listed":false,"closesAt":"2026-11-21T13:00:00Z","open":false}"#;
    let made = world.tell(Ask::post("/api/polls", body)).await.json();
    let (id, token) = (made["id"].as_str().unwrap(), made["ownerToken"].as_str().unwrap());
    let path = format!("/api/polls/{id}");
    let own = |ask: Ask| world.tell(ask.token(token));
    world.tell(Ask::get(&path)).await;
    world.tell(Ask::post(vote(id), r#"{"option":"a"}"#)).await;
    own(Ask::get(&path)).await;
    let patch = r#"{"question":"Which one?","closesAt":null,"results":"live"}"#;
    own(Ask::new("PATCH", &path).json(patch)).await;
    own(Ask::post(format!("{path}/close"), "")).await;
    own(Ask::post(format!("{path}/open"), "")).await;
    own(Ask::post(format!("{path}/open"), "")).await;
    own(Ask::new("PATCH", &path).json(patch)).await;
    world.tell(Ask::post(vote(id), r#"{"options":["a","c"],"voterId":"ada"}"#)).await;
    world.settle().await;
    own(Ask::post(format!("{path}/close"), "")).await;
    world.settle().await;
    own(Ask::post(format!("{path}/close"), "")).await;
    world.tell(Ask::post(vote(id), r#"{"option":"a"}"#)).await;
    own(Ask::post(format!("{path}/reopen"), "")).await;
    world.settle().await;
    own(Ask::post(format!("{path}/reset"), "")).await;
    world.settle().await;
    own(Ask::get(&path)).await;
    own(Ask::new("DELETE", &path)).await;
    own(Ask::get(&path)).await;
    world.tell(Ask::post(vote(id), r#"{"option":"a"}"#)).await;
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_change_is_made_in_the_phase_it_is_meant_for_or_not_at_all() {
    let world = World::new().await;
    let (id, token) = world.poll(CLASSIC).await;
    let path = format!("/api/polls/{id}");
    let own = |ask: Ask| world.call(ask.token(&token).request());
    let act = |name: &str, phase: &str| own(Ask::post(format!("{path}/{name}?phase={phase}"), ""));
    let read = || async { world.call(Ask::get(&path).request()).await.json() };
    assert_eq!(read().await["phase"], 1, "everybody has seen it open");
    // Two organisers press one button: there is one new round, and one of them is told that the poll has
    // changed.
    let (first, second) = tokio::join!(act("reset", "1"), act("reset", "1"));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{first}{second}");
    let told = if first.status == 409 { first } else { second };
    assert_eq!(told.json()["type"], "/docs/errors/changed-meanwhile", "{told}");
    assert_eq!((&read().await["round"], &read().await["phase"]), (&json!(2), &json!(2)));
    for name in ["open", "close", "reopen", "reveal", "reset"] {
        let stale = act(name, "1").await;
        assert_eq!(stale.json()["type"], "/docs/errors/changed-meanwhile", "{name}: {stale}");
    }
    let stale = own(Ask::new("DELETE", format!("{path}?phase=1"))).await;
    assert_eq!(stale.status, 409, "{stale}");
    let now = read().await;
    assert_eq!(
        (&now["status"], &now["round"], &now["phase"]),
        (&json!("open"), &json!(2), &json!(2))
    );
    for wrong in ["x", "-1", "+2", "4294967296", "2&phase=2"] {
        assert_eq!(act("close", wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(act("close", "2").await.json()["phase"], 3);
    // A request that names no phase means the poll as it is.
    assert_eq!(own(Ask::post(format!("{path}/reopen"), "")).await.json()["phase"], 4);
    assert_eq!(own(Ask::new("DELETE", format!("{path}?phase=4"))).await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn a_ballot_that_waited_through_a_reset_does_not_count_in_the_round_it_was_not_wished_of() {
    let world = World::new().await;
    let (id, token) = world.poll(CLASSIC).await;
    world.settle().await;
    let cast = |n: u8, round: u32| {
        let ballot = ballot(u64::from(n), n);
        let body = json!({"optionId": 1, "ballotId": ballot, "voterId": "ada", "round": round});
        let path = format!("{}?wait=counted", vote(&id));
        world.call(Ask::post(path, body.to_string()).request())
    };
    assert_eq!(cast(1, 1).await.json()["status"], "counted");
    world.call(Ask::post(format!("/api/polls/{id}/reset"), "").token(&token).request()).await;
    world.settle().await;
    let late = cast(2, 1).await;
    assert_eq!(
        (late.status.as_u16(), &late.json()["type"]),
        (409, &json!("/docs/errors/poll-not-open"))
    );
    // The answer about the round before, if it was lost, can still be had.
    assert_eq!(cast(1, 1).await.json()["status"], "counted");
    let read = || async { world.call(Ask::get(format!("/polls/{id}")).request()).await.json() };
    assert_eq!(read().await["totalVoters"], 0);
    assert_eq!(cast(3, 2).await.json()["status"], "counted");
    // A node that has not heard of a round yet accepts a ballot for it.
    assert_eq!(cast(4, 3).await.status, 200);
    assert_eq!(read().await["totalVoters"], 1);
}

#[tokio::test(start_paused = true)]
async fn records_that_say_nothing_of_the_phase_count_once_the_poll_is_open() {
    let world = World::new().await;
    let (id, _) = world.poll(CLASSIC).await;
    // A tutorial's client writes such records. Only the control record tells that the poll is open.
    for n in 0..20_u8 {
        let voter = pollux_core::id::VoterId([n; 16]);
        let key = ballot_key(id.parse().unwrap(), voter);
        let value = format!(
            r#"{{"v":1,"type":"ballot","pollId":"{id}","voter":"{voter}","ballotId":"{}","optionIds":[2]}}"#,
            ballot(0, n)
        );
        let partition = partition_of(key.as_bytes(), world.app.log.partitions());
        let record = NewRecord { key: key.into(), value: value.into() };
        world.app.log.append(partition, record).await.unwrap();
    }
    world.settle().await;
    let poll = world.call(Ask::get(format!("/polls/{id}")).request()).await.json();
    assert_eq!(poll["options"][1]["votes"], 20, "{poll}");
}

#[tokio::test(start_paused = true)]
async fn a_poll_closes_at_its_time() {
    let world = World::new().await;
    let at_one = r#"{"question":"Which?","options":["a","b"],"closesAt":"2026-11-21T13:00:00Z"}"#;
    let (id, _) = world.poll(at_one).await;
    let cast = || world.call(Ask::post(vote(&id), r#"{"optionId":1}"#).request());
    assert_eq!(cast().await.status, 202);
    world.ambient.advance(Duration::from_secs(3600));
    assert_eq!(cast().await.status, 409, "at once, whoever closes it");
    // Housekeeping closes the poll without being asked.
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.settle().await;
    let poll = world.call(Ask::get(format!("/polls/{id}")).request()).await.json();
    assert_eq!((&poll["status"], &poll["final"]), (&json!("closed"), &json!(true)), "{poll}");
    assert_eq!((&poll["totalVotes"], &poll["closedAt"]), (&json!(1), &poll["closesAt"]));
}

#[tokio::test(start_paused = true)]
async fn what_became_of_a_ballot() {
    let world = World::new().await;
    let (id, token) = world.poll(CLASSIC).await;
    world.settle().await;
    let cast = |ballot: &str, voter: &str| {
        format!(r#"{{"optionId":1,"ballotId":"{ballot}","voterId":"{voter}"}}"#)
    };
    let (one, two, three) = (ballot(1, 1), ballot(2, 2), ballot(3, 3));
    let waited = format!("{}?wait=counted", vote(&id));
    world.tell(Ask::post(&waited, cast(&two, "ada"))).await;
    world.tell(Ask::post(&waited, cast(&two, "ada"))).await;
    world.tell(Ask::post(&waited, cast(&one, "ada"))).await;
    world.tell(Ask::post(&waited, cast(&three, "ada"))).await;
    for ballot in [&one, &two, &three] {
        world.tell(Ask::get(format!("/api/polls/{id}/ballots/{ballot}?voterId=ada"))).await;
    }
    world.tell(Ask::get(format!("/api/polls/{id}/ballots/{one}?voterId=bob"))).await;
    world.tell(Ask::get(format!("/api/polls/{id}/ballots/{one}?voterId=ada&at=0"))).await;
    world.tell(Ask::get(format!("/api/polls/{id}/ballots/nonsense"))).await;
    // A first vote without a cookie can be asked about with the ballot id alone.
    let first = world.tell(Ask::post(vote(&id), r#"{"option":"Python"}"#)).await;
    world.settle().await;
    world.tell(Ask::get(first.header("location"))).await;
    // A retry after the close is told what was decided while the poll was open.
    let close = Ask::post(format!("/api/polls/{id}/close"), "").token(&token);
    world.call(close.request()).await;
    world.settle().await;
    world.tell(Ask::post(vote(&id), cast(&three, "ada"))).await;
    world.tell(Ask::post(vote(&id), cast(&ballot(4, 4), "ada"))).await;
    world.tell(Ask::post(vote(&id), r#"{"optionId":1}"#)).await;
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn creation_can_be_repeated_under_a_key() {
    let world = World::new().await;
    let create =
        |key: &str, body: &str| Ask::post("/api/polls", body).header("idempotency-key", key);
    let first = world.tell(create("0123456789abcdef", CLASSIC)).await.json();
    let again = world.tell(create("0123456789abcdef", CLASSIC)).await.json();
    assert_eq!(first["id"], again["id"]);
    assert_eq!(first["ownerToken"], again["ownerToken"]);
    let other = r#"{"question":"Another?","options":["a","b"]}"#;
    world.tell(create("0123456789abcdef", other)).await;
    world.tell(create("short", CLASSIC)).await;
    // After the operator has issued a new token, the first one is not given out any more.
    let id = first["id"].as_str().unwrap();
    let reissue = Ask::post(format!("/api/polls/{id}/token"), "");
    world.tell(reissue.clone()).await;
    world.tell(reissue.clone().token(first["ownerToken"].as_str().unwrap())).await;
    let token = world.tell(reissue.token(OPERATOR)).await.json();
    let again = world.call(create("0123456789abcdef", CLASSIC).request()).await.json();
    assert_eq!(again.get("ownerToken"), None);
    let path = format!("/api/polls/{id}/close");
    world.tell(Ask::post(&path, "").token(first["ownerToken"].as_str().unwrap())).await;
    let close = Ask::post(&path, "").token(token["ownerToken"].as_str().unwrap());
    assert_eq!(world.call(close.request()).await.status, 200);
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn lists_go_page_by_page() {
    let world = World::new().await;
    for n in 0..5 {
        world.ambient.advance(Duration::from_secs(1));
        let listed = n != 2;
        let body = format!(r#"{{"question":"{n}?","options":["a","b"],"listed":{listed}}}"#);
        let (id, token) = world.poll(&body).await;
        if n == 1 {
            let close = Ask::post(format!("/api/polls/{id}/close"), "").token(&token);
            world.call(close.request()).await;
        }
    }
    let mut questions = Vec::new();
    let mut cursor = String::new();
    loop {
        let page =
            world.call(Ask::get(format!("/api/polls?limit=2{cursor}")).request()).await.json();
        let polls = page["polls"].as_array().unwrap();
        assert!(polls.len() <= 2);
        questions.extend(polls.iter().map(|p| p["question"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(questions, ["4?", "3?", "1?", "0?"]);
    for (status, count) in [("open", 3), ("closed", 1)] {
        let list = Ask::get(format!("/polls?status={status}"));
        let page = world.call(list.request()).await.json();
        assert_eq!(page["polls"].as_array().unwrap().len(), count, "{status}");
    }
    for query in [
        "status=draft",
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=x",
        "limit=1&limit=2",
        "cursor=%ff",
        "cursor=%",
    ] {
        world.tell(Ask::get(format!("/api/polls?{query}"))).await;
    }
    world.tell(Ask::get("/api/leaderboard?limit=101")).await;
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn bad_polls_are_told_what_is_wrong() {
    let world = World::new().await;
    let many = (0..101).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(",");
    for body in [
        r#"{}"#.to_owned(),
        r#"[]"#.into(),
        r#""text""#.into(),
        r#"{"question":"","options":["a"]}"#.into(),
        r#"{"question":5,"options":"a"}"#.into(),
        r#"{"question":"q","options":["a",2,null]}"#.into(),
        r#"{"question":"q","options":["a"," a "]}"#.into(),
        r#"{"question":"q\u0000","options":["a","b\u0007"]}"#.into(),
        format!(r#"{{"question":"q","options":[{many}]}}"#),
        format!(r#"{{"question":"{}","options":["a","{}"]}}"#, "q".repeat(501), "b".repeat(201)),
        r#"{"question":"q","options":["a","b"],"kind":"some","revote":1,"results":"x","listed":"yes","voterIds":0,"open":"no"}"#.into(),
        r#"{"question":"q","options":["a","b"],"kind":"single","maxChoices":2}"#.into(),
        r#"{"question":"q","options":["a","b"],"maxChoices":3}"#.into(),
        r#"{"question":"q","options":["a","b"],"maxChoices":-1}"#.into(),
        r#"{"question":"q","options":["a","b"],"closesAt":"2020-01-01T00:00:00Z"}"#.into(),
        r#"{"question":"q","options":["a","b"],"closesAt":"tomorrow"}"#.into(),
        r#"{"question":"q","options":["a","b"],"surprise":1,"a/b~c":2}"#.into(),
    ] {
        let answer = world.tell(Ask::post("/api/polls", body)).await;
        assert_eq!(answer.status, 422);
    }
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn bad_votes_are_told_what_is_wrong() {
    let world = World::new().await;
    let (id, _) = world.poll(CLASSIC).await;
    let ahead = ballot(61_000, 1);
    for body in [
        r#"{}"#.to_owned(),
        r#"["JavaScript",null,null,null,null,null]"#.into(),
        r#"{"option":"JavaScript","optionId":1}"#.into(),
        r#"{"option":"Rust"}"#.into(),
        r#"{"option":"javascript"}"#.into(),
        r#"{"option":7}"#.into(),
        r#"{"optionId":0}"#.into(),
        r#"{"optionId":3}"#.into(),
        r#"{"optionId":300}"#.into(),
        r#"{"optionId":-1}"#.into(),
        r#"{"optionId":1.5}"#.into(),
        r#"{"optionId":"1"}"#.into(),
        r#"{"optionId":123456789012345678901234567890}"#.into(),
        r#"{"options":[]}"#.into(),
        r#"{"options":["JavaScript","Python"]}"#.into(),
        r#"{"options":"JavaScript"}"#.into(),
        r#"{"optionIds":[1,"2"]}"#.into(),
        r#"{"optionIds":[1,9]}"#.into(),
        r#"{"optionId":1,"ballotId":"x"}"#.into(),
        r#"{"optionId":1,"ballotId":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}"#.into(),
        format!(r#"{{"optionId":1,"ballotId":"{ahead}"}}"#),
        format!(r#"{{"optionId":1,"voterId":"{}"}}"#, "é".repeat(65)),
        r#"{"optionId":1,"voterId":""}"#.into(),
        r#"{"optionId":1,"voterId":"a\u0000b"}"#.into(),
        r#"{"optionId":1,"pollId":"x"}"#.into(),
        r#"{"optionId":1,"optionId":2}"#.into(),
    ] {
        let answer = world.tell(Ask::post(vote(&id), body)).await;
        assert_eq!(answer.status, 422, "{answer}");
    }
    let (strict, _) = world.poll(r#"{"question":"q","options":["a","b"],"voterIds":false}"#).await;
    world.tell(Ask::post(vote(&strict), r#"{"optionId":1,"voterId":"ada"}"#)).await;
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn bad_requests_of_every_kind() {
    let world = World::new().await;
    let (id, token) = world.poll(CLASSIC).await;
    let path = format!("/api/polls/{id}");
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let mut binary = br#"{"option":""#.to_vec();
    binary.extend_from_slice(&[0xff, 0xfe]);
    binary.extend_from_slice(br#""}"#);
    for ask in [
        Ask::post(vote(&id), ""),
        Ask::post(vote(&id), "{"),
        Ask::post(vote(&id), "{\"optionId\":1} x"),
        Ask::post(vote(&id), "{'optionId':1}"),
        Ask::post(vote(&id), deep),
        Ask::post(vote(&id), binary),
        Ask::post(vote(&id), "{\"option\":\"\0\"}"),
        Ask::post(vote(&id), " ".repeat(16 * 1024 + 1)),
        Ask::new("POST", vote(&id)).body(r#"{"optionId":1}"#),
        Ask::new("POST", vote(&id)).body("optionId=1").header("content-type", "text/plain"),
        Ask::post(format!("{}?wait=forever", vote(&id)), r#"{"optionId":1}"#),
        Ask::post(vote(unknown), r#"{"optionId":1}"#),
        Ask::post(vote("999999"), r#"{"optionId":1}"#),
        Ask::post(vote("%ff"), r#"{"optionId":1}"#),
        Ask::get("/api/polls/nonsense"),
        Ask::get("/api/nothing/here"),
        Ask::get("/api/polls/"),
        Ask::new("PUT", &path),
        Ask::new("GET", vote(&id)),
        Ask::new("OPTIONS", &path),
        Ask::new("HEAD", &path),
        Ask::new("TRACE", &path),
        Ask::new("PATCH", &path).json("{}"),
        Ask::new("PATCH", &path).json("{}").token("wrong"),
        Ask::new("PATCH", &path).json("{}").header("authorization", "Basic YTpi"),
        Ask::new("PATCH", &path).json("{").token(&token),
        Ask::new("PATCH", &path).json(r#"{"open":true}"#).token(&token),
        Ask::new("DELETE", &path),
        Ask::post(format!("{path}/reopen"), "").token("wrong"),
        Ask::get("/ws"),
        Ask::get(format!("/api/events?poll={unknown}")),
        Ask::get("/api/events?poll=%zz"),
    ] {
        let answer = world.tell(ask.clone()).await;
        let empty = answer.body.is_empty() && !matches!(answer.status.as_u16(), 200 | 204);
        assert!(!empty, "{ask}{answer}");
        for header in ["content-security-policy", "x-content-type-options", "referrer-policy"] {
            assert!(answer.headers.contains_key(header), "{header}: {ask}");
        }
    }
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn the_log_refuses_or_keeps_silent() {
    let world = World::new().await;
    let (id, _) = world.poll(CLASSIC).await;
    world.settle().await;
    let ask = Ask::post(vote(&id), r#"{"optionId":1,"voterId":"ada"}"#);
    world.fail(LogFaults { not_recorded: 1.0, ..LogFaults::default() });
    assert_eq!(world.tell(ask.clone()).await.status, 503);
    world.fail(LogFaults { unknown_lost: 1.0, ..LogFaults::default() });
    assert_eq!(world.tell(ask.clone()).await.status, 504);
    let minute = Duration::from_secs(60);
    world.fail(LogFaults { delay: minute..2 * minute, ..LogFaults::default() });
    let late = world.tell(ask.clone()).await;
    assert_eq!(late.status, 504);
    world.fail(LogFaults::default());
    tokio::time::sleep(10 * minute).await;
    let again =
        format!(r#"{{"optionId":1,"voterId":"ada","ballotId":{}}}"#, late.json()["ballotId"]);
    assert_eq!(world.tell(Ask::post(vote(&id), again)).await.status, 202);
    world.settle().await;
    let poll = world.call(Ask::get(format!("/polls/{id}")).request()).await.json();
    assert_eq!(poll["totalVotes"], 1);
    insta::assert_snapshot!(world.transcript());
}

#[tokio::test(start_paused = true)]
async fn the_server_speaks_of_itself() {
    let world = World::new().await;
    for path in ["/healthz", "/readyz", "/api/healthz"] {
        world.tell(Ask::get(path)).await;
    }
    world.app.stopping.cancel();
    world.tell(Ask::get("/readyz")).await;
    world.tell(Ask::get("/metrics").header("x-forwarded-for", "192.0.2.1")).await;
    insta::assert_snapshot!(world.transcript());
    let openapi = world.call(Ask::get("/api/openapi.json").request()).await.json();
    insta::assert_json_snapshot!("openapi", openapi);
    let docs = world.call(Ask::get("/docs").request()).await;
    assert!(docs.header("content-type").starts_with("text/html"));
    let docs = String::from_utf8(docs.body).unwrap();
    for operation in ["castBallot", "createPoll", "getLeaderboard"] {
        assert!(docs.contains(&format!("<section id=\"{operation}\">")), "{operation}");
    }
    let stranger = Peer("192.0.2.1".parse().unwrap());
    for (token, status) in [(None, 401), (Some("wrong"), 403), (Some(OPERATOR), 200)] {
        let ask = token.into_iter().fold(Ask::get("/metrics"), Ask::token);
        let mut request = ask.request();
        request.extensions_mut().insert(stranger);
        assert_eq!(world.call(request).await.status, status, "{token:?} from another machine");
    }
    let metrics = world.call(Ask::get("/metrics").request()).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    for name in ["pollux_http_requests_total", "pollux_viewers", "pollux_open_polls"] {
        assert!(metrics.contains(name), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_spellings_of_every_route_answer_the_same() {
    let world = World::new().await;
    let (id, token) = world.poll(CLASSIC).await;
    world.settle().await;
    for path in [
        "/polls".to_owned(),
        "/leaderboard".into(),
        "/readyz".into(),
        "/openapi.json".into(),
        "/docs".into(),
        format!("/polls/{id}"),
        format!("/polls/{id}/ballots/{}", ballot(0, 1)),
    ] {
        let short = world.call(Ask::get(&path).request()).await;
        let long = world.call(Ask::get(format!("/api{path}")).request()).await;
        assert_ne!(short.header("content-type"), "", "{path}");
        assert_eq!((short.status, short.body), (long.status, long.body), "{path}");
    }
    for action in ["close", "reopen", "reveal", "reset"] {
        for prefix in ["", "/api"] {
            let ask = Ask::post(format!("{prefix}/polls/{id}/{action}"), "").token(&token);
            assert_eq!(world.call(ask.request()).await.status, 200, "{prefix} {action}");
        }
    }
    for prefix in ["", "/api"] {
        let ask = Ask::post(format!("{prefix}/polls/{id}/vote"), r#"{"optionId":1}"#);
        assert_eq!(world.call(ask.request()).await.status, 202, "{prefix}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_has_by_its_etag_is_not_sent_again() {
    let world = World::new().await;
    let (id, token) = world.poll(CLASSIC).await;
    world.settle().await;
    let path = format!("/api/polls/{id}");
    let first = world.call(Ask::get(&path).request()).await;
    let known = Ask::get(&path).header("if-none-match", first.header("etag"));
    let same = world.call(known.request()).await;
    assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
    let owner = world.call(known.clone().token(&token).request()).await;
    assert_eq!(owner.status, 200, "the owner's is another representation");
    world.call(Ask::post(vote(&id), r#"{"optionId":1}"#).request()).await;
    world.settle().await;
    assert_eq!(world.call(known.request()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn join_codes_lead_to_their_poll_and_guesses_run_out() {
    let world = World::with(|config| {
        config.api.guesses = 3;
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let unlisted = r#"{"question":"Which?","options":["a","b"],"listed":false}"#;
    let made = world.call(Ask::post("/api/polls", unlisted).request()).await.json();
    let never_shown = world.call(Ask::post("/api/polls", unlisted).request()).await.json();
    let listed = world.call(Ask::post("/api/polls", CLASSIC).request()).await.json();
    let code = made["code"].as_str().unwrap();
    let from = |path: String| Ask::get(path).header("x-forwarded-for", "6.6.6.6, 192.0.2.7");
    let right = from(format!("/api/polls/{code}"));
    let answer = world.call(right.request()).await;
    assert_eq!(answer.json()["id"], made["id"]);
    for n in 0..3 {
        // Whatever a client says of hops before it, the budget is that of the address that our proxy saw.
        let wrong = Ask::get(format!("/api/polls/00000{n}"))
            .header("x-forwarded-for", format!("6.6.6.{n}, 192.0.2.7"));
        assert_eq!(world.call(wrong.request()).await.status, 404);
    }
    let by_code =
        |poll: &serde_json::Value| from(format!("/api/polls/{}", poll["code"].as_str().unwrap()));
    let full = world.call(by_code(&never_shown).request()).await;
    assert_eq!(full.status, 429, "an address without guesses learns nothing");
    assert_eq!(world.call(right.request()).await.status, 200, "it was shown this one before");
    assert_eq!(world.call(by_code(&listed).request()).await.status, 200, "lists show this one");
    assert!(full.header("retry-after").parse::<u64>().unwrap() <= 60);
    let other = Ask::get(format!("/api/polls/{code}")).header("x-forwarded-for", "192.0.2.8");
    assert_eq!(world.call(other.request()).await.status, 200);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(world.call(right.request()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_voter_who_floods_is_slowed_down() {
    let world = World::with(|config| config.api.per_voter = (1, 3)).await;
    let (id, _) = world.poll(CLASSIC).await;
    let ask = Ask::post(vote(&id), r#"{"optionId":1,"voterId":"ada"}"#);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(world.call(ask.request()).await.status.as_u16());
    }
    assert_eq!(statuses, [202, 202, 202, 429]);
    let other = Ask::post(vote(&id), r#"{"optionId":1,"voterId":"bob"}"#);
    assert_eq!(world.call(other.request()).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn only_allowed_origins_get_cors() {
    let world =
        World::with(|config| config.allowed_origins = vec!["https://friend.example".into()]).await;
    let preflight = |origin: &str| {
        Ask::new("OPTIONS", "/api/polls")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    let friend = world.call(preflight("https://friend.example").request()).await;
    assert_eq!(friend.status, 204);
    assert_eq!(friend.header("access-control-allow-origin"), "https://friend.example");
    assert!(friend.header("access-control-allow-methods").contains("POST"));
    let stranger = world.call(preflight("https://stranger.example").request()).await;
    assert_eq!(stranger.header("access-control-allow-origin"), "");
}

#[tokio::test(start_paused = true)]
async fn browsers_get_pages_and_become_voters() {
    let world = World::new().await;
    let (id, _) = world.poll(CLASSIC).await;
    let html = "text/html,application/xhtml+xml,*/*;q=0.8";
    for path in ["/".to_owned(), "/leaderboard".into(), format!("/polls/{id}")] {
        let page = world.call(Ask::get(&path).header("accept", html).request()).await;
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert_eq!(page.header("vary"), "accept, accept-encoding", "{path}");
        assert!(!page.header("content-security-policy").contains("unsafe"), "{path}");
        let cookie = page.cookie().unwrap();
        let again = Ask::get(&path).header("accept", html).header("cookie", cookie);
        assert_eq!(world.call(again.request()).await.cookie(), None, "{path}");
        let data = world.call(Ask::get(&path).header("accept", "*/*").request()).await;
        assert_eq!(data.header("content-type"), "application/json", "{path}");
    }
    let prefixed = Ask::get(format!("/api/polls/{id}")).header("accept", html);
    assert_eq!(world.call(prefixed.request()).await.header("content-type"), "application/json");
}

#[tokio::test(start_paused = true)]
async fn what_takes_https_is_asked_of_https_only() {
    let world =
        World::with(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let (id, _) = world.poll(CLASSIC).await;
    let ask = Ask::post(vote(&id), r#"{"optionId":1}"#);
    let plain = world.call(ask.request()).await;
    assert!(!plain.header("set-cookie").contains("Secure"));
    assert_eq!(plain.header("cross-origin-resource-policy"), "same-origin");
    let stranger = World::new().await;
    let (at, _) = stranger.poll(CLASSIC).await;
    let claims = Ask::post(vote(&at), r#"{"optionId":1}"#).header("x-forwarded-proto", "https");
    let claims = stranger.call(claims.request()).await;
    assert!(claims.header("set-cookie").starts_with("pollux_voter="), "no proxy of ours says so");
    let https = world.call(ask.header("x-forwarded-proto", "https").request()).await;
    assert!(https.header("set-cookie").ends_with("; Secure"));
    assert!(https.header("set-cookie").starts_with("__Host-pollux_voter="));
    // Browsers complain about this header in the console where there is no HTTPS.
    assert_eq!(plain.header("cross-origin-opener-policy"), "");
    assert_eq!(https.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(https.header("strict-transport-security"), "", "unless the operator wishes it");
    let strict = World::with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.hsts = Duration::from_secs(31_536_000);
    })
    .await;
    let page = Ask::get("/").header("accept", "text/html");
    assert_eq!(strict.call(page.request()).await.header("strict-transport-security"), "");
    let https = strict.call(page.header("x-forwarded-proto", "https").request()).await;
    assert_eq!(https.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test(start_paused = true)]
async fn an_old_ballot_id_gets_nobody_a_cookie() {
    let world = World::new().await;
    let (id, _) = world.poll(CLASSIC).await;
    let body = format!(r#"{{"optionId":1,"ballotId":"{}"}}"#, ballot(0, 9));
    assert!(world.call(Ask::post(vote(&id), body.clone()).request()).await.cookie().is_some());
    world.ambient.advance(Duration::from_secs(601));
    let late = world.call(Ask::post(vote(&id), body).request()).await;
    assert_eq!((late.status.as_u16(), late.cookie()), (202, None));
}

#[tokio::test(start_paused = true)]
async fn every_problem_has_its_page() {
    let world = World::new().await;
    for row in &pollux_server::api::problem::TABLE {
        let path = format!("/docs/errors/{}", row.slug);
        let page = world.call(Ask::get(&path).request()).await;
        assert_eq!(page.status, 200, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_operator_creates_if_so_configured() {
    let world = World::with(|config| config.operator_creates = true).await;
    for (token, status) in [(None, 401), (Some("x"), 403), (Some(OPERATOR), 201)] {
        let ask = Ask::post("/api/polls", CLASSIC);
        let ask = match token {
            Some(token) => ask.token(token),
            None => ask,
        };
        assert_eq!(world.call(ask.request()).await.status, status, "{token:?}");
    }
}
