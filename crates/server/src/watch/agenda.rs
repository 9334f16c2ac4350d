//! Events in memory: each with the list of its polls, encoded at most once between two changes.
//! Who follows one from poll to poll is in `follow.rs`.

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
use super::slots::Slots;
use super::view;
use super::viewer::Viewer;
use crate::config::WatchLimits;

/// One event.
pub(super) struct AgendaEntry {
    pub id: EventId,
    pub state: Mutex<AgendaState>,
    /// Who follows it. Never held while another lock is taken.
    pub watchers: Mutex<Slots<Arc<Viewer>>>,
    /// Whether one of them ever came from another machine.
    pub elsewhere: AtomicBool,
    /// How many polls it lists, as [`Agendas::polls`] counts them.
    polls: AtomicUsize,
}

/// What changes.
pub(super) struct AgendaState {
    pub agenda: Agenda,
    /// Waiting for its tick.
    dirty: bool,
    /// Not to be ticked before.
    next_at: Option<Instant>,
    /// As the public is shown it, and with drafts.
    encoded: [Option<Encoded>; 2],
}

/// An event as JSON.
#[derive(Clone)]
pub(super) struct Encoded {
    pub version: u64,
    pub json: Bytes,
    pub message: Message,
}

impl AgendaState {
    /// The event as it is shown now.
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

/// The events there are.
#[derive(Default)]
pub(super) struct Agendas {
    pub by_id: BTreeMap<EventId, Arc<AgendaEntry>>,
    codes: BTreeMap<String, EventId>,
    /// In the order in which they are forgotten.
    age: VecDeque<EventId>,
    /// How many polls they list. Drafts are in memory here and nowhere else.
    polls: usize,
}

impl Agendas {
    /// Keep events, and the polls they list, within their limits: the oldest are forgotten.
    fn make_room(&mut self, limits: &WatchLimits) {
        // Those that are watched stay; a few tries find one that is not.
        for _ in 0..8 {
            if self.by_id.len() <= limits.events && self.polls <= limits.event_polls {
                break;
            }
            let Some(oldest) = self.age.pop_front() else { break };
            let Some(entry) = self.by_id.get(&oldest).cloned() else { continue };
            if !entry.watchers.lock().is_empty() {
                self.age.push_back(oldest);
                continue;
            }
            self.by_id.remove(&oldest);
            self.codes.retain(|_, id| *id != oldest);
            self.polls -= entry.polls.load(Ordering::Relaxed);
        }
    }

    /// An event lists so many polls now.
    fn lists(&mut self, entry: &Arc<AgendaEntry>, polls: usize) {
        if self.by_id.get(&entry.id).is_some_and(|known| Arc::ptr_eq(known, entry)) {
            self.polls = self.polls + polls - entry.polls.swap(polls, Ordering::Relaxed);
        }
    }
}

impl Hub {
    /// Merge what the store knows of an event: the newest of each part is kept.
    pub fn merge_event(&self, event: Event, polls: &[Standing]) {
        let id = event.id;
        let event = Arc::new(event);
        // What is in memory of a poll may be newer than what was read.
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

    /// What is new of a poll changes the list of its event.
    pub fn note(&self, standing: &Standing) {
        if let Some(entry) = standing.poll.event.and_then(|id| self.agenda_entry(id)) {
            let mut state = entry.state.lock();
            if state.agenda.take_poll(standing) {
                self.agenda_changed(&entry, &mut state);
            }
        }
    }

    /// Apply an event's announcement; see [`Hub::apply`].
    pub(super) fn apply_event(&self, event: Arc<Event>) -> Result<(), Missing> {
        let Some(entry) = self.agenda_entry(event.id) else {
            let gone = event.deleted_at.is_some();
            return if gone { Ok(()) } else { Err(Missing::Event(event.id)) };
        };
        // With a poll that nobody can be sent yet it would come on stage as if it showed none.
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

    /// Apply the announcement of a poll that was deleted and is not here: its event's list may
    /// have it.
    pub(super) fn apply_gone(&self, poll: &Poll) -> Result<(), Missing> {
        let listing = poll.event.filter(|event| self.agenda_entry(*event).is_some());
        listing.map_or(Ok(()), |event| Err(Missing::Event(event)))
    }

    /// Apply the announcement of a draft: it is news to those who run its event, and to nobody
    /// else.
    pub(super) fn apply_draft(&self, poll: Arc<Poll>) -> Result<(), Missing> {
        let Some(event) = poll.event else { return Ok(()) };
        if self.agenda_entry(event).is_none() {
            return Err(Missing::Event(event));
        }
        self.note(&Standing::new(poll, self.partitions()));
        Ok(())
    }

    /// A poll is in memory from now on: whoever waits for it on stage can be sent it.
    pub(super) fn arrived(&self, standing: &Standing) {
        let poll = &standing.poll;
        if let Some(entry) = poll.event.and_then(|id| self.agenda_entry(id)) {
            let mut state = entry.state.lock();
            let news = state.agenda.take_poll(standing);
            if news || state.agenda.event.current == Some(poll.id) {
                self.agenda_changed(&entry, &mut state);
            }
        }
    }

    /// An event with the list of its polls, unless it is not in memory or deleted.
    pub fn agenda(&self, id: EventId) -> Option<Agenda> {
        let agenda = self.agenda_entry(id)?.state.lock().agenda.clone();
        agenda.event.deleted_at.is_none().then_some(agenda)
    }

    /// The poll on stage of an event that is in memory.
    pub fn on_stage(&self, id: EventId) -> Option<Option<PollId>> {
        Some(self.agenda_entry(id)?.state.lock().agenda.current())
    }

    /// The event a join code leads to, if it is in memory.
    pub fn event_by_code(&self, code: &str) -> Option<EventId> {
        self.agendas.read().codes.get(code).copied()
    }

    /// Every event in memory, in order; for the feed to compare with the store.
    pub fn events(&self) -> Vec<EventId> {
        self.agendas.read().by_id.keys().copied().collect()
    }

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
            watchers: Mutex::default(),
            elsewhere: AtomicBool::new(false),
            polls: AtomicUsize::new(polls),
        };
        agendas.by_id.insert(id, Arc::new(entry));
        agendas.codes.insert(code, id);
        agendas.age.push_back(id);
        agendas.polls += polls;
        agendas.make_room(self.limits());
    }

    /// Somebody else has inserted it in between.
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

    /// Events whose tick has come, and the time of the next.
    pub(super) fn due_programs(&self, now: Instant) -> Vec<Arc<AgendaEntry>> {
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
