//! The hub's shelf: which open polls are put on it, and which are read back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pollux_core::id::PollId;
use pollux_core::poll::PollStatus;
use pollux_core::standing::Standing;
use tokio::task::yield_now;

use super::Hub;
use super::tick::CHUNK;
use crate::watch::entry::PollEntry;
use crate::watch::shelf::Shelved;

/// The time for which a poll must have been unused before it is put on the shelf.
const IDLE: Duration = Duration::from_secs(10);

impl Hub {
    /// Returns how many open polls are in memory in full.
    pub fn loaded_polls(&self) -> usize {
        self.polls.kept.lock().open
    }

    /// Whether the poll is on the shelf.
    pub fn shelved(&self, id: PollId) -> bool {
        self.polls.shelf.has(id)
    }

    /// Returns the poll that a join code leads to, if that poll is on the shelf, and whether it is
    /// listed.
    pub fn shelved_by_code(&self, code: &str) -> Option<(PollId, bool)> {
        let id = self.polls.codes.holder(code).filter(|id| self.polls.shelf.has(*id))?;
        Some((id, self.polls.listed.lock().contains(&id)))
    }

    /// Waits until polls on the shelf are to be shown, and returns them. The feed reads them back.
    pub async fn sought(&self) -> Vec<PollId> {
        self.polls.shelf.sought().await
    }

    /// Takes in one open poll while all of them are read from the store. A poll that nobody knew
    /// goes onto the shelf if there is no room for it in memory. A poll on the shelf stays there if
    /// the store has no newer version of it and nobody wants it. All others are merged.
    pub fn reconcile(&self, standing: Standing) {
        if self.polls.shelf.keeps(&standing) || self.shelve(&standing) {
            self.figures.advance_to(&standing);
        } else {
            self.merge(standing);
        }
    }

    /// Forgets a poll on the shelf that the store does not have.
    pub fn unknown(&self, id: PollId) {
        if self.polls.shelf.drop(id) {
            self.polls.listed.lock().remove(&id);
            self.shared.board.lock().dirty.insert(id);
            self.due.changed.notify_one();
        }
    }

    /// Puts a poll that nobody knew onto the shelf, unless there is room for it in memory. Returns
    /// whether it did.
    fn shelve(&self, standing: &Standing) -> bool {
        let poll = &standing.poll;
        if poll.status != PollStatus::Open || self.loaded_polls() < self.limits.loaded_polls {
            return false;
        }
        {
            let polls = self.polls.by_id.write();
            if polls.contains_key(&poll.id) || self.polls.shelf.has(poll.id) {
                return false;
            }
            self.polls.shelf.put(poll.id, Shelved::of(standing, 0));
        }
        self.polls.list(poll, self.ambient.now());
        self.shared.board.lock().dirty.insert(poll.id);
        self.due.changed.notify_one();
        true
    }

    /// Puts polls on the shelf until no more than the limit are in memory in full, beginning with
    /// those that have been unused for longest. A poll stays in memory if it is watched, among the
    /// newest, on the leaderboard, or has a change that some viewer has not been sent yet.
    pub(super) async fn put_down_idle(&self) {
        let newest: BTreeSet<_> = self.polls.newest(self.limits.overview).into_iter().collect();
        self.polls.shelf.seek(newest.iter().copied());
        let mut over = self.loaded_polls().saturating_sub(self.limits.loaded_polls);
        if over == 0 {
            return;
        }
        let told = self.told_to_all().await;
        let ranked = self.shared.board.lock().ranked.clone();
        let long_ago = self.polls.shelf.age().checked_sub(IDLE.as_millis() as u64);
        let mut idle: Vec<_> = {
            let polls = self.polls.by_id.read();
            let used = |entry: &Arc<PollEntry>| (entry.used.load(Ordering::Relaxed), entry.id);
            let all = polls.values().map(|entry| (used(entry), entry.clone()));
            all.filter(|((used, id), entry)| {
                Some(*used) <= long_ago
                    && !newest.contains(id)
                    && !ranked.contains(id)
                    && entry.poll.read().status == PollStatus::Open
            })
            .collect()
        };
        idle.sort_unstable_by_key(|(used, _)| *used);
        for (i, (_, entry)) in idle.iter().enumerate() {
            if over == 0 {
                return;
            }
            over -= usize::from(self.put_down(entry, told));
            if i % CHUNK == CHUNK - 1 {
                yield_now().await;
            }
        }
    }

    /// Returns the place in the overview that even the slowest viewer of everything has reached.
    async fn told_to_all(&self) -> u64 {
        let (mut told, mut chunk, mut from) = (u64::MAX, Vec::new(), Some(0));
        while let Some(start) = from {
            from = self.seats.general.lock().chunk(start, CHUNK, &mut chunk);
            let cursors = chunk.drain(..).filter_map(|viewer| viewer.state.lock().cursor);
            told = cursors.min().map_or(told, |least| told.min(least));
            yield_now().await;
        }
        told
    }

    fn put_down(&self, entry: &Arc<PollEntry>, told: u64) -> bool {
        let mut state = entry.state.lock();
        // The overview's queue and the tick would otherwise go on with an entry that has left
        // memory.
        let busy = state.due.is_some() || state.queued || state.seq > told;
        if busy || state.status() != PollStatus::Open {
            return false;
        }
        let shelved = Shelved::of(&state.standing, state.created_seq);
        if state.ticked != shelved.version {
            return false;
        }
        self.take_out(entry, &mut state, Some(shelved))
    }
}
