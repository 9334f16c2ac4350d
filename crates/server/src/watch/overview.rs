//! The one stream that all viewers of everything follow.
//!
//! Each poll has at most one place in it, that of its latest change, and moves to the end when
//! it changes again. A viewer remembers one number, how far it has come; what lies beyond is
//! what it lacks, so ten thousand polls cost a viewer eight bytes, and a slow one skips states.
//! Polls wait in a queue for their place, at most so many get one a tick, and none is passed over.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::entry::{Entry, EntryState};
use super::frame::MessageType;
use super::view::Audience;

/// Frames of one tick with their places, as the public gets them.
pub(super) type Batch = Arc<[(u64, Bytes)]>;

/// The stream.
#[derive(Default)]
pub(super) struct Overview {
    /// The last place given.
    pub head: u64,
    /// Who changed last at which place.
    pub recent: BTreeMap<u64, Arc<Entry>>,
    /// Waiting for a place, each once.
    pub queue: VecDeque<Arc<Entry>>,
    /// No tick before.
    pub due: Option<Instant>,
    /// What the last tick brought to those who had come as far as the number says.
    pub batch: Option<(u64, Batch)>,
}

impl EntryState {
    /// What a viewer of everything who had come as far as `cursor` is told about this poll.
    pub fn overview_event(&self, cursor: u64) -> MessageType {
        match (self.is_over(), self.closed_seq > cursor, self.created_seq > cursor) {
            (true, true, _) => MessageType::Closed,
            (false, _, true) => MessageType::Created,
            _ => MessageType::Updated,
        }
    }

    /// Take the place `seq`.
    pub fn take_place(&mut self, seq: u64) {
        self.queued = false;
        self.seq = seq;
        if self.created_seq == 0 {
            self.created_seq = seq;
        }
        let over = self.is_over();
        if over && !self.told_closed {
            self.closed_seq = seq;
        }
        self.told_closed = over;
    }
}

/// Give the next polls of the queue their places: `most` of them, or all when nobody looks.
pub(super) fn advance(overview: &parking_lot::Mutex<Overview>, most: Option<usize>) {
    let (from, taken): (u64, Vec<_>) = {
        let mut overview = overview.lock();
        let count = overview.queue.len().min(most.unwrap_or(usize::MAX));
        let from = overview.head;
        // First of all: whoever sees the old head after saying hello has said nothing that is
        // newer than what is encoded below.
        overview.head += count as u64;
        (from, overview.queue.drain(..count).collect())
    };
    let mut frames = Vec::with_capacity(most.map_or(0, |_| taken.len()));
    for (seq, entry) in (from + 1..).zip(taken) {
        let mut poll = entry.state.lock();
        let old = poll.seq;
        poll.take_place(seq);
        if most.is_some() {
            let event = poll.overview_event(from);
            frames.push((seq, poll.message(event, Audience::Public).wire().clone()));
        }
        let mut overview = overview.lock();
        overview.recent.remove(&old);
        overview.recent.insert(seq, entry.clone());
    }
    overview.lock().batch = most.map(|_| (from, frames.into()));
}
