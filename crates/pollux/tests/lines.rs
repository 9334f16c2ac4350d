//! The server's log lines are its own: whatever clients send, they write no line of it, move no cursor and
//! change no colour.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use support::Server;

/// This text would be a line of its own, and move the cursor of whoever reads the log.
const FORGED: &str =
    "x\r\nFORGED INFO all is well\u{1b}[2J\u{1b}]0;FORGED\u{7}\u{9b}31m\u{2028}FORGED\u{85}FORGED";
/// This is the same text where it is percent-encoded.
const ENCODED: &str = "x%0d%0aFORGED%20INFO%1b%5b2J%c2%9b31m%07FORGED";

/// Sends bytes as they are, and returns whether anything was answered.
fn send(server: &Server, bytes: &[u8]) -> bool {
    let mut tcp = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    tcp.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).is_ok() && !answer.is_empty()
}

fn request(method: &str, path: &str, headers: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn nobody_writes_lines_of_their_own_into_the_log() {
    for format in ["human", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("data");
        std::fs::create_dir(&folder).unwrap();
        let settings = [("POLLUX_LOG", "debug"), ("POLLUX_LOG_FORMAT", format)];
        let server = Server::start_with(&folder, &settings);
        // The server has said where and what it is before anybody asks it anything.
        let greeting = server.stderr();
        let poll = server.poll(&["A", "B"]);
        let vote = format!("/api/polls/{poll}/vote");
        let bodies = [
            (
                "/api/polls",
                json!({ "question": FORGED, "options": [FORGED, "B"], "colour": FORGED }),
            ),
            ("/api/events", json!({ "title": FORGED, "accent": FORGED, "embed": [FORGED] })),
            (&vote, json!({ "option": FORGED })),
            (&vote, json!({ "optionId": 1, "voterId": FORGED })),
            (&vote, json!({ "optionId": 1, "ballotId": FORGED })),
            (&vote, json!({ "optionId": 1, "voter": FORGED })),
            (&vote, json!({ FORGED: 1 })),
            (&vote, json!(FORGED)),
        ];
        for (path, body) in bodies {
            assert!(send(&server, &request("POST", path, "", &body)), "{path} {body}");
        }
        for path in [
            format!("/api/polls/{ENCODED}"),
            format!("/p/{ENCODED}"),
            format!("/{ENCODED}?poll={ENCODED}"),
        ]
        .into_iter()
        .chain(["poll", "limit", ENCODED].map(|name| format!("/api/status?{name}={ENCODED}")))
        .chain([format!("/api/polls/{poll}/ballots/{ENCODED}"), format!("/ws?poll={ENCODED}")])
        {
            for header in [
                "",
                "authorization: Bearer FORGED\u{85}FORGED\r\n",
                "x-forwarded-for: FORGED\u{9b}31m\r\n",
            ] {
                assert!(
                    send(&server, &request("GET", &path, header, &json!({}))),
                    "{path} {header}"
                );
            }
        }
        // A value that no header may hold ends the connection, and is reported without being repeated.
        for header in
            ["authorization", "cookie", "origin", "user-agent", "if-none-match", "idempotency-key"]
        {
            send(
                &server,
                &request(
                    "POST",
                    &format!("/api/polls/{poll}/close"),
                    &format!("{header}: {FORGED}\r\n"),
                    &json!({}),
                ),
            );
        }
        send(&server, format!("{FORGED}\r\n\r\n").as_bytes());
        let (status, _) = server.post_as("FORGED", &format!("/api/polls/{poll}/reset")).unwrap();
        assert_eq!(status, 403);

        let log = server.stderr().strip_prefix(&greeting).unwrap().to_owned();
        assert!(log.contains("token_wrong"), "what was refused is on record: {log}");
        for line in log.lines() {
            assert!(!line.chars().any(char::is_control) && !line.contains('\u{2028}'), "{line:?}");
            match format {
                "json" => assert!(
                    serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object()),
                    "{line:?}"
                ),
                _ => assert!(!line.starts_with("FORGED"), "{line:?}"),
            }
            assert!(!line.contains("FORGED"), "nothing that a user sends is in any line: {line:?}");
        }
    }
}
