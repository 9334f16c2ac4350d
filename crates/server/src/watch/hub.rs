//! The newest state of every live poll, and who watches it. What is merged or applied here
//! marks its poll as dirty; the tick (`tick.rs`) sends it.
//!
//! Locks are taken in this order, and none is held while anything is awaited: a viewer, a poll,
//! and then any one of the hub's own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use foldhash::fast::FixedState;
use parking_lot::{Mutex, RwLock};
use pollux_core::id::{EventId, Generation, Offset, Partition, PollId, UnixMillis};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Announcement, Standing};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use super::board::Board;
use super::codes::{self, Codes};
use super::entry::{Entry, EntryState};
use super::frame::{Close, Event, Message};
use super::grants::{Grant, Grants};
use super::kept::Kept;
use super::latency::Latency;
use super::overview::{Batch, Overview};
use super::program::{ProgramEntry, Programs};
use super::recent::Recent;
use super::shelf::Shelf;
use super::slots::Slots;
use super::trend::Trends;
use super::view::{self, LeaderboardView};
use super::viewer::{
    Identity, Interest, Sink, State, Sub, SubscribeError, Viewer, ViewerHandle, Watched,
};
use crate::ambient::SharedAmbient;
use crate::config::WatchLimits;
use crate::level::Level;

/// What an announcement tells of, but this hub does not know: to be loaded from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// A poll.
    Poll(PollId),
    /// An event.
    Event(EventId),
}

/// Every live poll's newest [`Standing`], in memory.
pub struct Hub {
    limits: WatchLimits,
    epoch: String,
    pub(super) polls: RwLock<HashMap<PollId, Arc<Entry>, FixedState>>,
    pub(super) codes: Codes,
    pub(super) programs: RwLock<Programs>,
    /// By the time of their tick.
    pub(super) dirty_programs: Mutex<BTreeMap<(Instant, EventId), Arc<ProgramEntry>>>,
    /// Open and listed; what the overview and the leaderboard are about.
    pub(super) listed: Mutex<BTreeSet<PollId>>,
    pub(super) kept: Mutex<Kept>,
    pub(super) shelf: Shelf,
    /// By the time of their tick.
    pub(super) dirty: Mutex<BTreeMap<(Instant, PollId), Arc<Entry>>>,
    pub(super) changed: Notify,
    pub(super) overview: Mutex<Overview>,
    /// Of options and of polls; held by the tick alone, polls may be locked meanwhile.
    pub(super) ranking: Mutex<[Board; 2]>,
    pub(super) board: Mutex<BoardState>,
    /// By partition: what is committed.
    pub(super) progress: Vec<Level<(Generation, Offset)>>,
    /// When it was last heard that votes were committed.
    pub(super) committed_at: Mutex<Option<UnixMillis>>,
    pub(super) latency: Latency,
    pub(super) trends: Trends,
    pub(super) ambient: SharedAmbient,
    pub(super) viewers: Mutex<Slots<Arc<Viewer>>>,
    /// Those of everything or the leaderboard.
    pub(super) general: Mutex<Slots<Arc<Viewer>>>,
    /// Those who are somebody; the number keeps apart the tabs of one browser.
    known: Mutex<BTreeMap<(Identity, u32), Arc<Viewer>>>,
    recent: Mutex<Recent>,
    /// What a viewer of everything is greeted with, for one tick or until there is news.
    greeting: Mutex<Option<Greeting>>,
    /// Counts the news: states that somebody may have been shown. Raised under the lock of what
    /// is news, so that whoever was shown it is not greeted with anything older later on.
    pub(super) news: AtomicU64,
    /// Set once, when the server stops.
    pub(super) leaving: AtomicBool,
}

/// The leaderboard.
pub(super) struct BoardState {
    /// Polls that contend, or did, and changed since.
    pub dirty: BTreeSet<PollId>,
    pub due: Option<Instant>,
    /// Polls that have a place on it.
    pub ranked: BTreeSet<PollId>,
    pub view: Arc<LeaderboardView>,
    pub shown: Arc<ShownBoard>,
}

/// The leaderboard as sockets and streams are sent it.
pub(super) struct ShownBoard {
    pub version: u64,
    pub json: Bytes,
    pub view: LeaderboardView,
    /// None before the first change.
    pub message: Option<Message>,
}

#[derive(Clone)]
struct Greeting {
    until: Instant,
    news: u64,
    cursor: u64,
    board: u64,
    message: Message,
}

impl Hub {
    /// An empty hub for this many partitions. Its epoch is drawn from `ambient`.
    pub fn new(partitions: u32, limits: WatchLimits, ambient: SharedAmbient) -> Arc<Self> {
        let none = || Level::new((Generation(Uuid::nil()), 0));
        let view = LeaderboardView::default();
        let json = serde_json::to_vec(&view).expect("a view is always JSON");
        let shown = ShownBoard { version: 0, json: json.into(), view, message: None };
        Arc::new(Self {
            epoch: hex::encode(ambient.random::<8>()),
            polls: RwLock::default(),
            codes: Codes::default(),
            programs: RwLock::default(),
            dirty_programs: Mutex::default(),
            listed: Mutex::default(),
            kept: Mutex::default(),
            shelf: Shelf::new(),
            dirty: Mutex::default(),
            changed: Notify::new(),
            overview: Mutex::default(),
            ranking: Mutex::new([limits.leaderboard; 2].map(Board::new)),
            board: Mutex::new(BoardState {
                dirty: BTreeSet::new(),
                due: None,
                ranked: BTreeSet::new(),
                view: Arc::default(),
                shown: Arc::new(shown),
            }),
            progress: (0..partitions).map(|_| none()).collect(),
            committed_at: Mutex::default(),
            latency: Latency::new(partitions, limits.latency_samples),
            trends: Trends::new(limits.trends),
            ambient,
            viewers: Mutex::default(),
            general: Mutex::default(),
            known: Mutex::default(),
            recent: Mutex::new(Recent::new(limits.recent_voters)),
            greeting: Mutex::default(),
            news: AtomicU64::new(0),
            leaving: AtomicBool::new(false),
            limits,
        })
    }

    /// Names this hub's life: a viewer that sees another epoch forgets the versions it knew.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Its limits.
    pub fn limits(&self) -> &WatchLimits {
        &self.limits
    }

    // ---- what is known ----

    /// Merge what the store knows of a poll (at start, on a miss, when reconciling): the newest
    /// of each part is kept. A deleted poll is removed.
    pub fn merge(&self, standing: Standing) {
        for tally in standing.tallies() {
            self.advance(tally.partition, tally.generation, tally.next_offset);
        }
        let id = standing.poll.id;
        let Some(entry) = self.entry(id) else {
            if standing.poll.status != PollStatus::Deleted || self.shelf.has(id) {
                self.insert(standing);
            }
            return;
        };
        let mut state = entry.state.lock();
        if state.gone {
            // It has left memory just now, and comes back.
            drop(state);
            return self.merge(standing);
        }
        let poll = state.standing.take_poll(standing.poll.clone());
        let mut tallies = false;
        for tally in standing.tallies() {
            tallies |= state.standing.take_tally(tally.clone());
        }
        self.changed(&entry, state, poll, poll || tallies);
    }

    /// Apply one announcement. `Err` names a poll this hub does not know, or one whose tally
    /// tells of a change of the poll that this hub has not heard of: the caller loads its
    /// standing from the store and merges it.
    pub fn apply(&self, announcement: Announcement) -> Result<(), Missing> {
        match announcement {
            Announcement::Event(event) => return self.apply_event(event),
            Announcement::Poll(poll) if poll.status == PollStatus::Draft => {
                return self.apply_draft(poll);
            }
            Announcement::Poll(poll) => {
                let Some(entry) = self.entry(poll.id) else {
                    if poll.status == PollStatus::Deleted && !self.shelf.has(poll.id) {
                        return self.apply_gone(&poll);
                    }
                    return Err(Missing::Poll(poll.id));
                };
                let mut state = entry.state.lock();
                if state.gone {
                    return Err(Missing::Poll(poll.id));
                }
                let newer = state.standing.take_poll(poll);
                self.changed(&entry, state, newer, newer);
            }
            Announcement::Tally(tally) => {
                let entry = self.entry(tally.poll).ok_or(Missing::Poll(tally.poll))?;
                let mut state = entry.state.lock();
                let (id, phase) = (tally.poll, tally.tally.phase);
                if state.gone {
                    return Err(Missing::Poll(id));
                }
                let ahead = phase > state.standing.poll.phase;
                let newer = state.standing.take_tally(tally);
                self.changed(&entry, state, false, newer);
                return if ahead { Err(Missing::Poll(id)) } else { Ok(()) };
            }
            Announcement::Progress { partition, generation, next_offset } => {
                self.advance(partition, generation, next_offset);
                *self.committed_at.lock() = Some(self.ambient.now());
                self.pass_over(partition, next_offset);
            }
        }
        Ok(())
    }

    pub(super) fn partitions(&self) -> u32 {
        self.progress.len() as u32
    }

    /// The poll as its owner made it; the hot path of a vote.
    pub fn poll(&self, id: PollId) -> Option<Arc<Poll>> {
        let polls = self.polls.read();
        let entry = polls.get(&id)?;
        self.touch(entry);
        let poll = entry.poll.read().clone();
        (poll.status != PollStatus::Deleted).then_some(poll)
    }

    /// The poll and its tallies, a consistent copy.
    pub fn standing(&self, id: PollId) -> Option<Standing> {
        let entry = self.entry(id)?;
        self.touch(&entry);
        let standing = entry.state.lock().standing.clone();
        (standing.poll.status != PollStatus::Deleted).then_some(standing)
    }

    /// The poll a join code leads to, if memory can tell: one that has been over for so long that its
    /// code may be another's is the store's to say.
    pub fn by_code(&self, code: &str) -> Option<PollId> {
        let poll = self.poll(self.codes.holder(code)?)?;
        codes::is_sure(&poll, self.ambient.now()).then_some(poll.id)
    }

    /// The leaderboard as of the last tick, cut to `limit` places.
    pub fn leaderboard(&self, limit: usize) -> LeaderboardView {
        let view = self.board.lock().view.clone();
        view.cut(limit)
    }

    /// Waits until the partition is committed beyond this offset, as far as this node has heard.
    pub async fn committed(&self, partition: Partition, offset: Offset) {
        let Some(progress) = self.progress.get(partition as usize) else {
            return std::future::pending().await;
        };
        progress.wait_for(|(_, next)| next > offset).await;
    }

    /// The partition is committed up to here.
    pub(super) fn advance(&self, partition: Partition, generation: Generation, next: Offset) {
        if let Some(progress) = self.progress.get(partition as usize) {
            progress.change(|now| {
                let newer = (generation, next) > *now;
                if newer {
                    *now = (generation, next);
                }
                newer
            });
        }
    }

    pub(super) fn entry(&self, id: PollId) -> Option<Arc<Entry>> {
        self.polls.read().get(&id).cloned()
    }

    /// Of the newest open, listed polls those that show their numbers only to who has voted.
    pub fn after_vote(&self) -> Vec<Arc<Poll>> {
        let polls = self.newest().into_iter().filter_map(|id| self.poll(id));
        polls.filter(|poll| view::shows_after_vote(poll)).collect()
    }

    /// The newest open, listed polls: those that a viewer of everything is greeted with.
    pub(super) fn newest(&self) -> Vec<PollId> {
        self.listed.lock().iter().rev().take(self.limits.overview).copied().collect()
    }

    /// Open, listed polls, oldest first.
    pub(super) fn listed(&self) -> Vec<PollId> {
        self.listed.lock().iter().copied().collect()
    }

    fn insert(&self, standing: Standing) {
        let id = standing.poll.id;
        let mut entry = Entry::new(standing.clone(), self.shelf.age());
        let mut polls = self.polls.write();
        if polls.contains_key(&id) {
            drop(polls);
            return self.merge(standing);
        }
        let shelved = self.shelf.take(id, entry.state.get_mut());
        let entry = Arc::new(entry);
        polls.insert(id, entry.clone());
        drop(polls);
        let state = entry.state.lock();
        // Nobody watches it yet, and one that is over is no news unless it was open here.
        let news = shelved || standing.poll.status == PollStatus::Open;
        self.changed(&entry, state, true, news);
        self.arrived(&standing);
    }

    /// After a change: bring the indexes up to date if it was of the poll itself, and mark the
    /// poll as dirty if it is news to anybody.
    fn changed(
        &self,
        entry: &Arc<Entry>,
        mut state: parking_lot::MutexGuard<'_, EntryState>,
        poll: bool,
        news: bool,
    ) {
        if poll {
            self.index(entry, &mut state);
        }
        if news {
            self.touch(entry);
        }
        // Of a deleted poll the end is the last that is told.
        let news = news && (poll || state.status() != PollStatus::Deleted);
        if news && !state.dirty {
            state.dirty = true;
            let now = Instant::now();
            let at = state.next_at.map_or(now, |at| at.max(now));
            self.dirty.lock().insert((at, entry.id), entry.clone());
            self.changed.notify_one();
        }
        drop(state);
        if poll {
            self.forget_idle();
        }
    }

    // ---- who watches ----

    /// How many watch now.
    pub fn viewers(&self) -> usize {
        self.viewers.lock().len()
    }

    /// The voter with this cookie has voted in this poll: from now on their viewers see it so.
    pub fn voted(&self, poll: PollId, identity: Identity) {
        if !self.poll(poll).is_some_and(|poll| view::shows_after_vote(&poll)) {
            return;
        }
        // First this, then who is here: `join` does it the other way round, so nobody is missed.
        self.recent.lock().insert(poll, identity);
        let of_identity = (identity, 0)..=(identity, u32::MAX);
        let viewers: Vec<_> =
            self.known.lock().range(of_identity).map(|(_, v)| v.clone()).collect();
        for viewer in viewers {
            let mut state = viewer.state.lock();
            self.grant(&viewer, &mut state, poll, Grant::Voted);
        }
    }

    /// Whether [`Hub::voted`] was called for this voter a moment ago. The store knows of those
    /// whose ballots are counted.
    pub fn has_voted(&self, poll: PollId, identity: Identity) -> bool {
        self.recent.lock().contains(poll, identity)
    }

    /// Let a viewer in. It stays until the seat is dropped.
    pub(super) fn join(
        self: &Arc<Self>,
        sink: Sink,
        interest: Interest,
        identity: Option<Identity>,
    ) -> Seat {
        let viewer = Arc::new(Viewer {
            sink,
            identity,
            elsewhere: interest.elsewhere,
            waker: Default::default(),
            state: Mutex::new(State::new(Grants::default())),
        });
        let mut state = viewer.state.lock();
        let full = {
            let mut viewers = self.viewers.lock();
            state.slot = viewers.insert(viewer.clone());
            viewers.len() > self.limits.viewers
        };
        if let Some(identity) = identity {
            self.known.lock().insert((identity, state.slot), viewer.clone());
            for poll in interest.polls.iter().filter(|poll| self.has_voted(**poll, identity)) {
                state.grants.add(*poll, Grant::Voted, self.limits.subscriptions);
            }
        }
        for (poll, grant) in interest.grants.iter().take(self.limits.subscriptions) {
            state.grants.add(*poll, *grant, self.limits.subscriptions);
        }
        state.mixed = !state.grants.is_empty();
        if self.leaving.load(Ordering::SeqCst) {
            state.end(Close::AWAY);
        } else if full {
            state.end(Close::BUSY);
        } else {
            self.greet(&viewer, &mut state, &interest);
        }
        drop(state);
        Seat(ViewerHandle { hub: self.clone(), viewer })
    }

    /// Register for what is wanted, then say hello: whatever changes in between is sent twice
    /// rather than missed.
    fn greet(&self, viewer: &Arc<Viewer>, state: &mut State, interest: &Interest) {
        let general = interest.everything || interest.leaderboard;
        if general {
            state.general_slot = Some(self.general.lock().insert(viewer.clone()));
        }
        let listed = |id: &PollId| interest.everything && self.listed.lock().contains(id);
        let granted = state.grants.polls().into_iter().filter(listed);
        for poll in interest.polls.iter().copied().chain(granted).take(self.limits.subscriptions) {
            // A poll that is not here is left out, as documented.
            let _ = self.subscribe(viewer, state, poll);
        }
        let usual = interest.everything && !state.mixed;
        let (now, news) = (Instant::now(), self.news.load(Ordering::SeqCst));
        let current = |known: &Greeting| now < known.until && known.news == news;
        if usual && let Some(known) = self.greeting.lock().clone().filter(current) {
            (state.cursor, state.board) = (Some(known.cursor), Some(known.board));
            state.replies.push_back(known.message);
            return;
        }
        let event = match interest.event {
            Some(Watched::Event(id)) => self.begin_to_follow(viewer, state, id),
            Some(Watched::Lone(id)) => self.standing(id).map(|standing| {
                let view = view::event::lone(&standing);
                serde_json::to_vec(&view).expect("a view is always JSON").into()
            }),
            None => None,
        };
        let mut polls = Vec::new();
        if interest.everything {
            state.cursor = Some(self.overview.lock().head);
            let newest = self.newest();
            // Those that are on the shelf come later.
            self.shelf.seek(newest.iter().copied());
            for entry in newest.into_iter().filter_map(|id| self.entry(id)) {
                if state.subs.iter().all(|sub| !Arc::ptr_eq(&sub.entry, &entry)) {
                    let mut poll = entry.state.lock();
                    self.renew(&mut poll);
                    let audience = state.grants.audience(&poll.standing.poll);
                    polls.push(poll.json(audience).1);
                }
            }
        }
        for i in 0..state.subs.len() {
            let sub = &mut state.subs[i];
            let mut poll = sub.entry.state.lock();
            let audience = state.grants.audience(&poll.standing.poll);
            if poll.is_shown(audience) {
                let json;
                (sub.sent, json) = poll.json(audience);
                sub.behind = false;
                polls.push(json);
            }
        }
        let board = general.then(|| self.shown_board());
        state.board = board.as_ref().map(|board| board.version);
        let message = self.hello(event.as_deref(), &polls, board.as_deref());
        // A tick that began meanwhile may have encoded less than is said here.
        let head = self.overview.lock().head;
        if state.cursor.is_some_and(|cursor| cursor != head) {
            state.mixed = true;
        } else if let (true, Some(cursor), Some(board)) = (usual, state.cursor, state.board) {
            let until = now + self.limits.tick;
            let message = message.clone();
            *self.greeting.lock() = Some(Greeting { until, news, cursor, board, message });
        }
        state.replies.push_back(message);
    }

    /// From now on this poll is shown as it is, before its tick.
    fn renew(&self, poll: &mut EntryState) {
        if poll.renew() {
            self.news.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn hello(&self, event: Option<&[u8]>, polls: &[Bytes], board: Option<&ShownBoard>) -> Message {
        let start = format!("{{\"type\":\"hello\",\"epoch\":\"{}\"", self.epoch);
        let mut parts: Vec<&[u8]> = vec![start.as_bytes()];
        if let Some(event) = event {
            parts.extend([b",\"event\":", event]);
        }
        parts.push(b",\"polls\":[");
        for (i, poll) in polls.iter().enumerate() {
            if i > 0 {
                parts.push(b",");
            }
            parts.push(poll);
        }
        parts.push(b"],\"leaderboard\":");
        parts.push(board.map_or(b"null", |board| &board.json));
        parts.push(b"}");
        Message::text(Event::Hello, 0, &parts)
    }

    pub(super) fn subscribe(
        &self,
        viewer: &Arc<Viewer>,
        state: &mut State,
        id: PollId,
    ) -> Result<(), SubscribeError> {
        if let Some(sub) = state.subs.iter_mut().find(|sub| sub.entry.id == id) {
            (sub.behind, sub.sent) = (true, sub.sent.saturating_sub(1));
            // What was encoded before the numbers were hidden is older than what was sent with them.
            self.renew(&mut sub.entry.state.lock());
            return Ok(());
        }
        if state.subs.len() >= self.limits.subscriptions {
            return Err(SubscribeError::TooMany);
        }
        // Under the lock of the map, so that the poll is not forgotten before it is watched.
        let (entry, slot) = {
            let polls = self.polls.read();
            let entry = polls.get(&id).cloned().ok_or(SubscribeError::Unknown)?;
            if entry.poll.read().status == PollStatus::Deleted {
                return Err(SubscribeError::Unknown);
            }
            let slot = entry.watchers.lock().insert(viewer.clone());
            if viewer.elsewhere {
                entry.elsewhere.store(true, Ordering::Relaxed);
            }
            (entry, slot)
        };
        let closed = {
            let mut poll = entry.state.lock();
            self.renew(&mut poll);
            poll.is_over()
        };
        state.mixed = true;
        state.subs.push(Sub { entry, slot, sent: 0, closed, behind: true, followed: false });
        Ok(())
    }

    /// What [`ViewerHandle::grant`] says.
    pub(super) fn grant(&self, viewer: &Arc<Viewer>, state: &mut State, id: PollId, grant: Grant) {
        let poll = self.entry(id).map(|entry| entry.poll.read().clone());
        let before = poll.as_ref().map(|poll| state.grants.audience(poll));
        state.grants.add(id, grant, self.limits.subscriptions);
        if poll.as_ref().map(|poll| state.grants.audience(poll)) == before {
            return;
        }
        state.mixed = true;
        if let Some(sub) = state.subs.iter_mut().find(|sub| sub.entry.id == id) {
            // With the numbers the version may be the same as without.
            (sub.behind, sub.sent) = (true, sub.sent.saturating_sub(1));
            self.renew(&mut sub.entry.state.lock());
        } else if state.cursor.is_some()
            && self.entry(id).is_some_and(|entry| entry.state.lock().seq > 0)
        {
            // The shared stream moves at the public's pace; this viewer now sees more. Without
            // room for a subscription it stays at that pace.
            let _ = self.subscribe(viewer, state, id);
        }
        viewer.pump(self, state);
    }

    fn leave(&self, viewer: &Arc<Viewer>) {
        let mut state = viewer.state.lock();
        state.life = super::viewer::Life::Dead;
        for sub in state.subs.drain(..) {
            sub.entry.watchers.lock().remove(sub.slot);
        }
        if let Some(following) = state.following.take() {
            following.entry.watchers.lock().remove(following.slot);
        }
        if let Some(slot) = state.general_slot.take() {
            self.general.lock().remove(slot);
        }
        if let Some(identity) = viewer.identity {
            self.known.lock().remove(&(identity, state.slot));
        }
        self.viewers.lock().remove(state.slot);
        if let Sink::Socket(stream) = &viewer.sink {
            // Whoever still holds a handle must not keep the connection.
            let _ = socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Both);
        }
        self.changed.notify_one();
    }

    // ---- what viewers are sent ----

    pub(super) fn overview_after(&self, cursor: u64) -> Option<(u64, Arc<Entry>)> {
        let overview = self.overview.lock();
        if overview.head <= cursor {
            return None;
        }
        overview.recent.range(cursor + 1..).next().map(|(seq, entry)| (*seq, entry.clone()))
    }

    pub(super) fn overview_batch(&self, cursor: u64) -> Option<Batch> {
        let overview = self.overview.lock();
        let (from, batch) = overview.batch.as_ref()?;
        (*from == cursor && !batch.is_empty()).then(|| batch.clone())
    }

    pub(super) fn shown_board(&self) -> Arc<ShownBoard> {
        self.board.lock().shown.clone()
    }
}

/// A viewer's place, given up when dropped.
pub(super) struct Seat(pub ViewerHandle);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.hub.leave(&self.0.viewer);
    }
}
