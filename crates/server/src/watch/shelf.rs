//! The shelf, for open polls that nobody uses for now. Of each the hub keeps what the leaderboard
//! counts and what viewers were last told. The rest is in the store. It is read back as soon as
//! somebody asks for the poll or votes in it, or when the poll is to be shown among the newest or
//! on the leaderboard.
//!
//! To everything else in the hub a poll on the shelf is not in memory, like one that was closed
//! long ago.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use pollux_core::id::PollId;
use pollux_core::leaderboard::Contender;
use pollux_core::standing::{Shown, Standing};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::board;
use super::entry::EntryState;
use super::view::{self, Audience};

/// The shelf holds the polls that are put on it.
pub(super) struct Shelf {
    begun: Instant,
    polls: Mutex<BTreeMap<PollId, Shelved>>,
    /// The shelved polls that are to be shown, though nobody has asked for them by name.
    wanted: Mutex<BTreeSet<PollId>>,
    asked: Notify,
}

/// `Shelved` is what is kept of a poll on the shelf.
pub(super) struct Shelved {
    /// Its version, numbers included. A standing from the store with the same version brings
    /// nothing new.
    pub version: u64,
    /// The version that the public was last told of.
    public: u64,
    /// The first place that it had in the overview; see [`EntryState::created_seq`].
    created_seq: u64,
    /// The votes of its rows that contend on the leaderboard.
    counts: Box<[u64]>,
    /// The poll itself as a contender, if it contends.
    poll: Option<Contender>,
}

impl Shelved {
    /// Makes what is kept of a poll whose first place in the overview was `created_seq`; 0 for
    /// none.
    pub fn of(standing: &Standing, created_seq: u64) -> Self {
        let shown = view::shown(&standing.poll, Audience::Public);
        Self {
            version: standing.version(Shown::Numbers),
            public: standing.version(shown),
            created_seq,
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
    pub fn contend(&self, id: PollId, rows: &mut Vec<Contender>, polls: &mut Vec<Contender>) {
        if let Some(shelved) = self.polls.lock().get(&id) {
            rows.extend(board::rows(id, &shelved.counts));
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
    pub fn keeps(&self, standing: &Standing) -> bool {
        let id = standing.poll.id;
        let version = self.polls.lock().get(&id).map(|shelved| shelved.version);
        version == Some(standing.version(Shown::Numbers)) && !self.wanted.lock().contains(&id)
    }

    /// Puts a poll on the shelf.
    pub fn put(&self, id: PollId, shelved: Shelved) {
        self.polls.lock().insert(id, shelved);
    }

    /// Takes a poll off the shelf that the store does not have. Returns whether it was there.
    pub fn drop(&self, id: PollId) -> bool {
        let here = self.polls.lock().remove(&id).is_some();
        if here {
            self.wanted.lock().remove(&id);
        }
        here
    }

    /// Waits until polls on the shelf are to be shown, and returns them.
    pub async fn sought(&self) -> Vec<PollId> {
        self.asked.notified().await;
        self.wanted.lock().iter().copied().collect()
    }
}
