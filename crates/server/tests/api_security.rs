//! Each security event is recorded as a line of the log, as an operator's collector reads it, and is counted.
//! No line contains anything about a person.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use api_support::served::{Served, is_problem, rest, serve};
use api_support::{Ask, OPERATOR, World};
use futures_util::FutureExt;
use parking_lot::Mutex;
use pollux_server::api::problem::security::{EVENTS, LINES, WINDOW};
use pollux_server::config::Config;
use pollux_server::store::memory::{Faults, StoreFaults};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Error;
use tracing_subscriber::fmt::MakeWriter;

const QUESTION: &str = "Whom do you fear?";
const POLL: &str = r#"{"question":"Whom do you fear?","options":["This","That"]}"#;
const DRAFT: &str = r#"{"question":"Whom do you fear?","options":["This","That"],"open":false}"#;
const WRONG: &str = "a-token-that-somebody-has-made-up";
/// The trusted proxy reports this address of the client.
const ADDRESS: &str = "192.0.2.66";

/// This lock lets one test run at a time, because the log and the counters are the process's.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// `Written` keeps the bytes of the log so far.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// `Log` reads the log as `POLLUX_LOG_FORMAT=json` writes it.
struct Log {
    written: Written,
    read: usize,
    told: BTreeMap<String, u64>,
    _collects: tracing::subscriber::DefaultGuard,
    _alone: tokio::sync::MutexGuard<'static, ()>,
}

impl Log {
    async fn listen() -> Self {
        let alone = ALONE.lock().await;
        let written = Written::default();
        let log = tracing_subscriber::fmt().with_writer(written.clone()).json().finish();
        let collects = tracing::subscriber::set_default(log);
        let told = BTreeMap::new();
        Self { written, read: 0, told, _collects: collects, _alone: alone }
    }

    /// Returns the security events since the last call, as they were written.
    fn lines(&mut self) -> Vec<Value> {
        let written = String::from_utf8(self.written.0.lock().clone()).unwrap();
        let new = written[self.read..].lines().map(|line| serde_json::from_str(line).unwrap());
        let new: Vec<Value> =
            new.filter(|line: &Value| line["target"] == "pollux::security").collect();
        self.read = written.len();
        for line in &new {
            let times = 1.max(line["fields"]["left_out"].as_u64().unwrap_or(0));
            *self.told.entry(text(&line["fields"]["event"]).to_owned()).or_default() += times;
        }
        new
    }

    /// Returns the same in short: level, event, route, id, and whose token.
    fn short(&mut self) -> Vec<String> {
        let short = |line: &Value| {
            let fields = &line["fields"];
            let told = ["event", "route", "id", "by"].map(|name| text(&fields[name]));
            format!("{} {}", text(&line["level"]), told.join(" "))
        };
        self.lines().iter().map(short).collect()
    }

    /// Asserts that every event since the listening began was counted, and nothing else, and that no line of
    /// the log, of whatever target, contains one of these secrets.
    fn ends(mut self, before: &BTreeMap<String, u64>, world: &World, secrets: &[&str]) {
        assert!(self.lines().is_empty(), "all lines were looked at");
        for (name, count) in counted(world) {
            let told = self.told.get(&name).copied().unwrap_or(0);
            assert_eq!(count - before[&name], told, "{name}");
        }
        let written = String::from_utf8(self.written.0.lock().clone()).unwrap();
        for secret in secrets.iter().chain(&[QUESTION, WRONG, ADDRESS, OPERATOR, "127.0.0.1"]) {
            assert!(secret.len() > 5 && !written.contains(secret), "{secret}: {written}");
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// Returns what `/metrics` says of each event.
fn counted(world: &World) -> BTreeMap<String, u64> {
    let metrics = world.app.metrics.render(&world.app.hub, &*world.app.log);
    let count = |name: &str| {
        let start = format!("pollux_security_events_total{{event=\"{name}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("{name} is not exported")).parse().unwrap()
    };
    EVENTS.iter().map(|(_, name, _)| ((*name).to_owned(), count(name))).collect()
}

async fn behind_proxy(configure: impl FnOnce(&mut Config)) -> World {
    World::with(|config| {
        config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        configure(config);
    })
    .await
}

/// Returns a request of a client at [`ADDRESS`].
fn ask(method: &'static str, path: String) -> Ask {
    Ask::new(method, path).header("x-forwarded-for", ADDRESS)
}

async fn code(world: &World, id: &str, token: &str) -> String {
    let poll = world.call(Ask::get(format!("/api/polls/{id}")).token(token).request()).await;
    text(&poll.json()["code"]).to_owned()
}

async fn stage_token(world: &World, id: &str, token: &str) -> String {
    let stage = Ask::post(format!("/api/polls/{id}/stage"), "").token(token);
    text(&world.call(stage.request()).await.json()["stageToken"]).to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_a_line_that_says_where_and_not_who() {
    let mut log = Log::listen().await;
    let world = behind_proxy(|_| {}).await;
    let before = counted(&world);
    let (id, owner) = world.poll(POLL).await;
    let (draft, _) = world.poll(DRAFT).await;
    let event = world.call(Ask::post("/api/events", r#"{"title":"Here"}"#).request()).await.json();
    let event = text(&event["id"]);
    let (code, stage) = (code(&world, &id, &owner).await, stage_token(&world, &id, &owner).await);
    assert!(log.lines().is_empty(), "who has the right is refused nothing");

    let (id, draft, stage) = (&*id, &*draft, &*stage);
    for (method, path, token, name, route, about) in [
        ("POST", format!("/api/polls/{id}/close"), "", "token_missing", "/polls/{id}/close", id),
        ("POST", format!("/polls/{id}/reset"), WRONG, "token_wrong", "/polls/{id}/reset", id),
        ("DELETE", format!("/api/polls/{code}"), WRONG, "token_wrong", "/polls/{id}", "-"),
        ("DELETE", format!("/api/events/{event}"), WRONG, "token_wrong", "/events/{id}", event),
        ("GET", format!("/api/polls/{id}/export"), WRONG, "token_wrong", "/polls/{id}/export", id),
        (
            "POST",
            format!("/polls/{id}/reset"),
            stage,
            "stage_token_refused",
            "/polls/{id}/reset",
            id,
        ),
        (
            "POST",
            format!("/api/polls/{id}/token"),
            &owner,
            "operator_token_wrong",
            "/polls/{id}/token",
            id,
        ),
        ("GET", "/api/polls?all=true".into(), WRONG, "operator_token_wrong", "/polls", "-"),
        ("GET", "/api/status".into(), WRONG, "operator_token_wrong", "/status", "-"),
        ("GET", format!("/api/status?poll={id}"), WRONG, "token_wrong", "/status", "-"),
        ("GET", "/metrics".into(), WRONG, "operator_token_wrong", "/metrics", "-"),
        // These are answered as if there were no token, or no such poll.
        ("GET", format!("/api/polls/{id}"), WRONG, "token_wrong", "/polls/{id}", id),
        ("GET", format!("/polls/{id}/pulse"), WRONG, "token_wrong", "/polls/{id}/pulse", id),
        ("GET", format!("/api/polls/{id}/trend"), WRONG, "token_wrong", "/polls/{id}/trend", id),
        ("GET", format!("/api/polls/{code}"), WRONG, "token_wrong", "/polls/{id}", id),
        ("GET", format!("/api/events/{event}"), WRONG, "token_wrong", "/events/{id}", event),
        ("GET", format!("/api/events/{id}"), WRONG, "token_wrong", "/events/{id}", id),
        ("GET", format!("/api/polls/{draft}"), WRONG, "token_wrong", "/polls/{id}", draft),
        (
            "POST",
            format!("/api/polls/{draft}/open"),
            WRONG,
            "token_wrong",
            "/polls/{id}/open",
            draft,
        ),
        ("DELETE", format!("/api/events/{draft}"), WRONG, "token_wrong", "/events/{id}", draft),
        // A stage token sees what everybody sees, and a request without a token is nobody's in particular.
        ("GET", format!("/api/polls/{id}"), stage, "", "", ""),
        ("GET", format!("/api/polls/{id}"), "", "", "", ""),
        ("GET", format!("/api/polls/{draft}"), "", "", "", ""),
        ("GET", format!("/api/polls/{id}"), OPERATOR, "", "", ""),
    ] {
        let request = ask(method, path.clone());
        let request = if token.is_empty() { request } else { request.token(token) };
        let answer = world.call(request.request()).await;
        let expected = [format!("WARN {name} {route} {about} -")];
        let expected = if name.is_empty() { &[][..] } else { &expected };
        assert_eq!(log.short(), expected, "{method} {path}: {answer}");
    }
    log.ends(&before, &world, &[&owner, stage, &code]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_reached_is_a_line_that_says_which_and_not_whose() {
    let mut log = Log::listen().await;
    let world = behind_proxy(|config| {
        config.api.per_address = (1, 20);
        config.api.per_voter = (1, 2);
        config.api.guesses = 2;
        config.api.creations = (1, 1);
    })
    .await;
    let before = counted(&world);
    let (id, owner) = world.poll(POLL).await;
    let code = code(&world, &id, &owner).await;
    let vote = |path: String| {
        let body = r#"{"option":"This","voterId":"ada.lovelace"}"#;
        ask("POST", path).json(body)
    };
    let (by_id, by_code) = (format!("/api/polls/{id}/vote"), format!("/polls/{code}/vote"));
    for (times, ask, line) in [
        (2, vote(by_id.clone()), ""),
        (1, vote(by_id), &*format!("limit_of_voter /polls/{{id}}/vote {id}")),
        (1, vote(by_code), "limit_of_voter /polls/{id}/vote -"),
        (2, ask("GET", "/api/polls/100000".into()), ""),
        (1, ask("GET", "/api/polls/100001".into()), "limit_of_guesses /polls/{id} -"),
        (1, ask("POST", "/api/polls".into()).json(POLL), ""),
        (1, ask("POST", "/api/polls".into()).json(POLL), "limit_of_creations /polls -"),
        (11, ask("GET", "/healthz".into()), ""),
        (1, ask("GET", "/healthz".into()), "limit_of_address /healthz -"),
        (1, ask("GET", "/nowhere".into()), "limit_of_address - -"),
    ] {
        for _ in 0..times {
            let answer = world.call(ask.request()).await;
            assert_eq!(answer.status == 429, !line.is_empty(), "{ask}{answer}");
        }
        let expected = [format!("WARN {line} -")];
        let expected = if line.is_empty() { &[][..] } else { &expected };
        assert_eq!(log.short(), expected, "{ask}");
    }
    log.ends(&before, &world, &[&owner, &code, "ada.lovelace", "100001"]);
}

#[tokio::test]
async fn refusals_over_sockets_are_lines_as_well() {
    let mut log = Log::listen().await;
    let served = serve(|config| {
        config.api.connections = 4;
        config.api.connections_share = 50;
        config.api.per_voter = (1, 1);
        config.watch.subscriptions = 1;
    })
    .await;
    let world = &served.world;
    let before = counted(world);
    let (id, owner) = world.poll(POLL).await;
    let (other, _) = world.poll(POLL).await;
    let code = code(world, &id, &owner).await;

    let handshake = "GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        origin: https://elsewhere.example\r\n";
    let mut tcp = served.connect().await;
    tcp.write_all(format!("{handshake}\r\n").as_bytes()).await.unwrap();
    tcp.shutdown().await.unwrap();
    is_problem(&rest(&mut tcp).await, 403);
    assert_eq!(log.short(), ["WARN origin_refused /ws - -"]);
    drop(tcp);

    let mut viewer = served.socket(&format!("?poll={id}"), None).await;
    viewer.next().await;
    for (said, event, about) in [
        (json!({"type": "auth", "token": WRONG}), "token_wrong", "-"),
        (json!({"type": "auth", "token": WRONG, "poll": id}), "token_wrong", &*id),
        (json!({"type": "auth", "token": WRONG, "poll": code}), "token_wrong", "-"),
        (json!({"type": "auth", "token": owner}), "", ""),
        (json!({"type": "subscribe", "poll": other}), "limit_of_subscriptions", &other),
        (json!({"type": "vote", "poll": id, "optionId": 1}), "", ""),
        (json!({"type": "vote", "poll": id, "optionId": 2}), "", ""),
        (json!({"type": "vote", "poll": id, "optionId": 1}), "limit_of_voter", &id),
    ] {
        viewer.say(&said).await;
        viewer.catch_up().await;
        let expected = [format!("WARN {event} /ws {about} -")];
        let expected = if event.is_empty() { &[][..] } else { &expected };
        assert_eq!(log.short(), expected, "{said}");
    }

    let another = served.socket("", None).await;
    let Err(Error::Http(refused)) = served.try_socket("", None).await else { panic!("let in") };
    assert_eq!(refused.status(), 429);
    assert_eq!(log.short(), ["WARN limit_of_connections - - -"]);
    drop((viewer, another));
    log.ends(&before, world, &[&owner, &code, "elsewhere.example"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_is_a_line_that_says_by_whose_token() {
    let mut log = Log::listen().await;
    let world = behind_proxy(|_| {}).await;
    let before = counted(&world);
    let (id, owner) = world.poll(POLL).await;
    let code = code(&world, &id, &owner).await;
    let event = world.call(Ask::post("/api/events", r#"{"title":"Here"}"#).request()).await.json();
    let (event, host) = (text(&event["id"]), text(&event["ownerToken"]));
    let add = Ask::post(format!("/api/events/{event}/polls"), POLL).token(host);
    let part = world.call(add.request()).await.json();
    let part = text(&part["id"]);
    assert!(log.lines().is_empty(), "what is made can be unmade");

    for (method, path, token, lines) in [
        ("POST", format!("/api/polls/{id}/close"), &*owner, vec![]),
        (
            "POST",
            format!("/api/polls/{id}/reset"),
            &owner,
            vec![format!("poll_reset - {id} owner")],
        ),
        // The line for a join code names the poll's id.
        (
            "POST",
            format!("/polls/{code}/reset"),
            OPERATOR,
            vec![format!("poll_reset - {id} operator")],
        ),
        ("POST", format!("/api/polls/{id}/reset?phase=1"), &owner, vec![]),
        (
            "POST",
            format!("/api/polls/{id}/token"),
            OPERATOR,
            vec![format!("token_replaced - {id} operator")],
        ),
        (
            "DELETE",
            format!("/api/polls/{code}"),
            OPERATOR,
            vec![format!("poll_deleted - {id} operator")],
        ),
        (
            "POST",
            format!("/api/events/{event}/token"),
            OPERATOR,
            vec![
                format!("token_replaced - {event} operator"),
                format!("token_replaced - {part} event"),
            ],
        ),
        (
            "DELETE",
            format!("/api/events/{event}"),
            OPERATOR,
            vec![
                format!("poll_deleted - {part} event"),
                format!("event_deleted - {event} operator"),
            ],
        ),
    ] {
        let answer = world.call(ask(method, path.clone()).token(token).request()).await;
        let lines: Vec<_> = lines.iter().map(|line| format!("INFO {line}")).collect();
        assert_eq!(log.short(), lines, "{method} {path}: {answer}");
    }
    log.ends(&before, &world, &[&owner, host, &code]);
}

#[tokio::test(start_paused = true)]
async fn erased_words_are_on_record_and_hidden_ones_are_not() {
    let mut log = Log::listen().await;
    let world = behind_proxy(|_| {}).await;
    let before = counted(&world);
    let (id, owner) = world.poll(r#"{"question":"?","kind":"words"}"#).await;
    world.settle().await;
    let vote =
        Ask::post(format!("/api/polls/{id}/vote?wait=counted"), r#"{"answer":["Brontosaurus"]}"#);
    assert_eq!(world.call(vote.request()).await.status, 200);
    let words = Ask::get(format!("/api/polls/{id}/words")).token(&owner);
    let word = text(&world.call(words.request()).await.json()["words"][0]["id"]).to_owned();
    for (verdict, lines) in [
        (json!({"hide": [word], "approve": true}), vec![]),
        (json!({"erase": [word]}), vec![format!("INFO words_erased - {id} owner")]),
        (json!({"erase": [word]}), vec![]),
    ] {
        let path = format!("/api/polls/{id}/moderate");
        let answer = world.call(Ask::post(path, verdict.to_string()).token(&owner).request()).await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(log.short(), lines, "{verdict}");
    }
    log.ends(&before, &world, &[&owner, &word, "Brontosaurus"]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_another_event_takes_has_another_token() {
    let mut log = Log::listen().await;
    let world = behind_proxy(|_| {}).await;
    let before = counted(&world);
    let (id, owner) = world.poll(POLL).await;
    let event = world.call(Ask::post("/api/events", r#"{"title":"Here"}"#).request()).await.json();
    let (event, host) = (text(&event["id"]), text(&event["ownerToken"]));
    let take = |token: &str| {
        let body = json!({"pollId": id, "pollToken": token}).to_string();
        world.call(Ask::post(format!("/api/events/{event}/polls"), body).token(host).request())
    };
    assert_eq!(take(WRONG).await.status, 403);
    assert_eq!(log.short(), [format!("WARN token_wrong /events/{{id}}/polls {event} -")]);
    assert_eq!(take(&owner).await.status, 201);
    assert_eq!(log.short(), [format!("INFO token_replaced - {id} owner")]);
    log.ends(&before, &world, &[&owner, host]);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_before_the_answer_is_on_record_as_well() {
    let mut log = Log::listen().await;
    let world = behind_proxy(|_| {}).await;
    let (id, owner) = world.poll(POLL).await;
    let delete = ask("DELETE", format!("/api/polls/{id}")).token(&owner);
    // The request has begun, and then nobody waits for it any more.
    assert!(Box::pin(world.call(delete.request())).now_or_never().is_none());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let gone = world.call(Ask::get(format!("/api/polls/{id}")).request()).await;
    assert_eq!(gone.status, 404, "{gone}");
    assert_eq!(log.short(), [format!("INFO poll_deleted - {id} owner")]);
}

/// The store makes the change and answers too late for the client, or says that it does not know and is slow
/// to be looked at. A change that is found to be made is recorded all the same, and once.
#[tokio::test(start_paused = true)]
async fn what_is_found_made_behind_the_clients_back_is_on_record_as_well() {
    const SECOND: Duration = Duration::from_secs(1);
    let slow = |delay: Duration| Faults { delay: delay..delay + SECOND / 10, ..Faults::NONE };
    let mute = StoreFaults { changes: slow(4 * SECOND), ..StoreFaults::NONE };
    let unsure = Faults { unknown_done: 1.0, ..slow(2 * SECOND) };
    let unsure = StoreFaults { changes: unsure, ..StoreFaults::NONE };
    let lost = Faults { unknown_not_done: 1.0, ..slow(2 * SECOND) };
    let lost = StoreFaults { changes: lost, ..StoreFaults::NONE };
    let mut log = Log::listen().await;
    let world = behind_proxy(|_| {}).await;
    let event = world.call(Ask::post("/api/events", r#"{"title":"Here"}"#).request()).await.json();
    let (event, host) = (text(&event["id"]), text(&event["ownerToken"]));
    for (what, faults) in [("mute", &mute), ("unsure", &unsure), ("lost", &lost)] {
        let (id, owner) = world.poll(POLL).await;
        for (method, path, token, line) in [
            ("POST", format!("/api/polls/{id}/reset"), &*owner, format!("poll_reset - {id} owner")),
            ("POST", format!("/api/polls/{id}/close"), &owner, String::new()),
            (
                "DELETE",
                format!("/api/polls/{id}"),
                OPERATOR,
                format!("poll_deleted - {id} operator"),
            ),
            (
                "DELETE",
                format!("/api/events/{event}"),
                host,
                format!("event_deleted - {event} owner"),
            ),
        ] {
            if what == "unsure" && path.contains("events") {
                continue;
            }
            world.store.set_faults(faults.clone());
            let (answer, ()) =
                tokio::join!(world.call(ask(method, path.clone()).token(token).request()), async {
                    tokio::time::sleep(SECOND * 2 / 3).await;
                    world
                        .store
                        .set_faults(StoreFaults { reads: slow(2 * SECOND), ..StoreFaults::NONE });
                });
            assert_eq!(answer.status, 504, "{what} {method} {path}: {answer}");
            assert!(log.lines().is_empty(), "{what} {method} {path}: it was not looked at yet");
            tokio::time::sleep(10 * SECOND).await;
            let made = what != "lost" && !line.is_empty();
            let expected = [format!("INFO {line}")];
            assert_eq!(
                log.short(),
                if made { &expected[..] } else { &[] },
                "{what} {method} {path}"
            );
            world.store.set_faults(StoreFaults::NONE);
            if what == "lost" {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_writes_a_bounded_number_of_lines_and_then_says_how_many_it_left_out() {
    let mut log = Log::listen().await;
    let world = behind_proxy(|config| config.api.per_address = (1, 1)).await;
    let before = counted(&world);
    let flood = async |times: u32| {
        for _ in 0..times {
            world.call(ask("GET", "/healthz".into()).request()).await;
        }
    };
    flood(1).await;
    flood(LINES + 70).await;
    let lines = log.short();
    assert_eq!(lines.len(), LINES as usize);
    assert!(lines.iter().all(|line| line == "WARN limit_of_address /healthz - -"), "{lines:?}");

    // Another event has its own lines, and the end of the flood is reported without a further refusal.
    let wrong = Ask::get("/api/status").token(WRONG).request();
    world.call(wrong).await;
    assert_eq!(log.short(), ["WARN operator_token_wrong /status - -"]);
    world.app.security.flush(false);
    assert!(log.lines().is_empty(), "the window is not over");
    tokio::time::advance(WINDOW).await;
    world.app.security.flush(false);
    let left_out = log.lines();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    assert_eq!(left_out[0]["fields"]["event"], "limit_of_address");
    assert_eq!(left_out[0]["fields"]["left_out"], 70);
    world.app.security.flush(true);
    assert!(log.lines().is_empty(), "told once");

    // A flood that goes on is reported as it goes on, and what is left when the process ends is reported
    // then.
    flood(1).await;
    flood(LINES + 5).await;
    tokio::time::advance(WINDOW).await;
    flood(1).await;
    flood(LINES + 7).await;
    world.app.security.flush(true);
    let told: Vec<_> =
        log.lines().iter().filter_map(|l| l["fields"]["left_out"].as_u64()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    log.ends(&before, &world, &[]);
}

#[tokio::test]
async fn what_was_left_out_is_told_before_the_process_ends() {
    let mut log = Log::listen().await;
    let Served { world, shutdown, server, .. } = serve(|_| {}).await;
    let (id, _) = world.poll(POLL).await;
    for _ in 0..LINES + 5 {
        let wrong = Ask::post(format!("/api/polls/{id}/close"), "").token(WRONG);
        world.call(wrong.request()).await;
    }
    assert_eq!(log.lines().len(), LINES as usize);
    shutdown.cancel();
    server.await.unwrap();
    let end = log.lines();
    assert_eq!(end.len(), 1, "{end:?}");
    assert_eq!(end[0]["fields"]["left_out"], 5);
}

#[tokio::test(start_paused = true)]
async fn a_line_says_when_in_utc_and_is_one_object_of_known_members() {
    let mut log = Log::listen().await;
    let world = behind_proxy(|_| {}).await;
    let (id, owner) = world.poll(POLL).await;
    let forged = "\n{\"target\":\"pollux::security\",\"fields\":{\"event\":\"poll_deleted\"}}\n";
    let wrong = ask("POST", format!("/api/polls/{id}/close")).token(WRONG).body(forged);
    world.call(wrong.request()).await;
    world.call(ask("POST", format!("/api/polls/{id}/reset")).token(&owner).request()).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, members) in
        lines.iter().zip([["event", "id", "message", "route"], ["by", "event", "id", "message"]])
    {
        let when: jiff::Timestamp = text(&line["timestamp"]).parse().unwrap();
        assert!(text(&line["timestamp"]).ends_with('Z'), "{line}");
        let ago = jiff::Timestamp::now().duration_since(when);
        assert!(ago.abs() < jiff::SignedDuration::from_mins(5), "{line}");
        let own = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(own(line), ["fields", "level", "target", "timestamp"]);
        assert_eq!(own(&line["fields"]), members);
    }
}

#[test]
fn every_event_is_documented() {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let (_, section) = manual.split_once("\n## Security events\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let first_cells = rows.filter_map(|row| row.split('|').nth(1));
    let told: Vec<_> = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let mut names: Vec<_> = EVENTS.iter().map(|(_, name, _)| *name).collect();
    let mut documented = told.clone();
    names.sort_unstable();
    documented.sort_unstable();
    assert_eq!(documented, names);
    assert!(section.contains(&format!("at most {LINES} lines are written a minute")));
    assert_eq!(WINDOW, Duration::from_secs(60));
}
