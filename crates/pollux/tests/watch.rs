//! `pollux watch` connects to a server that plays a script: each socket is one list of messages, after which
//! it is dropped.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, accept};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn poll(version: u64, status: &str, is_final: bool) -> Value {
    json!({
        "id": ID, "code": "482913", "question": "Which?", "kind": "single", "status": status,
        "final": is_final, "round": 1, "revote": "replace", "maxChoices": 1, "results": "live",
        "revealed": true, "totalVotes": version, "totalVoters": version, "version": version,
        "listed": true, "voterIds": true, "createdAt": "2026-11-21T12:00:00.000Z",
        "closesAt": null, "closesAfter": null, "missedClosesAt": null,
        "closedAt": null, "eventId": null, "embed": [], "resultHash": null,
        "options": [{ "id": 1, "text": "Rust", "votes": version }],
    })
}

fn update(version: u64) -> Value {
    json!({ "type": "poll.updated", "poll": poll(version, "open", false) })
}

/// Starts a server whose sockets play these scripts one after another, and returns its URL. `GET` answers
/// with `state`, or 404 when there is none.
fn start(scripts: Vec<Vec<Value>>, state: Option<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let scripts = Arc::new(Mutex::new(scripts.into_iter()));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (scripts, state) = (scripts.clone(), state.clone());
            std::thread::spawn(move || converse(stream.unwrap(), &scripts, state));
        }
    });
    url
}

fn converse(
    mut stream: TcpStream,
    scripts: &Mutex<std::vec::IntoIter<Vec<Value>>>,
    state: Option<Value>,
) {
    // 64 bytes are enough to see the path; a request this small arrives whole.
    let mut start = [0; 64];
    let n = stream.peek(&mut start).unwrap();
    if start[..n].starts_with(b"GET /ws?poll=") {
        let Some(script) = scripts.lock().unwrap().next() else { return };
        let mut socket = accept(stream).unwrap();
        for message in script {
            socket.send(Message::text(message.to_string())).unwrap();
        }
        // The socket is dropped without a close, as by a crash, once `pollux watch` has read everything or is
        // gone.
        let _ = socket.get_mut().shutdown(std::net::Shutdown::Write);
        let _ = socket.get_mut().read_to_end(&mut Vec::new());
        return;
    }
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 2 {
        line.clear();
    }
    let (status, body) = match state {
        Some(state) => (200, state.to_string()),
        None => (404, json!({ "title": "No such poll" }).to_string()),
    };
    let length = body.len();
    let _ = write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
}

fn watch(url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pollux"))
        .env_clear()
        .args(["watch", "482913", "--url", url])
        .args(arguments)
        .output()
        .unwrap()
}

fn versions(output: &Output) -> Vec<u64> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["version"].as_u64().unwrap())
        .collect()
}

#[test]
fn each_update_is_a_line_until_the_result_is_final() {
    let hello = json!({
        "type": "hello", "epoch": "e", "polls": [poll(2, "open", false)], "leaderboard": null,
    });
    let stranger = json!({ "type": "something.new", "x": 1 });
    let closed = json!({ "type": "poll.closed", "poll": poll(4, "closed", false) });
    let last = json!({ "type": "poll.updated", "poll": poll(5, "closed", true) });
    let script = vec![hello, stranger, update(3), closed, last];
    let url = start(vec![script], Some(poll(1, "open", false)));
    let output = watch(&url, &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(versions(&output), [1, 2, 3, 4, 5]);
}

#[test]
fn a_broken_connection_is_made_again() {
    let last = json!({ "type": "poll.updated", "poll": poll(9, "closed", true) });
    let url = start(vec![vec![update(2)], vec![], vec![last]], Some(poll(2, "open", false)));
    let output = watch(&url, &["--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(versions(&output), [2, 9], "what is no news is not told again");
    assert!(String::from_utf8_lossy(&output.stderr).contains("connecting again"));
}

#[test]
fn without_a_terminal_plain_lines_are_written() {
    let url = start(Vec::new(), Some(poll(7, "open", false)));
    let output = watch(&url, &["--once"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "open, 7 votes  Rust: 7\n");
}

#[test]
fn a_poll_that_is_not_there_is_refused() {
    let url = start(Vec::new(), None);
    let output = watch(&url, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No such poll"));
}
