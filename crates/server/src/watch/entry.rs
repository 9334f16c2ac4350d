//! One poll in memory: its newest standing, and the JSON made of that standing, encoded at most
//! once between two ticks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;
use tokio::time::Instant;

use super::frame::{Message, MessageType};
use super::places::{Places, SeatNumber};
use super::view::kind::words::MOST_BYTES;
use super::view::{self, Audience};

/// An entry is one poll in memory.
pub(super) struct PollEntry {
    pub id: PollId,
    /// The poll that [`super::hub::Hub::poll`] hands out. It is outside the lock that counting
    /// takes.
    pub poll: RwLock<Arc<Poll>>,
    pub state: Mutex<EntryState>,
    /// The seats of the viewers who subscribed to this poll. No other lock is taken while this one
    /// is held.
    pub viewers: Mutex<Places<SeatNumber>>,
    /// Whether one of them ever came from another machine.
    pub elsewhere: AtomicBool,
    /// The time of the last change or request, in milliseconds of the hub's life.
    pub used: AtomicU64,
}

/// `EntryState` is the part of a poll's entry that changes.
pub(super) struct EntryState {
    pub standing: Standing,
    /// The moment of its next tick, if it waits for one.
    pub due: Option<Instant>,
    /// The earliest moment of its next tick, if the poll itself changes.
    pub next_at: Option<Instant>,
    /// The earliest moment of its next tick, if nothing but its numbers changes.
    pub calm_until: Option<Instant>,
    /// The version of the last tick; 0 before the first.
    pub ticked: u64,
    /// The public's version when the poll was last considered for the overview.
    pub public: u64,
    /// Whether it waits for a place in the overview.
    pub queued: bool,
    /// Its present place in the overview; 0 for none.
    pub seq: u64,
    /// The first place it had in the overview; 0 for none.
    pub created_seq: u64,
    /// The place at which the overview last showed that it had closed; 0 for none.
    pub closed_seq: u64,
    /// Whether the overview last showed it as closed.
    pub told_closed: bool,
    /// Whether it took part in the leaderboard at the last tick.
    pub contended: bool,
    /// Whether it is counted among the open polls.
    pub open: bool,
    /// Whether it has left memory.
    pub gone: bool,
    /// Its place in the order in which idle polls are forgotten.
    pub idle: Option<u64>,
    /// The encoded poll, by [`Showing`].
    encoded: [Option<Box<Encoded>>; 3],
    /// The bytes that the poll last took as JSON, by [`Showing`].
    sizes: [usize; 3],
}

/// A `Showing` is a way in which a poll is shown.
#[derive(Clone, Copy)]
enum Showing {
    WithoutNumbers,
    WithNumbers,
    /// The poll with what only its owner is told, as long as there is something of that sort.
    Owner,
}

impl Showing {
    const ALL: [Self; 3] = [Self::WithoutNumbers, Self::WithNumbers, Self::Owner];

    fn of(poll: &Poll, audience: Audience) -> Self {
        let owner = audience == Audience::Owner;
        match view::sees_numbers(poll, audience) {
            false => Self::WithoutNumbers,
            true if owner && view::tells_owner_more(poll) => Self::Owner,
            true => Self::WithNumbers,
        }
    }

    /// Returns one of the audiences that are shown in this way.
    fn audience(self) -> Audience {
        match self {
            Self::WithoutNumbers => Audience::Public,
            Self::WithNumbers | Self::Owner => Audience::Owner,
        }
    }
}

/// `Encoded` is a poll as JSON, with the messages made of it.
struct Encoded {
    version: u64,
    json: Bytes,
    created: Option<Message>,
    updated: Option<Message>,
    closed: Option<Message>,
}

impl PollEntry {
    /// Makes the entry of a poll that was not in memory; `now` is in milliseconds of the hub's
    /// life.
    pub fn new(standing: Standing, now: u64) -> Self {
        Self {
            id: standing.poll.id,
            poll: RwLock::new(standing.poll.clone()),
            state: Mutex::new(EntryState {
                standing,
                due: None,
                next_at: None,
                calm_until: None,
                ticked: 0,
                public: 0,
                queued: false,
                seq: 0,
                created_seq: 0,
                closed_seq: 0,
                told_closed: false,
                contended: false,
                open: false,
                gone: false,
                idle: None,
                encoded: [None, None, None],
                sizes: [0; 3],
            }),
            viewers: Mutex::new(Places::default()),
            elsewhere: AtomicBool::new(false),
            used: AtomicU64::new(now),
        }
    }
}

impl EntryState {
    pub fn status(&self) -> PollStatus {
        self.standing.poll.status
    }

    /// Whether the poll is closed or deleted, so that viewers must be told that it takes no votes.
    pub fn is_over(&self) -> bool {
        matches!(self.status(), PollStatus::Closed | PollStatus::Deleted)
    }

    /// Whether this audience is shown the poll at all.
    pub fn is_shown(&self, audience: Audience) -> bool {
        audience == Audience::Owner || self.status() != PollStatus::Draft
    }

    /// Drops every encoded showing that is not of the newest version. Returns whether there was one.
    pub fn renew(&mut self) -> bool {
        let mut old = false;
        for (showing, encoded) in Showing::ALL.into_iter().zip(&mut self.encoded) {
            let shown = view::shown(&self.standing.poll, showing.audience());
            let version = self.standing.version(shown);
            old |= encoded.take_if(|encoded| encoded.version != version).is_some();
        }
        old
    }

    /// Returns the poll's version and JSON for this audience.
    pub fn json(&mut self, audience: Audience) -> (u64, Bytes) {
        let encoded = self.encode(audience);
        (encoded.version, encoded.json.clone())
    }

    /// Returns the message of this type for this audience.
    pub fn message(&mut self, about: MessageType, audience: Audience) -> Message {
        let encoded = self.encode(audience);
        let slot = match about {
            MessageType::Created => &mut encoded.created,
            MessageType::Closed => &mut encoded.closed,
            _ => &mut encoded.updated,
        };
        let make = || {
            let start = format!("{{\"type\":\"{}\",\"poll\":", about.name());
            Message::text(about, encoded.version, &[start.as_bytes(), &encoded.json, b"}"])
        };
        slot.get_or_insert_with(make).clone()
    }

    /// Returns the version that this audience would be sent.
    pub fn version(&mut self, audience: Audience) -> u64 {
        self.encode(audience).version
    }

    /// Returns the most bytes that a viewer was last sent of this poll at once. While the public does not see the
    /// numbers, it depends on none of them, because the pace of messages follows from it.
    pub fn size(&self) -> usize {
        let poll = &self.standing.poll;
        if view::sees_numbers(poll, Audience::Public) {
            return self.sizes.into_iter().max().unwrap_or(0);
        }
        match poll.kind.holds_texts() {
            true => MOST_BYTES,
            false => self.sizes[Showing::WithoutNumbers as usize],
        }
    }

    /// Encodes the poll once for all audiences that are shown the same.
    fn encode(&mut self, audience: Audience) -> &mut Encoded {
        let showing = Showing::of(&self.standing.poll, audience);
        let (standing, size) = (&self.standing, &mut self.sizes[showing as usize]);
        self.encoded[showing as usize].get_or_insert_with(|| {
            let view = view::poll(standing, audience);
            let json = serde_json::to_vec(&view).expect("a view is always JSON");
            *size = json.len();
            let (created, updated, closed) = (None, None, None);
            Box::new(Encoded { version: view.version, json: json.into(), created, updated, closed })
        })
    }
}
