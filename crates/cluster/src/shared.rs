//! What all members of a kind run with: the files of `cluster/`, and Java's flags. Beside that each
//! has only its own ids, ports and folders. Public, so that whatever else starts such members
//! (`docker-compose.yml`) can be held to it.

use anyhow::Result;

use crate::{Mode, setting_file};

/// A broker's heap.
pub const BROKER_HEAP: &[&str] = &["-Xms256m", "-Xmx384m"];
/// A ZooKeeper's heap.
pub const ZOOKEEPER_HEAP: &[&str] = &["-Xms64m", "-Xmx128m"];
/// A heap that is full must be a crash that is seen. The serial collector suits small heaps.
pub const JAVA_FLAGS: &[&str] =
    &["-XX:+ExitOnOutOfMemoryError", "-XX:+UseSerialGC", "-Djava.awt.headless=true"];

/// The names of a broker's files in `cluster/`; of a key that is there twice the last counts.
pub fn broker_files(mode: Mode) -> [&'static str; 2] {
    match mode {
        Mode::ZooKeeper => ["broker.properties", "broker-zookeeper.properties"],
        Mode::KRaft => ["broker.properties", "broker-kraft.properties"],
    }
}

/// What every broker runs with.
pub fn broker(mode: Mode) -> Result<String> {
    broker_files(mode).into_iter().map(setting_file).collect()
}

/// What every ZooKeeper runs with.
pub fn zookeeper() -> Result<String> {
    setting_file("zookeeper.properties")
}

/// What PostgreSQL runs with.
pub fn postgres() -> Result<String> {
    setting_file("postgresql.conf")
}
