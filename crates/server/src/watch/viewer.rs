//! One viewer: what it wants, what it was last sent, and what to send it next.
//!
//! A viewer never has a queue of states. For each poll it knows the version that it was sent. When
//! its socket takes more, it is sent the newest state of the polls that are behind. So a slow
//! viewer skips states, and one that never reads costs one unsent frame and its bounded replies.

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
use super::hub::Hub;

/// An event to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// An event that is in the hub.
    Event(EventId),
    /// The event that is made up around this poll, which belongs to none.
    Lone(PollId),
}

/// What a viewer asks for when it connects.
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
    /// The polls in which the viewer is more than the public.
    pub grants: Vec<(PollId, Grant)>,
    /// Whether it comes from another machine than this one.
    pub elsewhere: bool,
}

/// A browser id: the 16 bytes in the voter cookie. [`Hub::voted`] finds viewers by it.
pub type BrowserId = [u8; 16];

/// The reasons why a subscription was not made.
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

/// The way in which messages reach the client.
pub(super) enum Sink {
    /// A socket, which the hub writes to whenever there is something to send.
    Socket(TcpStream),
    /// A stream whose reader pulls the next message when it is ready for it.
    Pulled,
}

/// One viewer.
pub(super) struct Viewer {
    pub sink: Sink,
    pub browser_id: Option<BrowserId>,
    pub elsewhere: bool,
    /// Wakes the task that reads from the socket, or the one that pulls.
    pub waker: AtomicWaker,
    /// What the viewer has and lacks. Its lock is taken before any lock of an entry or the hub.
    pub state: Mutex<State>,
}

/// A viewer's subscription to one poll.
pub(super) struct Sub {
    pub entry: Arc<PollEntry>,
    /// The viewer's place in the entry's `viewers`.
    pub place: u32,
    /// The version that was last sent; 0 for none.
    pub sent: u64,
    /// Whether the poll was closed when it was last sent.
    pub closed: bool,
    /// Whether something newer may be there.
    pub behind: bool,
    /// Whether the subscription exists only because the poll is the current one of an event.
    pub followed: bool,
}

/// The stages of a viewer's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Watching,
    /// The viewer is to be told why it is closed.
    Ending(Close),
    /// The viewer was told.
    Ended,
    /// The socket failed, or was given up; nothing more is sent.
    Dead,
}

/// What a viewer has and lacks.
pub(super) struct State {
    pub life: Life,
    /// The rest of a frame that the socket has not taken yet.
    pub unsent: Bytes,
    /// The moment since which the socket takes nothing.
    pub blocked: Option<Instant>,
    pub replies: VecDeque<Message>,
    pub ping: bool,
    pub subs: Vec<Sub>,
    pub following: Option<Following>,
    pub grants: Grants,
    /// The place in the overview up to which a viewer of everything was sent all polls; `None` for
    /// others.
    pub cursor: Option<u64>,
    /// Whether its messages may differ from those that all viewers of everything are sent, so that
    /// it cannot be sent a tick's shared batch.
    pub mixed: bool,
    /// The version that a viewer of the leaderboard was last sent; `None` for others.
    pub board: Option<u64>,
    /// The viewer's place among all viewers.
    pub place: u32,
    /// The viewer's place among those of everything or the leaderboard.
    pub general_place: Option<u32>,
    /// The moment of the last sign of life.
    pub heard: Instant,
    /// Whether the viewer was asked for a sign of life since then.
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
            place: 0,
            general_place: None,
            heard: Instant::now(),
            asked: false,
        }
    }

    /// Closes the viewer once what is under way is sent. The first reason stays.
    pub fn end(&mut self, why: Close) {
        if self.life == Life::Watching {
            self.life = Life::Ending(why);
        }
    }

    /// Returns what to send next, which counts as sent from then on.
    pub fn next(&mut self, hub: &Hub) -> Option<Message> {
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
        let named = self.next_of_event().or_else(|| self.next_of_subs());
        named.or_else(|| self.next_of_overview(hub)).or_else(|| {
            let sent = self.board.as_mut()?;
            let shown = hub.shown_board();
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

    fn next_of_overview(&mut self, hub: &Hub) -> Option<Message> {
        let cursor = self.cursor.as_mut()?;
        loop {
            let (seq, entry) = hub.overview_after(*cursor)?;
            let before = std::mem::replace(cursor, seq);
            if self.subs.iter().any(|sub| Arc::ptr_eq(&sub.entry, &entry)) {
                continue;
            }
            let mut poll = entry.state.lock();
            // The poll has changed once more and comes again at its new place.
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
    /// Sends what there is to send as far as the socket takes it, or wakes the task that pulls.
    pub fn pump(&self, hub: &Hub, state: &mut State) {
        let Sink::Socket(stream) = &self.sink else { return self.waker.wake() };
        while state.blocked.is_none() && state.life != Life::Dead {
            if state.unsent.is_empty() {
                if self.pump_overview(hub, state, stream) {
                    continue;
                }
                match state.next(hub) {
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

    /// Writes the whole tick in one call to the kernel, for a viewer of everything who was up to
    /// date. Returns whether that was done.
    fn pump_overview(&self, hub: &Hub, state: &mut State, stream: &TcpStream) -> bool {
        let usual = state.life == Life::Watching && state.replies.is_empty();
        let usual = usual && !state.ping && !state.mixed;
        let Some(cursor) = state.cursor.as_mut().filter(|_| usual) else { return false };
        let Some(batch) = hub.overview_batch(*cursor) else { return false };
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

    /// Takes note that the socket takes no more for now, or has failed.
    fn stop(&self, state: &mut State, error: &std::io::Error) {
        match error.kind() {
            ErrorKind::WouldBlock => state.blocked = Some(Instant::now()),
            _ => state.life = Life::Dead,
        }
        self.waker.wake();
    }

    /// Marks this poll as behind, because it may be newer than what this viewer was sent, and sends
    /// it.
    pub fn offer(&self, hub: &Hub, entry: &Arc<PollEntry>) {
        let mut state = self.state.lock();
        if let Some(sub) = state.subs.iter_mut().find(|sub| Arc::ptr_eq(&sub.entry, entry)) {
            sub.behind = true;
            self.pump(hub, &mut state);
        }
    }

    /// Sends the followed event, which has changed, after moving on to its current poll.
    pub fn offer_event(self: &Arc<Self>, hub: &Hub) {
        let mut state = self.state.lock();
        hub.follow(self, &mut state);
        self.pump(hub, &mut state);
    }
}

/// The most frames that are written in one call to the kernel.
pub(super) const MOST_FRAMES: usize = 64;
