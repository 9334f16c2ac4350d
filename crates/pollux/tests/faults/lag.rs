//! `Lag` measures how long acknowledged ballots wait until they are counted: again and again it compares
//! their places on the log with how far PostgreSQL says each partition is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pollux_cluster::Database;
use tokio_util::sync::CancellationToken;

/// This much time passes between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// `Waiting` keeps, by partition and offset, when each ballot was acknowledged that is not yet known to be
/// counted.
type Waiting = BTreeMap<u64, BTreeMap<u64, Instant>>;

/// `Lag` keeps the ballots that wait to be counted, and the longest wait so far.
#[derive(Default)]
pub struct Lag {
    waiting: Mutex<Waiting>,
    longest: Mutex<Duration>,
}

impl Lag {
    /// Notes that a ballot was acknowledged at this place.
    pub fn acknowledged(&self, partition: u64, offset: u64) {
        self.waiting.lock().entry(partition).or_default().insert(offset, Instant::now());
    }

    /// Returns the longest that a ballot has waited.
    pub fn longest(&self) -> Duration {
        *self.longest.lock()
    }

    /// Looks again and again, on a thread of its own, until `stop`.
    pub fn watch(self: &Arc<Self>, database: Database, stop: CancellationToken) -> JoinHandle<()> {
        let lag = self.clone();
        std::thread::spawn(move || {
            while !stop.is_cancelled() {
                // While the database is down nothing is counted.
                let counted = database.query("SELECT partition, next_offset FROM offsets");
                lag.counted(&counted.unwrap_or_default());
                std::thread::sleep(LOOK);
            }
        })
    }

    /// Takes rows of partition and next offset, and stops waiting for what they say is counted.
    fn counted(&self, rows: &str) {
        let mut waiting = self.waiting.lock();
        for row in rows.lines() {
            let mut numbers = row.split('|').map(str::parse::<u64>);
            if let (Some(Ok(partition)), Some(Ok(next))) = (numbers.next(), numbers.next())
                && let Some(mine) = waiting.get_mut(&partition)
            {
                *mine = mine.split_off(&next);
            }
        }
        let oldest = waiting.values().flat_map(BTreeMap::values).min();
        if let Some(oldest) = oldest {
            let mut longest = self.longest.lock();
            *longest = longest.max(oldest.elapsed());
        }
    }
}
