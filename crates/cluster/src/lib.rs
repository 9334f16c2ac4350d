//! A real cluster in one call: three brokers, their ZooKeeper ensemble (or KRaft), PostgreSQL.
//! Plain processes on loopback in a folder of their own; no containers.
//!
//! ```no_run
//! use pollux_cluster::{Cluster, Options};
//!
//! let cluster = Cluster::start(&Options::default())?;
//! let leader = cluster.zookeeper_leader()?;
//! cluster.kill(&leader)?; // SIGKILL
//! cluster.pause("kafka2")?; // SIGSTOP
//! cluster.resume("kafka2")?;
//! cluster.start_member(&leader)?; // until it is ready again
//! # anyhow::Ok(())
//! ```
//!
//! Dropping it takes everything away. However the process that started it ends, the members end
//! with it; after a failure the folder stays, for its logs. `cargo xtask cluster` is the same for
//! a terminal, and keeps it running.
//!
//! The names: `zk1` to `zk3`, `kafka1` to `kafka3` (id 1 to 3), `pg`, and what
//! [`Cluster::add`] brings.

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
mod guard;
mod jars;
mod java;
mod look;
mod member;
mod plan;
mod ports;
mod postgres;
mod process;
mod secure;
pub mod shared;
mod wire;
mod zookeeper;

pub use alone::Postgres;
pub use cluster::Cluster;
pub use look::Status;
pub use member::{Member, Ready};
pub use ports::{Port, Ports};
pub use postgres::{Database, SUPERUSER};
pub use process::{Process, State};
pub use secure::Secure;
pub use wire::{Partition, Topic};

/// Brokers, and ZooKeepers.
const MEMBERS: u16 = 3;
/// Within this a member is ready, or its start has failed. Java starts slowly on a busy machine.
pub const START_DEADLINE: Duration = Duration::from_secs(90);
/// Within this a member that was asked to stop is gone, or it is killed.
pub const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// Where Kafka keeps its metadata, and with that, which Kafka.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Kafka 3.9 with a ZooKeeper ensemble.
    #[default]
    ZooKeeper,
    /// Kafka 4 in KRaft mode.
    KRaft,
}

/// What kind of cluster, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything it has; made if it is not there.
    pub folder: PathBuf,
    /// ZooKeeper or KRaft.
    pub mode: Mode,
    /// The first of its hundred ports; a free block if none.
    pub port: Option<u16>,
    /// Also listen with TLS and SASL.
    pub secure: bool,
    /// The way past the caller's proxies, if there is to be one.
    pub detour: Option<Detour>,
    /// Told what is being done, a line at a time.
    pub progress: fn(&str),
}

impl Default for Options {
    /// ZooKeeper mode on free ports, in a new folder for temporary files, silently.
    fn default() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pollux-cluster-{}-{count}", std::process::id());
        Self {
            folder: std::env::temp_dir().join(name),
            mode: Mode::default(),
            port: None,
            secure: false,
            detour: None,
            progress: |_| {},
        }
    }
}

/// Ports of proxies that the caller serves on loopback, by a member's number from 1: brokers reach
/// each other through them, and ZooKeeper, and so does a client that comes through
/// [`Cluster::detour`]. So a network can be cut or slowed without being root.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Detour {
    /// To each broker's [`Port::Proxied`].
    pub brokers: [u16; MEMBERS as usize],
    /// To each [`Port::ZooKeeper`]; unused in KRaft mode.
    pub zookeepers: [u16; MEMBERS as usize],
}

impl Detour {
    fn addresses(ports: [u16; MEMBERS as usize]) -> String {
        ports.map(|port| format!("127.0.0.1:{port}")).join(",")
    }
}

/// The repository's root: the settings and the pinned jars are there.
fn repository() -> &'static Path {
    // Two up from `crates/cluster`.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a workspace has a root")
}

/// One of the files that hold the settings, whole.
fn setting_file(name: &str) -> Result<String> {
    let file = repository().join("cluster").join(name);
    fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
}

/// Write a file that no other user may read: it holds a password.
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
