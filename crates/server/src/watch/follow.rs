//! A viewer that follows an event from poll to poll. `hub/follow.rs` moves it on when another poll
//! comes on stage.

use std::sync::Arc;

use pollux_core::id::PollId;
use pollux_core::right::Right;

use super::agenda::AgendaEntry;
use super::frame::Message;
use super::grants::Proof;

/// `Following` is a viewer's place with the event that it follows.
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

impl Following {
    /// Returns the event if the viewer lacks its newest state.
    pub fn next(&mut self) -> Option<Message> {
        if !std::mem::take(&mut self.behind) {
            return None;
        }
        let mut state = self.entry.state.lock();
        let staff =
            self.proof.is_some_and(|proof| proof.gives(Right::Stage, &state.agenda.event.owner));
        let encoded = state.encode(staff);
        let newer = encoded.version > self.sent;
        self.sent = self.sent.max(encoded.version);
        newer.then(|| encoded.message.clone())
    }
}
