//! `pollux serve` is told to stop under load: no request is cut, and what is not counted yet is counted at
//! the next start. A second signal ends it at once, and an overrun deadline is reported.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::{Client, Server, run, signal};

/// Sends a request whose body never comes, so that it is under way for as long as the test likes.
fn unfinished(server: &Server, poll: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let head = format!(
        "POST /api/polls/{poll}/vote HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\
         content-type: application/json\r\ncontent-length: 14\r\nexpect: 100-continue\r\n\r\n",
        server.port
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body only once the request has reached its handler.
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    stream
}

#[test]
fn under_load_nothing_is_cut_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    // The processor is lazy, so most votes are not counted yet when the stop comes.
    let lazy = [("POLLUX_PROCESSOR_LINGER", "300ms"), ("POLLUX_PROCESSOR_BATCH", "64")];
    let mut server = Server::start_with(folder.path(), &lazy);
    let poll = server.poll(&["A", "B"]);
    let (acknowledged, stopping) = (AtomicU64::new(0), AtomicBool::new(false));
    let (acknowledged, stopping) = (Arc::new(acknowledged), Arc::new(stopping));
    let clients: Vec<_> = (0..16)
        .map(|n| {
            let (acknowledged, stopping) = (acknowledged.clone(), stopping.clone());
            let (port, path) = (server.port, format!("/api/polls/{poll}/vote"));
            std::thread::spawn(move || {
                let mut client = Client::new(port);
                for i in 0.. {
                    let body = json!({ "optionId": 1, "voterId": format!("{n}/{i}") }).to_string();
                    match client.send("POST", &path, Some(&body), None) {
                        Ok((202, _)) => acknowledged.fetch_add(1, Ordering::Relaxed),
                        // A connection may be closed between two requests, but only then.
                        Err(_) if stopping.load(Ordering::Acquire) => return,
                        other => panic!("{other:?}"),
                    };
                }
            })
        })
        .collect();
    let mut slow = unfinished(&server, &poll);
    let started = Instant::now();
    while acknowledged.load(Ordering::Relaxed) < 200 {
        assert!(started.elapsed() < Duration::from_secs(20), "no load");
        std::thread::sleep(Duration::from_millis(5));
    }
    stopping.store(true, Ordering::Release);
    signal(server.pid(), "TERM");
    // New connections are refused while the old request is still being answered.
    while TcpStream::connect(("127.0.0.1", server.port)).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(20), "it still listens");
        std::thread::sleep(Duration::from_millis(5));
    }
    slow.write_all(br#"{"optionId":1}"#).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("HTTP/1.1 202"), "{answer}");
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(server.ended().code(), Some(0), "{}", server.stderr());

    server.restart();
    let shown = server.votes(&poll, acknowledged.load(Ordering::Relaxed) + 1);
    // A request that was on its way when its connection closed may have been recorded.
    let sent = acknowledged.load(Ordering::Relaxed) + 1;
    assert!((sent..=sent + 16).contains(&shown), "{shown} of {sent}");
    let recount = run(["recount", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(recount.status.code(), Some(0), "{}", support::said(&recount));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    let _slow = unfinished(&server, &poll);
    signal(server.pid(), "TERM");
    while !server.stderr().contains("a second signal stops at once") {
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = Instant::now();
    signal(server.pid(), "INT");
    assert_eq!(server.ended().code(), Some(130));
    assert!(second.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_deadline_that_is_overrun_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_with(folder.path(), &[("POLLUX_DRAIN", "500ms")]);
    let poll = server.poll(&["A", "B"]);
    let mut slow = unfinished(&server, &poll);
    let mut idle = Client::new(server.port);
    idle.send("GET", "/healthz", None, None).unwrap();
    assert_eq!(server.vote(&poll, "v").unwrap().0, 202);
    let began = Instant::now();
    assert_eq!(server.stop().code(), Some(1));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(500), "{took:?}: the request was not waited for");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(server.stderr().contains("the deadline of the stop has passed"), "{}", server.stderr());
    let mut cut = Vec::new();
    // The connection may be closed or reset, but nothing was answered.
    let _ = slow.read_to_end(&mut cut);
    assert!(!String::from_utf8_lossy(&cut).contains("HTTP/1.1"), "{cut:?}");
    server.restart();
    assert_eq!(server.votes(&poll, 1), 1, "what was answered is there");
    let recount = run(["recount", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(recount.status.code(), Some(0), "{}", support::said(&recount));
}

#[test]
fn a_server_whose_log_nobody_reads_goes_on_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_pollux"))
        .args(["serve", "--embedded", "--host", "127.0.0.1", "--port", "0", "--data"])
        .arg(folder.path())
        .env("POLLUX_LOG", "debug")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As in `pollux serve 2>&1 | head`: whatever is written after the address meets a closed pipe.
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let address =
        lines.find_map(|line| Some(line.unwrap().split_once("listening on http://")?.1.to_owned()));
    drop(lines);
    let port = address.unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    let body = json!({ "question": "Does it go on?", "options": ["Yes", "No"] }).to_string();
    let made = Client::new(port).send("POST", "/api/polls", Some(&body), None);
    signal(server.id(), "TERM");
    let ended = server.wait().unwrap();
    assert_eq!(made.unwrap().0, 201);
    assert_eq!(ended.code(), Some(0), "{ended}");
}
