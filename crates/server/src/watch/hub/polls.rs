//! The polls of the hub.

use std::sync::Arc;

use pollux_core::id::PollId;
use pollux_core::poll::PollStatus;

use super::Hub;
use crate::watch::entry::{EntryState, PollEntry};
use crate::watch::shelf::Shelved;

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

    /// Keeps the number of polls that are not open within its limit. A deleted poll stays for a
    /// while too, as a tombstone: without it a late announcement would bring the poll back.
    pub(super) fn forget_idle(&self) {
        // Polls that are still watched stay, so several are tried; eight tries bound the work.
        for _ in 0..8 {
            let id = {
                let mut kept = self.polls.kept.lock();
                if kept.idle.len() <= self.limits.closed_polls {
                    return;
                }
                let Some((_, id)) = kept.idle.pop_first() else { return };
                id
            };
            let Some(entry) = self.polls.entry(id) else { continue };
            let mut state = entry.state.lock();
            if state.status() == PollStatus::Open {
                // It was opened again meanwhile.
                continue;
            }
            if !self.take_out(&entry, &mut state, None) {
                state.idle = self.polls.kept.lock().last(id);
                continue;
            }
            self.polls.codes.forget(&state.standing.poll.code, id);
        }
    }

    /// Takes a poll out of memory unless somebody watches it, and puts it on the shelf if `shelved`
    /// is given. Returns whether it did.
    pub(super) fn take_out(
        &self,
        entry: &PollEntry,
        state: &mut EntryState,
        shelved: Option<Shelved>,
    ) -> bool {
        let out = self.polls.take_out(entry, state, shelved);
        if out {
            self.shared.overview.lock().recent.remove(&state.seq);
        }
        out
    }
}
