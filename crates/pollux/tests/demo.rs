//! `pollux demo` prints lines that work as typed, whatever a `.env` says, and leaves nothing behind.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::{pollux, signal};
use tokio_tungstenite::tungstenite;

/// `Demo` is a running demo, which ends with its test even if that fails.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sh(line: &str) -> Value {
    let output = Command::new("sh").args(["-c", &format!("{line} --silent --fail")]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{line}: {}", support::said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_line_it_prints_works_as_typed_and_nothing_stays() {
    let [folder, thrown_away] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join(".env"), "KAFKA_BROKER=k:9092\nDB_USER=x\n").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let demo = pollux()
        .args(["demo", "--port", &port, "--rate", "50"])
        .current_dir(folder.path())
        .env("TMPDIR", thrown_away.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut demo = Demo(demo.unwrap());
    let mut said = String::new();
    let mut stderr = BufReader::new(demo.0.stderr.take().unwrap());
    while !said.contains("thrown away") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    let me = format!("port {port} is taken by ");
    assert!(said.contains(&me) && said.contains(&std::process::id().to_string()), "{said}");
    assert_eq!(thrown_away.path().read_dir().unwrap().count(), 1);

    let words = |command: &str| {
        let line = said.lines().map(|line| line.trim().trim_start_matches("Try").trim());
        line.filter(|line| line.starts_with(command)).map(str::to_owned).collect::<Vec<_>>()
    };
    let curls = words("curl ");
    let [poll, leaderboard, vote] = &curls[..] else { panic!("{said}") };
    assert_eq!(sh(poll)["status"], "open");
    assert!(!sh(leaderboard)["polls"].as_array().unwrap().is_empty());
    assert_eq!(sh(vote)["status"], "recorded");
    let wscat = words("wscat -c ");
    let socket = wscat[0].strip_prefix("wscat -c ").unwrap();
    let (mut socket, _) = tungstenite::connect(socket).unwrap();
    let hello: Value = serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(hello["type"], "hello");
    assert_eq!(hello["polls"].as_array().unwrap().len(), 8);
    let watch = said.lines().find(|line| line.contains(" watch ")).unwrap();
    let arguments: Vec<_> = watch.split(" watch ").nth(1).unwrap().split_whitespace().collect();
    let watched = pollux().arg("watch").args(arguments).args(["--once", "--json"]).output();
    let watched = watched.unwrap();
    assert_eq!(watched.status.code(), Some(0), "{}", support::said(&watched));
    let shown: Value = serde_json::from_slice(&watched.stdout).unwrap();
    assert!(shown["totalVotes"].as_u64().unwrap() > 0, "{shown}");

    signal(demo.0.id(), "INT");
    assert_eq!(demo.0.wait().unwrap().code(), Some(0));
    assert_eq!(thrown_away.path().read_dir().unwrap().count(), 0, "the folder is still there");
    assert!(folder.path().read_dir().unwrap().count() == 1, "only the .env");
}

#[test]
fn it_ends_by_itself_and_can_speak_json() {
    let output = pollux().args(["demo", "--port", "0", "--for", "300ms", "--json"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", support::said(&output));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["polls"].as_array().unwrap().len(), 8);
    let data = said["data"].as_str().unwrap();
    assert!(!std::path::Path::new(data).exists(), "{data}");
}
