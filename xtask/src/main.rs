//! Developer commands that make and CI call.

mod bench;
mod load;
mod server;

use std::path::PathBuf;

use clap::Parser;

/// Developer commands of Pollux.
#[derive(Parser)]
enum Command {
    /// Measure what a vote and a delivery cost, beside raw baselines.
    Bench {
        /// A fast look: short rounds, fewer sockets. Not for figures to be told
        #[arg(long)]
        quick: bool,
        /// Measure what is built in this folder already, as it is; two builds can be compared so
        #[arg(long, value_name = "FOLDER")]
        built: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Bench { quick, built } => bench::run(quick, built),
    }
}
