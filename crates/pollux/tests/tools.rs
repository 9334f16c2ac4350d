//! The tools work together on a real server: an audience, its ledger, and everything that reads.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Server, pollux, run, said};

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_audience_its_ledger_and_the_recount_agree() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let poll = server.poll(&["A", "B", "C"]);
    let ledger = tempfile::NamedTempFile::new().unwrap();
    let url = format!("http://localhost:{}", server.port);
    let summary = json(&run([
        "simulate",
        "--url",
        &url,
        "--poll",
        &poll,
        "--json",
        "--rate",
        "max",
        "--voters",
        "200",
        "--votes",
        "500",
        "--connections",
        "8",
        "--revoters",
        "0.5",
        "--duplicates",
        "0.1",
        "--seed",
        "7",
        "--ledger",
        ledger.path().to_str().unwrap(),
    ]));
    assert_eq!((&summary["acknowledged"], &summary["unknown"]), (&json!(500), &json!(0)));

    // The greatest ballot of each voter counts.
    let mut last: BTreeMap<String, (String, u64)> = BTreeMap::new();
    for line in std::fs::read_to_string(ledger.path()).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        let vote = (text("ballotId"), line["optionIds"][0].as_u64().unwrap());
        let newest = last.entry(text("voterId")).or_insert_with(|| vote.clone());
        *newest = vote.max(newest.clone());
    }
    let mut counts = [0; 3];
    last.values().for_each(|(_, option)| counts[*option as usize - 1] += 1);
    let voters = last.len() as u64;
    assert_eq!(server.votes(&poll, voters), voters);

    let data = folder.path().to_str().unwrap();
    let beside = json(&run(["recount", "--data", data, "--json"]));
    assert_eq!(beside["equal"], true);
    assert_eq!(beside["polls"][0]["counts"], json!(counts));
    let results = json(&run(["export", "--data", data, &poll, "--json"]));
    let shown = results[0]["options"].as_array().unwrap().iter().map(|o| o["votes"].clone());
    assert_eq!(shown.collect::<Vec<_>>(), counts.map(|count| json!(count)));
    let ballot = &last.values().next().unwrap().0;
    let trace = json(&run(["trace", "--data", data, "--json", ballot]));
    assert_eq!(trace["records"][0]["status"], "counted");

    let watched = run(["watch", &poll, "--url", &url, "--once", "--json"]);
    assert_eq!(json(&watched)["totalVotes"], voters);
    assert_eq!(server.stop().code(), Some(0));
    let after = json(&run(["recount", "--data", data, "--json"]));
    assert_eq!(after, beside);
}

#[test]
fn a_vote_is_cast_and_traced_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    let url = format!("http://127.0.0.1:{}", server.port);
    let data = folder.path().to_str().unwrap();
    let cast = json(&run([
        "trace",
        "--data",
        data,
        "--url",
        &url,
        "--cast",
        &poll,
        "--option=2",
        "--json",
    ]));
    let record = &cast["records"][0];
    assert_eq!((&record["status"], &record["optionIds"]), (&json!("counted"), &json!([2])));
    let times = ["cast", "taken", "shown"].map(|name| record["way"]["times"][name].as_str());
    assert!(times.is_sorted() && times[0].is_some(), "{record}");
    assert_eq!(server.votes(&poll, 1), 1);
    let again = run(["trace", "--data", data, cast["ballotId"].as_str().unwrap()]);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    let text = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(text.contains("decided  counted") && !text.contains("kcat"), "{text}");
}

/// Casts a vote in the poll by `pollux trace`.
fn cast(server: &Server, folder: &Path, poll: &str, flags: &[&str]) -> Output {
    let url = format!("http://127.0.0.1:{}", server.port);
    let data = folder.to_str().unwrap();
    let all = [&["trace", "--data", data, "--url", &url, "--cast", poll][..], flags].concat();
    pollux().args(all).arg("--json").stdin(Stdio::null()).output().unwrap()
}

/// Returns the lines that `pollux export` writes.
fn exported(folder: &Path, flags: &[&str]) -> Vec<String> {
    let flags = [&["export", "--data", folder.to_str().unwrap()][..], flags].concat();
    let output = pollux().args(flags).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_rating_is_cast_traced_and_exported_under_its_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let choice = server.poll(&["A", "B"]);
    let body =
        json!({ "question": "How was it?", "statements": ["The room", "The food"], "steps": 4 });
    let (status, made) = server.post("/api/polls", &body).unwrap();
    assert_eq!(status, 201, "{made}");
    let [poll, code] = ["id", "code"].map(|name| made[name].as_str().unwrap());
    let cast = |poll: &str, flags: [&str; 2]| cast(&server, folder.path(), poll, &flags);
    let rated = json(&cast(code, ["--answer", "[4,null]"]))["records"][0].clone();
    assert_eq!((&rated["status"], &rated["answer"]), (&json!("counted"), &json!([4, null])));
    let chosen = json(&cast(&choice, ["--answer", "[2]"]))["records"][0].clone();
    assert_eq!((&chosen["status"], &chosen["optionIds"]), (&json!("counted"), &json!([2])));
    assert_eq!((server.votes(poll, 1), server.votes(&choice, 1)), (1, 1));

    // A flag of another kind is refused here, and an answer that the poll does not take by the server.
    let refused = cast(code, ["--option", "2"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("a step from 1 to 4"), "{}", said(&refused));
    let refused = cast(code, ["--answer", "[5,1]"]);
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert!(said(&refused).contains("must be from 1 to 4"), "{}", said(&refused));

    let lines = |flags: &[&str]| exported(folder.path(), flags);
    let ballots = lines(&[poll, "--ballots"]);
    assert!(ballots[0].ends_with(",takenAt,answer,ratings,decided,status"), "{ballots:?}");
    assert!(ballots[1].ends_with(",\"[4,null]\",The room: 4,counted,counted"), "{ballots:?}");
    let ballots = lines(&["--all", "--ballots"]);
    assert!(
        ballots[0].ends_with(",takenAt,optionIds,options,answer,ratings,decided,status"),
        "{ballots:?}"
    );
    let there = |end: &str| ballots.iter().any(|line| line.ends_with(end));
    assert!(there("Z,2,B,,,counted,counted"), "{ballots:?}");
    assert!(there("Z,,,\"[4,null]\",The room: 4,counted,counted"), "{ballots:?}");
    let line: Value =
        serde_json::from_str(&lines(&[poll, "--ballots", "--format", "json"])[0]).unwrap();
    assert_eq!(
        (&line["answer"], &line["ratings"], &line["options"]),
        (&json!([4, null]), &json!(["The room: 4"]), &Value::Null)
    );
    let results = lines(&["--all"]);
    assert!(
        results[0].ends_with(
            ",round,optionId,option,statementId,statement,mean,step,votes,share,totalVotes,totalVoters"
        ),
        "{results:?}"
    );
    let there = |end: &str| results.iter().any(|line| line.ends_with(end));
    assert!(there(",1,2,B,,,,,1,1,1,1"), "{results:?}");
    assert!(there(",1,,,1,The room,4,4,1,1,1,1"), "{results:?}");
    assert!(there(",1,,,2,The food,,4,0,0,1,1"), "{results:?}");
}

#[test]
fn rankings_and_points_are_produced_cast_and_exported_in_columns_that_they_share() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let url = format!("http://127.0.0.1:{}", server.port);
    let made = |own: Value| {
        let mut body = json!({ "question": "?", "options": ["A", "B", "C"] });
        body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let (status, made) = server.post("/api/polls", &body).unwrap();
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    };
    let choice = server.poll(&["A", "B"]);
    let ranking = made(json!({ "kind": "ranking", "places": 2 }));
    let points = made(json!({ "kind": "points", "budget": 10 }));
    for (poll, flags, answer) in [
        (&ranking, &[][..], json!([1, 2])),
        (&ranking, &["--answer", "[3]"], json!([3])),
        (&points, &[], json!([10, 0, 0])),
        (&points, &["--answer", "[1,0,4]"], json!([1, 0, 4])),
    ] {
        let record = json(&cast(&server, folder.path(), poll, flags))["records"][0].clone();
        assert_eq!((&record["status"], &record["answer"]), (&json!("counted"), &answer));
    }
    for (poll, said_of) in [(&ranking, "1 to 2 of its 3 options"), (&points, "from 1 to 10 in all")]
    {
        let refused = cast(&server, folder.path(), poll, &["--option", "2"]);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(said_of), "{}", said(&refused));
    }

    let ballots = exported(folder.path(), &["--all", "--ballots"]);
    assert!(
        ballots[0].ends_with(",takenAt,optionIds,options,answer,ranked,given,decided,status"),
        "{ballots:?}"
    );
    let results = exported(folder.path(), &["--all"]);
    assert!(
        results[0].ends_with(
            ",round,optionId,option,points,meanPlace,place,votes,share,totalVotes,totalVoters"
        ),
        "{results:?}"
    );
    for (lines, end) in [
        (&ballots, "Z,,,\"[1,2]\",1. A; 2. B,,counted,counted"),
        (&ballots, "Z,,,[3],1. C,,counted,counted"),
        (&ballots, "Z,,,\"[1,0,4]\",,A: 1; C: 4,counted,counted"),
        (&results, ",1,2,B,,,,0,0,0,0"),
        (&results, ",1,1,A,2,1,1,1,1,3,2"),
        (&results, ",1,2,B,1,2,2,1,1,3,2"),
        (&results, ",1,3,C,2,1,2,0,0,3,2"),
        (&results, ",1,1,A,11,,,2,0.7333,3,2"),
        (&results, ",1,3,C,4,,,1,0.2667,3,2"),
    ] {
        assert!(lines.iter().any(|line| line.ends_with(end)), "{end}: {lines:#?}");
    }
    assert_eq!(results.len(), 1 + 2 + 3 * 2 + 3, "{results:#?}");

    // Of points it is told how often somebody gave some, as on the screens.
    let recount = run(["recount", "--data", folder.path().to_str().unwrap(), &points]);
    let text = String::from_utf8_lossy(&recount.stdout).into_owned();
    assert!(text.contains(" 3 votes ") && text.contains("equal: 3 votes"), "{text}");

    for poll in [&ranking, &points] {
        let audience = ["--votes", "40", "--voters", "40", "--rate", "max", "--json"];
        let flags = [&["simulate", "--url", &url, "--poll", poll][..], &audience].concat();
        assert_eq!(json(&pollux().args(flags).output().unwrap())["acknowledged"], 40);
    }
    assert_eq!(server.votes(&choice, 0), 0);
}

#[test]
fn a_number_is_cast_traced_watched_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let url = format!("http://127.0.0.1:{}", server.port);
    let body = json!({
        "question": "How cold?", "kind": "number", "min": -2, "max": 1, "step": 0.5, "unit": "°C",
        "solution": 0.75,
    });
    let (status, made) = server.post("/api/polls", &body).unwrap();
    assert_eq!(status, 201, "{made}");
    let [poll, token] = ["id", "ownerToken"].map(|name| made[name].as_str().unwrap());
    for (flags, answer) in [
        (&[][..], json!(-0.5)),
        (&["--answer", "-1.5"], json!(-1.5)),
        (&["--answer", "1.0"], json!(1)),
        (&["--answer", "1"], json!(1)),
    ] {
        let record = json(&cast(&server, folder.path(), poll, flags))["records"][0].clone();
        assert_eq!((&record["status"], &record["answer"]), (&json!("counted"), &answer));
    }
    let refused = cast(&server, folder.path(), poll, &["--option", "2"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("from -2 to 1, in steps of 0.5"), "{}", said(&refused));
    let refused = cast(&server, folder.path(), poll, &["--answer", "0.25"]);
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert!(said(&refused).contains("but 0 and 0.5 are"), "{}", said(&refused));

    let watched = || {
        let once = ["watch", "--url", &url, poll, "--once"];
        String::from_utf8(pollux().args(once).output().unwrap().stdout).unwrap()
    };
    let open = watched();
    assert!(open.contains("mean 0.00 °C · median 0.25 °C"), "{open}");
    assert!(open.contains("-1.5 °C") && !open.contains("right answer"), "{open}");
    let (status, closed) = server.post_as(token, &format!("/api/polls/{poll}/close")).unwrap();
    assert_eq!(status, 200, "{closed}");
    let closed = watched();
    assert!(closed.contains("right answer 0.75 °C · nearest 1 °C by 2"), "{closed}");

    let ballots = exported(folder.path(), &[poll, "--ballots"]);
    assert!(ballots[0].ends_with(",takenAt,answer,number,decided,status"), "{ballots:?}");
    let there = |end: &str| ballots.iter().any(|line| line.ends_with(end));
    assert!(
        there("Z,-1.5,'-1.5 °C,counted,counted"),
        "only a number alone is a number: {ballots:?}"
    );
    assert!(there("Z,1,1 °C,counted,counted"), "{ballots:?}");
    let results = exported(folder.path(), &[poll]);
    let columns = ",round,mean,median,value,unit,votes,share,totalVotes,totalVoters";
    assert!(results[0].ends_with(columns), "{results:?}");
    assert_eq!(results.len(), 1 + 7, "a line for each value: {results:?}");
    assert!(results[1].ends_with(",1,0,0.25,-2,°C,0,0,4,4"), "{results:?}");
    assert!(results[7].ends_with(",1,0,0.25,1,°C,2,0.5,4,4"), "{results:?}");
    let recount = run(["recount", "--data", folder.path().to_str().unwrap(), poll]);
    let text = String::from_utf8_lossy(&recount.stdout).into_owned();
    assert!(text.contains("equal: 4 votes"), "{text}");
}

/// A recount knows the polls that were open when it began, and folds the log a little further than that.
#[test]
fn polls_that_open_during_a_recount_are_no_dead_letters() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    let data = folder.path().to_str().unwrap();
    let recount = |which: &[&str]| {
        let flags = [&["recount", "--data", data, "--json"][..], which].concat();
        json(&pollux().args(flags).output().unwrap())
    };
    let over = AtomicBool::new(false);
    let found = std::thread::scope(|scope| {
        scope.spawn(|| {
            let draft = json!({ "question": "?", "options": ["A", "B"], "open": false });
            while !over.load(Ordering::Relaxed) {
                let (_, made) = server.post("/api/polls", &draft).unwrap();
                let [id, token] = ["id", "ownerToken"].map(|name| made[name].as_str().unwrap());
                let opened = server.post_as(token, &format!("/api/polls/{id}/open")).unwrap();
                assert_eq!(opened.0, 200, "{opened:?}");
                assert_eq!(server.vote(id, "ada").unwrap().0, 202);
            }
        });
        let found: Vec<_> = (0..20).flat_map(|_| [recount(&[&poll]), recount(&[])]).collect();
        over.store(true, Ordering::Relaxed);
        found
    });
    for found in &found {
        assert_eq!((&found["equal"], &found["dead"]), (&json!(true), &json!(0)), "{found}");
    }
    let others = found[found.len() - 2]["otherPolls"].as_u64().unwrap();
    assert!(others > 20, "only {others} records of other polls");
}

#[test]
fn a_final_result_has_one_hash_and_its_replay_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let body = json!({ "question": "Which?", "options": ["A", "B"] });
    let (_, made) = server.post("/api/polls", &body).unwrap();
    let [id, token] = ["id", "ownerToken"].map(|name| made[name].as_str().unwrap());
    for voter in 0..50 {
        assert_eq!(server.vote(id, &voter.to_string()).unwrap().0, 202);
    }
    assert_eq!(server.votes(id, 50), 50);
    let get = |path: String| server.get(&path).unwrap();
    let begun = Instant::now();
    let pulse = loop {
        let pulse = get(format!("/api/polls/{id}/pulse")).1;
        if pulse["inFlight"] == 0 && pulse["voteToScreen"]["samples"].as_u64() > Some(0) {
            break pulse;
        }
        // A vote that is counted before its voter hears of it is not measured, so the next one is cast.
        assert!(begun.elapsed() < Duration::from_secs(20), "{pulse}");
        assert_eq!(server.vote(id, "0").unwrap().0, 202);
        std::thread::sleep(Duration::from_millis(300));
    };
    assert_eq!(pulse["acknowledged"], pulse["counted"]);
    assert!(pulse["counted"].as_u64().unwrap() >= 51, "{pulse}");
    let url = format!("http://127.0.0.1:{}/metrics", server.port);
    let metrics = Command::new("curl").args(["-sS", &url]).output().unwrap();
    let metrics = String::from_utf8_lossy(&metrics.stdout).into_owned();
    let samples = metrics.lines().find_map(|line| {
        line.strip_prefix("pollux_vote_to_screen_seconds_count ")?.parse::<u64>().ok()
    });
    // One more vote may have reached the screen since.
    assert!(samples >= pulse["voteToScreen"]["samples"].as_u64(), "{metrics}");
    assert_eq!(get(format!("/api/polls/{id}/replay")).0, 409);
    assert_eq!(server.post_as(token, &format!("/api/polls/{id}/close")).unwrap().0, 200);
    let closed = loop {
        let (_, shown) = get(format!("/api/polls/{id}"));
        if shown["final"] == true {
            break shown;
        }
    };
    let (status, replay) = get(format!("/api/polls/{id}/replay"));
    assert_eq!(status, 200, "{replay}");
    let frames = replay["frames"].as_array().unwrap();
    assert_eq!(frames.last().unwrap()["votes"], json!([50, 0]));
    assert!(frames.len() > 1 && frames[0]["votes"][0].as_u64().unwrap() < 50, "{replay}");

    let data = folder.path().to_str().unwrap();
    let recount = json(&run(["recount", "--data", data, "--json"]));
    assert_eq!(recount["polls"][0]["resultHash"], closed["resultHash"]);
    let words = run(["recount", "--data", data]);
    let hash = format!("sha256:{}", closed["resultHash"].as_str().unwrap());
    assert!(String::from_utf8_lossy(&words.stdout).contains(&hash), "{}", said(&words));
}

#[test]
fn the_status_of_a_server_is_told_to_its_operator() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    assert_eq!(server.vote(&poll, "ada").unwrap().0, 202);
    assert_eq!(server.votes(&poll, 1), 1);
    let operator = std::fs::read_to_string(folder.path().join("admin-token")).unwrap();
    let mut client = support::Client::new(server.port);
    let (_, status) = client.send("GET", "/api/status", None, Some(operator.trim())).unwrap();
    assert_eq!([&status["mode"], &status["ready"]], [&json!("embedded"), &json!(true)]);
    assert_eq!(status["node"], format!("localhost:{}", server.port));
    assert_eq!([&status["log"]["ok"], &status["store"]["ok"]], [&json!(true); 2], "{status}");
    assert_eq!(status["log"]["lag"], 0, "{status}");
    assert_eq!(status["processors"], json!({"here": 1, "partitions": 1, "troubles": []}));
    assert!(status["lastCommitAt"].as_str() >= status["startedAt"].as_str(), "{status}");
    let (_, address) = server.get("/api/address").unwrap();
    assert_eq!(address["phonesCanOpen"], false, "{address}");
}

#[test]
fn a_tally_that_was_tampered_with_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    for voter in ["a", "b", "c"] {
        assert_eq!(server.vote(&poll, voter).unwrap().0, 202);
    }
    assert_eq!(server.votes(&poll, 3), 3);
    assert_eq!(server.stop().code(), Some(0));
    let store = Connection::open(folder.path().join("store.db")).unwrap();
    let tampered = store.execute("UPDATE tallies SET counts = '[3,1000]'", []).unwrap();
    assert_eq!(tampered, 1);
    drop(store);
    let data = folder.path().to_str().unwrap();
    let recount = run(["recount", "--data", data]);
    let text = String::from_utf8_lossy(&recount.stdout).into_owned();
    assert_eq!(recount.status.code(), Some(1), "{text}{}", said(&recount));
    assert!(text.contains("DIFFERENT") && text.contains(&poll), "{text}");
    assert!(text.contains("1000") || text.contains("1,000"), "{text}");
    let recount = run(["recount", "--data", data, "--json"]);
    assert_eq!(recount.status.code(), Some(1));
    let differences: Value = serde_json::from_slice(&recount.stdout).unwrap();
    assert_eq!(differences["equal"], false);
}

#[test]
fn watch_shows_the_final_result_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let body = json!({ "question": "=1+1", "options": ["@SUM(A1)", "-2", "+3", "B"] });
    let (_, made) = server.post("/api/polls", &body).unwrap();
    let (id, token) = (made["id"].as_str().unwrap(), made["ownerToken"].as_str().unwrap());
    let url = format!("http://127.0.0.1:{}", server.port);
    let watching = pollux()
        .args(["watch", id, "--url", &url, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(server.vote(id, "v").unwrap().0, 202);
    assert_eq!(server.post_as(token, &format!("/api/polls/{id}/close")).unwrap().0, 200);
    let watched = watching.wait_with_output().unwrap();
    assert_eq!(watched.status.code(), Some(0), "{}", said(&watched));
    let last = String::from_utf8_lossy(&watched.stdout).lines().last().unwrap().to_owned();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&last["final"], &last["totalVotes"]), (&json!(true), &json!(1)));

    // A spreadsheet that opens the export runs nothing.
    let sheet = run(["export", "--data", folder.path().to_str().unwrap(), id]);
    let sheet = String::from_utf8_lossy(&sheet.stdout).into_owned();
    for defused in [",'=1+1,", ",'@SUM(A1),", ",'-2,", ",'+3,", ",B,"] {
        assert!(sheet.contains(defused), "{defused}: {sheet}");
    }
}

/// Runs a command in a terminal of its own, and returns its exit code and what came to its screen.
#[cfg(target_os = "linux")]
fn in_a_terminal(arguments: &str) -> (i32, String) {
    let program = env!("CARGO_BIN_EXE_pollux");
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &format!("{program} {arguments}"), "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_there_are_bars_and_they_are_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let poll = server.poll(&["A", "B"]);
    let (code, screen) = in_a_terminal(&format!(
        "simulate --url http://127.0.0.1:{} --poll {poll} --voters 60 --rate 100",
        server.port
    ));
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("of 60 ballots"), "no bar: {screen:?}");
    assert!(screen.contains("60 ballots in "), "{screen:?}");
    assert_eq!(server.votes(&poll, 60), 60);
    let (code, screen) =
        in_a_terminal(&format!("watch {poll} --once --url http://127.0.0.1:{}", server.port));
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains('█') && screen.contains('%'), "{screen:?}");
}
