//! These scenarios kill a web node that has not yet answered, and take the database away.

use std::time::Duration;

use anyhow::{Result, ensure};
use rand::RngExt;

use crate::load::{Sent, Told, ballot_id};
use crate::proxy::{Link, Way};
use crate::recount::Topic;
use crate::scenario::{Area, Harm, Scenario};
use crate::stage::{BROKERS, DATABASE, HEALED, WEB};

/// This many ballots are cast around the moment from which on no answer comes back.
const BALLOTS: usize = 36;
/// This much time passes between two of those ballots.
const BETWEEN: Duration = Duration::from_millis(5);

/// These are the scenarios about web nodes and the database.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "web node killed between append and answer",
        area: Area::Web,
        zookeeper: false,
        nightly: false,
        harm: web_node,
    },
    Scenario {
        name: "PostgreSQL killed (kill -9)",
        area: Area::Database,
        zookeeper: false,
        nightly: false,
        harm: database_killed,
    },
    Scenario {
        name: "PostgreSQL away for long",
        area: Area::Database,
        zookeeper: false,
        nightly: true,
        harm: database_away,
    },
    Scenario {
        name: "PostgreSQL frozen, then thawed",
        area: Area::Database,
        zookeeper: false,
        nightly: true,
        harm: database_frozen,
    },
];

/// Kills a node after the brokers have a ballot and before their answer reaches it. The voter then sends the
/// ballot again, to the other node.
fn web_node(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let victim = harm.dice(|dice| dice.random_range(0..WEB.len()));
    let name = WEB[victim];
    // A partition whose batch is on its way sends nothing more until that is answered. So ballots are cast
    // before and after the answers stop: some are in those batches, or find a partition that is idle.
    let mut casting = Vec::new();
    for n in 0..BALLOTS {
        if n == BALLOTS / 2 {
            BROKERS.iter().for_each(|broker| stage.net.set(name, broker, Link::back(Way::Held)));
        }
        let ballot = harm.dice(ballot_id);
        casting.push((harm.load.cast_copies(1, victim, &ballot), ballot));
        std::thread::sleep(BETWEEN);
    }
    let topic = || Topic::read(&stage.cluster.bootstrap());
    // On a busy machine the whole topic is not read in an instant, and the first reading may have begun before any such
    // ballot was there. A leader that dies at the same time may put the topic out of reach for a while.
    let patience = if harm.alone { Duration::from_secs(12) } else { HEALED };
    let what = "a ballot is on the log and not answered";
    let caught = stage.cluster.wait_until(patience, what, || {
        let on_it = topic()?;
        // The voters are looked at after the log: one without an answer now had none when the log was read.
        let waits = casting.iter().filter(|(voting, _)| !voting.is_finished());
        let waits = waits.map(|(_, ballot)| ballot.clone());
        let caught: Vec<_> = waits.filter(|ballot| on_it.count(ballot) > 0).collect();
        ensure!(!caught.is_empty() || !harm.alone, "there is none");
        Ok(caught)
    })?;
    stage.cluster.kill(name)?;
    let count = caught.len();
    harm.did(&format!("killed {name}, which had not answered {count} ballots that are on the log"));
    BROKERS.iter().for_each(|broker| stage.net.mend_anew(name, broker));
    for (voting, ballot) in casting {
        let told = stage.runtime.block_on(voting)?;
        ensure!(told == Told::Recorded, "a voter was told {told:?}");
        harm.load.note(Sent { ballot, told });
    }
    let on_it = topic()?;
    let again = caught.iter().all(|ballot| on_it.count(ballot) > 1);
    ensure!(!harm.alone || again, "not all were sent again");
    harm.votes_go_on("by the other node", Duration::from_secs(1))?;
    stage.cluster.start_member(name)
}

fn database_killed(harm: &Harm<'_>) -> Result<()> {
    let cluster = &harm.stage.cluster;
    cluster.kill(DATABASE)?;
    harm.did("killed PostgreSQL");
    harm.votes_go_on("while PostgreSQL is dead", Duration::from_secs(3))?;
    cluster.start_member(DATABASE)?;
    harm.stage.wait_counted().map(drop)
}

fn database_away(harm: &Harm<'_>) -> Result<()> {
    let cluster = &harm.stage.cluster;
    cluster.stop(DATABASE)?;
    harm.did("stopped PostgreSQL");
    harm.votes_go_on("while PostgreSQL is away", Duration::from_secs(15))?;
    ensure!(cluster.database().query("SELECT 1").is_err(), "PostgreSQL is there");
    cluster.start_member(DATABASE)?;
    let long = harm.stage.wait_counted()?;
    eprintln!("          counted {long:.1?} after it was back");
    Ok(())
}

/// Freezes PostgreSQL: its connections stay open, and nobody answers.
fn database_frozen(harm: &Harm<'_>) -> Result<()> {
    let cluster = &harm.stage.cluster;
    cluster.pause(DATABASE)?;
    harm.did("froze PostgreSQL");
    harm.votes_go_on("while PostgreSQL is frozen", Duration::from_secs(8))?;
    cluster.resume(DATABASE)?;
    harm.stage.wait_counted().map(drop)
}
