//! `pollux demo` is the thirty-second tour: a server in a temporary folder, sample polls, and an audience
//! that votes for as long as it runs.

use std::io::{Write, stderr, stdout};
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use pollux_server::boot::Running;
use pollux_server::config::{LogFormat, parse_duration};
use rand::RngExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

use crate::audience::{self, Crowd, Habits, Pace, Plan, Poll, Progress, Report};
use crate::client::{Server, call, call_as};
use crate::exit::{Failure, Outcome};
use crate::kind::{self, SAMPLE_VOTE};
use crate::port;
use crate::serve::{self, Signals};
use crate::settings::{Flags, Variables};
use crate::simulate;
use crate::terminal::{self, quantity};

/// Each poll has this many voters. Once all have voted they go on to change their votes.
const VOTERS: u64 = 100_000;
/// Each poll is voted on over this many connections. The rate is low, so that few are enough.
const CONNECTIONS: usize = 2;

/// Run a demo: a server, sample polls and an audience, in a temporary folder
#[derive(clap::Args)]
#[command(
    after_help = "The folder is removed at the end. Of the environment and .env only PORT and POLLUX_HOST \
    are read; all other settings have their defaults.\n\n\
    Examples:\n  pollux demo\n  pollux demo --for 30s --rate 200\n  pollux demo --host 0.0.0.0"
)]
pub struct Args {
    /// Port to listen on; if it is taken, the next free one [env: PORT] [default: 5000]
    #[arg(long)]
    port: Option<String>,
    /// Addresses to listen on; 0.0.0.0 lets phones in [env: POLLUX_HOST] [default: 127.0.0.1,::1]
    #[arg(long, value_name = "ADDRESSES")]
    host: Option<String>,
    /// Ballots a second over all polls
    #[arg(long, value_name = "PER_SECOND", default_value_t = 20.0, value_parser = rate)]
    rate: f64,
    /// How long to run, such as 30s [default: until Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    lasting: Option<Duration>,
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (0.01..=100_000.0).contains(rate))
        .ok_or_else(|| "not a number of ballots a second".into())
}

/// Runs the demo until it is told to stop or its time is up.
pub async fn run(args: Args, json: bool) -> Outcome {
    let mut signals = Signals::listen()?.and_hangup()?;
    serve::log_to_stderr(EnvFilter::new("warn"), LogFormat::Human);
    let folder = tempfile::Builder::new().prefix("pollux-demo-").tempdir().map_err(|error| {
        Failure::from(error).context("cannot create a temporary folder (TMPDIR says where)")
    })?;
    let running = tokio::select! {
        biased;
        code = signals.next() => return Err(Failure::silent(code)),
        running = start(&args, folder.path()) => running?,
    };
    let server = local(&running)?;
    let (event, polls) = create_event(&server).await?;
    if json {
        let ids: Vec<_> = polls.iter().map(|poll| &poll.id).collect();
        writeln!(
            stdout(),
            "{}",
            json!({
                "url": running.url, "data": folder.path(), "polls": ids,
                "code": event.code, "ownerUrl": event.owner_url, "stageUrl": event.stage_url,
            })
        )?;
    } else {
        explain(&running, &args, &event);
    }

    let (go_home, stop) = watch::channel(false);
    let progress = Arc::new(Progress::default());
    let mut audiences = gather(&server, &polls, args.rate, &progress, &stop);
    let shown = tokio::spawn(simulate::show(progress.clone(), None));
    let ended = tokio::select! {
        biased;
        _ = signals.next() => None,
        why = running.failed() => Some(why),
        () = tokio::time::sleep(args.lasting.unwrap_or(Duration::MAX)) => None,
    };
    shown.abort();
    let _ = (shown.await, go_home.send(true));
    let closing = async {
        while let Some(audience) = audiences.join_next().await {
            audience??;
        }
        if running.stop().await { Ok(()) } else { Err(Failure::failed(serve::CUT)) }
    };
    tokio::select! {
        biased;
        code = signals.next() => {
            // `exit` drops nothing, so that the folder must be removed here.
            let _ = folder.close();
            std::process::exit(code.into());
        }
        closed = closing => closed?,
    }
    folder.close()?;
    let votes = progress.acknowledged.load(std::sync::atomic::Ordering::Relaxed);
    terminal::tell(format_args!("  {} cast; the folder is gone", quantity(votes, "ballot")));
    match ended {
        None => Ok(()),
        Some(why) => Err(Failure::failed(format!("the server could not go on: {why}"))),
    }
}

/// Sends an audience to each of the polls; together they cast `rate` ballots a second.
fn gather(
    server: &Server,
    polls: &[Poll],
    rate: f64,
    progress: &Arc<Progress>,
    stop: &watch::Receiver<bool>,
) -> JoinSet<Outcome<Report>> {
    let mut audiences = JoinSet::new();
    for poll in polls {
        let habits = Habits {
            voters: VOTERS,
            ballots: None,
            skew: 0.7,
            revoters: 0.1,
            duplicates: 0.02,
            seed: rand::rng().random(),
        };
        let plan = Plan {
            pace: Pace::PerSecond(rate / polls.len() as f64),
            booths: CONNECTIONS,
            duration: None,
            patience: Duration::from_secs(10),
        };
        let (server, poll, crowd) = (server.clone(), poll.clone(), Crowd::new(poll.form, habits));
        let (progress, stop) = (progress.clone(), stop.clone());
        audiences.spawn(async move {
            audience::vote(&server, &poll, crowd, plan, None, progress, stop).await
        });
    }
    audiences
}

/// Starts a server on an empty folder. Of the settings only the port and the addresses are read.
async fn start(args: &Args, folder: &std::path::Path) -> Outcome<Running> {
    let mut flags = Flags::default();
    for (flag, typed) in [("port", &args.port), ("host", &args.host)] {
        if let Some(value) = typed {
            flags.set(flag, value);
        }
    }
    flags.set("data", folder.to_string_lossy());
    let mut config = Variables::read()?.only(&["PORT", "POLLUX_HOST"]).config(&flags)?;
    if port::is_taken(&config.hosts, config.port)
        && let Some(free) = port::next_free(&config.hosts, config.port)
    {
        terminal::tell(format_args!("\n  {}; taking {free} instead", port::taken(config.port)));
        config.port = free;
    }
    serve::start(config).await
}

/// Returns the address at which the audience reaches the server.
fn local(running: &Running) -> Outcome<Server> {
    let address = running
        .addresses
        .iter()
        .find(|address| address.is_ipv4())
        .or(running.addresses.first())
        .ok_or_else(|| Failure::failed("the server listens nowhere"))?;
    let mut address = *address;
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr = match address.is_ipv4() {
            true => std::net::Ipv4Addr::LOCALHOST.into(),
            false => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    format!("http://{address}").parse().map_err(Failure::failed)
}

/// `Event` is the event that holds the polls, as the server answers its creation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    id: String,
    code: String,
    owner_token: String,
    owner_url: String,
    stage_url: String,
}

/// Creates an event with sample polls of every kind, and shows the first of them on stage.
async fn create_event(server: &Server) -> Outcome<(Event, Vec<Poll>)> {
    let title = json!({ "title": "Pollux in thirty seconds" });
    let event: Event = call(server, Method::POST, "/api/events", Some(&title)).await?;
    let token = Some(event.owner_token.as_str());
    let route = format!("/api/events/{}", event.id);
    let mut polls = Vec::new();
    for sample in kind::samples() {
        let add = format!("{route}/polls");
        polls.push(call_as(token, server, Method::POST, &add, Some(&sample)).await?);
    }
    let first: &Poll = &polls[0];
    let show = json!({ "poll": first.id });
    let _: Value =
        call_as(token, server, Method::POST, &format!("{route}/show"), Some(&show)).await?;
    Ok((event, polls))
}

/// Prints what to open and what to type. Each line works if it is copied as it is.
fn explain(running: &Running, args: &Args, event: &Event) {
    let code = &event.code;
    let local = typed_address(running);
    let here = &local["http://".len()..];
    let program = std::env::args().next().unwrap_or_else(|| "pollux".into());
    let elsewhere = match local.as_str() {
        "http://localhost:5000" => String::new(),
        url => format!(" --url {url}"),
    };
    let (bold, plain) = match terminal::colour(&stderr()) {
        true => ("\x1b[1m", "\x1b[0m"),
        false => ("", ""),
    };
    let phones = match (&args.host, running.url == local) {
        (None, true) => "\n            on phones too: --host 0.0.0.0".to_owned(),
        (_, true) => String::new(),
        (_, false) => format!("\n            {bold}{}/p/{code}{plain}  from phones", running.url),
    };
    // The server made these URLs for phones; here they are as one types them on this machine.
    let here_too = |url: &str| url.replacen(&running.url, &local, 1);
    let (stage, studio) = (here_too(&event.stage_url), here_too(&event.owner_url));
    terminal::tell(format_args!(
        "\n  {bold}Pollux{plain}    runs, with an audience that votes in every poll; Ctrl-C ends it\n\n  \
         Stage     {bold}{stage}{plain}\n            \
         for the projector: the arrows step through the polls, ? lists the keys\n  \
         Vote      {bold}{local}/p/{code}{plain}{phones}\n  \
         Studio    {bold}{studio}{plain}\n            \
         for whoever runs the event: make, open, close, reveal, watch\n  \
         Ranks     {bold}{local}/leaderboard{plain}\n\n  \
         Try       curl {local}/api/polls/{code}\n            \
         curl {local}/api/leaderboard\n            \
         curl -X POST {local}/api/polls/{code}/vote -H 'Content-Type: application/json' \
         -d '{SAMPLE_VOTE}'\n            \
         wscat -c ws://{here}\n            \
         {program} watch {code}{elsewhere}\n\n  \
         For real  {program} serve --data ./pollux-data\n            \
         (this folder is thrown away: nothing of the demo stays)\n"
    ));
}

/// Returns the server's URL as a person on this machine types it.
fn typed_address(running: &Running) -> String {
    let local = |ip: std::net::IpAddr| ip.is_loopback() || ip.is_unspecified();
    match running.addresses.iter().find(|address| local(address.ip())) {
        Some(address) => format!("http://localhost:{}", address.port()),
        None => running.url.clone(),
    }
}
