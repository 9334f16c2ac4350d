//! This module has the settings that all members of a kind share: the files of `cluster/`, and Java's flags.
//! Apart from them a member has only its own ids, ports and folders. The module is public, so that a test can
//! hold other ways of starting such members (`docker-compose.yml`) to the same settings.

use anyhow::Result;

use crate::{Mode, setting_file};

/// A broker's heap is set by these flags.
pub const BROKER_HEAP: &[&str] = &["-Xms256m", "-Xmx384m"];
/// A ZooKeeper's heap is set by these flags.
pub const ZOOKEEPER_HEAP: &[&str] = &["-Xms64m", "-Xmx128m"];
/// Every Java process has these flags. A full heap must be a crash that is seen. The serial collector suits
/// small heaps.
pub const JAVA_FLAGS: &[&str] =
    &["-XX:+ExitOnOutOfMemoryError", "-XX:+UseSerialGC", "-Djava.awt.headless=true"];

/// Returns the names of a broker's files in `cluster/`. If a key is there twice, the last one counts.
pub fn broker_files(mode: Mode) -> [&'static str; 2] {
    match mode {
        Mode::ZooKeeper => ["broker.properties", "broker-zookeeper.properties"],
        Mode::KRaft => ["broker.properties", "broker-kraft.properties"],
    }
}

/// Reads the settings of every broker.
pub fn broker(mode: Mode) -> Result<String> {
    broker_files(mode).into_iter().map(setting_file).collect()
}

/// Reads the settings of every ZooKeeper.
pub fn zookeeper() -> Result<String> {
    setting_file("zookeeper.properties")
}

/// Reads the settings of PostgreSQL.
pub fn postgres() -> Result<String> {
    setting_file("postgresql.conf")
}
