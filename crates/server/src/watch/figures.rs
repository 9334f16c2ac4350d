//! The figures that the hub keeps beside its polls: how far partitions are committed, how long a
//! vote takes to the screen, and who watches.

use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use pollux_core::id::{Generation, Offset, Partition, PollId, Position, UnixMillis};
use pollux_core::standing::Standing;
use uuid::Uuid;

use super::hub::Hub;
use super::latency::{Latency, Percentiles};
use super::trend::{Trend, Trends};
use crate::config::WatchLimits;
use crate::level::Level;

/// The measured figures. Each lock is held for one look or change, and no other is taken meanwhile.
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
}

impl Hub {
    /// Waits until this node has heard that the partition is committed beyond this offset.
    pub async fn committed(&self, partition: Partition, offset: Offset) {
        let Some(progress) = self.figures.progress.get(partition as usize) else {
            return std::future::pending().await;
        };
        progress.wait_for(|(_, next)| next > offset).await;
    }

    /// Records that the partition is committed up to `next`.
    pub(super) fn advance(&self, partition: Partition, generation: Generation, next: Offset) {
        if let Some(progress) = self.figures.progress.get(partition as usize) {
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
    pub(super) fn advance_to(&self, standing: &Standing) {
        for tally in standing.tallies() {
            self.advance(tally.partition, tally.generation, tally.next_offset);
        }
    }

    /// Returns how far each partition is committed, as far as this node has heard; the offset is 0
    /// where it has heard nothing.
    pub fn progress(&self) -> Vec<Offset> {
        self.figures.progress.iter().map(|level| level.get().1).collect()
    }

    /// Returns when this node last heard that votes were committed.
    pub fn committed_at(&self) -> Option<UnixMillis> {
        *self.figures.committed_at.lock()
    }

    /// Takes note that the log has just acknowledged a ballot that was cast here.
    pub fn acknowledged(&self, poll: PollId, position: Position) {
        let Position { partition, offset: Some(offset) } = position else { return };
        let decided = |level: &Level<(Generation, Offset)>| level.get().1 > offset;
        // A ballot that was counted before it was acknowledged may be on the screen already.
        if !self.figures.progress.get(partition as usize).is_some_and(decided) {
            self.figures.latency.acknowledged(poll, partition, offset);
        }
    }

    /// Returns how long votes that were cast here take to the screen; `None` before the first.
    pub fn vote_to_screen(&self) -> Option<Percentiles> {
        self.figures.latency.percentiles()
    }

    /// Returns how a poll came to its numbers since this node knows it, as far as that is kept.
    pub fn trend(&self, poll: PollId) -> Option<Trend> {
        self.figures.trends.of(poll)
    }

    /// Returns how many viewers on this node are subscribed to this poll.
    pub fn viewers_of(&self, poll: PollId) -> usize {
        self.entry(poll).map_or(0, |entry| entry.viewers.lock().len())
    }

    /// Whether a viewer from elsewhere
    /// ([`Interest::elsewhere`](super::viewer::Interest::elsewhere)) ever watched this poll here.
    pub fn viewers_elsewhere(&self, poll: PollId) -> bool {
        self.entry(poll).is_some_and(|entry| entry.elsewhere.load(Ordering::Relaxed))
    }

    /// Stops measuring a decided ballot of this partition if its poll has nothing new to be sent:
    /// such a ballot has changed no number, so no tick will show it.
    pub(super) fn pass_over(&self, partition: Partition, next_offset: Offset) {
        let Some(poll) = self.figures.latency.passed(partition, next_offset) else { return };
        if !self.entry(poll).is_some_and(|entry| entry.state.lock().dirty) {
            self.figures.latency.drop_before(partition, next_offset);
        }
    }
}
