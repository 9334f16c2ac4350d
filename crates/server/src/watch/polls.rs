//! The polls in memory: all that are open, except those on the shelf, and the newest of the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::{Mutex, RwLock};
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};

use super::codes::Codes;
use super::entry::{EntryState, PollEntry};
use super::hub::Hub;
use super::shelf::Shelf;

/// The known polls. A poll's entry may be locked while any of these locks is taken, never the other
/// way round; the map is taken before the shelf.
pub(super) struct Polls {
    /// The polls in memory. The lock is held to find one, to put one in or to take one out.
    pub by_id: RwLock<HashMap<PollId, Arc<PollEntry>, FixedState>>,
    /// The polls that join codes lead to.
    pub codes: Codes,
    /// The open and listed polls, which the overview and the leaderboard are about.
    pub listed: Mutex<BTreeSet<PollId>>,
    /// The number of open polls, and the order in which the others are forgotten.
    pub kept: Mutex<Kept>,
    /// The open polls that nobody uses.
    pub shelf: Shelf,
}

impl Polls {
    pub fn new() -> Self {
        Self {
            by_id: RwLock::default(),
            codes: Codes::default(),
            listed: Mutex::default(),
            kept: Mutex::default(),
            shelf: Shelf::new(),
        }
    }
}

/// `Kept` counts the open polls in memory and orders the others.
#[derive(Default)]
pub(super) struct Kept {
    /// The number of polls that are open and not on the shelf.
    pub open: usize,
    next: u64,
    /// The polls that are not open, in the order in which they are forgotten.
    idle: BTreeMap<u64, PollId>,
}

impl Kept {
    /// Puts the poll at the end of the order in which polls are forgotten.
    fn last(&mut self, poll: PollId) -> Option<u64> {
        let order = self.next;
        self.next += 1;
        self.idle.insert(order, poll);
        Some(order)
    }
}

impl Hub {
    /// Returns how many polls are open.
    pub fn open_polls(&self) -> usize {
        self.polls.kept.lock().open + self.polls.shelf.len()
    }

    /// Returns, in order, every poll that may still change: those that are open, or closed and not
    /// final yet. The feed compares them with the store.
    pub fn unfinished_polls(&self) -> Vec<PollId> {
        let known: Vec<_> = self.polls.by_id.read().values().cloned().collect();
        let unfinished = |entry: &Arc<PollEntry>| {
            let standing = &entry.state.lock().standing;
            standing.poll.status != PollStatus::Deleted && !standing.is_final()
        };
        let unfinished = known.into_iter().filter(unfinished);
        let mut polls: Vec<_> =
            unfinished.map(|entry| entry.id).chain(self.polls.shelf.ids()).collect();
        polls.sort_unstable();
        polls.dedup();
        polls
    }

    /// Updates the indexes after the poll itself has changed.
    pub(super) fn index(&self, entry: &Arc<PollEntry>, state: &mut EntryState) {
        // The change may show the numbers to everybody. JSON with numbers that was encoded for the
        // few who saw them before describes the poll before the change, so nobody may be sent it
        // any more.
        state.renew();
        let poll = state.standing.poll.clone();
        let before = std::mem::replace(&mut *entry.poll.write(), poll.clone());
        if before.code != poll.code {
            // The poll has joined an event, and its old code leads there now.
            self.polls.codes.forget(&before.code, poll.id);
        }
        self.list(&poll);
        let open = poll.status == PollStatus::Open;
        let mut kept = self.polls.kept.lock();
        if let Some(order) = state.idle.take() {
            kept.idle.remove(&order);
        }
        if std::mem::replace(&mut state.open, open && !state.gone) {
            kept.open -= 1;
        }
        if state.open {
            kept.open += 1;
        } else if !state.gone {
            state.idle = kept.last(poll.id);
        }
    }

    /// Updates the join code and the list of open, listed polls to what the poll now says.
    pub(super) fn list(&self, poll: &Poll) {
        self.polls.codes.lead(poll, self.ambient.now());
        let mut listed = self.polls.listed.lock();
        if poll.status == PollStatus::Open && poll.listed {
            listed.insert(poll.id);
        } else {
            listed.remove(&poll.id);
        }
    }

    /// Keeps the number of polls that are not open within its limit. A deleted poll stays for a
    /// while too, as a tombstone: without it a late announcement would bring the poll back.
    pub(super) fn forget_idle(&self) {
        // Polls that are still watched stay, so several are tried; eight tries bound the work.
        for _ in 0..8 {
            let id = {
                let mut kept = self.polls.kept.lock();
                if kept.idle.len() <= self.limits().closed_polls {
                    return;
                }
                let Some((_, id)) = kept.idle.pop_first() else { return };
                id
            };
            let Some(entry) = self.entry(id) else { continue };
            let mut state = entry.state.lock();
            if state.status() == PollStatus::Open {
                // It was opened again meanwhile.
                continue;
            }
            if !self.forget(&entry, &mut state, None) {
                state.idle = self.polls.kept.lock().last(id);
                continue;
            }
            self.polls.codes.forget(&state.standing.poll.code, id);
        }
    }
}
