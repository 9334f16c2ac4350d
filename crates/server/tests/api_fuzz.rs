//! Anything at all is sent to the parsers of bodies, messages and queries, and over WebSockets: nothing
//! panics, and every answer is a success or a well-formed problem.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::sync::OnceLock;

use api_support::served::{PATIENCE, Served, TestViewer, serve};
use api_support::{Ask, World};
use parking_lot::Mutex;
use pollux_server::api::http::query::Query;
use pollux_server::api::poll::draft;
use pollux_server::api::problem::{Problem, ProblemDocument};
use pollux_server::api::vote::ballot;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::{Error, Message};

/// What is encoded twice is decoded once: what remains is text, and no name that means something.
#[tokio::test(start_paused = true)]
async fn what_is_encoded_twice_is_decoded_once() {
    let world = World::new().await;
    let (id, token) = world.poll(r#"{"question":"Which?","options":["%41","A"]}"#).await;
    let code = world.call(Ask::get(format!("/api/polls/{id}")).request()).await.json();
    let code = code["code"].as_str().unwrap();
    let twice = |text: &str| text.bytes().map(|byte| format!("%25{byte:02x}")).collect::<String>();
    let once = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let status = async |path: String, token: Option<&str>| {
        let ask = token.into_iter().fold(Ask::get(path), Ask::token);
        world.call(ask.request()).await.status.as_u16()
    };
    for name in [&*id, code] {
        assert_eq!(status(format!("/api/polls/{}", once(name)), None).await, 200, "{name}");
        assert_eq!(status(format!("/api/polls/{}", twice(name)), None).await, 404, "{name}");
        assert_eq!(status(format!("/api/status?poll={}", once(name)), Some(&token)).await, 200);
        assert_eq!(status(format!("/api/status?poll={}", twice(name)), Some(&token)).await, 404);
    }
    for (path, expected) in [
        (format!("/api/polls?limit={}", once("5")), 200),
        (format!("/api/polls?limit={}", twice("5")), 400),
        (format!("/api/polls?{}=x", once("limit")), 400),
        (format!("/api/polls?{}=x", twice("limit")), 200),
        (format!("/api/polls/{code}%252fexport"), 404),
        (format!("/api/polls/{code}%2fexport"), 404),
        (format!("/assets/{}", twice("../secret")), 404),
    ] {
        assert_eq!(status(path.clone(), None).await, expected, "{path}");
    }
    // JSON's own escapes are read once, and percent signs mean nothing to it.
    for (option, status) in [
        ("%41", 202),
        (r"\u0025\u0034\u0031", 202),
        (r"\u0041", 202),
        (r"\\u0041", 422),
        ("%2541", 422),
    ] {
        let body = format!(r#"{{"option":"{option}"}}"#);
        let cast = world.call(Ask::post(format!("/api/polls/{id}/vote"), body).request()).await;
        assert_eq!(cast.status, status, "{option}: {cast}");
    }
    world.settle().await;
    let poll = world.call(Ask::get(format!("/api/polls/{id}")).request()).await.json();
    let votes = [0, 1].map(|at| poll["options"][at]["votes"].as_u64().unwrap());
    assert_eq!(votes, [2, 1], "{poll}");
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "(single|multiple|rating|ranking|points|number|words|refuse|hidden|2027-01-01T00:00:00Z|JavaScript)"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(name(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Generates names that mean something, and others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(question|options|kind|maxChoices|revote|results|voterIds|listed|closesAt|open)",
        2 => "(statements|steps|lowest|lowLabel|highLabel|symbol|places|budget|min|max|step|unit|solution)",
        2 => "(maxWords|approve|show|hide|erase)",
        4 => "(type|poll|token|ref|option|optionId|options|optionIds|answer|ballotId|voterId)",
        1 => ".{0,6}",
    ]
}

/// Generates JSON, JSON that was cut or damaged, and bytes.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => json().prop_map(|value| value.to_string().into_bytes()),
        1 => (json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut text = value.to_string().into_bytes();
            let at = at.index(text.len());
            text[at] = byte;
            text
        }),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

fn is_well_formed(problem: &Problem) -> Result<(), TestCaseError> {
    let text = problem.to_json();
    let document: ProblemDocument = serde_json::from_slice(&text).unwrap();
    prop_assert!((400..600).contains(&document.status));
    prop_assert!(document.r#type.starts_with("/docs/errors/"));
    prop_assert!(!document.detail.is_empty(), "{:?}", String::from_utf8_lossy(&text));
    Ok(())
}

proptest! {
    #![proptest_config(Config::with_cases(4096))]

    #[test]
    fn any_body_reads_or_is_a_problem(body in body()) {
        if let Err(problem) = draft::create(&body, true) {
            is_well_formed(&problem)?;
        }
        if let Err(problem) = ballot::read(&body) {
            is_well_formed(&problem)?;
        }
        let draft = pollux_core::poll::Draft::new("q", ["a", "b"]);
        if let Err(problem) = draft::patch(&body, draft) {
            is_well_formed(&problem)?;
        }
    }

    #[test]
    fn any_query_reads_or_is_a_problem(text in "[!-~]{0,40}") {
        let Ok(uri) = format!("/?{}", text.replace('#', "%")).parse() else { return Ok(()) };
        match Query::of(&uri) {
            Err(problem) => is_well_formed(&problem)?,
            Ok(query) => if let Err(problem) = query.number("limit", 1, (1, 9)) {
                is_well_formed(&problem)?;
            },
        }
    }
}

/// `Fuzzed` is a world with a draft of a choice and an open poll of words, each with its id and its owner's token.
type Fuzzed = (Runtime, World, [(String, String); 2]);

proptest! {
    #![proptest_config(Config::with_cases(1024))]

    #[test]
    fn any_request_is_answered_without_a_5xx(
        body in body(),
        query in "(limit|status|cursor|wait|at|poll|state)=[!-~]{0,10}",
        id in prop_oneof![Just(None), "[0-9]{5,13}".prop_map(Some), "[!-~]{1,20}".prop_map(Some)],
        route in 0..9_usize,
    ) {
        static WORLD: OnceLock<Fuzzed> = OnceLock::new();
        let (runtime, world, [(known, token), (words, of_words)]) = WORLD.get_or_init(|| {
            let runtime = Runtime::new().unwrap();
            let world = runtime.block_on(World::with(|config| config.api.guesses = u32::MAX));
            let draft = r#"{"question":"q","options":["a","b"],"open":false}"#;
            let choice = runtime.block_on(world.poll(draft));
            let words = runtime.block_on(world.poll(r#"{"question":"q","kind":"words"}"#));
            (runtime, world, [choice, words])
        });
        let escape = |text: String| text.replace(['#', '?', '/', '\\', '"', '<', '>', '`', '{', '}', '^', '|'], "%2F");
        let (query, id) = (escape(query), id.map_or_else(|| known.clone(), escape));
        let ask = match route {
            0 => Ask::post("/api/polls", body),
            1 => Ask::post(format!("/api/polls/{id}/vote?{query}"), body),
            2 => Ask::new("PATCH", format!("/api/polls/{id}")).json(body).token(token),
            3 => Ask::get(format!("/api/polls/{id}/ballots/{id}?{query}")),
            4 => Ask::get(format!("/api/polls?{query}")),
            5 => Ask::post(format!("/api/polls/{words}/vote"), body),
            6 => Ask::post(format!("/api/polls/{words}/moderate"), body).token(of_words),
            7 => Ask::get(format!("/api/polls/{words}/words?{query}")).token(of_words),
            _ => Ask::get(format!("/api/leaderboard?{query}")),
        };
        let answer = runtime.block_on(world.call(ask.request()));
        prop_assert!(!answer.status.is_server_error(), "{ask}{answer}");
        if answer.status.is_client_error() {
            let document: ProblemDocument = serde_json::from_slice(&answer.body).unwrap();
            prop_assert_eq!(document.status, answer.status.as_u16());
            prop_assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
}

/// `Sent` is what a client sends over its socket.
#[derive(Clone, Debug)]
enum Sent {
    Text(String),
    /// Bytes in a text frame, whether they are text or not.
    Bytes(Vec<u8>),
    /// A text in two frames.
    Parts(String, usize),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    /// Bytes that may not even be a frame.
    Raw(Vec<u8>),
}

/// Generates a message that a client could mean, or nearly; `POLL` and `TOKEN` stand for the real ones.
fn message() -> impl Strategy<Value = Value> {
    let text = |values: &'static [&'static str]| prop::sample::select(values).prop_map(Value::from);
    let member = prop_oneof![
        4 => text(&["vote", "vote", "subscribe", "unsubscribe", "auth", "hello", ""])
            .prop_map(|value| ("type", value)),
        4 => text(&["POLL", "POLL", "999999", "123", "\u{0}", "01890a5d-ac96-774b-bcce-b302099a8057"])
            .prop_map(|value| ("poll", value)),
        2 => text(&["a", "b", " a ", "c", "é"]).prop_map(|value| ("option", value)),
        2 => (0..4_i64).prop_map(|value| ("optionId", value.into())),
        1 => prop::collection::vec(0..4_i64, 0..3).prop_map(|value| ("optionIds", value.into())),
        1 => text(&["TOKEN", "wrong", ""]).prop_map(|value| ("token", value)),
        1 => json().prop_map(|value| ("ref", value)),
        1 => text(&["01890a5d-ac96-774b-bcce-b302099a8057", "x"]).prop_map(|value| ("ballotId", value)),
        1 => (prop::sample::select(&["type", "poll", "option", "token", "options"][..]), json()),
    ];
    prop::collection::vec(member, 0..6).prop_map(|members| {
        let mut said = serde_json::json!({"type": "vote", "poll": "POLL"});
        for (name, value) in members {
            said[name] = value;
        }
        said
    })
}

fn sent() -> impl Strategy<Value = Sent> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..80);
    prop_oneof![
        12 => message().prop_map(|message| Sent::Text(message.to_string())),
        1 => json().prop_map(|value| Sent::Text(value.to_string())),
        1 => ".{0,40}".prop_map(Sent::Text),
        1 => (4000..4200_usize).prop_map(|length| Sent::Text("x".repeat(length))),
        1 => (message(), 0..20_usize).prop_map(|(message, at)| Sent::Parts(message.to_string(), at)),
        1 => bytes().prop_map(Sent::Bytes),
        1 => bytes().prop_map(Sent::Binary),
        1 => bytes().prop_map(Sent::Ping),
        1 => bytes().prop_map(Sent::Raw),
    ]
}

/// Returns a frame with a mask of zeroes.
fn frame(first: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match content.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(content);
    frame
}

/// `End` says how a conversation ended.
#[derive(Debug, PartialEq)]
enum End {
    /// The server still answers.
    Open,
    /// The server said why it closes.
    Closed,
    /// The connection ended without a close frame.
    Gone,
}

/// Sends everything, then a message that has an answer, and checks what is heard until then.
async fn converse(socket: &mut TestViewer, sent: &[Sent]) -> End {
    let raw: Vec<u8> = sent
        .iter()
        .flat_map(|sent| match sent {
            Sent::Text(text) => frame(0x81, text.as_bytes()),
            Sent::Bytes(bytes) => frame(0x81, bytes),
            Sent::Parts(text, at) => {
                let (first, second) = text.as_bytes().split_at((*at).min(text.len()));
                [frame(0x01, first), frame(0x80, second)].concat()
            }
            Sent::Binary(bytes) => frame(0x82, bytes),
            Sent::Ping(bytes) => frame(0x89, bytes),
            Sent::Raw(bytes) => bytes.clone(),
        })
        .chain(frame(0x81, br#"{"type":"unknown","ref":"the end"}"#))
        .collect();
    // A server that has heard enough may close before everything is sent.
    let _ = socket.socket.get_mut().write_all(&raw).await;
    if sent.iter().any(|sent| matches!(sent, Sent::Raw(_))) {
        // The bytes may be half a frame: then silence is the right answer.
        let _ = socket.socket.get_mut().shutdown().await;
    }
    loop {
        match socket.frame().await {
            None | Some(Err(Error::ConnectionClosed)) => return End::Closed,
            Some(Ok(Message::Close(reason))) => {
                assert!(reason.is_some(), "closed without a reason");
                let _ = socket.socket.close(None).await;
            }
            Some(Ok(Message::Text(text))) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["ref"] == "the end" {
                    return End::Open;
                }
                socket.heard.push(message);
            }
            Some(Ok(_)) => {}
            Some(Err(_)) => return End::Gone,
        }
    }
}

/// Returns whether a message has exactly one immediate answer: an error, or a receipt.
fn is_answered(sent: &Sent) -> bool {
    let text = match sent {
        Sent::Text(text) | Sent::Parts(text, _) => text,
        Sent::Bytes(bytes) => return std::str::from_utf8(bytes).is_ok(),
        Sent::Binary(_) | Sent::Ping(_) | Sent::Raw(_) => return false,
    };
    let said: Value = serde_json::from_str(text).unwrap_or_default();
    !matches!(said["type"].as_str(), Some("subscribe" | "unsubscribe" | "auth"))
}

/// Returns whether a message is an answer: an error, a receipt, or the decision on a ballot that was there
/// before, which is sent at once.
fn is_answer(message: &Value, heard: &[Value]) -> bool {
    let ballot = &message["receipt"]["ballotId"];
    let recorded =
        |other: &Value| other["type"] == "vote.recorded" && other["receipt"]["ballotId"] == *ballot;
    match message["type"].as_str() {
        Some("error" | "vote.recorded") => true,
        Some(kind) => kind.starts_with("vote.") && !heard.iter().any(recorded),
        None => false,
    }
}

/// A `Talk` has the runtime, the server, the socket of a bystander, the poll and its token.
type Talk = (Runtime, Served, Mutex<TestViewer>, String, String);

proptest! {
    #![proptest_config(Config::with_cases(512))]

    #[test]
    fn whatever_a_socket_says_it_is_answered_or_closed_and_others_do_not_notice(
        sent in prop::collection::vec(sent(), 1..8),
    ) {
        static TALK: OnceLock<Talk> = OnceLock::new();
        let (runtime, served, bystander, poll, token) = TALK.get_or_init(|| {
            let runtime = Runtime::new().unwrap();
            let (served, bystander, poll, token) = runtime.block_on(async {
                let served = serve(|config| {
                    config.api.guesses = u32::MAX;
                    config.watch.messages = (100_000, 100_000);
                })
                .await;
                let poll = r#"{"question":"q","options":["a","b"]}"#;
                let (poll, token) = served.world.poll(poll).await;
                let bystander = served.socket(&format!("?poll={poll}"), None).await;
                (served, Mutex::new(bystander), poll, token)
            });
            (runtime, served, bystander, poll, token)
        });
        let real = |text: String| text.replace("POLL", poll).replace("TOKEN", token);
        let sent: Vec<Sent> = sent.into_iter().map(|sent| match sent {
            Sent::Text(text) => Sent::Text(real(text)),
            Sent::Parts(text, at) => {
                let text = real(text);
                let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
                Sent::Parts(text, at.unwrap_or(0))
            }
            other => other,
        }).collect();
        let mut bystander = bystander.lock();
        runtime.block_on(async {
            let mut socket = served.socket("?leaderboard", None).await;
            let end = converse(&mut socket, &sent).await;
            let raw = sent.iter().any(|sent| matches!(sent, Sent::Raw(_)));
            prop_assert!(end != End::Gone || raw, "gone without a word");
            if end == End::Open {
                let answers = socket.heard.iter().filter(|heard| is_answer(heard, &socket.heard));
                let (answers, least) = (answers.count(), sent.iter().filter(|s| is_answered(s)).count());
                let most = sent.iter().filter(|s| !matches!(s, Sent::Ping(_))).count();
                prop_assert!(raw || (least..=most).contains(&answers), "{answers}: {:#?}", socket.heard);
            }
            for problem in socket.heard.iter().filter_map(|heard| heard.get("problem")) {
                let document: ProblemDocument = serde_json::from_value(problem.clone()).unwrap();
                prop_assert!((400..500).contains(&document.status), "{problem}");
            }
            drop(socket);
            let one = tokio::time::timeout(PATIENCE, bystander.catch_up()).await;
            prop_assert!(one.is_ok());
            bystander.heard.clear();
            Ok(())
        })?;
    }
}
