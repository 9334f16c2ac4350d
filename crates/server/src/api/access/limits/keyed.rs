//! Rates that are counted for each key: requests of an address, ballots of a voter, and polls and events that
//! an address creates.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use tokio::time::Instant;

use super::MOST_KEYS;
use crate::config::ApiLimits;

/// The number of checks between two looks at how many keys there are.
const LOOK_EVERY: usize = 1 << 12;

/// This clock tells tokio's time since it was made.
#[derive(Clone)]
pub struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

/// `Keyed` is a rate that is counted for each key.
pub struct Keyed<K: Hash + Eq + Clone> {
    pub(super) limiter:
        RateLimiter<K, DashMapStateStore<K, RandomState>, TokioClock, NoOpMiddleware<Nanos>>,
    checks: AtomicUsize,
    full: std::sync::atomic::AtomicBool,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    /// Creates a rate with its burst, for a unit of time.
    pub fn new(per: fn(NonZeroU32) -> Quota, (rate, burst): (u32, u32)) -> Self {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = per(at_least_one(rate)).allow_burst(at_least_one(burst));
        Self {
            limiter: RateLimiter::new(
                quota,
                DashMapStateStore::with_hasher(RandomState::default()),
                TokioClock(Instant::now()),
            ),
            checks: AtomicUsize::new(0),
            full: false.into(),
        }
    }

    /// Takes one. If that is too many, the error is how long to wait.
    pub fn take(&self, key: K) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % LOOK_EVERY == LOOK_EVERY - 1 {
            self.look();
        }
        if self.full.load(Ordering::Relaxed) {
            return Ok(());
        }
        let wait = |until: NotUntil<Nanos>| until.wait_time_from(self.limiter.clock().now());
        self.limiter.check_key(&key).map_err(wait)
    }

    /// Drops idle keys.
    pub fn sweep(&self) {
        self.limiter.retain_recent();
        self.look();
    }

    fn look(&self) {
        self.full.store(self.limiter.len() >= MOST_KEYS, Ordering::Relaxed);
    }
}

/// `Creations` is the limit on what is created and stays: a poll takes memory while it is open, and stays on the disk for
/// good. So creations have a rate per minute of their own, with a burst that fits a school whose teachers all
/// begin at once.
pub struct Creations {
    pub of_network: Keyed<IpAddr>,
    pub of_site: Keyed<IpAddr>,
}

impl Creations {
    /// Creates the limit as configured.
    pub fn new(limits: &ApiLimits) -> Self {
        Self {
            of_network: Keyed::new(Quota::per_minute, limits.creations),
            of_site: Keyed::new(Quota::per_minute, limits.creations_of_site),
        }
    }

    /// The network's budget comes first, so that a request which the network is refused takes nothing from
    /// the rest of its site.
    pub fn take(&self, address: IpAddr) -> Result<(), Duration> {
        self.of_network.take(network(address))?;
        if address.is_ipv6() { self.of_site.take(site(address)) } else { Ok(()) }
    }
}

/// Returns the address, or for IPv6 its /64, all of which belongs to whoever has the address.
pub fn network(address: IpAddr) -> IpAddr {
    prefix(address, 64)
}

/// Returns the address, or for IPv6 its /48, all of which may belong to whoever has one of its networks.
pub fn site(address: IpAddr) -> IpAddr {
    prefix(address, 48)
}

fn prefix(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - bits))).into(),
    }
}
