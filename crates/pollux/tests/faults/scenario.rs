//! Every scenario runs in the same frame: fresh polls, a live load and screens; then the harm, with the tools
//! of [`Harm`]; then recovery, the close and the recount.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::load::Load;
use crate::recount::{self, Verdict};
use crate::report::Row;
use crate::screens::Screens;
use crate::stage::{Poll, Stage, WEB};

/// Votes are acknowledged again within this time, once the harm is mended, or nearly so.
pub const RECOVERED: Duration = Duration::from_secs(45);

/// Everything that was acknowledged is counted within this time, once the last harm is mended.
const COUNTED: Duration = Duration::from_secs(30);

/// `Area` is what a scenario harms; two that run at once must not harm the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// Brokers, ZooKeepers, and the network between them.
    Log,
    Processors,
    Web,
    Database,
    /// No process; the scenario is about what voters and organisers do.
    People,
    /// Several of these areas.
    All,
}

/// A `Scenario` is one way to harm the cluster.
pub struct Scenario {
    pub name: &'static str,
    pub area: Area,
    /// The flag of a scenario that needs a ZooKeeper.
    pub zookeeper: bool,
    /// The flag of a scenario that `make nightly` and `make torture` run, and `make test` leaves out: what it harms, a
    /// shorter scenario harms as well.
    pub nightly: bool,
    pub harm: fn(&Harm<'_>) -> Result<()>,
}

/// `Harm` is what a scenario works with.
pub struct Harm<'a> {
    pub stage: &'a Stage,
    pub load: &'a Load,
    pub polls: &'a [Poll],
    /// The flag of a run in which nothing else is harmed at the same time, so that the other members can be
    /// relied on.
    pub alone: bool,
    /// The flag of a run in which lengths of time vary, as the seed says.
    pub torture: bool,
    dice: Mutex<StdRng>,
    faults: AtomicU64,
    began: Instant,
}

impl Harm<'_> {
    /// Notes one more fault that was done, and whose effect was seen.
    pub fn did(&self, what: &str) {
        self.faults.fetch_add(1, Relaxed);
        eprintln!("  {:>6.1} s  {what}", self.began.elapsed().as_secs_f64());
    }

    /// Returns a random value, which the seed repeats.
    pub fn dice<T>(&self, throw: impl FnOnce(&mut StdRng) -> T) -> T {
        throw(&mut self.dice.lock())
    }

    /// Returns one of these names at random.
    pub fn one_of<'b>(&self, names: &[&'b str]) -> &'b str {
        names[self.dice(|dice| dice.random_range(0..names.len()))]
    }

    /// Waits about this long.
    pub fn wait(&self, long: Duration) {
        let factor = if self.torture { self.dice(|dice| dice.random_range(0.5..2.0)) } else { 1.0 };
        std::thread::sleep(long.mul_f64(factor));
    }

    /// Asserts that votes are acknowledged for this long in the present condition.
    pub fn votes_go_on(&self, during: &str, long: Duration) -> Result<()> {
        let before = self.load.acknowledged();
        self.wait(long);
        let acknowledged = self.load.acknowledged() - before;
        ensure!(!self.alone || acknowledged > 20, "{acknowledged} votes acknowledged {during}");
        Ok(())
    }

    /// Waits until votes are acknowledged again in every partition.
    pub fn recovered(&self) -> Result<()> {
        self.load.wait_everywhere(RECOVERED)
    }

    /// Asserts that the network has held, slowed or cut something since `before`.
    pub fn touched_since(&self, before: u64) -> Result<()> {
        let touched = self.stage.net.touched() - before;
        ensure!(touched > 0, "nothing was sent over the link that was harmed");
        Ok(())
    }

    /// Waits until a piece that a link was waiting for is held.
    pub fn caught_since(&self, before: u64, what: &str) -> Result<()> {
        let patience = if self.alone { Duration::from_secs(20) } else { RECOVERED };
        self.stage.cluster.wait_until(patience, what, || {
            ensure!(self.stage.net.caught() > before, "nothing was caught");
            Ok(())
        })
    }
}

/// Runs scenarios at once under one load, and returns a row for the table.
pub fn run(stage: &Stage, scenarios: &[&Scenario], seed: u64, torture: bool) -> Row {
    let name = scenarios.iter().map(|it| it.name).collect::<Vec<_>>().join(" + ");
    eprintln!("\n{name} (seed {seed})");
    let mut row = Row { name, ..Row::default() };
    let begun = Instant::now();
    let done = stage
        .heal()
        .context("healing before")
        .and_then(|()| harm_and_judge(stage, scenarios, seed, torture, &mut row));
    if let Err(why) = done {
        row.wrong.push(format!("{why:#}"));
    }
    row.took = begun.elapsed();
    for wrong in &row.wrong {
        eprintln!("  WRONG: {wrong}");
    }
    if !row.wrong.is_empty() {
        stage.tell_logs();
    }
    eprintln!("  {row:?}");
    row
}

fn harm_and_judge(
    stage: &Stage,
    scenarios: &[&Scenario],
    seed: u64,
    torture: bool,
    row: &mut Row,
) -> Result<()> {
    let polls = stage.polls()?;
    let ids: Vec<String> = polls.iter().map(|poll| poll.id.clone()).collect();
    let runtime = stage.runtime.handle();
    let nodes = [(WEB[0], stage.port(0)), (WEB[1], stage.port(1))];
    let screens = Screens::start(runtime, &nodes, &ids);
    let load = Load::start(stage, polls.clone(), seed);
    let warm = load.wait_everywhere(RECOVERED).context("before any harm");
    let harmed = warm.and_then(|()| harm(stage, scenarios, seed, torture, &load, &polls, row));
    // Whatever went wrong, the recount says what became of the votes.
    let healed = stage.heal().context("healing");
    let recovered = load.wait_everywhere(RECOVERED).context("after the harm");
    row.still = screens.stood_still();
    let outcome = load.finish()?;
    let stopped = Instant::now();
    let counted = stage.wait_counted().and_then(|long| {
        ensure!(long < COUNTED, "the last votes were counted after {long:.1?} only");
        Ok(())
    });
    for result in [harmed, healed, recovered, counted] {
        if let Err(why) = result {
            row.wrong.push(format!("{why:#}"));
            row.waited += 1;
        }
    }
    row.acknowledged = outcome.acknowledged;
    row.unavailable = outcome.unavailable;
    row.slowest = outcome.slowest;
    row.lag = outcome.lag;
    row.answers = outcome.answers.clone();
    row.wrong.extend(outcome.wrong.iter().take(5).cloned());
    for poll in polls.iter() {
        stage.close(poll)?;
    }
    for poll in polls.iter() {
        stage.final_view(0, poll)?;
        stage.final_view(1, poll)?;
    }
    row.counted = stopped.elapsed();
    (row.states, row.reconnects) = screens.counts();
    let verdict = recount::judge(stage, &polls, &outcome.sent, &screens)?;
    let Verdict { lost, doubled, wrong, decided, repeated } = verdict;
    (row.lost, row.doubled) = (lost.len() as u64, doubled);
    (row.decided, row.repeated) = (decided, repeated);
    row.wrong.extend(wrong);
    if !lost.is_empty() {
        row.wrong.push(format!("lost: {:?}", lost.iter().take(5).collect::<Vec<_>>()));
    }
    if doubled > 0 {
        row.wrong.push(format!("{doubled} doubled"));
    }
    Ok(())
}

/// Does the harm of all scenarios at once, and returns the first failure.
fn harm(
    stage: &Stage,
    scenarios: &[&Scenario],
    seed: u64,
    torture: bool,
    load: &Load,
    polls: &Arc<Vec<Poll>>,
    row: &mut Row,
) -> Result<()> {
    let harms: Vec<Harm<'_>> = (0..scenarios.len())
        .map(|n| Harm {
            stage,
            load,
            polls,
            alone: scenarios.len() == 1,
            torture,
            dice: Mutex::new(StdRng::seed_from_u64(seed.wrapping_add(n as u64 + 1))),
            faults: AtomicU64::new(0),
            began: Instant::now(),
        })
        .collect();
    let outcomes: Vec<Result<()>> = std::thread::scope(|scope| {
        let running: Vec<_> = scenarios
            .iter()
            .zip(&harms)
            .map(|(scenario, harm)| scope.spawn(move || (scenario.harm)(harm)))
            .collect();
        let ended = running.into_iter().map(|one| one.join());
        ended.map(|one| one.unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked")))).collect()
    });
    row.faults = harms.iter().map(|harm| harm.faults.load(Relaxed)).sum();
    outcomes.into_iter().collect::<Result<()>>()?;
    for (scenario, harm) in scenarios.iter().zip(&harms) {
        ensure!(harm.faults.load(Relaxed) > 0, "{}: no fault was injected", scenario.name);
    }
    Ok(())
}
