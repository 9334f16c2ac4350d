//! Developer commands that make and CI call.

mod bench;
mod load;
mod plant;
mod plants;
mod schemathesis;

use clap::Parser;

/// Developer commands of Pollux.
#[derive(Parser)]
enum Command {
    /// Measure what a vote and a delivery cost, beside raw baselines.
    Bench,
    /// Plant known bugs one at a time, and see that a test goes red.
    Plant {
        /// Only those with this in their name.
        only: Option<String>,
    },
    /// Send the real binary what its OpenAPI document allows, and what it does not.
    Schemathesis,
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Bench => bench::run(),
        Command::Plant { only } => plant::run(only.as_deref(), plants::PLANTS),
        Command::Schemathesis => schemathesis::run(),
    }
}
