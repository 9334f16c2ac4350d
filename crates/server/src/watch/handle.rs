//! The API's handle on a viewer: what its client may ask for, and how it is answered.

use std::sync::Arc;

use pollux_core::id::PollId;

use super::frame::{Close, Message, MessageType};
use super::grants::{Grant, Proof};
use super::hub::Hub;
use super::viewer::{BrowserId, Interest, Life, Sink, SubscribeError, Viewer};

/// A handle is what the API holds of one viewer.
#[derive(Clone)]
pub struct ViewerHandle {
    pub(super) hub: Arc<Hub>,
    pub(super) viewer: Arc<Viewer>,
}

impl ViewerHandle {
    /// Returns the browser id with which the viewer came.
    pub fn browser_id(&self) -> Option<BrowserId> {
        self.viewer.browser_id
    }

    /// Sends the viewer this poll's state now and whenever it changes. A second call sends it once
    /// more.
    pub fn subscribe(&self, poll: PollId) -> Result<(), SubscribeError> {
        let mut state = self.viewer.state.lock();
        self.hub.subscribe(&self.viewer, &mut state, poll)?;
        if let Some(sub) = state.subs.iter_mut().find(|sub| sub.entry.id == poll) {
            sub.followed = false;
        }
        self.viewer.pump(&mut state);
        Ok(())
    }

    /// Ends the subscription to this poll. A viewer of everything still sees the poll if it is
    /// listed.
    pub fn unsubscribe(&self, poll: PollId) {
        let mut state = self.viewer.state.lock();
        if let Some(i) = state.subs.iter().position(|sub| sub.entry.id == poll) {
            let sub = state.subs.swap_remove(i);
            sub.entry.viewers.lock().remove(sub.place);
        }
    }

    /// Grants something in this poll to the viewer, which is sent what that adds. Beyond
    /// `WatchLimits::subscriptions` polls the oldest grant is forgotten.
    pub fn grant(&self, poll: PollId, grant: Grant) {
        let mut state = self.viewer.state.lock();
        self.hub.grant(&self.viewer, &mut state, poll, grant);
    }

    /// Lets the viewer run the event it follows, as its owner or from its stage. As long as this
    /// proof holds, the viewer is shown drafts, and as the owner every poll's numbers.
    pub fn promote(&self, proof: Proof) {
        let mut state = self.viewer.state.lock();
        self.hub.promote(&self.viewer, &mut state, proof);
        self.viewer.pump(&mut state);
    }

    /// Sends a reply. A client that lets `WatchLimits::replies` of them pile up is closed.
    pub fn reply(&self, json: &[u8]) {
        self.answer(Message::text(MessageType::Reply, 0, &[json]));
    }

    /// Queues a reply to the client, or closes the viewer if too many are queued.
    pub(super) fn answer(&self, message: Message) {
        let mut state = self.viewer.state.lock();
        if state.life != Life::Watching {
            return;
        }
        if state.replies.len() >= self.hub.limits().replies {
            state.replies.clear();
            state.end(Close::BUSY);
        } else {
            state.replies.push_back(message);
        }
        self.viewer.pump(&mut state);
    }

    /// Closes the connection with a code of RFC 6455 §7.4 and a reason.
    pub fn close(&self, code: u16, reason: &'static str) {
        self.end(Close(code, reason));
    }

    /// Closes the connection for this reason.
    pub(super) fn end(&self, why: Close) {
        let mut state = self.viewer.state.lock();
        state.end(why);
        self.viewer.pump(&mut state);
    }
}

/// A seat is a viewer's place with the hub, which is given up when it is dropped.
pub(super) struct Seat(pub ViewerHandle);

impl Seat {
    /// Lets a viewer in.
    pub fn take(
        hub: &Arc<Hub>,
        sink: Sink,
        interest: &Interest,
        browser_id: Option<BrowserId>,
    ) -> Self {
        let viewer = hub.join(sink, interest, browser_id);
        Self(ViewerHandle { hub: hub.clone(), viewer })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.hub.leave(&self.0.viewer);
    }
}
