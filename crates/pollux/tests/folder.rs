//! `recount`, `export` and `trace` read a data folder with a history: ballots that were superseded, late or
//! sent twice, and one in the wrong partition.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{BallotId, Partition, PollId, UnixMillis, VoterId};
use pollux_core::kind::Answer;
use pollux_core::poll::{Draft, Poll};
use pollux_core::record::{Entry, ballot_key, ballot_partition};
use pollux_server::ambient::SystemAmbient;
use pollux_server::config::Config;
use pollux_server::log::embedded::{EmbeddedLog, FolderLock};
use pollux_server::log::{Log, NewRecord, control};
use pollux_server::processor::Processor;
use pollux_server::store::embedded::EmbeddedStore;
use pollux_server::store::{Ballots, Commit, Counting, Created, Polls, Store};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

const PARTITIONS: u32 = 2;
const VOTERS: u8 = 40;
const NOW: UnixMillis = UnixMillis(1_763_740_800_000);

/// `History` is an open data folder that gets a history.
struct History {
    folder: tempfile::TempDir,
    log: Arc<EmbeddedLog>,
    store: Arc<EmbeddedStore>,
    poll: Poll,
    _lock: FolderLock,
}

impl History {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::default();
        let lock = FolderLock::take(folder.path(), NOW).unwrap();
        let ambient = Arc::new(SystemAmbient::new());
        let log = EmbeddedLog::open(folder.path(), PARTITIONS, config.log, ambient).unwrap();
        let store = EmbeddedStore::open(folder.path(), PARTITIONS, config.store).unwrap();
        let draft = Draft::new("=HYPERLINK(\"evil\")", ["Rust", "-Go"]);
        let mut poll = Poll::draft(PollId::new(NOW, [1; 10]), draft, [0; 32], NOW).unwrap();
        poll.open(NOW).unwrap();
        let created = store.create(poll, vec!["482913".into()], None).await.unwrap();
        let Created::New(poll) = created else { panic!("{created:?}") };
        let history = Self { folder, log, store, poll, _lock: lock };
        history.vote().await;
        history
    }

    /// Casts the history: everybody votes for option 1, every fourth voter changes to 2, one sends theirs
    /// twice; then the poll closes, and one ballot comes late.
    async fn vote(&self) {
        control::publish(&*self.log, &self.poll, NOW).await;
        for voter in 0..VOTERS {
            self.append(voter, ballot(voter, 1), 1, None).await;
        }
        for voter in (0..VOTERS).step_by(4) {
            self.append(voter, ballot(voter, 2), 2, None).await;
        }
        self.append(1, ballot(1, 1), 1, None).await;
        let wrong = 1 - ballot_partition(self.poll.id, VoterId([2; 16]), PARTITIONS);
        self.append(2, ballot(2, 3), 1, Some(wrong)).await;
        self.count().await;
        let mut closed = self.poll.clone();
        closed.close(NOW).unwrap();
        self.store.change(&closed, self.poll.revision).await.unwrap();
        control::publish(&*self.log, &closed, NOW).await;
        self.append(3, ballot(3, 9), 2, None).await;
        self.count().await;
    }

    async fn append(&self, voter: u8, id: BallotId, option: u8, partition: Option<Partition>) {
        let (poll, voter) = (self.poll.id, VoterId([voter; 16]));
        let answer = Answer::options([option]).unwrap();
        let ballot = Ballot {
            poll,
            voter,
            id,
            named_by: NamedBy::Client,
            answer,
            round: 1,
            phase: 1,
            at: NOW,
        };
        let partition = partition.unwrap_or_else(|| ballot_partition(poll, voter, PARTITIONS));
        let record = NewRecord {
            key: Bytes::from(ballot_key(poll, voter)),
            value: Bytes::from(Entry::Ballot(ballot).encode()),
        };
        self.log.append(partition, record).await.unwrap();
    }

    /// Runs the processor until it has counted everything.
    async fn count(&self) {
        let limits = Config::default().processor;
        let ambient = Arc::new(SystemAmbient::new());
        let processor = Processor::new(self.log.clone(), self.store.clone(), ambient, limits);
        let stop = CancellationToken::new();
        let running = tokio::spawn(processor.run(stop.clone()));
        let mut ends = Vec::new();
        for partition in 0..PARTITIONS {
            ends.push(Log::end(&*self.log, partition).await.unwrap());
        }
        loop {
            let progress = self.store.progress().await.unwrap();
            if progress.len() == ends.len()
                && progress.iter().all(|(p, progress)| progress.next_offset >= ends[*p as usize])
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
        running.await.unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Closes log and store, as a server that ends does.
    async fn close(self) -> tempfile::TempDir {
        self.log.shut().await;
        self.store.shut().await;
        self.folder
    }
}

/// Returns the id of a voter's n-th ballot.
fn ballot(voter: u8, n: u8) -> BallotId {
    BallotId::new(UnixMillis(NOW.0 + u64::from(n)), [voter; 10])
}

fn pollux(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pollux"))
        .env_clear()
        .current_dir(folder)
        .args(arguments)
        .arg("--data")
        .arg(folder)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recount_is_equal_beside_a_server_and_after_it() {
    let history = History::new().await;
    let beside = pollux(history.path(), &["recount", "--json"]);
    assert_eq!(beside.status.code(), Some(0), "{}", String::from_utf8_lossy(&beside.stderr));
    let said = json(&beside);
    assert_eq!(said["equal"], true);
    assert_eq!(said["polls"][0]["counts"], serde_json::json!([30, 10]));
    assert_eq!(said["polls"][0]["voters"], 40);
    let line = format!(
        "{{\"pollId\":\"{}\",\"round\":1,\"counts\":[30,10],\"voters\":40}}\n",
        history.poll.id
    );
    assert_eq!(said["polls"][0]["resultHash"], sha256(&line));

    let folder = history.close().await;
    let after = pollux(folder.path(), &["recount", "482913", "--json"]);
    assert_eq!(after.status.code(), Some(0), "{}", String::from_utf8_lossy(&after.stderr));
    assert_eq!(json(&after), said);
    let words = stdout(&pollux(folder.path(), &["recount"]));
    let equal =
        "equal: 40 votes in 1 poll from 59 records of the log, all of them as they were counted\n";
    assert!(words.contains(equal), "{words}");
}

/// Of one poll's recount the records of other polls are no dead letters.
#[tokio::test(flavor = "multi_thread")]
async fn a_recount_of_one_poll_counts_the_records_of_others_apart() {
    let mut history = History::new().await;
    let draft = Draft::new("Another?", ["Yes", "No"]);
    let mut other = Poll::draft(PollId::new(NOW, [2; 10]), draft, [0; 32], NOW).unwrap();
    other.open(NOW).unwrap();
    let created = history.store.create(other, vec!["482914".into()], None).await.unwrap();
    let Created::New(other) = created else { panic!("{created:?}") };
    history.poll = other;
    control::publish(&*history.log, &history.poll, NOW).await;
    for voter in 0..3 {
        history.append(voter, ballot(voter, 1), 1, None).await;
    }
    history.count().await;
    let folder = history.close().await;

    // Beside the genesis records and the ballot in the wrong partition the first poll has 56 records, and the
    // other has 5.
    for (arguments, expected) in [
        (&["recount", "--json"][..], [64, 1, 0]),
        (&["recount", "--json", "482913"], [64, 1, 5]),
        (&["recount", "--json", "482914"], [64, 1, 56]),
    ] {
        let said = json(&pollux(folder.path(), arguments));
        let found = ["records", "dead", "otherPolls"].map(|name| said[name].as_u64().unwrap());
        assert_eq!((found, &said["equal"]), (expected, &true.into()), "{arguments:?}: {said}");
    }
    let words = stdout(&pollux(folder.path(), &["recount", "482913"]));
    let left_out = "1 dead letter left out\n5 records of other polls left out\n";
    assert!(words.contains(left_out), "{words}");
    let words = stdout(&pollux(folder.path(), &["recount"]));
    assert!(!words.contains("other polls"), "{words}");
}

fn sql(folder: &Path, file: &str, sql: &str) {
    rusqlite::Connection::open(folder.join(file)).unwrap().execute_batch(sql).unwrap();
}

/// Whoever alters a log can compute its checksums anew, and the counts can stay as they were; only the
/// digests tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_recount_tells_where_the_log_no_longer_holds_what_was_counted() {
    let history = History::new().await;
    let ends =
        [Log::end(&*history.log, 0).await.unwrap(), Log::end(&*history.log, 1).await.unwrap()];
    let folder = history.close().await;
    let alter = "UPDATE batches SET digest = NULL; UPDATE batches SET records = CAST(replace(
         CAST(records AS TEXT), '\"at\":1763740800000', '\"at\":1763740800001') AS BLOB)
         WHERE place = (SELECT max(place) FROM batches WHERE partition = 1)";
    std::fs::remove_file(folder.path().join("log.db-synced")).unwrap();
    sql(folder.path(), "log.db", alter);
    let output = pollux(folder.path(), &["recount"]);
    let (told, said) = (stdout(&output), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!(output.status.code(), Some(1), "{told}{said}");
    let place = format!("CHANGED: partition 1, from offset 0 up to {}: the log no longer", ends[1]);
    assert!(told.contains(&place) && !told.contains("equal"), "{told}");
    assert!(!told.contains("partition 0") && !told.contains("DIFFERENT"), "{told}");
    assert!(said.contains("in 1 place the log no longer holds what was counted"), "{said}");
    assert!(said.contains("do not delete the store"), "{said}");
    let output = pollux(folder.path(), &["recount", "482913", "--json"]);
    let told = json(&output);
    assert_eq!((output.status.code(), &told["equal"]), (Some(1), &false.into()));
    let changed = serde_json::json!([{ "partition": 1, "from": 0, "to": ends[1] }]);
    assert_eq!((&told["changed"], &told["differences"]), (&changed, &serde_json::json!([])));

    // A store of an earlier version kept no digests: the counts are equal, and that is all that can be said.
    sql(folder.path(), "store.db", "DELETE FROM digests WHERE partition = 1");
    let output = pollux(folder.path(), &["recount"]);
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("equal: 40 votes in 1 poll from 59 records of the log\n"), "{told}");
    let only =
        format!("not compared with what was counted: partition 1, from offset 0 up to {}", ends[1]);
    assert!(told.contains(&only), "{told}");
    let told = json(&pollux(folder.path(), &["recount", "--json"]));
    assert_eq!((&told["uncompared"], &told["changed"]), (&changed, &serde_json::json!([])));
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recount_shows_every_difference() {
    let history = History::new().await;
    let standing = history.store.standing(history.poll.id).await.unwrap().unwrap();
    let mut tally = standing.tallies().next().unwrap().clone();
    let end = Log::end(&*history.log, tally.partition).await.unwrap();
    // There is one more record, so that there is something to commit, and one vote too many with it.
    let key = Bytes::from_static(b"x");
    history.log.append(tally.partition, NewRecord { value: key.clone(), key }).await.unwrap();
    tally.tally.counts[0] += 1;
    tally.tally.changes += 1;
    tally.next_offset = end + 1;
    let partition = tally.partition;
    let commit = Commit { from: end, to: end + 1, tallies: vec![tally], ..Commit::default() };
    history.store.commit(partition, &commit).await.unwrap();

    let output = pollux(history.path(), &["recount"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains(&format!("DIFFERENT: poll {}", history.poll.id)), "{said}");
    assert!(!said.contains("equal:"), "{said}");
    let output = pollux(history.path(), &["recount", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let differences = json(&output)["differences"].as_array().unwrap().clone();
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0]["partition"], partition);
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_hold_every_ballot_and_no_formula() {
    let folder = History::new().await.close().await;
    let results = stdout(&pollux(folder.path(), &["export", "--all"]));
    let id = PollId::new(NOW, [1; 10]);
    assert_eq!(
        results,
        format!(
            "pollId,code,question,status,final,round,optionId,option,votes,share,totalVotes,totalVoters\n\
             {id},482913,\"'=HYPERLINK(\"\"evil\"\")\",closed,true,1,1,Rust,30,0.75,40,40\n\
             {id},482913,\"'=HYPERLINK(\"\"evil\"\")\",closed,true,1,2,'-Go,10,0.25,40,40\n"
        )
    );
    let results = json(&pollux(folder.path(), &["export", "482913", "--json"]));
    assert_eq!(results[0]["options"][0]["votes"], 30);
    assert_eq!(results[0]["question"], "=HYPERLINK(\"evil\")");

    let ballots = stdout(&pollux(folder.path(), &["export", "482913", "--ballots", "--json"]));
    let count = |status: &str| {
        let of = |line: &&str| serde_json::from_str::<Value>(line).unwrap()["status"] == status;
        ballots.lines().filter(of).count()
    };
    assert_eq!(
        [count("counted"), count("replaced"), count("late"), ballots.lines().count()],
        [40, 10, 1, 51]
    );
    let sheet = stdout(&pollux(folder.path(), &["export", "482913", "--ballots"]));
    assert_eq!(sheet.lines().count(), 52);
    assert_eq!(sheet.lines().filter(|line| line.contains(",'-Go,")).count(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_follows_each_record_to_its_decision() {
    let folder = History::new().await.close().await;
    let trace = |id: BallotId| pollux(folder.path(), &["trace", "--json", &id.to_string()]);
    let records = |id| json(&trace(id))["records"].as_array().unwrap().clone();
    let replaced = records(ballot(0, 1));
    assert_eq!(replaced.len(), 1);
    assert_eq!(
        (&replaced[0]["decided"], &replaced[0]["status"]),
        (&"counted".into(), &"replaced".into())
    );
    let twice = records(ballot(1, 1));
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0]["decided"], "counted");
    assert_eq!(twice[1]["decision"], "nothing new: sent again");
    assert_eq!(twice[1]["status"], "counted");
    assert_eq!(records(ballot(2, 3))[0]["decision"], "dead: in the wrong partition");
    assert_eq!(records(ballot(3, 9))[0]["status"], "late");
    let missing = trace(ballot(9, 9));
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no record of ballot"));
    let words = stdout(&pollux(folder.path(), &["trace", &ballot(0, 1).to_string()]));
    assert!(words.contains("decided  counted\n  now      replaced\n"), "{words}");
}
