//! The AsyncAPI 3.0 document, which describes the messages of the WebSocket and the records of the log's
//! topics. The schemas of polls, receipts and problems are those of the OpenAPI document.

use std::sync::LazyLock;

use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::openapi;
use crate::api::http::answer;
use crate::api::vote::shape::{VoteBody, how_answered};
use crate::watch::view::leaderboard::RankMove;

static JSON: LazyLock<Bytes> = LazyLock::new(|| {
    serde_json::to_vec_pretty(&whole()).expect("the document is plain data").into()
});

/// Answers with the document.
pub async fn document() -> Response {
    answer::served(&JSON)
}

/// Returns the messages that the server sends: name, members, the members that are always there, and when it
/// is sent.
fn sent() -> Vec<(&'static str, Value, &'static [&'static str], &'static str)> {
    let poll = || json!({"poll": schema("Poll")});
    let receipt = || json!({"ref": reference(), "receipt": schema("Receipt")});
    let leaderboard = json!({
        "leaderboard": schema("Leaderboard"),
        "sinceVersion": {"type": "integer", "description": "The version since which the places in `changes` have moved"},
        "changes": {"type": "array", "items": schema("RankMove")},
    });
    let hello = json!({
        "epoch": {"type": "string", "description": "The epoch of all versions. If it is not the one you knew, forget the versions you knew"},
        "polls": {"type": "array", "items": schema("Poll")},
        "leaderboard": {"oneOf": [{"type": "null"}, schema("Leaderboard")]},
        "event": schema("Event"),
    });
    let event = json!({"event": schema("Event")});
    let error = json!({"ref": reference(), "problem": schema("Problem")});
    vec![
        (
            "hello",
            hello,
            &["epoch", "polls", "leaderboard"],
            "The first message: the present state",
        ),
        ("poll.created", poll(), &["poll"], "A poll opened"),
        (
            "poll.updated",
            poll(),
            &["poll"],
            "A poll's newest state; a slow client is not sent every state",
        ),
        ("poll.closed", poll(), &["poll"], "A poll takes no more votes"),
        (
            "event.changed",
            event,
            &["event"],
            "The newest state of the event you follow; its current poll comes next",
        ),
        (
            "leaderboard.changed",
            leaderboard,
            &["leaderboard", "sinceVersion", "changes"],
            "The newest leaderboard, and what has moved on it",
        ),
        ("vote.recorded", receipt(), &["receipt"], "Your ballot is durable"),
        ("vote.counted", receipt(), &["receipt"], "Your ballot counts"),
        (
            "vote.replaced",
            receipt(),
            &["receipt"],
            "A newer ballot of yours counts instead; `status` says whether this one ever did",
        ),
        (
            "vote.refused",
            receipt(),
            &["receipt"],
            "Your ballot does not count: the poll counts only the first ballot of each voter",
        ),
        ("vote.late", receipt(), &["receipt"], "Your ballot came after the close"),
        ("error", error, &["problem"], "What you sent was not carried out"),
    ]
}

/// Returns the messages that the server accepts, in the same form.
fn taken() -> Vec<(&'static str, Value, &'static [&'static str], &'static str)> {
    static VOTE: LazyLock<String> =
        LazyLock::new(|| format!("Cast a ballot, with {}", how_answered()));
    let id = || json!({"type": "string", "description": "The poll's id or join code"});
    let text = || json!({"type": "string"});
    let mut vote = json!({"poll": id()});
    let body = serde_json::to_value(VoteBody::schema()).expect("a schema is plain data");
    let members = body["properties"].as_object().into_iter().flatten();
    for (name, schema) in members.filter(|(name, _)| *name != "voterId") {
        vote[name] = schema.clone();
    }
    vote["ballotId"]["description"] = "A UUIDv7. If the handshake had no cookie, the first ballot id names the voter of this socket. The same id names the same voter on every other socket".into();
    vote["voter"]["description"] = "The `voter` of an earlier receipt. After a reconnect without a cookie it makes the next ballot the same voter's".into();
    vote["ref"] = reference();
    let named = || json!({"poll": id(), "ref": reference()});
    let auth = json!({"token": text(), "poll": id(), "ref": reference()});
    vec![
        ("subscribe", named(), &["poll"], "Send me this poll now and whenever it changes"),
        ("unsubscribe", named(), &["poll"], "Stop sending me this poll"),
        (
            "auth",
            auth,
            &["token"],
            "Here is an owner's or a stage token for the polls or the event that I watch, or for `poll`",
        ),
        ("vote", vote, &["poll"], &VOTE),
    ]
}

/// Returns the topics with their descriptions, keys and values.
fn topics() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let object = |required: &[&str]| json!({"type": "object", "required": required});
    vec![
        (
            "polls",
            "A poll's or an event's newest state; compacted",
            "{pollId} or {eventId}",
            json!({"type": "object", "anyOf": [{"required": ["pollId"]}, {"required": ["eventId"]}]}),
        ),
        (
            "votes",
            "One record for each ballot, and control records. The first record of a partition is its genesis. Ballots that the server named (`namedBy`), and ballots in polls of another kind than a choice (`answer`), have version 2",
            "{pollId}/{voter}",
            object(&["v", "type"]),
        ),
        ("tallies", "Committed, absolute tallies; compacted", "{pollId}/{partition}", object(&[])),
        (
            "votes.dead",
            "Dead letters: copies of records of `votes` that are no valid ballot. Their headers say where the originals stand",
            "the key of the original",
            json!({}),
        ),
    ]
}

fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn reference() -> Value {
    json!({"description": "A value of your choice that comes back with the answers; at most 128 bytes of JSON"})
}

/// Describes one message of the socket. Its `type` is its name.
fn message(name: &str, members: &Value, required: &[&str], summary: &str) -> Value {
    let mut properties = json!({"type": {"const": name}});
    for (member, schema) in members.as_object().into_iter().flatten() {
        properties[member] = schema.clone();
    }
    let required: Vec<_> = std::iter::once("type").chain(required.iter().copied()).collect();
    json!({
        "name": name,
        "summary": summary,
        "contentType": "application/json",
        "payload": {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        },
    })
}

/// Builds the document.
pub fn whole() -> Value {
    let api = serde_json::to_value(openapi::whole());
    let mut api = api.expect("the document is plain data");
    let mut schemas = api["components"]["schemas"].take();
    let moved = RankMove::schema();
    schemas["RankMove"] = serde_json::to_value(moved).expect("a schema is plain data");

    let (mut messages, mut on_socket) = (json!({}), json!({}));
    let mut operations = json!({});
    for (action, list) in [("send", sent()), ("receive", taken())] {
        for (name, members, required, summary) in list {
            messages[name] = message(name, &members, required, summary);
            on_socket[name] = json!({"$ref": format!("#/components/messages/{name}")});
            operations[name] = json!({
                "action": action,
                "channel": {"$ref": "#/channels/socket"},
                "messages": [{"$ref": format!("#/channels/socket/messages/{name}")}],
            });
        }
    }
    let query = json!({"type": "object", "properties": {
        "poll": {"type": "array", "items": {"type": "string"}, "description": "Only these polls"},
        "event": {"type": "string", "description": "This event (id or join code) and its current poll, whichever that is"},
        "leaderboard": {"type": "string", "description": "Send the leaderboard, in addition to the polls that are named"},
    }});
    let mut channels = json!({"socket": {
        "address": "/ws",
        "title": "The WebSocket, which an Upgrade on / opens as well. /api/events streams the same messages of the server",
        "messages": on_socket,
        "bindings": {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}},
    }});
    for (topic, summary, key, payload) in topics() {
        channels[topic] = json!({
            "address": topic,
            "title": summary,
            "messages": {"record": {
                "contentType": "application/json",
                "payload": payload,
                "bindings": {"kafka": {
                    "key": {"type": "string", "description": key},
                    "bindingVersion": "0.5.0",
                }},
            }},
        });
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Pollux",
            "version": api["info"]["version"],
            "description": "Live results and votes over a WebSocket, and the records of the log.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    })
}
