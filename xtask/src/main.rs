//! `cargo xtask` has the developer commands that make and CI call.

#[cfg(test)]
mod asvs;
mod bench;
mod cluster;
mod compose;
mod demo;
mod e2e;
mod load;
mod nodes;
mod plant;
mod plants;
mod schemathesis;
mod server;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Developer commands of Pollux
#[derive(Parser)]
enum Task {
    /// Measure what a vote and a delivery cost, beside raw baselines
    Bench {
        /// Measure quickly, with short rounds and fewer sockets; not for figures to be published
        #[arg(long)]
        quick: bool,
        /// Measure only one of the two modes
        #[arg(long, value_enum, value_name = "MODE")]
        only: Option<bench::Measured>,
        /// Measure what is in this folder as it is, without a build; lets two builds be compared
        #[arg(long, value_name = "FOLDER")]
        built: Option<PathBuf>,
    },
    /// Run a real cluster on this machine: Kafka with ZooKeeper (or KRaft) and PostgreSQL
    Cluster(cluster::ClusterCommand),
    /// Check the compose files and the Dockerfile against what the tested cluster runs with
    Compose,
    /// Test the screens in a real browser, against the real binary
    E2e {
        /// Run on nodes of a real cluster instead of an embedded one
        #[arg(long)]
        cluster: bool,
        /// Run only these files, such as `e2e/vote.test.mjs`
        files: Vec<String>,
    },
    /// Plant known bugs one at a time, and check that a test fails for each
    Plant {
        /// Plant only the bugs whose names contain this text
        only: Option<String>,
        /// Plant only the bugs of which docs/planted-bugs.md does not say yet what noticed them
        #[arg(long)]
        unseen: bool,
        /// Plant nothing: give each bug its row in docs/planted-bugs.md
        #[arg(long, conflicts_with_all = ["only", "unseen"])]
        list: bool,
    },
    /// Send the real binary requests that its OpenAPI document allows, and requests that it does not
    Schemathesis,
    /// Check that the tree is as tidy as STYLE.md and CONTRIBUTING.md promise
    Tidy,
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Bench { quick, only, built } => bench::run(quick, only, built),
        Task::Cluster(command) => cluster::run(command),
        Task::Compose => compose::run(),
        Task::E2e { cluster, files } => e2e::run(cluster, &files),
        Task::Plant { list: true, .. } => plant::list(plants::PLANTS),
        Task::Plant { only, unseen, .. } => plant::run(only.as_deref(), unseen, plants::PLANTS),
        Task::Schemathesis => schemathesis::run(),
        Task::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The place in our code where the error arose is of no help to whoever ran the command.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
