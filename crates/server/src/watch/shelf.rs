//! The shelf, for open polls that nobody uses for now. Of each the hub keeps what the leaderboard
//! counts and what viewers were last told. The rest is in the store. It is read back as soon as
//! somebody asks for the poll or votes in it, or when the poll is to be shown among the newest or
//! on the leaderboard.
//!
//! To everything else in the hub a poll on the shelf is not in memory, like one that was closed
//! long ago.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use pollux_core::id::PollId;
use pollux_core::leaderboard::Contender;
use pollux_core::poll::PollStatus;
use pollux_core::standing::{Shown, Standing};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::board;
use super::entry::{EntryState, PollEntry};
use super::hub::Hub;
use super::tick::CHUNK;
use super::view::{self, Audience};

/// The time for which a poll must have been unused before it is put on the shelf.
const IDLE: Duration = Duration::from_secs(10);

/// The resolution at which uses are noted. Every vote is a use, so closer ones are noted once.
const GRAIN_MILLIS: u64 = 1_000;

/// The polls that are put on the shelf.
pub(super) struct Shelf {
    begun: Instant,
    polls: Mutex<BTreeMap<PollId, Shelved>>,
    /// The shelved polls that are to be shown, though nobody has asked for them by name.
    wanted: Mutex<BTreeSet<PollId>>,
    asked: Notify,
}

/// What is kept of a poll on the shelf.
pub(super) struct Shelved {
    /// Its version, numbers included. A standing from the store with the same version brings
    /// nothing new.
    version: u64,
    /// The version that the public was last told of.
    public: u64,
    /// The first place that it had in the overview; see [`EntryState::created_seq`].
    created_seq: u64,
    /// Its options' votes, which count on the leaderboard if it contends.
    counts: Box<[u64]>,
    /// The poll itself as a contender, if it contends.
    poll: Option<Contender>,
}

impl Shelved {
    fn of(standing: &Standing) -> Self {
        let shown = view::shown(&standing.poll, Audience::Public);
        Self {
            version: standing.version(Shown::Numbers),
            public: standing.version(shown),
            created_seq: 0,
            counts: board::counts(standing).into(),
            poll: board::poll(standing),
        }
    }
}

impl Shelf {
    /// Makes an empty shelf.
    pub fn new() -> Self {
        let (polls, wanted) = (Mutex::default(), Mutex::default());
        Self { begun: Instant::now(), polls, wanted, asked: Notify::new() }
    }

    /// Returns how many polls are on the shelf.
    pub fn len(&self) -> usize {
        self.polls.lock().len()
    }

    /// Whether the poll is on the shelf.
    pub fn has(&self, id: PollId) -> bool {
        self.polls.lock().contains_key(&id)
    }

    /// Returns the polls on the shelf, in order.
    pub fn ids(&self) -> Vec<PollId> {
        self.polls.lock().keys().copied().collect()
    }

    /// Returns the milliseconds since the hub began.
    pub fn age(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }

    /// Takes this poll from the shelf into memory. Returns whether it was there.
    pub fn take(&self, id: PollId, state: &mut EntryState) -> bool {
        let Some(shelved) = self.polls.lock().remove(&id) else { return false };
        state.created_seq = shelved.created_seq;
        state.contended = shelved.poll.is_some();
        // A wanted poll is announced again, so that viewers who were greeted without it learn of
        // it.
        if !self.wanted.lock().remove(&id) {
            (state.ticked, state.public) = (shelved.version, shelved.public);
        }
        true
    }

    /// Adds what a poll on the shelf counts on the leaderboard.
    pub fn contend(&self, id: PollId, options: &mut Vec<Contender>, polls: &mut Vec<Contender>) {
        if let Some(shelved) = self.polls.lock().get(&id) {
            options.extend(board::options(id, &shelved.counts));
            polls.extend(shelved.poll);
        }
    }

    /// Asks for those of these polls that are on the shelf to be read back, because they are to be
    /// shown.
    pub fn seek(&self, ids: impl IntoIterator<Item = PollId>) {
        let here: Vec<_> = {
            let polls = self.polls.lock();
            ids.into_iter().filter(|id| polls.contains_key(id)).collect()
        };
        if !here.is_empty() {
            self.wanted.lock().extend(here);
            self.asked.notify_one();
        }
    }

    /// Whether the poll is on the shelf with this version, and nobody wants it.
    fn keeps(&self, standing: &Standing) -> bool {
        let id = standing.poll.id;
        let version = self.polls.lock().get(&id).map(|shelved| shelved.version);
        version == Some(standing.version(Shown::Numbers)) && !self.wanted.lock().contains(&id)
    }
}

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
        self.polls.shelf.asked.notified().await;
        self.polls.shelf.wanted.lock().iter().copied().collect()
    }

    /// Takes in one open poll while all of them are read from the store. A poll that nobody knew
    /// goes onto the shelf if there is no room for it in memory. A poll on the shelf stays there if
    /// the store has no newer version of it and nobody wants it. All others are merged.
    pub fn reconcile(&self, standing: Standing) {
        if self.polls.shelf.keeps(&standing) || self.shelve(&standing) {
            self.advance_to(&standing);
        } else {
            self.merge(standing);
        }
    }

    /// Forgets a poll on the shelf that the store does not have.
    pub fn unknown(&self, id: PollId) {
        if self.polls.shelf.polls.lock().remove(&id).is_some() {
            self.polls.shelf.wanted.lock().remove(&id);
            self.polls.listed.lock().remove(&id);
            self.shared.board.lock().dirty.insert(id);
            self.due.changed.notify_one();
        }
    }

    /// Notes that the poll is being used.
    pub(super) fn touch(&self, entry: &PollEntry) {
        let now = self.polls.shelf.age();
        if entry.used.load(Ordering::Relaxed) + GRAIN_MILLIS <= now {
            entry.used.store(now, Ordering::Relaxed);
        }
    }

    /// Puts a poll that nobody knew onto the shelf, unless there is room for it in memory. Returns
    /// whether it did.
    fn shelve(&self, standing: &Standing) -> bool {
        let poll = &standing.poll;
        if poll.status != PollStatus::Open || self.loaded_polls() < self.limits().loaded_polls {
            return false;
        }
        {
            let polls = self.polls.by_id.write();
            let mut shelf = self.polls.shelf.polls.lock();
            if polls.contains_key(&poll.id) || shelf.contains_key(&poll.id) {
                return false;
            }
            shelf.insert(poll.id, Shelved::of(standing));
        }
        self.list(poll);
        self.shared.board.lock().dirty.insert(poll.id);
        self.due.changed.notify_one();
        true
    }

    /// Puts polls on the shelf until no more than the limit are in memory in full, beginning with
    /// those that have been unused for longest. A poll stays in memory if it is watched, among the
    /// newest, on the leaderboard, or has a change that some viewer has not been sent yet.
    pub(super) async fn put_down_idle(&self) {
        let newest: BTreeSet<_> = self.newest().into_iter().collect();
        self.polls.shelf.seek(newest.iter().copied());
        let mut over = self.loaded_polls().saturating_sub(self.limits().loaded_polls);
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

    /// Returns the place in the overview up to which every viewer of everything has been sent the
    /// polls.
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
        let busy = state.dirty || state.queued || state.seq > told;
        if busy || state.status() != PollStatus::Open {
            return false;
        }
        let shelved = Shelved { created_seq: state.created_seq, ..Shelved::of(&state.standing) };
        if state.ticked != shelved.version {
            return false;
        }
        self.forget(entry, &mut state, Some(shelved))
    }

    /// Takes a poll out of memory unless somebody watches it, and puts it on the shelf if `shelved`
    /// is given. Returns whether it did.
    pub(super) fn forget(
        &self,
        entry: &Arc<PollEntry>,
        state: &mut EntryState,
        shelved: Option<Shelved>,
    ) -> bool {
        {
            let mut polls = self.polls.by_id.write();
            if state.gone || !entry.viewers.lock().is_empty() {
                return false;
            }
            polls.remove(&entry.id);
            if let Some(shelved) = shelved {
                self.polls.shelf.polls.lock().insert(entry.id, shelved);
            }
        }
        state.gone = true;
        if std::mem::take(&mut state.open) {
            self.polls.kept.lock().open -= 1;
        }
        self.shared.overview.lock().recent.remove(&state.seq);
        true
    }
}
