//! An event: polls under one title and one code, one of which is on stage.
//!
//! The polls themselves say which event they belong to ([`Poll::event`]); the event's
//! [`Event::order`] only sorts them. A crash between two changes therefore loses nothing. Every
//! change goes through a function here and raises [`Event::revision`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{EventId, PollId, UnixMillis};
use crate::poll::{ChangeRefused, Poll, PollStatus, is_zero, origins};
use crate::rule::{Violation, clean};
use crate::standing::{Standing, weight_of_hidings};

/// The greatest length of a title, in characters.
pub const MAX_TITLE_CHARS: usize = 200;
/// The most polls that an event may have, including deleted ones.
pub const MAX_POLLS: usize = 500;

/// The layout says how the stage draws the votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Layout {
    /// Horizontal bars.
    #[default]
    Bars,
    /// Vertical columns.
    Columns,
}

/// An event is a title, a join code and an order of polls, as its owner made them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The event's id.
    pub id: EventId,
    /// The join code. It is empty until the store has assigned one.
    pub code: String,
    /// The title.
    pub title: String,
    /// The accent colour, as `#RRGGBB`.
    pub accent: Option<String>,
    /// How the stage draws the votes.
    pub layout: Layout,
    /// The name of the logo's bytes, which the store keeps beside the event.
    pub logo: Option<String>,
    /// The poll on stage and on phones.
    pub current: Option<PollId>,
    /// The order of the event's polls. Polls that are not in it come last, by age.
    pub order: Vec<PollId>,
    /// The origins that may frame the event's overlay; see [`Poll::embed`].
    pub embed: Vec<String>,
    /// A number that every change raises.
    pub revision: u64,
    /// The time at which the event was created.
    pub created_at: UnixMillis,
    /// The time at which the event was deleted; its code is free a month later.
    pub deleted_at: Option<UnixMillis>,
    /// SHA-256 of the owner's token; the event's polls have the same.
    pub owner: [u8; 32],
    /// A number that each new owner's token raises: the bearer of the old one, who was shown the
    /// drafts, no longer is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidings: u32,
}

/// A draft holds what an organiser writes of an event; a member that is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventDraft {
    /// The title, 1 to 200 characters.
    pub title: Option<String>,
    /// The accent colour, as `#RRGGBB`, or none.
    pub accent: Option<Option<String>>,
    /// How the stage draws the votes.
    pub layout: Option<Layout>,
    /// Every poll of the event, each once.
    pub order: Option<Vec<PollId>>,
    /// The origins that may frame the overlay, or `*`.
    pub embed: Option<Vec<String>>,
}

impl Event {
    /// Creates an event without polls after checking the draft.
    pub fn new(
        id: EventId,
        draft: EventDraft,
        owner: [u8; 32],
        now: UnixMillis,
    ) -> Result<Self, ChangeRefused> {
        let mut event = Self {
            id,
            code: String::new(),
            title: String::new(),
            accent: None,
            layout: Layout::default(),
            logo: None,
            current: None,
            order: Vec::new(),
            embed: Vec::new(),
            revision: 0,
            created_at: now,
            deleted_at: None,
            owner,
            hidings: 0,
        };
        let title = draft.title.or_else(|| Some(String::new()));
        event.edit(EventDraft { title, order: None, ..draft }, &[])?;
        Ok(event)
    }

    /// Replaces the members that the draft has. `polls` are the polls of the event, in any order.
    pub fn edit(&mut self, draft: EventDraft, polls: &[PollId]) -> Result<(), ChangeRefused> {
        let mut broken = Vec::new();
        let mut new = self.clone();
        if let Some(title) = draft.title {
            new.title = clean("/title", &title, MAX_TITLE_CHARS, &mut broken);
        }
        if let Some(accent) = draft.accent {
            if accent.as_deref().is_some_and(|accent| !is_colour(accent)) {
                let detail = "must be a colour such as #0B5CAD, or null";
                broken.push(Violation::new("/accent", detail));
            }
            new.accent = accent;
        }
        new.layout = draft.layout.unwrap_or(self.layout);
        if let Some(order) = draft.order {
            let sorted = |ids: &[PollId]| {
                let mut ids = ids.to_vec();
                ids.sort_unstable();
                ids
            };
            if sorted(&order) != sorted(polls) {
                let detail =
                    format!("must name each of the event's {} polls, once each", polls.len());
                broken.push(Violation::new("/order", detail));
            }
            new.order = order;
        }
        if let Some(embed) = draft.embed {
            new.embed = origins("/embed", embed, &mut broken);
        }
        if !broken.is_empty() {
            return Err(ChangeRefused::Invalid(broken));
        }
        new.revision += 1;
        *self = new;
        Ok(())
    }

    /// Puts a poll on stage, or none. Returns whether that changed anything.
    pub fn show(&mut self, poll: Option<PollId>) -> bool {
        let changed = self.current != poll;
        if changed {
            self.current = poll;
            self.revision += 1;
        }
        changed
    }

    /// Sets another logo, or none. Returns whether that changed anything.
    pub fn set_logo(&mut self, logo: Option<String>) -> bool {
        let changed = self.logo != logo;
        if changed {
            self.logo = logo;
            self.revision += 1;
        }
        changed
    }

    /// Makes the bearer of another token the owner.
    pub fn set_owner(&mut self, owner: [u8; 32]) {
        self.hidings += u32::from(self.owner != owner);
        self.owner = owner;
        self.revision += 1;
    }

    /// Deletes the event. Returns whether it still existed.
    pub fn delete(&mut self, now: UnixMillis) -> bool {
        let there = self.deleted_at.is_none();
        if there {
            self.deleted_at = Some(now);
            self.current = None;
            self.revision += 1;
        }
        there
    }

    /// Takes a poll in: it takes over the event's owner and its code. Returns whether it was in no event before.
    pub fn adopt(&self, poll: &mut Poll) -> Result<bool, ChangeRefused> {
        poll.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        if poll.event.is_some_and(|other| other != self.id) {
            let broken = Violation::new("/pollId", "is a poll of another event");
            return Err(ChangeRefused::Invalid(vec![broken]));
        }
        let changed = poll.event.is_none();
        if changed {
            poll.event = Some(self.id);
            poll.code = self.code.clone();
            poll.hidings += u32::from(poll.owner != self.owner);
            poll.owner = self.owner;
            poll.revision += 1;
        }
        Ok(changed)
    }
}

fn is_colour(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An item is a poll in an event's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgendaItem {
    /// The poll.
    pub poll: Arc<Poll>,
    /// The version of what the list shows of the poll; the poll's numbers are no part of it.
    pub version: u64,
    /// Whether no ballot can be counted any more.
    pub is_final: bool,
}

/// An agenda is an event with its polls. Like a [`Standing`] it is built from announcements that
/// may come late, twice or out of order, and it keeps the newest of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agenda {
    /// The event's newest known revision.
    pub event: Arc<Event>,
    items: BTreeMap<PollId, AgendaItem>,
}

impl Agenda {
    /// Creates the agenda of an event with these polls.
    pub fn new<'a>(event: Arc<Event>, polls: impl IntoIterator<Item = &'a Standing>) -> Self {
        let mut agenda = Self { event, items: BTreeMap::new() };
        for poll in polls {
            agenda.take_poll(poll);
        }
        agenda
    }

    /// Takes a revision of the event if it is newer than the known one, and returns whether it was.
    pub fn take_event(&mut self, event: Arc<Event>) -> bool {
        debug_assert_eq!(event.id, self.event.id, "an agenda is of one event");
        let newer = event.revision > self.event.revision;
        if newer {
            let before = std::mem::replace(&mut self.event, event);
            // Hidings never shrink: a revision with fewer was written by a node of an older Pollux
            // that does not know them.
            if self.event.hidings < before.hidings {
                Arc::make_mut(&mut self.event).hidings = before.hidings;
            }
        }
        newer
    }

    /// Takes what is newer of one of the event's polls, and returns whether that changed the list.
    pub fn take_poll(&mut self, standing: &Standing) -> bool {
        self.take_item(AgendaItem {
            poll: standing.poll.clone(),
            version: standing.version_without_numbers(),
            is_final: standing.is_final(),
        })
    }

    /// Takes what is newer in another agenda of the event, and returns whether that changed
    /// anything.
    pub fn take(&mut self, other: Self) -> bool {
        let mut changed = self.take_event(other.event);
        for item in other.items.into_values() {
            changed |= self.take_item(item);
        }
        changed
    }

    fn take_item(&mut self, new: AgendaItem) -> bool {
        let age = |item: &AgendaItem| (item.version, item.is_final);
        let newer = self.items.get(&new.poll.id).is_none_or(|known| age(known) < age(&new));
        if newer {
            self.items.insert(new.poll.id, new);
        }
        newer
    }

    /// Returns the event's polls in order, without the deleted ones.
    pub fn polls(&self) -> Vec<&AgendaItem> {
        let place = |id: PollId| self.event.order.iter().position(|other| *other == id);
        let there = self.items.values().filter(|item| item.poll.status != PollStatus::Deleted);
        let mut polls: Vec<_> = there
            .filter(|item| item.poll.event == Some(self.event.id))
            .map(|item| (place(item.poll.id).unwrap_or(usize::MAX), item))
            .collect();
        polls.sort_by_key(|(place, item)| (*place, item.poll.id));
        polls.into_iter().map(|(_, item)| item).collect()
    }

    /// Returns how many polls the event ever had.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether the event never had a poll.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns one of the event's polls, whatever its status.
    pub fn poll(&self, id: PollId) -> Option<&Arc<Poll>> {
        self.items.get(&id).map(|item| &item.poll)
    }

    /// Returns the poll on stage, unless it is a draft, deleted or unknown.
    pub fn current(&self) -> Option<PollId> {
        self.event.current.filter(|id| {
            let status = self.items.get(id).map(|item| item.poll.status);
            matches!(status, Some(PollStatus::Open | PollStatus::Closed))
        })
    }

    /// Returns the version of what is shown, with drafts or without. It grows with everything that
    /// can be seen to change. Deleted polls count, so that it never shrinks.
    pub fn version(&self, drafts: bool) -> u64 {
        let seen = |item: &&AgendaItem| drafts || item.poll.status != PollStatus::Draft;
        let polls = self.items.values().filter(seen);
        weight_of_hidings(self.event.hidings)
            + self.event.revision
            + polls.map(|item| 2 * item.version + u64::from(item.is_final)).sum::<u64>()
    }
}
