//! The client of a request: the address behind trusted proxies.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Once;

use http::header::{self, HeaderName};
use http::{Extensions, HeaderMap};

use crate::api::App;

/// A peer is the address at the other end of the connection. The accept loop puts it into every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The address that stands for all who come through something on this machine that is no trusted proxy. It is
/// the dummy address of RFC 7600, which nobody has. Loopback will not do, because it has no limits, and these
/// clients are not on this machine.
const BEHIND_A_STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 8));

/// The headers that proxies add and clients on this machine do not send.
const FORWARDED: [HeaderName; 4] = [
    HeaderName::from_static("x-forwarded-for"),
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-real-ip"),
];

/// A client is where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address of the nearest hop that is not trusted.
    pub address: IpAddr,
    /// Whether the browser used HTTPS.
    pub https: bool,
}

impl Client {
    /// Reads the client off a request. Forwarding headers are believed from trusted proxies only, and are
    /// read from the right: a stranger may have written whatever stands left of the first address that is not
    /// trusted.
    pub fn of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let peer = extensions.get().map_or(Ipv4Addr::LOCALHOST.into(), |Peer(address)| *address);
        Self::behind(app, headers, peer)
    }

    /// Reads the client off a request whose connection is known.
    pub fn behind(app: &App, headers: &HeaderMap, peer: IpAddr) -> Self {
        let peer = peer.to_canonical();
        let trusted = |hop: IpAddr| app.config.trusted_proxies.iter().any(|n| n.contains(&hop));
        if !trusted(peer) {
            let passed_on = || FORWARDED.iter().any(|name| headers.contains_key(name));
            if peer.is_loopback() && passed_on() {
                warn_of_a_stranger();
                return Self { address: BEHIND_A_STRANGER, https: false };
            }
            return Self { address: peer, https: false };
        }
        let mut address = peer;
        let hops = headers.get_all("x-forwarded-for").iter().rev();
        for hop in hops.flat_map(|header| header.as_bytes().rsplit(|byte| *byte == b',')) {
            let Some(hop) = std::str::from_utf8(hop).ok().and_then(|hop| parse_hop(hop.trim()))
            else {
                break;
            };
            address = hop;
            if !trusted(hop) {
                break;
            }
        }
        let https = headers
            .get_all("x-forwarded-proto")
            .iter()
            .next_back()
            .and_then(|value| value.as_bytes().rsplit(|byte| *byte == b',').next())
            .is_some_and(|proto| proto.trim_ascii().eq_ignore_ascii_case(b"https"));
        Self { address, https }
    }
}

fn warn_of_a_stranger() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            "something on this machine passes requests on, and is not named in \
             POLLUX_TRUSTED_PROXIES: all who come through it share the limits of one address. If it \
             is yours, and writes X-Forwarded-For itself, set POLLUX_TRUSTED_PROXIES=127.0.0.1,::1"
        );
    });
}

/// Reads an address with or without a port: `203.0.113.7`, `203.0.113.7:4711`, `[2001:db8::1]:4711`.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let address = text
        .parse()
        .or_else(|_| text.parse().map(|socket: std::net::SocketAddr| socket.ip()))
        .or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hops_are_read_with_and_without_a_port() {
        for text in ["203.0.113.7", "203.0.113.7:80", "::ffff:203.0.113.7"] {
            assert_eq!(parse_hop(text), Some("203.0.113.7".parse().unwrap()), "{text}");
        }
        for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"] {
            assert_eq!(parse_hop(text), Some("2001:db8::1".parse().unwrap()), "{text}");
        }
        assert_eq!(parse_hop("unknown"), None);
    }
}
