//! Brokers that die, freeze and restart.

use std::time::Duration;

use anyhow::{Result, ensure};
use rand::RngExt;

use crate::scenario::{Area, Harm, Scenario};
use crate::stage::{BROKERS, HEALED, PARTITIONS};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "leader of a hot partition killed, five in turn",
        area: Area::Log,
        zookeeper: false,
        harm: five_leaders,
    },
    Scenario {
        name: "leader stopped past its session, then resumed",
        area: Area::Log,
        zookeeper: false,
        harm: stopped_leader,
    },
    Scenario {
        name: "two of three brokers frozen, then thawed",
        area: Area::Log,
        zookeeper: false,
        harm: two_frozen,
    },
    Scenario {
        name: "rolling restart of all brokers",
        area: Area::Log,
        zookeeper: false,
        harm: rolling_restart,
    },
];

fn five_leaders(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    for n in 0..5 {
        let partition = n % PARTITIONS;
        let leader = stage.leader(partition)?;
        stage.cluster.kill(&leader)?;
        let heir = stage.wait_for_heir(partition, &leader)?;
        harm.did(&format!("killed {leader}, which led partition {partition}; {heir} does now"));
        harm.recovered()?;
        stage.restore(&leader)?;
    }
    Ok(())
}

fn stopped_leader(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let partition = harm.dice(|dice| dice.random_range(0..PARTITIONS));
    let leader = stage.leader(partition)?;
    stage.cluster.pause(&leader)?;
    let heir = stage.wait_for_heir(partition, &leader)?;
    harm.did(&format!("stopped {leader}, which led partition {partition}; {heir} does now"));
    harm.recovered()?;
    harm.wait(Duration::from_secs(2));
    // It goes on believing that it leads, until it is told.
    stage.cluster.resume(&leader)?;
    stage.cluster.wait_in_sync(HEALED)
}

fn two_frozen(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let awake = harm.one_of(&BROKERS);
    let frozen: Vec<&str> = BROKERS.into_iter().filter(|name| *name != awake).collect();
    for name in &frozen {
        stage.cluster.pause(name)?;
    }
    // What was on its way has its answer.
    std::thread::sleep(Duration::from_secs(2));
    let before = harm.load.acknowledged();
    harm.wait(Duration::from_secs(10));
    let told = harm.load.acknowledged() - before;
    // One broker is fewer than `min.insync.replicas`: nobody may be told yes.
    ensure!(told == 0, "{told} votes were acknowledged by one broker alone");
    harm.did(&format!("froze {}; nothing was acknowledged", frozen.join(" and ")));
    for name in &frozen {
        stage.cluster.resume(name)?;
    }
    harm.recovered()?;
    stage.cluster.wait_in_sync(HEALED)
}

fn rolling_restart(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    for broker in BROKERS {
        let before = stage.cluster.living(broker)?;
        stage.cluster.restart(broker)?;
        let after = stage.cluster.living(broker)?;
        ensure!(before != after, "{broker} is the same process");
        stage.cluster.wait_in_sync(HEALED)?;
        harm.did(&format!("restarted {broker}"));
    }
    Ok(())
}
