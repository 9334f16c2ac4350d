//! This scenario sets the clocks of the web nodes wrong, and sets them back while people vote.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use rand::RngExt;
use serde_json::{Value, json};

use crate::http::Client;
use crate::load::{Sent, Told};
use crate::preload::Preload;
use crate::scenario::{Area, Harm, Scenario};
use crate::stage::{Stage, WEB};

/// A node's clock is this many seconds ahead or behind. Together two nodes are further apart than a minute,
/// which is more than any bound on a ballot's own time.
const WRONG: i64 = 40;
/// `LIBRARY` puts a node under such a clock.
const LIBRARY: Preload = Preload { name: "clock", variable: "POLLUX_TEST_CLOCK" };
/// This many people change their minds under each setting of the clocks.
const VOTERS: usize = 12;

/// This is the scenario about clocks.
pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "web nodes' clocks more than a minute apart, then set back",
    area: Area::Web,
    zookeeper: false,
    nightly: true,
    harm: apart,
}];

/// Lets voters who name no ballot vote at a node with one clock and then at a node with another. Whatever the
/// clocks say, the vote that was sent after the answer to the first one counts.
fn apart(harm: &Harm<'_>) -> Result<()> {
    let outcome = with_clocks(harm);
    for name in WEB {
        Clock::take_away(harm.stage, name)?;
    }
    outcome
}

/// Sets the clocks apart, and then each to where the other was, while people vote.
fn with_clocks(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let clocks = [Clock::new(stage, WEB[0])?, Clock::new(stage, WEB[1])?];
    for (web, wrong) in [(0, WRONG), (1, -WRONG)] {
        clocks[web].set(wrong)?;
        clocks[web].give(stage, WEB[web])?;
        seen(stage, web, wrong)?;
        harm.did(&format!("{}'s clock is {wrong} s ahead", WEB[web]));
    }
    harm.recovered()?;
    let mut counted = minds_change(harm)?;
    for (web, wrong) in [(0, -WRONG), (1, WRONG)] {
        clocks[web].set(wrong)?;
        seen(stage, web, wrong)?;
        harm.did(&format!("{}'s clock was set to {wrong} s ahead", WEB[web]));
        counted += minds_change(harm)?;
    }
    ensure!(counted >= VOTERS, "only {counted} were told that their last vote counts");
    Ok(())
}

/// Lets voters vote at one node and then at the other, one after another. Returns how many were told that
/// their last vote counts. A node that is busy may know only that it is recorded, or not even that.
fn minds_change(harm: &Harm<'_>) -> Result<usize> {
    let mut counted = 0;
    for _ in 0..VOTERS {
        let first = harm.dice(|dice| dice.random_range(0..WEB.len()));
        let voter = format!("of two minds {:032x}", harm.dice(|dice| dice.random::<u128>()));
        // A vote without an answer may come after the other one.
        if vote(harm, first, &voter, 1)?.is_none() {
            continue;
        }
        let Some(last) = vote(harm, 1 - first, &voter, 2)? else { continue };
        match last["status"].as_str() {
            Some("counted") => counted += 1,
            Some("recorded") => {}
            _ => bail!("the last vote of {voter}, sent to {}, is told {last}", WEB[1 - first]),
        }
    }
    Ok(counted)
}

/// Votes without a name for the ballot and waits until it is decided. Returns the receipt, or nothing if the
/// node cannot say what became of it.
fn vote(harm: &Harm<'_>, web: usize, voter: &str, option: u8) -> Result<Option<Value>> {
    let path = format!("/api/polls/{}/vote?wait=counted", harm.polls[0].id);
    let body = json!({ "optionId": option, "voterId": voter });
    let (status, said) = harm.stage.ask(web, "POST", &path, Some(&body), None)?;
    let told = match status {
        200 | 202 => Told::Recorded,
        504 => Told::Nothing,
        _ => bail!("{} answered {status}: {said}", WEB[web]),
    };
    let ballot = said["ballotId"].as_str().context("the answer names no ballot")?.to_owned();
    harm.load.note(Sent { ballot, told });
    Ok((told == Told::Recorded).then_some(said))
}

/// Asserts that a node goes by a clock that is about this many seconds ahead.
fn seen(stage: &Stage, web: usize, wrong: i64) -> Result<()> {
    stage.cluster.wait_until(Duration::from_secs(10), "the node goes by the wrong clock", || {
        let mut client = Client::new(stage.port(web));
        let date = stage.runtime.block_on(client.date("/healthz"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64;
        let ahead = date - now;
        ensure!((ahead - wrong).abs() < 5, "it is {ahead} s ahead, not {wrong}");
        Ok(())
    })
}

/// A `Clock` is a file that the library of `clock.c` reads in one node.
struct Clock {
    file: PathBuf,
}

impl Clock {
    /// Makes a clock that is right.
    fn new(stage: &Stage, name: &str) -> Result<Self> {
        let clock = Self { file: stage.cluster.folder().join(format!("{name}.clock")) };
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets the clock this many seconds ahead of the true time.
    fn set(&self, seconds: i64) -> Result<()> {
        // The node has the file's page in its memory, so the file is written in place.
        let file = File::options().write(true).create(true).truncate(false).open(&self.file)?;
        Ok(file.write_all_at(&(seconds * 1000).to_ne_bytes(), 0)?)
    }

    /// Starts the node again under this clock.
    fn give(&self, stage: &Stage, name: &str) -> Result<()> {
        LIBRARY.give(&stage.cluster, name, &self.file)?;
        stage.cluster.restart(name)
    }

    /// Starts the node again under the true clock.
    fn take_away(stage: &Stage, name: &str) -> Result<()> {
        LIBRARY.take_away(&stage.cluster, name)?;
        stage.cluster.restart(name)
    }
}
