//! Anything at all, sent to the parsers of bodies, messages and queries: no panic, and never
//! an answer that is neither a success nor a well-formed problem.

#![allow(clippy::unwrap_used)]

mod api_support;

use std::sync::OnceLock;

use api_support::{Ask, World};
use pollux_server::api::problem::{Problem, ProblemDocument};
use pollux_server::api::query::Query;
use pollux_server::api::{draft, vote};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use serde_json::Value;
use tokio::runtime::Runtime;

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "(single|multiple|refuse|hidden|2027-01-01T00:00:00Z|JavaScript)".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(name(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Names that mean something, and others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(question|options|kind|maxChoices|revote|results|voterIds|listed|closesAt|open)",
        4 => "(type|poll|token|ref|option|optionId|options|optionIds|ballotId|voterId)",
        1 => ".{0,6}",
    ]
}

/// JSON, JSON that was cut or damaged, and bytes.
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
        if let Err(problem) = draft::create(&body) {
            is_well_formed(&problem)?;
        }
        if let Err(problem) = vote::read(&body) {
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

proptest! {
    #![proptest_config(Config::with_cases(1024))]

    #[test]
    fn any_request_is_answered_without_a_5xx(
        body in body(),
        query in "(limit|status|cursor|wait|at|poll)=[!-~]{0,10}",
        id in prop_oneof![Just(None), "[0-9]{5,13}".prop_map(Some), "[!-~]{1,20}".prop_map(Some)],
        route in 0..6_usize,
    ) {
        static WORLD: OnceLock<(Runtime, World, String, String)> = OnceLock::new();
        let (runtime, world, known, token) = WORLD.get_or_init(|| {
            let runtime = Runtime::new().unwrap();
            let world = runtime.block_on(World::with(|config| config.api.guesses = u32::MAX));
            let draft = r#"{"question":"q","options":["a","b"],"open":false}"#;
            let (id, token) = runtime.block_on(world.poll(draft));
            (runtime, world, id, token)
        });
        let escape = |text: String| text.replace(['#', '?', '/', '\\', '"', '<', '>', '`', '{', '}', '^', '|'], "%2F");
        let (query, id) = (escape(query), id.map_or_else(|| known.clone(), escape));
        let ask = match route {
            0 => Ask::post("/api/polls", body),
            1 => Ask::post(format!("/api/polls/{id}/vote?{query}"), body),
            2 => Ask::new("PATCH", format!("/api/polls/{id}")).json(body).token(token),
            3 => Ask::get(format!("/api/polls/{id}/ballots/{id}?{query}")),
            4 => Ask::get(format!("/api/polls?{query}")),
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
