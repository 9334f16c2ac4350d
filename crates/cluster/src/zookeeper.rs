//! This module writes the settings of the ZooKeeper ensemble.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::jars::Jars;
use crate::java;
use crate::member::{Member, Ready};
use crate::ports::{Port, Ports};
use crate::{MEMBERS, shared};

/// Writes the settings of the `n`th ZooKeeper, and returns how to start it.
pub(crate) fn member(folder: &Path, n: u16, ports: Ports, jars: &Jars) -> Result<Member> {
    let name = format!("zk{n}");
    let data = folder.join(&name);
    fs::create_dir_all(&data)?;
    fs::write(data.join("myid"), format!("{n}\n"))?;
    // If a key is there twice, the last one counts.
    let mut settings = shared::zookeeper()?;
    writeln!(settings, "\n# This one.\ndataDir={}", data.display())?;
    writeln!(settings, "clientPort={}", ports.get(Port::ZooKeeper, n))?;
    writeln!(settings, "clientPortAddress=127.0.0.1")?;
    for k in 1..=MEMBERS {
        let (peer, election) = (ports.get(Port::Peer, k), ports.get(Port::Election, k));
        writeln!(settings, "server.{k}=127.0.0.1:{peer}:{election}")?;
    }
    let file = folder.join(format!("{name}.properties"));
    fs::write(&file, settings)?;
    let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    let ready = Ready::ZooKeeper { port: ports.get(Port::ZooKeeper, n) };
    Ok(java::member(name, shared::ZOOKEEPER_HEAP, jars, main, &file, ready))
}

/// Returns the value of `zookeeper.connect`.
pub(crate) fn connect(ports: Ports) -> String {
    let all: Vec<String> = (1..=MEMBERS).map(|n| ports.address(Port::ZooKeeper, n)).collect();
    all.join(",")
}
