//! What waits for its tick.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use pollux_core::id::{EventId, PollId};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::agenda::AgendaEntry;
use super::entry::PollEntry;

/// `Due` keeps the polls and events that wait for their tick, sorted by its time. These locks may
/// be taken while a poll's or an event's lock is held.
#[derive(Default)]
pub(super) struct Due {
    pub polls: Mutex<BTreeMap<(Instant, PollId), Arc<PollEntry>>>,
    pub agendas: Mutex<BTreeMap<(Instant, EventId), Arc<AgendaEntry>>>,
    /// Notified when something new waits, and when a viewer has left.
    pub changed: Notify,
}
