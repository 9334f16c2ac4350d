//! Events over HTTP: what each token may do, and what everybody is shown.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::time::Duration;

use api_support::{Answer, Ask, World};
use serde_json::{Value, json};

/// An event with two drafts.
struct Event {
    world: World,
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
        Self::of(World::new().await).await
    }

    async fn of(world: World) -> Self {
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
