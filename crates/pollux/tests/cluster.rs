//! Whole nodes run on a real cluster: Kafka with ZooKeeper, PostgreSQL, two web nodes and two processors, one
//! of them on a web node. What they do when something dies is tested in `tests/faults`.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, RwLock};
use std::time::{Duration, Instant};

use pollux_cluster::{Cluster, Options, Port};
use serde_json::{Value, json};

use self::support::{Client, pollux, said};

/// An announcement reaches every node within this time.
const SOON: Duration = Duration::from_secs(20);
/// A node that has just started knows everything within this time.
const CURRENT: Duration = Duration::from_secs(2);

/// All tests here share this cluster, which ends with this process, however that ends.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cluster");
    let cluster = Cluster::start(&Options { folder, ..Options::default() }).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_pollux"));
    let nodes = [("processor1", "processor"), ("web1", "web"), ("web2", "web,processor")];
    for (number, (name, roles)) in (1..).zip(nodes) {
        cluster.add_node(name, number, program, roles, &[]).unwrap();
    }
    cluster
});

/// A test holds this lock for writing while it harms the cluster; all others hold it for reading.
static PEACE: RwLock<()> = RwLock::new(());

const PROCESSOR: u16 = 1;
const WEB: [u16; 2] = [2, 3];

fn node(number: u16) -> Client {
    Client::new(CLUSTER.ports().get(Port::Added, number))
}

fn get(number: u16, path: &str) -> (u16, Value) {
    node(number).send("GET", path, None, None).unwrap()
}

fn post(number: u16, path: &str, body: &Value, token: Option<&str>) -> (u16, Value) {
    node(number).send("POST", path, Some(&body.to_string()), token).unwrap()
}

fn poll(number: u16, question: &str) -> Value {
    let body = json!({ "question": question, "options": ["Yes", "No"] });
    let (status, poll) = post(number, "/api/polls", &body, None);
    assert_eq!(status, 201, "{poll}");
    poll
}

fn path(poll: &Value) -> String {
    format!("/api/polls/{}", poll["id"].as_str().unwrap())
}

/// Looks until there is something to see, and returns that.
fn once<T>(what: &str, mut look: impl FnMut() -> Result<T, Value>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(seen) => return seen,
            Err(seen) => assert!(begun.elapsed() < SOON, "{what}: {seen}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns the command of a node with these settings that joins the cluster but is none of its members.
fn another(settings: &[(&str, &str)]) -> Command {
    let mut command = pollux();
    command.args(["--json", "serve"]).envs(CLUSTER.environment());
    command.env("PORT", "0").env("POLLUX_HOST", "127.0.0.1").envs(settings.iter().copied());
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

fn refused(settings: &[(&str, &str)]) -> (i32, String) {
    let output: Output = another(settings).stdin(Stdio::null()).output().unwrap();
    (output.status.code().unwrap(), said(&output))
}

/// `Started` is a node that runs, with its first line of output; it is killed when dropped.
struct Started {
    child: Child,
    said: Value,
}

impl Started {
    fn with(settings: &[(&str, &str)]) -> Self {
        let mut child =
            another(settings).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, said: serde_json::from_str(&line).unwrap() }
    }

    fn client(&self) -> Client {
        let address = self.said["addresses"][0].as_str().unwrap();
        Client::new(address.rsplit(':').next().unwrap().parse().unwrap())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_poll_made_on_one_node_is_voted_on_at_another_and_shown_by_both() {
    let _peace = PEACE.read().unwrap();
    let made = poll(WEB[0], "Everywhere?");
    for voter in 0..20 {
        let body = json!({ "optionId": 1 + voter % 2, "voterId": voter.to_string() });
        // The vote comes at once: nobody waits until the other node has heard of the poll.
        let (status, receipt) = post(WEB[1], &format!("{}/vote", path(&made)), &body, None);
        assert_eq!(status, 202, "{receipt}");
    }
    let token = made["ownerToken"].as_str().unwrap();
    let (status, _) = post(WEB[1], &format!("{}/close", path(&made)), &json!({}), Some(token));
    assert_eq!(status, 200);
    let ends = WEB.map(|web| {
        once("closed, counted and final", || {
            let (_, shown) = get(web, &path(&made));
            if shown["final"] == true { Ok(shown) } else { Err(shown) }
        })
    });
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0]["totalVotes"], 20);
    assert_eq!(ends[0]["resultHash"].as_str().map(str::len), Some(64));
    for web in WEB {
        // The owner is told the state of everything, on a node that only shows as well as on one that counts.
        let status = format!("/api/status?poll={}", made["id"].as_str().unwrap());
        let (_, status) = node(web).send("GET", &status, None, Some(token)).unwrap();
        assert_eq!([&status["mode"], &status["ready"]], [&json!("cluster"), &json!(true)]);
        assert_eq!([&status["log"]["ok"], &status["store"]["ok"]], [&json!(true); 2], "{status}");
        assert!(status["log"]["end"].as_u64() >= status["log"]["counted"].as_u64(), "{status}");
        assert!(status["log"]["counted"].as_u64() >= Some(20), "{status}");
        let here = status["processors"]["here"].as_u64().unwrap();
        assert!(if web == WEB[0] { here == 0 } else { here > 0 }, "{status}");
        let (_, pulse) = get(web, &format!("{}/pulse", path(&made)));
        assert_eq!(pulse["resultHash"], ends[0]["resultHash"], "{pulse}");
        assert!(pulse["counted"].as_u64() >= Some(20), "{pulse}");
        let votes = ends[0]["options"].as_array().unwrap().iter().map(|option| &option["votes"]);
        let votes = json!(votes.collect::<Vec<_>>());
        // The log is read again while others write and count; a replay that takes too long is asked for
        // again.
        once("the vote, folded from the topic", || {
            let (status, replay) = get(web, &format!("{}/replay", path(&made)));
            let last = replay["frames"].as_array().and_then(|frames| frames.last());
            let same = status == 200 && last.is_some_and(|frame| frame["votes"] == votes);
            if same { Ok(()) } else { Err(replay) }
        });
    }
    let (status, late) =
        post(WEB[0], &format!("{}/vote", path(&made)), &json!({ "optionId": 1 }), None);
    assert_eq!(status, 409, "{late}");
}

#[test]
fn a_creation_repeated_at_another_node_makes_one_poll() {
    let _peace = PEACE.read().unwrap();
    let body = json!({ "question": "Once?", "options": ["A", "B"] }).to_string();
    let made: BTreeSet<String> = WEB
        .iter()
        .map(|web| {
            let port = CLUSTER.ports().get(Port::Added, *web);
            let output = Command::new("curl")
                .args(["-sS", "-H", "Content-Type: application/json"])
                .args(["-H", "Idempotency-Key: one-poll-in-the-whole-cluster", "-d", &body])
                .arg(format!("http://127.0.0.1:{port}/api/polls"))
                .output()
                .unwrap();
            let poll: Value = serde_json::from_slice(&output.stdout).unwrap();
            poll["id"].as_str().unwrap_or_else(|| panic!("{poll}")).to_owned()
        })
        .collect();
    assert_eq!(made.len(), 1);
}

#[test]
fn the_outbox_tells_what_its_writer_could_not() {
    let _peace = PEACE.read().unwrap();
    let made = poll(WEB[0], "Before?");
    get(WEB[1], &path(&made));
    let id = made["id"].as_str().unwrap();
    // A node that died between its commit and its announcement leaves the database like this.
    let change = format!(
        "BEGIN; UPDATE polls SET question = 'After?', revision = revision + 1 WHERE id = '{id}'; \
         INSERT INTO outbox (poll, revision) SELECT id, revision FROM polls WHERE id = '{id}'; COMMIT"
    );
    CLUSTER.database().query(&change).unwrap();
    for web in WEB {
        once("the change is heard", || {
            let (_, shown) = get(web, &path(&made));
            if shown["question"] == "After?" { Ok(()) } else { Err(shown) }
        });
    }
    once("the outbox is empty", || {
        let left = CLUSTER.database().query("SELECT count(*) FROM outbox").unwrap();
        if left.trim() == "0" { Ok(()) } else { Err(left.into()) }
    });
}

#[test]
fn an_event_is_told_to_every_node() {
    let _peace = PEACE.read().unwrap();
    let (status, event) = post(WEB[0], "/api/events", &json!({"title": "Before"}), None);
    assert_eq!(status, 201, "{event}");
    let text = |name: &str| event[name].as_str().unwrap();
    let (id, owner, code) = (text("id"), text("ownerToken"), text("code"));
    let path = format!("/api/events/{id}");
    // From now on both nodes keep the event in memory, and hear of it by announcements only.
    for web in WEB {
        assert_eq!(get(web, &format!("/api/events/{code}")).1["title"], "Before");
    }
    let body = json!({ "question": "On stage?", "options": ["Yes", "No"] });
    let (status, poll) = post(WEB[1], &format!("{path}/polls"), &body, Some(owner));
    assert_eq!((status, &poll["status"]), (201, &json!("draft")), "{poll}");
    let show = json!({"poll": poll["id"]});
    let (status, shown) = post(WEB[0], &format!("{path}/show"), &show, Some(text("stageToken")));
    assert_eq!((status, &shown["current"]), (200, &poll["id"]), "{shown}");
    for web in WEB {
        once("it is on stage everywhere", || {
            let (_, seen) = get(web, &path);
            let on = seen["current"] == poll["id"] && seen["polls"][0]["status"] == "open";
            if on { Ok(()) } else { Err(seen) }
        });
        let (status, receipt) =
            post(web, &format!("/api/polls/{code}/vote"), &json!({"option": "Yes"}), None);
        assert_eq!((status, &receipt["pollId"]), (202, &poll["id"]), "{receipt}");
    }
    // A node that died between its commit and its announcement leaves the database like this.
    let change = format!(
        "BEGIN; UPDATE events SET title = 'After', revision = revision + 1 WHERE id = '{id}'; \
         INSERT INTO outbox (event, revision) SELECT id, revision FROM events WHERE id = '{id}'; COMMIT"
    );
    CLUSTER.database().query(&change).unwrap();
    for web in WEB {
        once("the change is heard", || {
            let (_, seen) = get(web, &path);
            if seen["title"] == "After" { Ok(()) } else { Err(seen) }
        });
    }
}

#[test]
fn a_processor_tells_how_it_is_and_sends_everybody_else_on() {
    let _peace = PEACE.read().unwrap();
    assert_eq!(get(PROCESSOR, "/readyz").0, 200);
    assert_eq!(get(PROCESSOR, "/healthz").0, 200);
    assert_eq!(get(PROCESSOR, "/metrics").0, 200);
    let (status, problem) = get(PROCESSOR, "/api/polls");
    assert_eq!(status, 404);
    assert!(problem["detail"].as_str().unwrap().contains("web nodes"), "{problem}");
}

#[test]
fn all_nodes_take_the_operators_token_that_the_first_one_printed() {
    let _peace = PEACE.read().unwrap();
    let log = CLUSTER.folder().join("processor1.log");
    let said = std::fs::read_to_string(log).unwrap();
    let token = said.split("shown only this once: ").nth(1).unwrap().lines().next().unwrap();
    let made = poll(WEB[0], "Whose?");
    for web in WEB {
        let (status, answer) =
            post(web, &format!("{}/token", path(&made)), &json!({}), Some(token));
        assert_eq!(status, 200, "{answer}");
    }
    for name in ["web1", "web2"] {
        let said = std::fs::read_to_string(CLUSTER.folder().join(format!("{name}.log"))).unwrap();
        assert!(!said.contains(token), "{said}");
    }
}

#[test]
fn a_node_with_another_secret_is_refused() {
    let _peace = PEACE.read().unwrap();
    let (code, said) = refused(&[("POLLUX_SECRET", "another secret than theirs")]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("POLLUX_SECRET is not the secret of the other nodes"), "{said}");
    assert!(!said.contains("another secret than theirs"), "{said}");
}

/// The script that makes the account of docker-compose.yml is run as PostgreSQL's image runs it.
#[test]
fn the_nodes_of_the_compose_file_have_an_account_that_can_do_nothing_else() {
    let _peace = PEACE.read().unwrap();
    let database = CLUSTER.database();
    let mut path = vec![database.programs().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../cluster/compose/role.sh"))
        .env("PATH", std::env::join_paths(path).unwrap())
        .envs([("PGHOST", &database.host), ("PGPASSWORD", &database.password)])
        .env("PGPORT", database.port.to_string())
        .env("POSTGRES_USER", pollux_cluster::SUPERUSER)
        .envs([("POLLUX_DB_ROLE", "composed"), ("POLLUX_DB_NAME", "composed")])
        .env("POLLUX_DB_PASSWORD", "it's \"quoted\"")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let rights = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls \
                  FROM pg_roles WHERE rolname = 'composed'";
    assert_eq!(database.query(rights).unwrap(), "f|f|f|f|f");
    let node = Started::with(&[
        ("DB_USER", "composed"),
        ("DB_NAME", "composed"),
        ("DB_PASSWORD", "it's \"quoted\""),
        ("POLLUX_TOPIC_PREFIX", "composed."),
        ("POLLUX_SECRET", ""),
    ]);
    let body = json!({ "question": "Modest?", "options": ["Yes", "No"] }).to_string();
    let (status, poll) = node.client().send("POST", "/api/polls", Some(&body), None).unwrap();
    assert_eq!(status, 201, "{poll}");
}

#[test]
fn nodes_that_are_given_no_secret_share_one_that_the_first_of_them_made() {
    let _peace = PEACE.read().unwrap();
    CLUSTER.database().query("CREATE DATABASE unset").unwrap();
    // These are all the settings that the original assignment's `.env` has.
    let unset = [("DB_NAME", "unset"), ("POLLUX_TOPIC_PREFIX", "unset."), ("POLLUX_SECRET", "")];
    let (one, two) = std::thread::scope(|scope| {
        let other = scope.spawn(|| Started::with(&unset));
        (Started::with(&unset), other.join().unwrap())
    });
    let (mut one, mut two) = (one.client(), two.client());
    let body = json!({ "question": "Shared?", "options": ["Yes", "No"] }).to_string();
    let (status, poll) = one.send("POST", "/api/polls", Some(&body), None).unwrap();
    assert_eq!(status, 201, "{poll}");
    // The same name is one voter at both nodes, so both derive voters with one secret.
    let vote = format!("{}/vote", path(&poll));
    let body = |option: u8| json!({ "optionId": option, "voterId": "ada" }).to_string();
    for (client, option) in [(&mut one, 1), (&mut two, 2)] {
        let (status, receipt) = client.send("POST", &vote, Some(&body(option)), None).unwrap();
        assert_eq!(status, 202, "{receipt}");
    }
    once("the second vote took the place of the first", || {
        let (_, seen) = two.send("GET", &path(&poll), None, None).unwrap();
        let replaced = seen["options"][1]["votes"] == 1 && seen["totalVoters"] == 1;
        if replaced { Ok(()) } else { Err(seen) }
    });
    // The secret can be taken out of the database and given to the nodes instead.
    let mut database = CLUSTER.database();
    database.name = "unset".to_owned();
    let kept = "SELECT value FROM meta WHERE name = 'made_secret'";
    let secret = database.query(kept).unwrap().trim().to_owned();
    database.query("DELETE FROM meta WHERE name = 'made_secret'").unwrap();
    let given = Started::with(&[&unset[..2], &[("POLLUX_SECRET", &secret)]].concat());
    assert_eq!(given.client().send("GET", "/readyz", None, None).unwrap().0, 200);
    // From then on a node that is given no secret is refused, as it is wherever all others have one.
    let (code, said) = refused(&unset);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("have a POLLUX_SECRET"), "{said}");
    let (code, said) = refused(&[("POLLUX_SECRET", "")]);
    assert_eq!(code, 2, "{said}");
    assert!(!said.contains(&secret), "{said}");
}

#[test]
fn a_database_of_another_log_is_refused() {
    let _peace = PEACE.read().unwrap();
    // The votes that the database was counted from are on the topic `votes`.
    get(WEB[0], "/readyz");
    let (code, said) = refused(&[("POLLUX_TOPIC_PREFIX", "other.")]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("was counted from the log"), "{said}");
    assert!(said.contains("other.votes"), "{said}");
}

#[test]
fn a_database_without_the_polls_of_the_topic_is_refused() {
    let _peace = PEACE.read().unwrap();
    poll(WEB[0], "Where to?");
    CLUSTER.database().query("CREATE DATABASE lost").unwrap();
    let (code, said) = refused(&[("DB_NAME", "lost")]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("holds votes, but the database lost holds no poll"), "{said}");
    // The refusal left nothing behind: the secret of the refused node is not kept there either.
    let kept = "SELECT count(*) FROM meta WHERE name = 'secret'";
    let mut lost = CLUSTER.database();
    lost.name = "lost".to_owned();
    assert_eq!(lost.query(kept).unwrap(), "0");
}

#[test]
fn topics_that_break_the_promise_are_refused_or_taken_with_a_banner() {
    let _peace = PEACE.read().unwrap();
    CLUSTER.database().query("CREATE DATABASE weak").unwrap();
    let weak =
        [("DB_NAME", "weak"), ("POLLUX_TOPIC_PREFIX", "weak."), ("POLLUX_KAFKA_REPLICATION", "1")];
    // Topics this weak are made only by those who ask for them expressly.
    let (code, said) = refused(&weak);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("POLLUX_KAFKA_WEAK=true"), "{said}");
    let taken = Started::with(&[&weak[..], &[("POLLUX_KAFKA_WEAK", "true")]].concat());
    assert!(!taken.said["faults"].as_array().unwrap().is_empty(), "{}", taken.said);
    assert_eq!(taken.client().send("GET", "/readyz", None, None).unwrap().0, 200);
    // Once they exist, such topics are also used only by those who ask for them expressly.
    let (code, said) = refused(&weak[..2]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("POLLUX_KAFKA_WEAK=true"), "{said}");
}

#[test]
fn a_node_that_joins_ten_thousand_open_polls_is_current_at_once() {
    let _harm = PEACE.write().unwrap();
    const MANY: u32 = 10_000;
    let made = poll(WEB[0], "Which of ten thousand?");
    let vote = json!({ "optionId": 2, "voterId": "one" });
    let (status, counted) =
        post(WEB[0], &format!("{}/vote?wait=counted", path(&made)), &vote, None);
    assert_eq!(status, 200, "{counted}");
    let database = CLUSTER.database();
    let id = made["id"].as_str().unwrap();
    // The poll's opening is counted in every partition first; otherwise there would be fewer rows to load.
    once("settled", || {
        let query = format!("SELECT count(*) FROM tallies WHERE poll = '{id}'");
        let rows = database.query(&query).unwrap();
        if rows.trim() == "12" { Ok(()) } else { Err(rows.into()) }
    });
    let copies = format!(
        "BEGIN; \
         CREATE TEMPORARY TABLE copies AS SELECT n, (lpad(to_hex((extract(epoch FROM now()) * 1000) \
         ::bigint - n), 12, '0') || '7' || left(md5(n::text), 3) || '8' || \
         left(md5('x' || n), 15))::uuid AS copy FROM generate_series(1, {MANY}) n; \
         INSERT INTO polls SELECT (jsonb_populate_record(p, jsonb_build_object('id', copy, \
         'settled_phase', p.phase, 'poll', (p.poll::jsonb || jsonb_build_object('id', copy, 'code', \
         lpad(n::text, 9, '8')))::text))).* FROM polls p, copies WHERE p.id = '{id}'; \
         INSERT INTO tallies SELECT (jsonb_populate_record(t, jsonb_build_object('poll', copy))).* \
         FROM tallies t, copies WHERE t.poll = '{id}'; COMMIT; \
         SELECT copy FROM copies ORDER BY random() LIMIT 500"
    );
    let copies = database.query(&copies).unwrap();
    // The node may keep more idle polls than these in memory, because other polls are open besides.
    let node = Started::with(&[("POLLUX_ROLES", "web"), ("POLLUX_WATCH_LOADED_POLLS", "20000")]);
    let ready = Instant::now();
    // With PostgreSQL paused, the node answers only from what it knows already.
    CLUSTER.pause("pg").unwrap();
    let mut client = node.client();
    let sample: Vec<_> = copies.lines().filter(|line| line.len() == 36).collect();
    assert_eq!(sample.len(), 500);
    let known: Vec<_> = sample
        .iter()
        .map(|copy| client.send("GET", &format!("/api/polls/{copy}"), None, None).unwrap())
        .collect();
    let took = ready.elapsed();
    let vote = client
        .send("POST", &format!("/api/polls/{}/vote", sample[0]), Some(r#"{"optionId":1}"#), None)
        .unwrap();
    CLUSTER.resume("pg").unwrap();
    for (status, shown) in known {
        assert_eq!((status, shown["totalVotes"].as_u64()), (200, Some(1)), "{shown}");
    }
    assert_eq!(vote.0, 202, "{}", vote.1);
    assert!(took < CURRENT, "{took:?}");
}
