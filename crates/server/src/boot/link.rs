//! The base of links when nobody has set one: what phones in the same network can open.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// `http://localhost` when only this machine is listened to, else its address in the network.
pub fn base(hosts: &[IpAddr], port: u16) -> String {
    let outward = hosts.iter().filter(|host| !host.is_loopback()).find_map(|host| match host {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => towards(Ipv4Addr::new(192, 0, 2, 1).into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            // `::` takes IPv4 too, whose address is the easier one to type.
            towards(Ipv4Addr::new(192, 0, 2, 1).into())
                .or_else(|| towards(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()))
        }
        given => Some(*given),
    });
    match outward {
        Some(address) => format!("http://{}", SocketAddr::new(address, port)),
        None => format!("http://localhost:{port}"),
    }
}

/// The address this machine would have towards another (one kept free for documentation).
/// Connecting a UDP socket chooses a route and sends nothing.
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

    #[test]
    fn all_addresses_are_told_as_the_one_that_others_see() {
        for host in ["0.0.0.0", "::"] {
            let link = of(&[host]);
            assert!(!link.contains("0.0.0.0") && !link.contains("[::]"), "{link}");
            // Without any network there is nobody else to see it.
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            if socket.connect("192.0.2.1:9").is_ok() {
                assert_eq!(link, format!("http://{}:5000", socket.local_addr().unwrap().ip()));
            }
        }
    }
}
