//! A cluster's ports are a block of a hundred, so that one number names them all.

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

/// A cluster reserves this many ports.
const BLOCK: u16 = 100;
/// A free block is looked for from this port on.
const LOWEST: u16 = 10_000;
/// A free block ends below this port, and below the kernel's range for outgoing connections, if that leaves
/// room for two blocks.
const HIGHEST: u16 = 32_700;

/// `Ports` are the ports of a cluster, counted from a base. An `n` is a member's number within its kind, from
/// 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports(u16);

/// `Port` is a kind of port. Its value is the kind's place in the block.
#[derive(Clone, Copy, Debug)]
pub enum Port {
    /// A ZooKeeper's port for clients.
    ZooKeeper = 0,
    /// A ZooKeeper's port between followers and leader.
    Peer = 3,
    /// A ZooKeeper's port for elections.
    Election = 6,
    /// A broker's plain listener.
    Broker = 10,
    /// A KRaft controller's listener.
    Controller = 20,
    /// A broker's listener with TLS.
    Tls = 30,
    /// A broker's listener with SASL and without TLS.
    Sasl = 40,
    /// A broker's listener with SASL over TLS.
    SaslTls = 50,
    /// PostgreSQL's port.
    Postgres = 60,
    /// The port of a process that the caller adds: a web node or a processor.
    Added = 70,
    /// A broker's plain listener for clients that come through a proxy.
    Proxied = 90,
}

impl Ports {
    /// Returns the block that begins at this port. It is an error if one of its ports is in use.
    pub fn at(base: u16) -> Result<Self> {
        let most = u16::MAX - BLOCK;
        ensure!((1024..=most).contains(&base), "port {base}: a base is between 1024 and {most}");
        let taken: Vec<String> =
            (base..base + BLOCK).filter(|port| !free(*port)).map(|port| port.to_string()).collect();
        if !taken.is_empty() {
            bail!(
                "ports {base} to {} are wanted, but {} in use; choose another base, or none",
                base + BLOCK - 1,
                match &taken[..] {
                    [one] => format!("{one} is"),
                    many => format!("{} are", many.join(", ")),
                }
            );
        }
        Ok(Self(base))
    }

    /// Returns a free block. If there is room, it lies below the ports that the kernel gives to outgoing
    /// connections, because such a connection could take the port of a broker that is down for a moment.
    pub fn free() -> Result<Self> {
        static TRIED: AtomicU16 = AtomicU16::new(0);
        let highest = outgoing_from().filter(|low| *low >= LOWEST + 2 * BLOCK).unwrap_or(HIGHEST);
        let blocks = (highest.min(HIGHEST) - LOWEST) / BLOCK;
        // Each process begins at another block, so that two that start at once do not collide.
        let first = (std::process::id() % u32::from(blocks)) as u16;
        for _ in 0..blocks {
            let next = TRIED.fetch_add(1, Ordering::Relaxed);
            let base = LOWEST + (first + next % blocks) % blocks * BLOCK;
            if let Ok(ports) = Self::at(base) {
                return Ok(ports);
            }
        }
        bail!("no {BLOCK} ports in a row are free between {LOWEST} and {highest}")
    }

    /// Returns the port of the `n`th member of a kind.
    pub fn get(self, kind: Port, n: u16) -> u16 {
        self.0 + kind as u16 + n
    }

    /// Returns `127.0.0.1:port` of the `n`th member of a kind.
    pub fn address(self, kind: Port, n: u16) -> String {
        format!("127.0.0.1:{}", self.get(kind, n))
    }
}

fn free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

fn outgoing_from() -> Option<u16> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    range.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_block_with_a_taken_port_is_refused_by_its_number() {
        let Ports(base) = Ports::free().unwrap();
        let _held = TcpListener::bind(("127.0.0.1", base + 7)).unwrap();
        let error = Ports::at(base).unwrap_err().to_string();
        // The other test may hold another port of the block at this moment, and the message then names both.
        assert!(error.contains("in use") && error.contains(&(base + 7).to_string()), "{error}");
        assert!(Ports::at(80).is_err());
        assert!(Ports::at(u16::MAX - 5).is_err());
    }

    #[test]
    fn two_clusters_of_a_process_get_blocks_of_their_own() {
        let (Ports(one), Ports(other)) = (Ports::free().unwrap(), Ports::free().unwrap());
        assert!(one.abs_diff(other) >= BLOCK, "{one} {other}");
    }
}
