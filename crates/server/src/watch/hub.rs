//! The newest state of every live poll, and the tick that sends it.
//!
//! SKELETON: the signatures below are what `api`, `processor` and `boot` rely on.

use std::sync::Arc;

use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::poll::Poll;
use pollux_core::standing::{Announcement, Standing};

use super::view::LeaderboardView;
use crate::ambient::SharedAmbient;
use crate::config::WatchLimits;

/// Every live poll's newest [`Standing`], in memory.
pub struct Hub {}

impl Hub {
    /// An empty hub for this many partitions. Its epoch is drawn from `ambient`.
    pub fn new(_partitions: u32, _limits: WatchLimits, _ambient: SharedAmbient) -> Arc<Self> {
        todo!()
    }

    /// Names this hub's life: a viewer that sees another epoch forgets the versions it knew.
    pub fn epoch(&self) -> &str {
        todo!()
    }

    /// Merge what the store knows of a poll (at start, on a miss, when reconciling): the newest
    /// of each part is kept. A deleted poll is removed.
    pub fn merge(&self, _standing: Standing) {
        todo!()
    }

    /// Apply one announcement. `Err` names a poll this hub does not know: the caller loads its
    /// standing from the store and merges it.
    pub fn apply(&self, _announcement: Announcement) -> Result<(), PollId> {
        todo!()
    }

    /// The poll as its owner made it; the hot path of a vote.
    pub fn poll(&self, _id: PollId) -> Option<Arc<Poll>> {
        todo!()
    }

    /// The poll and its tallies, a consistent copy.
    pub fn standing(&self, _id: PollId) -> Option<Standing> {
        todo!()
    }

    /// The poll a join code leads to, if it is in memory.
    pub fn by_code(&self, _code: &str) -> Option<PollId> {
        todo!()
    }

    /// The leaderboard as of the last tick, cut to `limit` places.
    pub fn leaderboard(&self, _limit: usize) -> LeaderboardView {
        todo!()
    }

    /// Waits until the partition is committed beyond this offset, as far as this node has heard.
    pub async fn committed(&self, _partition: Partition, _offset: Offset) {
        todo!()
    }

    /// How many watch now.
    pub fn viewers(&self) -> usize {
        todo!()
    }
}
