//! The classic commands, and the tools that read, run against a real cluster: three brokers with their
//! ZooKeepers, PostgreSQL, and a node of ours. The cluster is started once for all tests of this file; each
//! test has polls or topics of its own.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use pollux_cluster::{Cluster, Options, Port};
use pollux_core::id::partition_of;
use pollux_server::ambient::SystemAmbient;
use pollux_server::config::{KafkaConfig, LogLimits};
use pollux_server::log::kafka::KafkaLog;
use pollux_server::log::{Log, NewRecord};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use support::{Client, said, signal};

/// All tests here share this cluster, which ends with this process, however that ends.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("classic");
    let cluster = Cluster::start(&Options { folder, secure: true, ..Options::default() }).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_pollux"));
    cluster.add_node("node", 1, program, "web,processor", &[]).unwrap();
    cluster
});

/// Returns `pollux` with the cluster's environment and no other, in a folder without `.env`.
fn pollux(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollux"));
    command
        .args(arguments)
        .env_clear()
        .envs(CLUSTER.environment())
        .env("POLLUX_URL", format!("http://127.0.0.1:{}", port()))
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    pollux(arguments).output().unwrap()
}

/// Returns what a command prints to stdout, and panics if it fails.
fn text(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns what a command prints with `--json`, one JSON value a line.
fn lines(arguments: &[&str]) -> Vec<Value> {
    let text = text(&[arguments, &["--json"]].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json(arguments: &[&str]) -> Value {
    let mut lines = lines(arguments);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

fn port() -> u16 {
    CLUSTER.ports().get(Port::Added, 1)
}

fn ask(method: &str, path: &str, body: Option<&Value>) -> Value {
    let body = body.map(Value::to_string);
    let (status, answer) = Client::new(port()).send(method, path, body.as_deref(), None).unwrap();
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

/// Makes a poll with these options and returns its id.
fn poll(options: &[&str]) -> String {
    let made =
        ask("POST", "/api/polls", Some(&json!({ "question": "Which?", "options": options })));
    made["id"].as_str().unwrap().to_owned()
}

/// Votes, waits for the decision, and returns the receipt.
fn vote(poll: &str, option: u8, voter: &str) -> Value {
    let body = json!({ "optionId": option, "voterId": voter });
    ask("POST", &format!("/api/polls/{poll}/vote?wait=counted"), Some(&body))
}

/// Returns the votes that are shown, as soon as they are at least `wanted`, or after 20 seconds.
fn votes(poll: &str, wanted: u64) -> u64 {
    let count = || ask("GET", &format!("/api/polls/{poll}"), None)["totalVotes"].as_u64().unwrap();
    let begun = std::time::Instant::now();
    loop {
        match count() {
            votes if votes >= wanted || begun.elapsed().as_secs() > 20 => return votes,
            _ => std::thread::sleep(std::time::Duration::from_millis(50)),
        }
    }
}

fn place(record: &Value) -> (u64, u64) {
    (record["partition"].as_u64().unwrap(), record["offset"].as_u64().unwrap())
}

#[test]
fn topics_are_made_once_and_described_without_making_them() {
    let describe = ["topics", "describe", "--topic-prefix", "made."];
    for _ in 0..2 {
        let output = run(&describe);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        for said in ["none: the log has not begun", "there is no topic made.votes;"] {
            assert!(text.contains(said), "{text}");
        }
        assert_eq!(text.matches("there is no topic").count(), 4, "looking made some: {text}");
    }
    let create = ["topics", "create", "--topic-prefix", "made.", "--kafka-partitions", "3"];
    let made = json(&create);
    assert_eq!(made["created"].as_array().unwrap().len(), 4, "{made}");
    assert_eq!((&made["holds"], &made["faults"]), (&json!(true), &json!([])));
    let found = json(&describe);
    assert_eq!(found["generation"], made["generation"]);
    let votes = &found["topics"][0];
    assert_eq!(
        (&votes["name"], &votes["settings"]["retention.ms"]),
        (&json!("made.votes"), &json!("-1"))
    );
    for (number, partition) in votes["partitions"].as_array().unwrap().iter().enumerate() {
        assert_eq!(partition["partition"], number);
        assert!(partition["leader"].is_u64(), "{partition}");
        assert_eq!(partition["replicas"].as_array().unwrap().len(), 3, "{partition}");
    }
    let again = json(&["topics", "create", "--topic-prefix", "made.", "--kafka-partitions", "5"]);
    assert_eq!(again["created"], json!([]));
    assert_eq!((&again["generation"], &again["topics"]), (&made["generation"], &found["topics"]));
    let shown = text(&describe);
    for said in
        ["made.votes: 3 partitions, 3 replicas each", "  retention.ms=-1\n", "The promise holds."]
    {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn topics_that_are_too_weak_exit_3_with_every_fault() {
    let weak = ["--topic-prefix", "weak.", "--kafka-replication", "1"];
    let output = run(&[&["topics", "create"][..], &weak].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let taken = json(&[&["topics", "create", "--kafka-weak"][..], &weak].concat());
    assert_eq!(taken["holds"], false);
    let output = run(&["topics", "create", "--topic-prefix", "weak."]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(said(&output).matches("has 1 of the 3 replicas").count(), 4, "{}", said(&output));
    assert!(said(&output).contains("weak.votes has min.insync.replicas=1"), "{}", said(&output));
    let output = run(&["topics", "describe", "--topic-prefix", "weak."]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("the promise does not hold: 8 faults"), "{}", said(&output));
}

#[test]
fn what_is_produced_is_counted_and_consumed_as_the_ledger_says() {
    let ledger = tempfile::NamedTempFile::new().unwrap();
    let file = ledger.path().to_str().unwrap();
    let output = pollux(&[
        "produce",
        "--question",
        "Tea or coffee?",
        "--option",
        "Tea",
        "--option",
        "Coffee",
        "--option",
        "Water",
        "--rate",
        "max",
        "--voters",
        "150",
        "--votes",
        "400",
        "--revoters",
        "0.5",
        "--duplicates",
        "0.1",
        "--ledger",
        file,
        "--json",
    ])
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["acknowledged"], &told["unknown"]), (&json!(400), &json!(0)), "{told}");
    let poll = told["pollId"].as_str().unwrap();
    let shown = ask("GET", &format!("/api/polls/{poll}"), None);
    let address = format!("/p/{}", shown["code"].as_str().unwrap());
    assert!(said(&output).contains(&address), "{}", said(&output));
    assert_eq!(shown["question"], "Tea or coffee?");

    let ledger = std::fs::read_to_string(ledger.path()).unwrap();
    let cast: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let voters: BTreeSet<_> = cast.iter().map(|line| line["voterId"].to_string()).collect();
    assert_eq!(votes(poll, voters.len() as u64), voters.len() as u64);
    let recount = json(&["recount", poll]);
    assert_eq!(
        (&recount["equal"], &recount["polls"][0]["voters"]),
        (&json!(true), &json!(voters.len()))
    );

    // Each ballot stands where its receipt says, in the partition of its key.
    let records = lines(&["consume", "--no-follow"]);
    let mut repeated = 0;
    let mut there = BTreeSet::new();
    for record in
        records.iter().filter(|r| r["value"]["pollId"] == poll && r["value"]["type"] == "ballot")
    {
        let key = record["key"].as_str().unwrap();
        assert_eq!(place(record).0, u64::from(partition_of(key.as_bytes(), 12)), "{record}");
        repeated += u64::from(
            !there.insert((record["value"]["ballotId"].clone().to_string(), place(record))),
        );
    }
    assert_eq!(repeated, 0);
    for line in &cast {
        let at = place(&line["receipt"]["position"]);
        assert!(there.contains(&(line["ballotId"].to_string(), at)), "{line}");
    }
    assert!(there.len() > cast.len(), "none was sent twice");

    // The same poll takes more ballots by its code, and none once it is closed.
    let code = shown["code"].as_str().unwrap();
    let more =
        json(&["produce", "--poll", code, "--votes", "20", "--voters", "20", "--rate", "500"]);
    assert_eq!((&more["acknowledged"], &more["pollId"]), (&json!(20), &told["pollId"]));
    assert_eq!(votes(poll, voters.len() as u64 + 20), voters.len() as u64 + 20);
    let owner = said(&output);
    let token = owner.split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
    let closed = Client::new(port()).send(
        "POST",
        &format!("/api/polls/{poll}/close"),
        Some("{}"),
        Some(token),
    );
    assert_eq!(closed.unwrap().0, 200);
    let late = run(&["produce", "--poll", code, "--votes", "1"]);
    assert_eq!(late.status.code(), Some(3), "{}", said(&late));
    let nobody = run(&["produce", "--poll", "000000"]);
    assert_eq!(nobody.status.code(), Some(1), "{}", said(&nobody));
}

#[test]
fn polls_of_other_kinds_are_created_produced_and_voted_in_too() {
    let options = ["--option", "The room", "--option", "The talks"];
    let statements = ["--statement", "The room", "--statement", "The talks"];
    let beside = ["--step", "0.5", "--solution", "3.25"];
    for (asked, own, kind, most, answer) in [
        (statements, "--steps", "rating", 4, json!([4, 4])),
        (options, "--places", "ranking", 2, json!([1, 2])),
        (options, "--budget", "points", 4, json!([4, 0])),
        (beside, "--max", "number", 4, json!(2)),
    ] {
        let own_value = most.to_string();
        let new = [&["--question", "How was it?"], &asked[..], &[own, &own_value]].concat();
        let audience = ["--votes", "40", "--voters", "40", "--rate", "max"];
        let told = json(&[&["produce"][..], &new, &audience].concat());
        let poll = told["pollId"].as_str().unwrap();
        let shown = || ask("GET", &format!("/api/polls/{poll}"), None);
        assert_eq!((&shown()["kind"], &shown()[&own[2..]]), (&json!(kind), &json!(most)));
        let begun = Instant::now();
        while shown()["totalVoters"] != 40 {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", shown());
            std::thread::sleep(Duration::from_millis(50));
        }
        let cast = json(&["trace", "--cast", poll]);
        let record = &cast["records"][0];
        assert_eq!((&record["answer"], &record["status"]), (&answer, &json!("counted")));
        let recount = json(&["recount", poll]);
        let voters = &recount["polls"][0]["voters"];
        assert_eq!((&recount["equal"], voters), (&json!(true), &json!(41)));
    }
}

/// Only the store has the key under which words stand on the topic.
#[test]
fn words_are_not_produced_but_an_audience_says_them_at_a_node() {
    let made = ask("POST", "/api/polls", Some(&json!({ "question": "What?", "kind": "words" })));
    let poll = made["id"].as_str().unwrap();
    let begun = Instant::now();
    let refused = loop {
        let refused = run(&["produce", "--poll", poll, "--votes", "1"]);
        if !said(&refused).contains("there is no poll") {
            break refused;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", said(&refused));
    };
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    let instead = format!("pollux simulate --poll {poll}");
    assert!(said(&refused).contains(&instead), "{}", said(&refused));
    let audience = ["--votes", "100", "--voters", "100", "--rate", "max"];
    let told = json(&[&["simulate", "--poll", poll][..], &audience].concat());
    assert_eq!(told["acknowledged"], 100, "{told}");
    let shown = || ask("GET", &format!("/api/polls/{poll}"), None);
    while shown()["totalVoters"] != 100 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", shown());
        std::thread::sleep(Duration::from_millis(50));
    }
    let recount = json(&["recount", poll]);
    let counted = &recount["polls"][0];
    assert_eq!((&recount["equal"], &counted["voters"]), (&json!(true), &json!(100)), "{recount}");
    let names = counted["names"].as_array().unwrap();
    assert!(names.len() > 10 && names.iter().map(|name| name.as_str().unwrap()).is_sorted());
    let counts = counted["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap());
    assert_eq!(shown()["totalVotes"], counts.sum::<u64>(), "over all partitions: {recount}");
    let words = shown()["words"].as_array().unwrap().len();
    assert_eq!(words, names.len(), "each word once, whichever partitions have it");
}

/// With no time to hear from the brokers, nobody knows what became of some ballots. Each still counts at most
/// once; those that were acknowledged do count, and those refused do not.
#[test]
fn ballots_that_nobody_answers_for_are_told_as_unknown() {
    let poll = poll(&["A", "B"]);
    let hasty = ["produce", "--poll", &poll, "--votes", "200", "--voters", "200", "--rate", "max"];
    let output = pollux(&[&hasty[..], &["--patience", "0s", "--json"]].concat())
        .envs([("POLLUX_KAFKA_TIMEOUT", "1ms"), ("POLLUX_KAFKA_LINGER", "0.1ms")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = |name: &str| told[name].as_u64().unwrap();
    let [acknowledged, unknown, failed] = ["acknowledged", "unknown", "failed"].map(count);
    // Whatever follows an unanswered ballot in its partition is refused rather than sent.
    assert!(unknown > 0 && acknowledged + unknown + failed == 200, "{told}");
    let least = acknowledged + 50;
    let more = ["produce", "--poll", &poll, "--votes", "50", "--voters", "50", "--rate", "max"];
    assert_eq!(json(&more)["acknowledged"], 50);
    let counted = votes(&poll, least);
    assert!((least..=least + unknown).contains(&counted), "{counted}: {told}");
    assert_eq!(json(&["recount", &poll])["equal"], true);
}

#[test]
fn consuming_begins_where_it_is_told_and_follows() {
    let poll = poll(&["A", "B"]);
    let receipt = vote(&poll, 2, "ada");
    let (partition, offset) = place(&receipt["position"]);
    let (p, o) = (&partition.to_string(), &offset.to_string());
    let one = json(&["consume", "--partition", p, "--offset", o, "--count", "1"]);
    assert_eq!(place(&one), (partition, offset));
    assert_eq!(one["value"]["ballotId"], receipt["ballotId"]);
    assert_eq!(one["value"]["optionIds"], json!([2]));
    let line = text(&["consume", "--partition", p, "--offset", o, "--count", "1"]);
    let fields: Vec<&str> = line.trim_end().split('\t').collect();
    assert_eq!(
        (fields[0], fields[1], fields[3]),
        (p.as_str(), o.as_str(), one["key"].as_str().unwrap())
    );
    let first = json(&["consume", "--partition", p, "--from-beginning", "--count", "1"]);
    assert_eq!((&first["offset"], &first["key"]), (&json!(0), &json!("genesis")));
    // Other tests produce to the same topic meanwhile, so more than the last record may be read.
    let last = lines(&["consume", "--partition", p, "--offset", "-1", "--no-follow"]);
    let newest = place(last.last().unwrap());
    let latest = lines(&["consume", "--partition", p, "--offset", "latest", "--no-follow"]);
    assert!(latest.iter().all(|record| place(record) > newest), "{latest:?} after {newest:?}");
    let polls = lines(&["consume", "--topic", "polls", "--no-follow"]);
    assert!(polls.iter().any(|record| record["value"]["pollId"] == *poll), "{polls:?}");
    let tallies = lines(&["consume", "--topic", "tallies", "--no-follow"]);
    let key = format!("{poll}/{partition}");
    let tally = tallies.iter().rfind(|record| record["key"] == *key).unwrap();
    assert_eq!(tally["value"]["counts"], json!([0, 1]));

    let missing = run(&["consume", "--partition", p, "--offset", "999999999"]);
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
    assert!(said(&missing).contains("holds the offsets 0 up to"), "{}", said(&missing));
    assert_eq!(run(&["consume", "--partition", "99"]).status.code(), Some(1));

    // Records that come after the start are printed as they come; ending with Ctrl-C is a success.
    let mut following = pollux(&["consume", "--partition", p, "--offset", o, "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&printed.next().unwrap().unwrap()).unwrap();
    assert_eq!(place(&next()), (partition, offset));
    let newer = vote(&poll, 1, "ada");
    let (same, later) = place(&newer["position"]);
    assert_eq!(same, partition, "the same voter's ballots share a partition");
    // Other tests append to the same partition, too.
    assert!(std::iter::repeat_with(next).any(|record| place(&record) == (same, later)));
    signal(following.id(), "INT");
    assert_eq!(following.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_nobodys_ballot_is_shown_with_its_reason() {
    let brokers = CLUSTER.bootstrap().split(',').map(str::to_owned).collect();
    let config = KafkaConfig { broker: brokers, ..KafkaConfig::default() };
    let position = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let ambient = Arc::new(SystemAmbient::new());
        let log = KafkaLog::open(&config, &LogLimits::default(), ambient).await.unwrap();
        let junk = NewRecord { key: "k".into(), value: "a line of\x1b[2J my own".into() };
        log.append(3, junk).await.unwrap()
    });
    let dead = ["consume", "--topic", "votes.dead", "--from-beginning", "--count", "1"];
    let copy = json(&dead);
    assert_eq!((&copy["key"], &copy["value"]), (&json!("k"), &json!("a line of\x1b[2J my own")));
    let offset = position.offset.unwrap().to_string();
    assert_eq!(
        (&copy["headers"]["partition"], &copy["headers"]["offset"]),
        (&json!("3"), &json!(offset))
    );
    assert_ne!(copy["headers"]["reason"], json!(""));
    let line = text(&dead);
    assert!(line.contains("a line of\\u{1b}[2J my own\t") && line.contains("\treason="), "{line}");
}

#[test]
fn a_group_goes_on_where_it_was_and_pollux_groups_are_refused() {
    // Nobody else writes to these topics.
    let prefix = ["--topic-prefix", "group."];
    json(&[&["topics", "create", "--kafka-partitions", "4"][..], &prefix].concat());
    let all = lines(&[&["consume", "--no-follow"][..], &prefix].concat());
    assert_eq!(all.len(), 4, "the genesis records");
    let member =
        [&["consume", "--group", "mine", "--from-beginning", "--no-follow"][..], &prefix].concat();
    let first = lines(&[&member[..], &["--count", "3"]].concat());
    let rest = lines(&member);
    let seen: BTreeSet<_> = first.iter().chain(&rest).map(place).collect();
    assert_eq!((first.len(), rest.len(), seen.len()), (3, 1, 4), "{first:?} {rest:?}");
    assert_eq!(lines(&member), [Value::Null; 0], "everything is committed");
    for ours in ["group.pollux-processors", "group.pollux-readers"] {
        let output = run(&[&["consume", "--group", ours][..], &prefix].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains("is Pollux's own"), "{}", said(&output));
    }
    let output = run(&["consume", "--group", "mine", "--offset", "3"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn a_vote_is_traced_from_phone_to_screen() {
    let poll = poll(&["A", "B"]);
    let receipt = vote(&poll, 1, "grace");
    let ballot = receipt["ballotId"].as_str().unwrap();
    let (partition, offset) = place(&receipt["position"]);
    let traced = json(&["trace", ballot]);
    let record = &traced["records"][0];
    assert_eq!(
        (place(record), traced["records"].as_array().unwrap().len()),
        ((partition, offset), 1)
    );
    assert_eq!((&record["decided"], &record["status"]), (&json!("counted"), &json!("counted")));
    let way = &record["way"];
    // All times come from one machine's clock, so they are in order, and none is missing.
    let times = ["cast", "taken", "appended", "committed", "announced"];
    let times =
        times.map(|name| way["times"][name].as_str().unwrap_or_else(|| panic!("{name}: {way}")));
    assert!(times.is_sorted(), "{way}");
    assert_eq!(way["millis"]["cast"], Value::Null);
    assert!(way["millis"]["announced"].as_u64().is_some(), "{way}");
    let kcat = format!("-C -t votes -p {partition} -o {offset} -c 1 ");
    assert!(way["kcat"].as_str().unwrap().contains(&kcat), "{way}");
    let told = text(&["trace", ballot]);
    for said in ["decided  counted", "committed", " ms", "kcat -b 127.0.0.1:", &kcat] {
        assert!(told.contains(said), "{said}: {told}");
    }

    let replaced = vote(&poll, 2, "grace");
    assert_eq!(json(&["trace", ballot])["records"][0]["status"], "replaced");
    assert_eq!(
        json(&["trace", replaced["ballotId"].as_str().unwrap()])["records"][0]["status"],
        "counted"
    );
    // With the phone watching, the way ends at its screen.
    let cast = json(&["trace", "--cast", &poll, "--option", "2"]);
    let record = &cast["records"][0];
    assert_eq!(
        (&record["optionIds"], &record["status"]),
        (&json!([2]), &json!("counted")),
        "{cast}"
    );
    let way = &record["way"];
    assert!(way["times"]["shown"].as_str() >= way["times"]["committed"].as_str(), "{way}");
    assert!(way["answeredMillis"].is_u64(), "{way}");
    assert_eq!(votes(&poll, 2), 2, "it counts");
    let refused = run(&["trace", "--cast", &poll, "--option", "3"]);
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));

    let unknown = run(&["trace", "01890a5d-ac96-774b-bcce-b302099a8057"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", said(&unknown));
    assert!(said(&unknown).contains("no record of ballot"), "{}", said(&unknown));
}

#[test]
fn brokers_that_want_tls_and_a_password_are_spoken_to_by_flags() {
    let secure = CLUSTER.secure().unwrap();
    let flags = [
        "--kafka-broker",
        &CLUSTER.bootstrap_of(Port::SaslTls),
        "--kafka-tls",
        "--kafka-ca",
        secure.ca.to_str().unwrap(),
        "--kafka-sasl",
        "SCRAM-SHA-512",
        "--kafka-user",
        &secure.user,
        "--kafka-password",
        &secure.password,
    ];
    let found = json(&[&["topics", "describe"][..], &flags].concat());
    assert_eq!(found["holds"], true, "{found}");
    let first = ["consume", "--partition", "0", "--from-beginning", "--count", "1"];
    assert_eq!(json(&[&first[..], &flags].concat())["key"], "genesis");
    let poll = poll(&["A", "B"]);
    let receipt = vote(&poll, 1, "hedy");
    let ballot = receipt["ballotId"].as_str().unwrap();
    let told = text(&[&["trace", ballot][..], &flags].concat());
    for said in [
        " -X security.protocol=sasl_ssl ",
        " -X sasl.mechanism=SCRAM-SHA-512 ",
        " -X sasl.password=\"$POLLUX_KAFKA_PASSWORD\" -C -t votes ",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!told.contains(&secure.password), "{told}");
    let wrong = [&flags[..10], &["wrong"]].concat();
    let output = run(&[&["topics", "describe"][..], &wrong].concat());
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    let half = run(&["topics", "describe", "--kafka-sasl", "PLAIN"]);
    assert_eq!(half.status.code(), Some(2), "{}", said(&half));
}

#[test]
fn recount_and_export_read_the_cluster_and_change_nothing() {
    let poll = poll(&["A", "B"]);
    for (option, voter) in [(1, "a"), (1, "b"), (2, "c")] {
        vote(&poll, option, voter);
    }
    let recount = json(&["recount", &poll]);
    assert_eq!((&recount["equal"], &recount["polls"][0]["counts"]), (&json!(true), &json!([2, 1])));
    let sheet = text(&["export", &poll]);
    assert!(
        sheet.contains(",1,A,2,0.6667,3,3\n") && sheet.contains(",2,B,1,0.3333,3,3\n"),
        "{sheet}"
    );
    let ballots = lines(&["export", &poll, "--ballots"]);
    assert_eq!(ballots.len(), 3, "{ballots:?}");
    assert!(ballots.iter().all(|ballot| ballot["status"] == "counted"), "{ballots:?}");

    // `recount` counts the topic, not the database.
    let database = CLUSTER.database();
    let tamper = format!("UPDATE tallies SET counts[1] = counts[1] + 1000 WHERE poll = '{poll}'");
    database.query(&tamper).unwrap();
    let output = run(&["recount", &poll]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("DIFFERENT"), "{told}");
    database.query(&tamper.replace('+', "-")).unwrap();
    assert_eq!(json(&["recount", &poll])["equal"], true);

    // Reading a database or topics that do not exist creates nothing.
    let output = run(&["recount", "--db-name", "postgres"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("database postgres has schema 0, and this Pollux reads"),
        "{}",
        said(&output)
    );
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    let mut other = database;
    other.name = "postgres".into();
    assert_eq!(other.query(tables).unwrap(), "0");
    let output = run(&["recount", "--topic-prefix", "nowhere."]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let output = run(&["topics", "describe", "--topic-prefix", "nowhere."]);
    assert_eq!(said(&output), "pollux: the promise does not hold: 4 faults\n");
    let output = run(&["recount", "--db-port", "1"]);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
}

/// Returns partition, offset, key and value of every record of a topic with two partitions.
fn records(topic: &str) -> Vec<(i32, i64, Vec<u8>, Vec<u8>)> {
    let reader: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", CLUSTER.bootstrap())
        .set("group.id", "copies")
        .create()
        .unwrap();
    let mut all = TopicPartitionList::new();
    let mut left = 0;
    for partition in 0..2 {
        all.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        left += reader.fetch_watermarks(topic, partition, Duration::from_secs(10)).unwrap().1;
    }
    reader.assign(&all).unwrap();
    let read = std::iter::repeat_with(|| reader.poll(Duration::from_secs(30)).unwrap().unwrap());
    let bytes = |bytes: Option<&[u8]>| bytes.unwrap().to_vec();
    read.take(left as usize)
        .map(|it| (it.partition(), it.offset(), bytes(it.key()), bytes(it.payload())))
        .collect()
}

/// A topic that was made anew from a copy has the same generation and length, and only the digests tell that
/// its content differs.
#[test]
fn a_recount_tells_where_a_topic_no_longer_holds_what_was_counted() {
    let mut database = CLUSTER.database();
    database.query("CREATE DATABASE copied").unwrap();
    database.name = "copied".into();
    let own = [
        ("DB_NAME", database.name.clone()),
        ("POLLUX_TOPIC_PREFIX", "copied.".to_owned()),
        ("POLLUX_KAFKA_PARTITIONS", "2".to_owned()),
    ];
    let program = Path::new(env!("CARGO_BIN_EXE_pollux"));
    CLUSTER.add_node("copied", 2, program, "web,processor", &own).unwrap();
    let mut node = Client::new(CLUSTER.ports().get(Port::Added, 2));
    let question = json!({ "question": "Which?", "options": ["A", "B"] }).to_string();
    let (_, made) = node.send("POST", "/api/polls", Some(&question), None).unwrap();
    let vote = format!("/api/polls/{}/vote?wait=counted", made["id"].as_str().unwrap());
    for voter in 0..20 {
        let body = json!({ "optionId": 1, "voterId": voter.to_string() }).to_string();
        assert_eq!(node.send("POST", &vote, Some(&body), None).unwrap().0, 200);
    }
    CLUSTER.stop("copied").unwrap();
    let recount =
        |prefix| run(&["recount", "--json", "--db-name", "copied", "--topic-prefix", prefix]);
    let read = |output: &Output| serde_json::from_slice::<Value>(&output.stdout).unwrap();
    let whole = recount("copied.");
    assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));
    assert_eq!(read(&whole)["uncompared"], json!([]));

    // In the altered copy, the newest record of partition 1 has another time, which no count shows.
    let copied = records("copied.votes");
    let last = copied.iter().filter(|it| it.0 == 1).map(|it| it.1).max().unwrap();
    for (prefix, altered) in [("same.", None), ("altered.", Some((1, last)))] {
        let topic = format!("{prefix}votes");
        let mut make = CLUSTER.tool("org.apache.kafka.tools.TopicCommand");
        make.args(["--bootstrap-server", &CLUSTER.bootstrap(), "--create", "--topic", &topic]);
        let made = make.args(["--partitions", "2", "--replication-factor", "3"]).output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        let writer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", CLUSTER.bootstrap())
            .set("enable.idempotence", "true")
            .create()
            .unwrap();
        for (partition, offset, key, value) in &copied {
            let mut value = value.clone();
            if altered == Some((*partition, *offset)) {
                let at = value.windows(5).position(|part| part == b"\"at\":").unwrap();
                value[at + 5] += 1;
            }
            let record = BaseRecord::to(&topic).partition(*partition).key(key).payload(&value);
            writer.send(record).unwrap();
        }
        writer.flush(Duration::from_secs(30)).unwrap();
    }
    let same = recount("same.");
    assert_eq!(same.status.code(), Some(0), "{}", said(&same));
    assert_eq!(read(&same), read(&whole));
    let altered = recount("altered.");
    assert_eq!(altered.status.code(), Some(1), "{}", said(&altered));
    let told = read(&altered);
    let changed = json!([{ "partition": 1, "from": 0, "to": last + 1 }]);
    assert_eq!((&told["equal"], &told["changed"]), (&json!(false), &changed), "{told}");
    assert_eq!((&told["differences"], &told["polls"]), (&json!([]), &read(&whole)["polls"]));
    assert!(said(&altered).contains("no longer holds what was counted"), "{}", said(&altered));

    // The database now looks as if a node of a version that keeps no digests had counted partition 0.
    database.query("DELETE FROM digests WHERE partition = 0").unwrap();
    let told = read(&recount("same."));
    let uncompared = json!([{ "partition": 0, "from": 0, "to": copied.len() as i64 - last - 1 }]);
    assert_eq!((&told["equal"], &told["uncompared"]), (&json!(true), &uncompared), "{told}");
}
