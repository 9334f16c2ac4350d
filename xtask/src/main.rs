//! Developer commands that make and CI call.

#[cfg(test)]
mod asvs;
mod bench;
mod cluster;
mod compose;
mod demo;
mod e2e;
mod load;
mod plant;
mod plants;
mod schemathesis;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Developer commands of Pollux.
#[derive(Parser)]
enum Command {
    /// Measure what a vote and a delivery cost, beside raw baselines.
    Bench {
        /// A fast look: short rounds, fewer sockets. Not for figures to be told
        #[arg(long)]
        quick: bool,
        /// Only one of the two
        #[arg(long, value_enum, value_name = "MODE")]
        only: Option<bench::Mode>,
        /// Measure what is built in this folder already, as it is; two builds can be compared so
        #[arg(long, value_name = "FOLDER")]
        built: Option<PathBuf>,
    },
    /// A real cluster on this machine: Kafka with ZooKeeper (or KRaft) and PostgreSQL.
    Cluster(cluster::Command),
    /// Hold the compose files and the Dockerfile to what the tested cluster runs with.
    Compose,
    /// The screens in a real browser, against the real binary.
    E2e {
        /// On nodes of a real cluster rather than an embedded one
        #[arg(long)]
        cluster: bool,
        /// Only these files, as in `e2e/vote.test.mjs`
        files: Vec<String>,
    },
    /// Plant known bugs one at a time, and see that a test goes red.
    Plant {
        /// Only those with this in their name.
        only: Option<String>,
    },
    /// Send the real binary what its OpenAPI document allows, and what it does not.
    Schemathesis,
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Bench { quick, only, built } => bench::run(quick, only, built),
        Command::Cluster(command) => cluster::run(command),
        Command::Compose => compose::run(),
        Command::E2e { cluster, files } => e2e::run(cluster, &files),
        Command::Plant { only } => plant::run(only.as_deref(), plants::PLANTS),
        Command::Schemathesis => schemathesis::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where in our code it arose does not help whoever ran a command.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
