//! The limit on connections of one address, so that nobody alone can hold them all. It has ample room for a
//! school behind one address. Trusted proxies carry everybody and are exempt.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use parking_lot::Mutex;

use crate::api::access::limits;
use crate::config::Config;

/// `ConnectionShares` counts the open connections of each address. An IPv6 site (a /48) counts as one address.
pub struct ConnectionShares {
    most: usize,
    exempt: Vec<IpNet>,
    held: Mutex<BTreeMap<IpAddr, usize>>,
}

impl ConnectionShares {
    /// Creates the shares, all free, with the limit as configured.
    pub fn new(config: &Config) -> Arc<Self> {
        let share = config.api.connections_share as usize;
        // If one address may hold all connections, its further ones wait in the kernel's queue like
        // anybody's.
        let most =
            if share < 100 { (config.api.connections * share).div_ceil(100) } else { usize::MAX };
        Arc::new(Self { most, exempt: config.trusted_proxies.clone(), held: Mutex::default() })
    }

    /// Admits one more connection of this address. Returns `None` if the address has its whole share.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Share> {
        let peer = peer.to_canonical();
        if self.exempt.iter().any(|network| network.contains(&peer)) {
            return Some(Share { taken: None });
        }
        let address = limits::site(peer);
        let mut held = self.held.lock();
        let count = held.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share { taken: Some((self.clone(), address)) })
    }

    fn leave(&self, address: IpAddr) {
        let mut held = self.held.lock();
        if let Some(count) = held.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&address);
            }
        }
    }
}

/// A share is one connection's part of its address's share, given up when dropped.
pub struct Share {
    taken: Option<(Arc<ConnectionShares>, IpAddr)>,
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some((shares, address)) = self.taken.take() {
            shares.leave(address);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_school_fits_behind_one_address_and_others_find_a_place() {
        let config = Config::default();
        let shares = ConnectionShares::new(&config);
        let mut school: Vec<_> =
            (0..config.api.connections).map_while(|_| shares.admit(address("192.0.2.1"))).collect();
        assert!(school.len() > 5_000);
        assert!(school.len() * 4 <= config.api.connections * 3);
        assert!(shares.admit(address("::ffff:192.0.2.1")).is_none(), "it is the same address");
        assert!(shares.admit(address("192.0.2.2")).is_some());
        school.pop();
        assert!(shares.admit(address("192.0.2.1")).is_some());
        drop(school);
        assert!(shares.held.lock().is_empty(), "nothing is kept of who has left");
    }

    #[test]
    fn an_ipv6_site_is_one_address_and_a_trusted_proxy_has_no_limit() {
        let mut config = Config::default();
        config.api.connections = 4;
        config.api.connections_share = 50;
        config.trusted_proxies = vec!["192.0.2.8/30".parse().unwrap()];
        let shares = ConnectionShares::new(&config);
        let site: Vec<_> = ["2001:db8:1::1", "2001:db8:1:2::1", "2001:db8:1:3::1"]
            .into_iter()
            .filter_map(|text| shares.admit(address(text)))
            .collect();
        assert_eq!(site.len(), 2);
        assert!(shares.admit(address("2001:db8:2::1")).is_some());
        let proxied: Vec<_> = (0..9).filter_map(|_| shares.admit(address("192.0.2.9"))).collect();
        assert_eq!(proxied.len(), 9);
    }
}
