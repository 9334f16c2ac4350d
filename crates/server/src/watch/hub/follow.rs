//! Followers: viewers who follow an event from poll to poll. A follower is subscribed to the
//! event's current poll; when another poll comes on stage, each follower is moved over to it and is
//! sent the event, then the poll.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pollux_core::id::EventId;
use pollux_core::right::Right;

use super::Hub;
use crate::watch::follow::Following;
use crate::watch::grants::{Grant, Proof};
use crate::watch::viewer::{State, Viewer};

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
            let place = entry.viewers.lock().insert(state.seat);
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

    /// Moves the viewer on to the current poll of the event that it follows, which has changed, and
    /// sends what there is to send.
    pub(super) fn offer_event(&self, viewer: &Arc<Viewer>) {
        let mut state = viewer.state.lock();
        self.follow(viewer, &mut state);
        viewer.pump(&mut state);
    }

    /// Moves the viewer to the event's current poll.
    fn follow(&self, viewer: &Arc<Viewer>, state: &mut State) {
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
    pub(in crate::watch) fn promote(&self, viewer: &Arc<Viewer>, state: &mut State, proof: Proof) {
        let Some(following) = &mut state.following else { return };
        let owner = following.entry.state.lock().agenda.event.owner;
        // A stage token that is shown after an owner's token must not take anything away.
        let owns = |proof: Proof| proof.gives(Right::Owner, &owner);
        if !following.proof.is_some_and(owns) || owns(proof) {
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
