//! The real cluster, 3 ZooKeepers, 3 brokers and PostgreSQL, is harmed one member at a time, and heals.

#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::fs;

use pollux_cluster::{Cluster, Options, Port, State};
use support::{PATIENCE, nothing_is_left_of, said, topics};

#[test]
fn it_starts_takes_harm_heals_and_leaves_nothing() {
    let options =
        Options { secure: true, progress: |line| println!("{line}"), ..Options::default() };
    let cluster = Cluster::start(&options).unwrap();
    let names = ["zk1", "zk2", "zk3", "pg", "kafka1", "kafka2", "kafka3"];
    assert_eq!(cluster.names(), names);
    everyone_is_ready(&cluster);
    assert!(Cluster::start(&options).is_err(), "it is running");

    a_topic_has_three_replicas(&cluster);
    a_broker_that_is_killed_is_missed_and_comes_back(&cluster);
    a_broker_that_is_paused_goes_on(&cluster);
    when_the_leading_zookeeper_is_killed_another_leads(&cluster);
    the_secure_listeners_let_in_whom_they_should(&cluster);
    the_database_keeps_what_it_committed(&cluster);
    everyone_is_ready(&cluster);
    nothing_is_left_of(cluster);
}

fn everyone_is_ready(cluster: &Cluster) {
    for member in cluster.status().unwrap() {
        assert_eq!(member.state, State::Running, "{member:?}");
        assert_eq!(member.ready, Ok(()), "{member:?}");
    }
    assert!(cluster.zookeeper_leader().unwrap().starts_with("zk"));
    assert!(cluster.controller().unwrap().starts_with("kafka"));
}

fn a_topic_has_three_replicas(cluster: &Cluster) {
    topics(cluster, &["--create", "--topic", "votes", "--partitions", "6"]);
    let text = topics(cluster, &["--describe", "--topic", "votes"]);
    for wanted in ["PartitionCount: 6", "ReplicationFactor: 3", "min.insync.replicas=2"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let topic = cluster.topic("votes").unwrap();
    assert_eq!(topic.partitions.len(), 6);
    let led = format!("Partition: 0\tLeader: {}\t", topic.partitions[0].leader.unwrap());
    assert!(text.contains(&led), "{led}: {text}");
    cluster.wait_in_sync(PATIENCE).unwrap();
    assert!(cluster.topic("no-such-topic").is_err());
}

fn a_broker_that_is_killed_is_missed_and_comes_back(cluster: &Cluster) {
    let victim = cluster.leader("votes", 0).unwrap();
    // The kill comes from a second handle that knows only the folder, as another command's would.
    Cluster::open(cluster.folder(), |_| {}).unwrap().kill(&victim).unwrap();
    assert_eq!(cluster.state(&victim).unwrap(), State::Dead);
    assert!(cluster.kill(&victim).is_err(), "it is dead already");
    cluster
        .wait_until(PATIENCE, "others lead, and the dead one is out of sync", || {
            anyhow::ensure!(cluster.leader("votes", 0)? != victim);
            let topic = cluster.topic("votes")?;
            anyhow::ensure!(topic.partitions.iter().all(|p| p.in_sync.len() == 2), "{topic:?}");
            Ok(())
        })
        .unwrap();
    let missing = ["--describe", "--topic", "votes", "--under-replicated-partitions"];
    assert_eq!(topics(cluster, &missing).lines().count(), 6);

    cluster.start_member(&victim).unwrap();
    cluster.wait_in_sync(PATIENCE).unwrap();
    assert_eq!(topics(cluster, &missing), "");
}

fn a_broker_that_is_paused_goes_on(cluster: &Cluster) {
    let before = cluster.living("kafka2").unwrap();
    cluster.pause("kafka2").unwrap();
    assert_eq!(cluster.state("kafka2").unwrap(), State::Paused);
    cluster
        .wait_until(PATIENCE, "its session is over", || {
            let topic = cluster.topic("votes")?;
            anyhow::ensure!(topic.partitions.iter().all(|p| !p.in_sync.contains(&2)), "{topic:?}");
            Ok(())
        })
        .unwrap();
    cluster.resume("kafka2").unwrap();
    cluster.wait_in_sync(PATIENCE).unwrap();
    assert_eq!(cluster.living("kafka2").unwrap(), before, "the same process");
}

fn when_the_leading_zookeeper_is_killed_another_leads(cluster: &Cluster) {
    let leader = cluster.zookeeper_leader().unwrap();
    cluster.kill(&leader).unwrap();
    let next =
        cluster.wait_until(PATIENCE, "another leads", || cluster.zookeeper_leader()).unwrap();
    assert_ne!(next, leader);
    cluster.start_member(&leader).unwrap();
    // Creating a topic needs the controller, so the brokers have found the new ensemble.
    topics(cluster, &["--create", "--topic", "after-the-election", "--partitions", "1"]);
}

fn the_secure_listeners_let_in_whom_they_should(cluster: &Cluster) {
    let secure = cluster.secure().unwrap();
    let list = |port: Port, protocol: &str, mechanism: &str, password: &str| {
        let module = match mechanism {
            "PLAIN" => "plain.PlainLoginModule",
            _ => "scram.ScramLoginModule",
        };
        let file = cluster.folder().join("client.properties");
        let settings = format!(
            "security.protocol={protocol}\nssl.truststore.type=PEM\n\
             ssl.truststore.location={}\nsasl.mechanism={mechanism}\n\
             sasl.jaas.config=org.apache.kafka.common.security.{module} required \
             username=\"{}\" password=\"{password}\";\n",
            secure.ca.display(),
            secure.user,
        );
        fs::write(&file, settings).unwrap();
        let mut tool = cluster.tool("org.apache.kafka.tools.TopicCommand");
        tool.args(["--bootstrap-server", &cluster.bootstrap_of(port), "--list"]);
        tool.arg("--command-config").arg(file);
        tool
    };
    let right = secure.password.as_str();
    for (port, protocol, mechanism) in [
        (Port::Tls, "SSL", "PLAIN"),
        (Port::Sasl, "SASL_PLAINTEXT", "PLAIN"),
        (Port::SaslTls, "SASL_SSL", "SCRAM-SHA-512"),
    ] {
        assert!(said(&mut list(port, protocol, mechanism, right)).contains("votes"), "{protocol}");
    }
    let refused = list(Port::SaslTls, "SASL_SSL", "SCRAM-SHA-512", "wrong").output().unwrap();
    let why = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
    assert!(!refused.status.success() && why.contains("Authentication failed"), "{why}");
}

fn the_database_keeps_what_it_committed(cluster: &Cluster) {
    let database = cluster.database();
    let setting = |name: &str| database.query(&format!("SHOW {name}")).unwrap();
    assert_eq!([setting("fsync"), setting("synchronous_commit")], ["on", "on"]);
    database.query("CREATE TABLE kept (it int)").unwrap();
    database.query("INSERT INTO kept VALUES (1042)").unwrap();
    cluster.kill("pg").unwrap();
    assert!(database.query("SELECT 1").is_err());
    cluster.start_member("pg").unwrap();
    assert_eq!(database.query("SELECT it FROM kept").unwrap(), "1042");
    cluster.restart("pg").unwrap();
    assert_eq!(database.query("SELECT current_database()").unwrap(), "polling");
}
