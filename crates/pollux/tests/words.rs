//! A poll of words from the first vote to its deletion, with every tool that reads the store and the log.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Client, Server, pollux, run, said};

/// A `Poll` asks for words on a server of its own.
struct Poll {
    folder: tempfile::TempDir,
    server: Server,
    id: String,
    token: String,
}

impl Poll {
    /// Makes a poll of up to three words.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        let body = json!({ "question": "What about?", "kind": "words", "maxWords": 3 });
        let (status, made) = server.post("/api/polls", &body).unwrap();
        assert_eq!(status, 201, "{made}");
        let [id, token] = ["id", "ownerToken"].map(|name| made[name].as_str().unwrap().to_owned());
        Self { folder, server, id, token }
    }

    fn data(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    /// Votes, and returns the ballot's id.
    fn vote(&self, voter: &str, words: &[&str]) -> String {
        let body = json!({ "answer": words, "voterId": voter });
        let (status, receipt) = self.cast(&body);
        assert_eq!(status, 202, "{receipt}");
        receipt["ballotId"].as_str().unwrap().to_owned()
    }

    fn cast(&self, body: &Value) -> (u16, Value) {
        self.server.post(&format!("/api/polls/{}/vote", self.id), body).unwrap()
    }

    /// Asks for the poll or a part of it, as its owner.
    fn owner(&self, method: &str, part: &str, body: Option<&Value>) -> Value {
        let (path, body) = (format!("/api/polls/{}{part}", self.id), body.map(Value::to_string));
        let mut client = Client::new(self.server.port);
        let answer = client.send(method, &path, body.as_deref(), Some(&self.token));
        let (status, told) = answer.unwrap();
        assert!((200..300).contains(&status), "{method} {path}: {status} {told}");
        told
    }

    /// Returns the public's words with their votes, once there are so many votes in all.
    fn words(&self, votes: u64) -> Vec<(String, u64)> {
        assert_eq!(self.server.votes(&self.id, votes), votes);
        let (_, shown) = self.server.get(&format!("/api/polls/{}", self.id)).unwrap();
        let words = shown["words"].as_array().unwrap().iter();
        let word = |word: &Value| {
            (word["text"].as_str().unwrap().to_owned(), word["votes"].as_u64().unwrap())
        };
        words.map(word).collect()
    }

    /// Decides about the word of this text, and returns its id.
    fn decide(&self, verdict: &str, text: &str) -> String {
        let all = self.owner("GET", "/words", None);
        let word = all["words"].as_array().unwrap().iter().find(|word| word["text"] == text);
        let id = word.unwrap()["id"].as_str().unwrap().to_owned();
        self.owner("POST", "/moderate", Some(&json!({ verdict: [id] })));
        id
    }

    /// Recounts, which must find the store and the log equal. Returns what it says as JSON and to people.
    fn recount(&self) -> (Value, String) {
        let output = run(["recount", "--data", self.data(), "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &told["equal"]), (Some(0), &json!(true)), "{told}");
        (told["polls"][0].clone(), text(&["recount", "--data", self.data()]))
    }

    /// Returns the lines that `pollux export` writes.
    fn exported(&self, flags: &[&str]) -> Vec<String> {
        let flags = [&["export", "--data", self.data(), &self.id][..], flags].concat();
        text(&flags).lines().map(str::to_owned).collect()
    }

    /// Returns what `pollux trace` says of a ballot to people, and its first record as JSON.
    fn traced(&self, ballot: &str) -> (String, Value) {
        let traced = text(&["trace", "--data", self.data(), ballot, "--json"]);
        let traced: Value = serde_json::from_str(&traced).unwrap();
        (text(&["trace", "--data", self.data(), ballot]), traced["records"][0].clone())
    }
}

/// Returns what a command writes, if it succeeds.
fn text(arguments: &[&str]) -> String {
    let output = pollux().args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn owned(words: &[(&str, u64)]) -> Vec<(String, u64)> {
    words.iter().map(|(word, votes)| ((*word).to_owned(), *votes)).collect()
}

/// Returns whether a text stands in a file of the folder whose name begins with this.
fn holds(folder: &Path, name: &str, text: &str) -> bool {
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap());
    let files = files.filter(|file| file.file_name().to_str().unwrap().starts_with(name));
    let bytes: Vec<_> = files.map(|file| std::fs::read(file.path()).unwrap()).collect();
    assert!(!bytes.is_empty(), "no file {name}");
    bytes.iter().any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

/// Casts ballots whose words are partly the same, and returns that of the voter who was rude.
fn vote(poll: &Poll) -> String {
    poll.vote("ada", &["Rust", "fast builds"]);
    poll.vote("bob", &["RUST ", " rust"]);
    poll.vote("cid", &["ｒｕｓｔ"]);
    poll.vote("dee", &["Go", "Zig"]);
    poll.vote("dee", &["安全"]);
    let again = json!({
        "answer": ["Fast  BUILDS"], "voterId": "eve",
        "ballotId": "01890a5d-ac96-774b-bcce-b302099a8057",
    });
    assert_eq!(poll.cast(&again).0, 202);
    let (status, receipt) = poll.cast(&again);
    assert!([200, 202].contains(&status), "{receipt}");
    poll.vote("fay", &["rude"])
}

#[test]
fn words_are_recounted_exported_and_traced_whatever_their_organiser_decides() {
    let poll = Poll::new();
    let ballot = vote(&poll);
    let counted = [("Rust", 3), ("fast builds", 2), ("安全", 1), ("rude", 1)];
    assert_eq!(poll.words(7), owned(&counted));
    let (first, told) = poll.recount();
    assert_eq!(
        first["counts"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>(),
        7
    );
    let names: Vec<_> = first["names"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert!(
        names.len() == 4 && names.is_sorted(),
        "words that nobody says now are not there: {first}"
    );
    for line in ["3 votes  Rust\n", "2 votes  fast builds\n", "1 vote  rude\n", "equal: 7 votes"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(!told.contains("Zig"), "{told}");
    for word in ["fast builds", "rude", "安全"] {
        assert!(!holds(poll.folder.path(), "log.db", word), "{word} can be read on the log");
    }

    let id = poll.decide("hide", "rude");
    assert_eq!(poll.words(7), owned(&counted[..3]));
    let (hidden, told) = poll.recount();
    assert_eq!(hidden, first, "hiding a word counts nothing");
    assert!(told.contains(&format!("{id}        1 vote  rude (hidden)\n")), "{told}");
    let (traced, record) = poll.traced(&ballot);
    assert!(traced.contains("\n  in words rude\n"), "{traced}");
    assert_eq!((&record["answer"], &record["words"]), (&json!([id]), &json!(["rude"])));
    let results = poll.exported(&[]);
    assert!(results.iter().any(|line| line.contains(",rude,hidden,1,")), "{results:#?}");
    let ballots = poll.exported(&["--ballots"]);
    assert!(ballots[0].ends_with(",takenAt,answer,words,decided,status"), "{ballots:#?}");
    let there = |end: &str| ballots.iter().any(|line| line.ends_with(end));
    assert!(
        there(",Go; Zig,counted,superseded") || there(",Go; Zig,counted,replaced"),
        "{ballots:#?}"
    );
    assert!(there(&format!("\"[\"\"{id}\"\"]\",rude,counted,counted")), "{ballots:#?}");

    poll.decide("erase", "rude");
    let (erased, told) = poll.recount();
    assert_eq!(erased, first, "erasing a word counts nothing");
    assert!(told.contains(&format!("{id}        1 vote  (erased)\n")), "{told}");
    let (traced, record) = poll.traced(&ballot);
    assert!(traced.contains(&format!("\n  in words [{id}: erased]\n")), "{traced}");
    assert_eq!(record["words"], json!([format!("[{id}: erased]")]));
    let ballots = poll.exported(&["--ballots"]);
    assert!(ballots.iter().any(|line| line.contains(&format!(",[{id}: erased],"))), "{ballots:#?}");
    let (status, refused) = poll.cast(&json!({ "answer": ["RUDE"], "voterId": "gus" }));
    assert_eq!(status, 422, "{refused}");
    assert_eq!(poll.words(7), owned(&counted[..3]));

    poll.owner("POST", "/close", Some(&json!({})));
    let last = loop {
        let (_, shown) = poll.server.get(&format!("/api/polls/{}", poll.id)).unwrap();
        if shown["final"] == true {
            break shown;
        }
    };
    assert_eq!(poll.recount().0["resultHash"], last["resultHash"]);
    delete(poll, &first);
}

/// Deletes the poll and recounts it.
fn delete(mut poll: Poll, before: &Value) {
    poll.owner("DELETE", "", None);
    assert_eq!(poll.server.stop().code(), Some(0));
    let store = Connection::open(poll.folder.path().join("store.db")).unwrap();
    let keys = "SELECT count(*) FROM text_keys";
    let keys: i64 = store.query_row(keys, [], |row| row.get(0)).unwrap();
    assert_eq!(keys, 0, "the key is gone");
    drop(store);
    let (after, told) = poll.recount();
    for member in ["names", "counts", "voters"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    let names = before["names"].as_array().unwrap();
    for name in names.iter().map(|name| name.as_str().unwrap()) {
        let line = told.lines().find(|line| line.trim_start().starts_with(name));
        assert!(line.is_some_and(|line| line.ends_with("  (erased)")), "{name}: {told}");
    }
    let ballots = poll.exported(&["--ballots"]);
    let texts = ["Rust", "rust", "安全", "Zig", "builds"];
    for output in [told, ballots.join("\n")] {
        assert!(!texts.iter().any(|word| output.contains(word)), "{output}");
    }
    assert!(ballots[1].contains(": erased]"), "{ballots:#?}");
}

#[test]
fn an_audience_says_words_and_the_tools_agree_with_it() {
    let poll = Poll::new();
    let ledger = tempfile::NamedTempFile::new().unwrap();
    let ledger = ledger.path().to_str().unwrap();
    let url = poll.url();
    let audience =
        ["--voters", "150", "--votes", "400", "--revoters", "0.4", "--duplicates", "0.1"];
    let place = ["simulate", "--url", &url, "--poll", &poll.id, "--rate", "max", "--json"];
    let told = text(&[&place[..], &audience, &["--connections", "4", "--ledger", ledger]].concat());
    let summary: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&summary["acknowledged"], &summary["failed"]),
        (&json!(400), &json!(0)),
        "{summary}"
    );
    let lines = std::fs::read_to_string(ledger).unwrap();
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert!(line["answer"][0].is_string(), "the ledger has what the voter wrote: {line}");
    let (counted, _) = loop {
        let found = poll.recount();
        if found.0["voters"] == 150 {
            break found;
        }
    };
    let votes: u64 =
        counted["counts"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
    assert!((150..=450).contains(&votes), "{counted}");
    assert!(counted["names"].as_array().unwrap().len() > 20, "{counted}");
    assert_eq!(poll.words(votes).iter().map(|(_, votes)| votes).sum::<u64>(), votes);
    let watched = text(&["watch", &poll.id, "--url", &url, "--once"]);
    assert!(watched.contains("  Testing: ") && watched.contains("  and "), "{watched}");

    // A vote by hand has a word of its own, or those that are given.
    for (flags, words) in
        [(&[][..], json!(["Pollux"])), (&["--answer", "[\"Rust\",\" rust\"]"], json!(["Rust"]))]
    {
        let place = ["trace", "--data", poll.data(), "--url", &url, "--cast", &poll.id, "--json"];
        let cast: Value = serde_json::from_str(&text(&[&place[..], flags].concat())).unwrap();
        let record = &cast["records"][0];
        assert_eq!((&record["status"], &record["words"]), (&json!("counted"), &words), "{record}");
    }
}

#[test]
fn names_that_were_exchanged_in_the_store_are_noticed() {
    let mut poll = Poll::new();
    vote(&poll);
    poll.words(7);
    assert_eq!(poll.server.stop().code(), Some(0));
    let store = Connection::open(poll.folder.path().join("store.db")).unwrap();
    let exchanged = "UPDATE names SET slot = 1000 - slot WHERE slot IN (1, 2);
                     UPDATE names SET slot = slot - 997 WHERE slot = 998;
                     UPDATE names SET slot = slot - 997 WHERE slot = 999;";
    store.execute_batch(exchanged).unwrap();
    drop(store);
    let recount = run(["recount", "--data", poll.data()]);
    let told = String::from_utf8_lossy(&recount.stdout).into_owned();
    assert_eq!(recount.status.code(), Some(1), "{told}{}", said(&recount));
    assert!(told.contains("DIFFERENT") && told.contains("\n  names: slot 1: "), "{told}");
}
