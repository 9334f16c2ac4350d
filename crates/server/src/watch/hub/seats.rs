//! How viewers come and go, what they are greeted with, subscribe to and may see.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use pollux_core::id::PollId;
use pollux_core::poll::PollStatus;
use tokio::time::Instant;

use super::Hub;
use crate::watch::frame::Close;
use crate::watch::grants::{Grant, Grants};
use crate::watch::shared::Greeting;
use crate::watch::view;
use crate::watch::viewer::{
    BrowserId, Interest, Life, Sink, State, Sub, SubscribeError, Viewer, Watched,
};

impl Hub {
    /// Returns how many viewers there are now.
    pub fn viewers(&self) -> usize {
        self.seats.all.lock().len()
    }

    /// Lets the viewers with this browser id see the poll as those who have voted in it.
    pub fn voted(&self, poll: PollId, browser_id: BrowserId) {
        if !self.poll(poll).is_some_and(|poll| view::shows_after_vote(&poll)) {
            return;
        }
        // The voter is noted before the viewers are listed. `join` does it the other way round, so
        // no viewer is missed.
        self.seats.recent.lock().insert(poll, browser_id);
        for viewer in self.seats.of_browser(browser_id) {
            let mut state = viewer.state.lock();
            self.grant(&viewer, &mut state, poll, Grant::Voted);
        }
    }

    /// Whether [`Hub::voted`] was called for this browser id a moment ago. The store knows the
    /// voters whose ballots are counted.
    pub fn has_voted(&self, poll: PollId, browser_id: BrowserId) -> bool {
        self.seats.recent.lock().contains(poll, browser_id)
    }

    /// Lets a viewer in, which stays until it is taken out by [`Hub::leave`].
    pub(in crate::watch) fn join(
        &self,
        sink: Sink,
        interest: &Interest,
        browser_id: Option<BrowserId>,
    ) -> Arc<Viewer> {
        let viewer = Arc::new(Viewer {
            sink,
            browser_id,
            elsewhere: interest.elsewhere,
            shared: self.shared.clone(),
            waker: Default::default(),
            state: Mutex::new(State::new(Grants::default())),
        });
        let mut state = viewer.state.lock();
        let full = {
            let mut viewers = self.seats.all.lock();
            state.seat = viewers.insert(viewer.clone());
            viewers.len() > self.limits.viewers
        };
        if let Some(browser_id) = browser_id {
            self.seats.known.lock().insert((browser_id, state.seat), viewer.clone());
            for poll in interest.polls.iter().filter(|poll| self.has_voted(**poll, browser_id)) {
                state.grants.add(*poll, Grant::Voted, self.limits.subscriptions);
            }
        }
        for (poll, grant) in interest.grants.iter().take(self.limits.subscriptions) {
            state.grants.add(*poll, *grant, self.limits.subscriptions);
        }
        state.mixed = !state.grants.is_empty();
        if self.seats.leaving.load(Ordering::SeqCst) {
            state.end(Close::AWAY);
        } else if full {
            state.end(Close::BUSY);
        } else {
            self.greet(&viewer, &mut state, interest);
        }
        drop(state);
        viewer
    }

    /// Registers the viewer for what it wants and then queues its `hello`. In this order a change
    /// in between is sent twice rather than missed.
    fn greet(&self, viewer: &Arc<Viewer>, state: &mut State, interest: &Interest) {
        let general = interest.everything || interest.leaderboard;
        if general {
            state.general_place = Some(self.seats.general.lock().insert(viewer.clone()));
        }
        let listed = |id: &PollId| interest.everything && self.polls.listed.lock().contains(id);
        let granted = state.grants.polls().into_iter().filter(listed);
        for poll in interest.polls.iter().copied().chain(granted).take(self.limits.subscriptions) {
            // A poll that is not in memory is left out, as `Interest::polls` documents.
            let _ = self.subscribe(viewer, state, poll);
        }
        let usual = interest.everything && !state.mixed;
        let (now, changes) = (Instant::now(), self.shared.changes.load(Ordering::SeqCst));
        let current = |known: &Greeting| now < known.until && known.changes == changes;
        if usual && let Some(known) = self.shared.greeting.lock().clone().filter(current) {
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
            state.cursor = Some(self.shared.overview.lock().head);
            let newest = self.polls.newest(self.limits.overview);
            // Polls on the shelf are read back and come later.
            self.polls.shelf.seek(newest.iter().copied());
            for entry in newest.into_iter().filter_map(|id| self.polls.entry(id)) {
                if state.subs.iter().all(|sub| !Arc::ptr_eq(&sub.entry, &entry)) {
                    let mut poll = entry.state.lock();
                    self.shared.renew(&mut poll);
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
        let board = general.then(|| self.shared.shown_board());
        state.board = board.as_ref().map(|board| board.version);
        let message = self.shared.hello(event.as_deref(), &polls, board.as_deref());
        // A tick that began meanwhile may have encoded older states than this `hello` has, so this
        // viewer must not be sent that tick's batch.
        let head = self.shared.overview.lock().head;
        if state.cursor.is_some_and(|cursor| cursor != head) {
            state.mixed = true;
        } else if let (true, Some(cursor), Some(board)) = (usual, state.cursor, state.board) {
            let until = now + self.limits.tick;
            let message = message.clone();
            *self.shared.greeting.lock() =
                Some(Greeting { until, changes, cursor, board, message });
        }
        state.replies.push_back(message);
    }

    /// Subscribes a viewer to a poll, or makes an existing subscription due to be sent once more.
    pub(in crate::watch) fn subscribe(
        &self,
        viewer: &Arc<Viewer>,
        state: &mut State,
        id: PollId,
    ) -> Result<(), SubscribeError> {
        // A viewer that has left holds no seat any more, and its number may be another viewer's.
        if state.life == Life::Dead {
            return Ok(());
        }
        if let Some(sub) = state.subs.iter_mut().find(|sub| sub.entry.id == id) {
            (sub.behind, sub.sent) = (true, sub.sent.saturating_sub(1));
            // JSON that is still kept may date from before the numbers were hidden, with a lower
            // version than the one that was sent, so it is encoded anew.
            self.shared.renew(&mut sub.entry.state.lock());
            return Ok(());
        }
        if state.subs.len() >= self.limits.subscriptions {
            return Err(SubscribeError::TooMany);
        }
        // The map stays locked, so that the poll is not forgotten before it is watched.
        let (entry, place) = {
            let polls = self.polls.by_id.read();
            let entry = polls.get(&id).cloned().ok_or(SubscribeError::Unknown)?;
            if entry.poll.read().status == PollStatus::Deleted {
                return Err(SubscribeError::Unknown);
            }
            let place = entry.viewers.lock().insert(state.seat);
            if viewer.elsewhere {
                entry.elsewhere.store(true, Ordering::Relaxed);
            }
            (entry, place)
        };
        let closed = {
            let mut poll = entry.state.lock();
            self.shared.renew(&mut poll);
            poll.is_over()
        };
        state.mixed = true;
        state.subs.push(Sub { entry, place, sent: 0, closed, behind: true, followed: false });
        Ok(())
    }

    /// Grants something in a poll to a viewer, as
    /// [`ViewerHandle::grant`](crate::watch::handle::ViewerHandle::grant) documents.
    pub(in crate::watch) fn grant(
        &self,
        viewer: &Arc<Viewer>,
        state: &mut State,
        id: PollId,
        grant: Grant,
    ) {
        let poll = self.polls.entry(id).map(|entry| entry.poll.read().clone());
        let before = poll.as_ref().map(|poll| state.grants.audience(poll));
        state.grants.add(id, grant, self.limits.subscriptions);
        if poll.as_ref().map(|poll| state.grants.audience(poll)) == before {
            return;
        }
        state.mixed = true;
        if let Some(sub) = state.subs.iter_mut().find(|sub| sub.entry.id == id) {
            // The version with the numbers may equal the one without, so the poll must be sent once
            // more.
            (sub.behind, sub.sent) = (true, sub.sent.saturating_sub(1));
            self.shared.renew(&mut sub.entry.state.lock());
        } else if state.cursor.is_some()
            && self.polls.entry(id).is_some_and(|entry| entry.state.lock().seq > 0)
        {
            // The shared stream moves at the public's pace, and this viewer now sees more. If the
            // viewer has no room for another subscription, it goes on at the public's pace.
            let _ = self.subscribe(viewer, state, id);
        }
        viewer.pump(state);
    }

    /// Takes a viewer out of all lists and closes its connection.
    pub(in crate::watch) fn leave(&self, viewer: &Arc<Viewer>) {
        let mut state = viewer.state.lock();
        state.life = Life::Dead;
        for sub in state.subs.drain(..) {
            sub.entry.viewers.lock().remove(sub.place);
        }
        if let Some(following) = state.following.take() {
            following.entry.viewers.lock().remove(following.place);
        }
        if let Some(place) = state.general_place.take() {
            self.seats.general.lock().remove(place);
        }
        if let Some(browser_id) = viewer.browser_id {
            self.seats.known.lock().remove(&(browser_id, state.seat));
        }
        self.seats.all.lock().remove(state.seat);
        if let Sink::Socket(stream) = &viewer.sink {
            // A task that still holds a handle must not keep the connection open.
            let _ = socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Both);
        }
        self.due.changed.notify_one();
    }
}
