//! The events in memory: each with the list of its polls, encoded at most once between two changes.
//! `follow.rs` keeps who follows one from poll to poll.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use pollux_core::event::{Agenda, Event};
use pollux_core::id::{EventId, PollId};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;
use tokio::time::Instant;

use super::frame::{Message, MessageType};
use super::hub::{Hub, Missing};
use super::places::Places;
use super::view;
use super::viewer::Viewer;
use crate::config::WatchLimits;

/// One event in memory.
pub(super) struct AgendaEntry {
    pub id: EventId,
    pub state: Mutex<AgendaState>,
    /// The viewers who follow it. No other lock is taken while this one is held.
    pub viewers: Mutex<Places<Arc<Viewer>>>,
    /// Whether one of them ever came from another machine.
    pub elsewhere: AtomicBool,
    /// The number of polls it lists, which is its share of [`Agendas::polls`].
    polls: AtomicUsize,
}

/// The part of an event's entry that changes.
pub(super) struct AgendaState {
    pub agenda: Agenda,
    /// Whether it waits for its tick.
    dirty: bool,
    /// The earliest moment of its next tick.
    next_at: Option<Instant>,
    /// The event as the public is shown it, and as those who run it are, with drafts.
    encoded: [Option<Encoded>; 2],
}

/// An event as JSON, and the message made of it.
#[derive(Clone)]
pub(super) struct Encoded {
    pub version: u64,
    pub json: Bytes,
    pub message: Message,
}

impl AgendaState {
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

/// All events in memory.
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
    /// Forgets the oldest events until the events and the polls they list are within their limits.
    fn make_room(&mut self, limits: &WatchLimits) {
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
    fn lists(&mut self, entry: &Arc<AgendaEntry>, polls: usize) {
        if self.by_id.get(&entry.id).is_some_and(|known| Arc::ptr_eq(known, entry)) {
            self.polls = self.polls + polls - entry.polls.swap(polls, Ordering::Relaxed);
        }
    }
}

impl Hub {
    /// Merges what the store knows of an event; of each part the newest is kept.
    pub fn merge_event(&self, event: Event, polls: &[Standing]) {
        let id = event.id;
        let event = Arc::new(event);
        // The poll in memory may be newer than the one that was read from the store.
        let known: Vec<_> = polls.iter().filter_map(|poll| self.standing(poll.poll.id)).collect();
        if let Some(current) = event.current
            && let Some(found) = polls.iter().find(|poll| poll.poll.id == current)
            && !matches!(found.poll.status, PollStatus::Draft | PollStatus::Deleted)
        {
            self.merge(found.clone());
        }
        let Some(entry) = self.agenda_entry(id) else {
            return self.insert_event(Agenda::new(event, polls.iter().chain(&known)));
        };
        let mut state = entry.state.lock();
        let mut changed = state.agenda.take_event(event);
        for poll in polls.iter().chain(&known) {
            changed |= state.agenda.take_poll(poll);
        }
        if changed {
            self.agenda_changed(&entry, &mut state);
        }
    }

    /// Brings the newest state of a poll into the list of its event.
    pub fn note(&self, standing: &Standing) {
        if let Some(entry) = standing.poll.event.and_then(|id| self.agenda_entry(id)) {
            let mut state = entry.state.lock();
            if state.agenda.take_poll(standing) {
                self.agenda_changed(&entry, &mut state);
            }
        }
    }

    /// Applies an event's announcement; see [`Hub::apply`].
    pub(super) fn apply_event(&self, event: Arc<Event>) -> Result<(), Missing> {
        let Some(entry) = self.agenda_entry(event.id) else {
            let gone = event.deleted_at.is_some();
            return if gone { Ok(()) } else { Err(Missing::Event(event.id)) };
        };
        // If its current poll is not in memory yet, the stage would look empty until that poll
        // arrives.
        let here = event.current.is_none_or(|id| self.poll(id).is_some());
        let mut state = entry.state.lock();
        if !here || event.current.is_some_and(|id| state.agenda.poll(id).is_none()) {
            return Err(Missing::Event(entry.id));
        }
        if state.agenda.take_event(event) {
            self.agenda_changed(&entry, &mut state);
        }
        Ok(())
    }

    /// Applies the announcement of a deleted poll that is not in memory. Its event, if that is in
    /// memory, may still list the poll, so the event is reported missing and loaded anew.
    pub(super) fn apply_gone(&self, poll: &Poll) -> Result<(), Missing> {
        let listing = poll.event.filter(|event| self.agenda_entry(*event).is_some());
        listing.map_or(Ok(()), |event| Err(Missing::Event(event)))
    }

    /// Applies the announcement of a draft, which only those who run its event are shown.
    pub(super) fn apply_draft(&self, poll: Arc<Poll>) -> Result<(), Missing> {
        let Some(event) = poll.event else { return Ok(()) };
        if self.agenda_entry(event).is_none() {
            return Err(Missing::Event(event));
        }
        self.note(&Standing::new(poll, self.partitions()));
        Ok(())
    }

    /// Takes note that a poll is in memory now, so that viewers who wait for it on stage are sent
    /// it.
    pub(super) fn arrived(&self, standing: &Standing) {
        let poll = &standing.poll;
        if let Some(entry) = poll.event.and_then(|id| self.agenda_entry(id)) {
            let mut state = entry.state.lock();
            let changed = state.agenda.take_poll(standing);
            if changed || state.agenda.event.current == Some(poll.id) {
                self.agenda_changed(&entry, &mut state);
            }
        }
    }

    /// Returns an event with the list of its polls, unless it is deleted or not in memory.
    pub fn agenda(&self, id: EventId) -> Option<Agenda> {
        let agenda = self.agenda_entry(id)?.state.lock().agenda.clone();
        agenda.event.deleted_at.is_none().then_some(agenda)
    }

    /// Returns the poll on stage, for an event that is in memory.
    pub fn on_stage(&self, id: EventId) -> Option<Option<PollId>> {
        Some(self.agenda_entry(id)?.state.lock().agenda.current())
    }

    /// Returns the event that a join code leads to, if it is in memory.
    pub fn event_by_code(&self, code: &str) -> Option<EventId> {
        self.agendas.read().codes.get(code).copied()
    }

    /// Returns every event in memory, in order of their ids; the feed compares them with the store.
    pub fn events(&self) -> Vec<EventId> {
        self.agendas.read().by_id.keys().copied().collect()
    }

    /// Returns the entry of an event that is in memory, deleted or not.
    pub(super) fn agenda_entry(&self, id: EventId) -> Option<Arc<AgendaEntry>> {
        self.agendas.read().by_id.get(&id).cloned()
    }

    fn insert_event(&self, agenda: Agenda) {
        let (id, code) = (agenda.event.id, agenda.event.code.clone());
        let gone = agenda.event.deleted_at.is_some();
        if gone {
            return;
        }
        let mut agendas = self.agendas.write();
        if agendas.by_id.contains_key(&id) {
            drop(agendas);
            return self.merge_agenda(agenda);
        }
        let polls = agenda.len();
        let state = AgendaState { agenda, dirty: false, next_at: None, encoded: [None, None] };
        let entry = AgendaEntry {
            id,
            state: Mutex::new(state),
            viewers: Mutex::default(),
            elsewhere: AtomicBool::new(false),
            polls: AtomicUsize::new(polls),
        };
        agendas.by_id.insert(id, Arc::new(entry));
        agendas.codes.insert(code, id);
        agendas.age.push_back(id);
        agendas.polls += polls;
        agendas.make_room(self.limits());
    }

    /// Merges an agenda into an entry that another thread has inserted meanwhile.
    fn merge_agenda(&self, agenda: Agenda) {
        let Some(entry) = self.agenda_entry(agenda.event.id) else { return };
        let mut state = entry.state.lock();
        if state.agenda.take(agenda) {
            self.agenda_changed(&entry, &mut state);
        }
    }

    fn agenda_changed(&self, entry: &Arc<AgendaEntry>, state: &mut AgendaState) {
        state.encoded = [None, None];
        let polls = state.agenda.len();
        if polls != entry.polls.load(Ordering::Relaxed) {
            let mut agendas = self.agendas.write();
            agendas.lists(entry, polls);
            agendas.make_room(self.limits());
        }
        if std::mem::replace(&mut state.dirty, true) {
            return;
        }
        let now = Instant::now();
        let at = state.next_at.map_or(now, |at| at.max(now));
        self.due.agendas.lock().insert((at, entry.id), entry.clone());
        self.due.changed.notify_one();
    }

    /// Takes the events whose tick has come.
    pub(super) fn due_agendas(&self, now: Instant) -> Vec<Arc<AgendaEntry>> {
        let mut dirty = self.due.agendas.lock();
        let later = dirty.split_off(&(now, EventId(uuid::Uuid::max())));
        let due: Vec<_> = std::mem::replace(&mut *dirty, later).into_values().collect();
        drop(dirty);
        for entry in &due {
            let mut state = entry.state.lock();
            (state.dirty, state.next_at) = (false, Some(now + self.limits().tick));
        }
        due
    }
}
