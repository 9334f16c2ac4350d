//! Developer commands that make and CI call.

mod bench;
mod load;
mod schemathesis;

use clap::Parser;

/// Developer commands of Pollux.
#[derive(Parser)]
enum Command {
    /// Measure what a vote and a delivery cost, beside raw baselines.
    Bench,
    /// Send the real binary what its OpenAPI document allows, and what it does not.
    Schemathesis,
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Bench => bench::run(),
        Command::Schemathesis => schemathesis::run(),
    }
}
