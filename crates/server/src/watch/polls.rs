//! Which polls stay in memory: those that are open, but for those on the shelf, and of the others
//! the newest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::{Mutex, RwLock};
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};

use super::codes::Codes;
use super::entry::{Entry, EntryState};
use super::hub::Hub;
use super::shelf::Shelf;

/// The polls that are known. A poll itself may be locked while any of these is taken, never the other
/// way round; of these the map is taken before the shelf.
pub(super) struct Polls {
    /// Those in memory. Held to find one, to put one in or to take one out.
    pub by_id: RwLock<HashMap<PollId, Arc<Entry>, FixedState>>,
    /// Where join codes lead.
    pub codes: Codes,
    /// Open and listed; what the overview and the leaderboard are about.
    pub listed: Mutex<BTreeSet<PollId>>,
    /// How many of them are open, and which of the others are forgotten first.
    pub kept: Mutex<Kept>,
    /// Open ones that nobody uses.
    pub shelf: Shelf,
}

impl Polls {
    /// None.
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

/// What is kept.
#[derive(Default)]
pub(super) struct Kept {
    /// How many are open and not on the shelf.
    pub open: usize,
    next: u64,
    /// Polls that are not open, in the order in which they are forgotten.
    idle: BTreeMap<u64, PollId>,
}

impl Kept {
    /// Forget it after all others that are not open.
    fn last(&mut self, poll: PollId) -> Option<u64> {
        let order = self.next;
        self.next += 1;
        self.idle.insert(order, poll);
        Some(order)
    }
}

impl Hub {
    /// How many polls are open.
    pub fn open_polls(&self) -> usize {
        self.polls.kept.lock().open + self.polls.shelf.len()
    }

    /// Every poll that may still change, open or closed and not final yet, in order; for the feed
    /// to compare with the store.
    pub fn unfinished_polls(&self) -> Vec<PollId> {
        let known: Vec<_> = self.polls.by_id.read().values().cloned().collect();
        let unfinished = |entry: &Arc<Entry>| {
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

    /// The poll itself has changed: bring the indexes up to date.
    pub(super) fn index(&self, entry: &Arc<Entry>, state: &mut EntryState) {
        // Who sees what may be another matter now: what was encoded for those who saw more is not what
        // others see, though its numbers may be shown to all from here on.
        state.renew();
        let poll = state.standing.poll.clone();
        let before = std::mem::replace(&mut *entry.poll.write(), poll.clone());
        if before.code != poll.code {
            // It has joined an event, and its old code leads there.
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

    /// Its join code leads to the poll, and it is among those listed, as it says now.
    pub(super) fn list(&self, poll: &Poll) {
        self.polls.codes.lead(poll, self.ambient.now());
        let mut listed = self.polls.listed.lock();
        if poll.status == PollStatus::Open && poll.listed {
            listed.insert(poll.id);
        } else {
            listed.remove(&poll.id);
        }
    }

    /// Keep the number of polls that are not open within its limit. A deleted poll stays for a
    /// while too: its tombstone keeps late announcements from bringing it back.
    pub(super) fn forget_idle(&self) {
        // Those that are still watched stay; a few tries find one that is not.
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
                // It was opened again just then.
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
