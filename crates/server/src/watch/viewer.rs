//! One viewer: what it wants, what it was last sent, and what to send it next.
//!
//! A viewer never has a queue of states. For each poll it knows the version it was sent; when
//! its socket takes more, it is sent the newest state of what is behind. So a slow viewer skips
//! states, and one that never reads costs one unsent frame and its bounded answers.

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

use super::entry::Entry;
use super::follow::Following;
use super::frame::{Close, Message, MessageType};
use super::grants::{Grant, Grants};
use super::hub::Hub;

/// An event to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// One that is in the hub.
    Event(EventId),
    /// One that is made up around this poll.
    Lone(PollId),
}

/// What a viewer asks for when it connects.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    /// Every open, listed poll.
    pub everything: bool,
    /// These polls, listed or not. Those the hub does not know are left out.
    pub polls: Vec<PollId>,
    /// This event, and its current poll, whichever that is.
    pub event: Option<Watched>,
    /// The leaderboard. Whoever asks for everything gets it too.
    pub leaderboard: bool,
    /// In these polls the viewer is more than the public.
    pub grants: Vec<(PollId, Grant)>,
    /// Whether it comes from another machine than this one.
    pub elsewhere: bool,
}

/// Who a viewer is, if that is known: the value in the cookie. [`Hub::voted`] finds viewers by it.
pub type BrowserId = [u8; 16];

/// Why a subscription was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The limit of `WatchLimits::subscriptions`.
    #[error("too many subscriptions; unsubscribe from a poll first")]
    TooMany,
    /// The hub does not know the poll: load it from the store, merge it, try again.
    #[error("the poll is not in memory")]
    Unknown,
}

/// Where messages go.
pub(super) enum Sink {
    /// We write, whenever there is something.
    Socket(TcpStream),
    /// Somebody asks us for the next message when they are ready for it.
    Pulled,
}

/// One viewer.
pub(super) struct Viewer {
    pub sink: Sink,
    pub identity: Option<BrowserId>,
    pub elsewhere: bool,
    /// Wakes whoever reads from the socket, or pulls.
    pub waker: AtomicWaker,
    /// Taken before any lock of an entry or the hub.
    pub state: Mutex<State>,
}

/// A subscription by name.
pub(super) struct Sub {
    pub entry: Arc<Entry>,
    /// The place in the entry's watchers.
    pub slot: u32,
    /// The version last sent; 0 for none.
    pub sent: u64,
    /// Whether it was last sent as closed.
    pub closed: bool,
    /// Something newer may be there.
    pub behind: bool,
    /// Only because it is the current poll of an event.
    pub followed: bool,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Watching,
    /// To be told why, then closed.
    Ending(Close),
    /// Was told.
    Ended,
    /// The socket failed, or is not worth another word.
    Dead,
}

/// What a viewer has and lacks.
pub(super) struct State {
    pub life: Life,
    /// The rest of a frame the socket has not taken yet.
    pub unsent: Bytes,
    /// Since when the socket takes nothing.
    pub blocked: Option<Instant>,
    pub replies: VecDeque<Message>,
    pub ping: bool,
    pub subs: Vec<Sub>,
    pub following: Option<Following>,
    pub grants: Grants,
    /// For a viewer of everything: everything up to this place of the overview was sent.
    pub cursor: Option<u64>,
    /// Whether it ever was sent anything but what every viewer of everything is sent.
    pub mixed: bool,
    /// For a viewer of the leaderboard: the version last sent.
    pub board: Option<u64>,
    /// The place among all viewers, and among those of everything or the leaderboard.
    pub slot: u32,
    pub general_slot: Option<u32>,
    /// When it last gave a sign of life, and whether it was asked for one since.
    pub heard: Instant,
    pub asked: bool,
}

impl State {
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
            slot: 0,
            general_slot: None,
            heard: Instant::now(),
            asked: false,
        }
    }

    /// Close, once what is underway is out. The first reason stays.
    pub fn end(&mut self, why: Close) {
        if self.life == Life::Watching {
            self.life = Life::Ending(why);
        }
    }

    /// What to send next; the state then counts as sent.
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
            let event = if deleted || over && !sub.closed {
                MessageType::Closed
            } else {
                MessageType::Updated
            };
            let message = poll.message(event, audience);
            (sub.sent, sub.closed) = (message.version, over);
            drop(poll);
            if deleted {
                let sub = self.subs.swap_remove(i - 1);
                sub.entry.watchers.lock().remove(sub.slot);
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
            // It has moved on since, and will come by again.
            if poll.seq != seq {
                continue;
            }
            let event = poll.overview_event(before);
            let audience = self.grants.audience(&poll.standing.poll);
            return Some(poll.message(event, audience));
        }
    }
}

impl Viewer {
    /// Send what there is to send, as far as the socket takes it; or have it pulled.
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

    /// A viewer of everything who was up to date gets the whole tick in one call to the kernel.
    /// Says whether that was done.
    fn pump_overview(&self, hub: &Hub, state: &mut State, stream: &TcpStream) -> bool {
        let usual = state.life == Life::Watching && state.replies.is_empty();
        let usual = usual && !state.ping && !state.mixed;
        let Some(cursor) = state.cursor.as_mut().filter(|_| usual) else { return false };
        let Some(batch) = hub.overview_batch(*cursor) else { return false };
        let mut slices = [IoSlice::new(&[]); BATCH];
        for (slice, (_, frame)) in slices.iter_mut().zip(batch.iter()) {
            *slice = IoSlice::new(frame);
        }
        match stream.try_write_vectored(&slices[..batch.len().min(BATCH)]) {
            Ok(mut written) => {
                for (seq, frame) in batch.iter().take(BATCH) {
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

    /// The socket takes no more for now, or for good.
    fn stop(&self, state: &mut State, error: &std::io::Error) {
        match error.kind() {
            ErrorKind::WouldBlock => state.blocked = Some(Instant::now()),
            _ => state.life = Life::Dead,
        }
        self.waker.wake();
    }

    /// Something in this poll may be newer than what this viewer was sent.
    pub fn offer(&self, hub: &Hub, entry: &Arc<Entry>) {
        let mut state = self.state.lock();
        if let Some(sub) = state.subs.iter_mut().find(|sub| Arc::ptr_eq(&sub.entry, entry)) {
            sub.behind = true;
            self.pump(hub, &mut state);
        }
    }

    /// The event this viewer follows has changed.
    pub fn offer_event(self: &Arc<Self>, hub: &Hub) {
        let mut state = self.state.lock();
        hub.follow(self, &mut state);
        self.pump(hub, &mut state);
    }
}

/// Frames written in one call to the kernel.
pub(super) const BATCH: usize = 64;
