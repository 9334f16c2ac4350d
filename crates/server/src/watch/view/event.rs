//! The view of an event, and of the event that is made up around a poll which belongs to none.

use pollux_core::event::{Agenda, AgendaItem, Layout};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Shown, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{rfc3339, status_word};

/// An `Event` has polls under one title and one join code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView {
    /// The event's id, a UUIDv7. For a poll that belongs to no event it is the poll's id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The join code.
    pub code: String,
    /// The title.
    pub title: String,
    /// The accent colour as #RRGGBB; null if the screens use their own.
    #[schema(required)]
    pub accent: Option<String>,
    /// How the stage draws the votes: bars or columns.
    pub layout: String,
    /// The path of the logo, whose `v` changes with the logo; null if there is none.
    #[schema(required)]
    pub logo: Option<String>,
    /// The id of the poll that is on stage and on phones; null if there is none. It is never a
    /// draft.
    #[schema(required)]
    pub current: Option<String>,
    /// The event's polls, in order. Only the owner and the stage are shown drafts.
    pub polls: Vec<EventPoll>,
    /// The origins that may embed the event's overlay in a frame; `*` alone admits every origin.
    pub embed: Vec<String>,
    /// Whether this is no event of its own, but made up around a poll that belongs to none.
    pub lone: bool,
    /// The version; a greater one is newer, for viewers who may see the same.
    pub version: u64,
    /// When the event was created, as RFC 3339 in UTC.
    #[schema(format = "date-time")]
    pub created_at: String,
}

/// An `EventPoll` is a poll in an event's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventPoll {
    /// The poll's id, a UUIDv7.
    #[schema(format = "uuid")]
    pub id: String,
    /// The poll's question.
    pub question: String,
    /// The poll's kind: single, multiple, rating, ranking, points or number.
    pub kind: String,
    /// The poll's status: draft, open or closed.
    pub status: String,
    /// Whether the poll is final: no ballot can be counted any more until somebody reopens or
    /// resets the poll.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Whether the owner has revealed the numbers to everybody.
    pub revealed: bool,
}

fn listed(poll: &Poll, is_final: bool) -> EventPoll {
    EventPoll {
        id: poll.id.to_string(),
        question: poll.question.clone(),
        kind: poll.kind.word().into(),
        status: status_word(poll.status).into(),
        is_final,
        revealed: poll.revealed,
    }
}

/// Returns the view of an event; `staff` (its owner, its stage) sees drafts, too.
pub fn event(agenda: &Agenda, staff: bool) -> EventView {
    let event = &agenda.event;
    let there = event.deleted_at.is_none();
    let shown = |item: &&AgendaItem| there && (staff || item.poll.status != PollStatus::Draft);
    let polls = agenda.polls().into_iter().filter(shown);
    EventView {
        id: event.id.to_string(),
        code: event.code.clone(),
        title: event.title.clone(),
        accent: event.accent.clone(),
        layout: match event.layout {
            Layout::Bars => "bars",
            Layout::Columns => "columns",
        }
        .into(),
        logo: event.logo.as_ref().map(|tag| format!("/api/events/{}/logo?v={tag}", event.id)),
        current: agenda.current().map(|poll| poll.to_string()),
        polls: polls.map(|item| listed(&item.poll, item.is_final)).collect(),
        embed: event.embed.clone(),
        lone: false,
        version: agenda.version(staff),
        created_at: rfc3339(event.created_at),
    }
}

/// Returns the view of the event that is made up around a poll which belongs to none.
pub fn lone(standing: &Standing) -> EventView {
    let poll = &standing.poll;
    let current = (poll.status != PollStatus::Draft).then(|| poll.id.to_string());
    let is_final = standing.is_final();
    EventView {
        id: poll.id.to_string(),
        code: poll.code.clone(),
        title: poll.question.clone(),
        accent: None,
        layout: "bars".into(),
        logo: None,
        current,
        polls: vec![listed(poll, is_final)],
        embed: poll.embed.clone(),
        lone: true,
        version: 2 * standing.version(Shown::Nothing) + u64::from(is_final),
        created_at: rfc3339(poll.created_at),
    }
}
