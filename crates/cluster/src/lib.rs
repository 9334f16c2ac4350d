//! This crate starts a real cluster for tests and benchmarks with one call: three Kafka brokers, their
//! ZooKeeper ensemble (or KRaft) and PostgreSQL. They are plain processes on loopback in a folder of their
//! own; no containers are involved.
//!
//! ```no_run
//! use pollux_cluster::{Cluster, Options};
//!
//! let cluster = Cluster::start(&Options::default())?;
//! let leader = cluster.zookeeper_leader()?;
//! cluster.kill(&leader)?; // SIGKILL
//! cluster.pause("kafka2")?; // SIGSTOP
//! cluster.resume("kafka2")?;
//! cluster.start_member(&leader)?; // returns when it is ready again
//! # anyhow::Ok(())
//! ```
//!
//! Dropping a [`Cluster`] kills its members and removes its folder. Members never outlive the process that
//! started them, even if that is killed. After a failure the folder stays, because its logs are needed.
//! `cargo xtask cluster` does the same from a terminal, and keeps the cluster running.
//!
//! The members' names are `zk1` to `zk3`, `kafka1` to `kafka3` (broker ids 1 to 3), `pg`, and whatever
//! [`Cluster::add`] is given.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

mod alone;
mod broker;
mod cluster;
mod database;
mod guard;
mod jars;
mod java;
mod look;
mod member;
mod plan;
mod ports;
mod postgres;
mod prepare;
mod process;
mod secure;
pub mod shared;
mod wire;
mod zookeeper;

pub use alone::Postgres;
pub use cluster::Cluster;
pub use database::Database;
pub use look::Status;
pub use member::{Member, Ready};
pub use ports::{Port, Ports};
pub use postgres::SUPERUSER;
pub use process::{Process, State};
pub use secure::Secure;
pub use wire::{Partition, Topic};

/// A cluster has this many brokers, and as many ZooKeepers.
const MEMBERS: u16 = 3;
/// A member that is not ready within this time has failed to start. Java starts slowly on a busy machine.
pub const START_DEADLINE: Duration = Duration::from_secs(90);
/// A member that was asked to stop and still runs after this time is killed.
pub const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// The mode says where Kafka keeps its metadata, and thereby which version of Kafka runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Kafka 3.9 with a ZooKeeper ensemble.
    #[default]
    ZooKeeper,
    /// Kafka 4 in KRaft mode.
    KRaft,
}

/// `Options` say which mode a cluster has, where it is, and what it has besides plain listeners.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of everything that the cluster writes. It is created if it does not exist.
    pub folder: PathBuf,
    /// Whether Kafka runs with ZooKeeper or in KRaft mode.
    pub mode: Mode,
    /// The first of the cluster's hundred ports. Without one, a free block is taken.
    pub port: Option<u16>,
    /// Whether the brokers also listen with TLS and SASL.
    pub secure: bool,
    /// The caller's proxies, if traffic is to pass through them.
    pub proxies: Option<Proxies>,
    /// A function that is called with one line of text for each step.
    pub progress: fn(&str),
}

impl Default for Options {
    /// Returns the options of a cluster in ZooKeeper mode on free ports, in a new temporary folder, without
    /// messages.
    fn default() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pollux-cluster-{}-{count}", std::process::id());
        Self {
            folder: std::env::temp_dir().join(name),
            mode: Mode::default(),
            port: None,
            secure: false,
            proxies: None,
            progress: |_| {},
        }
    }
}

/// `Proxies` names the ports on loopback at which the caller serves proxies, indexed by a member's number less
/// one. Brokers reach each other and ZooKeeper through them, and so does a client that uses the addresses of
/// [`Cluster::proxied_bootstrap`]. This lets a test cut or slow the network without being root.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Proxies {
    /// The proxies that lead to each broker's [`Port::Proxied`].
    pub brokers: [u16; MEMBERS as usize],
    /// The proxies that lead to each [`Port::ZooKeeper`]; unused in KRaft mode.
    pub zookeepers: [u16; MEMBERS as usize],
}

impl Proxies {
    fn addresses(ports: [u16; MEMBERS as usize]) -> String {
        ports.map(|port| format!("127.0.0.1:{port}")).join(",")
    }
}

/// Returns the repository's root, where the settings and the pinned jars are.
fn repository() -> &'static Path {
    // This crate is in `crates/cluster`, two levels below the root.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a workspace has a root")
}

/// Reads one of the settings files of `cluster/`.
fn setting_file(name: &str) -> Result<String> {
    let file = repository().join("cluster").join(name);
    fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
}

/// Writes a file that no other user may read, because it holds a password.
fn write_private(file: &Path, text: &str) -> Result<()> {
    let mut opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("writing {}", file.display()))?;
    Ok(opened.write_all(text.as_bytes())?)
}
