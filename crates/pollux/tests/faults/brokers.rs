//! These scenarios kill, freeze and restart brokers.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::RngExt;

use crate::scenario::{Area, Harm, Scenario};
use crate::stage::{BROKERS, HEALED, PARTITIONS};
use crate::strangers::Strangers;

/// A killed broker stays down for this long, or longer.
const DOWN: Duration = Duration::from_secs(7);
/// This much time passes between one broker's return and the next one's death.
const BETWEEN: Duration = Duration::from_secs(5);

/// These are the scenarios about brokers.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "each broker killed in turn, before voters who never ask twice",
        area: Area::Log,
        zookeeper: false,
        nightly: false,
        harm: each_in_turn,
    },
    Scenario {
        name: "leader stopped past its session, then resumed",
        area: Area::Log,
        zookeeper: false,
        nightly: false,
        harm: stopped_leader,
    },
    Scenario {
        name: "two of three brokers frozen, then thawed",
        area: Area::Log,
        zookeeper: false,
        nightly: true,
        harm: two_frozen,
    },
    Scenario {
        name: "rolling restart of all brokers",
        area: Area::Log,
        zookeeper: false,
        nightly: true,
        harm: rolling_restart,
    },
];

/// Kills every broker in turn: each leads some partitions, and comes back cold.
fn each_in_turn(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let strangers = Strangers::start(harm);
    let mut faults = Vec::new();
    for broker in BROKERS {
        let killed = Instant::now();
        stage.cluster.kill(broker)?;
        stage.wait_until_missed(broker)?;
        faults.push((killed, killed.elapsed()));
        harm.did(&format!("killed {broker}, which was missed after {:.1?}", killed.elapsed()));
        harm.recovered()?;
        std::thread::sleep(DOWN.saturating_sub(killed.elapsed()));
        stage.restore(broker)?;
        harm.wait(BETWEEN);
    }
    strangers.judge(harm, &faults)
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
    // The stopped broker still believes that it leads, until it is told otherwise.
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
    // By now every vote that was on its way has its answer.
    std::thread::sleep(Duration::from_secs(2));
    let before = harm.load.acknowledged();
    harm.wait(Duration::from_secs(10));
    let told = harm.load.acknowledged() - before;
    // One broker is fewer than `min.insync.replicas`, so no vote may be acknowledged.
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
