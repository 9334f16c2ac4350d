//! `pollux produce`: an audience whose ballots go straight to the topic `votes`, as a node appends
//! them: the same record, key, partition and producer, with no node between.
//!
//! A poll is made through a node all the same: it checks the rules, gives the poll a join code and
//! an owner, and tells every node of it, and it needs no database from whoever produces.
//! What the ballots must say of the poll is then read where every node hears it: on the topic
//! `polls`.

use std::io::{Write, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hyper::Method;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{
    Partition, PollId, UnixMillis, VoterId, VoterKey, VoterKind, partition_of, voter_key,
};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::record::{Entry, ballot_key};
use pollux_core::standing::Announcement;
use pollux_server::ambient::{Ambient, SystemAmbient};
use pollux_server::config::{KafkaConfig, parse_duration};
use pollux_server::log::kafka::KafkaLog;
use pollux_server::log::kafka::consumer::{Consumed, Consumer, Plan as Reading, Start};
use pollux_server::log::{AppendError, Log, NewRecord};
use rand::RngExt;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::audience::{self, Answered, Attempt, Booth, Crowd, Habits, Ledger, Pace, Plan};
use crate::client::{Server, call};
use crate::exit::{Failure, Outcome};
use crate::kafka::{self, Topic};
use crate::settings::{Only, Topics};
use crate::simulate::{attended, pace, share, skew, tell};
use crate::terminal::list;

/// How long a poll that a node has just made may take to reach the topic.
const TOLD: Duration = Duration::from_secs(15);
/// Between two looks for it.
const PAUSE: Duration = Duration::from_millis(200);

/// Be an audience that writes its ballots straight to the topic
#[derive(clap::Args)]
#[command(
    after_long_help = "Everybody in this audience is somebody new: with POLLUX_SECRET set they are \
    whom a node would take them for (voterId in the ledger), without it strangers. A ballot whose \
    fate is unknown is sent again under the same id: it counts once. Exits 5 if the fate of one \
    stayed unknown, 1 if one failed for good.\n\n\
    Examples:\n  \
    pollux produce --kafka-broker localhost:9092 --votes 10000 --rate 2000\n  \
    pollux produce --question 'Tea or coffee?' --option Tea --option Coffee --skew 0\n  \
    pollux produce --poll 482913 --rate max --votes 1000000 --voters 1000000"
)]
pub struct Args {
    /// The poll, by id or join code [default: a new one]
    #[arg(long, value_name = "ID|CODE", conflicts_with_all = ["question", "option"])]
    poll: Option<String>,
    /// The question of the new poll
    #[arg(long, value_name = "TEXT", requires = "option")]
    question: Option<String>,
    /// An option of it; give two or more
    #[arg(long, value_name = "TEXT", requires = "question")]
    option: Vec<String>,
    /// The node that makes the new poll
    #[arg(long, env = "POLLUX_URL", default_value = "http://localhost:5000")]
    url: Server,
    /// Ballots a second, due at fixed times; or max
    #[arg(long, default_value = "100", value_parser = pace)]
    rate: Pace,
    /// Ballots in all [default: one for each voter, or no end with --duration]
    #[arg(long, visible_alias = "count")]
    votes: Option<u64>,
    /// People in the audience
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    voters: u64,
    /// For how long new ballots are cast
    #[arg(long, value_parser = parse_duration)]
    duration: Option<Duration>,
    /// How uneven the votes are: Zipf's exponent; 0 is even
    #[arg(long, default_value_t = 0.8, value_parser = skew)]
    skew: f64,
    /// Share of the ballots with which somebody changes their mind
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    revoters: f64,
    /// Share of the ballots sent once more after they were acknowledged
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    duplicates: f64,
    /// Ballots under way at once
    #[arg(long, default_value_t = 1024, value_parser = in_flight)]
    in_flight: usize,
    /// How long a ballot whose fate is not known is sent again
    #[arg(long, default_value = "60s", value_parser = parse_duration)]
    patience: Duration,
    /// Where the dice begin, to have the same audience again [default: drawn]
    #[arg(long)]
    seed: Option<u64>,
    /// Write one JSON line for every ballot with its fate
    #[arg(long, value_name = "FILE")]
    ledger: Option<std::path::PathBuf>,
    #[command(flatten)]
    kafka: Only<Topics>,
}

fn in_flight(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|ballots| (1..=100_000).contains(ballots))
        .ok_or_else(|| "not a number from 1 to 100000".into())
}

/// Produce, then say how it went.
pub async fn run(args: Args, json: bool) -> Outcome {
    let config = kafka::settings(&args.kafka)?;
    // Past its bounds a log refuses; an audience waits instead.
    let booths = args.in_flight.min(config.log.queue).min(config.kafka.partition_queue);
    let made = match &args.poll {
        Some(_) => None,
        None => Some(make(&args).await?),
    };
    let poll = match (&args.poll, &made) {
        (Some(name), _) => find(&config.kafka, name, Duration::ZERO).await?,
        (None, made) => find(&config.kafka, made.as_deref().unwrap_or_default(), TOLD).await?,
    };
    let ambient = Arc::new(SystemAmbient::new());
    if !poll.takes_votes(ambient.now()) {
        return Err(Failure::refused("the poll takes no votes now: every ballot would be late"));
    }
    eprintln!("Producing to {} ({})", poll.id, poll.question);
    let log = KafkaLog::open(&config.kafka, &config.log, ambient).await.map_err(kafka::failure)?;

    let seed = args.seed.unwrap_or_else(|| rand::rng().random());
    let votes = args.votes.or(args.duration.is_none().then_some(args.voters));
    let habits = Habits {
        voters: args.voters,
        ballots: votes,
        skew: args.skew,
        revoters: args.revoters,
        duplicates: args.duplicates,
        seed,
    };
    let plan = Plan { pace: args.rate, booths, duration: args.duration, patience: args.patience };
    let ledger = Ledger::at(args.ledger.as_deref())?;
    let crowd = Crowd::new(&described(&poll), habits);
    let table = Arc::new(Table {
        key: voter_key(config.secret.as_deref().map_or(&seed.to_be_bytes()[..], str::as_bytes)),
        appended: (0..log.partitions()).map(|_| AtomicU64::new(0)).collect(),
        log: log.clone(),
        poll,
    });
    let booth = || TopicBooth(table.clone());
    let report = attended(votes, |progress, stop| {
        audience::vote_at(booth, crowd, plan, ledger, progress, stop)
    });
    let report = report.await?;
    log.shut().await;
    let partitions: Vec<_> = table.appended.iter().map(|count| count.load(Relaxed)).collect();
    if !json {
        writeln!(stdout(), "partitions  {}", list(&partitions))?;
    }
    let facts = json!({ "pollId": table.poll.id, "seed": seed, "partitions": partitions });
    tell(facts, report, json)
}

/// Have a node make the poll; its id.
async fn make(args: &Args) -> Outcome<String> {
    let default = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
    let body = match &args.question {
        Some(question) => json!({ "question": question, "options": args.option }),
        None => json!({ "question": "Which day suits you best?", "options": default }),
    };
    let made: Value = call(&args.url, Method::POST, "/api/polls", Some(&body)).await?;
    let text = |name: &str| made[name].as_str().unwrap_or_default();
    eprintln!("Made the poll {}/p/{}", args.url, text("code"));
    eprintln!("Its owner's page: {}", text("ownerUrl"));
    Ok(text("id").to_owned())
}

/// The poll as the nodes were told of it on the topic `polls`.
async fn find(config: &KafkaConfig, name: &str, patience: Duration) -> Outcome<Poll> {
    let begun = Instant::now();
    loop {
        if let Some(poll) = look(config, name).await? {
            return Ok(poll);
        }
        if begun.elapsed() >= patience {
            let topic = Topic::Polls.name(&config.topic_prefix);
            let brokers = config.broker.join(",");
            return Err(Failure::failed(format!(
                "the topic {topic} on {brokers} tells of no poll {name}; does its node use this \
                 Kafka, and this POLLUX_TOPIC_PREFIX?"
            )));
        }
        sleep(PAUSE).await;
    }
}

async fn look(config: &KafkaConfig, name: &str) -> Outcome<Option<Poll>> {
    let id: Option<PollId> = name.parse().ok();
    let reading = Reading {
        topic: Topic::Polls.name(&config.topic_prefix),
        partition: Some(0),
        start: Start::Beginning,
        group: None,
        follow: false,
    };
    let mut consumer = Consumer::open(config, reading).await.map_err(kafka::failure)?;
    let mut newest: Option<Arc<Poll>> = None;
    while let Some(event) = consumer.next().await.map_err(kafka::failure)? {
        let Consumed::Record(record) = event else { continue };
        let Some(Ok(Announcement::Poll(poll))) = record.value.map(|v| Announcement::decode(&v))
        else {
            continue;
        };
        let named = id.map_or(poll.code == name, |id| poll.id == id);
        // A code may have been another poll's before.
        let newer = newest.as_ref().is_none_or(|n| (poll.id, poll.revision) > (n.id, n.revision));
        if named && newer {
            newest = Some(poll);
        }
    }
    consumer.close().await.map_err(kafka::failure)?;
    Ok(newest.map(Arc::unwrap_or_clone).filter(|poll| poll.status != PollStatus::Deleted))
}

/// What an audience needs to know of it.
fn described(poll: &Poll) -> audience::Poll {
    audience::Poll {
        id: poll.id.to_string(),
        question: poll.question.clone(),
        status: "open".into(),
        form: poll.kind.form(),
        voter_ids: true,
    }
}

/// What the booths share.
struct Table {
    log: Arc<KafkaLog>,
    poll: Poll,
    key: VoterKey,
    /// Ballots acknowledged, by partition.
    appended: Vec<AtomicU64>,
}

/// Appends ballots to the topic.
struct TopicBooth(Arc<Table>);

impl Booth for TopicBooth {
    async fn cast(&mut self, ballot: &audience::Ballot) -> Attempt {
        let Self(table) = self;
        let (partition, record) = record(&table.poll, &table.key, ballot, table.log.partitions());
        match table.log.append(partition, record).await {
            Ok(position) => {
                table.appended[position.partition as usize].fetch_add(1, Relaxed);
                let position =
                    json!({ "partition": position.partition, "offset": position.offset });
                let receipt = json!({
                    "ballotId": ballot.id, "pollId": table.poll.id, "status": "recorded",
                    "position": position,
                });
                Attempt::Acknowledged(Answered { status: None, body: receipt.to_string().into() })
            }
            Err(AppendError::NotRecorded(why)) => Attempt::NotNow(why, None),
            Err(AppendError::Unknown(why)) => Attempt::Unknown(why, None),
        }
    }
}

/// The record that a node would append, and its partition.
fn record(
    poll: &Poll,
    key: &VoterKey,
    ballot: &audience::Ballot,
    partitions: u32,
) -> (Partition, NewRecord) {
    let voter = VoterId::derive(key, poll.id, VoterKind::Named, ballot.voter.as_bytes());
    let at: UnixMillis = ballot.id.time();
    let answer = ballot.answer.clone();
    let (id, round, phase) = (ballot.id, poll.round, poll.phase);
    let entry = Entry::Ballot(Ballot {
        poll: poll.id,
        voter,
        id,
        named_by: NamedBy::Client,
        answer,
        round,
        phase,
        at,
    });
    let key = ballot_key(poll.id, voter);
    let partition = partition_of(key.as_bytes(), partitions);
    (partition, NewRecord { key: key.into(), value: entry.encode().into() })
}
