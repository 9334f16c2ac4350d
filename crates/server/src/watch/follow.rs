//! Followers: viewers who follow an event from poll to poll. A follower is subscribed to the
//! event's current poll; when another poll comes on stage, each follower is moved over to it and is
//! sent the event, then the poll.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pollux_core::id::{EventId, PollId};

use super::agenda::AgendaEntry;
use super::frame::Message;
use super::grants::{Grant, Proof};
use super::hub::Hub;
use super::viewer::{State, Viewer};

/// A viewer's place with the event that it follows.
pub(super) struct Following {
    pub entry: Arc<AgendaEntry>,
    /// The viewer's place in the entry's `viewers`.
    pub place: u32,
    /// The version that was last sent.
    pub sent: u64,
    /// Whether something newer may be there.
    pub behind: bool,
    /// The proof that the viewer runs the event, if it does. It is then shown drafts, and an owner
    /// is shown all numbers.
    pub proof: Option<Proof>,
    /// The poll that the viewer is subscribed to because it is, or was, the current one.
    pub poll: Option<PollId>,
}

impl Hub {
    /// Returns how many follow this event here, and whether one of them ever came from another
    /// machine.
    pub fn followers(&self, id: EventId) -> (usize, bool) {
        self.agenda_entry(id).map_or((0, false), |entry| {
            let elsewhere = entry.elsewhere.load(Ordering::Relaxed);
            (entry.viewers.lock().len(), elsewhere)
        })
    }

    /// Begins to follow an event. Returns the event's JSON for the `hello`, or `None` if it is not
    /// in memory.
    pub(super) fn begin_to_follow(
        &self,
        viewer: &Arc<Viewer>,
        state: &mut State,
        id: EventId,
    ) -> Option<Bytes> {
        // The map stays locked, so that the event is not forgotten before it is watched.
        let (entry, place) = {
            let agendas = self.agendas.read();
            let entry = agendas.by_id.get(&id)?.clone();
            let place = entry.viewers.lock().insert(viewer.clone());
            if viewer.elsewhere {
                entry.elsewhere.store(true, Ordering::Relaxed);
            }
            (entry, place)
        };
        let (sent, json) = {
            let mut agenda = entry.state.lock();
            let encoded = agenda.encode(false);
            (encoded.version, encoded.json.clone())
        };
        state.following =
            Some(Following { entry, place, sent, behind: false, proof: None, poll: None });
        self.follow(viewer, state);
        Some(json)
    }

    /// Moves the viewer to the event's current poll.
    pub(super) fn follow(&self, viewer: &Arc<Viewer>, state: &mut State) {
        let Some(following) = &mut state.following else { return };
        following.behind = true;
        let current = following.entry.state.lock().agenda.current();
        if following.poll == current {
            return;
        }
        let (before, proof) = (following.poll.take(), following.proof);
        if let Some(before) = before
            && let Some(i) = state.subs.iter().position(|s| s.followed && s.entry.id == before)
        {
            let sub = state.subs.swap_remove(i);
            sub.entry.viewers.lock().remove(sub.place);
        }
        let Some(id) = current else { return };
        let voted = viewer.browser_id.is_some_and(|browser_id| self.has_voted(id, browser_id));
        let granted = [proof.map(Grant::Runs), voted.then_some(Grant::Voted)];
        for grant in granted.into_iter().flatten() {
            self.grant(viewer, state, id, grant);
        }
        let named = state.subs.iter().any(|sub| sub.entry.id == id);
        if self.subscribe(viewer, state, id).is_err() {
            return;
        }
        if let Some(sub) = state.subs.iter_mut().find(|sub| sub.entry.id == id) {
            sub.followed = !named;
        }
        if let Some(following) = &mut state.following {
            following.poll = Some(id);
        }
    }

    /// Lets the viewer run the event, as its owner or from its stage.
    pub(super) fn promote(&self, viewer: &Arc<Viewer>, state: &mut State, proof: Proof) {
        let Some(following) = &mut state.following else { return };
        let owner = following.entry.state.lock().agenda.event.owner;
        // A stage token that is shown after an owner's token must not take anything away.
        if !following.proof.is_some_and(|known| known.owns(&owner)) || proof.owns(&owner) {
            following.proof = Some(proof);
        }
        // The version with drafts may equal the one without, so the event is sent once more in any
        // case.
        (following.sent, following.behind) = (0, true);
        if let Some(poll) = following.poll {
            self.grant(viewer, state, poll, Grant::Runs(proof));
        }
    }
}

impl State {
    /// Returns the event if the viewer lacks its newest state.
    pub(super) fn next_of_event(&mut self) -> Option<Message> {
        let following = self.following.as_mut()?;
        if !std::mem::take(&mut following.behind) {
            return None;
        }
        let mut state = following.entry.state.lock();
        let staff = following.proof.is_some_and(|proof| proof.runs(&state.agenda.event.owner));
        let encoded = state.encode(staff);
        let newer = encoded.version > following.sent;
        following.sent = following.sent.max(encoded.version);
        newer.then(|| encoded.message.clone())
    }
}
