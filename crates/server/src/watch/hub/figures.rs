//! What the hub tells of itself: how far partitions are committed, how long a vote takes to the
//! screen, and who watches.

use std::sync::atomic::Ordering;

use pollux_core::id::{Generation, Offset, Partition, PollId, Position, UnixMillis};

use super::Hub;
use crate::level::Level;
use crate::watch::latency::Percentiles;
use crate::watch::trend::Trend;

impl Hub {
    /// Records that the partition is committed up to `next`.
    pub(in crate::watch) fn advance(
        &self,
        partition: Partition,
        generation: Generation,
        next: Offset,
    ) {
        self.figures.advance(partition, generation, next);
    }

    /// Waits until this node has heard that the partition is committed beyond this offset.
    pub async fn committed(&self, partition: Partition, offset: Offset) {
        let Some(progress) = self.figures.progress.get(partition as usize) else {
            return std::future::pending().await;
        };
        progress.wait_for(|(_, next)| next > offset).await;
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

    /// Returns the course of a poll's numbers since this node first knew the poll, as far as it is
    /// kept.
    pub fn trend(&self, poll: PollId) -> Option<Trend> {
        self.figures.trends.of(poll)
    }

    /// Returns how many viewers on this node are subscribed to this poll.
    pub fn viewers_of(&self, poll: PollId) -> usize {
        self.polls.entry(poll).map_or(0, |entry| entry.viewers.lock().len())
    }

    /// Whether a viewer from elsewhere
    /// ([`Interest::elsewhere`](crate::watch::viewer::Interest::elsewhere)) ever watched this poll here.
    pub fn viewers_elsewhere(&self, poll: PollId) -> bool {
        self.polls.entry(poll).is_some_and(|entry| entry.elsewhere.load(Ordering::Relaxed))
    }

    /// Stops measuring a decided ballot of this partition if its poll has nothing new to be sent:
    /// such a ballot has changed no number, so no tick will show it.
    pub(super) fn pass_over(&self, partition: Partition, next_offset: Offset) {
        let Some(poll) = self.figures.latency.passed(partition, next_offset) else { return };
        if self.polls.entry(poll).is_none_or(|entry| entry.state.lock().due.is_none()) {
            self.figures.latency.drop_before(partition, next_offset);
        }
    }
}
