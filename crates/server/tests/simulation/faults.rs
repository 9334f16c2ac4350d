//! The faults of the backends are as rough as the seed says; the nodes' settings are here, too.

use std::time::Duration;

use pollux_server::config::Config;
use pollux_server::log::memory::LogFaults;
use pollux_server::store::memory::{Faults, StoreFaults};

/// Returns settings in which the limits that look at the real clock are out of the way.
pub fn config() -> Config {
    let mut config = Config::default();
    config.api.per_voter = (1_000_000, 1_000_000);
    config.api.guesses = 1_000_000;
    // Every poll that nobody uses is put down.
    (config.watch.loaded_polls, config.watch.leaderboard, config.watch.overview) = (0, 1, 1);
    config
}

/// Returns the faults of the log.
pub fn log_faults(rough: f64) -> LogFaults {
    let millis = |n| Duration::from_millis((n as f64 * rough * 10.0) as u64);
    LogFaults {
        not_recorded: rough,
        unknown_lost: rough,
        unknown_recorded: rough,
        delay: millis(0)..millis(1_500) + Duration::from_millis(1),
        duplicate: rough,
        no_offset: rough,
        not_copied: rough,
        read_error: rough,
        feed_lost: rough / 4.0,
        announcement_duplicate: rough,
        announcement_delay: millis(0)..millis(800) + Duration::from_millis(1),
        damage: None,
        weakness: None,
        hindrance: None,
    }
}

/// Returns the faults of the store.
pub fn store_faults(rough: f64) -> StoreFaults {
    let millis = |n| Duration::from_millis((n as f64 * rough * 10.0) as u64);
    let faults = |longest| Faults {
        unavailable: rough,
        unknown_done: rough,
        unknown_not_done: rough,
        delay: millis(0)..millis(longest) + Duration::from_millis(1),
    };
    StoreFaults { reads: faults(200), changes: faults(500), commits: faults(1_500) }
}
