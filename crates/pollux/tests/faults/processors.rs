//! These scenarios kill processors between two steps, stop them while another takes over, and have them come
//! and go.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use pollux_cluster::State;

use crate::proxy::{Link, Way};
use crate::scenario::{Area, Harm, RECOVERED, Scenario};
use crate::stage::{DATABASE, GUEST, PROCESSORS};

/// These bytes begin a transaction: the batch is folded, and nothing of it is sent.
const BEGIN: &[u8] = b"BEGIN\0";
/// These bytes end a transaction on its way to PostgreSQL; PostgreSQL's answer to it happens to contain the
/// same.
const COMMIT: &[u8] = b"COMMIT\0";

/// With this text a processor logs which partitions it has.
const HAS: &str = "this processor now holds partitions";
/// The scenario tries at most this often to have two workers commit the same records.
const ATTEMPTS: usize = 8;

/// These are the scenarios about processors.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "processor killed between fold and commit",
        area: Area::Processors,
        zookeeper: false,
        nightly: false,
        harm: before_commit,
    },
    Scenario {
        name: "processor killed between commit and announcement",
        area: Area::Processors,
        zookeeper: false,
        nightly: true,
        harm: after_commit,
    },
    Scenario {
        name: "processor stopped past its session, another takes over, resumed",
        area: Area::Processors,
        zookeeper: false,
        nightly: true,
        harm: stopped,
    },
    Scenario {
        name: "processors joining and leaving every two seconds",
        area: Area::Processors,
        zookeeper: false,
        nightly: true,
        harm: joining_and_leaving,
    },
    Scenario {
        name: "processor commits after its partition has moved on",
        area: Area::Processors,
        zookeeper: false,
        nightly: false,
        harm: fenced,
    },
];

/// Kills a processor whose batch is folded and sent, and whose COMMIT has not arrived.
fn before_commit(harm: &Harm<'_>) -> Result<()> {
    let victim = harm.one_of(&PROCESSORS);
    let caught = harm.stage.net.caught();
    harm.stage.net.set(victim, DATABASE, Link::there(Way::HeldFrom(COMMIT)));
    harm.caught_since(caught, "a COMMIT is on its way")?;
    kill_and_see_taken_over(harm, victim, "with its rows sent and not committed")
}

/// Kills a processor that does not hear that PostgreSQL has committed: nothing is announced.
fn after_commit(harm: &Harm<'_>) -> Result<()> {
    let victim = harm.one_of(&PROCESSORS);
    let caught = harm.stage.net.caught();
    harm.stage.net.set(victim, DATABASE, Link::back(Way::HeldFrom(COMMIT)));
    harm.caught_since(caught, "a COMMIT is answered")?;
    kill_and_see_taken_over(harm, victim, "with its rows committed and not announced")
}

fn kill_and_see_taken_over(harm: &Harm<'_>, victim: &str, when: &str) -> Result<()> {
    let stage = harm.stage;
    stage.cluster.kill(victim)?;
    harm.did(&format!("killed {victim} {when}"));
    // Whatever was held is dropped with its sender's connections.
    stage.net.mend_anew(victim, DATABASE);
    let long = stage.wait_counted()?;
    eprintln!("          counted by the other one {long:.1?} later");
    stage.cluster.start_member(victim)?;
    stage.wait_counted().map(drop)
}

fn stopped(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let victim = harm.one_of(&PROCESSORS);
    // The processor is stopped in the middle of a batch: its COMMIT arrives after others have taken over.
    let caught = stage.net.caught();
    stage.net.set(victim, DATABASE, Link::there(Way::HeldFrom(COMMIT)));
    harm.caught_since(caught, "a COMMIT is on its way")?;
    stage.cluster.pause(victim)?;
    let long = stage.wait_counted()?;
    ensure!(stage.cluster.state(victim)? == State::Paused, "{victim} is not stopped");
    harm.did(&format!("stopped {victim}; the other one had taken over {long:.1?} later"));
    harm.wait(Duration::from_secs(1));
    stage.net.mend(victim, DATABASE);
    harm.did("its COMMIT arrived late");
    stage.cluster.resume(victim)?;
    harm.wait(Duration::from_secs(2));
    ensure!(stage.cluster.state(victim)? == State::Running, "{victim} has died");
    stage.wait_counted().map(drop)
}

/// Has partitions change hands in the middle of batches, while one of the processors is slow.
fn joining_and_leaving(harm: &Harm<'_>) -> Result<()> {
    let (stage, cluster) = (harm.stage, &harm.stage.cluster);
    let slow = harm.one_of(&PROCESSORS);
    let (slow_before, guest_before) = (said(harm, slow, HAS), given(harm, GUEST));
    stage.net.set(slow, DATABASE, Link::slow(Duration::from_millis(120)));
    for n in 0..4 {
        cluster.launch(GUEST)?;
        harm.wait(Duration::from_secs(2));
        leave(harm, n)?;
        harm.wait(Duration::from_secs(2));
    }
    // The guest joins once more, and stays until it was given partitions to work on.
    cluster.launch(GUEST)?;
    cluster.wait_until(RECOVERED, "the group has changed hands", || {
        let (slow, guest) =
            (said(harm, slow, HAS) - slow_before, given(harm, GUEST) - guest_before);
        ensure!(slow > 0 && guest > 0, "{slow} changes of the slow one, {guest} of the guest");
        Ok(())
    })?;
    harm.wait(Duration::from_secs(2));
    leave(harm, 1)?;
    stage.net.mend(slow, DATABASE);
    stage.wait_counted().map(drop)
}

/// Stops the guest in good order if `n` is even, and kills it otherwise.
fn leave(harm: &Harm<'_>, n: u32) -> Result<()> {
    match n % 2 {
        0 => harm.stage.cluster.stop(GUEST)?,
        _ => harm.stage.cluster.kill(GUEST)?,
    }
    harm.did(&format!("{GUEST} came and {}", if n.is_multiple_of(2) { "left" } else { "died" }));
    Ok(())
}

/// Returns how often a text stands in a member's log.
fn said(harm: &Harm<'_>, name: &str, text: &str) -> usize {
    let log = harm.stage.cluster.folder().join(format!("{name}.log"));
    fs::read_to_string(log).unwrap_or_default().matches(text).count()
}

/// Returns how often a processor was given partitions.
fn given(harm: &Harm<'_>, name: &str) -> usize {
    said(harm, name, HAS) - said(harm, name, &format!("{HAS} partitions=[]"))
}

/// Has a worker hold a batch while its partition is given to another worker, which counts the same records;
/// then the first one commits. Only the compare-and-set of the offset prevents a double count. A worker gives
/// up by itself after five seconds, so the scenario is repeated until the commit is in time.
fn fenced(harm: &Harm<'_>) -> Result<()> {
    let (stage, cluster) = (harm.stage, &harm.stage.cluster);
    let slow = harm.one_of(&PROCESSORS);
    let fences = || said(harm, slow, "another worker has taken over");
    let fenced = fences();
    for _ in 0..ATTEMPTS {
        let before = given(harm, GUEST);
        cluster.start_member(GUEST)?;
        // Holding begins only now, so that the worker has not yet given up when the guest has committed.
        stage.net.set(slow, DATABASE, Link::there(Way::HeldFrom(BEGIN)));
        cluster.wait_until(RECOVERED, "the guest was given some to work on", || {
            ensure!(given(harm, GUEST) > before, "none yet");
            Ok(())
        })?;
        // Only the slow processor's partitions stand still.
        let then = stage.counted()?;
        cluster.wait_until(RECOVERED, "the guest has committed", || {
            let moved = stage.counted()?.iter().zip(&then).filter(|(now, then)| now > then).count();
            ensure!(moved > then.len() / 2, "{moved} partitions move");
            Ok(())
        })?;
        stage.net.mend(slow, DATABASE);
        harm.wait(Duration::from_secs(1));
        cluster.stop(GUEST)?;
        if fences() > fenced {
            harm.did(&format!("{slow} committed what {GUEST} had committed, and was fenced off"));
            return stage.wait_counted().map(drop);
        }
        harm.wait(Duration::from_secs(1));
    }
    anyhow::bail!("{slow} was never fenced off in {ATTEMPTS} attempts")
}
