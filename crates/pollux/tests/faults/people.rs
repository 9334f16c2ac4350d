//! These scenarios have voters and organisers act at the worst moment.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::RngExt;

use crate::load::{Sent, Told, ballot_id};
use crate::proxy::Link;
use crate::scenario::{Area, Harm, Scenario};
use crate::stage::{DATABASE, HEALED, PARTITIONS, PROCESSORS, WEB};

/// This many ballots are sent, each of them `COPIES` times at once.
const BALLOTS: usize = 60;
const COPIES: usize = 5;

/// These are the scenarios about voters and organisers.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "the same ballot sent five times at once to both nodes",
        area: Area::People,
        zookeeper: false,
        nightly: false,
        harm: five_times,
    },
    Scenario {
        name: "close while all of it happens",
        area: Area::All,
        zookeeper: false,
        nightly: false,
        harm: close,
    },
];

fn five_times(harm: &Harm<'_>) -> Result<()> {
    let mut waiting = Vec::new();
    for n in 0..BALLOTS {
        let ballot = harm.dice(ballot_id);
        waiting.push((ballot.clone(), harm.load.cast_copies(COPIES, n % 2, &ballot)));
        std::thread::sleep(Duration::from_millis(30));
    }
    for (ballot, voting) in waiting {
        let told = harm.stage.runtime.block_on(voting)?;
        ensure!(told == Told::Recorded, "one of {COPIES} copies of {ballot} was told {told:?}");
        harm.load.note(Sent { ballot, told });
    }
    harm.did(&format!("{BALLOTS} ballots were sent {COPIES} times at once"));
    Ok(())
}

fn close(harm: &Harm<'_>) -> Result<()> {
    let (stage, cluster) = (harm.stage, &harm.stage.cluster);
    let partition = harm.dice(|dice| dice.random_range(0..PARTITIONS));
    let (leader, processor) = (stage.leader(partition)?, harm.one_of(&PROCESSORS));
    let web = harm.one_of(&WEB);
    cluster.kill(&leader)?;
    harm.did(&format!("killed {leader}, which led partition {partition}"));
    cluster.kill(processor)?;
    harm.did(&format!("killed {processor}"));
    stage.net.set(web, DATABASE, Link::cut());
    harm.did(&format!("cut {web} off from PostgreSQL"));
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| stage.close(&harm.polls[0]));
        harm.wait(Duration::from_millis(200));
        cluster.kill(DATABASE)?;
        harm.did("killed PostgreSQL");
        harm.wait(Duration::from_secs(1));
        cluster.start_member(DATABASE)?;
        stage.net.mend(web, DATABASE);
        closing.join().ok().context("closing panicked")?
    })?;
    harm.did("closed the poll");
    stage.wait_for_heir(partition, &leader)?;
    stage.restore(&leader)?;
    cluster.start_member(processor)?;
    cluster.wait_in_sync(HEALED)?;
    // Nobody reopened the poll, so it stays final.
    let view = stage.final_view(0, &harm.polls[0])?;
    ensure!(view["status"] == "closed", "{view}");
    Ok(())
}
