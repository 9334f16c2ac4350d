//! `make e2e` tests the screens in a real browser against the real binary, first as an embedded node and then
//! as nodes of a real cluster.
//!
//! The tests themselves are in `web/e2e`; they start and kill the nodes. What they need of a cluster is
//! started here once, with a database for each node that they may start.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use pollux_cluster::{Cluster, Options};

/// One run may start this many nodes, each with topics and a database of its own.
const DATABASES: usize = 24;

/// Runs these test files, or all if there are none.
pub fn run(cluster: bool, files: &[String]) -> Result<()> {
    let built = Command::new(env!("CARGO")).args(["build", "--locked", "-p", "pollux"]).status()?;
    ensure!(built.success(), "the build failed");
    let mut tests = Command::new("node");
    tests.arg("e2e/run.mjs").args(files).current_dir("web");
    let _cluster = if cluster { Some(start(&mut tests)?) } else { None };
    let status = tests.status().context("node")?;
    ensure!(status.success(), "the screens' tests failed");
    Ok(())
}

/// Starts a cluster and tells the tests where it is.
fn start(tests: &mut Command) -> Result<Cluster> {
    let progress = |line: &str| eprintln!("{line}");
    let cluster = Cluster::start(&Options { progress, ..Options::default() })?;
    let database = cluster.database();
    let names: Vec<_> = (1..=DATABASES).map(|n| format!("screens{n}")).collect();
    for name in &names {
        database.query(&format!("CREATE DATABASE {name}"))?;
    }
    tests.envs(cluster.environment()).env("E2E_DATABASES", names.join(","));
    // What screens show does not depend on it, and three brokers that flush each vote leave a browser beside them
    // little of two cores. The fault suite and the log's own tests flush.
    tests.env("POLLUX_KAFKA_FLUSH", "off");
    Ok(cluster)
}
