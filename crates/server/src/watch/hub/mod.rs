//! The hub keeps the newest standing of every poll in use, and knows who watches it. A change that
//! is merged or applied here marks its poll as dirty, and the tick sends the poll.
//!
//! The parts of the hub know nothing of it and lie beside this folder. Each file of this
//! folder has one task: `polls`, `shelf` and `events` keep what is known, `seats`, `follow` and
//! `care` look after the viewers, and `tick` and `board` send what has changed.
//!
//! Locks are taken in this order: first a viewer's, then that of a poll's or an event's state, then
//! any of the hub's own. Two of the hub's own are taken before others. The maps of polls and events
//! are held while an entry's list of viewers, or the poll that it hands out, is locked; the rankings
//! are held while polls are. No lock is held across an await.

mod board;
mod care;
mod events;
mod figures;
mod follow;
mod polls;
mod seats;
mod shelf;
mod tick;

use std::sync::Arc;

use parking_lot::RwLock;
use pollux_core::announcement::Announcement;
use pollux_core::id::{EventId, PollId};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;

use super::agenda::Agendas;
use super::codes;
use super::due::Due;
use super::entry::{EntryState, PollEntry};
use super::figures::Figures;
use super::polls::Polls;
use super::seats::Seats;
use super::shared::Shared;
use super::view;
use crate::ambient::SharedAmbient;
use crate::config::WatchLimits;

/// `Missing` names a poll or an event that the hub must be given anew. The caller loads it from the
/// store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// A poll.
    Poll(PollId),
    /// An event.
    Event(EventId),
    /// The names of a poll that is known: one of its tallies counts words that have not come here yet.
    Names(PollId),
}

/// The hub keeps the newest [`Standing`] of every poll in use in memory. An open poll that nobody
/// uses is put on the shelf, which keeps less of it. Each part documents what its locks are held
/// for.
pub struct Hub {
    limits: WatchLimits,
    ambient: SharedAmbient,
    polls: Polls,
    agendas: RwLock<Agendas>,
    due: Due,
    shared: Arc<Shared>,
    seats: Seats,
    figures: Figures,
}

impl Hub {
    /// Makes an empty hub for this many partitions. Its epoch is drawn from `ambient`.
    pub fn new(partitions: u32, limits: WatchLimits, ambient: SharedAmbient) -> Arc<Self> {
        Arc::new(Self {
            polls: Polls::new(),
            agendas: RwLock::default(),
            due: Due::default(),
            shared: Arc::new(Shared::new(hex::encode(ambient.random::<8>()), &limits)),
            seats: Seats::new(&limits),
            figures: Figures::new(partitions, &limits),
            ambient,
            limits,
        })
    }

    /// Returns the epoch, which names the time from this hub's start to its end. A client that sees
    /// another epoch forgets the versions it knew.
    pub fn epoch(&self) -> &str {
        &self.shared.epoch
    }

    /// Returns the limits that this hub keeps to.
    pub fn limits(&self) -> &WatchLimits {
        &self.limits
    }

    /// Merges what the store knows of a poll: at start, on a miss, or when reconciling. Of the poll
    /// and each of its tallies the newer one is kept. A deleted poll is no longer found, but its
    /// entry stays in memory for a while.
    pub fn merge(&self, standing: Standing) {
        self.figures.advance_to(&standing);
        let id = standing.poll.id;
        let Some(entry) = self.polls.entry(id) else {
            if standing.poll.status != PollStatus::Deleted || self.polls.shelf.has(id) {
                self.insert(standing);
            }
            return;
        };
        let mut state = entry.state.lock();
        if state.gone {
            // The entry was taken out of memory just now, so the poll is merged into a new one.
            drop(state);
            return self.merge(standing);
        }
        let poll = state.standing.take_poll(standing.poll.clone());
        let mut tallies = false;
        for tally in standing.tallies() {
            tallies |= state.standing.take_tally(tally.clone());
        }
        state.standing.open_words();
        self.changed(&entry, state, poll, poll || tallies);
    }

    /// Applies one announcement. `Err` names a poll or an event that the caller must load from the
    /// store and merge. Either this hub does not know it, or a tally shows that the hub has missed
    /// a change of the poll.
    pub fn apply(&self, announcement: Announcement) -> Result<(), Missing> {
        match announcement {
            Announcement::Event(event) => return self.apply_event(event),
            Announcement::Poll(poll) if poll.status == PollStatus::Draft => {
                return self.apply_draft(poll);
            }
            Announcement::Poll(poll) => {
                let Some(entry) = self.polls.entry(poll.id) else {
                    if poll.status == PollStatus::Deleted && !self.polls.shelf.has(poll.id) {
                        return self.apply_gone(&poll);
                    }
                    return Err(Missing::Poll(poll.id));
                };
                let mut state = entry.state.lock();
                if state.gone {
                    return Err(Missing::Poll(poll.id));
                }
                let newer = state.standing.take_poll(poll);
                let (id, keyless) = (entry.id, state.standing.lacks_key());
                self.changed(&entry, state, newer, newer);
                if keyless {
                    return Err(Missing::Poll(id));
                }
            }
            Announcement::Tally(tally) => {
                let entry = self.polls.entry(tally.poll).ok_or(Missing::Poll(tally.poll))?;
                let mut state = entry.state.lock();
                let (id, phase) = (tally.poll, tally.tally.phase);
                if state.gone {
                    return Err(Missing::Poll(id));
                }
                let ahead = phase > state.standing.poll.phase;
                if state.standing.lacks_names_of(&tally) {
                    return Err(if ahead { Missing::Poll(id) } else { Missing::Names(id) });
                }
                let newer = state.standing.take_tally(tally);
                if newer {
                    state.standing.open_words();
                }
                self.changed(&entry, state, false, newer);
                return if ahead { Err(Missing::Poll(id)) } else { Ok(()) };
            }
            Announcement::Progress { partition, generation, next_offset } => {
                self.figures.advance(partition, generation, next_offset);
                *self.figures.committed_at.lock() = Some(self.ambient.now());
                self.pass_over(partition, next_offset);
            }
        }
        Ok(())
    }

    /// Returns the number of partitions.
    pub(super) fn partitions(&self) -> u32 {
        self.figures.progress.len() as u32
    }

    /// Returns the poll without its tallies, unless it is deleted. This is on the hot path of a
    /// vote.
    pub fn poll(&self, id: PollId) -> Option<Arc<Poll>> {
        let polls = self.polls.by_id.read();
        let entry = polls.get(&id)?;
        self.polls.touch(entry);
        let poll = entry.poll.read().clone();
        (poll.status != PollStatus::Deleted).then_some(poll)
    }

    /// Returns a consistent copy of the poll and its tallies, unless the poll is deleted.
    pub fn standing(&self, id: PollId) -> Option<Standing> {
        let entry = self.polls.entry(id)?;
        self.polls.touch(&entry);
        let standing = entry.state.lock().standing.clone();
        (standing.poll.status != PollStatus::Deleted).then_some(standing)
    }

    /// Returns the poll that a join code leads to, if that can be told from memory. The code of a
    /// poll that closed long ago may belong to another poll by now. The caller asks the store then.
    pub fn by_code(&self, code: &str) -> Option<PollId> {
        let poll = self.poll(self.polls.codes.holder(code)?)?;
        codes::is_sure(&poll, self.ambient.now()).then_some(poll.id)
    }

    /// Returns those of the newest open, listed polls that show a voter their numbers only after
    /// the vote.
    pub fn after_vote(&self) -> Vec<Arc<Poll>> {
        let newest = self.polls.newest(self.limits.overview);
        let polls = newest.into_iter().filter_map(|id| self.poll(id));
        polls.filter(|poll| view::shows_after_vote(poll)).collect()
    }

    fn insert(&self, standing: Standing) {
        let id = standing.poll.id;
        let mut standing = standing;
        standing.open_words();
        let mut entry = PollEntry::new(standing.clone(), self.polls.shelf.age());
        let mut polls = self.polls.by_id.write();
        if polls.contains_key(&id) {
            drop(polls);
            return self.merge(standing);
        }
        let shelved = self.polls.shelf.take(id, entry.state.get_mut());
        let entry = Arc::new(entry);
        polls.insert(id, entry.clone());
        drop(polls);
        let state = entry.state.lock();
        // Nobody subscribes to the poll yet. A poll that is no longer open is sent only if this hub
        // had it open before.
        let is_new = shelved || standing.poll.status == PollStatus::Open;
        self.changed(&entry, state, true, is_new);
        self.arrived(&standing);
    }

    /// Does what must follow a change. It updates the indexes if the poll itself changed (`poll`),
    /// and marks the poll as dirty if there is anything new to send (`is_new`).
    fn changed(
        &self,
        entry: &Arc<PollEntry>,
        mut state: parking_lot::MutexGuard<'_, EntryState>,
        poll: bool,
        is_new: bool,
    ) {
        if poll {
            self.polls.index(entry, &mut state, self.ambient.now());
            if state.standing.poll.kind.holds_texts() {
                self.shared.withdraw();
            }
        }
        if is_new {
            self.polls.touch(entry);
        }
        // Nothing is sent about a deleted poll after its deletion.
        let is_new = is_new && (poll || state.status() != PollStatus::Deleted);
        if is_new {
            self.plan_tick(entry, &mut state, poll);
        }
        drop(state);
        if poll {
            self.forget_idle();
        }
    }
}
