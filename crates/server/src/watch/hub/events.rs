//! The hub's events: what is merged into their agendas, and what is sent of that.

use std::sync::Arc;

use pollux_core::event::{Agenda, Event};
use pollux_core::id::EventId;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::Standing;
use tokio::time::Instant;

use super::{Hub, Missing};
use crate::watch::agenda::{AgendaEntry, AgendaState};

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

    /// Returns the event that a join code leads to, if it is in memory.
    pub fn event_by_code(&self, code: &str) -> Option<EventId> {
        self.agendas.read().by_code(code)
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
        agendas.insert(code, AgendaEntry::new(agenda));
        agendas.make_room(&self.limits);
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
        state.renew();
        let polls = state.agenda.len();
        if polls != entry.polls() {
            let mut agendas = self.agendas.write();
            agendas.lists(entry, polls);
            agendas.make_room(&self.limits);
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
            (state.dirty, state.next_at) = (false, Some(now + self.limits.tick));
        }
        due
    }
}
