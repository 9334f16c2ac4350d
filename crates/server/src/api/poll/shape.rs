//! The shapes of what organisers write of a poll, as the documents show them: the members of every kind here, and
//! those of one kind from its folder. [`super::draft`] reads the bodies by hand.

use std::borrow::Cow;

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::api::http::schema::{Named, any_of, joined, object, one_of};
use crate::api::kind::{self, Shape};

/// `NewPoll` is what an organiser sends to create a poll of any kind.
pub struct NewPoll;

/// `PollPatch` is what an organiser sends to change a draft of any kind.
pub struct PollPatch;

/// `New` holds the members that a new poll of every kind has.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is only for the documents")]
struct New {
    /// The question: 1 to 500 characters, as people count them (grapheme clusters), in at most 4,000 bytes.
    #[schema(min_length = 1, max_length = 4000)]
    question: String,
    /// What a second ballot of a voter does: replace (default) or refuse.
    revote: Option<String>,
    /// When the public sees the numbers: live (default), afterVote or hidden.
    results: Option<String>,
    /// Whether everybody sees how many have voted while the numbers are hidden: shown (default) or hidden.
    turnout: Option<String>,
    /// Whether ballots may have a `voterId`; default true.
    voter_ids: Option<bool>,
    /// Whether the poll is shown in lists and on the leaderboard; default true.
    listed: Option<bool>,
    /// The time at which the poll closes by itself. RFC 3339.
    #[schema(format = "date-time")]
    closes_at: Option<String>,
    /// The number of seconds after its opening at which the poll closes by itself; instead of `closesAt`.
    #[schema(minimum = 1, maximum = 604800)]
    closes_after: Option<u32>,
    /// Origins that may frame the poll's overlay, such as `https://example.org`; `*` alone stands for any.
    #[schema(max_items = 20)]
    embed: Option<Vec<String>>,
    /// Whether the poll opens at once; default true. With false it is a draft.
    open: Option<bool>,
}

/// `Patch` holds the members that a change of a draft of every kind may have.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is only for the documents")]
struct Patch {
    /// The question: 1 to 500 characters, as people count them (grapheme clusters), in at most 4,000 bytes.
    #[schema(min_length = 1, max_length = 4000, nullable = false)]
    question: Option<String>,
    /// What a second ballot of a voter does: replace or refuse.
    revote: Option<String>,
    /// When the public sees the numbers: live, afterVote or hidden.
    results: Option<String>,
    /// Whether everybody sees how many have voted while the numbers are hidden: shown or hidden.
    turnout: Option<String>,
    /// Whether ballots may have a `voterId`.
    voter_ids: Option<bool>,
    /// Whether the poll is shown in lists and on the leaderboard.
    listed: Option<bool>,
    /// The time at which the poll closes by itself, RFC 3339; null for never. It replaces `closesAfter`.
    #[schema(format = "date-time")]
    closes_at: Option<String>,
    /// The number of seconds after its opening at which the poll closes by itself; null for never. It
    /// replaces `closesAt`.
    #[schema(minimum = 1, maximum = 604800)]
    closes_after: Option<u32>,
    /// Origins that may frame the poll's overlay. A change of this member alone is possible at any time.
    #[schema(max_items = 20)]
    embed: Option<Vec<String>>,
}

/// Adds the schemas of a body for each kind, with the members that every kind has, and all to which they refer.
fn add<T: PartialSchema>(shapes: impl IntoIterator<Item = Shape>, schemas: &mut Vec<Named>) {
    for Shape { name, own, add_referenced } in shapes {
        let description = object(own.clone()).description.unwrap_or_default();
        schemas.push((name.into(), joined(&description, [T::schema(), own])));
        add_referenced(schemas);
    }
}

impl PartialSchema for NewPoll {
    fn schema() -> RefOr<Schema> {
        let names = kind::new_polls().map(|shape| (shape.name, ""));
        one_of("A `NewPoll` is what an organiser sends to create a poll of any kind.", names)
    }
}

impl ToSchema for NewPoll {
    fn name() -> Cow<'static, str> {
        "NewPoll".into()
    }

    fn schemas(schemas: &mut Vec<Named>) {
        add::<New>(kind::new_polls(), schemas);
    }
}

impl PartialSchema for PollPatch {
    fn schema() -> RefOr<Schema> {
        let what = "A `PollPatch` changes a draft (a JSON merge patch). It has the members of `NewPoll` except `open`, all optional.";
        any_of(what, kind::patches().map(|shape| shape.name))
    }
}

impl ToSchema for PollPatch {
    fn name() -> Cow<'static, str> {
        "PollPatch".into()
    }

    fn schemas(schemas: &mut Vec<Named>) {
        add::<Patch>(kind::patches(), schemas);
    }
}
