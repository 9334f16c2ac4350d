//! The voters who voted a moment ago in polls that show their numbers after the vote. The store
//! knows a voter once the ballot is counted; a voter who comes back before that is found here.

use std::collections::{HashSet, VecDeque};

use foldhash::fast::FixedState;
use pollux_core::id::PollId;

use super::viewer::BrowserId;

/// `Recent` keeps the newest of these voters. The oldest are forgotten first, and are counted by
/// then.
pub(super) struct Recent {
    most: usize,
    known: HashSet<(PollId, BrowserId), FixedState>,
    order: VecDeque<(PollId, BrowserId)>,
}

impl Recent {
    /// Makes an empty collection for at most this many voters.
    pub fn new(most: usize) -> Self {
        Self { most, known: HashSet::default(), order: VecDeque::new() }
    }

    /// Adds a voter of a poll.
    pub fn insert(&mut self, poll: PollId, browser_id: BrowserId) {
        if !self.known.insert((poll, browser_id)) {
            return;
        }
        self.order.push_back((poll, browser_id));
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Whether this voter of the poll is among the newest.
    pub fn contains(&self, poll: PollId, browser_id: BrowserId) -> bool {
        self.known.contains(&(poll, browser_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollux_core::id::UnixMillis;

    #[test]
    fn the_oldest_are_forgotten() {
        let poll = PollId::new(UnixMillis(1), [1; 10]);
        let mut recent = Recent::new(2);
        for n in [1, 2, 1, 3] {
            recent.insert(poll, [n; 16]);
        }
        assert_eq!([1, 2, 3].map(|n| recent.contains(poll, [n; 16])), [false, true, true]);
        assert_eq!((recent.known.len(), recent.order.len()), (2, 2));
    }
}
