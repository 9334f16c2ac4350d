//! The polls in memory: all that are open, except those on the shelf, and the newest of the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use foldhash::fast::FixedState;
use parking_lot::{Mutex, RwLock};
use pollux_core::id::{PollId, UnixMillis};
use pollux_core::poll::{Poll, PollStatus};

use super::codes::Codes;
use super::entry::{EntryState, PollEntry};
use super::shelf::{Shelf, Shelved};

/// The resolution at which uses are noted. Every vote is a use, so closer ones are noted once.
const GRAIN_MILLIS: u64 = 1_000;

/// `Polls` holds the known polls. A poll's entry may be locked while any of these locks is taken,
/// never the other way round; the map is taken before the shelf.
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

    /// Returns the entry of a poll that is in memory, deleted or not.
    pub fn entry(&self, id: PollId) -> Option<Arc<PollEntry>> {
        self.by_id.read().get(&id).cloned()
    }

    /// Returns this many of the newest open and listed polls, newest first.
    pub fn newest(&self, most: usize) -> Vec<PollId> {
        self.listed.lock().iter().rev().take(most).copied().collect()
    }

    /// Returns the open and listed polls, oldest first.
    pub fn oldest(&self) -> Vec<PollId> {
        self.listed.lock().iter().copied().collect()
    }

    /// Notes that the poll is being used.
    pub fn touch(&self, entry: &PollEntry) {
        let now = self.shelf.age();
        if entry.used.load(Ordering::Relaxed) + GRAIN_MILLIS <= now {
            entry.used.store(now, Ordering::Relaxed);
        }
    }

    /// Updates the indexes after the poll itself has changed.
    pub fn index(&self, entry: &PollEntry, state: &mut EntryState, now: UnixMillis) {
        // The change may show the numbers to everybody. JSON with numbers that was encoded for the
        // few who saw them before describes the poll before the change, so nobody may be sent it
        // any more.
        state.renew();
        let poll = state.standing.poll.clone();
        let before = std::mem::replace(&mut *entry.poll.write(), poll.clone());
        if before.code != poll.code {
            // The poll has joined an event, and its old code leads there now.
            self.codes.forget(&before.code, poll.id);
        }
        self.list(&poll, now);
        let open = poll.status == PollStatus::Open;
        let mut kept = self.kept.lock();
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
    pub fn list(&self, poll: &Poll, now: UnixMillis) {
        self.codes.lead(poll, now);
        let mut listed = self.listed.lock();
        if poll.status == PollStatus::Open && poll.listed {
            listed.insert(poll.id);
        } else {
            listed.remove(&poll.id);
        }
    }

    /// Takes a poll out of memory unless somebody watches it, and puts it on the shelf if `shelved`
    /// is given. Returns whether it did.
    pub fn take_out(
        &self,
        entry: &PollEntry,
        state: &mut EntryState,
        shelved: Option<Shelved>,
    ) -> bool {
        {
            let mut polls = self.by_id.write();
            if state.gone || !entry.viewers.lock().is_empty() {
                return false;
            }
            polls.remove(&entry.id);
            if let Some(shelved) = shelved {
                self.shelf.put(entry.id, shelved);
            }
        }
        state.gone = true;
        if std::mem::take(&mut state.open) {
            self.kept.lock().open -= 1;
        }
        true
    }
}

/// `Kept` counts the open polls in memory and orders the others.
#[derive(Default)]
pub(super) struct Kept {
    /// The number of polls that are open and not on the shelf.
    pub open: usize,
    next: u64,
    /// The polls that are not open, in the order in which they are forgotten.
    pub idle: BTreeMap<u64, PollId>,
}

impl Kept {
    /// Puts the poll at the end of the order in which polls are forgotten.
    pub fn last(&mut self, poll: PollId) -> Option<u64> {
        let order = self.next;
        self.next += 1;
        self.idle.insert(order, poll);
        Some(order)
    }
}
