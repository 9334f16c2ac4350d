//! These scenarios cut the network between two members, slow it, or make it deaf in one direction.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use rand::RngExt;

use crate::proxy::{ANY, Link, Way};
use crate::scenario::{Area, Harm, Scenario};
use crate::stage::{BROKERS, DATABASE, HEALED, PARTITIONS, PROCESSORS, VOTES, WEB, ZOOKEEPERS};

/// These are the scenarios about the network.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "network between web nodes and brokers",
        area: Area::Web,
        zookeeper: false,
        nightly: false,
        harm: web_nodes,
    },
    Scenario {
        name: "network between processors and brokers",
        area: Area::Processors,
        zookeeper: false,
        nightly: true,
        harm: processors,
    },
    Scenario {
        name: "network between nodes and PostgreSQL",
        area: Area::Database,
        zookeeper: false,
        nightly: true,
        harm: database,
    },
    Scenario {
        name: "network between brokers, one direction",
        area: Area::Log,
        zookeeper: false,
        nightly: true,
        harm: brokers,
    },
    Scenario {
        name: "network between a leader and ZooKeeper",
        area: Area::Log,
        zookeeper: true,
        nightly: true,
        harm: zookeeper,
    },
];

/// Returns a link on which nothing passes, either way, while connections stay open.
fn unplugged() -> Link {
    Link { there: Way::Held, back: Way::Held, cut: false }
}

/// Puts these links into this condition for a while.
fn for_a_while(harm: &Harm<'_>, links: &[(&str, &str)], link: &Link, long: Duration) -> Result<()> {
    let touched = harm.stage.net.touched();
    for (from, to) in links {
        harm.stage.net.set(from, to, link.clone());
    }
    harm.wait(long);
    harm.touched_since(touched)?;
    for (from, to) in links {
        harm.stage.net.mend(from, to);
    }
    Ok(())
}

fn web_nodes(harm: &Harm<'_>) -> Result<()> {
    let node = harm.one_of(&WEB);
    let all: Vec<_> = BROKERS.iter().map(|broker| (node, *broker)).collect();
    let before = harm.load.acknowledged();
    for_a_while(harm, &all, &Link::cut(), Duration::from_secs(4))?;
    harm.did(&format!("cut {node} off from all brokers"));
    let meanwhile = harm.load.acknowledged() - before;
    ensure!(!harm.alone || meanwhile > 20, "{meanwhile} votes acknowledged by the other node");
    harm.recovered()?;

    let leader = harm.stage.leader(0)?;
    for_a_while(harm, &[(node, &leader)], &Link::back(Way::Held), Duration::from_secs(7))?;
    harm.did(&format!("{node} sent to {leader} and heard nothing"));
    harm.recovered()?;

    for_a_while(harm, &[(node, &leader)], &Link::there(Way::Held), Duration::from_secs(4))?;
    harm.did(&format!("{node} could not send to {leader}, and did not know"));
    harm.recovered()?;

    let late = Link::slow(Duration::from_millis(150));
    for_a_while(harm, &all, &late, Duration::from_secs(4))?;
    harm.did(&format!("300 ms for each round trip between {node} and the brokers"));
    harm.recovered()
}

/// Unplugs a processor from the brokers for longer than its session: others take its partitions, and it does
/// not know.
fn processors(harm: &Harm<'_>) -> Result<()> {
    let (stage, node) = (harm.stage, harm.one_of(&PROCESSORS));
    let touched = stage.net.touched();
    BROKERS.iter().for_each(|broker| stage.net.set(node, broker, unplugged()));
    harm.wait(Duration::from_secs(1));
    let long = stage.wait_counted()?;
    harm.touched_since(touched)?;
    harm.did(&format!("unplugged {node} from the brokers; taken over after {long:.1?}"));
    BROKERS.iter().for_each(|broker| stage.net.mend(node, broker));

    let all: Vec<_> = BROKERS.iter().map(|broker| (node, *broker)).collect();
    for_a_while(harm, &all, &Link::cut(), Duration::from_secs(3))?;
    harm.did(&format!("cut {node} off from the brokers"));
    stage.wait_counted().map(drop)
}

fn database(harm: &Harm<'_>) -> Result<()> {
    let (node, web) = (harm.one_of(&PROCESSORS), harm.one_of(&WEB));
    let deaf = Link::there(Way::Held);
    for_a_while(harm, &[(node, DATABASE)], &deaf, Duration::from_secs(7))?;
    harm.did(&format!("{node} could not send to PostgreSQL, and did not know"));
    for_a_while(harm, &[(node, DATABASE)], &Link::back(Way::Held), Duration::from_secs(3))?;
    harm.did(&format!("{node} sent to PostgreSQL and heard nothing"));
    harm.stage.wait_counted()?;

    let before = harm.load.acknowledged();
    for_a_while(harm, &[(web, DATABASE)], &Link::cut(), Duration::from_secs(3))?;
    harm.did(&format!("cut {web} off from PostgreSQL"));
    let meanwhile = harm.load.acknowledged() - before;
    ensure!(!harm.alone || meanwhile > 100, "{meanwhile} votes acknowledged");

    let late = Link::slow(Duration::from_millis(100));
    for_a_while(harm, &[(ANY, DATABASE)], &late, Duration::from_secs(4))?;
    harm.did("200 ms for each round trip to PostgreSQL");
    harm.stage.wait_counted().map(drop)
}

/// Has a follower ask its leader for records and never hear from it, until the follower is out of sync.
fn brokers(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let partition = harm.dice(|dice| dice.random_range(0..PARTITIONS));
    let leader = stage.leader(partition)?;
    let others: Vec<&str> = BROKERS.into_iter().filter(|name| *name != leader).collect();
    let [follower, third] = others[..] else { bail!("{leader} is none of {BROKERS:?}") };
    let touched = stage.net.touched();
    stage.net.set(follower, &leader, Link::back(Way::Held));
    let id: i32 = follower.trim_start_matches("kafka").parse()?;
    stage.cluster.wait_until(HEALED, "the follower is out of sync", || {
        // A third broker is asked: if the follower is the controller, the leader is not told what it decides.
        // Any partition will do, because Kafka may have moved one's leadership meanwhile.
        let topic = stage.cluster.topic_seen_by(third, VOTES)?;
        let out = topic.partitions.iter().any(|it| !it.in_sync.contains(&id));
        ensure!(out, "{follower} is in sync: {topic:?}");
        Ok(())
    })?;
    harm.touched_since(touched)?;
    harm.did(&format!("{follower} heard nothing from {leader}, and was put out of sync"));
    harm.recovered()?;
    stage.net.mend(follower, &leader);
    stage.cluster.wait_in_sync(HEALED)
}

/// Cuts a leader off ZooKeeper: the others elect a new one, while it still answers clients and believes that
/// it leads.
fn zookeeper(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let partition = harm.dice(|dice| dice.random_range(0..PARTITIONS));
    let leader = stage.leader(partition)?;
    let touched = stage.net.touched();
    ZOOKEEPERS.iter().for_each(|keeper| stage.net.set(&leader, keeper, unplugged()));
    let other = *BROKERS.iter().find(|name| **name != leader).unwrap_or(&BROKERS[0]);
    let heir = stage.cluster.wait_until(HEALED, "another broker leads", || {
        let heir = stage.leader_seen_by(other, partition)?;
        ensure!(heir != leader, "{leader} is not missed yet");
        Ok(heir)
    })?;
    harm.touched_since(touched)?;
    harm.did(&format!("unplugged {leader} from ZooKeeper; {heir} leads partition {partition} now"));
    harm.recovered()?;
    harm.wait(Duration::from_secs(2));
    ZOOKEEPERS.iter().for_each(|keeper| stage.net.mend(&leader, keeper));
    stage.cluster.wait_in_sync(HEALED)
}
