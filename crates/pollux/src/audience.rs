//! A simulated audience: voters with ballots, cast over keep-alive connections, each sent again
//! under the same ballot id until its fate is known. `simulate` and `demo` share it.
//!
//! With a rate the load is open: ballot *n* is due at `start + n / rate` whether or not the
//! server keeps up, and its latency counts from then, so a stall of the server shows in every
//! ballot that it delayed (no coordinated omission). Only the lateness of our own timer is left
//! out of the latency, and reported beside it.

mod crowd;
mod ledger;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use hdrhistogram::Histogram;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Uri};
use rand::RngExt;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

pub use self::crowd::{Ballot, Crowd, Habits};
pub use self::ledger::Ledger;
use crate::client::{Answer, Connection, NoAnswer, Server};
use crate::exit::{Failure, Outcome};

/// The first pause before a ballot is sent again; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What an audience needs to know of a poll, from the server's own description.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    /// Its id.
    pub id: String,
    /// Its join code.
    pub code: Option<String>,
    /// The question.
    pub question: String,
    /// open, closed, draft.
    pub status: String,
    /// Most options a ballot may mark.
    pub max_choices: u8,
    /// The options.
    pub options: Vec<PollOption>,
    /// Whether it takes a `voterId`.
    #[serde(default = "yes")]
    pub voter_ids: bool,
}

/// An option, as far as a voter cares.
#[derive(Clone, Debug, Deserialize)]
pub struct PollOption {
    /// Its id.
    pub id: u8,
}

fn yes() -> bool {
    true
}

/// How fast ballots are cast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many a second, due at fixed times.
    PerSecond(f64),
    /// As fast as the connections allow: each sends its next ballot once it has its answer.
    Max,
}

/// How the audience behaves as a whole.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Ballots a second.
    pub pace: Pace,
    /// Connections that cast them.
    pub connections: usize,
    /// For how long new ballots are begun.
    pub duration: Option<Duration>,
    /// For how long a ballot whose fate is not known is sent again.
    pub patience: Duration,
}

/// What has happened so far; shown while it happens.
#[derive(Debug, Default)]
pub struct Progress {
    /// Ballots whose fate is known or given up.
    pub done: AtomicU64,
    /// Answered with a receipt.
    pub acknowledged: AtomicU64,
    /// Sent, possibly recorded, and never answered.
    pub unknown: AtomicU64,
    /// Certainly not recorded.
    pub failed: AtomicU64,
    /// Times a ballot was sent again because its fate was not known or the server was busy.
    pub retries: AtomicU64,
    /// Acknowledged ballots sent once more on purpose.
    pub duplicates: AtomicU64,
}

/// What an audience did.
pub struct Report {
    /// The counts.
    pub progress: Arc<Progress>,
    /// From the first ballot to the last answer.
    pub elapsed: Duration,
    /// Microseconds from when a ballot was due to its acknowledgement.
    pub latency: Histogram<u64>,
    /// Microseconds by which our own timer woke a waiting connection too late.
    pub lateness: Histogram<u64>,
    /// The first reason a ballot failed for.
    pub trouble: Option<String>,
}

/// What the connections share.
struct Hall {
    server: Server,
    route: Uri,
    crowd: std::sync::Mutex<Crowd>,
    plan: Plan,
    start: Instant,
    progress: Arc<Progress>,
    latency: std::sync::Mutex<Histogram<u64>>,
    lateness: std::sync::Mutex<Histogram<u64>>,
    trouble: std::sync::Mutex<Option<String>>,
    ledger: Option<Ledger>,
}

/// Let the crowd vote until it has no more ballots, its time is up, or `stop` says so.
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
    let hall = Arc::new(Hall {
        server: server.clone(),
        route: route.parse().map_err(|_| Failure::failed("the poll's id is no UUID"))?,
        crowd: crowd.into(),
        start: Instant::now(),
        progress: progress.clone(),
        latency: micros_histogram().into(),
        lateness: micros_histogram().into(),
        trouble: None.into(),
        plan,
        ledger,
    });
    let mut seats = JoinSet::new();
    for _ in 0..hall.plan.connections {
        seats.spawn(seat(hall.clone(), stop.clone()));
    }
    while let Some(ended) = seats.join_next().await {
        ended?;
    }
    let hall = Arc::into_inner(hall).expect("every seat has ended");
    if let Some(ledger) = hall.ledger {
        ledger.close()?;
    }
    Ok(Report {
        progress,
        elapsed: hall.start.elapsed(),
        latency: hall.latency.into_inner().expect("no seat panicked"),
        lateness: hall.lateness.into_inner().expect("no seat panicked"),
        trouble: hall.trouble.into_inner().expect("no seat panicked"),
    })
}

/// Of microseconds, up to an hour. The bounds are needed: what is recorded by clamping makes no
/// histogram grow.
fn micros_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("sensible bounds, three digits")
}

/// One connection: cast ballot after ballot.
async fn seat(hall: Arc<Hall>, mut stop: watch::Receiver<bool>) {
    let mut connection = Connection::new(&hall.server);
    let end = hall.plan.duration.map(|duration| hall.start + duration);
    while !*stop.borrow() {
        let Some(ballot) = hall.crowd.lock().expect("no seat panicked").next() else { return };
        let now = Instant::now();
        let due = match hall.plan.pace {
            Pace::Max => now,
            Pace::PerSecond(rate) => {
                hall.start + Duration::from_secs_f64(ballot.number as f64 / rate)
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
            hall.lateness.lock().expect("no seat panicked").saturating_record(micros(woken - due));
            woken
        };
        hall.cast(&mut connection, ballot, since, &mut stop).await;
    }
}

/// How a ballot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Durable: the server said so.
    Acknowledged,
    /// It may or may not be on the log.
    Unknown,
    /// Certainly not on the log.
    Failed,
}

impl Hall {
    /// Cast one ballot until its fate is known, and keep the books.
    async fn cast(
        &self,
        connection: &mut Connection,
        ballot: Ballot,
        since: Instant,
        stop: &mut watch::Receiver<bool>,
    ) {
        let progress = &self.progress;
        let (fate, answer) = self.insist(connection, &ballot.body, since, stop).await;
        match fate {
            Fate::Acknowledged => {
                let micros = micros(since.elapsed());
                self.latency.lock().expect("no seat panicked").saturating_record(micros);
                progress.acknowledged.fetch_add(1, Relaxed);
                if ballot.again {
                    progress.duplicates.fetch_add(1, Relaxed);
                    let _ = self.send(connection, &ballot.body).await;
                }
            }
            Fate::Unknown => _ = progress.unknown.fetch_add(1, Relaxed),
            Fate::Failed => _ = progress.failed.fetch_add(1, Relaxed),
        }
        progress.done.fetch_add(1, Relaxed);
        if let Some(ledger) = &self.ledger {
            ledger.write(&ballot, fate, answer.as_ref());
        }
    }

    /// Send until there is a definite answer, patience ends, or the audience is sent home.
    async fn insist(
        &self,
        connection: &mut Connection,
        body: &Bytes,
        since: Instant,
        stop: &mut watch::Receiver<bool>,
    ) -> (Fate, Option<Answer>) {
        // Once one attempt may have arrived, no later refusal proves that none did.
        let mut perhaps = false;
        let mut pause = FIRST_PAUSE;
        loop {
            let (why, least) = match self.send(connection, body).await {
                Ok(answer) if answer.status.is_success() => {
                    return (Fate::Acknowledged, Some(answer));
                }
                Ok(answer) => {
                    let why = answer.problem();
                    match answer.status.as_u16() {
                        429 | 503 => (why, answer.retry_after),
                        500..600 => {
                            perhaps = true;
                            (why, answer.retry_after)
                        }
                        _ => return (self.given_up(perhaps, why), Some(answer)),
                    }
                }
                Err(error) => {
                    perhaps |= matches!(error, NoAnswer::Unknown(_));
                    (error.to_string(), None)
                }
            };
            if since.elapsed() >= self.plan.patience || *stop.borrow() {
                return (self.given_up(perhaps, why), None);
            }
            let jitter = rand::rng().random_range(0.5..1.0);
            let wait = pause.mul_f64(jitter).max(least.unwrap_or_default());
            tokio::select! {
                biased;
                // Sent home: one last attempt, at once.
                _ = stop.wait_for(|stop| *stop) => {}
                () = sleep(wait.min(self.plan.patience)) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.progress.retries.fetch_add(1, Relaxed);
        }
    }

    async fn send(&self, connection: &mut Connection, body: &Bytes) -> Result<Answer, NoAnswer> {
        const JSON: (HeaderName, HeaderValue) =
            (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        connection.send(Method::POST, &self.route, &[JSON], body.clone()).await
    }

    fn given_up(&self, perhaps: bool, why: String) -> Fate {
        self.trouble.lock().expect("no seat panicked").get_or_insert(why);
        if perhaps { Fate::Unknown } else { Fate::Failed }
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
