//! A data folder that is not as it was left is refused with exit code 3 and a message that says what to do,
//! and not a byte of it is changed.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use support::{Server, pollux, run, said};

/// Returns a folder that holds a poll and a vote, and whose server has stopped.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    assert_eq!(server.vote(&poll, "v").unwrap().0, 202);
    assert_eq!(server.votes(&poll, 1), 1);
    assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
    folder
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

fn serve(folder: &Path) -> Output {
    pollux()
        .args(["serve", "--host", "127.0.0.1", "--port", "0", "--data"])
        .arg(folder)
        .output()
        .unwrap()
}

/// Returns every file that matters, with its bytes.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        let kept = name.ends_with(".db") || name == "secret";
        kept.then(|| (name, fs::read(entry.path()).unwrap()))
    });
    files.collect()
}

fn pragma(file: &Path, sql: &str) {
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

/// A `Case` has a name, the damage that is done to a folder, and the words that the refusal must contain.
type Case = (&'static str, fn(&Path), &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "a newer log",
        |f| pragma(&f.join("log.db"), "PRAGMA user_version = 99"),
        &["log.db", "99", "newer Pollux"],
    ),
    (
        "a newer store",
        |f| pragma(&f.join("store.db"), "PRAGMA user_version = 99"),
        &["store.db", "99", "newer Pollux"],
    ),
    (
        "somebody else's log",
        |f| {
            fs::remove_file(f.join("log.db")).unwrap();
            pragma(&f.join("log.db"), "CREATE TABLE x (y)");
        },
        &["log.db", "another program"],
    ),
    (
        "somebody else's store",
        |f| {
            fs::remove_file(f.join("store.db")).unwrap();
            pragma(&f.join("store.db"), "CREATE TABLE x (y)");
        },
        &["store.db", "another application", "that belongs to the log here"],
    ),
    (
        "a log of garbage",
        |f| fs::write(f.join("log.db"), [0xa5; 9000]).unwrap(),
        &["log.db", "not an SQLite database"],
    ),
    (
        "a store of garbage",
        |f| fs::write(f.join("store.db"), [0xa5; 9000]).unwrap(),
        &["store.db", "not a database", "Restore the newest copy"],
    ),
    ("a log cut short", |f| cut(&f.join("log.db")), &["log.db", "truncated"]),
    ("a store cut short", |f| cut(&f.join("store.db")), &["store.db", "damaged"]),
    ("a log of no bytes", |f| fs::write(f.join("log.db"), "").unwrap(), &["log.db", "truncated"]),
    (
        "a store of no bytes",
        |f| fs::write(f.join("store.db"), "").unwrap(),
        &["store.db is missing or empty", "Restore"],
    ),
    (
        "no log",
        |f| fs::remove_file(f.join("log.db")).unwrap(),
        &["log.db, is not", "Restore log.db"],
    ),
    (
        "no store",
        |f| fs::remove_file(f.join("store.db")).unwrap(),
        &["store.db is missing or empty", "the polls they were cast in are lost"],
    ),
    (
        "no secret",
        |f| fs::remove_file(f.join("secret")).unwrap(),
        &["the file secret is gone", "POLLUX_SECRET"],
    ),
    (
        "another secret",
        |f| fs::write(f.join("secret"), "quite another secret").unwrap(),
        &["secret is not the secret", "Restore the original file", "as POLLUX_SECRET"],
    ),
    ("a secret cut short", |f| fs::write(f.join("secret"), "x").unwrap(), &["secret is damaged"]),
    (
        "the log of another installation",
        |f| {
            fs::copy(folder().path().join("log.db"), f.join("log.db")).unwrap();
        },
        &["was counted from the log", "restore the file that belongs to the other"],
    ),
    (
        "one altered vote",
        alter_a_vote,
        &[
            "log.db is damaged: at offset 2 of partition 0",
            "the checksum",
            "Restore an undamaged copy",
        ],
    ),
    (
        "more counted than is on the log",
        |f| pragma(&f.join("store.db"), "UPDATE offsets SET next_offset = 1000"),
        &["ends at offset", "records are missing"],
    ),
];

/// Makes everybody who voted for the first option have voted for the second.
fn alter_a_vote(folder: &Path) {
    pragma(
        &folder.join("log.db"),
        "UPDATE batches SET records =
             CAST(replace(CAST(records AS TEXT), '\"optionIds\":[1]', '\"optionIds\":[2]') AS BLOB)",
    );
}

fn cut(file: &Path) {
    fs::OpenOptions::new().write(true).open(file).unwrap().set_len(20_000).unwrap();
}

#[test]
fn a_folder_that_is_not_whole_is_refused_and_left_alone() {
    let whole = folder();
    for (name, damage, wanted) in CASES {
        let folder = copy(whole.path());
        damage(folder.path());
        let before = contents(folder.path());
        let output = serve(folder.path());
        let text = said(&output);
        assert_eq!(output.status.code(), Some(3), "{name}: {text}");
        for wanted in *wanted {
            assert!(text.contains(wanted), "{name}: no {wanted:?} in: {text}");
        }
        assert!(!text.contains("panicked"), "{name}: {text}");
        assert!(contents(folder.path()) == before, "{name}: a file was changed");
    }
}

#[test]
fn recount_tells_where_the_log_is_damaged_and_what_of_it_is_whole() {
    let folder = folder();
    let path = folder.path().to_str().unwrap();
    let whole = run(["recount", "--data", path]);
    assert!(whole.status.success(), "{}", said(&whole));
    alter_a_vote(folder.path());
    let output = run(["recount", "--data", path]);
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("DAMAGED: log.db at offset 2 of partition 0"), "{told}");
    assert!(told.contains("whole: partition 0, up to offset 2"), "{told}");
    assert!(!told.contains("equal"), "{told}");
    assert!(said(&output).contains("damaged in 1 place, and nothing is counted from it"));
    let json = run(["recount", "--json", "--data", path]).stdout;
    let told: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&told["equal"], &told["damage"][0]["atOffset"]), (&false.into(), &2.into()));
    assert_eq!(told["whole"], serde_json::json!([{ "partition": 0, "upTo": 2 }]));
}

/// Log and store lose their ends together, as after a crash on a bad disk: they agree with each other, and
/// both lack votes.
#[test]
fn acknowledged_votes_that_log_and_store_have_both_lost_are_missed() {
    let folder = folder();
    let older = copy(folder.path());
    let mut server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    for voter in 0..40 {
        assert_eq!(server.vote(&poll, &voter.to_string()).unwrap().0, 202);
    }
    server.kill();
    fs::copy(older.path().join("store.db"), folder.path().join("store.db")).unwrap();
    fs::remove_file(folder.path().join("store.db-wal")).unwrap();
    let wal = folder.path().join("log.db-wal");
    let length = fs::metadata(&wal).unwrap().len();
    fs::OpenOptions::new().write(true).open(&wal).unwrap().set_len(length / 2).unwrap();
    let output = serve(folder.path());
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(
        said(&output).contains("synced and acknowledged: they are missing"),
        "{}",
        said(&output)
    );
    let recount = run(["recount", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(recount.status.code(), Some(1), "{}", said(&recount));
    assert!(said(&recount).contains("they are missing"), "{}", said(&recount));

    for name in ["log.db", "store.db"] {
        fs::copy(older.path().join(name), folder.path().join(name)).unwrap();
    }
    fs::remove_file(&wal).unwrap();
    let output = serve(folder.path());
    assert!(said(&output).contains("they are missing"), "older copies of both: {}", said(&output));
    fs::copy(older.path().join("log.db-synced"), folder.path().join("log.db-synced")).unwrap();
    assert_eq!(Server::start(folder.path()).stop().code(), Some(0), "a whole older folder");
}

#[test]
fn a_record_that_rots_in_a_running_server_is_a_line_in_readyz_and_votes_go_on() {
    let folder = folder();
    let mut server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    assert_eq!(server.get("/readyz").unwrap().1["log"], serde_json::Value::Null);
    alter_a_vote(folder.path());
    let begun = Instant::now();
    let told = loop {
        let (status, ready) = server.get("/readyz").unwrap();
        assert_eq!(status, 200);
        if let Some(told) = ready["log"].as_str() {
            break told.to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody noticed");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(told.contains("log.db at offset 2 of partition 0"), "{told}");
    assert!(server.stderr().contains("log.db at offset 2 of partition 0"), "{}", server.stderr());
    assert_eq!(server.vote(&poll, "w").unwrap().0, 202);
    assert_eq!(server.votes(&poll, 1), 1);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn what_was_lost_can_be_put_back() {
    let folder = folder();
    let [secret, kept] = ["secret", "kept"].map(|name| folder.path().join(name));
    fs::rename(&secret, &kept).unwrap();
    assert_eq!(serve(folder.path()).status.code(), Some(3));
    fs::rename(&kept, &secret).unwrap();
    let mut server = Server::start(folder.path());
    assert_eq!(server.stop().code(), Some(0));
}

const SECRET: (&str, &str) = ("POLLUX_SECRET", "the secret of this test");

fn serve_as(folder: &Path, secret: &str) -> String {
    let before = contents(folder);
    let mut serve = pollux();
    serve.args(["serve", "--host", "127.0.0.1", "--port", "0", "--data"]).arg(folder);
    let output = serve.env("POLLUX_SECRET", secret).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(contents(folder) == before, "a file was changed");
    said(&output)
}

/// A secret may be replaced while polls have no votes yet, and no longer once somebody may have voted.
#[test]
fn another_secret_is_refused_once_somebody_may_have_voted() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Server::start(folder.path()).stop().code(), Some(0), "one is made and kept");
    let mut server = Server::start_with(folder.path(), &[SECRET]);
    let poll = server.poll(&["A", "B"]);
    assert_eq!(server.vote(&poll, "v").unwrap().0, 202);
    assert_eq!(server.stop().code(), Some(0));

    let text = serve_as(folder.path(), "another secret altogether");
    assert!(text.contains("POLLUX_SECRET is not the secret"), "{text}");
    assert!(text.contains("Give the former one; or begin in an empty folder"), "{text}");
    assert!(!text.contains("altogether"), "{text}");
    let forgotten = serve(folder.path());
    assert_eq!(forgotten.status.code(), Some(3), "the one that was made is another, too");
    assert!(said(&forgotten).contains("set it again"), "{}", said(&forgotten));
    server.restart();
    assert_eq!(server.vote(&poll, "v").unwrap().0, 202);
    assert_eq!(server.votes(&poll, 1), 1, "still the same voter");
    assert_eq!(server.stop().code(), Some(0));
    let files = contents(folder.path());
    let hold = |bytes: &[u8]| files.values().any(|file| file.windows(23).any(|w| w == bytes));
    assert!(!hold(SECRET.1.as_bytes()), "the secret itself is in no file");
}

#[test]
fn a_secret_of_our_own_is_named_when_another_takes_its_place() {
    let folder = folder();
    let text = serve_as(folder.path(), "another secret altogether");
    assert!(text.contains("leave POLLUX_SECRET out"), "{text}");
    assert_eq!(Server::start(folder.path()).stop().code(), Some(0));
}

/// When the secret that a folder made for itself is rotated, voters of an older poll stay who they are.
#[test]
fn a_rotated_secret_makes_nobody_a_stranger() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    assert_eq!(server.vote(&poll, "v").unwrap().0, 202);
    assert_eq!(server.votes(&poll, 1), 1);
    drop(server);
    let made = fs::read_to_string(folder.path().join("secret")).unwrap();
    let rotated = |time: &str| {
        [SECRET, ("POLLUX_FORMER_SECRETS", &format!("{}@{time}", made.trim()))]
            .map(|(name, value)| (name, value.to_owned()))
    };
    let refused = |time: &str| {
        let mut serve = pollux();
        serve.args(["serve", "--host", "127.0.0.1", "--port", "0", "--data"]).arg(folder.path());
        let output = serve.envs(rotated(time)).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        said(&output)
    };
    let text = refused("2026-01-01T00:00:00Z");
    assert!(text.contains("rotated at 2026-01-01T00:00:00Z, which has passed"), "{text}");

    let ahead = rotated("2096-01-01T00:00:00Z");
    let ahead: Vec<_> = ahead.iter().map(|(name, value)| (*name, &**value)).collect();
    let server = Server::start_with(folder.path(), &ahead);
    assert_eq!(server.vote(&poll, "v").unwrap().0, 202);
    assert_eq!(server.vote(&poll, "w").unwrap().0, 202);
    assert_eq!(server.votes(&poll, 2), 2, "the first one has only voted again");
    drop(server);
    let text = refused("2095-01-01T00:00:00Z");
    assert!(text.contains("POLLUX_SECRET is not the secret"), "another moment: {text}");
    let alone = serve(folder.path());
    assert_eq!(alone.status.code(), Some(3), "the former one alone: {}", said(&alone));
}

/// A folder of a version that kept no fingerprint of its secret is given one.
#[test]
fn a_folder_without_a_fingerprint_is_given_one() {
    let folder = folder();
    pragma(&folder.path().join("store.db"), "DELETE FROM meta WHERE name = 'secret'");
    assert_eq!(Server::start(folder.path()).stop().code(), Some(0));
    serve_as(folder.path(), "another secret altogether");
}

#[test]
fn a_first_start_that_was_cut_short_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Server::start(folder.path()).stop().code(), Some(0));
    for name in ["store.db", "secret", "admin-token"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert_eq!(Server::start(folder.path()).stop().code(), Some(0));
}

#[test]
fn a_second_server_on_the_folder_is_refused_and_told_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let output = serve(folder.path());
    assert_eq!(output.status.code(), Some(3));
    let text = said(&output);
    assert!(text.contains(&format!("process {}", server.pid())), "{text}");
    assert!(matches!(server.get("/readyz"), Ok((200, _))));
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_with_the_reason() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("file"), "x").unwrap();
    for (folder, wanted) in [
        (parent.path().join("file"), "is a file"),
        (parent.path().join("file/data"), "is a file"),
        (parent.path().join("no/data"), "does not exist"),
        ("/proc/pollux".into(), "cannot be"),
        ("/sys/pollux".into(), "cannot be"),
    ] {
        let output = serve(&folder);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(3), "{}: {text}", folder.display());
        assert!(text.contains(wanted) && text.contains(folder.to_str().unwrap()), "{text}");
    }
}
