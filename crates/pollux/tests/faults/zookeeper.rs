//! These scenarios take the ensemble's leader away, and its quorum.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::scenario::{Area, Harm, Scenario};
use crate::stage::{HEALED, ZOOKEEPERS};

/// These are the scenarios about ZooKeeper.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "ZooKeeper's leader killed",
        area: Area::Log,
        zookeeper: true,
        nightly: false,
        harm: leader,
    },
    Scenario {
        name: "ZooKeeper's quorum lost, then healed",
        area: Area::Log,
        zookeeper: true,
        nightly: true,
        harm: quorum,
    },
];

fn leader(harm: &Harm<'_>) -> Result<()> {
    let cluster = &harm.stage.cluster;
    let leader = cluster.zookeeper_leader()?;
    cluster.kill(&leader)?;
    let heir = cluster.wait_until(HEALED, "another leads", || cluster.zookeeper_leader())?;
    ensure!(heir != leader, "{leader} leads though it is dead");
    harm.did(&format!("killed {leader}, which led the ensemble; {heir} does now"));
    harm.recovered()?;
    cluster.start_member(&leader)
}

fn quorum(harm: &Harm<'_>) -> Result<()> {
    let cluster = &harm.stage.cluster;
    let left = harm.one_of(&ZOOKEEPERS);
    let killed: Vec<&str> = ZOOKEEPERS.into_iter().filter(|name| *name != left).collect();
    for name in &killed {
        cluster.kill(name)?;
    }
    // Ten seconds are longer than a broker's session.
    harm.wait(Duration::from_secs(10));
    ensure!(cluster.zookeeper_leader().is_err(), "somebody leads without a quorum");
    harm.did(&format!("killed {}: no quorum", killed.join(" and ")));
    for name in &killed {
        cluster.launch(name)?;
    }
    cluster.wait_ready(&killed, HEALED)?;
    harm.recovered()?;
    cluster.wait_in_sync(HEALED)
}
