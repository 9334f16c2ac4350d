//! One poll in memory: its newest standing, and that standing as viewers are sent it, encoded
//! at most once between two ticks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;
use tokio::time::Instant;

use super::frame::{Message, MessageType};
use super::slots::Slots;
use super::view::{self, Audience};
use super::viewer::Viewer;

/// One poll.
pub(super) struct Entry {
    pub id: PollId,
    /// What [`super::hub::Hub::poll`] hands out, beside the lock that counting takes.
    pub poll: RwLock<Arc<Poll>>,
    pub state: Mutex<EntryState>,
    /// Who subscribed to this poll by name. Never held while another lock is taken.
    pub watchers: Mutex<Slots<Arc<Viewer>>>,
    /// Whether one of them ever came from another machine.
    pub elsewhere: AtomicBool,
    /// When somebody last asked for it or it changed, in milliseconds of the hub's life.
    pub used: AtomicU64,
}

/// What changes.
pub(super) struct EntryState {
    pub standing: Standing,
    /// Waiting for its tick.
    pub dirty: bool,
    /// Not to be ticked before.
    pub next_at: Option<Instant>,
    /// The version of the last tick; 0 before the first.
    pub ticked: u64,
    /// The public's version when it last came up for the overview.
    pub public: u64,
    /// Waiting for its place in the overview.
    pub queued: bool,
    /// Its present place in the overview, the first one it had, and the one at which it was
    /// last seen to have closed; 0 for none.
    pub seq: u64,
    pub created_seq: u64,
    pub closed_seq: u64,
    /// Whether the overview was last told that it is closed.
    pub told_closed: bool,
    /// Whether it was last counted into the leaderboard.
    pub contended: bool,
    /// Whether it was last counted among the open ones.
    pub open: bool,
    /// It is in memory no more.
    pub gone: bool,
    /// Its place in the order in which idle polls are forgotten.
    pub idle: Option<u64>,
    /// By [`Form`].
    encoded: [Option<Box<Encoded>>; 3],
}

/// In how many ways a poll is shown.
#[derive(Clone, Copy)]
enum Form {
    WithoutNumbers,
    WithNumbers,
    /// With what only its owner is told, while there is such a thing.
    Owner,
}

impl Form {
    const ALL: [Self; 3] = [Self::WithoutNumbers, Self::WithNumbers, Self::Owner];

    fn of(poll: &Poll, audience: Audience) -> Self {
        let owner = audience == Audience::Owner;
        match view::sees_numbers(poll, audience) {
            false => Self::WithoutNumbers,
            true if owner && poll.missed_closes_at.is_some() => Self::Owner,
            true => Self::WithNumbers,
        }
    }

    /// One of those that are shown it so.
    fn audience(self) -> Audience {
        match self {
            Self::WithoutNumbers => Audience::Public,
            Self::WithNumbers | Self::Owner => Audience::Owner,
        }
    }
}

/// A poll as JSON, and the messages made of it.
struct Encoded {
    version: u64,
    json: Bytes,
    created: Option<Message>,
    updated: Option<Message>,
    closed: Option<Message>,
}

impl Entry {
    /// A poll that was not here, at this time of the hub's life.
    pub fn new(standing: Standing, now: u64) -> Self {
        Self {
            id: standing.poll.id,
            poll: RwLock::new(standing.poll.clone()),
            state: Mutex::new(EntryState {
                standing,
                dirty: false,
                next_at: None,
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
            }),
            watchers: Mutex::new(Slots::default()),
            elsewhere: AtomicBool::new(false),
            used: AtomicU64::new(now),
        }
    }
}

impl EntryState {
    pub fn status(&self) -> PollStatus {
        self.standing.poll.status
    }

    /// Whether it takes no more votes and no more viewers should think it does.
    pub fn is_over(&self) -> bool {
        matches!(self.status(), PollStatus::Closed | PollStatus::Deleted)
    }

    /// Whether this audience is shown the poll at all.
    pub fn is_shown(&self, audience: Audience) -> bool {
        audience == Audience::Owner || self.status() != PollStatus::Draft
    }

    /// Forget what was encoded if it is not the newest. Says whether there was such a thing.
    pub fn renew(&mut self) -> bool {
        let mut old = false;
        for (form, encoded) in Form::ALL.into_iter().zip(&mut self.encoded) {
            let shown = view::shown(&self.standing.poll, form.audience());
            let version = self.standing.version(shown);
            old |= encoded.take_if(|encoded| encoded.version != version).is_some();
        }
        old
    }

    /// The poll's JSON for this audience, and its version.
    pub fn json(&mut self, audience: Audience) -> (u64, Bytes) {
        let encoded = self.encode(audience);
        (encoded.version, encoded.json.clone())
    }

    /// The message of this kind for this audience.
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

    /// The version this audience would be sent.
    pub fn version(&mut self, audience: Audience) -> u64 {
        self.encode(audience).version
    }

    /// Encoded once for all audiences that are shown the same.
    fn encode(&mut self, audience: Audience) -> &mut Encoded {
        let form = Form::of(&self.standing.poll, audience);
        let standing = &self.standing;
        self.encoded[form as usize].get_or_insert_with(|| {
            let view = view::poll(standing, audience);
            let json = serde_json::to_vec(&view).expect("a view is always JSON");
            let (created, updated, closed) = (None, None, None);
            Box::new(Encoded { version: view.version, json: json.into(), created, updated, closed })
        })
    }
}
