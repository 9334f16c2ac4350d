//! These helpers ask a running cluster what the tests of both modes, ZooKeeper and KRaft, want to know.

use std::process::Command;
use std::time::Duration;

use pollux_cluster::{Cluster, Process, State};

/// `PATIENCE` bounds every wait: the cluster misses a broker only once its session has expired, and a broker
/// is back only once it has read its log.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `kafka-topics` at the plain listeners and returns its output.
pub fn topics(cluster: &Cluster, args: &[&str]) -> String {
    let mut tool = cluster.tool("org.apache.kafka.tools.TopicCommand");
    said(tool.args(["--bootstrap-server", &cluster.bootstrap()]).args(args))
}

/// Returns what a command prints to stdout, and panics if it fails.
pub fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Returns every process of the cluster, including PostgreSQL's workers.
pub fn processes(cluster: &Cluster) -> Vec<Process> {
    let mut all = Vec::new();
    for name in cluster.names() {
        let process = cluster.living(&name).unwrap();
        all.extend(process.children().unwrap());
        all.push(process);
    }
    all
}

/// Drops the cluster and asserts that no process, folder or bound port of it is left.
pub fn nothing_is_left_of(cluster: Cluster) {
    let (folder, processes) = (cluster.folder().to_owned(), processes(&cluster));
    let ports = cluster.ports();
    assert!(processes.len() > cluster.names().len(), "PostgreSQL has workers");
    drop(cluster);
    let alive: Vec<_> = processes.iter().filter(|it| it.state() != State::Dead).collect();
    assert!(alive.is_empty(), "{alive:?}");
    assert!(!folder.exists(), "{}", folder.display());
    for port in [pollux_cluster::Port::Broker, pollux_cluster::Port::Postgres] {
        std::net::TcpListener::bind(ports.address(port, 1)).unwrap();
    }
}
