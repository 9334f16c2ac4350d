//! What organisers write of an event, as the documents show it. The reading is done by hand, in
//! [`super::draft`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new event as it is written; only for the documentation, the reading is done by hand.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewEvent)]
pub struct NewEvent {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// #RRGGBB.
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$")]
    pub accent: Option<String>,
    /// bars (default) or columns.
    pub layout: Option<String>,
    /// Origins that may frame its overlay, such as `https://example.org`; `*` alone is anybody.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
}

/// Changes of an event (a JSON merge patch), all optional.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EventPatch)]
pub struct EventPatch {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub title: Option<String>,
    /// #RRGGBB; null: the screens' own colour.
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$")]
    pub accent: Option<String>,
    /// bars or columns.
    pub layout: Option<String>,
    /// Every poll of the event, once each; null leaves the order as it is.
    pub order: Option<Vec<String>>,
    /// Origins that may frame its overlay.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
}

/// Which poll comes on stage.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// The id of one of the event's polls; a draft is opened. Null: none.
    #[schema(required, format = "uuid")]
    pub poll: Option<String>,
    /// The poll that the asker sees on stage, or null for none. Should another one be there by now,
    /// nothing is done, and the answer is 409. Left out, it is shown whatever is there.
    #[schema(format = "uuid")]
    pub from: Option<String>,
}

/// A poll that is in no event yet, and the token of its owner.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TakeIn {
    /// Its id or join code.
    pub poll_id: String,
    /// Its `ownerToken`, which is no longer valid afterwards: the event's is.
    pub poll_token: String,
}

/// A new poll of the event, or one that is taken in.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "it is never made: it is only for the document")]
pub enum EventPollBody {
    /// A new one; a draft unless `open` is true.
    New(crate::api::poll::shape::NewPoll),
    /// One that is there.
    TakeIn(TakeIn),
}
