//! Clients send more than the server accepts: each is told so, and those who behave are served.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use support::Server;

fn request(server: &Server, poll: &str, voter: usize) -> String {
    let body = json!({ "optionId": 1, "voterId": format!("v{voter}") }).to_string();
    format!(
        "POST /api/polls/{poll}/vote HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        server.port,
        body.len()
    )
}

#[test]
fn a_full_queue_is_503_with_retry_after_and_certainly_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(folder.path(), &[("POLLUX_LOG_QUEUE", "1")]);
    let poll = server.poll(&["A", "B"]);
    let (mut recorded, mut refused) = (0, 0);
    for round in 0..20 {
        let sockets: Vec<_> = (0..64)
            .map(|n| {
                let mut socket = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
                let request = request(&server, &poll, round * 64 + n);
                socket.write_all(request.as_bytes()).unwrap();
                socket
            })
            .collect();
        for mut socket in sockets {
            let mut answer = String::new();
            socket.read_to_string(&mut answer).unwrap();
            match answer.get(9..12) {
                Some("202") => recorded += 1,
                Some("503") => {
                    let lower = answer.to_lowercase();
                    assert!(lower.contains("retry-after: 1"), "{answer}");
                    assert!(lower.contains("application/problem+json"), "{answer}");
                    assert!(answer.contains("/docs/errors/not-recorded"), "{answer}");
                    refused += 1;
                }
                _ => panic!("{answer}"),
            }
        }
        if refused > 0 && recorded > 0 {
            break;
        }
    }
    assert!(refused > 0 && recorded > 0, "{refused} refused, {recorded} recorded");
    assert_eq!(server.votes(&poll, recorded), recorded, "what was refused is not there");
}

#[test]
fn clients_that_dribble_or_never_speak_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let limits = [("POLLUX_API_HEADER_TIMEOUT", "700ms"), ("POLLUX_API_BODY_TIMEOUT", "700ms")];
    let server = Server::start_with(folder.path(), &limits);
    let poll = server.poll(&["A", "B"]);
    let connect = || TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let started = Instant::now();
    let silent = connect();
    let mut dribbling = connect();
    let mut bodiless = connect();
    let request = request(&server, &poll, 1);
    bodiless.write_all(&request.as_bytes()[..request.len() - 3]).unwrap();
    // A byte is sent now and then, until the server has had enough.
    while dribbling.write_all(b"G").is_ok() && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(50));
    }
    for mut socket in [silent, dribbling, bodiless] {
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut answer = Vec::new();
        // The connection ends, with or without an answer.
        let ended = socket.read_to_end(&mut answer).map_err(|error| error.kind());
        assert!(matches!(ended, Ok(_) | Err(std::io::ErrorKind::ConnectionReset)), "{ended:?}");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.contains(" 408 "), "{answer}");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(server.vote(&poll, "v").unwrap().0, 202);
}

/// Any limit of open files allows this many idle connections.
const IDLE: usize = 400;
const MANY: usize = 5_000;

#[test]
fn thousands_of_idle_connections_do_not_stop_votes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("POLLUX_API_HEADER_TIMEOUT", "60s")];
    let mut server = Server::start_with(folder.path(), &settings);
    // Many systems allow a process only so many files unless it asks for more.
    server.kill();
    server.prelude = "ulimit -S -n 1024".into();
    server.restart();
    let poll = server.poll(&["A", "B"]);
    let mut idle = Vec::new();
    for _ in 0..MANY {
        match TcpStream::connect(("127.0.0.1", server.port)) {
            Ok(socket) => idle.push(socket),
            // This test's process may not open all these files.
            Err(error) => {
                assert!(idle.len() >= IDLE, "{} connections, then {error}", idle.len());
                // The votes need some files of their own.
                idle.truncate(idle.len() - 20);
                break;
            }
        }
    }
    let started = Instant::now();
    for voter in 0..50 {
        assert_eq!(server.vote(&poll, &format!("v{voter}")).unwrap().0, 202);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(server.votes(&poll, 50), 50);
    println!("{} connections were idle", idle.len());
}
