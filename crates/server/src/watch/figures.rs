//! The figures that the hub keeps beside its polls: how far partitions are committed, how long a
//! vote takes to the screen, and how polls came to their numbers.

use parking_lot::Mutex;
use pollux_core::id::{Generation, Offset, Partition, UnixMillis};
use pollux_core::standing::Standing;
use uuid::Uuid;

use super::latency::Latency;
use super::trend::Trends;
use crate::config::WatchLimits;
use crate::level::Level;

/// `Figures` holds the measured figures. Each lock is held for one look or change, and no other is
/// taken meanwhile.
pub(super) struct Figures {
    /// How far each partition is committed.
    pub progress: Vec<Level<(Generation, Offset)>>,
    /// The time at which this node last heard that votes were committed.
    pub committed_at: Mutex<Option<UnixMillis>>,
    pub latency: Latency,
    pub trends: Trends,
}

impl Figures {
    pub fn new(partitions: u32, limits: &WatchLimits) -> Self {
        let none = || Level::new((Generation(Uuid::nil()), 0));
        Self {
            progress: (0..partitions).map(|_| none()).collect(),
            committed_at: Mutex::default(),
            latency: Latency::new(partitions, limits.latency_samples),
            trends: Trends::new(limits.trends),
        }
    }

    /// Records that the partition is committed up to `next`.
    pub fn advance(&self, partition: Partition, generation: Generation, next: Offset) {
        if let Some(progress) = self.progress.get(partition as usize) {
            progress.change(|now| {
                let newer = (generation, next) > *now;
                if newer {
                    *now = (generation, next);
                }
                newer
            });
        }
    }

    /// Records that the partitions are committed as far as the poll's tallies are.
    pub fn advance_to(&self, standing: &Standing) {
        for tally in standing.tallies() {
            self.advance(tally.partition, tally.generation, tally.next_offset);
        }
    }
}
