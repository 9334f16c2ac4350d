//! The address that phones open: where links and QR codes lead, and whether any other machine can follow
//! them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::App;
use crate::api::http::answer;
use crate::config::Config;

/// An `Address` says under which address phones reach this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The beginning of links and QR codes, without a slash at the end.
    #[schema(example = "http://192.168.1.5:5000")]
    pub url: String,
    /// Whether a phone in the same network can be expected to open it, judging by this server's settings. A
    /// poll's `pulse` (`elsewhere`) says whether one really has.
    pub phones_can_open: bool,
    /// Why phones cannot open it; null if they can.
    #[schema(required)]
    pub why: Option<String>,
    /// What to do about it; null if they can.
    #[schema(required)]
    pub fix: Option<String>,
}

/// Read the address under which phones reach this server.
#[utoipa::path(
    get, path = "/api/address", tag = "server", operation_id = "getAddress",
    responses((status = 200, body = Address, description = "The base of links, and whether phones can open it")),
)]
pub async fn read(State(app): State<Arc<App>>) -> Response {
    let own = towards(ELSEWHERE_V4).or_else(|| towards(ELSEWHERE_V6));
    let address = judge(app.public_url(), &app.config.hosts, app.config.port, own);
    answer::ok(&address)
}

/// Judges whether phones can open this URL. The server listens on `hosts`, and `own` is the machine's address
/// in its network, if it has one.
fn judge(url: String, hosts: &[IpAddr], port: u16, own: Option<IpAddr>) -> Address {
    let inward = hosts.iter().all(IpAddr::is_loopback);
    let target = host_of(&url);
    let to_itself = target.is_loopback() || inward && target.address() == own && own.is_some();
    if !to_itself {
        return Address { url, phones_can_open: true, why: None, fix: None };
    }
    let link = own.map(|own| format!("http://{}", SocketAddr::new(own, port)));
    let (why, fix) = match (inward, link) {
        (true, Some(link)) => (
            "Pollux listens to this computer only".to_owned(),
            format!("Start it with POLLUX_HOST=0.0.0.0: phones in this network then open {link}"),
        ),
        (true, None) => (
            "Pollux listens to this computer only, and this computer is in no network".to_owned(),
            "Join the network that the phones are in, and start it with POLLUX_HOST=0.0.0.0"
                .to_owned(),
        ),
        (false, Some(link)) => (
            format!("{url} is an address of the phone itself"),
            format!("Start Pollux with POLLUX_PUBLIC_URL={link}, or without that setting"),
        ),
        (false, None) => (
            "This computer is in no network".to_owned(),
            "Join the network that the phones are in".to_owned(),
        ),
    };
    Address { url, phones_can_open: false, why: Some(why), fix: Some(fix) }
}

/// Returns whether an address is this machine's own. A phone's address never is one that this process could
/// listen on.
pub fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

/// A host is the part of a URL that names a machine.
enum Host {
    Address(IpAddr),
    Name(String),
}

impl Host {
    fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback() || address.is_unspecified(),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Name(_) => None,
        }
    }
}

fn host_of(url: &str) -> Host {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    };
    match host.parse::<IpAddr>() {
        Ok(address) => Host::Address(address.to_canonical()),
        Err(_) => Host::Name(host.trim_end_matches('.').to_ascii_lowercase()),
    }
}

/// Addresses that are reserved for documentation: nobody has them, but there is a route to them.
const ELSEWHERE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// Returns the host and port at which this node is reached.
pub fn own(config: &Config) -> String {
    let base = base(&config.hosts, config.port);
    base.strip_prefix("http://").unwrap_or(&base).to_owned()
}

/// Returns the base of links when none is set: `http://localhost` if the server listens to this machine only,
/// or else its address in the network.
pub fn base(hosts: &[IpAddr], port: u16) -> String {
    let outward = hosts.iter().filter(|host| !host.is_loopback()).find_map(|host| match host {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => towards(ELSEWHERE_V4),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            // `::` accepts IPv4 too, whose address is easier to type.
            towards(ELSEWHERE_V4).or_else(|| towards(ELSEWHERE_V6))
        }
        given => Some(*given),
    });
    match outward {
        Some(address) => format!("http://{}", SocketAddr::new(address, port)),
        None => format!("http://localhost:{port}"),
    }
}

/// Returns the address that this machine has towards another one. Connecting a UDP socket chooses a route and
/// sends nothing.
fn towards(other: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match other {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((other, 9)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified() && !own.is_loopback()).then_some(own)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(hosts: &[&str]) -> String {
        base(&hosts.iter().map(|host| host.parse().unwrap()).collect::<Vec<_>>(), 5000)
    }

    #[test]
    fn links_lead_to_an_address_that_is_listened_on() {
        assert_eq!(of(&["127.0.0.1", "::1"]), "http://localhost:5000");
        assert_eq!(of(&["127.0.0.1", "192.168.1.20"]), "http://192.168.1.20:5000");
        assert_eq!(of(&["fd00::20"]), "http://[fd00::20]:5000");
    }

    fn judged(url: &str, hosts: &[&str], own: Option<&str>) -> (bool, String, String) {
        let hosts: Vec<_> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let own = own.map(|own| own.parse().unwrap());
        let judged = judge(url.into(), &hosts, 5000, own);
        assert_eq!(judged.phones_can_open, judged.why.is_none() && judged.fix.is_none());
        (judged.phones_can_open, judged.why.unwrap_or_default(), judged.fix.unwrap_or_default())
    }

    #[test]
    fn phones_open_what_does_not_lead_to_themselves() {
        let (all, own) = (&["0.0.0.0"][..], Some("192.168.1.20"));
        for url in ["http://192.168.1.20:5000", "https://polls.example", "http://[fd00::20]:5000"] {
            assert!(judged(url, all, own).0, "{url}");
        }
        // A tunnel or a proxy elsewhere may pass requests on to us.
        assert!(judged("https://polls.example", &["127.0.0.1"], own).0);
        for url in [
            "http://localhost:5000",
            "http://LOCALHOST",
            "http://127.0.0.1:5000/polls",
            "http://[::1]:5000",
            "http://[::ffff:127.0.0.1]",
            "http://0.0.0.0:5000",
            "http://me@pollux.localhost.:80",
        ] {
            assert!(!judged(url, all, own).0, "{url}");
        }
        assert!(!judged("http://192.168.1.20:5000", &["127.0.0.1"], own).0, "nobody listens there");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_remedy() {
        let (both, all) = (&["127.0.0.1", "::1"][..], &["0.0.0.0"][..]);
        let local = "http://localhost:5000";
        let (_, why, fix) = judged(local, both, Some("192.168.1.20"));
        assert_eq!(why, "Pollux listens to this computer only");
        assert!(fix.contains("POLLUX_HOST=0.0.0.0") && fix.ends_with("http://192.168.1.20:5000"));
        assert!(judged(local, both, None).1.ends_with("in no network"));
        assert_eq!(judged(local, all, None).1, "This computer is in no network");
        let (_, _, fix) = judged(local, all, Some("192.168.1.20"));
        assert!(fix.contains("POLLUX_PUBLIC_URL=http://192.168.1.20:5000"), "{fix}");
    }

    #[test]
    fn addresses_of_this_machine_are_told_from_others() {
        for here in ["127.0.0.1", "127.8.9.1", "::1"] {
            assert!(is_here(here.parse().unwrap()), "{here}");
        }
        for there in [ELSEWHERE_V4, ELSEWHERE_V6] {
            assert!(!is_here(there), "{there}");
        }
        if let Some(own) = towards(ELSEWHERE_V4) {
            assert!(is_here(own), "{own}");
        }
    }

    #[test]
    fn all_addresses_are_told_as_the_one_that_others_see() {
        for host in ["0.0.0.0", "::"] {
            let link = of(&[host]);
            assert!(!link.contains("0.0.0.0") && !link.contains("[::]"), "{link}");
            // Without any network nobody else can see the address.
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            if socket.connect("192.0.2.1:9").is_ok() {
                assert_eq!(link, format!("http://{}:5000", socket.local_addr().unwrap().ip()));
            }
        }
    }
}
