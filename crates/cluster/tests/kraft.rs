//! The cluster without ZooKeeper, Kafka 4 in KRaft mode, does what the one with ZooKeeper does.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use pollux_cluster::{Cluster, Mode, Options};
use support::{PATIENCE, nothing_is_left_of, topics};

#[test]
fn it_starts_loses_its_controller_heals_and_leaves_nothing() {
    let options =
        Options { mode: Mode::KRaft, progress: |line| println!("{line}"), ..Options::default() };
    let cluster = Cluster::start(&options).unwrap();
    assert_eq!(cluster.names(), ["pg", "kafka1", "kafka2", "kafka3"]);
    assert!(cluster.zookeeper_leader().is_err());

    topics(&cluster, &["--create", "--topic", "votes", "--partitions", "6"]);
    let text = topics(&cluster, &["--describe", "--topic", "votes"]);
    for wanted in ["PartitionCount: 6", "ReplicationFactor: 3", "min.insync.replicas=2"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    cluster.wait_in_sync(PATIENCE).unwrap();

    let controller = cluster.controller().unwrap();
    cluster.kill(&controller).unwrap();
    cluster
        .wait_until(PATIENCE, "another is the controller and the dead one is missed", || {
            anyhow::ensure!(cluster.controller()? != controller);
            let topic = cluster.topic("votes")?;
            anyhow::ensure!(topic.partitions.iter().all(|p| p.in_sync.len() == 2), "{topic:?}");
            Ok(())
        })
        .unwrap();
    cluster.start_member(&controller).unwrap();
    cluster.wait_in_sync(PATIENCE).unwrap();
    assert_eq!(cluster.database().query("SELECT current_database()").unwrap(), "polling");
    nothing_is_left_of(cluster);
}
