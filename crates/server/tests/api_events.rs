//! Events over HTTP allow each token what it may do, and show everybody what is theirs to see.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::ops::Deref;
use std::time::Duration;

use api_support::served::serve;
use api_support::{Answer, Ask, OPERATOR, World};
use pollux_server::store::memory::{Faults, StoreFaults};
use serde_json::{Value, json};

/// An `Event` has two drafts.
struct Event<W = Box<World>> {
    world: W,
    id: String,
    path: String,
    code: String,
    owner: String,
    stage: String,
    polls: [String; 2],
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}")).to_owned()
}

fn question(text: &str) -> String {
    format!(r#"{{"question":"{text}","options":["a","b"]}}"#)
}

impl Event {
    async fn new() -> Self {
        Self::of(Box::new(World::new().await)).await
    }
}

impl<W: Deref<Target = World>> Event<W> {
    async fn of(world: W) -> Self {
        let body =
            json!({"title": "Rust Conf", "accent": "#0B5CAD", "embed": ["https://Example.org"]});
        let made = world.call(Ask::post("/api/events", body.to_string()).request()).await;
        assert_eq!(made.status, 201, "{made}");
        let made = made.json();
        let (id, owner) = (text(&made, "id"), text(&made, "ownerToken"));
        let path = format!("/api/events/{id}");
        let mut polls = [String::new(), String::new()];
        for (i, poll) in polls.iter_mut().enumerate() {
            world.ambient.advance(Duration::from_millis(1));
            let ask = Ask::post(format!("{path}/polls"), question(&format!("Question {i}?")));
            let added = world.call(ask.token(&owner).request()).await;
            assert_eq!(added.status, 201, "{added}");
            assert_eq!(added.json()["status"], "draft");
            *poll = text(&added.json(), "id");
        }
        let (code, stage) = (text(&made, "code"), text(&made, "stageToken"));
        Self { world, id, path, code, owner, stage, polls }
    }

    async fn call(&self, ask: Ask) -> Answer {
        self.world.call(ask.request()).await
    }

    async fn own(&self, ask: Ask) -> Answer {
        self.call(ask.token(&self.owner)).await
    }

    async fn show(&self, token: &str, poll: Option<&str>) -> Answer {
        let body = json!({"poll": poll}).to_string();
        self.call(Ask::post(format!("{}/show", self.path), body).token(token)).await
    }

    async fn read(&self, token: Option<&str>) -> Value {
        let ask = Ask::get(&self.path);
        let answer = self.call(token.map_or(ask.clone(), |token| ask.token(token))).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.json()
    }
}

fn listed(event: &Value) -> Vec<&str> {
    event["polls"].as_array().unwrap().iter().map(|poll| poll["id"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_leads_from_poll_to_poll_by_one_code() {
    let event = Event::new().await;
    let code = &event.code;
    let [first, second] = event.polls.each_ref().map(String::as_str);
    let public = event.read(None).await;
    assert_eq!(listed(&public), [""; 0], "drafts are not for everybody");
    assert_eq!((&public["current"], &public["lone"]), (&Value::Null, &json!(false)));
    assert_eq!(public["embed"], json!(["https://example.org"]));
    for token in [&event.owner, &event.stage] {
        assert_eq!(listed(&event.read(Some(token)).await), [first, second]);
    }
    let waiting = event.call(Ask::get(format!("/api/polls/{code}"))).await;
    assert_eq!(waiting.status, 404, "nothing is on stage: {waiting}");
    for poll in [first, second] {
        let shown = event.show(&event.stage, Some(poll)).await;
        assert_eq!(shown.status, 200, "{shown}");
        assert_eq!(shown.json()["current"], poll);
        event.world.settle().await;
        let read = event.call(Ask::get(format!("/api/polls/{code}"))).await.json();
        assert_eq!((&read["id"], &read["status"]), (&json!(poll), &json!("open")), "{read}");
        assert_eq!((&read["code"], &read["eventId"]), (&json!(code), &json!(event.id)));
        let vote = Ask::post(format!("/api/polls/{code}/vote"), r#"{"optionId":1}"#);
        let vote = event.call(vote).await;
        assert_eq!((vote.status.as_u16(), &vote.json()["pollId"]), (202, &json!(poll)));
    }
    let public = event.call(Ask::get(format!("/api/events/{code}"))).await.json();
    assert_eq!(listed(&public), [first, second]);
    let of_a_poll = event.call(Ask::get(format!("/api/events/{first}"))).await.json();
    assert_eq!(of_a_poll["id"], json!(event.id), "a poll stands for its event");
    assert_eq!(event.show(&event.owner, None).await.json()["current"], Value::Null);
    assert_eq!(event.call(Ask::get(format!("/api/polls/{code}"))).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_step_is_made_from_what_the_asker_sees_or_not_at_all() {
    let event = Event::new().await;
    let [first, second] = event.polls.each_ref().map(String::as_str);
    let step = |from: Value, to: Value| {
        let body = json!({"poll": to, "from": from}).to_string();
        event.call(Ask::post(format!("{}/show", event.path), body).token(&event.stage))
    };
    let status_of = |poll: &str| event.own(Ask::get(format!("/api/polls/{poll}")));
    assert_eq!(step(Value::Null, json!(first)).await.status, 200);
    // Nobody sees an empty stage any more, so nothing is changed, and no draft is opened.
    let stale = step(Value::Null, json!(second)).await;
    assert_eq!(
        (stale.status.as_u16(), text(&stale.json(), "type").as_str()),
        (409, "/docs/errors/changed-meanwhile"),
        "{stale}"
    );
    assert_eq!(event.read(None).await["current"], first);
    assert_eq!(status_of(second).await.json()["status"], "draft");
    // A step may be repeated, twice in a row and at once, and is made only once.
    let version = |event: &Value| event["version"].as_u64();
    let before = version(&event.read(None).await);
    assert_eq!(step(Value::Null, json!(first)).await.status, 200);
    assert_eq!(version(&event.read(None).await), before, "nothing is changed by that");
    let (one, two) =
        tokio::join!(step(json!(first), json!(second)), step(json!(first), json!(second)));
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 200), "{one}{two}");
    assert_eq!(event.read(None).await["current"], second);
    let stale = step(json!(first), Value::Null).await;
    assert_eq!(stale.status, 409, "{stale}");
    assert_eq!(step(json!(second), Value::Null).await.json()["current"], Value::Null);
    for wrong in [json!(7), json!("nonsense")] {
        let answer = step(wrong, json!(first)).await;
        assert_eq!(answer.json()["errors"][0]["pointer"], "/from", "{answer}");
    }
    // A step that does not say what its sender sees is made whatever is on stage.
    assert_eq!(event.show(&event.stage, Some(first)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_answer_is_lost_is_made_once() {
    let event = Event::new().await;
    let [first, second] = event.polls.each_ref().map(String::as_str);
    assert_eq!(event.show(&event.stage, Some(first)).await.status, 200);
    let body = json!({"poll": second, "from": first}).to_string();
    let step = || event.call(Ask::post(format!("{}/show", event.path), &*body).token(&event.stage));
    let lost = Faults { unknown_done: 1.0, ..Faults::NONE };
    event.world.store.set_faults(StoreFaults { changes: lost, ..StoreFaults::NONE });
    let answers = [step().await.status, step().await.status];
    event.world.store.set_faults(StoreFaults::NONE);
    let version = |event: &Value| event["version"].as_u64();
    let made = event.read(None).await;
    assert_eq!(made["current"], second, "{answers:?}");
    assert_eq!(step().await.status, 200);
    assert_eq!(version(&event.read(None).await), version(&made), "once is enough");
}

#[tokio::test(start_paused = true)]
async fn a_stage_shows_and_reveals_and_does_nothing_else() {
    let event = Event::new().await;
    let poll = &event.polls[0];
    event.show(&event.owner, Some(poll)).await;
    let hidden = question("Hidden?").replace('}', r#","results":"hidden","open":true}"#);
    let added = event.own(Ask::post(format!("{}/polls", event.path), hidden)).await.json();
    let hidden = format!("/api/polls/{}", text(&added, "id"));
    let stage = |ask: Ask| event.call(ask.token(&event.stage));
    assert_eq!(stage(Ask::get(&hidden)).await.json()["totalVotes"], Value::Null);
    for ask in [
        Ask::post(format!("{hidden}/close"), ""),
        Ask::new("PATCH", &event.path).json(r#"{"title":"Mine"}"#),
        Ask::post(format!("{}/polls", event.path), question("Mine?")),
        Ask::post(format!("{}/stage", event.path), ""),
        Ask::new("DELETE", &event.path),
        Ask::new("DELETE", &hidden),
    ] {
        let answer = stage(ask.clone()).await;
        assert_eq!(answer.status, 403, "{ask}{answer}");
        assert!(text(&answer.json(), "detail").contains("stage"), "{answer}");
    }
    assert_eq!(stage(Ask::post(format!("{hidden}/reveal"), "")).await.status, 200);
    assert_eq!(event.call(Ask::get(&hidden)).await.json()["totalVotes"], 0);
    let again = event.own(Ask::post(format!("{}/stage", event.path), "")).await.json();
    assert_eq!(text(&again, "stageToken"), event.stage);
    assert!(
        text(&again, "stageUrl").ends_with(&format!("/present/{}#token={}", event.id, event.stage))
    );
    let of_poll = event.own(Ask::post(format!("{hidden}/stage"), "")).await.json();
    assert_eq!(text(&of_poll, "stageToken"), event.stage, "its polls have the same");
    assert_eq!(event.show(&event.stage, Some("nonsense")).await.status, 422);
    let (foreign, _) = event.world.poll(&question("Foreign?")).await;
    assert_eq!(event.show(&event.stage, Some(&foreign)).await.status, 422);
    assert_eq!(event.show(&"0".repeat(43), None).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_lone_poll_is_an_event_of_one() {
    let world = World::new().await;
    let (id, token) = world.poll(&question("Alone?")).await;
    let read = |path: String| async { world.call(Ask::get(path).request()).await };
    let poll = read(format!("/api/polls/{id}")).await.json();
    for name in [&id, &text(&poll, "code")] {
        let event = read(format!("/api/events/{name}")).await.json();
        assert_eq!((&event["lone"], &event["id"]), (&json!(true), &json!(id)));
        assert_eq!((&event["title"], &event["current"]), (&json!("Alone?"), &json!(id)));
        assert_eq!(listed(&event), [&id]);
    }
    let path = format!("/api/events/{id}");
    for ask in [
        Ask::new("PATCH", &path).json(r#"{"title":"Not alone"}"#),
        Ask::post(format!("{path}/polls"), question("Second?")),
        Ask::new("DELETE", &path),
    ] {
        let answer = world.call(ask.token(&token).request()).await;
        assert_eq!(answer.status, 409, "{answer}");
    }
    assert_eq!(read("/api/events/01890a5d-ac96-774b-bcce-b302099a8057".into()).await.status, 404);
    assert_eq!(read("/api/events/123456".into()).await.status, 404);
    let draft = r#"{"question":"Draft?","options":["a","b"],"open":false}"#;
    let (draft, token) = world.poll(draft).await;
    let path = format!("/api/events/{draft}");
    assert_eq!(read(path.clone()).await.status, 404);
    let own = world.call(Ask::get(path).token(&token).request()).await.json();
    assert_eq!((&own["current"], &own["polls"][0]["status"]), (&Value::Null, &json!("draft")));
}

#[tokio::test(start_paused = true)]
async fn a_lone_poll_is_taken_in_and_its_old_code_leads_on() {
    let event = Event::new().await;
    let (lone, token) = event.world.poll(&question("Alone?")).await;
    let before = text(&event.call(Ask::get(format!("/api/polls/{lone}"))).await.json(), "code");
    let vote = |code: &str| Ask::post(format!("/api/polls/{code}/vote"), r#"{"optionId":1}"#);
    assert_eq!(event.call(vote(&before)).await.status, 202);
    let take = |token: &str| {
        let body = json!({"pollId": lone, "pollToken": token}).to_string();
        event.own(Ask::post(format!("{}/polls", event.path), body))
    };
    assert_eq!(take("wrong").await.status, 403);
    let taken = take(&token).await;
    assert_eq!(taken.status, 201, "{taken}");
    assert_eq!(
        (&taken.json()["code"], &taken.json()["eventId"]),
        (&json!(event.code), &json!(event.id))
    );
    assert_eq!(take(&token).await.status, 201, "the answer was lost");
    let close = Ask::post(format!("/api/polls/{lone}/close"), "");
    assert_eq!(event.call(close.clone().token(&token)).await.status, 403, "it has another owner");
    for code in [&before, &event.code] {
        let led = event.call(Ask::get(format!("/api/events/{code}"))).await.json();
        assert_eq!(led["id"], json!(event.id));
        assert_eq!(event.call(vote(code)).await.status, 404, "nothing is on stage yet");
    }
    event.show(&event.stage, Some(&lone)).await;
    assert_eq!(event.call(vote(&before)).await.status, 202);
    event.world.settle().await;
    let poll = event.call(Ask::get(format!("/api/polls/{before}"))).await.json();
    assert_eq!(
        (&poll["id"], &poll["totalVotes"]),
        (&json!(lone), &json!(2)),
        "its votes came along"
    );
    assert_eq!(event.own(close).await.status, 200);
    let other = event.world.call(Ask::post("/api/events", r#"{"title":"Other"}"#).request()).await;
    let other = other.json();
    let steal = json!({"pollId": lone, "pollToken": event.owner}).to_string();
    let steal = Ask::post(format!("/api/events/{}/polls", text(&other, "id")), steal);
    let steal = event.call(steal.token(&text(&other, "ownerToken"))).await;
    assert_eq!(steal.status, 422, "{steal}");
}

#[tokio::test(start_paused = true)]
async fn bad_events_are_told_what_is_wrong() {
    let event = Event::new().await;
    let long = "x".repeat(201);
    let one = &event.polls[0];
    for (body, pointers) in [
        (json!({}), vec!["/title"]),
        (json!({"title": " ", "accent": "blue", "layout": "pie"}), vec!["/layout"]),
        (json!({"title": " ", "accent": "blue"}), vec!["/title", "/accent"]),
        (json!({"title": long}), vec!["/title"]),
        (json!({"title": "t", "embed": ["*", "https://a.example"]}), vec!["/embed/0"]),
        (
            json!({"title": "t", "embed": ["https://a.example/path", "javascript:x", "https://a; x"]}),
            vec!["/embed/0", "/embed/1", "/embed/2"],
        ),
        (json!({"title": "t", "embed": "https://a.example"}), vec!["/embed"]),
        (json!({"title": "t", "order": []}), vec!["/order"]),
    ] {
        let answer = event.call(Ask::post("/api/events", body.to_string())).await;
        assert_eq!(answer.status, 422, "{body}{answer}");
        let errors = answer.json()["errors"].clone();
        let found: Vec<_> = errors.as_array().unwrap().iter().map(|e| text(e, "pointer")).collect();
        assert_eq!(found, pointers, "{body}");
    }
    for order in
        [json!([one]), json!([one, one]), json!([one, "x"]), json!([one, event.polls[1], one])]
    {
        let body = json!({"order": order}).to_string();
        let answer = event.own(Ask::new("PATCH", &event.path).json(body)).await;
        assert_eq!(answer.status, 422, "{order}{answer}");
    }
    let turned = json!({"order": [event.polls[1], one], "accent": null, "layout": "columns"});
    let turned = event.own(Ask::new("PATCH", &event.path).json(turned.to_string())).await.json();
    assert_eq!(listed(&turned), [&event.polls[1], one]);
    assert_eq!((&turned["accent"], &turned["layout"]), (&Value::Null, &json!("columns")));
    event.world.ambient.advance(Duration::from_millis(5));
    let third = event.own(Ask::post(format!("{}/polls", event.path), question("Third?"))).await;
    let third = text(&third.json(), "id");
    assert_eq!(listed(&event.read(Some(&event.owner)).await), [&event.polls[1], one, &third]);
}

#[tokio::test(start_paused = true)]
async fn a_reissued_token_ends_the_old_ones_for_the_polls_too() {
    let event = Event::new().await;
    let poll = format!("/api/polls/{}", event.polls[0]);
    let reissue =
        |token: &str| event.call(Ask::post(format!("{}/token", event.path), "").token(token));
    assert_eq!(reissue(&event.owner).await.status, 403, "only the operator");
    let own = event.call(Ask::post(format!("{poll}/token"), "").token(OPERATOR)).await;
    assert_eq!(own.status, 422, "it has the event's: {own}");
    let new = reissue(OPERATOR).await.json();
    let (owner, stage) = (text(&new, "ownerToken"), text(&new, "stageToken"));
    for old in [&event.owner, &event.stage] {
        assert_eq!(event.show(old, None).await.status, 403);
        assert_eq!(
            event.call(Ask::post(format!("{poll}/reveal"), "").token(old)).await.status,
            404
        );
    }
    assert_eq!(event.show(&stage, Some(&event.polls[0])).await.status, 200);
    let close = Ask::post(format!("{poll}/close"), "");
    assert_eq!(event.call(close.clone().token(&event.owner)).await.status, 403);
    assert_eq!(event.call(close.token(&owner)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_logo_is_a_small_picture_kept_for_good() {
    let event = Event::new().await;
    let path = format!("{}/logo", event.path);
    let put = |bytes: &[u8]| event.own(Ask::new("PUT", &path).body(bytes));
    assert_eq!(event.call(Ask::get(&path)).await.status, 404);
    assert_eq!(put(b"<svg onload=alert(1)>").await.status, 422);
    assert_eq!(put(&[0x89; 65_537]).await.status, 413);
    let mut pictures = Vec::new();
    for (kind, start) in [
        ("image/png", &b"\x89PNG\r\n\x1a\n..."[..]),
        ("image/jpeg", b"\xff\xd8\xff\xe0..."),
        ("image/webp", b"RIFF\0\0\0\0WEBP..."),
    ] {
        let with = put(start).await.json();
        let logo = text(&with, "logo");
        let read = event.call(Ask::get(&logo)).await;
        assert_eq!((read.header("content-type"), &read.body[..]), (kind, start));
        assert_eq!(read.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(read.header("x-content-type-options"), "nosniff");
        pictures.push(logo);
    }
    let old = event.call(Ask::get(&pictures[0])).await;
    assert_eq!(old.header("cache-control"), "no-cache", "these are not those bytes any more");
    assert_eq!(event.read(None).await["logo"], json!(pictures[2]));
    let without = event.own(Ask::new("DELETE", &path)).await.json();
    assert_eq!(without["logo"], Value::Null);
    assert_eq!(event.call(Ask::get(&pictures[2])).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_event_takes_its_polls_with_it() {
    let event = Event::new().await;
    event.show(&event.owner, Some(&event.polls[0])).await;
    assert_eq!(event.call(Ask::new("DELETE", &event.path).token(&event.stage)).await.status, 403);
    assert_eq!(event.own(Ask::new("DELETE", &event.path)).await.status, 204);
    for path in
        [&event.path, &format!("/api/events/{}", event.code), &format!("/api/polls/{}", event.code)]
    {
        assert_eq!(event.own(Ask::get(path)).await.status, 404, "{path}");
    }
    for poll in &event.polls {
        assert_eq!(event.own(Ask::get(format!("/api/polls/{poll}"))).await.status, 404);
    }
    let more = event.own(Ask::post(format!("{}/polls", event.path), question("More?"))).await;
    assert_eq!(more.status, 404);
    assert_eq!(event.own(Ask::new("DELETE", &event.path)).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_twice_under_a_key_is_made_once() {
    let event = Event::new().await;
    let key = |ask: Ask| ask.header("idempotency-key", "0123456789abcdef");
    let make = || event.call(key(Ask::post("/api/events", r#"{"title":"Once"}"#)));
    let (one, again) = (make().await.json(), make().await.json());
    assert_eq!((&one["id"], &one["ownerToken"]), (&again["id"], &again["ownerToken"]));
    let add = |path: &str, token: &str, body: String| {
        event.call(
            Ask::post(format!("{path}/polls"), body)
                .token(token)
                .header("idempotency-key", "fedcba9876543210"),
        )
    };
    let first = add(&event.path, &event.owner, question("Once?")).await.json();
    assert_eq!(add(&event.path, &event.owner, question("Once?")).await.json()["id"], first["id"]);
    assert_eq!(add(&event.path, &event.owner, question("Twice?")).await.status, 422);
    let (other, token) = (format!("/api/events/{}", text(&one, "id")), text(&one, "ownerToken"));
    assert_eq!(add(&other, &token, question("Once?")).await.status, 422, "of another event");
}

#[tokio::test(start_paused = true)]
async fn who_may_frame_a_poll_can_be_changed_while_it_is_open() {
    let world = World::new().await;
    let (id, token) = world.poll(&question("Framed?")).await;
    let path = format!("/api/polls/{id}");
    let patch =
        |body: &str| world.call(Ask::new("PATCH", &path).json(body).token(&token).request());
    let changed = patch(r#"{"embed":["https://A.example","https://a.example"]}"#).await;
    assert_eq!(changed.json()["embed"], json!(["https://a.example"]), "{changed}");
    assert_eq!(patch(r#"{"embed":["nonsense"]}"#).await.status, 422);
    assert_eq!(patch(r#"{"embed":["*"],"question":"Other?"}"#).await.status, 409);
    let read = world.call(Ask::get(&path).request()).await.json();
    assert_eq!(
        (&read["embed"], &read["question"]),
        (&json!(["https://a.example"]), &json!("Framed?"))
    );
    let asked = "203.0.113.7".parse().unwrap();
    let embed = pollux_server::api::event::read::embed_of(&world.app, &id, asked).await;
    assert_eq!(embed, ["https://a.example"]);
    assert_eq!(
        pollux_server::api::event::read::embed_of(&world.app, "999999", asked).await,
        [""; 0]
    );
    assert_eq!(patch(r#"{"embed":null}"#).await.json()["embed"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_guesser_locks_nobody_out_of_an_event() {
    let event = Event::of(Box::new(World::with(|config| config.api.guesses = 3).await)).await;
    event.show(&event.owner, Some(&event.polls[0])).await;
    for code in 0..4 {
        event.call(Ask::get(format!("/api/events/99999{code}"))).await;
    }
    assert_eq!(event.call(Ask::get("/api/events/999999")).await.status, 429);
    let read = event.call(Ask::get(format!("/api/events/{}", event.code))).await;
    assert_eq!(read.status, 200, "lists show its code");
    let vote = Ask::post(format!("/api/polls/{}/vote", event.code), r#"{"optionId":1}"#);
    assert_eq!(event.call(vote).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_say_is_looked_at_again() {
    let event = Event::new().await;
    let make = || event.call(Ask::post("/api/events", r#"{"title":"Perhaps"}"#));
    let retitle = || event.own(Ask::new("PATCH", &event.path).json(r#"{"title":"Perhaps"}"#));
    let faults = |changes: Faults| {
        event.world.store.set_faults(StoreFaults { changes, ..StoreFaults::NONE });
    };
    faults(Faults { unknown_done: 1.0, ..Faults::NONE });
    assert_eq!(make().await.status, 201, "it is there");
    assert_eq!(retitle().await.json()["title"], "Perhaps");
    assert_eq!(event.read(None).await["title"], "Perhaps");
    faults(Faults { unknown_not_done: 1.0, ..Faults::NONE });
    assert_eq!(make().await.status, 504);
    assert_eq!(retitle().await.status, 504);
    assert_eq!(event.show(&event.owner, Some(&event.polls[0])).await.status, 504);
    faults(Faults { unavailable: 1.0, ..Faults::NONE });
    assert_eq!(make().await.status, 503);
    assert_eq!(retitle().await.status, 503);
    event.world.store.set_faults(StoreFaults::NONE);
    event.show(&event.owner, Some(&event.polls[0])).await;
    // A node that knows the event goes on without the store: votes wait for the log only.
    let reads = Faults { unavailable: 1.0, ..Faults::NONE };
    event.world.store.set_faults(StoreFaults { reads, ..StoreFaults::NONE });
    assert_eq!(event.read(None).await["current"], json!(event.polls[0]));
    let vote = Ask::post(format!("/api/polls/{}/vote", event.code), r#"{"optionId":1}"#);
    assert_eq!(event.call(vote).await.status, 202);
    assert_eq!(event.call(Ask::get("/api/events/999999")).await.status, 503, "who knows");
    assert_eq!(event.read(Some(&event.owner)).await["title"], "Perhaps", "as far as memory goes");
}

#[tokio::test(start_paused = true)]
async fn many_who_step_at_once_leave_one_poll_on_stage() {
    let event = Event::new().await;
    let [first, second] = event.polls.each_ref().map(String::as_str);
    let mut stepping = Vec::new();
    for n in 0..6 {
        stepping.push(event.show(&event.stage, Some(if n % 2 == 0 { first } else { second })));
    }
    for shown in futures_util::future::join_all(stepping).await {
        assert!(matches!(shown.status.as_u16(), 200 | 409), "{shown}");
    }
    let there = event.read(Some(&event.owner)).await;
    let current = text(&there, "current");
    assert!(current == first || current == second, "{there}");
    let by_code = event.call(Ask::get(format!("/api/polls/{}", event.code))).await.json();
    assert_eq!(by_code["id"], json!(current));
    event.world.settle().await;
    for poll in there["polls"].as_array().unwrap() {
        assert_eq!(poll["status"], "open", "both were opened, each once");
    }
}

fn is_on_stage(poll: &str) -> impl Fn(&Value) -> bool {
    move |message| message["type"] == "event.changed" && message["event"]["current"] == poll
}

fn is_of(poll: &str) -> impl Fn(&Value) -> bool {
    move |message| message["type"] == "poll.updated" && message["poll"]["id"] == poll
}

#[tokio::test]
async fn each_follower_is_shown_what_is_theirs_to_see() {
    let served = serve(|_| {}).await;
    let event = Event::of(&served.world).await;
    for (poll, results) in event.polls.iter().zip(["hidden", "afterVote"]) {
        let patch = Ask::new("PATCH", format!("/api/polls/{poll}"));
        event.own(patch.json(json!({"results": results}).to_string())).await;
    }
    let [hidden, after] = event.polls.each_ref().map(String::as_str);
    let follow = async |token: Option<&str>| {
        let mut viewer = served.socket(&format!("?event={}", event.code), None).await;
        let hello = viewer.until_type("hello").await;
        assert_eq!(listed(&hello["event"]), [""; 0]);
        if let Some(token) = token {
            viewer.say(json!({"type": "auth", "token": token})).await;
            let seen = viewer.until_type("event.changed").await;
            assert_eq!(listed(&seen["event"]), [hidden, after], "drafts, too");
        }
        viewer
    };
    let mut phone = follow(None).await;
    let mut stage = follow(Some(&event.stage)).await;
    let mut owner = follow(Some(&event.owner)).await;
    phone.say(json!({"type": "auth", "token": "wrong", "ref": 1})).await;
    assert_eq!(phone.until_type("error").await["problem"]["status"], 403);

    event.show(&event.stage, Some(hidden)).await;
    for (viewer, polls, sees) in [
        (&mut phone, &[hidden][..], json!(null)),
        (&mut stage, &[hidden, after], json!(null)),
        (&mut owner, &[hidden, after], json!(0)),
    ] {
        assert_eq!(listed(&viewer.until(is_on_stage(hidden)).await["event"]), polls);
        assert_eq!(viewer.until(is_of(hidden)).await["poll"]["totalVotes"], sees);
    }
    event.show(&event.stage, Some(after)).await;
    assert_eq!(phone.until(is_of(after)).await["poll"]["totalVotes"], Value::Null);
    // The phone votes by the event's code, because phones know no other.
    phone.say(json!({"type": "vote", "poll": event.code, "optionId": 1})).await;
    phone.until_type("vote.counted").await;
    phone.until(|message| message["poll"]["totalVotes"] == 1).await;
    event.show(&event.stage, None).await;
    phone.until(|m| m["type"] == "event.changed" && m["event"]["current"].is_null()).await;
    event.show(&event.stage, Some(after)).await;
    phone.until(is_on_stage(after)).await;
    let again = phone.until(is_of(after)).await;
    assert_eq!(again["poll"]["totalVotes"], 1, "it has voted, and is still known to have");
    assert_eq!(stage.until(is_of(after)).await["poll"]["totalVotes"], Value::Null);
}

#[tokio::test]
async fn a_lone_poll_is_followed_like_an_event() {
    let served = serve(|_| {}).await;
    let world = &served.world;
    let (id, token) = world.poll(&question("Alone?")).await;
    let ask = Ask::post(format!("/api/polls/{id}/stage"), "").token(&token);
    let stage = text(&world.call(ask.request()).await.json(), "stageToken");
    let mut viewer = served.socket(&format!("?event={id}"), None).await;
    let hello = viewer.until_type("hello").await;
    assert_eq!((&hello["event"]["lone"], &hello["event"]["current"]), (&json!(true), &json!(id)));
    assert_eq!(hello["polls"][0]["id"], json!(id));
    viewer.say(json!({"type": "auth", "token": stage, "ref": "stage"})).await;
    viewer.say(json!({"type": "vote", "poll": id, "optionId": 1})).await;
    viewer.until_type("vote.counted").await;
    assert!(viewer.heard.iter().all(|message| message["type"] != "error"), "{:?}", viewer.heard);
    viewer.until(|message| message["poll"]["totalVotes"] == 1).await;
    let missing = served.try_socket("?event=999999", None).await;
    assert!(missing.is_err(), "there is no such event");
}
