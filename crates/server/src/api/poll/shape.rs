//! The shapes of what organisers write of a poll, as the documents show them. [`super::draft`] reads the
//! bodies by hand.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new poll.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPoll)]
pub struct NewPoll {
    /// The question: 1 to 500 characters, as people count them (grapheme clusters), in at most 4,000 bytes.
    #[schema(min_length = 1, max_length = 4000)]
    pub question: String,
    /// single, multiple or rating. The default is rating if there are statements, and otherwise single unless
    /// `maxChoices` is above 1.
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// The options of a choice, which are required there: 2 to 100 texts of 1 to 200 characters,
    /// as people count them, in at most 1,600 bytes each. No two may look the same.
    #[schema(min_items = 2, max_items = 100, nullable = false)]
    pub options: Option<Vec<String>>,
    /// The most options that a ballot may mark, for a choice; by default 1, or all for a multiple choice.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
    /// The statements of a rating, which are required there: 1 to 30 texts of 1 to 200 characters,
    /// as people count them, in at most 1,600 bytes each. No two may look the same.
    #[schema(min_items = 1, max_items = 30, nullable = false)]
    pub statements: Option<Vec<String>>,
    /// The number of steps of a rating's scale; default 5.
    #[schema(minimum = 2, maximum = 11)]
    pub steps: Option<u8>,
    /// The lowest step of a rating; default 0 for a scale of 11 steps, and otherwise 1.
    #[schema(minimum = 0, maximum = 1)]
    pub lowest: Option<u8>,
    /// What the lowest step of a rating means: up to 40 characters.
    #[schema(max_length = 320)]
    pub low_label: Option<String>,
    /// What the highest step of a rating means: up to 40 characters.
    #[schema(max_length = 320)]
    pub high_label: Option<String>,
    /// stars or numbers, for a rating; default stars for a scale from 1 with up to 5 steps.
    pub symbol: Option<String>,
    /// What a second ballot of a voter does: replace (default) or refuse.
    pub revote: Option<String>,
    /// When the public sees the numbers: live (default), afterVote or hidden.
    pub results: Option<String>,
    /// Whether everybody sees how many have voted while the numbers are hidden: shown (default) or hidden.
    pub turnout: Option<String>,
    /// Whether ballots may have a `voterId`; default true.
    pub voter_ids: Option<bool>,
    /// Whether the poll is shown in lists and on the leaderboard; default true.
    pub listed: Option<bool>,
    /// The time at which the poll closes by itself. RFC 3339.
    #[schema(format = "date-time")]
    pub closes_at: Option<String>,
    /// The number of seconds after its opening at which the poll closes by itself; instead of `closesAt`.
    #[schema(minimum = 1, maximum = 604800)]
    pub closes_after: Option<u32>,
    /// Origins that may frame the poll's overlay, such as `https://example.org`; `*` alone stands for any.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
    /// Whether the poll opens at once; default true. With false it is a draft.
    pub open: Option<bool>,
}

/// Changes of a draft (a JSON merge patch): the members of `NewPoll` except `open`, all optional.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PollPatch)]
pub struct PollPatch {
    /// The question: 1 to 500 characters, as people count them (grapheme clusters), in at most 4,000 bytes.
    #[schema(min_length = 1, max_length = 4000, nullable = false)]
    pub question: Option<String>,
    /// single, multiple or rating. Another kind begins anew, and requires its options or statements.
    pub kind: Option<String>,
    /// The options of a choice: 2 to 100 texts of 1 to 200 characters, of which no two may look the same.
    #[schema(min_items = 2, max_items = 100, nullable = false)]
    pub options: Option<Vec<String>>,
    /// The most options that a ballot may mark, for a choice.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
    /// The statements of a rating: 1 to 30 texts of 1 to 200 characters, of which no two may look the same.
    #[schema(min_items = 1, max_items = 30, nullable = false)]
    pub statements: Option<Vec<String>>,
    /// The number of steps of a rating's scale.
    #[schema(minimum = 2, maximum = 11)]
    pub steps: Option<u8>,
    /// The lowest step of a rating.
    #[schema(minimum = 0, maximum = 1)]
    pub lowest: Option<u8>,
    /// What the lowest step of a rating means: up to 40 characters.
    #[schema(max_length = 320)]
    pub low_label: Option<String>,
    /// What the highest step of a rating means: up to 40 characters.
    #[schema(max_length = 320)]
    pub high_label: Option<String>,
    /// stars or numbers, for a rating.
    pub symbol: Option<String>,
    /// What a second ballot of a voter does: replace or refuse.
    pub revote: Option<String>,
    /// When the public sees the numbers: live, afterVote or hidden.
    pub results: Option<String>,
    /// Whether everybody sees how many have voted while the numbers are hidden: shown or hidden.
    pub turnout: Option<String>,
    /// Whether ballots may have a `voterId`.
    pub voter_ids: Option<bool>,
    /// Whether the poll is shown in lists and on the leaderboard.
    pub listed: Option<bool>,
    /// The time at which the poll closes by itself, RFC 3339; null for never. It replaces `closesAfter`.
    #[schema(format = "date-time")]
    pub closes_at: Option<String>,
    /// The number of seconds after its opening at which the poll closes by itself; null for never. It
    /// replaces `closesAt`.
    #[schema(minimum = 1, maximum = 604800)]
    pub closes_after: Option<u32>,
    /// Origins that may frame the poll's overlay. A change of this member alone is possible at any time.
    #[schema(max_items = 20)]
    pub embed: Option<Vec<String>>,
}
