//! The judge reads the topic itself, from offset 0 of every partition, with a client of its own. An
//! independent recount of the raw records (`pollux_checker`) then says what must be in PostgreSQL, in both
//! nodes' answers and on every screen, and what every voter must have been told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use pollux_checker::{Recount, Rules, recount};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::load::{Sent, Told};
use crate::screens::Screens;
use crate::stage::{DATABASE, HEALED, PARTITIONS, Poll, Stage, VOTES, WEB};

/// The judge waits for a broker's answer no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);
/// The judge reports at most this many differences of each sort.
const TOLD: usize = 5;

/// `Raw` is the partition, offset, key and value of a record.
type Raw = (u32, u64, Vec<u8>, Vec<u8>);

/// `Topic` holds the records of the topic `votes`.
pub struct Topic(pub Vec<Raw>);

impl Topic {
    /// Returns the end of each partition.
    pub fn ends(bootstrap: &str) -> Result<Vec<u64>> {
        let client = client(bootstrap)?;
        (0..PARTITIONS).map(|partition| end(&client, partition)).collect()
    }

    /// Reads the whole topic, up to its present end.
    pub fn read(bootstrap: &str) -> Result<Self> {
        let client = client(bootstrap)?;
        let mut all = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            all.add_partition_offset(VOTES, partition, Offset::Offset(0))?;
        }
        let ends: Vec<u64> = (0..PARTITIONS).map(|p| end(&client, p)).collect::<Result<_>>()?;
        client.assign(&all)?;
        let (begun, mut records) = (Instant::now(), Vec::new());
        let mut next = vec![0; PARTITIONS as usize];
        while next.iter().zip(&ends).any(|(next, end)| next < end) {
            ensure!(begun.elapsed() < HEALED, "reading the topic: at {next:?} of {ends:?}");
            let Some(Ok(message)) = client.poll(Duration::from_millis(100)) else { continue };
            let (partition, offset) = (message.partition() as u32, message.offset() as u64);
            let expected = &mut next[partition as usize];
            ensure!(offset == *expected, "{partition}.{offset} comes after {expected}: a gap");
            *expected += 1;
            let bytes = |bytes: Option<&[u8]>| bytes.unwrap_or_default().to_vec();
            records.push((partition, offset, bytes(message.key()), bytes(message.payload())));
        }
        Ok(Self(records))
    }

    /// Returns the number of records that contain a text in their value.
    pub fn count(&self, text: &str) -> usize {
        let within = |value: &[u8]| value.windows(text.len()).any(|part| part == text.as_bytes());
        self.0.iter().filter(|(_, _, _, value)| within(value)).count()
    }
}

fn client(bootstrap: &str) -> Result<BaseConsumer> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "the judge")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("check.crcs", "true")
        .create()?)
}

fn end(client: &BaseConsumer, partition: i32) -> Result<u64> {
    let begun = Instant::now();
    loop {
        match client.fetch_watermarks(VOTES, partition, PATIENCE) {
            Ok((_, high)) => return Ok(high as u64),
            Err(error) if begun.elapsed() > HEALED => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// `Verdict` is what the judge found.
#[derive(Default)]
pub struct Verdict {
    /// The ballots that were acknowledged and are not decided, on the log or in the database.
    pub lost: BTreeSet<String>,
    /// The number of ballots that are there twice, and of votes that no ballot gave.
    pub doubled: u64,
    /// Everything else that does not agree.
    pub wrong: Vec<String>,
    /// The number of ballots that were decided.
    pub decided: usize,
    /// The number of records that say again what another one had said.
    pub repeated: usize,
}

/// Compares everything with the log, once the polls are final.
pub fn judge(stage: &Stage, polls: &[Poll], sent: &[Sent], screens: &Screens) -> Result<Verdict> {
    let topic = Topic::read(&stage.cluster.bootstrap())?;
    let rules: BTreeMap<String, Rules> = polls.iter().map(rules).collect();
    let of_ours = |key: &[u8]| {
        let poll = key.get(..36).and_then(|poll| std::str::from_utf8(poll).ok());
        poll.is_some_and(|poll| rules.contains_key(poll))
    };
    let records: Vec<_> = topic
        .0
        .into_iter()
        .filter(|(_, _, key, _)| of_ours(key))
        .map(|(partition, offset, _, value)| (partition, offset, value))
        .collect();
    let ballots = records.iter().filter(|(_, _, value)| is_ballot(value)).count();
    let truth = recount(records, &rules);
    let mut verdict = Verdict {
        decided: truth.ballots.len(),
        repeated: ballots - truth.ballots.len(),
        ..Verdict::default()
    };
    if !truth.dead.is_empty() {
        verdict.wrong.push(format!("dead records: {:?}", truth.dead));
    }
    voters(&truth, sent, &mut verdict);
    database(stage, polls, &truth, sent, &mut verdict)?;
    judge_screens(stage, polls, &truth, screens, &mut verdict)?;
    Ok(verdict)
}

fn rules(poll: &Poll) -> (String, Rules) {
    (poll.id.clone(), Rules { asks: poll.asks.clone(), refuse: poll.refuse })
}

fn is_ballot(value: &[u8]) -> bool {
    let value: Value = serde_json::from_slice(value).unwrap_or_default();
    value["type"] == "ballot"
}

/// Compares what voters were told with the log.
fn voters(truth: &Recount, sent: &[Sent], verdict: &mut Verdict) {
    let on_log: BTreeSet<&str> = truth.ballots.keys().map(|(_, _, ballot)| &**ballot).collect();
    let told = sent.iter().map(|sent| {
        let told = match sent.told {
            Told::Recorded => pollux_checker::Told::Recorded,
            Told::NotRecorded => pollux_checker::Told::NotRecorded,
            Told::TooLate => pollux_checker::Told::TooLate,
            // An unanswered ballot may be on the log or not.
            Told::Nothing if on_log.contains(&*sent.ballot) => pollux_checker::Told::Recorded,
            Told::Nothing => pollux_checker::Told::NotRecorded,
        };
        (&*sent.ballot, told)
    });
    verdict.wrong.extend(truth.contradictions(told).into_iter().take(TOLD));
    for sent in sent.iter().filter(|sent| sent.told == Told::Recorded) {
        if !on_log.contains(&*sent.ballot) {
            verdict.lost.insert(sent.ballot.clone());
        }
    }
}

/// Compares PostgreSQL's ballots and tallies with the log.
fn database(
    stage: &Stage,
    polls: &[Poll],
    truth: &Recount,
    sent: &[Sent],
    verdict: &mut Verdict,
) -> Result<()> {
    let ask = |sql: &str| stage.cluster.database().query(sql).context(DATABASE);
    let ids: Vec<String> = polls.iter().map(|poll| format!("'{}'", poll.id)).collect();
    let ids = ids.join(",");
    let rows = ask(&format!(
        "SELECT partition, log_offset, ballot, decided FROM ballots WHERE poll IN ({ids})"
    ))?;
    let mut kept: BTreeMap<&str, Vec<(u32, u64, &str)>> = BTreeMap::new();
    for row in rows.lines() {
        let fields: Vec<&str> = row.split('|').collect();
        let [partition, offset, ballot, decided] = fields[..] else { continue };
        kept.entry(ballot).or_default().push((partition.parse()?, offset.parse()?, decided));
    }
    verdict.doubled += kept.values().map(|rows| rows.len() as u64 - 1).sum::<u64>();
    for sent in sent.iter().filter(|sent| sent.told == Told::Recorded) {
        if !kept.contains_key(&*sent.ballot) {
            verdict.lost.insert(sent.ballot.clone());
        }
    }
    let mut wrong = Vec::new();
    for ((_, _, ballot), decided) in &truth.ballots {
        // The row keeps the decision of its time; a ballot that was counted then may be replaced by now.
        let status = if decided.status == "replaced" { "counted" } else { decided.status };
        let wanted = (decided.position.0, decided.position.1, status);
        if kept.get(&**ballot).is_none_or(|rows| !rows.contains(&wanted)) {
            wrong.push(format!("{ballot}: {wanted:?} on the log, {:?} kept", kept.get(&**ballot)));
        }
    }
    verdict.wrong.extend(wrong.into_iter().take(TOLD));

    for poll in polls {
        let votes =
            ask(&format!("SELECT votes FROM results WHERE poll = '{}' ORDER BY option", poll.id))?;
        let votes: Vec<u64> = votes.lines().map(|row| Ok(row.parse()?)).collect::<Result<_>>()?;
        let voters = ask(&format!(
            "SELECT coalesce(sum(voters), 0) FROM tallies WHERE poll = '{}'",
            poll.id
        ))?;
        let result = truth.polls.get(&poll.id).cloned().unwrap_or_default();
        let surplus = votes.iter().zip(&result.counts).map(|(kept, due)| kept.saturating_sub(*due));
        verdict.doubled += surplus.sum::<u64>();
        if votes != result.counts || voters != result.voters.to_string() {
            let (due, id) = (&result.counts, &poll.id);
            verdict.wrong.push(format!("the tally of {id} is {votes:?}, the log says {due:?}"));
        }
    }
    Ok(())
}

/// Compares what both nodes and every screen show with the log.
fn judge_screens(
    stage: &Stage,
    polls: &[Poll],
    truth: &Recount,
    screens: &Screens,
    verdict: &mut Verdict,
) -> Result<()> {
    let mut versions: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for poll in polls {
        let result = truth.polls.get(&poll.id).cloned().unwrap_or_default();
        for (web, name) in WEB.iter().enumerate() {
            let view = stage.final_view(web, poll)?;
            versions.entry(&poll.id).or_default().extend(view["version"].as_u64());
            verdict.wrong.extend(differs(&view, &result).map(|why| format!("{name}: {why}")));
        }
    }
    for (poll, versions) in versions {
        if versions.len() != 1 {
            verdict.wrong.push(format!("the nodes show versions {versions:?} of {poll}"));
        }
    }
    // A screen is sent the final state at the next tick, or in the first message of a socket that it opens
    // anew.
    let begun = Instant::now();
    loop {
        let mut behind = Vec::new();
        screens.each(|shown| {
            for poll in polls {
                let result = truth.polls.get(&poll.id).cloned().unwrap_or_default();
                let view = shown.polls.get(&poll.id).cloned().unwrap_or_default();
                let why = differs(&view, &result);
                behind.extend(why.map(|why| format!("a screen on {}: {why}", shown.node)));
            }
        });
        if behind.is_empty() || begun.elapsed() > PATIENCE {
            verdict.wrong.extend(behind.into_iter().take(TOLD));
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    screens.each(|shown| verdict.wrong.extend(shown.went_back.iter().take(TOLD).cloned()));
    Ok(())
}

/// Returns how a poll as it is shown differs from the recount, if it does.
fn differs(view: &Value, result: &pollux_checker::Result) -> Option<String> {
    let votes = |rows: &Value| -> Vec<u64> {
        rows.as_array().into_iter().flatten().filter_map(|row| row["votes"].as_u64()).collect()
    };
    let (shown, due) = match view["words"] {
        // Words are shown by their texts, which nobody here can tell the names of; the hash is over the names.
        Value::Array(_) => {
            let mut due: Vec<u64> = result.words.values().copied().collect();
            due.sort_unstable_by(|a, b| b.cmp(a));
            (votes(&view["words"]), due)
        }
        _ => (votes(&view["options"]), result.counts.clone()),
    };
    let (voters, hash) = (view["totalVoters"].as_u64(), hash(view, result));
    let fits = shown == due && voters == Some(result.voters) && view["final"] == true;
    (!fits || view["resultHash"] != hash).then(|| {
        let (id, by) = (&view["id"], result.voters);
        format!("{id} is shown as {shown:?} by {voters:?}, the log says {due:?} by {by}: {view}")
    })
}

/// Returns the hash of the recount's result, computed as the documentation of `pollux_core::result` says.
fn hash(view: &Value, result: &pollux_checker::Result) -> String {
    let (id, round, voters) = (&view["id"], result.round, result.voters);
    let counts: Vec<&u64> = result.counts.iter().chain(result.words.values()).collect();
    let names = match view["kind"] == "words" {
        true => format!("\"names\":{},", json!(result.words.keys().collect::<Vec<_>>())),
        false => String::new(),
    };
    let counts = json!(counts);
    let line = format!(
        "{{\"pollId\":{id},\"round\":{round},{names}\"counts\":{counts},\"voters\":{voters}}}\n"
    );
    hex::encode(Sha256::digest(line))
}
