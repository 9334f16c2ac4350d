//! A viewer knows what it wants, what it was last sent, and what to send it next.
//!
//! No standings are queued for a viewer. For each poll it knows the version that it was last sent.
//! When its socket takes more, it is sent the newest standing of each poll that has a newer
//! version. So a slow viewer skips standings, and a viewer that never reads costs one unsent frame
//! and a bounded number of replies.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use pollux_core::id::{EventId, PollId};
use pollux_core::poll::PollStatus;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::entry::PollEntry;
use super::follow::Following;
use super::frame::{Close, Message, MessageType};
use super::grants::{Grant, Grants};
use super::places::SeatNumber;
use super::shared::Shared;

/// `Watched` names what a viewer follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// An event that is in the hub.
    Event(EventId),
    /// This poll, which belongs to no event. It is followed as if it were the only poll of one.
    Lone(PollId),
}

/// `Interest` is what a viewer asks for when it connects.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    /// Whether it wants every open, listed poll.
    pub everything: bool,
    /// The polls that it wants, listed or not. Those that the hub does not know are left out.
    pub polls: Vec<PollId>,
    /// The event that it follows, together with that event's current poll.
    pub event: Option<Watched>,
    /// Whether it wants the leaderboard. A viewer of everything gets it too.
    pub leaderboard: bool,
    /// The polls of which the viewer may see more than the public does.
    pub grants: Vec<(PollId, Grant)>,
    /// Whether it comes from another machine than this one.
    pub elsewhere: bool,
}

/// A browser id is the 16 bytes in the voter cookie. [`Hub::voted`](super::hub::Hub::voted) finds
/// viewers by it.
pub type BrowserId = [u8; 16];

/// `SubscribeError` says why a subscription was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The viewer has `WatchLimits::subscriptions` subscriptions already.
    #[error("too many subscriptions; unsubscribe from a poll first")]
    TooMany,
    /// The hub does not know the poll. The caller loads it from the store, merges it and tries
    /// again.
    #[error("the poll is not in memory")]
    Unknown,
}

/// A sink is the way in which messages reach the client.
pub(super) enum Sink {
    /// A socket, which the hub writes to whenever there is something to send.
    Socket(TcpStream),
    /// A stream, whose task pulls the next message when the client takes more.
    Pulled,
}

/// A `Viewer` is one connection that watches.
pub(super) struct Viewer {
    pub sink: Sink,
    pub browser_id: Option<BrowserId>,
    pub elsewhere: bool,
    /// What this viewer is sent like others.
    pub shared: Arc<Shared>,
    /// Wakes the task that serves the socket, or the one that pulls.
    pub waker: AtomicWaker,
    /// What the viewer wants and was sent. Its lock is taken before any lock of an entry or the
    /// hub.
    pub state: Mutex<State>,
}

/// A `Sub` is a viewer's subscription to one poll.
pub(super) struct Sub {
    pub entry: Arc<PollEntry>,
    /// The viewer's place in the entry's `viewers`.
    pub place: u32,
    /// The version that was last sent; 0 for none.
    pub sent: u64,
    /// Whether the poll was closed when it was last sent.
    pub closed: bool,
    /// Whether there may be something newer than what was sent.
    pub behind: bool,
    /// Whether the subscription exists only because the poll is the current one of an event.
    pub followed: bool,
}

/// `Life` says how far a viewer has come in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Watching,
    /// The viewer is to be told why it is closed.
    Ending(Close),
    /// The viewer was told.
    Ended,
    /// The socket failed, or the viewer was given up. Nothing more is sent.
    Dead,
}

/// `State` says what a viewer wants, what it was sent, and whether it is alive.
pub(super) struct State {
    pub life: Life,
    /// The rest of a frame that the socket has not taken yet.
    pub unsent: Bytes,
    /// The moment at which the socket stopped taking anything; `None` while it takes more.
    pub blocked: Option<Instant>,
    pub replies: VecDeque<Message>,
    pub ping: bool,
    pub subs: Vec<Sub>,
    pub following: Option<Following>,
    pub grants: Grants,
    /// The place in the overview up to which a viewer of everything was sent all polls; `None` for
    /// others.
    pub cursor: Option<u64>,
    /// Whether this viewer may have to be sent other messages than the other viewers of everything,
    /// so that it cannot be sent the batch that they share.
    pub mixed: bool,
    /// The version that a viewer of the leaderboard was last sent; `None` for others.
    pub board: Option<u64>,
    /// The number of the viewer's seat.
    pub seat: SeatNumber,
    /// The viewer's place among those that watch everything or the leaderboard.
    pub general_place: Option<u32>,
    /// The moment of the last sign of life.
    pub heard: Instant,
    /// Whether the viewer was asked for a sign of life since `heard`.
    pub asked: bool,
}

impl State {
    /// Makes the state of a viewer who has been sent nothing yet.
    pub fn new(grants: Grants) -> Self {
        Self {
            life: Life::Watching,
            unsent: Bytes::new(),
            blocked: None,
            replies: VecDeque::new(),
            ping: false,
            subs: Vec::new(),
            following: None,
            grants,
            cursor: None,
            mixed: false,
            board: None,
            seat: 0,
            general_place: None,
            heard: Instant::now(),
            asked: false,
        }
    }

    /// Closes the viewer once the unsent frame and the replies are sent. Of several reasons to
    /// close it, the first is the one that it is told.
    pub fn end(&mut self, why: Close) {
        if self.life == Life::Watching {
            self.life = Life::Ending(why);
        }
    }

    /// Returns what to send next, which counts as sent from then on.
    fn next(&mut self, shared: &Shared) -> Option<Message> {
        if let Some(reply) = self.replies.pop_front() {
            if self.replies.is_empty() {
                self.replies = VecDeque::new();
            }
            return Some(reply);
        }
        match self.life {
            Life::Watching => {}
            Life::Ending(Close(code, reason)) => {
                self.life = Life::Ended;
                return Some(Message::close(code, reason));
            }
            Life::Ended | Life::Dead => return None,
        }
        if std::mem::take(&mut self.ping) {
            return Some(Message::ping());
        }
        let event = self.following.as_mut().and_then(Following::next);
        let named = event.or_else(|| self.next_of_subs());
        named.or_else(|| self.next_of_overview(shared)).or_else(|| {
            let sent = self.board.as_mut()?;
            let shown = shared.shown_board();
            let newer = shown.version > *sent;
            *sent = shown.version;
            newer.then_some(shown.message.clone()).flatten()
        })
    }

    fn next_of_subs(&mut self) -> Option<Message> {
        let mut i = 0;
        while let Some(sub) = self.subs.get_mut(i) {
            i += 1;
            if !std::mem::take(&mut sub.behind) {
                continue;
            }
            let mut poll = sub.entry.state.lock();
            let audience = self.grants.audience(&poll.standing.poll);
            let deleted = poll.status() == PollStatus::Deleted;
            if !poll.is_shown(audience) || poll.version(audience) <= sub.sent {
                continue;
            }
            let over = poll.is_over();
            let about = if deleted || over && !sub.closed {
                MessageType::Closed
            } else {
                MessageType::Updated
            };
            let message = poll.message(about, audience);
            (sub.sent, sub.closed) = (message.version, over);
            drop(poll);
            if deleted {
                let sub = self.subs.swap_remove(i - 1);
                sub.entry.viewers.lock().remove(sub.place);
            }
            return Some(message);
        }
        None
    }

    fn next_of_overview(&mut self, shared: &Shared) -> Option<Message> {
        let cursor = self.cursor.as_mut()?;
        loop {
            let (seq, entry) = shared.overview_after(*cursor)?;
            let before = std::mem::replace(cursor, seq);
            if self.subs.iter().any(|sub| Arc::ptr_eq(&sub.entry, &entry)) {
                continue;
            }
            let mut poll = entry.state.lock();
            // The poll has changed once more and is sent at its new place.
            if poll.seq != seq {
                continue;
            }
            let about = poll.overview_message(before);
            let audience = self.grants.audience(&poll.standing.poll);
            return Some(poll.message(about, audience));
        }
    }
}

impl Viewer {
    /// Returns what to send next, which counts as sent from then on.
    pub fn next(&self, state: &mut State) -> Option<Message> {
        state.next(&self.shared)
    }

    /// Writes what there is to send, as much as the socket takes. If the messages are pulled, it
    /// wakes the task that pulls them.
    pub fn pump(&self, state: &mut State) {
        let Sink::Socket(stream) = &self.sink else { return self.waker.wake() };
        while state.blocked.is_none() && state.life != Life::Dead {
            if state.unsent.is_empty() {
                if self.pump_overview(state, stream) {
                    continue;
                }
                match self.next(state) {
                    Some(message) => state.unsent = message.wire().clone(),
                    None => break,
                }
            }
            match stream.try_write(&state.unsent) {
                Ok(written) => state.unsent.advance(written),
                Err(e) => self.stop(state, &e),
            }
        }
        if state.unsent.is_empty() {
            // An empty slice would still hold on to its frame.
            state.unsent = Bytes::new();
        }
        if state.life == Life::Ended {
            self.waker.wake();
        }
    }

    /// Writes all frames of a tick in one call to the kernel (at most [`MOST_FRAMES`]) for a viewer
    /// of everything that had been sent all before. Returns whether such a write was tried.
    fn pump_overview(&self, state: &mut State, stream: &TcpStream) -> bool {
        let usual = state.life == Life::Watching && state.replies.is_empty();
        let usual = usual && !state.ping && !state.mixed;
        let Some(cursor) = state.cursor.as_mut().filter(|_| usual) else { return false };
        let Some(batch) = self.shared.overview_batch(*cursor) else { return false };
        let mut slices = [IoSlice::new(&[]); MOST_FRAMES];
        for (slice, (_, frame)) in slices.iter_mut().zip(batch.iter()) {
            *slice = IoSlice::new(frame);
        }
        match stream.try_write_vectored(&slices[..batch.len().min(MOST_FRAMES)]) {
            Ok(mut written) => {
                for (seq, frame) in batch.iter().take(MOST_FRAMES) {
                    if written == 0 {
                        break;
                    }
                    let part = written.min(frame.len());
                    *cursor = *seq;
                    state.unsent = frame.slice(part..);
                    written -= part;
                }
            }
            Err(e) => self.stop(state, &e),
        }
        true
    }

    /// Records that the socket takes no more for now, or that it has failed.
    fn stop(&self, state: &mut State, error: &std::io::Error) {
        match error.kind() {
            ErrorKind::WouldBlock => state.blocked = Some(Instant::now()),
            _ => state.life = Life::Dead,
        }
        self.waker.wake();
    }

    /// Marks the subscription to this poll as behind, because the poll may be newer than what this
    /// viewer was sent, and sends what there is to send.
    pub fn offer(&self, entry: &Arc<PollEntry>) {
        let mut state = self.state.lock();
        if let Some(sub) = state.subs.iter_mut().find(|sub| Arc::ptr_eq(&sub.entry, entry)) {
            sub.behind = true;
            self.pump(&mut state);
        }
    }
}

/// The most frames that are written in one call to the kernel.
pub(super) const MOST_FRAMES: usize = 64;
