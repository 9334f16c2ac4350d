//! `pollux serve` runs the server, from its settings to its last answered request.

use std::io::{IsTerminal, Write, stderr, stdout};

use pollux_server::boot::{self, Running};
use pollux_server::config::{Config, LogFormat};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::exit::{Failure, Outcome};
use crate::port;
use crate::settings::{Flags, Variables};
use crate::terminal;

/// Run the server
#[derive(clap::Args)]
#[command(
    after_long_help = "Every setting can also be given as an environment variable, or in a file .env in \
    the working directory; a flag beats the environment, which beats .env.\n\n\
    Examples:\n  \
    pollux serve\n  \
    pollux serve --host 0.0.0.0 --public-url http://192.168.1.20:5000\n  \
    PORT=8080 POLLUX_DATA=/var/lib/pollux pollux serve --log-format json\n  \
    POLLUX_LOG=pollux_server=debug pollux serve"
)]
pub struct Args {
    /// Run in embedded mode, even if KAFKA_BROKER and DB_HOST are set
    #[arg(long)]
    embedded: bool,
    #[command(flatten)]
    flags: Flags,
}

fn log_filter(text: &str) -> Result<EnvFilter, String> {
    // What these crates log at `info` is of no use to an operator, unless they are named in the filter.
    let filter = format!("refinery_core=warn,tokio_postgres=warn,{text}");
    EnvFilter::try_new(filter).map_err(|error| format!("{error}; write for example info"))
}

/// Serves until told to stop.
pub async fn run(args: Args, json: bool) -> Outcome {
    let variables = Variables::read()?;
    for warning in variables.unknown() {
        terminal::tell(format_args!("pollux: warning: {warning}"));
    }
    let (config, why) = variables.server(&args.flags, args.embedded)?;
    let filter = log_filter(&config.log_filter)
        .map_err(|wrong| variables.refuse("POLLUX_LOG", &args.flags, &wrong))?;
    log_to_stderr(filter, config.log_format);
    let mut signals = Signals::listen()?;
    let given = config.clone();
    let running = tokio::select! {
        biased;
        // No vote was acknowledged yet, so that nothing needs to be drained.
        code = signals.next() => return Err(Failure::silent(code)),
        running = start(config) => running?,
    };
    if json {
        writeln!(stdout(), "{}", described(&given, &running))?;
    } else {
        terminal::tell(start_up_line(&given, why));
        warn_of(&running);
        greet(&running);
    }
    until_stopped(running, &mut signals, || {}).await
}

/// Returns the line that says in which mode the server runs, why, and where everything is kept.
fn start_up_line(config: &Config, why: &str) -> String {
    let Config { kafka, db, .. } = config;
    match &db.host {
        Some(host) if config.is_cluster() => format!(
            "Pollux runs in cluster mode ({why}); roles {}; log in Kafka at {}, topic {}votes; store in \
             PostgreSQL at {host}:{}, database {}",
            config.roles,
            kafka.broker.join(","),
            kafka.topic_prefix,
            db.port,
            db.name,
        ),
        _ => format!("Pollux runs in embedded mode ({why}); data in {}", config.data.display()),
    }
}

/// Returns the same for a program, as JSON.
fn described(config: &Config, running: &Running) -> serde_json::Value {
    let mut all = serde_json::json!({
        "mode": if config.is_cluster() { "cluster" } else { "embedded" },
        "url": running.url,
        "addresses": running.addresses,
        "adminToken": running.operator_token,
    });
    if config.is_cluster() {
        all["roles"] = config.roles.to_string().split(',').collect();
        all["faults"] = running.faults.clone().into();
        all["warnings"] = running.warnings.clone().into();
    } else {
        all["data"] = config.data.to_string_lossy().into();
    }
    all
}

/// Prints a warning about topics that are used though they may lose acknowledged votes.
fn warn_of(running: &Running) {
    let (bold, plain) = match terminal::colour(&stderr()) {
        true => ("\x1b[1;33m", "\x1b[0m"),
        false => ("", ""),
    };
    let mut lines = Vec::new();
    if !running.faults.is_empty() {
        let trial =
            "For trials only: acknowledged votes can be lost, as POLLUX_KAFKA_WEAK is set and";
        lines.push(trial.to_owned());
    }
    lines.extend(running.faults.iter().map(|fault| format!("  - {fault}")));
    if !running.warnings.is_empty() {
        lines.push("Acknowledged votes can be lost in a power cut:".to_owned());
    }
    lines.extend(running.warnings.iter().map(|warning| format!("  - {warning}")));
    for line in lines {
        terminal::tell(format_args!("{bold}==> {line}{plain}"));
    }
}

/// Prints the URL to open, and the operator's token if it was just made.
pub fn greet(running: &Running) {
    terminal::tell(format_args!("Open {}", running.url));
    for address in &running.addresses {
        terminal::tell(format_args!("  listening on http://{address}"));
    }
    if let Some(token) = &running.operator_token {
        terminal::tell(format_args!("The operator's token, shown only this once: {token}"));
    }
}

/// Starts the server. If the port is taken, the error names the process that has it and the next free port.
pub async fn start(config: Config) -> Outcome<Running> {
    // Whatever this process writes, ballots and secrets among it, only its own user may read.
    rustix::process::umask(rustix::fs::Mode::RWXU.complement());
    let (hosts, port) = (config.hosts.clone(), config.port);
    boot::start(config).await.map_err(|error| {
        let mut message = error.to_string();
        if error.address_in_use().is_some() {
            message = port::taken(port);
            if let Some(free) = port::next_free(&hosts, port) {
                message += &format!("; the next free one: --port {free}");
            }
        }
        Failure::new(error.exit_code(), message)
    })
}

/// Sends the server's log to stderr.
pub fn log_to_stderr(filter: EnvFilter, format: LogFormat) {
    // An error of the log would be written to stderr by `eprintln!`, and end the process where that is closed.
    let log = tracing_subscriber::fmt().log_internal_errors(false);
    let log = log.with_env_filter(filter).with_writer(stderr);
    match format {
        LogFormat::Json => log.json().init(),
        LogFormat::Human if stderr().is_terminal() => {
            log.with_ansi(terminal::colour(&stderr())).with_target(false).compact().init();
        }
        LogFormat::Human => log.with_ansi(false).init(),
    }
}

/// This message is printed if a stop took longer than it may.
pub const CUT: &str = "the deadline of the stop has passed: requests still under way were cut, \
    and have no answer. What was answered is durable, and counted at the next start";

/// `Signals` are those that end a command: SIGTERM, SIGINT and, if wanted, SIGHUP.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// Listens for SIGTERM and SIGINT, which no longer end the process by themselves.
    pub fn listen() -> Outcome<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: None,
        })
    }

    /// Listens for SIGHUP too, which says that the terminal is gone. A server does not, since it may have
    /// been started with `nohup`.
    pub fn and_hangup(mut self) -> Outcome<Self> {
        self.hangup = Some(signal(SignalKind::hangup())?);
        Ok(self)
    }

    /// Waits for the next signal, and returns the exit code of a process that it ends. It is safe to cancel.
    pub async fn next(&mut self) -> u8 {
        let Self { terminate, interrupt, hangup } = self;
        tokio::select! {
            biased;
            _ = terminate.recv() => 128 + 15,
            _ = interrupt.recv() => 128 + 2,
            Some(()) = async { hangup.as_mut()?.recv().await } => 128 + 1,
        }
    }
}

/// Waits for a signal or for a backend that fails for good, then stops the server. A further signal ends the
/// process at once, after `leave` has cleaned up.
pub async fn until_stopped(running: Running, signals: &mut Signals, leave: impl Fn()) -> Outcome {
    let failed = tokio::select! {
        biased;
        _ = signals.next() => None,
        why = running.failed() => Some(why),
    };
    match &failed {
        None => terminal::tell("Stopping: answering open requests; a second signal stops at once"),
        Some(why) => terminal::tell(format_args!("pollux: the server cannot go on: {why}")),
    }
    tokio::select! {
        biased;
        code = signals.next() => {
            leave();
            std::process::exit(code.into());
        }
        in_time = running.stop() => match (in_time, failed) {
            (true, None) => Ok(()),
            (true, Some(_)) => Err(Failure::silent(crate::exit::FAILED)),
            (false, _) => Err(Failure::failed(CUT)),
        }
    }
}
