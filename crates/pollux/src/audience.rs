//! An audience simulates voters: they cast ballots, and send each again under the same ballot id until its
//! fate is known. `simulate` and `demo` cast the ballots over HTTP, `produce` straight to the topic.
//!
//! With a rate the load is open: ballot *n* is due at `start + n / rate` whether or not the server keeps
//! up, and its latency counts from then. So a stall of the server shows in every ballot that it delayed
//! (no coordinated omission). Only the lateness of our own timer is left out of the latency, and is
//! reported beside it.

mod booth;
mod crowd;
mod ledger;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hdrhistogram::Histogram;
use hyper::Uri;
use pollux_core::kind::Form;
use pollux_server::watch::view::kind::KindView;
use rand::RngExt;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use self::booth::HttpBooth;
pub use self::booth::{Answered, Attempt, Booth};
pub use self::crowd::{Ballot, Crowd, Habits};
use self::ledger::Fate;
pub use self::ledger::Ledger;
use crate::client::{Connection, Server};
use crate::exit::{Failure, Outcome};
use crate::kind;

/// A ballot is sent again after this pause, less a random part of up to half of it. Each further pause is
/// twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// No pause before a ballot is sent again is longer than this, unless the server asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// `Poll` is what an audience needs to know of a poll, as the server describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    /// The poll's id.
    pub id: String,
    /// The question that the poll asks.
    pub question: String,
    /// The poll's status on the wire: `open`, `closed` or `draft`.
    pub status: String,
    /// What an answer may say.
    #[serde(flatten, deserialize_with = "form")]
    pub form: Form,
    /// Whether the poll takes a `voterId`.
    #[serde(default = "yes")]
    pub voter_ids: bool,
}

/// Reads what an answer may say from the server's description of the poll's kind.
fn form<'de, D: Deserializer<'de>>(described: D) -> Result<Form, D::Error> {
    kind::form(&KindView::deserialize(described)?).map_err(D::Error::custom)
}

fn yes() -> bool {
    true
}

/// `Pace` says how fast ballots are cast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// The number of ballots a second, due at fixed times.
    PerSecond(f64),
    /// As fast as the booths allow: each casts the next ballot once the last one's fate is known.
    Max,
}

/// `Plan` says how the audience behaves as a whole.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The rate at which ballots are cast.
    pub pace: Pace,
    /// The number of ballots in flight at once; over HTTP, of connections.
    pub booths: usize,
    /// How long new ballots are begun; `None` until the crowd has no more.
    pub duration: Option<Duration>,
    /// How long a ballot whose fate is unknown is sent again.
    pub patience: Duration,
}

/// `Progress` counts what has happened so far, and is shown while the audience votes.
#[derive(Debug, Default)]
pub struct Progress {
    /// Ballots that are done: acknowledged, unknown or failed.
    pub done: AtomicU64,
    /// Ballots that were answered with a receipt.
    pub acknowledged: AtomicU64,
    /// Ballots that were sent, may be recorded, and never got an answer that says so.
    pub unknown: AtomicU64,
    /// Ballots that are certainly not recorded.
    pub failed: AtomicU64,
    /// Times that a ballot was sent again because its fate was unknown or the server was busy.
    pub retries: AtomicU64,
    /// Acknowledged ballots that were sent once more on purpose.
    pub duplicates: AtomicU64,
}

/// `Report` says what an audience did.
pub struct Report {
    /// The final counts.
    pub progress: Arc<Progress>,
    /// The time from the first ballot to the last answer.
    pub elapsed: Duration,
    /// Microseconds from the moment at which a ballot was due to its acknowledgement.
    pub latency: Histogram<u64>,
    /// Microseconds by which our own timer was late.
    pub lateness: Histogram<u64>,
    /// The first reason for which a ballot was given up.
    pub trouble: Option<String>,
}

/// `Shared` is what all booths share.
struct Shared {
    crowd: std::sync::Mutex<Crowd>,
    plan: Plan,
    start: Instant,
    progress: Arc<Progress>,
    latency: std::sync::Mutex<Histogram<u64>>,
    lateness: std::sync::Mutex<Histogram<u64>>,
    trouble: std::sync::Mutex<Option<String>>,
    ledger: Option<Ledger>,
}

/// Lets the crowd vote over HTTP until it has no more ballots, its time is up, or `stop` becomes true.
pub async fn vote(
    server: &Server,
    poll: &Poll,
    crowd: Crowd,
    plan: Plan,
    ledger: Option<Ledger>,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> Outcome<Report> {
    let route = server.path(&format!("/api/polls/{}/vote", poll.id));
    let route: Uri = route.parse().map_err(|_| Failure::failed("the poll's id is no UUID"))?;
    let booth = || HttpBooth::new(Connection::new(server), route.clone());
    vote_at(booth, crowd, plan, ledger, progress, stop).await
}

/// Lets the crowd vote at booths of any kind; otherwise as [`vote`].
pub async fn vote_at<B: Booth>(
    booth: impl Fn() -> B,
    crowd: Crowd,
    plan: Plan,
    ledger: Option<Ledger>,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> Outcome<Report> {
    let shared = Arc::new(Shared {
        crowd: crowd.into(),
        start: Instant::now(),
        progress: progress.clone(),
        latency: micros_histogram().into(),
        lateness: micros_histogram().into(),
        trouble: None.into(),
        plan,
        ledger,
    });
    let mut booths = JoinSet::new();
    for _ in 0..shared.plan.booths {
        booths.spawn(attend(shared.clone(), booth(), stop.clone()));
    }
    while let Some(ended) = booths.join_next().await {
        ended?;
    }
    let shared = Arc::into_inner(shared).expect("every booth is closed");
    if let Some(ledger) = shared.ledger {
        ledger.close()?;
    }
    Ok(Report {
        progress,
        elapsed: shared.start.elapsed(),
        latency: shared.latency.into_inner().expect("no booth panicked"),
        lateness: shared.lateness.into_inner().expect("no booth panicked"),
        trouble: shared.trouble.into_inner().expect("no booth panicked"),
    })
}

/// Returns an empty histogram of microseconds, up to an hour. The bounds are needed:
/// `saturating_record` clamps a value to them and never makes the histogram grow.
fn micros_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("sensible bounds, three digits")
}

/// Casts ballot after ballot at one booth.
async fn attend<B: Booth>(shared: Arc<Shared>, mut booth: B, mut stop: watch::Receiver<bool>) {
    let end = shared.plan.duration.map(|duration| shared.start + duration);
    while !*stop.borrow() {
        let Some(ballot) = shared.crowd.lock().expect("no booth panicked").next() else { return };
        let now = Instant::now();
        let due = match shared.plan.pace {
            Pace::Max => now,
            Pace::PerSecond(rate) => {
                shared.start + Duration::from_secs_f64(ballot.number as f64 / rate)
            }
        };
        if end.is_some_and(|end| due >= end) {
            return;
        }
        let since = if due <= now {
            due
        } else {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep_until(due) => {}
            }
            let woken = Instant::now();
            shared
                .lateness
                .lock()
                .expect("no booth panicked")
                .saturating_record(micros(woken - due));
            woken
        };
        shared.cast(&mut booth, ballot, since, &mut stop).await;
    }
}

impl Shared {
    /// Casts one ballot until its fate is known, and counts it.
    async fn cast<B: Booth>(
        &self,
        booth: &mut B,
        ballot: Ballot,
        since: Instant,
        stop: &mut watch::Receiver<bool>,
    ) {
        let progress = &self.progress;
        let (fate, answered) = self.retry(booth, &ballot, since, stop).await;
        match fate {
            Fate::Acknowledged => {
                let micros = micros(since.elapsed());
                self.latency.lock().expect("no booth panicked").saturating_record(micros);
                progress.acknowledged.fetch_add(1, Relaxed);
                if ballot.again {
                    progress.duplicates.fetch_add(1, Relaxed);
                    let _ = booth.cast(&ballot).await;
                }
            }
            Fate::Unknown => _ = progress.unknown.fetch_add(1, Relaxed),
            Fate::Failed => _ = progress.failed.fetch_add(1, Relaxed),
        }
        progress.done.fetch_add(1, Relaxed);
        if let Some(ledger) = &self.ledger {
            ledger.write(&ballot, fate, &answered);
        }
    }

    /// Tries until there is a definite answer, patience is exhausted, or the audience is stopped.
    async fn retry<B: Booth>(
        &self,
        booth: &mut B,
        ballot: &Ballot,
        since: Instant,
        stop: &mut watch::Receiver<bool>,
    ) -> (Fate, Answered) {
        // Once one attempt may have arrived, no later refusal proves that none did.
        let mut maybe_recorded = false;
        let mut pause = FIRST_PAUSE;
        loop {
            let (why, least) = match booth.cast(ballot).await {
                Attempt::Acknowledged(answered) => return (Fate::Acknowledged, answered),
                Attempt::Refused(why, answered) => {
                    return (self.given_up(maybe_recorded, why), answered);
                }
                Attempt::NotNow(why, least) => (why, least),
                Attempt::Unknown(why, least) => {
                    maybe_recorded = true;
                    (why, least)
                }
            };
            if since.elapsed() >= self.plan.patience || *stop.borrow() {
                return (self.given_up(maybe_recorded, why), Answered::default());
            }
            let jitter = rand::rng().random_range(0.5..1.0);
            let wait = pause.mul_f64(jitter).max(least.unwrap_or_default());
            tokio::select! {
                biased;
                // After a stop, one last attempt follows at once.
                _ = stop.wait_for(|stop| *stop) => {}
                () = sleep(wait.min(self.plan.patience)) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.progress.retries.fetch_add(1, Relaxed);
        }
    }

    fn given_up(&self, maybe_recorded: bool, why: String) -> Fate {
        self.trouble.lock().expect("no booth panicked").get_or_insert(why);
        if maybe_recorded { Fate::Unknown } else { Fate::Failed }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_told_as_slow() {
        let mut latency = micros_histogram();
        for micros in [3, 70_000, 8_000_000] {
            latency.saturating_record(micros);
        }
        let close = |told: u64, true_one: u64| told.abs_diff(true_one) <= true_one / 1_000;
        assert!(close(latency.value_at_quantile(0.5), 70_000), "{latency:?}");
        assert!(close(latency.max(), 8_000_000), "{latency:?}");
    }
}
