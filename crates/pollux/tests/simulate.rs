//! `pollux simulate` votes at a server that misbehaves as told: the tests say what is sent again, under which
//! ballot id, and with which exit code it ends.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// `Act` is what the server does with a vote.
#[derive(Clone, Copy)]
enum Act {
    /// It answers with this status.
    Answer(u16),
    /// It reads the request, then closes the connection without an answer.
    Vanish,
}
use Act::{Answer, Vanish};

const POLL: &str = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","code":"482913",
    "question":"Which?","status":"open","kind":"single","maxChoices":1,"voterIds":true,
    "options":[{"id":1,"text":"a"},{"id":2,"text":"b"}]}"#;

/// `Server` serves one poll; `act` says what it does with the n-th attempt (from 0) of a ballot.
struct Server {
    url: String,
    /// The bodies of all attempts, by ballot id.
    votes: Arc<Mutex<BTreeMap<String, Vec<Value>>>>,
}

impl Server {
    fn start(act: fn(usize) -> Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let votes = Arc::new(Mutex::new(BTreeMap::new()));
        let seen = votes.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let seen = seen.clone();
                std::thread::spawn(move || converse(stream.unwrap(), act, &seen));
            }
        });
        Self { url, votes }
    }

    fn simulate(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pollux"))
            .env_clear()
            .args(["simulate", "--json", "--poll", "482913", "--url", &self.url])
            .args(arguments)
            .output()
            .unwrap()
    }
}

fn converse(stream: TcpStream, act: fn(usize) -> Act, seen: &Mutex<BTreeMap<String, Vec<Value>>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if reader.read_until(b'\n', &mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        let (status, answer) = if head.starts_with("post") {
            let vote: Value = serde_json::from_slice(&body).unwrap();
            let ballot = vote["ballotId"].as_str().unwrap().to_owned();
            let mut seen = seen.lock().unwrap();
            let attempts = seen.entry(ballot).or_default();
            attempts.push(vote);
            match act(attempts.len() - 1) {
                Vanish => return,
                Answer(status) => (status, r#"{"title":"As told"}"#),
            }
        } else {
            (200, POLL)
        };
        let length = answer.len();
        write!(writer, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{answer}").unwrap();
    }
}

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn what_is_not_known_is_sent_again_under_the_same_id() {
    let server = Server::start(|attempt| match attempt {
        0 => Answer(504),
        1 => Vanish,
        2 => Answer(503),
        3 => Answer(429),
        _ => Answer(202),
    });
    let output = server.simulate(&["--voters", "3", "--rate", "max", "--connections", "2"]);
    assert_eq!(output.status.code(), Some(0));
    let summary = summary(&output);
    assert_eq!(summary["acknowledged"], 3);
    assert_eq!(summary["retries"], 12);
    let votes = server.votes.lock().unwrap();
    assert_eq!(votes.len(), 3);
    for attempts in votes.values() {
        assert_eq!(attempts.len(), 5);
        assert!(attempts.iter().all(|attempt| *attempt == attempts[0]), "{attempts:?}");
    }
}

#[test]
fn a_ballot_that_may_have_arrived_stays_unknown_whatever_is_said_later() {
    let server = Server::start(|attempt| if attempt == 0 { Vanish } else { Answer(409) });
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    let output = server.simulate(&["--voters", "2", "--ledger", ledger.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(5));
    let summary = summary(&output);
    assert_eq!((&summary["unknown"], &summary["failed"]), (&2.into(), &0.into()));
    let lines = std::fs::read_to_string(ledger).unwrap();
    let votes = server.votes.lock().unwrap();
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["outcome"], "unknown");
        let sent = &votes[line["ballotId"].as_str().unwrap()][0];
        assert_eq!(line["voterId"], sent["voterId"]);
        assert!(line["optionIds"][0].is_u64(), "{line}");
        assert_eq!(line["optionIds"], sent["optionIds"]);
    }
}

#[test]
fn a_refused_ballot_is_failed_and_not_sent_again() {
    let server = Server::start(|_| Answer(409));
    let output = server.simulate(&["--voters", "2"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(summary(&output)["failed"], 2);
    assert!(server.votes.lock().unwrap().values().all(|attempts| attempts.len() == 1));
}

#[test]
fn patience_ends() {
    let server = Server::start(|_| Answer(504));
    let output = server.simulate(&["--voters", "1", "--patience", "200ms"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(server.votes.lock().unwrap().values().all(|attempts| attempts.len() > 1));
}

#[test]
fn duplicates_are_sent_once_more_after_the_acknowledgement() {
    let server = Server::start(|_| Answer(202));
    let output = server.simulate(&["--voters", "5", "--rate", "max", "--duplicates", "1"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(summary(&output)["duplicates"], 5);
    assert!(server.votes.lock().unwrap().values().all(|attempts| attempts.len() == 2));
}

#[test]
fn an_open_loop_keeps_its_rate() {
    let server = Server::start(|_| Answer(202));
    let output = server.simulate(&["--rate", "200", "--duration", "500ms", "--voters", "10"]);
    let summary = summary(&output);
    assert_eq!(summary["ballots"], 100, "one is due every 5 ms of 500");
    assert!(summary["seconds"].as_f64().unwrap() >= 0.49, "{summary}");
}
