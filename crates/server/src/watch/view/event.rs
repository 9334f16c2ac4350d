//! An event as the contract shows it, and the event that is made up around a poll in none.

use pollux_core::event::{Agenda, Item, Layout};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Shown, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{rfc3339, status_word};

/// An event: polls under one title and one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView {
    /// UUIDv7; of an event made up around a lone poll the poll's.
    #[schema(format = "uuid")]
    pub id: String,
    /// The join code.
    pub code: String,
    /// The title.
    pub title: String,
    /// #RRGGBB; null: the screens' own colour.
    #[schema(required)]
    pub accent: Option<String>,
    /// How the stage draws the votes: bars or columns.
    pub layout: String,
    /// Where the logo is; its `v` changes with it.
    #[schema(required)]
    pub logo: Option<String>,
    /// The poll on stage and on phones; never a draft.
    #[schema(required)]
    pub current: Option<String>,
    /// In order. Drafts are shown to the owner and the stage only.
    pub polls: Vec<EventPoll>,
    /// Origins that may frame the overlay; `*` alone is anybody.
    pub embed: Vec<String>,
    /// Made up around a poll that is in no event.
    pub lone: bool,
    /// Greater is newer, for viewers who may see the same.
    pub version: u64,
    /// RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub created_at: String,
}

/// A poll in an event's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventPoll {
    /// UUIDv7.
    #[schema(format = "uuid")]
    pub id: String,
    /// The question.
    pub question: String,
    /// single, multiple or rating.
    pub kind: String,
    /// draft, open or closed.
    pub status: String,
    /// No ballot can be counted any more until someone reopens or resets.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Whether everybody may see the numbers.
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

/// The event; `staff` (its owner, its stage) sees drafts, too.
pub fn event(agenda: &Agenda, staff: bool) -> EventView {
    let event = &agenda.event;
    let there = event.deleted_at.is_none();
    let shown = |item: &&Item| there && (staff || item.poll.status != PollStatus::Draft);
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

/// The event of one that is made up around a poll which is in none.
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
