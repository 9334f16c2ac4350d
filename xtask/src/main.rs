//! Developer commands that make and CI call.

mod bench;
mod load;

use clap::Parser;

/// Developer commands of Pollux.
#[derive(Parser)]
enum Command {
    /// Measure what a vote and a delivery cost, beside raw baselines.
    Bench,
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Bench => bench::run(),
    }
}
