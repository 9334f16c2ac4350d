//! The strangers are voters such as other people's programs are: each sends its ballot once, to one node, and
//! has lost its vote if the answer is not yes.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::http::Client;
use crate::load::{Sent, Told, ballot_id};
use crate::scenario::Harm;

/// This much time passes between the arrivals of two strangers.
const BETWEEN: Duration = Duration::from_millis(10);
/// Of a thousand strangers, this many must have their votes acknowledged.
const TAKEN: usize = 999;
/// A stranger may wait for this much longer than the fault lasts. It is more than is promised
/// (docs/guarantees.md): brokers that come back start cold here, on the cores that everything else runs on.
const BEYOND: Duration = Duration::from_secs(8);

/// `Voted` is a stranger who has voted.
struct Voted {
    sent: Sent,
    status: u16,
    from: Instant,
    took: Duration,
}

/// `Strangers` owns the strangers at work.
pub struct Strangers {
    voting: JoinHandle<Vec<Voted>>,
    stop: CancellationToken,
}

impl Strangers {
    /// Starts the arrivals, each at one of the two web nodes.
    pub fn start(harm: &Harm<'_>) -> Self {
        let (nodes, poll) = (harm.stage.web_ports(), harm.polls[0].id.clone());
        let mut dice = harm.dice(|dice| StdRng::seed_from_u64(dice.random()));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let voting = harm.stage.runtime.spawn(async move {
            let (mut voting, mut ticks) = (JoinSet::new(), tokio::time::interval(BETWEEN));
            while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
                let (ballot, node) = (ballot_id(&mut dice), nodes[dice.random_range(0..2)]);
                let path = format!("/api/polls/{poll}/vote");
                voting.spawn(async move {
                    let body = json!({ "optionId": 1, "voterId": format!("of {ballot}"), "ballotId": ballot });
                    let from = Instant::now();
                    let answer = Client::new(node).send("POST", &path, Some(&body), None).await;
                    let status = answer.map_or(0, |(status, _)| status);
                    let told = match status {
                        200 | 202 => Told::Recorded,
                        503 => Told::NotRecorded,
                        _ => Told::Nothing,
                    };
                    Voted { sent: Sent { ballot, told }, status, from, took: from.elapsed() }
                });
            }
            voting.join_all().await
        });
        Self { voting, stop }
    }

    /// Stops the arrivals, and judges what the strangers were told, given when each fault was and how long it
    /// lasted.
    pub fn judge(self, harm: &Harm<'_>, faults: &[(Instant, Duration)]) -> Result<()> {
        self.stop.cancel();
        let voted = harm.stage.runtime.block_on(self.voting)?;
        let (all, mut taken, mut slowest) = (voted.len(), 0, Duration::ZERO);
        let mut others = std::collections::BTreeMap::<u16, usize>::new();
        let mut late = None;
        for Voted { sent, status, from, took } in voted {
            match sent.told {
                Told::Recorded => taken += 1,
                _ => *others.entry(status).or_default() += 1,
            }
            // A stranger waits for a fault from the fault's beginning at the earliest.
            let fault =
                faults.iter().filter(|(begun, long)| from < *begun + *long && from + took > *begun);
            let allowed = fault.map(|(_, long)| *long).max().unwrap_or_default() + BEYOND;
            if took > allowed && late.is_none() {
                late = Some((took, allowed));
            }
            slowest = slowest.max(took);
            harm.load.note(sent);
        }
        eprintln!(
            "          of {all} who never ask twice {taken} were told yes, the slowest after {slowest:.1?}; others: {others:?}"
        );
        ensure!(all > 1_000, "only {all} strangers came");
        ensure!(
            !harm.alone || taken * 1_000 >= all * TAKEN,
            "{taken} of {all} were told yes; others: {others:?}"
        );
        if let Some((took, allowed)) = late.filter(|_| harm.alone) {
            anyhow::bail!("a vote waited {took:.1?}; it was to be {allowed:.1?} at most");
        }
        Ok(())
    }
}
