//! This module checks that Kafka, ZooKeeper and PostgreSQL run with the files of `cluster/`, as in the tested
//! cluster, and add only what is their own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use pollux_cluster::{Mode, shared};
use serde_json::Value;

use super::{Project, SMALL, text, texts};

/// Every broker has these settings of its own.
const OF_A_BROKER: [&str; 7] = [
    "broker.id",
    "zookeeper.connect",
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
    "log.dirs",
];
/// The small cluster differs in these settings, because it has only one broker.
const GIVEN_UP: [&str; 5] = [
    "default.replication.factor",
    "min.insync.replicas",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
];
/// The files are mounted in this folder of the container.
const MOUNTED: &str = "/etc/pollux";

/// Returns everything in which the members differ from the tested cluster.
pub fn faults(project: &Project) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let small = project.file == SMALL;
    let members = |prefix: &'static str| {
        let named = |name: &str| {
            name.strip_prefix(prefix).is_some_and(|number| number.parse::<u16>().is_ok())
        };
        project.services().filter(move |(name, _)| named(name)).collect::<Vec<_>>()
    };
    let (brokers, keepers) = (members("kafka"), members("zk"));
    let wanted = if small { 1 } else { 3 };
    for (what, found) in [("brokers", brokers.len()), ("ZooKeepers", keepers.len())] {
        if found != wanted {
            faults.push(format!("{found} {what} instead of {wanted}"));
        }
    }
    for (name, service) in &brokers {
        let found = broker(service, small)?;
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    for (name, service) in &keepers {
        let found = zookeeper(service, keepers.len())?;
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    let postgres = project.json["services"].get("postgres").context("no postgres")?;
    faults.extend(postgres_faults(postgres)?.into_iter().map(|fault| format!("postgres: {fault}")));
    if small {
        let notice = text(&project.json, "/configs/notice/content");
        let silent = GIVEN_UP.iter().filter(|setting| !notice.contains(&format!("{setting}=1")));
        faults.extend(silent.map(|setting| format!("the notice does not mention {setting}=1")));
    }
    Ok(faults)
}

fn broker(service: &Value, small: bool) -> Result<Vec<String>> {
    let mut faults = mounts(service, &shared::broker_files(Mode::ZooKeeper));
    let flags = [shared::BROKER_HEAP, shared::JAVA_FLAGS].concat();
    let given = ["KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS"];
    faults.extend(java(service, &given, &flags));
    let common = shared::broker(Mode::ZooKeeper)?;
    let common = properties(&common);
    for (setting, value) in properties(text(service, "/environment/OWN_SETTINGS")) {
        let weaker = small && GIVEN_UP.contains(&setting) && value == "1";
        if !OF_A_BROKER.contains(&setting) && !weaker {
            let tested = common.get(setting).unwrap_or(&"not set");
            faults.push(format!("{setting}={value}, but the tested cluster has it {tested}"));
        }
    }
    // These differ from broker to broker or from place to place, so that no shared file can set them.
    let own = properties(text(service, "/environment/OWN_SETTINGS"));
    let lacks = OF_A_BROKER.iter().filter(|setting| !own.contains_key(*setting));
    faults.extend(lacks.map(|setting| format!("{setting} is not set")));
    let listeners = own.get("listeners").copied().unwrap_or_default();
    for listener in ["INSIDE://", "OUTSIDE://"] {
        if listeners.matches(listener).count() != 1 {
            faults.push(format!("listeners={listeners} has no {listener} of its own"));
        }
    }
    Ok(faults)
}

fn zookeeper(service: &Value, of: usize) -> Result<Vec<String>> {
    let mut faults = mounts(service, &["zookeeper.properties"]);
    let environment = &service["environment"];
    // This image sets the heap by a variable of its own.
    let heap = format!("-Xmx{}m", text(environment, "/ZK_SERVER_HEAP"));
    let mut flags = [shared::ZOOKEEPER_HEAP, shared::JAVA_FLAGS].concat();
    if !flags.contains(&heap.as_str()) {
        faults.push(format!("{heap} is not what the tested cluster has"));
    }
    flags.retain(|flag| *flag != heap);
    faults.extend(java(service, &["SERVER_JVMFLAGS"], &flags));
    let common = shared::zookeeper()?;
    let folder = properties(&common).get("dataDir").copied().unwrap_or_default().to_owned();
    if text(environment, "/ZOO_DATA_DIR") != folder || !volumes(service).contains_key(&*folder) {
        faults.push(format!("{folder} is not where its data and its volume are"));
    }
    let own = properties(text(environment, "/OWN_SETTINGS"));
    let servers = own.keys().filter(|setting| setting.starts_with("server.")).count();
    if servers != own.len() || servers != if of == 1 { 0 } else { of } {
        faults.push(format!("{own:?} is not the list of {of} servers"));
    }
    Ok(faults)
}

fn postgres_faults(service: &Value) -> Result<Vec<String>> {
    let mut faults = mounts_named(service, &["postgresql.conf"]);
    let wanted =
        ["postgres", "-c", "config_file=/etc/pollux/postgresql.conf", "-c", "listen_addresses=*"];
    let command = texts(service, "/command");
    if command != wanted {
        faults.push(format!("it is started as {command:?}"));
    }
    if shared::postgres()?.contains("listen_addresses") {
        faults.push("listen_addresses is in postgresql.conf, too".into());
    }
    Ok(faults)
}

/// Checks that the files are mounted from `cluster/`, and that the service starts with them, in their order.
fn mounts(service: &Value, files: &[&str]) -> Vec<String> {
    let mut faults = mounts_named(service, files);
    let start = texts(service, "/entrypoint").concat();
    let places: Vec<_> = files.iter().map(|file| start.find(file)).collect();
    if places.contains(&None) || !places.is_sorted() || !start.contains("OWN_SETTINGS") {
        faults.push(format!("it is not started with {files:?}, then its own settings"));
    }
    faults
}

fn mounts_named(service: &Value, files: &[&str]) -> Vec<String> {
    let mounted = volumes(service);
    let lacks = files.iter().filter(|file| {
        let source = mounted.get(&*format!("{MOUNTED}/{file}"));
        let from = Path::new("cluster").join(file);
        !source.is_some_and(|source| Path::new(source).ends_with(&from))
    });
    lacks.map(|file| format!("cluster/{file} is not mounted")).collect()
}

/// Returns where each volume comes from, by the path at which it is mounted.
fn volumes(service: &Value) -> BTreeMap<&str, &str> {
    let all = service["volumes"].as_array().into_iter().flatten();
    all.map(|volume| (text(volume, "/target"), text(volume, "/source"))).collect()
}

/// Checks that the flags in these variables are the wanted ones, in any order.
fn java(service: &Value, variables: &[&str], wanted: &[&str]) -> Option<String> {
    let given = variables.iter().map(|name| text(&service["environment"], &format!("/{name}")));
    let mut given: Vec<_> = given.flat_map(str::split_whitespace).collect();
    let mut wanted = wanted.to_vec();
    given.sort_unstable();
    wanted.sort_unstable();
    (given != wanted).then(|| format!("Java runs with {given:?}, in the tested cluster {wanted:?}"))
}

/// Reads lines of the form `name=value`.
fn properties(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(k, v)| (k.trim(), v.trim())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    /// Returns a broker as it should be, with one more setting.
    fn with(setting: &str) -> Value {
        let own: String = OF_A_BROKER.iter().map(|name| format!("{name}=x\n")).collect();
        let own = own.replace("\nlisteners=x", "\nlisteners=INSIDE://:1,OUTSIDE://:2");
        json!({
            "entrypoint": ["cat broker.properties broker-zookeeper.properties; $OWN_SETTINGS"],
            "environment": {
                "KAFKA_HEAP_OPTS": shared::BROKER_HEAP.join(" "),
                "KAFKA_JVM_PERFORMANCE_OPTS": shared::JAVA_FLAGS.join(" "),
                "OWN_SETTINGS": format!("{own}{setting}"),
            },
            "volumes": shared::broker_files(Mode::ZooKeeper).map(|file| json!({
                "source": format!("/here/cluster/{file}"), "target": format!("{MOUNTED}/{file}"),
            })),
        })
    }

    #[test]
    fn a_broker_that_is_weaker_than_the_tested_one_is_noticed() {
        assert_eq!(broker(&with(""), false).unwrap(), [""; 0]);
        assert_eq!(broker(&with("min.insync.replicas=1"), true).unwrap(), [""; 0]);
        for weaker in ["min.insync.replicas=1", "unclean.leader.election.enable=true"] {
            assert_eq!(broker(&with(weaker), false).unwrap().len(), 1, "{weaker}");
        }
        assert_eq!(broker(&with("unclean.leader.election.enable=true"), true).unwrap().len(), 1);
        let mut bare = with("");
        bare["volumes"] = json!([]);
        assert_eq!(broker(&bare, false).unwrap().len(), 2);
    }
}
