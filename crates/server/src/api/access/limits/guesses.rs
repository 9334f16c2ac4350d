//! The limit on guesses of join codes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::keyed::{network, site};
use super::{MINUTE, MOST_KEYS};
use crate::config::ApiLimits;

/// `Guesses` counts the wrong guesses of the running minute. Unlike a leaky bucket it can be asked without
/// taking, so that an address that has used up its guesses learns nothing from a right one.
///
/// Whoever has a whole IPv6 site has 65,536 networks, so a site has a budget as well. Whoever has many sites
/// is slowed down by a budget for all: once that is used up, each site has a tenth of one network's budget
/// ([`SCARCE`]). No site is left with nothing, because then a stranger could keep out a hall that has not
/// guessed at all.
pub struct Guesses {
    of_network: u32,
    of_site: u32,
    in_all: u32,
    window: Mutex<Window>,
}

/// The divisor that makes the budget of a site from a network's while there are too many wrong guesses in
/// all.
const SCARCE: u32 = 10;

/// A `Window` counts what happened in the running minute.
#[derive(Default)]
struct Window {
    since: Option<Instant>,
    of_network: HashMap<IpAddr, u32, RandomState>,
    of_site: HashMap<IpAddr, u32, RandomState>,
    in_all: u32,
}

impl Window {
    fn turn(&mut self) -> Duration {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        if now - since >= MINUTE {
            *self = Self { since: Some(now), ..Self::default() };
            return MINUTE;
        }
        MINUTE - (now - since)
    }
}

impl Guesses {
    /// Creates the limit as configured.
    pub fn new(limits: &ApiLimits) -> Self {
        Self {
            of_network: limits.guesses,
            of_site: limits.guesses_of_site,
            in_all: limits.guesses_in_all,
            window: Mutex::default(),
        }
    }

    /// Checks that an address has guesses left. If it has none, the error is how long to wait.
    pub fn left(&self, address: IpAddr) -> Result<(), Duration> {
        let mut window = self.window.lock();
        let rest = window.turn();
        let of_site = match window.in_all < self.in_all {
            true => self.of_site,
            false => (self.of_network / SCARCE).max(1),
        };
        let wrong = |counts: &HashMap<_, u32, _>, key| counts.get(&key).copied().unwrap_or(0);
        let spent = wrong(&window.of_network, network(address)) >= self.of_network
            || wrong(&window.of_site, site(address)) >= of_site;
        if spent { Err(rest) } else { Ok(()) }
    }

    /// Counts a wrong guess of an address.
    pub fn wrong(&self, address: IpAddr) {
        let mut window = self.window.lock();
        window.turn();
        window.in_all = window.in_all.saturating_add(1);
        let Window { of_network, of_site, .. } = &mut *window;
        for (counts, key) in [(of_network, network(address)), (of_site, site(address))] {
            if counts.len() < MOST_KEYS || counts.contains_key(&key) {
                *counts.entry(key).or_default() += 1;
            }
        }
    }
}
