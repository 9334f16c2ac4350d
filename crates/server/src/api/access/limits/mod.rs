//! The limits on how often somebody may ask: per address, per voter in a poll, for guessed join codes, and
//! for new polls and events.
//!
//! A lecture hall shares one address, so the limit per address is generous and the limit per voter is the
//! strict one. One guesser must not lock a hall out either: an address whose guesses are used up can still
//! look up by code what it was shown before ([`crate::api::lookup`]). Time is tokio's, so a simulation with
//! paused time is reproducible.

mod guesses;
mod keyed;

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use foldhash::fast::FixedState;
use governor::Quota;
use parking_lot::Mutex;
use pollux_core::id::VoterId;
use uuid::Uuid;

use self::guesses::Guesses;
use self::keyed::{Creations, Keyed, network};
use crate::api::problem::security::SecurityEvent;
use crate::api::problem::{Problem, Trouble};
use crate::config::ApiLimits;

pub use keyed::site;

/// The number of keys that may be remembered at once. Beyond it new keys are not counted, but the limit per
/// address still holds. Idle keys are dropped by [`Limits::sweep`].
const MOST_KEYS: usize = 1 << 20;

const MINUTE: Duration = Duration::from_secs(60);

/// `Limits` holds what one server allows, and what each key has used of it.
pub struct Limits {
    addresses: Keyed<IpAddr>,
    voters: Keyed<VoterId>,
    creations: Creations,
    guesses: Guesses,
    shown: Mutex<HashSet<(IpAddr, Uuid), FixedState>>,
}

impl Limits {
    /// Creates the limits as configured.
    pub fn new(limits: &ApiLimits) -> Self {
        Self {
            addresses: Keyed::new(Quota::per_second, limits.per_address),
            voters: Keyed::new(Quota::per_second, limits.per_voter),
            creations: Creations::new(limits),
            guesses: Guesses::new(limits),
            shown: Mutex::default(),
        }
    }

    /// Drops idle keys. It takes some milliseconds when there are many, so it must not run on a runtime's
    /// thread.
    pub fn sweep(&self) {
        self.addresses.sweep();
        self.voters.sweep();
        self.creations.of_network.sweep();
        self.creations.of_site.sweep();
    }

    /// Takes one request of an address; loopback is exempt.
    pub fn request(&self, address: IpAddr) -> Result<(), Problem> {
        if address.is_loopback() || self.addresses.take(network(address)).is_ok() {
            return Ok(());
        }
        Err(Problem::new(Trouble::TooManyRequests, "too many requests from your address"))
    }

    /// Takes one ballot of a voter in a poll.
    pub fn ballot(&self, voter: VoterId) -> Result<(), Problem> {
        if self.voters.take(voter).is_ok() {
            return Ok(());
        }
        let detail = "you vote more often than this poll allows; the ballot was not recorded";
        Err(Problem::new(Trouble::TooManyRequests, detail).noted_as(SecurityEvent::LimitOfVoter))
    }

    /// Takes one new poll or event of an address; loopback is exempt.
    pub fn creation(&self, address: IpAddr) -> Result<(), Problem> {
        if address.is_loopback() {
            return Ok(());
        }
        self.creations.take(address).map_err(|wait| {
            let detail = "too many polls and events were created from your address; wait a moment, \
                 or ask the operator of this server, whose token has no such limit";
            let seconds = wait.as_millis().div_ceil(1000) as u64;
            Problem::new(Trouble::TooManyRequests, detail)
                .with_retry_after(seconds.max(1))
                .noted_as(SecurityEvent::LimitOfCreations)
        })
    }

    /// Checks that an address has guesses left, before a join code is looked up.
    pub fn may_guess(&self, address: IpAddr) -> Result<(), Problem> {
        self.guesses.left(address).map_err(|wait| {
            let detail = "too many unknown join codes from your address; wait a moment";
            Problem::new(Trouble::TooManyRequests, detail)
                .with_retry_after(wait.as_secs().max(1))
                .noted_as(SecurityEvent::LimitOfGuesses)
        })
    }

    /// Notes that an address was shown a poll or an event, and with it the join code.
    pub fn show(&self, address: IpAddr, id: Uuid) {
        let mut shown = self.shown.lock();
        if shown.len() >= MOST_KEYS {
            // An address that is forgotten is as well off as before it was shown anything.
            shown.clear();
        }
        shown.insert((network(address), id));
    }

    /// Returns whether an address was shown this poll or event.
    pub fn was_shown(&self, address: IpAddr, id: Uuid) -> bool {
        self.shown.lock().contains(&(network(address), id))
    }

    /// Counts a wrong guess of a join code.
    pub fn guessed(&self, address: IpAddr) {
        self.guesses.wrong(address);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::Ipv6Addr;

    use axum::response::IntoResponse;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn guesses_run_out_and_come_back_after_the_minute() {
        let limits = Limits::new(&ApiLimits { guesses: 2, ..ApiLimits::default() });
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..2 {
            limits.may_guess(one).unwrap();
            limits.guessed(one);
        }
        assert_eq!(limits.may_guess(one).unwrap_err().trouble(), Trouble::TooManyRequests);
        limits.may_guess(other).unwrap();
        tokio::time::advance(MINUTE).await;
        limits.may_guess(one).unwrap();
    }

    /// Returns how many guesses succeed when these addresses guess in turn, again and again.
    fn guesses(limits: &Limits, addresses: impl Fn(u32) -> IpAddr) -> usize {
        let guess = |n| {
            let address = addresses(n);
            limits.may_guess(address).is_ok_and(|()| {
                limits.guessed(address);
                true
            })
        };
        (0..20_000).filter(|n| guess(*n)).count()
    }

    fn in_ipv6(site: u32, network: u32) -> IpAddr {
        let bits =
            (0x2001_0db8_u128 << 96) | (u128::from(site) << 80) | (u128::from(network) << 64);
        Ipv6Addr::from_bits(bits | 1).into()
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_a_whole_site_does_not_have_the_guesses_of_all_its_networks() {
        let limits = Limits::new(&ApiLimits::default());
        assert_eq!(guesses(&limits, |n| in_ipv6(1, n)), 600);
        limits.may_guess(in_ipv6(2, 1)).unwrap();
        assert_eq!(guesses(&limits, |_| in_ipv6(2, 1)), 60, "one network has its own as before");
        tokio::time::advance(MINUTE).await;
        limits.may_guess(in_ipv6(1, 1)).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn many_sites_are_slowed_down_and_who_has_not_guessed_is_never_refused() {
        let limits = Limits::new(&ApiLimits::default());
        let sites = 1_000;
        let found = guesses(&limits, |n| in_ipv6(n % sites, n));
        assert_eq!(found, 6_000, "each site has six of its own, then no more");
        assert!(limits.may_guess(in_ipv6(1, 70_000)).is_err());
        // This is a hall elsewhere, in which a few have mistyped the code.
        let hall = "192.0.2.1".parse().unwrap();
        for _ in 0..5 {
            limits.may_guess(hall).unwrap();
            limits.guessed(hall);
        }
        limits.may_guess(hall).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_hall_of_phones_behind_one_address_comes_in() {
        let limits = Limits::new(&ApiLimits::default());
        let hall = "192.0.2.1".parse().unwrap();
        // Each phone asks for a page with its files and for the event, opens a socket, and votes.
        for _ in 0..10 {
            for _ in 0..5_000 {
                limits.request(hall).unwrap();
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_voter_has_a_burst_and_then_a_rate() {
        let limits = Limits::new(&ApiLimits { per_voter: (1, 3), ..ApiLimits::default() });
        let voter = VoterId([1; 16]);
        assert_eq!((0..5).filter(|_| limits.ballot(voter).is_ok()).count(), 3);
        limits.ballot(VoterId([2; 16])).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((0..5).filter(|_| limits.ballot(voter).is_ok()).count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_forgets_who_is_idle_and_nobody_else() {
        let limits = Limits::new(&ApiLimits { per_voter: (1, 3), ..ApiLimits::default() });
        let (idle, busy) = (VoterId([1; 16]), VoterId([2; 16]));
        limits.ballot(idle).unwrap();
        (0..3).for_each(|_| limits.ballot(busy).unwrap());
        tokio::time::advance(Duration::from_millis(2_500)).await;
        limits.sweep();
        assert_eq!(limits.voters.limiter.len(), 1);
        assert_eq!((0..5).filter(|_| limits.ballot(busy).is_ok()).count(), 2, "it had its burst");
    }

    /// Returns how many polls these addresses can create in turn, again and again.
    fn creations(limits: &Limits, addresses: impl Fn(u32) -> IpAddr) -> usize {
        (0..5_000).filter(|n| limits.creation(addresses(*n)).is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_school_makes_its_polls_at_once_and_whoever_goes_on_has_a_rate() {
        let limits = Limits::new(&ApiLimits::default());
        let (school, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert_eq!(creations(&limits, |_| school), 600);
        let refused = limits.creation(school).unwrap_err();
        assert_eq!(refused.trouble(), Trouble::TooManyRequests);
        assert_eq!(refused.into_response().headers()["retry-after"], "2");
        limits.creation(other).unwrap();
        tokio::time::advance(MINUTE).await;
        assert_eq!(creations(&limits, |_| school), 30);
        assert_eq!(creations(&limits, |_| "127.0.0.1".parse().unwrap()), 5_000, "loopback");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_a_whole_site_does_not_make_polls_with_all_its_networks() {
        let limits = Limits::new(&ApiLimits::default());
        assert_eq!(creations(&limits, |n| in_ipv6(1, n)), 1_200);
        assert_eq!(creations(&limits, |_| in_ipv6(2, 1)), 600, "one network has its own");
        assert_eq!(creations(&limits, |_| in_ipv6(2, 2)), 600, "and left the rest to its site");
        tokio::time::advance(MINUTE).await;
        assert_eq!(creations(&limits, |n| in_ipv6(1, n)), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn loopback_is_exempt_and_an_ipv6_network_counts_as_one() {
        let limits = Limits::new(&ApiLimits { per_address: (1, 1), ..ApiLimits::default() });
        for _ in 0..10 {
            limits.request("127.0.0.1".parse().unwrap()).unwrap();
        }
        limits.request("2001:db8::1".parse().unwrap()).unwrap();
        assert!(limits.request("2001:db8::2".parse().unwrap()).is_err());
        limits.request("2001:db8:0:1::1".parse().unwrap()).unwrap();
    }
}
