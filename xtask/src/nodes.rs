//! The nodes that `cargo xtask cluster` adds to a cluster: their names, their roles and their addresses.

use anyhow::{Context, Result};
use pollux_cluster::{Cluster, Port};

/// Pollux's nodes have these names and roles. A node's place in the list decides its port.
const NODES: [(&str, &str); 4] =
    [("processor1", "processor"), ("processor2", "processor"), ("web1", "web"), ("web2", "web")];

/// Returns each node's number, name and roles.
pub fn all() -> impl Iterator<Item = (u16, &'static str, &'static str)> {
    (1..).zip(NODES).map(|(number, (name, roles))| (number, name, roles))
}

/// Returns the address of a web node. `Cluster::status` is not asked, because it checks every member.
pub fn address(cluster: &Cluster, web: &str) -> Result<String> {
    let number = all().find(|(_, name, _)| *name == web).map(|(number, ..)| number);
    let number = number.with_context(|| format!("there is no {web} in this cluster"))?;
    Ok(cluster.ports().address(Port::Added, number))
}
