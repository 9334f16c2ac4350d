//! Attackers obey every limit for a while: the memory, descriptors and disk that the server uses stay
//! bounded, and whoever votes meanwhile is counted. The attack lasts a minute here; `make nightly` makes it
//! an hour (`POLLUX_SOAK_MINUTES`).
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::{Client, Server};

const MIB: u64 = 1 << 20;
/// `MEMORY` bounds the memory of a server that is not optimised and holds its screens besides.
const MEMORY: u64 = 400 * MIB;
/// `DESCRIPTORS` bounds the connections of the attackers and the voters, the files of log and store, and some
/// more.
const DESCRIPTORS: usize = 300;
/// `WRITE_AHEAD` bounds each write-ahead log: it is copied back at 32 MiB, and where that takes long, the
/// writer waits at 128 MiB more.
const WRITE_AHEAD: u64 = 192 * MIB;
/// `DISK_AT_FIRST` bounds what the attackers may write at first: the log, the store, and the write-ahead logs
/// of both.
const DISK_AT_FIRST: u64 = 200 * MIB;
const DISK_PER_MINUTE: u64 = 60 * MIB;
/// The attackers keep this many sockets open and never read them.
const SOCKETS: usize = 60;

/// Returns one address of the attackers: a site of IPv6 has as many networks as it likes.
fn of_the_site(n: u64) -> String {
    format!("2001:db8:bad:{:x}::1", n % 0xffff)
}

/// `Count` is what is known of the attack while it lasts.
#[derive(Default)]
struct Count {
    over: AtomicBool,
    made: AtomicU64,
    ballots: AtomicU64,
    guesses: AtomicU64,
    told_to_wait: AtomicU64,
}

impl Count {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Counts an answer; a client that is told to wait does so for a little.
    fn heard(&self, status: u16, of: &AtomicU64) {
        if status == 429 {
            self.told_to_wait.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(20));
        } else {
            assert!((200..300).contains(&status) || status == 404 || status == 503, "{status}");
            of.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// `Ends` ends the attack when dropped, also where a bound was broken.
struct Ends<'a>(&'a Count);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

/// Returns a poll as large as one can be.
fn large(n: u64) -> String {
    let options: Vec<_> = (0..100).map(|o| format!("{o} {n} {}", "x".repeat(130))).collect();
    json!({ "question": format!("{n} {}", "?".repeat(400)), "options": options }).to_string()
}

/// Returns a UUIDv7 of this time; `rest` tells apart those of the same millisecond.
fn ballot_id(millis: u64, rest: u64) -> String {
    let (high, low) = (millis >> 16, millis & 0xffff);
    format!("{high:08x}-{low:04x}-7{:03x}-8000-{rest:012x}", rest & 0xfff)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// Makes polls and events as fast as the server accepts them, from one address after another.
fn make_polls(server: &Server, count: &Count) {
    let mut client = Client::new(server.port);
    for n in (0..).take_while(|_| count.goes_on()) {
        client.from = Some(of_the_site(n));
        let (path, body) = match n % 8 {
            0 => ("/api/events", json!({ "title": format!("Event {n}") }).to_string()),
            _ => ("/api/polls", large(n)),
        };
        count.heard(client.send("POST", path, Some(&body), None).unwrap().0, &count.made);
    }
}

/// Casts ballots that are each older than the one before, of voters who have many.
fn vote_backwards(server: &Server, count: &Count, poll: &str) {
    let mut client = Client::new(server.port);
    let begun = now();
    for n in (0..).take_while(|_| count.goes_on()) {
        client.from = Some(of_the_site(n / 100));
        let body = json!({
            "optionId": n % 2 + 1,
            "voterId": format!("attacker {}", n % 40),
            "ballotId": ballot_id(begun - n % 400_000, n),
        });
        let path = format!("/api/polls/{poll}/vote");
        let (status, _) = client.send("POST", &path, Some(&body.to_string()), None).unwrap();
        count.heard(status, &count.ballots);
    }
}

/// Tries join codes, one after another.
fn guess(server: &Server, count: &Count) {
    let mut client = Client::new(server.port);
    for n in (0..).take_while(|_| count.goes_on()) {
        client.from = Some(of_the_site(n));
        let path = format!("/api/polls/{:06}", n * 7919 % 1_000_000);
        count.heard(client.send("GET", &path, None, None).unwrap().0, &count.guesses);
    }
}

/// Asks for what is expensive to answer: replays, exports, lists, documents; and begins requests that are
/// never finished.
fn ask_much(server: &Server, count: &Count, poll: &Value) {
    let mut client = Client::new(server.port);
    let (id, token) = (poll["id"].as_str().unwrap(), poll["ownerToken"].as_str().unwrap());
    let paths = ["replay", "trend", "pulse"].map(|what| format!("/api/polls/{id}/{what}"));
    let mut unfinished = Vec::new();
    for n in (0..).take_while(|_| count.goes_on()) {
        client.from = Some("203.0.113.7".into());
        for path in &paths {
            let (status, _) = client.send("GET", path, None, Some(token)).unwrap();
            assert!(status < 500 || status == 503, "{path}: {status}");
        }
        let listed = client.send("GET", "/api/polls?limit=100", None, None).unwrap();
        assert!(listed.0 == 200 || listed.0 == 429, "{listed:?}");
        let mut socket = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        let begun = if n % 2 == 0 { "POST /api/polls HTTP/1.1\r\nhost: x\r\n" } else { WEBSOCKET };
        socket.write_all(begun.as_bytes()).unwrap();
        unfinished.push(socket);
        if unfinished.len() > SOCKETS {
            unfinished.remove(0);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

const WEBSOCKET: &str = "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Has people vote, each once, ten a second, and returns how many were told that they have.
fn vote(server: &Server, count: &Count, poll: &str) -> u64 {
    let mut client = Client::new(server.port);
    let mut taken = 0;
    for n in (0..).take_while(|_: &u64| count.goes_on()) {
        client.from = Some("198.51.100.20".into());
        let body = json!({ "optionId": 1, "voterId": format!("person {n}") }).to_string();
        let path = format!("/api/polls/{poll}/vote?wait=counted");
        let (status, told) = client.send("POST", &path, Some(&body), None).unwrap();
        assert!(status == 200 || status == 202, "a person in the room: {status} {told}");
        taken += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    taken
}

/// `Taken` is what the server uses at one moment.
#[derive(Debug)]
struct Taken {
    memory: u64,
    descriptors: usize,
    /// The write-ahead logs of the log and of the store.
    write_ahead: [u64; 2],
    disk: u64,
}

fn taken(server: &Server, folder: &Path) -> Taken {
    let of = |path: String| {
        let mut text = String::new();
        std::fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let status = of(format!("/proc/{}/status", server.pid()));
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = memory.trim().trim_end_matches(" kB").parse().unwrap();
    let sizes = std::fs::read_dir(folder).unwrap().flatten().filter_map(|entry| {
        Some((entry.file_name().into_string().unwrap(), entry.metadata().ok()?.len()))
    });
    let sizes: Vec<_> = sizes.collect();
    Taken {
        memory: kib * 1024,
        descriptors: std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count(),
        write_ahead: ["log.db-wal", "store.db-wal"]
            .map(|wal| sizes.iter().find(|(name, _)| name == wal).map_or(0, |(_, size)| *size)),
        disk: sizes.iter().map(|(_, size)| size).sum(),
    }
}

#[test]
fn attackers_who_obey_every_limit_take_no_more_than_is_theirs() {
    let minutes: u64 =
        std::env::var("POLLUX_SOAK_MINUTES").map_or(1, |minutes| minutes.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    // More polls are made than this, so some leave memory, and the attackers' requests read them back.
    let settings =
        [("POLLUX_TRUSTED_PROXIES", "127.0.0.0/8"), ("POLLUX_WATCH_LOADED_POLLS", "200")];
    let server = Server::start_with(folder.path(), &settings);
    let make = |options: &[&str]| {
        let body = json!({ "question": "Which?", "options": options });
        let (status, poll) = server.post("/api/polls", &body).unwrap();
        assert_eq!(status, 201, "{poll}");
        poll
    };
    let (room, theirs) = (make(&["A", "B"]), make(&["C", "D"]));
    let id = |poll: &Value| poll["id"].as_str().unwrap().to_owned();
    let count = Count::default();
    let begun = Instant::now();
    let people = std::thread::scope(|scope| {
        scope.spawn(|| make_polls(&server, &count));
        for _ in 0..2 {
            scope.spawn(|| vote_backwards(&server, &count, &id(&theirs)));
        }
        scope.spawn(|| guess(&server, &count));
        scope.spawn(|| ask_much(&server, &count, &theirs));
        let people = scope.spawn(|| vote(&server, &count, &id(&room)));
        let mut last = Instant::now();
        let ended = Ends(&count);
        while begun.elapsed() < Duration::from_secs(60 * minutes) && !people.is_finished() {
            std::thread::sleep(Duration::from_secs(1));
            let now = taken(&server, folder.path());
            let disk = DISK_AT_FIRST + DISK_PER_MINUTE * (begun.elapsed().as_secs() / 60 + 1);
            assert!(now.memory < MEMORY, "{now:?}");
            assert!(now.descriptors < DESCRIPTORS, "{now:?}");
            assert!(now.write_ahead.iter().all(|size| *size < WRITE_AHEAD), "{now:?}");
            assert!(now.disk < disk, "{now:?}");
            if last.elapsed() > Duration::from_secs(20) {
                eprintln!("after {:?}: {now:?}", begun.elapsed());
                last = Instant::now();
            }
        }
        drop(ended);
        people.join().unwrap()
    });
    let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
    eprintln!(
        "{} polls and events, {} ballots, {} guesses; told to wait {} times; {people} people",
        of(&count.made),
        of(&count.ballots),
        of(&count.guesses),
        of(&count.told_to_wait),
    );
    assert!(of(&count.made) > 100 && of(&count.ballots) > 1_000 && of(&count.guesses) > 100);
    assert!(of(&count.told_to_wait) > 0, "no limit was reached");
    assert_eq!(server.votes(&id(&room), people), people, "whoever voted is counted, once");
}
