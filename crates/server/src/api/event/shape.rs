//! The shapes of what organisers write of an event, as the documents show them. [`super::draft`] reads the
//! bodies by hand.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::api::http::schema::{Named, one_of};
use crate::api::poll::shape::NewPoll;

/// A `NewEvent` is what an organiser sends to create an event.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewEvent)]
pub struct NewEvent {
    /// The title: 1 to 200 characters, as people count them (grapheme clusters), in at most 1,600 bytes.
    #[schema(min_length = 1, max_length = 1600)]
    pub title: String,
    /// The accent colour: #RRGGBB.
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$")]
    pub accent: Option<String>,
    /// The layout of results: bars (default) or columns.
    pub layout: Option<String>,
    /// Origins that may frame the event's overlay, such as `https://example.org`; `*` alone stands for any.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
}

/// An `EventPatch` changes an event (a JSON merge patch); all its members are optional.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EventPatch)]
pub struct EventPatch {
    /// The title: 1 to 200 characters, as people count them (grapheme clusters), in at most 1,600 bytes.
    #[schema(min_length = 1, max_length = 1600, nullable = false)]
    pub title: Option<String>,
    /// The accent colour, #RRGGBB; null for the screens' own colour.
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$")]
    pub accent: Option<String>,
    /// The layout of results: bars or columns.
    pub layout: Option<String>,
    /// The ids of all polls of the event, in their new order; null leaves the order as it is.
    pub order: Option<Vec<String>>,
    /// Origins that may frame the event's overlay.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
}

/// `Show` names the poll that is to come on stage.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// The id of one of the event's polls, which is opened if it is a draft; null for no poll.
    #[schema(required, format = "uuid")]
    pub poll: Option<String>,
    /// The poll that the asker sees on stage, or null for none. If another poll is on stage by now, nothing
    /// is changed, and the answer is 409. Without this member the poll is shown whatever is on stage.
    #[schema(format = "uuid")]
    pub from: Option<String>,
}

/// `TakeIn` names a poll that belongs to no event yet, and has the token of its owner.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TakeIn {
    /// The poll's id or join code.
    pub poll_id: String,
    /// The poll's `ownerToken`. From then on only the event's is valid.
    pub poll_token: String,
}

/// `EventPollBody` is what an organiser sends to add a poll to an event.
pub struct EventPollBody;

impl PartialSchema for EventPollBody {
    fn schema() -> RefOr<Schema> {
        let parts = [
            (NewPoll::name(), "A new poll, which is a draft unless `open` is true."),
            (TakeIn::name(), "A poll that exists already."),
        ];
        one_of("An `EventPollBody` is a new poll for the event, or a poll to take in.", parts)
    }
}

impl ToSchema for EventPollBody {
    fn name() -> Cow<'static, str> {
        "EventPollBody".into()
    }

    fn schemas(schemas: &mut Vec<Named>) {
        schemas.push((NewPoll::name().into(), NewPoll::schema()));
        schemas.push((TakeIn::name().into(), TakeIn::schema()));
        NewPoll::schemas(schemas);
    }
}
