//! The OpenAPI and the AsyncAPI document are compared with what the server really answers and sends.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::collections::BTreeSet;

use api_support::schema::{faults, resolves};
use api_support::served::{Served, TestViewer, serve};
use api_support::{Answer, Ask, NOON, OPERATOR, World};
use parking_lot::Mutex;
use pollux_core::id::{BallotId, UnixMillis};
use pollux_server::api::routes::templates;
use pollux_server::log::memory::LogFaults;
use pollux_server::log::{Log, control};
use pollux_server::store::Polls;
use pollux_server::store::memory::{Faults, StoreFaults};
use serde_json::{Value, json};
use tower::ServiceExt;

const POLL: &str = r#"{"question":"Which?","options":["a","b"]}"#;

/// Returns a ballot id of this many milliseconds after noon.
fn ballot(millis: u64) -> String {
    BallotId::new(UnixMillis(NOON + millis), [1; 10]).to_string()
}

/// `Held` is a world whose every answer is compared with the OpenAPI document.
struct Held {
    world: World,
    document: Value,
    seen: Mutex<BTreeSet<(String, u16)>>,
}

impl Held {
    async fn new() -> Self {
        let world = World::new().await;
        let document = world.call(Ask::get("/api/openapi.json").request()).await.json();
        Self { world, document, seen: Mutex::default() }
    }

    /// Returns the operation that a request belongs to.
    fn operation(&self, method: &str, path: &str) -> &Value {
        let path = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (a, b) = (template.split('/'), path.split('/'));
            a.clone().count() == b.clone().count()
                && a.zip(b).all(|(a, b)| a == b || a.starts_with('{'))
        };
        let mut paths = self.document["paths"].as_object().unwrap().iter();
        let (_, item) =
            paths.find(|(template, _)| fits(template)).unwrap_or_else(|| panic!("{path}"));
        &item[method.to_lowercase()]
    }

    async fn call(&self, ask: Ask) -> Answer {
        let sent = ask.json_body();
        let request = ask.request();
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let operation = self.operation(&method, &path);
        let answer = self.world.call(request).await;
        let status = answer.status.as_u16();
        let name = operation["operationId"].as_str().unwrap();
        if let Some(sent) = sent.filter(|_| answer.status.is_success()) {
            let taken = &operation["requestBody"]["content"]["application/json"]["schema"];
            let found = faults(&self.document, taken, &sent, name);
            assert!(found.is_empty(), "what the server takes is not documented: {found:#?}");
        }
        let documented = &operation["responses"][status.to_string()];
        assert!(documented.is_object(), "{name} is not to answer so: {answer}");
        match documented.get("content") {
            None => assert!(answer.body.is_empty(), "{name}: {answer}"),
            Some(content) => {
                let kind = answer.header("content-type").split(';').next().unwrap();
                let media = &content[kind];
                assert!(media.is_object(), "{name}: {kind} is not documented: {answer}");
                if kind.ends_with("json") {
                    let body = answer.json();
                    let found = faults(&self.document, &media["schema"], &body, name);
                    assert!(found.is_empty(), "{found:#?}");
                }
            }
        }
        for header in documented["headers"].as_object().into_iter().flatten().map(|(name, _)| name)
        {
            // An answer that nobody may keep has no ETag to ask by.
            let kept = answer.header("cache-control") != "no-store";
            let optional = header == "Set-Cookie" || (header == "ETag" && !kept);
            assert!(optional || answer.headers.contains_key(header), "{name}: {header}: {answer}");
        }
        self.seen.lock().insert((name.to_owned(), status));
        answer
    }

    async fn poll(&self, body: &str) -> (String, String) {
        let made = self.call(Ask::post("/api/polls", body)).await.json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("ownerToken"))
    }
}

async fn a_polls_life(held: &Held) {
    let draft = r#"{"question":"Which?","options":["a","b","c"],"maxChoices":2,"results":"hidden",
        "closesAt":"2026-11-21T13:00:00Z","open":false}"#;
    let (id, token) = held.poll(draft).await;
    let path = format!("/api/polls/{id}");
    let own = |ask: Ask| held.call(ask.token(&token));
    held.call(Ask::get(&path)).await;
    own(Ask::get(&path)).await;
    own(Ask::new("PATCH", &path).json(r#"{"question":"Which one?"}"#)).await;
    own(Ask::new("PATCH", &path).json(r#"{"question":""}"#)).await;
    own(Ask::post(format!("{path}/close"), "")).await;
    for action in ["open", "open", "close", "reopen", "reveal", "reset"] {
        held.call(Ask::post(format!("{path}/{action}"), "")).await;
        held.call(Ask::post(format!("{path}/{action}"), "").token("wrong")).await;
        own(Ask::post(format!("{path}/{action}"), "")).await;
        held.world.settle().await;
        let read = held.call(Ask::get(&path)).await;
        held.call(Ask::get(&path).header("if-none-match", read.header("etag"))).await;
    }
    held.call(Ask::post(format!("{path}/token"), "")).await;
    held.call(Ask::post(format!("{path}/token"), "").token(OPERATOR)).await;
    held.call(Ask::new("DELETE", &path).token(OPERATOR)).await;
    held.call(Ask::new("DELETE", &path).token(OPERATOR)).await;
}

const RATING: &str = r#"{"question":"?","statements":["a","b"]}"#;
const RANKING: &str = r#"{"question":"?","kind":"ranking","options":["a","b"],"places":1}"#;
const POINTS: &str = r#"{"question":"?","kind":"points","options":["a","b"],"budget":1000}"#;

const NUMBER: &str =
    r#"{"question":"?","kind":"number","min":-1,"max":1,"step":0.25,"unit":"m","solution":0.3}"#;

const WORDS: &str = r#"{"question":"?","kind":"words","maxWords":2,"approve":true}"#;

/// Drafts are written and changed in the members of their kind, and become drafts of another kind.
async fn drafts_of_every_kind(held: &Held) {
    let rating = r#"{"question":"?","statements":["a"],"steps":11,"symbol":null,"open":false}"#;
    let (id, token) = held.poll(rating).await;
    for patch in [
        r#"{"lowLabel":"poor","highLabel":"great","symbol":"numbers"}"#,
        r#"{"kind":"rating","steps":null,"lowest":1}"#,
        r#"{"kind":"multiple","options":["a","b"],"maxChoices":2}"#,
        r#"{"kind":null,"maxChoices":null}"#,
        r#"{"kind":"rating","statements":["a","b"],"closesAfter":60}"#,
        r#"{"kind":"ranking","options":["a","b","c"],"places":2}"#,
        r#"{"places":null}"#,
        r#"{"kind":"points","options":["a","b"],"budget":1000}"#,
        r#"{"budget":null,"options":["a","b","c"]}"#,
        r#"{"kind":"number","min":-0.5,"max":1e3,"step":1.5,"unit":"m","solution":8848.86}"#,
        r#"{"min":null,"max":null,"step":null,"unit":null,"solution":null}"#,
        r#"{"kind":"words","maxWords":10,"approve":true}"#,
        r#"{"maxWords":null,"approve":null}"#,
    ] {
        let edit = Ask::new("PATCH", format!("/api/polls/{id}")).json(patch).token(&token);
        assert_eq!(held.call(edit).await.status, 200, "{patch}");
    }
    let made = held.call(Ask::post("/api/events", r#"{"title":"Conf"}"#)).await.json();
    let add = format!("/api/events/{}/polls", made["id"].as_str().unwrap());
    for poll in [rating, RANKING, POINTS, NUMBER, WORDS] {
        let add = Ask::post(&add, poll).token(made["ownerToken"].as_str().unwrap());
        assert_eq!(held.call(add).await.status, 201, "{poll}");
    }
}

/// Polls are answered, shown and exported in the members of their kind.
async fn answers_of_every_kind(held: &Held) {
    for (poll, answer) in [
        (RATING, "[5,null]"),
        (RANKING, "[2]"),
        (POINTS, "[1000,0]"),
        (NUMBER, "0.25"),
        (WORDS, r#"["Rust","fast builds"]"#),
    ] {
        let (id, token) = held.poll(poll).await;
        held.world.settle().await;
        let body = format!(r#"{{"answer":{answer}}}"#);
        assert_eq!(held.call(Ask::post(format!("/api/polls/{id}/vote"), body)).await.status, 202);
        held.world.settle().await;
        held.call(Ask::get(format!("/api/polls/{id}"))).await;
        held.call(Ask::get(format!("/api/polls/{id}/trend"))).await;
        let export = format!("/api/polls/{id}/export?format=json");
        assert_eq!(held.call(Ask::get(export).token(&token)).await.status, 200, "{poll}");
    }
}

/// Words are listed, approved, hidden and erased by their owner, and by nobody else.
async fn a_words_life(held: &Held) {
    let (id, token) = held.poll(WORDS).await;
    held.world.settle().await;
    let (words, moderate) = (format!("/api/polls/{id}/words"), format!("/api/polls/{id}/moderate"));
    let own = |ask: Ask| held.call(ask.token(&token));
    for body in [r#"{"answer":["a","b"]}"#, r#"{"answer":["a"," "]}"#] {
        held.call(Ask::post(format!("/api/polls/{id}/vote"), body)).await;
    }
    held.world.settle().await;
    let first = own(Ask::get(format!("{words}?limit=1&state=waiting"))).await.json();
    let next = first["nextCursor"].as_str().unwrap();
    let second = own(Ask::get(format!("{words}?limit=1&cursor={next}"))).await.json();
    let [a, b] = [&first, &second].map(|page| page["words"][0]["id"].clone());
    for verdict in [
        json!({"approve": false, "show": [a], "hide": [b]}),
        json!({"erase": [b]}),
        json!({"erase": [b], "show": [b]}),
        json!({"show": ["0".repeat(32)]}),
        json!({}),
    ] {
        own(Ask::post(&moderate, verdict.to_string())).await;
    }
    own(Ask::get(&words)).await;
    held.call(Ask::get(format!("/api/polls/{id}"))).await;
    for ask in [Ask::get(&words), Ask::post(&moderate, r#"{"approve":true}"#)] {
        held.call(ask.clone()).await;
        held.call(ask.token("wrong")).await;
    }
    own(Ask::get(format!("{words}?limit=0"))).await;
    own(Ask::post(&moderate, "{")).await;
    own(Ask::new("POST", &moderate).body("approve=true")).await;
    let (choice, token) = held.poll(POLL).await;
    held.call(Ask::get(format!("/api/polls/{choice}/words")).token(&token)).await;
    held.call(Ask::get("/api/polls/999999/words").token(&token)).await;
    let gone = Ask::post("/api/polls/999999/moderate", r#"{"approve":true}"#);
    held.call(gone.token(&token)).await;
}

async fn an_events_life(held: &Held) {
    let made = held.call(Ask::post("/api/events", r#"{"title":"Conf"}"#)).await.json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let (path, token) = (format!("/api/events/{}", text("id")), text("ownerToken"));
    let own = |ask: Ask| held.call(ask.token(&token));
    for body in ["{}", r#"{"title":"","layout":"round","accent":"red","embed":["x"]}"#] {
        held.call(Ask::post("/api/events", body)).await;
    }
    let added = own(Ask::post(format!("{path}/polls"), POLL)).await.json();
    let (lone, of_lone) = held.poll(POLL).await;
    held.call(Ask::get(format!("/api/events/{lone}"))).await;
    let take = json!({"pollId": lone, "pollToken": of_lone}).to_string();
    held.call(Ask::post(format!("{path}/polls"), take.clone()).token(&of_lone)).await;
    own(Ask::post(format!("{path}/polls"), take)).await;
    own(Ask::post(format!("{path}/polls"), "{}")).await;
    let read = held.call(Ask::get(&path)).await;
    held.call(Ask::get(&path).header("if-none-match", read.header("etag"))).await;
    own(Ask::get(&path)).await;
    let stage = own(Ask::post(format!("{path}/stage"), "")).await.json();
    own(Ask::post(format!("/api/polls/{lone}/stage"), "")).await;
    let stage = stage["stageToken"].as_str().unwrap();
    let show = json!({"poll": added["id"]}).to_string();
    held.call(Ask::post(format!("{path}/show"), show).token(stage)).await;
    own(Ask::post(format!("{path}/show"), r#"{"poll":"nobody's"}"#)).await;
    own(Ask::new("PATCH", &path).json(r#"{"title":"Other","layout":"columns"}"#)).await;
    held.call(Ask::new("PATCH", &path).json(r#"{"title":"Other"}"#).token(stage)).await;
    held.call(Ask::get(format!("{path}/logo"))).await;
    let logo = |bytes: &[u8]| {
        own(Ask::new("PUT", format!("{path}/logo")).header("content-type", "image/png").body(bytes))
    };
    logo(b"no picture").await;
    logo(&[0; 70_000]).await;
    logo(b"\x89PNG\r\n\x1a\n and so on").await;
    held.call(Ask::get(format!("{path}/logo"))).await;
    own(Ask::new("DELETE", format!("{path}/logo"))).await;
    held.call(Ask::post(format!("{path}/token"), "").token(&token)).await;
    held.call(Ask::post(format!("{path}/token"), "").token(OPERATOR)).await;
    held.call(Ask::post(format!("/api/polls/{lone}/token"), "").token(OPERATOR)).await;
    held.call(Ask::new("DELETE", &path).token(OPERATOR)).await;
    held.call(Ask::get(&path)).await;
}

async fn a_ballots_life(held: &Held) {
    let (id, token) = held.poll(POLL).await;
    held.world.settle().await;
    let path = format!("/api/polls/{id}/vote");
    let cast = |millis: u64| {
        format!(r#"{{"optionId":1,"voterId":"ada","ballotId":"{}"}}"#, ballot(millis))
    };
    held.call(Ask::post(&path, r#"{"option":"a"}"#)).await;
    for millis in [2, 2, 1, 3] {
        let waited = Ask::post(format!("{path}?wait=counted"), cast(millis));
        assert_eq!(held.call(waited).await.status, 200);
    }
    for millis in [1, 2, 3, 4] {
        let asked = format!("/api/polls/{id}/ballots/{}?voterId=ada", ballot(millis));
        held.call(Ask::get(asked)).await;
    }
    for body in ["", "{", "[]", "{}", r#"{"option":"c"}"#, &" ".repeat(20_000)] {
        held.call(Ask::post(&path, body)).await;
    }
    held.call(Ask::new("POST", &path).body("optionId=1")).await;
    held.call(Ask::post(format!("{path}?wait=x"), cast(9))).await;
    held.call(Ask::post("/api/polls/999999/vote", cast(9))).await;
    for (faults, status) in [
        (LogFaults { not_recorded: 1.0, ..LogFaults::default() }, 503),
        (LogFaults { unknown_lost: 1.0, ..LogFaults::default() }, 504),
    ] {
        held.world.fail(faults);
        assert_eq!(held.call(Ask::post(&path, cast(9))).await.status, status);
    }
    held.world.fail(LogFaults::default());
    held.call(Ask::get("/api/leaderboard")).await;
    held.call(Ask::get("/api/polls?limit=1")).await;
    held.call(Ask::post(format!("/api/polls/{id}/close"), "").token(&token)).await;
    held.world.settle().await;
    held.call(Ask::post(&path, cast(9))).await;
}

/// Reads what is shown beside a poll: its pulse, its course, its results as a file, and the server's status.
async fn figures(held: &Held) {
    let (id, token) = held.poll(POLL).await;
    let (hidden, _) = held.poll(r#"{"question":"?","options":["a","b"],"results":"hidden"}"#).await;
    held.world.settle().await;
    held.call(Ask::post(format!("/api/polls/{id}/vote"), r#"{"optionId":1}"#)).await;
    held.world.settle().await;
    for id in [&id, &hidden, "999999"] {
        for figure in
            ["pulse", "trend", "replay", "export", "export?format=json", "export?format=xls"]
        {
            held.call(Ask::get(format!("/api/polls/{id}/{figure}"))).await;
            held.call(Ask::get(format!("/api/polls/{id}/{figure}")).token(&token)).await;
        }
    }
    held.call(Ask::post(format!("/api/polls/{id}/close"), "").token(&token)).await;
    held.world.settle().await;
    held.call(Ask::get(format!("/api/polls/{id}/replay"))).await;
    held.call(Ask::get(format!("/api/events/{id}/pulse"))).await;
    held.call(Ask::get("/api/events/999999/pulse")).await;
    held.call(Ask::get("/api/address")).await;
    held.call(Ask::get("/api/status")).await;
    held.call(Ask::get("/api/status").token(OPERATOR)).await;
    for poll in
        ["", "?poll=999999", "?poll=1&poll=2", &format!("?poll={id}"), &format!("?poll={hidden}")]
    {
        held.call(Ask::get(format!("/api/status{poll}")).token(&token)).await;
    }
    let refused = Faults { unavailable: 1.0, ..Faults::NONE };
    held.world.store.set_faults(StoreFaults { reads: refused, ..StoreFaults::NONE });
    held.call(Ask::get("/api/status").token(OPERATOR)).await;
    held.call(Ask::get("/api/status?poll=999999").token(&token)).await;
    held.world.store.set_faults(StoreFaults::NONE);
    for all in ["true", "false", "yes"] {
        held.call(Ask::get(format!("/api/polls?all={all}"))).await;
        held.call(Ask::get(format!("/api/polls?all={all}")).token(&token)).await;
        held.call(Ask::get(format!("/api/polls?all={all}")).token(OPERATOR)).await;
    }
}

async fn trouble(held: &Held) {
    let (id, token) = held.poll(POLL).await;
    let (words, of_words) = held.poll(WORDS).await;
    let key =
        |body: &str| Ask::post("/api/polls", body).header("idempotency-key", "0123456789abcdef");
    held.call(key(POLL)).await;
    held.call(key(r#"{"question":"Other?","options":["a","b"]}"#)).await;
    for body in ["", "{", "[]", "{}", r#"{"question":"q","options":["a",1]}"#] {
        held.call(Ask::post("/api/polls", body)).await;
    }
    held.call(Ask::get("/api/polls?limit=0")).await;
    held.call(Ask::get("/api/leaderboard?limit=0")).await;
    held.call(Ask::get("/api/polls/999999")).await;
    let refused = Faults { unavailable: 1.0, ..Faults::NONE };
    let unknown = Faults { unknown_not_done: 1.0, ..Faults::NONE };
    for (reads, changes) in [(refused, Faults::NONE), (Faults::NONE, unknown)] {
        held.world.store.set_faults(StoreFaults { reads, changes, ..StoreFaults::NONE });
        held.call(key(r#"{"question":"Third?","options":["a","b"]}"#)).await;
        held.call(Ask::get("/api/polls")).await;
        held.call(Ask::get("/api/polls/999999")).await;
        held.call(Ask::get(format!("/api/polls/{id}/ballots/{}", ballot(1)))).await;
        for action in ["close", "reopen", "reveal", "reset"] {
            held.call(Ask::post(format!("/api/polls/{id}/{action}"), "").token(&token)).await;
        }
        held.call(Ask::get(format!("/api/polls/{words}/words")).token(&of_words)).await;
        let verdict = Ask::post(format!("/api/polls/{words}/moderate"), r#"{"approve":false}"#);
        held.call(verdict.token(&of_words)).await;
    }
    held.world.store.set_faults(StoreFaults::NONE);
    for path in ["/healthz", "/readyz", "/metrics", "/metrics"] {
        held.call(Ask::get(path)).await;
    }
    held.world.app.stopping.cancel();
    held.call(Ask::get("/readyz")).await;
    held.call(Ask::get("/api/events")).await;
    held.call(Ask::get(format!("/api/polls/{id}/events"))).await;
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_what_the_openapi_document_says() {
    let held = Held::new().await;
    resolves(&held.document, &held.document);
    a_polls_life(&held).await;
    drafts_of_every_kind(&held).await;
    answers_of_every_kind(&held).await;
    a_words_life(&held).await;
    an_events_life(&held).await;
    a_ballots_life(&held).await;
    figures(&held).await;
    trouble(&held).await;
    let mut unseen = BTreeSet::new();
    for (path, item) in held.document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            for status in operation["responses"].as_object().unwrap().keys() {
                let seen = held.seen.lock().contains(&(name.to_owned(), status.parse().unwrap()));
                // Streams do not end, so they are read below.
                if !seen && status.as_str() < "400" && !path.ends_with("/events") {
                    unseen.insert(format!("{name} {status}"));
                }
            }
        }
    }
    assert!(unseen.is_empty(), "documented, and never answered: {unseen:?}");
    assert!(held.seen.lock().len() > 80, "{:?}", held.seen.lock());
}

/// No OpenAPI document lists these routes: pages, the AsyncAPI document's WebSocket, and the documents.
const PAGES: [&str; 6] = ["/", "/ws", "/openapi.json", "/asyncapi.json", "/docs", "/docs/docs.css"];

/// Every route and method is in the OpenAPI document or among `PAGES`, and whatever the document lists exists.
#[tokio::test(start_paused = true)]
async fn no_way_in_is_undocumented() {
    let held = Held::new().await;
    let plain = |template: &str| {
        let template =
            template.strip_prefix("/api").filter(|rest| !rest.is_empty()).unwrap_or(template);
        template
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect::<Vec<_>>()
            .join("/")
    };
    let mut documented = BTreeSet::new();
    for (template, item) in held.document["paths"].as_object().unwrap() {
        documented.extend(
            item.as_object().unwrap().keys().map(|method| format!("{method} {}", plain(template))),
        );
    }
    documented.extend(PAGES.map(|page| format!("get {page}")));
    let mut there = BTreeSet::new();
    for path in templates().map(plain) {
        for method in
            ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "QUERY"]
        {
            for spelling in ["", "/api"] {
                let at = format!(
                    "{spelling}{}",
                    if path == "/" && !spelling.is_empty() { "" } else { &path }
                );
                let request = Ask::new(method, at).request();
                // Only the head is read, because streams do not end.
                let answer = held.world.router.clone().oneshot(request).await.unwrap();
                if answer.status() != 405 {
                    there.insert(format!("{} {path}", method.to_lowercase()));
                }
            }
        }
    }
    assert_eq!(there, documented);
}

/// Asserts that everything this client has heard is what the AsyncAPI document says.
fn hold(document: &Value, viewer: &TestViewer, seen: &mut BTreeSet<String>) {
    for message in &viewer.heard {
        let kind = message["type"].as_str().unwrap();
        let payload = &document["components"]["messages"][kind]["payload"];
        assert!(payload.is_object(), "{kind} is not documented: {message}");
        let found = faults(document, payload, message, kind);
        assert!(found.is_empty(), "{found:#?}");
        seen.insert(kind.to_owned());
    }
}

/// Sends a client's message, after comparing it with the document as well.
async fn say(document: &Value, viewer: &mut TestViewer, message: Value) {
    let kind = message["type"].as_str().unwrap();
    let payload = &document["components"]["messages"][kind]["payload"];
    let found = faults(document, payload, &message, kind);
    assert!(found.is_empty(), "{found:#?}");
    viewer.say(message).await;
}

/// Closes a poll behind the node's back: the node accepts a ballot that the log has after the close.
async fn a_late_vote(served: &Served, document: &Value, socket: &mut TestViewer) {
    let world = &served.world;
    let (id, _) = world.poll(POLL).await;
    world.settle().await;
    say(document, socket, json!({"type": "subscribe", "poll": id})).await;
    socket.catch_up().await;
    let before = world.store.standing(id.parse().unwrap()).await.unwrap().unwrap().poll;
    let mut closed = (*before).clone();
    closed.close(UnixMillis(NOON)).unwrap();
    world.store.change(&closed, before.revision).await.unwrap();
    let still = Faults { unavailable: 1.0, ..Faults::NONE };
    let faults = StoreFaults { reads: still.clone(), commits: still, ..StoreFaults::NONE };
    world.store.set_faults(faults);
    let other_node = world.cluster.node(2);
    for partition in 0..2 {
        let record = control::record(&closed, UnixMillis(NOON)).unwrap();
        other_node.append(partition, record).await.unwrap();
    }
    say(document, socket, json!({"type": "vote", "poll": id, "optionId": 1, "ref": "late"})).await;
    socket.until_type("vote.recorded").await;
    world.store.set_faults(StoreFaults::NONE);
    let late = socket.until_type("vote.late").await;
    assert_eq!(late["receipt"]["status"], "late");
    // Nobody promises which comes first, the ballot's fate or the poll's.
    let ended = |m: &Value| m["type"] == "poll.closed" && m["poll"]["id"] == id.as_str();
    if !socket.heard.iter().any(ended) {
        socket.until(ended).await;
    }
}

/// Connects a viewer to an event, and then brings the event's poll on stage.
async fn an_events_follower(served: &Served, document: &Value) -> TestViewer {
    let world = &served.world;
    let ask = |ask: Ask| async move { world.call(ask.request()).await.json() };
    let event = ask(Ask::post("/api/events", r#"{"title":"Conf"}"#)).await;
    let (id, token) = (event["id"].as_str().unwrap(), event["ownerToken"].as_str().unwrap());
    let path = format!("/api/events/{id}");
    let poll = ask(Ask::post(format!("{path}/polls"), POLL).token(token)).await;
    let mut follower = served.socket(&format!("?event={id}"), None).await;
    let hello = follower.until_type("hello").await;
    assert_eq!((&hello["event"]["id"], &hello["polls"]), (&json!(id), &json!([])));
    say(document, &mut follower, json!({"type": "auth", "token": token})).await;
    assert_eq!(follower.until_type("event.changed").await["event"]["polls"][0]["id"], poll["id"]);
    let show = json!({"poll": poll["id"]}).to_string();
    ask(Ask::post(format!("{path}/show"), show).token(token)).await;
    follower.until_type("poll.updated").await;
    follower
}

#[tokio::test]
async fn every_message_of_a_socket_is_what_the_asyncapi_document_says() {
    let served = serve(|config| config.watch.messages = (1_000, 1_000)).await;
    let world = &served.world;
    let document = world.call(Ask::get("/api/asyncapi.json").request()).await.json();
    resolves(&document, &document);
    let mut seen = BTreeSet::new();

    let mut all = served.socket("", None).await;
    all.until_type("hello").await;
    let (id, token) = world.poll(POLL).await;
    assert_eq!(all.until_type("poll.created").await["poll"]["id"], id.as_str());
    let mut one = served.socket(&format!("?poll={id}"), None).await;
    assert_eq!(one.until_type("hello").await["leaderboard"], Value::Null);

    let vote = |option: &str, ballot_id: Option<u64>, reference: Value| {
        let mut vote = json!({"type": "vote", "poll": id, "option": option, "ref": reference});
        if let Some(millis) = ballot_id {
            vote["ballotId"] = ballot(millis).into();
        }
        vote
    };
    say(&document, &mut one, vote("a", Some(2), json!(1))).await;
    one.until_type("vote.counted").await;
    all.until_type("leaderboard.changed").await;
    say(&document, &mut one, vote("b", Some(1), json!({"any": ["thing"]}))).await;
    let superseded = one.until_type("vote.replaced").await;
    assert_eq!(superseded["receipt"]["status"], "superseded");
    say(&document, &mut one, vote("b", Some(3), Value::Null)).await;
    one.until_type("vote.counted").await;
    for message in [
        json!({"type": "unsubscribe", "poll": id}),
        json!({"type": "subscribe", "poll": id}),
        json!({"type": "auth", "token": token}),
        json!({"type": "auth", "token": token, "poll": id}),
        json!({"type": "vote", "poll": id, "optionIds": [2]}),
        json!({"type": "vote", "poll": id, "options": ["a"]}),
        json!({"type": "vote", "poll": id, "option": "c", "ref": "wrong"}),
    ] {
        say(&document, &mut one, message).await;
    }
    one.until_type("error").await;
    one.say("no JSON").await;
    one.until_type("error").await;

    world.settle().await;
    let close = Ask::post(format!("/polls/{id}/close"), "").token(&token);
    assert_eq!(world.call(close.request()).await.status, 200);
    one.until(|message| message["poll"]["final"] == true).await;
    all.until_type("poll.closed").await;
    say(&document, &mut one, vote("a", Some(2), json!(2))).await;
    let replaced = one.until_type("vote.replaced").await;
    assert_eq!(replaced["receipt"]["status"], "replaced");

    let refuse = r#"{"question":"Once?","options":["a","b"],"revote":"refuse"}"#;
    let (once, _) = world.poll(refuse).await;
    for n in [1, 2] {
        let vote = json!({"type": "vote", "poll": once, "optionId": 1, "ballotId": ballot(n)});
        say(&document, &mut one, vote).await;
        one.until_type(if n == 1 { "vote.counted" } else { "vote.refused" }).await;
    }
    let hidden = r#"{"question":"Secret?","options":["a","b"],"results":"hidden"}"#;
    let (secret, _) = world.poll(hidden).await;
    say(&document, &mut one, json!({"type": "subscribe", "poll": secret})).await;
    say(&document, &mut one, json!({"type": "vote", "poll": secret, "optionId": 1})).await;
    let receipt = one.until_type("vote.counted").await["receipt"].clone();
    assert_eq!(receipt["position"], Value::Null);
    a_late_vote(&served, &document, &mut one).await;
    let mut late_comer = served.socket("", None).await;
    late_comer.until_type("hello").await;

    let mut follower = an_events_follower(&served, &document).await;

    for viewer in [&mut all, &mut one, &mut late_comer, &mut follower] {
        viewer.catch_up().await;
        hold(&document, viewer, &mut seen);
    }
    let operations = document["operations"].as_object().unwrap().iter();
    let sent = operations.filter(|(_, operation)| operation["action"] == "send");
    let sent: BTreeSet<String> = sent.map(|(name, _)| name.clone()).collect();
    assert_eq!(seen, sent, "every kind was heard, and no other");
}
