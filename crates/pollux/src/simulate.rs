//! `pollux simulate` simulates an audience that votes over HTTP at any server.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hdrhistogram::Histogram;
use hyper::Method;
use pollux_server::config::parse_duration;
use rand::RngExt;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::audience::{self, Crowd, Habits, Ledger, Pace, Plan, Poll, Progress, Report};
use crate::client::{Server, call, poll_route};
use crate::exit::{Failure, Outcome, UNKNOWN};
use crate::kind::NewPollOfAnyKind;
use crate::serve::Signals;
use crate::terminal::{self, grouped, quantity};

/// Simulate an audience that votes over HTTP
#[derive(clap::Args)]
#[command(
    after_long_help = "Latency counts from the moment at which a ballot was due, so that a stall shows in \
    every ballot that it delayed. A ballot without an answer is sent again under the same id, so that it \
    counts once. Exits 5 if the fate of a ballot stayed unknown, 1 if a ballot failed for good.\n\n\
    Examples:\n  \
    pollux simulate --rate 500 --duration 30s\n  \
    pollux simulate --poll 482913 --voters 300 --skew 1.2\n  \
    pollux simulate --question 'Your day in three words?' --max-words 3\n  \
    pollux simulate --rate max --connections 256 --votes 1000000 --voters 1000000\n  \
    pollux simulate --revoters 0.1 --duplicates 0.05 --ledger ballots.jsonl --json"
)]
pub struct Args {
    /// The server's URL
    #[arg(long, env = "POLLUX_URL", default_value = "http://localhost:5000")]
    url: Server,
    /// The poll's id or join code [default: a new poll]
    #[arg(long, value_name = "ID|CODE", conflicts_with_all = ["question", "subject"])]
    poll: Option<String>,
    #[command(flatten)]
    new: NewPollOfAnyKind,
    /// Ballots a second, sent at fixed times; or max: as fast as each connection is answered
    #[arg(long, value_name = "PER_SECOND|max", default_value = "100", value_parser = pace)]
    rate: Pace,
    /// Number of voters
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    voters: u64,
    /// Number of ballots [default: one for each voter, or no limit with --duration]
    #[arg(long, value_name = "COUNT")]
    votes: Option<u64>,
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
    /// Number of connections
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = connections)]
    connections: usize,
    /// How long to go on sending a ballot whose fate is unknown
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    patience: Duration,
    /// Random seed; the same seed gives the same audience [default: random]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Write one JSON line for each ballot, with its fate, to this file
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

/// Parses a rate of the command line: a number of ballots a second, or `max`.
pub fn pace(text: &str) -> Result<Pace, String> {
    if text == "max" {
        return Ok(Pace::Max);
    }
    match text.parse() {
        Ok(rate) if (0.001..=1e7).contains(&rate) => Ok(Pace::PerSecond(rate)),
        _ => Err("neither a number of ballots a second nor max".into()),
    }
}

/// Parses a share of the command line, from 0 to 1.
pub fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "not a share from 0 to 1".into())
}

/// Parses Zipf's exponent of the command line, from 0 to 10.
pub fn skew(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|skew| (0.0..=10.0).contains(skew))
        .ok_or_else(|| "not a number from 0 to 10".into())
}

fn connections(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|connections| (1..=100_000).contains(connections))
        .ok_or_else(|| "not a number from 1 to 100000".into())
}

/// Runs the audience, then prints how it went.
pub async fn run(args: Args, json: bool) -> Outcome {
    let poll = find_or_create(&args).await?;
    let votes = args.votes.or(args.duration.is_none().then_some(args.voters));
    let seed = args.seed.unwrap_or_else(|| rand::rng().random());
    let habits = Habits {
        voters: args.voters,
        ballots: votes,
        skew: args.skew,
        revoters: args.revoters,
        duplicates: args.duplicates,
        seed,
    };
    let plan = Plan {
        pace: args.rate,
        booths: args.connections,
        duration: args.duration,
        patience: args.patience,
    };
    let ledger = Ledger::at(args.ledger.as_deref())?;
    let crowd = Crowd::new(poll.form, habits);
    let report = attended(votes, |progress, stop| {
        audience::vote(&args.url, &poll, crowd, plan, ledger, progress, stop)
    });
    let report = report.await?;
    let facts = json!({ "url": args.url.to_string(), "pollId": poll.id, "seed": seed });
    print_report(facts, report, json)
}

/// Lets the audience vote while a bar shows how far it is. A signal stops the audience, a second one ends the
/// process.
pub async fn attended<F: Future<Output = Outcome<Report>>>(
    votes: Option<u64>,
    vote: impl FnOnce(Arc<Progress>, watch::Receiver<bool>) -> F,
) -> Outcome<Report> {
    let (go_home, stop) = watch::channel(false);
    let progress = Arc::new(Progress::default());
    let shown = tokio::spawn(show(progress.clone(), votes));
    let mut signals = Signals::listen()?;
    let home = tokio::spawn(async move {
        signals.next().await;
        let _ = go_home.send(true);
        std::process::exit(signals.next().await.into());
    });
    let report = vote(progress, stop).await;
    home.abort();
    shown.abort();
    // The bar is cleared once the task that holds it has ended.
    let _ = shown.await;
    report
}

/// Returns the poll that was named, or creates one.
async fn find_or_create(args: &Args) -> Outcome<Poll> {
    let poll: Poll = match &args.poll {
        Some(poll) => call(&args.url, Method::GET, &poll_route(poll)?, None).await?,
        None => {
            let body = args.new.body();
            let created: Value = call(&args.url, Method::POST, "/api/polls", Some(&body)).await?;
            if let Some(token) = created["ownerToken"].as_str() {
                terminal::tell(format_args!("Created a poll; its owner's token: {token}"));
            }
            serde_json::from_value(created)?
        }
    };
    if poll.status != "open" {
        return Err(Failure::refused(format!("the poll is {}; it must be open", poll.status)));
    }
    if !poll.voter_ids {
        return Err(Failure::refused(
            "the poll takes no voterId (voterIds is false), so one machine cannot be many voters",
        ));
    }
    terminal::tell(format_args!("Voting on {} ({})", poll.id, poll.question));
    Ok(poll)
}

/// Shows a bar of the ballots that are done, until the task is aborted.
pub async fn show(progress: Arc<Progress>, votes: Option<u64>) {
    /// `Clear` removes the bar from the screen when the task is aborted.
    struct Clear(indicatif::ProgressBar);
    impl Drop for Clear {
        fn drop(&mut self) {
            self.0.finish_and_clear();
        }
    }
    let bar = Clear(terminal::progress(votes, "ballots"));
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        bar.0.set_position(progress.done.load(Relaxed));
        let retries = progress.retries.load(Relaxed);
        if retries > 0 {
            bar.0.set_prefix(format!("({} sent again)", grouped(retries)));
        }
    }
}

/// Prints the summary, and returns the failure that it amounts to. The JSON summary is added to these facts.
pub fn print_report(mut facts: Value, report: Report, json: bool) -> Outcome {
    let Report { progress, elapsed, latency, lateness, trouble } = report;
    let [done, acknowledged, unknown, failed, retries, duplicates] = [
        &progress.done,
        &progress.acknowledged,
        &progress.unknown,
        &progress.failed,
        &progress.retries,
        &progress.duplicates,
    ]
    .map(|count| count.load(Relaxed));
    let rate = acknowledged as f64 / elapsed.as_secs_f64().max(1e-9);
    if json {
        let told = json!({
            "ballots": done, "acknowledged": acknowledged, "unknown": unknown,
            "failed": failed, "retries": retries, "duplicates": duplicates,
            "seconds": elapsed.as_secs_f64(), "perSecond": rate,
            "latencyMicros": percentiles(&latency), "timerLateMicros": percentiles(&lateness),
            "trouble": trouble,
        });
        if let (Value::Object(facts), Value::Object(told)) = (&mut facts, told) {
            facts.extend(told);
        }
        writeln!(stdout(), "{facts}")?;
    } else {
        writeln!(
            stdout(),
            "{} in {}: {} acknowledged, {} unknown, {} failed; {:.0} a second",
            quantity(done, "ballot"),
            terminal::brief(elapsed),
            grouped(acknowledged),
            grouped(unknown),
            grouped(failed),
            rate,
        )?;
        writeln!(
            stdout(),
            "{} sent again because no answer came, {} on purpose",
            grouped(retries),
            duplicates
        )?;
        writeln!(stdout(), "latency     {}", in_words(&latency))?;
        if !lateness.is_empty() {
            writeln!(stdout(), "timer late  {}  (not in the latency)", in_words(&lateness))?;
        }
    }
    let code = match (unknown, failed) {
        (0, 0) => return Ok(()),
        (0, _) => crate::exit::FAILED,
        _ => UNKNOWN,
    };
    Err(Failure::new(code, trouble.unwrap_or_default()))
}

const PERCENTILES: [(&str, f64); 5] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)];

fn percentiles(histogram: &Histogram<u64>) -> Value {
    let percentile =
        |(name, at): (&str, f64)| (name.into(), histogram.value_at_percentile(at).into());
    Value::Object(PERCENTILES.into_iter().map(percentile).collect())
}

fn in_words(histogram: &Histogram<u64>) -> String {
    let percentile = |(name, at)| {
        let value = Duration::from_micros(histogram.value_at_percentile(at));
        format!("{name} {}", terminal::brief(value))
    };
    PERCENTILES.map(percentile).join("  ")
}
