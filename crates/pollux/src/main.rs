//! `pollux` is the server and the tools around it, with one file for each command.

// They end the process when nobody reads what they write: `terminal::tell` does not.
#![deny(clippy::print_stderr, clippy::print_stdout)]

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

mod audience;
mod client;
mod completions;
mod consume;
mod demo;
mod exit;
mod export;
mod health;
mod kafka;
mod kind;
mod man;
mod port;
mod produce;
mod recount;
mod serve;
mod settings;
mod simulate;
mod source;
mod terminal;
mod topics;
mod trace;
mod watch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Live polling that counts every vote exactly once.
#[derive(Parser)]
#[command(name = "pollux", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 ok, 1 failed, 2 usage, 3 refused, 4 unreachable, \
                        5 outcome unknown.\nStart with: pollux demo")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Write machine-readable JSON to stdout
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Args),
    /// Run a demo: a server, sample polls and an audience, in a temporary folder
    Demo(demo::Args),
    /// Simulate an audience that votes over HTTP
    Simulate(Box<simulate::Args>),
    /// Simulate an audience that writes its ballots straight to the Kafka topic
    Produce(Box<produce::Args>),
    /// Print the records of a Kafka topic
    Consume(consume::Args),
    /// Create the Kafka topics, or check them
    Topics(topics::Args),
    /// Watch a poll's live results in the terminal
    Watch(watch::Args),
    /// Recount every vote from the log alone, and compare with the store
    Recount(recount::Args),
    /// Export results or ballots as CSV or JSON
    Export(export::Args),
    /// Trace one ballot from the log to its decision
    Trace(trace::Args),
    /// Check whether a server takes votes (for container health checks)
    Health(health::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Write the man pages into a folder
    Man(man::Args),
}

fn main() -> ExitCode {
    let Cli { command, json } = Cli::parse();
    allow_many_connections();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the operating system gives threads");
    let outcome = runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(args, json).await,
            Command::Demo(args) => demo::run(args, json).await,
            Command::Simulate(args) => simulate::run(*args, json).await,
            Command::Produce(args) => produce::run(*args, json).await,
            Command::Consume(args) => consume::run(args, json).await,
            Command::Topics(args) => topics::run(args, json).await,
            Command::Watch(args) => watch::run(args, json).await,
            Command::Recount(args) => recount::run(args, json).await,
            Command::Export(args) => export::run(args, json).await,
            Command::Trace(args) => trace::run(args, json).await,
            Command::Health(args) => health::run(args, json).await,
            Command::Completions(args) => completions::run(args, Cli::command()),
            Command::Man(args) => man::run(args, Cli::command()),
        }
    });
    // Tasks that still wait for a socket are of no use any more.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                terminal::tell(format_args!("pollux: {}", failure.message));
            }
            ExitCode::from(failure.code)
        }
    }
}

/// Raises the limit of open files. Every connection is one, and many systems allow a process 1,024 of them
/// unless it asks for more, which any process may. If the system refuses, the server still serves that many.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const ENOUGH: u64 = 1 << 20;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if current.is_some_and(|current| current < wanted) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
