//! The promise is held against SIGKILL: the real process is killed under load, many times at random moments.
//! Every ballot answered 202 is decided exactly once; every ballot left unknown is decided exactly once after
//! its retry; no ballot answered 503 is there at all. The recount that says so reads the log's raw bytes and
//! shares no code with the server's fold.
//!
//! `POLLUX_KILLS` sets how often the process is killed (default 15), and `POLLUX_SEED` repeats a run's
//! choices.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pollux_checker::{Asks, Recount, Rules, Told, recount};
use pollux_server::log::embedded::EmbeddedLog;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use support::{Client, Server, run};

const CLIENTS: u64 = 24;
const VOTERS_EACH: u64 = 40;
/// Clients say these words, some of which are the same to people.
const WORDS: [&str; 8] =
    ["Rust", "RUST", " rust ", "Go", "安全", "fast builds", "Fast  builds", "Zig"];

/// `Sent` is what a client knows of one ballot in the end.
struct Sent {
    poll: String,
    voter: String,
    ballot: String,
    recorded: bool,
}

/// `Poll` is a poll in which the clients vote.
struct Poll {
    id: String,
    token: String,
    refuse: bool,
    words: bool,
}

#[test]
fn every_acknowledged_ballot_is_decided_exactly_once_whenever_it_is_killed() {
    let env = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = env("POLLUX_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let kills = env("POLLUX_KILLS").unwrap_or(15);
    println!("POLLUX_SEED={seed} POLLUX_KILLS={kills}");

    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let options = json!({ "question": "Which?", "options": ["A", "B", "C"], "revote": "replace" });
    let mut first_only = options.clone();
    first_only["revote"] = "refuse".into();
    let words = json!({ "question": "What?", "kind": "words", "maxWords": 3 });
    let polls = [options, first_only, words].map(|body| create(&server, &body));
    let polls: Arc<Vec<Poll>> = Arc::new(polls.into());
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let (polls, stop, port) = (polls.clone(), stop.clone(), server.port);
            std::thread::spawn(move || client(n, seed, port, &polls, &stop))
        })
        .collect();

    let mut dice = StdRng::seed_from_u64(seed);
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(dice.random_range(20..500)));
        server.kill();
        server.restart();
    }
    std::thread::sleep(Duration::from_millis(300));
    stop.store(true, Ordering::Relaxed);
    let sent: Vec<Sent> = clients.into_iter().flat_map(|c| c.join().unwrap()).collect();

    let beside = run(["recount", "--data", folder.path().to_str().unwrap()]);
    assert!(beside.status.success(), "{}", String::from_utf8_lossy(&beside.stderr));
    let truth = independent_recount(folder.path(), &polls);
    check_ballots(&sent, &truth);
    check_results(&server, &polls, &truth);
    check_fates(&server, &sent, &truth);
    assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
    let after = run(["recount", "--data", folder.path().to_str().unwrap()]);
    assert!(after.status.success(), "{}", String::from_utf8_lossy(&after.stderr));
    println!("{kills} kills, {} ballots sent, {} decided", sent.len(), truth.ballots.len());
}

fn create(server: &Server, body: &Value) -> Poll {
    let (status, poll) = server.post("/api/polls", body).unwrap();
    assert_eq!(status, 201, "{poll}");
    let [id, token] = ["id", "ownerToken"].map(|name| poll[name].as_str().unwrap().to_owned());
    Poll { id, token, refuse: body["revote"] == "refuse", words: body["kind"] == "words" }
}

/// Draws an answer to the poll.
fn answer(poll: &Poll, dice: &mut StdRng) -> Value {
    if poll.words {
        let word = |_| WORDS[dice.random_range(0..WORDS.len())];
        return json!((0..3).map(word).collect::<Vec<_>>());
    }
    json!([dice.random_range(1..=3)])
}

/// Runs one client: it casts ballots for its voters until told to stop, and sends whatever was left unknown
/// again under the same ballot id.
fn client(n: u64, seed: u64, port: u16, polls: &[Poll], stop: &AtomicBool) -> Vec<Sent> {
    let mut dice = StdRng::seed_from_u64(seed ^ (n + 1) << 32);
    let mut client = Client::new(port);
    let mut sent = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let poll = &polls[dice.random_range(0..polls.len())];
        let voter = format!("client {n} voter {}", dice.random_range(0..VOTERS_EACH));
        let ballot = uuid_v7(&mut dice);
        let answer = answer(poll, &mut dice);
        let body = json!({ "answer": answer, "voterId": voter, "ballotId": ballot }).to_string();
        let path = format!("/api/polls/{}/vote", poll.id);
        let mut copies = if dice.random_bool(0.1) { 2 } else { 1 };
        let mut recorded = false;
        while copies > 0 {
            match client.send("POST", &path, Some(&body), None) {
                Ok((200 | 202, receipt)) => {
                    assert_eq!(receipt["ballotId"], ballot.as_str(), "{receipt}");
                    recorded = true;
                    copies -= 1;
                }
                // The ballot is certainly not recorded: this client gives up, and the log must not have it.
                Ok((503, _)) if !recorded => break,
                Ok((429, _)) => std::thread::sleep(Duration::from_millis(300)),
                // The ballot's fate is unknown, so the client sends the same again.
                Ok((503 | 504, _)) | Err(_) => std::thread::sleep(Duration::from_millis(20)),
                Ok((status, problem)) => panic!("{status} {problem}"),
            }
        }
        sent.push(Sent { poll: poll.id.clone(), voter, ballot, recorded });
    }
    sent
}

fn uuid_v7(dice: &mut StdRng) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    uuid::Builder::from_unix_timestamp_millis(now, &dice.random()).into_uuid().to_string()
}

fn independent_recount(folder: &Path, polls: &[Poll]) -> Recount {
    let log = EmbeddedLog::open_read_only(folder).unwrap();
    let mut records = Vec::new();
    for partition in 0..log.partitions() {
        let end = log.end(partition).unwrap();
        let mut next = 0;
        while next < end {
            for record in log.read(partition, next, 10_000).unwrap() {
                next = record.offset + 1;
                records.push((partition, record.offset, record.value.to_vec()));
            }
        }
    }
    let asks = |poll: &Poll| match poll.words {
        true => Asks::Words { most: 3 },
        false => Asks::Choice { options: 3, most: 1 },
    };
    let rules = |poll: &Poll| Rules { asks: asks(poll), refuse: poll.refuse };
    recount(records, &polls.iter().map(|poll| (poll.id.clone(), rules(poll))).collect())
}

fn check_ballots(sent: &[Sent], truth: &Recount) {
    let told = |sent: &Sent| if sent.recorded { Told::Recorded } else { Told::NotRecorded };
    let lies = truth.contradictions(sent.iter().map(|sent| (sent.ballot.as_str(), told(sent))));
    assert!(lies.is_empty(), "{lies:#?}");
    assert!(truth.dead.is_empty(), "dead records: {:?}", truth.dead);
    let voters: BTreeSet<_> = truth
        .ballots
        .iter()
        .filter(|(_, decided)| decided.status == "counted")
        .map(|((poll, voter, _), _)| (poll, voter))
        .collect();
    let counted: u64 = truth.polls.values().map(|result| result.voters).sum();
    assert_eq!(voters.len() as u64, counted, "one ballot a voter and poll");
    assert!(counted > 100, "there was no load to speak of: {counted}");
}

/// Asserts that the server shows the recount's results, once it has caught up.
fn check_results(server: &Server, polls: &[Poll], truth: &Recount) {
    for poll in polls {
        let result = &truth.polls[&poll.id];
        let mut shown = Value::Null;
        for _ in 0..100 {
            shown = server.get(&format!("/api/polls/{}", poll.id)).unwrap().1;
            if shown["totalVoters"] == result.voters {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        if poll.words {
            assert_eq!(said(server, poll), result.words, "{shown}");
            assert_eq!(
                (&shown["otherVotes"], &result.counts[..]),
                (&json!(0), &[0][..]),
                "{shown}"
            );
            assert!(result.words.len() > 2, "{shown}");
        } else {
            let options = shown["options"].as_array().unwrap().iter();
            let counts: Vec<u64> =
                options.map(|option| option["votes"].as_u64().unwrap()).collect();
            assert_eq!(counts, result.counts, "{shown}");
        }
        assert_eq!(shown["totalVoters"], result.voters, "{shown}");
    }
}

/// Returns how often the words of each name were said, as the poll's owner is told.
fn said(server: &Server, poll: &Poll) -> BTreeMap<String, u64> {
    let path = format!("/api/polls/{}/words?limit=500", poll.id);
    let mut client = Client::new(server.port);
    let (status, list) = client.send("GET", &path, None, Some(&poll.token)).unwrap();
    assert_eq!(status, 200, "{list}");
    let words = list["words"].as_array().unwrap().iter();
    words
        .map(|word| (word["id"].as_str().unwrap().into(), word["votes"].as_u64().unwrap()))
        .collect()
}

/// Asserts that voters who ask are told what became of their ballots.
fn check_fates(server: &Server, sent: &[Sent], truth: &Recount) {
    let status: BTreeMap<(&str, &str), &str> = truth
        .ballots
        .iter()
        .map(|((poll, _, ballot), decided)| ((poll.as_str(), ballot.as_str()), decided.status))
        .collect();
    let mut client = Client::new(server.port);
    for ballot in sent.iter().step_by(sent.len() / 300 + 1) {
        let voter = ballot.voter.replace(' ', "%20");
        let path = format!("/api/polls/{}/ballots/{}?voterId={voter}", ballot.poll, ballot.ballot);
        let (code, told) = client.send("GET", &path, None, None).unwrap();
        match status.get(&(ballot.poll.as_str(), ballot.ballot.as_str())) {
            Some(status) => {
                assert_eq!((code, told["status"].as_str()), (200, Some(*status)), "{told}")
            }
            None => assert_eq!(code, 404, "{told}"),
        }
    }
}
