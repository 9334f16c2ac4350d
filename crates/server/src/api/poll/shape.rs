//! What organisers write of a poll, as the documents show it. The reading is done by hand, in
//! [`super::draft`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new poll as it is written; only for the documentation, the reading is done by hand.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPoll)]
pub struct NewPoll {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub question: String,
    /// single, multiple or rating; rating where there are statements, else single unless
    /// `maxChoices` is above 1.
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// Of a choice, and needed there: 2 to 100 texts of 1 to 200 characters, distinct after
    /// trimming.
    #[schema(min_items = 2, max_items = 100, nullable = false)]
    pub options: Option<Vec<String>>,
    /// Of a choice: most options a ballot may mark; by default 1, or all of a multiple choice.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
    /// Of a rating, and needed there: 1 to 30 texts of 1 to 200 characters, distinct after trimming.
    #[schema(min_items = 1, max_items = 30, nullable = false)]
    pub statements: Option<Vec<String>>,
    /// Of a rating: how many steps the scale has; default 5.
    #[schema(minimum = 2, maximum = 11)]
    pub steps: Option<u8>,
    /// Of a rating: the lowest step; default 0 for a scale of 11 steps, else 1.
    #[schema(minimum = 0, maximum = 1)]
    pub lowest: Option<u8>,
    /// Of a rating: what the lowest step means.
    #[schema(max_length = 40)]
    pub low_label: Option<String>,
    /// Of a rating: what the highest step means.
    #[schema(max_length = 40)]
    pub high_label: Option<String>,
    /// Of a rating: stars or numbers; default stars for a scale from 1 of up to 5 steps.
    pub symbol: Option<String>,
    /// replace (default) or refuse.
    pub revote: Option<String>,
    /// live (default), afterVote or hidden.
    pub results: Option<String>,
    /// shown (default) or hidden: whether everybody sees how many have voted while the numbers are not shown.
    pub turnout: Option<String>,
    /// Whether a `voterId` is taken; default true.
    pub voter_ids: Option<bool>,
    /// Whether lists and the leaderboard show it; default true.
    pub listed: Option<bool>,
    /// RFC 3339; when it closes by itself.
    #[schema(format = "date-time")]
    pub closes_at: Option<String>,
    /// How many seconds after it opens it closes by itself; instead of `closesAt`.
    #[schema(minimum = 1, maximum = 604800)]
    pub closes_after: Option<u32>,
    /// Origins that may frame its overlay, such as `https://example.org`; `*` alone is anybody.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
    /// Whether it opens at once; default true. False makes a draft.
    pub open: Option<bool>,
}

/// Changes of a draft (a JSON merge patch): the members of [`NewPoll`] but `open`, all optional.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PollPatch)]
pub struct PollPatch {
    /// 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, nullable = false)]
    pub question: Option<String>,
    /// single, multiple or rating. Another kind begins anew: its options or statements are needed.
    pub kind: Option<String>,
    /// Of a choice: 2 to 100 texts of 1 to 200 characters, distinct after trimming.
    #[schema(min_items = 2, max_items = 100, nullable = false)]
    pub options: Option<Vec<String>>,
    /// Of a choice: most options a ballot may mark.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
    /// Of a rating: 1 to 30 texts of 1 to 200 characters, distinct after trimming.
    #[schema(min_items = 1, max_items = 30, nullable = false)]
    pub statements: Option<Vec<String>>,
    /// Of a rating: how many steps the scale has.
    #[schema(minimum = 2, maximum = 11)]
    pub steps: Option<u8>,
    /// Of a rating: the lowest step.
    #[schema(minimum = 0, maximum = 1)]
    pub lowest: Option<u8>,
    /// Of a rating: what the lowest step means.
    #[schema(max_length = 40)]
    pub low_label: Option<String>,
    /// Of a rating: what the highest step means.
    #[schema(max_length = 40)]
    pub high_label: Option<String>,
    /// Of a rating: stars or numbers.
    pub symbol: Option<String>,
    /// replace or refuse.
    pub revote: Option<String>,
    /// live, afterVote or hidden.
    pub results: Option<String>,
    /// shown or hidden.
    pub turnout: Option<String>,
    /// Whether a `voterId` is taken.
    pub voter_ids: Option<bool>,
    /// Whether lists and the leaderboard show it.
    pub listed: Option<bool>,
    /// RFC 3339; null: never. Takes the place of `closesAfter`.
    #[schema(format = "date-time")]
    pub closes_at: Option<String>,
    /// In seconds from the opening on; null: never. Takes the place of `closesAt`.
    #[schema(minimum = 1, maximum = 604800)]
    pub closes_after: Option<u32>,
    /// Origins that may frame its overlay; alone it can be changed at any time.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
}
