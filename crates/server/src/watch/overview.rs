//! The overview: the one stream that all viewers of everything follow.
//!
//! Each poll has at most one place in the stream, that of its latest change, and moves to the end
//! when it changes again. A viewer's cursor says how far it has come, and it lacks whatever lies
//! beyond. So ten thousand polls cost a viewer eight bytes, and a slow viewer skips states. Polls
//! wait in a queue for their place. Each tick gives places to a limited number, and none is passed
//! over.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::entry::{EntryState, PollEntry};
use super::frame::MessageType;
use super::view::Audience;

/// `TickFrames` holds the frames of one tick with their places, as the public gets them.
pub(super) type TickFrames = Arc<[(u64, Bytes)]>;

/// The overview keeps the places of polls and the queue for them.
#[derive(Default)]
pub(super) struct Overview {
    /// The last place that was given.
    pub head: u64,
    /// The poll at each place.
    pub recent: BTreeMap<u64, Arc<PollEntry>>,
    /// The polls that wait for a place, each once.
    pub queue: VecDeque<Arc<PollEntry>>,
    /// The earliest moment of the next tick.
    pub due: Option<Instant>,
    /// The cursor of viewers who were up to date before the last tick, and the frames of that tick.
    pub batch: Option<(u64, TickFrames)>,
    /// The number of times that frames were withdrawn.
    withdrawn: u64,
}

impl Overview {
    /// Drops the frames of the last tick, and those that are being made. Viewers who lack them are sent the polls
    /// one by one, as they are then.
    pub fn withdraw(&mut self) {
        self.batch = None;
        self.withdrawn += 1;
    }
}

impl EntryState {
    /// Returns the message about this poll that a viewer of everything with this cursor lacks.
    pub fn overview_message(&self, cursor: u64) -> MessageType {
        match (self.is_over(), self.closed_seq > cursor, self.created_seq > cursor) {
            (true, true, _) => MessageType::Closed,
            (false, _, true) => MessageType::Created,
            _ => MessageType::Updated,
        }
    }

    /// Moves the poll to the place `seq`.
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

/// Gives the next polls of the queue their places: `most` of them, or all of them when nobody
/// watches.
pub(super) fn advance(overview: &parking_lot::Mutex<Overview>, most: Option<usize>) {
    let (from, withdrawn, taken): (u64, u64, Vec<_>) = {
        let mut overview = overview.lock();
        let count = overview.queue.len().min(most.unwrap_or(usize::MAX));
        let from = overview.head;
        // The head moves before anything is encoded. A viewer that still sees the old head after
        // its `hello` was therefore told nothing newer than what is encoded below.
        overview.head += count as u64;
        (from, overview.withdrawn, overview.queue.drain(..count).collect())
    };
    let mut frames = Vec::with_capacity(most.map_or(0, |_| taken.len()));
    for (seq, entry) in (from + 1..).zip(taken) {
        let mut poll = entry.state.lock();
        let old = poll.seq;
        poll.take_place(seq);
        if most.is_some() {
            let about = poll.overview_message(from);
            frames.push((seq, poll.message(about, Audience::Public).wire().clone()));
        }
        let mut overview = overview.lock();
        overview.recent.remove(&old);
        overview.recent.insert(seq, entry.clone());
    }
    let mut overview = overview.lock();
    overview.batch =
        most.filter(|_| overview.withdrawn == withdrawn).map(|_| (from, frames.into()));
}
