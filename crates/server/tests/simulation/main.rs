//! The seeded simulation runs the whole path: api → log → processor → store → watch. The backends fail in every
//! way that their contracts allow. Nodes crash, workers fight for a partition, answers are lost, retries come
//! late, and tokens are revoked while they are in use. At the end an independent recount is made.
//!
//! One seed is one run, on one thread and a clock of its own, so a failing seed fails again. `POLLUX_SEEDS`
//! says how many seeds are run (default 2,000), and `POLLUX_SEED` runs one alone.

#![allow(clippy::unwrap_used, missing_docs)]

mod check;
mod client;
mod faults;
mod holder;
mod operator;
mod organiser;
mod rights;
mod screen;
mod spy;
mod stage;
mod stranger;
mod summary;
mod tokens;
mod viewer;
mod words;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// Makes one run, from the first poll to the recount.
fn run(seed: u64) -> summary::Summary {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(world::run(seed))
}

#[test]
fn every_seed_keeps_the_promise() {
    if let Some(seed) = number("POLLUX_SEED") {
        println!("seed {seed}: {:?}", run(seed));
        return;
    }
    let seeds = number("POLLUX_SEEDS").unwrap_or(2_000);
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let total = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut total = summary::Summary::default();
                    while !failed.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds {
                            break;
                        }
                        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
                            Ok(summary) => total.add(&summary),
                            Err(_) => {
                                eprintln!("FAILED: repeat with POLLUX_SEED={seed}");
                                failed.store(true, Ordering::Relaxed);
                            }
                        }
                    }
                    total
                })
            })
            .collect();
        let mut total = summary::Summary::default();
        for thread in threads {
            total.add(&thread.join().unwrap());
        }
        total
    });
    assert!(!failed.load(Ordering::Relaxed), "a seed failed; it is named above");
    println!("{seeds} seeds: {total:?}");
    total.assert_worth_it(seeds);
}

#[test]
fn a_seed_repeats_itself() {
    for seed in (0..40).chain([1_000_003]) {
        assert_eq!(run(seed), run(seed), "seed {seed} took another course");
    }
}
