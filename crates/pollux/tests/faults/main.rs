//! The fault suite runs the real binary as web nodes and processors on a real cluster, harms it in every way
//! we know of under a live load, and makes an exact recount after each scenario.
//!
//! ```sh
//! cargo test -p pollux --test faults                 # each scenario of `make test` once, in order
//! POLLUX_TEST_NIGHTLY=1 cargo test -p pollux --test faults   # the nightly ones as well
//! cargo test -p pollux --test faults -- zookeeper    # those with this in their name
//! make torture SEED=7 MINUTES=30                     # random ones, also at once, for so long
//! POLLUX_TEST_KRAFT=1 cargo test -p pollux --test faults   # Kafka 4, without ZooKeeper
//! ```
//!
//! One cluster serves all scenarios, one after another, each with polls of its own.

#![allow(missing_docs)]

mod brokers;
mod clocks;
mod http;
mod lag;
mod load;
mod network;
mod nodes;
mod people;
mod power;
mod preload;
mod processors;
mod proxy;
mod recount;
mod report;
mod scenario;
mod screens;
mod sockets;
mod stage;
mod strangers;
mod zookeeper;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use pollux_cluster::Mode;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use report::{Row, table};
use scenario::{Area, Scenario};
use stage::Stage;

/// `ALL` lists the scenarios in their order.
const ALL: &[&[Scenario]] = &[
    brokers::SCENARIOS,
    power::SCENARIOS,
    zookeeper::SCENARIOS,
    processors::SCENARIOS,
    nodes::SCENARIOS,
    network::SCENARIOS,
    people::SCENARIOS,
    clocks::SCENARIOS,
];

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mode = match std::env::var_os("POLLUX_TEST_KRAFT") {
        Some(_) => Mode::KRaft,
        None => Mode::ZooKeeper,
    };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let minutes = number("POLLUX_TORTURE_MINUTES");
    let nightly = std::env::var_os("POLLUX_TEST_NIGHTLY").is_some() || minutes.is_some();
    let asked = |it: &Scenario| match names.as_slice() {
        [] => nightly || !it.nightly,
        names => names.iter().any(|name| it.name.contains(name.as_str())),
    };
    let chosen: Vec<&Scenario> = ALL
        .iter()
        .flat_map(|file| *file)
        .filter(|it| mode == Mode::ZooKeeper || !it.zookeeper)
        .filter(|it| asked(it))
        .collect();
    // Test runners ask for this list first.
    if std::env::args().any(|arg| arg == "--list") {
        chosen.iter().for_each(|scenario| println!("{}: test", scenario.name));
        return ExitCode::SUCCESS;
    }
    let seed = number("POLLUX_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("POLLUX_SEED={seed}; {} scenarios", chosen.len());

    let begun = Instant::now();
    let stage = match Stage::start(mode) {
        Ok(stage) => stage,
        Err(why) => {
            eprintln!("the cluster does not start: {why:#}");
            return ExitCode::FAILURE;
        }
    };
    let rows = match minutes {
        None => chosen.iter().map(|one| run_again_if_slow(&stage, one, seed)).collect(),
        Some(minutes) => torture(&stage, &chosen, seed, Duration::from_secs(minutes * 60)),
    };
    let recounted = stage.heal().and_then(|()| stage.recount());
    drop(stage);
    println!(
        "\n{}\n{} scenarios in {:.0?}, POLLUX_SEED={seed}",
        table(&rows),
        rows.len(),
        begun.elapsed()
    );
    for row in &rows {
        match row.wrong.as_slice() {
            [] => println!("test {} ... ok", row.name),
            wrong => println!("test {} ... FAILED\n  {}", row.name, wrong.join("\n  ")),
        }
    }
    match &recounted {
        Ok(said) => println!("test pollux recount of all of it ... ok\n  {said}"),
        Err(why) => println!("test pollux recount of all of it ... FAILED\n  {why:#}"),
    }
    let well = !rows.is_empty() && rows.iter().all(|row| row.wrong.is_empty());
    let all_well = well && recounted.is_ok();
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a scenario once, and once more if all was right but took longer than we wait: two cores run ten
/// servers, and CI may be busy. A scenario in which a vote was lost, doubled or shown wrongly is never tried
/// again.
fn run_again_if_slow(stage: &Stage, one: &Scenario, seed: u64) -> Row {
    let first = scenario::run(stage, &[one], seed, false);
    if !first.only_waited() {
        return first;
    }
    println!("tried again: {}: {}", first.name, first.wrong.join("; "));
    let mut second = scenario::run(stage, &[one], seed, false);
    second.name += " (second try)";
    second
}

/// Runs random scenarios, one to three at once that harm different things.
fn torture(stage: &Stage, chosen: &[&Scenario], seed: u64, long: Duration) -> Vec<Row> {
    let (begun, mut dice, mut rows) = (Instant::now(), StdRng::seed_from_u64(seed), Vec::new());
    while begun.elapsed() < long {
        let mut together: Vec<&Scenario> = Vec::new();
        for _ in 0..dice.random_range(1..=3) {
            let Some(one) = chosen.choose(&mut dice) else { break };
            let apart = |other: &&Scenario| {
                other.area != one.area && other.area != Area::All && one.area != Area::All
            };
            if together.iter().all(apart) {
                together.push(one);
            }
        }
        rows.push(scenario::run(stage, &together, dice.random(), true));
    }
    rows
}
