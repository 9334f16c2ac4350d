//! The events in memory: each with the list of its polls, encoded at most once between two changes.
//! `hub/events.rs` keeps them up to date.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use pollux_core::event::Agenda;
use pollux_core::id::EventId;
use tokio::time::Instant;

use super::frame::{Message, MessageType};
use super::places::{Places, SeatNumber};
use super::view;
use crate::config::WatchLimits;

/// An entry is one event in memory.
pub(super) struct AgendaEntry {
    pub id: EventId,
    pub state: Mutex<AgendaState>,
    /// The seats of the viewers who follow it. No other lock is taken while this one is held.
    pub viewers: Mutex<Places<SeatNumber>>,
    /// Whether one of them ever came from another machine.
    pub elsewhere: AtomicBool,
    /// The number of polls it lists, which is its share of [`Agendas::polls`].
    polls: AtomicUsize,
}

/// `AgendaState` is the part of an event's entry that changes.
pub(super) struct AgendaState {
    pub agenda: Agenda,
    /// Whether it waits for its tick.
    pub dirty: bool,
    /// The earliest moment of its next tick.
    pub next_at: Option<Instant>,
    /// The event as the public is shown it, and as those who run it are, with drafts.
    encoded: [Option<Encoded>; 2],
}

/// `Encoded` is an event as JSON, with the message made of it.
#[derive(Clone)]
pub(super) struct Encoded {
    pub version: u64,
    pub json: Bytes,
    pub message: Message,
}

impl AgendaEntry {
    /// Makes the entry of an event that was not in memory.
    pub fn new(agenda: Agenda) -> Self {
        Self {
            id: agenda.event.id,
            polls: AtomicUsize::new(agenda.len()),
            state: Mutex::new(AgendaState {
                agenda,
                dirty: false,
                next_at: None,
                encoded: [None, None],
            }),
            viewers: Mutex::default(),
            elsewhere: AtomicBool::new(false),
        }
    }

    /// Returns the number of polls that it lists, as [`Agendas`] counts them.
    pub fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }
}

impl AgendaState {
    /// Drops what was encoded before a change.
    pub fn renew(&mut self) {
        self.encoded = [None, None];
    }

    /// Returns the event as it is shown now: with drafts if `staff`.
    pub fn encode(&mut self, staff: bool) -> &Encoded {
        let agenda = &self.agenda;
        self.encoded[usize::from(staff)].get_or_insert_with(|| {
            let view = view::event::event(agenda, staff);
            let json = serde_json::to_vec(&view).expect("a view is always JSON");
            let parts: [&[u8]; 3] = [b"{\"type\":\"event.changed\",\"event\":", &json, b"}"];
            let message = Message::text(MessageType::Agenda, view.version, &parts);
            Encoded { version: view.version, json: json.into(), message }
        })
    }
}

/// `Agendas` holds all events in memory.
#[derive(Default)]
pub(super) struct Agendas {
    pub by_id: BTreeMap<EventId, Arc<AgendaEntry>>,
    codes: BTreeMap<String, EventId>,
    /// The events in the order in which they are forgotten.
    age: VecDeque<EventId>,
    /// The number of polls that all of them list. Drafts are kept in memory only here.
    polls: usize,
}

impl Agendas {
    /// Takes in an event that was not in memory.
    pub fn insert(&mut self, code: String, entry: AgendaEntry) {
        let id = entry.id;
        self.polls += entry.polls();
        self.by_id.insert(id, Arc::new(entry));
        self.codes.insert(code, id);
        self.age.push_back(id);
    }

    /// Returns the event that a join code leads to.
    pub fn by_code(&self, code: &str) -> Option<EventId> {
        self.codes.get(code).copied()
    }

    /// Forgets the oldest events until the events and the polls they list are within their limits.
    pub fn make_room(&mut self, limits: &WatchLimits) {
        // Events that are watched stay, so several are tried; eight tries bound the work.
        for _ in 0..8 {
            if self.by_id.len() <= limits.events && self.polls <= limits.event_polls {
                break;
            }
            let Some(oldest) = self.age.pop_front() else { break };
            let Some(entry) = self.by_id.get(&oldest).cloned() else { continue };
            if !entry.viewers.lock().is_empty() {
                self.age.push_back(oldest);
                continue;
            }
            self.by_id.remove(&oldest);
            self.codes.retain(|_, id| *id != oldest);
            self.polls -= entry.polls.load(Ordering::Relaxed);
        }
    }

    /// Records that an event now lists this many polls.
    pub fn lists(&mut self, entry: &Arc<AgendaEntry>, polls: usize) {
        if self.by_id.get(&entry.id).is_some_and(|known| Arc::ptr_eq(known, entry)) {
            self.polls = self.polls + polls - entry.polls.swap(polls, Ordering::Relaxed);
        }
    }
}
