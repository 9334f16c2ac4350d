//! `pollux produce` simulates an audience whose ballots go straight to the topic `votes`, as a node appends
//! them: with the same record, key, partition and producer, and no node between.
//!
//! A new poll is created through a node all the same: the node checks the rules, gives the poll a join code
//! and an owner, and tells every node of it, and `produce` needs no database. What ballots may say is then
//! read where every node hears it: on the topic `polls`.

use std::io::{Write, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hyper::Method;
use pollux_core::announcement::Announcement;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{
    Partition, PollId, UnixMillis, VoterId, VoterKey, VoterKind, partition_of, voter_key,
};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::record::{Entry, ballot_key};
use pollux_core::rule::Violation;
use pollux_server::ambient::{Ambient, SystemAmbient};
use pollux_server::config::{KafkaConfig, parse_duration};
use pollux_server::log::kafka::KafkaLog;
use pollux_server::log::kafka::consumer::{Consumed, Consumer, ReadPlan, Start};
use pollux_server::log::{AppendError, Log, NewRecord};
use rand::RngExt;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::audience::{self, Answered, Attempt, Booth, Crowd, Habits, Ledger, Pace, Plan};
use crate::client::{Server, call};
use crate::exit::{Failure, Outcome};
use crate::kafka::{self, Topic};
use crate::kind::{self, NewPoll};
use crate::settings::{Only, Topics};
use crate::simulate::{attended, pace, print_report, share, skew};
use crate::terminal::{self, list};

/// A poll that a node has just created may take this long to reach the topic.
const TOLD: Duration = Duration::from_secs(15);
/// While waiting for the poll, `produce` pauses this long between two reads of the topic.
const PAUSE: Duration = Duration::from_millis(200);

/// Simulate an audience that writes its ballots straight to the Kafka topic
#[derive(clap::Args)]
#[command(
    after_long_help = "Every voter is new. If POLLUX_SECRET is set, a voter's pseudonym is the one that \
    a node derives from the voterId in the ledger; otherwise no node can derive it. A ballot whose fate is \
    unknown is sent again under the same id, so that it counts once. Exits 5 if the fate of a ballot \
    stayed unknown, 1 if a ballot failed for good. A poll that asks for words is refused, because the key that \
    encrypts them is in the store; use pollux simulate.\n\n\
    Examples:\n  \
    pollux produce --kafka-broker localhost:9092 --votes 10000 --rate 2000\n  \
    pollux produce --question 'Tea or coffee?' --option Tea --option Coffee --skew 0\n  \
    pollux produce --question 'How was it?' --statement 'The room' --statement 'The talks'\n  \
    pollux produce --poll 482913 --rate max --votes 1000000 --voters 1000000"
)]
pub struct Args {
    /// The poll's id or join code [default: a new poll]
    #[arg(long, value_name = "ID|CODE", conflicts_with_all = ["question", "subject"])]
    poll: Option<String>,
    #[command(flatten)]
    new: NewPoll,
    /// URL of the node that creates the new poll
    #[arg(long, env = "POLLUX_URL", default_value = "http://localhost:5000")]
    url: Server,
    /// Ballots a second, sent at fixed times; or max
    #[arg(long, value_name = "PER_SECOND|max", default_value = "100", value_parser = pace)]
    rate: Pace,
    /// Number of ballots [default: one for each voter, or no limit with --duration]
    #[arg(long, value_name = "COUNT", visible_alias = "count")]
    votes: Option<u64>,
    /// Number of voters
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    voters: u64,
    /// How long to cast new ballots, such as 30s
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Zipf's exponent by which votes favour some answers over others, from 0 (evenly) to 10
    #[arg(long, value_name = "EXPONENT", default_value_t = 0.8, value_parser = skew)]
    skew: f64,
    /// Share of ballots, from 0 to 1, that change an earlier vote
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    revoters: f64,
    /// Share of ballots, from 0 to 1, that are sent again after they were acknowledged
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    duplicates: f64,
    /// Largest number of ballots in flight at once
    #[arg(long, value_name = "COUNT", default_value_t = 1024, value_parser = in_flight)]
    in_flight: usize,
    /// How long to go on sending a ballot whose fate is unknown
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    patience: Duration,
    /// Random seed; the same seed gives the same audience [default: random]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Write one JSON line for each ballot, with its fate, to this file
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

/// Produces the ballots, then prints how it went.
pub async fn run(args: Args, json: bool) -> Outcome {
    let config = kafka::settings(&args.kafka)?;
    // A log refuses what exceeds its bounds. An audience of no more booths than that waits instead.
    let booths = args.in_flight.min(config.log.queue).min(config.kafka.partition_queue);
    let made = match &args.poll {
        Some(_) => None,
        None => Some(create(&args).await?),
    };
    let poll = match (&args.poll, &made) {
        (Some(name), _) => find(&config.kafka, name, Duration::ZERO).await?,
        (None, made) => find(&config.kafka, made.as_deref().unwrap_or_default(), TOLD).await?,
    };
    if poll.kind.holds_texts() {
        return Err(Failure::refused(format!(
            "poll {0} asks for words, which stand encrypted on the topic. Only the store has their key, so a ballot \
             must go through a node: pollux simulate --poll {0}",
            poll.id
        )));
    }
    let ambient = Arc::new(SystemAmbient::new());
    if !poll.takes_votes(ambient.now()) {
        return Err(Failure::refused("the poll takes no votes now: every ballot would be late"));
    }
    terminal::tell(format_args!("Producing to {} ({})", poll.id, poll.question));
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
    let crowd = Crowd::new(poll.kind.form(), habits);
    let shared = Arc::new(Shared {
        key: voter_key(config.secret.as_deref().map_or(&seed.to_be_bytes()[..], str::as_bytes)),
        appended: (0..log.partitions()).map(|_| AtomicU64::new(0)).collect(),
        log: log.clone(),
        poll,
    });
    let booth = || TopicBooth(shared.clone());
    let report = attended(votes, |progress, stop| {
        audience::vote_at(booth, crowd, plan, ledger, progress, stop)
    });
    let report = report.await?;
    log.shut().await;
    let partitions: Vec<_> = shared.appended.iter().map(|count| count.load(Relaxed)).collect();
    if !json {
        writeln!(stdout(), "partitions  {}", list(&partitions))?;
    }
    let facts = json!({ "pollId": shared.poll.id, "seed": seed, "partitions": partitions });
    print_report(facts, report, json)
}

/// Creates the poll through a node and returns its id.
async fn create(args: &Args) -> Outcome<String> {
    let body = args.new.body();
    let created: Value = call(&args.url, Method::POST, "/api/polls", Some(&body)).await?;
    let text = |name: &str| created[name].as_str().unwrap_or_default();
    terminal::tell(format_args!("Created the poll {}/p/{}", args.url, text("code")));
    terminal::tell(format_args!("Its owner's page: {}", text("ownerUrl")));
    Ok(text("id").to_owned())
}

/// Finds the poll as the topic `polls` announces it. It is an error if the poll is not there after
/// `patience`.
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
                "there is no poll {name} on the topic {topic} of {brokers}; check that its node uses this \
                 Kafka and this POLLUX_TOPIC_PREFIX"
            )));
        }
        sleep(PAUSE).await;
    }
}

async fn look(config: &KafkaConfig, name: &str) -> Outcome<Option<Poll>> {
    let id: Option<PollId> = name.parse().ok();
    let reading = ReadPlan {
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
        // Another poll may have had the same join code before.
        let newer = newest.as_ref().is_none_or(|n| (poll.id, poll.revision) > (n.id, n.revision));
        if named && newer {
            newest = Some(poll);
        }
    }
    consumer.close().await.map_err(kafka::failure)?;
    Ok(newest.map(Arc::unwrap_or_clone).filter(|poll| poll.status != PollStatus::Deleted))
}

/// `Shared` is what all booths share.
struct Shared {
    log: Arc<KafkaLog>,
    poll: Poll,
    key: VoterKey,
    /// The number of acknowledged ballots of each partition.
    appended: Vec<AtomicU64>,
}

/// `TopicBooth` appends ballots to the topic.
struct TopicBooth(Arc<Shared>);

impl Booth for TopicBooth {
    async fn cast(&mut self, ballot: &audience::Ballot) -> Attempt {
        let Self(shared) = self;
        let (partition, record) =
            match record(&shared.poll, &shared.key, ballot, shared.log.partitions()) {
                Ok(placed) => placed,
                Err(broken) => return Attempt::Refused(broken.detail, Answered::default()),
            };
        match shared.log.append(partition, record).await {
            Ok(position) => {
                shared.appended[position.partition as usize].fetch_add(1, Relaxed);
                let position =
                    json!({ "partition": position.partition, "offset": position.offset });
                let receipt = json!({
                    "ballotId": ballot.id, "pollId": shared.poll.id, "status": "recorded",
                    "position": position,
                });
                Attempt::Acknowledged(Answered { status: None, body: receipt.to_string().into() })
            }
            Err(AppendError::NotRecorded(why)) => Attempt::NotNow(why, None),
            Err(AppendError::Unknown(why)) => Attempt::Unknown(why, None),
        }
    }
}

/// Returns the record that a node would append, and its partition; an error if the poll does not allow the answer.
fn record(
    poll: &Poll,
    key: &VoterKey,
    ballot: &audience::Ballot,
    partitions: u32,
) -> Result<(Partition, NewRecord), Violation> {
    let voter = VoterId::derive(key, poll.id, VoterKind::Named, ballot.voter.as_bytes());
    let at: UnixMillis = ballot.id.time();
    let answer = kind::read(&poll.kind, &ballot.answer, None)?;
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
    Ok((partition, NewRecord { key: key.into(), value: entry.encode().into() }))
}
