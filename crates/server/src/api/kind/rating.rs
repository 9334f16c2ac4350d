//! The members of a rating, as an organiser writes them.

use pollux_core::kind::KindDraft;
use pollux_core::kind::rating::{Draft, KindWord, Symbol};

use utoipa::ToSchema;

use crate::api::http::fields::{Fields, string, whole, word};
use crate::watch::view::kind::rating::{RatingWord, SymbolView};

/// The members of a rating in a poll's body.
pub const MEMBERS: [&str; 7] =
    ["statements", "kind", "steps", "lowest", "lowLabel", "highLabel", "symbol"];

/// A `NewRating` is a new poll in which voters rate statements on a scale.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewRating {
    /// rating, which is the default if there are statements and no options.
    #[schema(nullable = false)]
    pub kind: Option<RatingWord>,
    /// The statements: 1 to 30 texts of 1 to 200 characters, as people count them, in at most 1,600 bytes each. No
    /// two may look the same.
    #[schema(min_items = 1, max_items = 30)]
    pub statements: Vec<String>,
    /// The number of steps of the scale; default 5.
    #[schema(minimum = 2, maximum = 11)]
    pub steps: Option<u8>,
    /// The lowest step; default 0 for a scale of 11 steps, and otherwise 1.
    #[schema(minimum = 0, maximum = 1)]
    pub lowest: Option<u8>,
    /// What the lowest step means: up to 40 characters.
    #[schema(max_length = 320)]
    pub low_label: Option<String>,
    /// What the highest step means: up to 40 characters.
    #[schema(max_length = 320)]
    pub high_label: Option<String>,
    /// stars or numbers; default stars for a scale from 1 with up to 5 steps.
    pub symbol: Option<SymbolView>,
}

/// A `RatingPatch` changes the draft of a rating, or makes the draft of another kind a rating; then it must have
/// `statements`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RatingPatch {
    /// The kind, which is rating.
    #[schema(nullable = false)]
    pub kind: Option<RatingWord>,
    /// The statements: 1 to 30 texts of 1 to 200 characters, of which no two may look the same.
    #[schema(min_items = 1, max_items = 30, nullable = false)]
    pub statements: Option<Vec<String>>,
    /// The number of steps of the scale.
    #[schema(minimum = 2, maximum = 11)]
    pub steps: Option<u8>,
    /// The lowest step.
    #[schema(minimum = 0, maximum = 1)]
    pub lowest: Option<u8>,
    /// What the lowest step means: up to 40 characters.
    #[schema(max_length = 320)]
    pub low_label: Option<String>,
    /// What the highest step means: up to 40 characters.
    #[schema(max_length = 320)]
    pub high_label: Option<String>,
    /// stars or numbers.
    pub symbol: Option<SymbolView>,
}

/// Returns the word for a rating, and the empty draft that it begins.
pub fn begin() -> (&'static str, KindDraft) {
    (KindWord::Rating.as_str(), KindDraft::Rating(Draft::default()))
}

/// Applies the members of a rating to a draft.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    // Only the word for a rating leads here.
    fields.members.remove("kind");
    // What nobody has chosen follows from the scale.
    if fields.members.contains_key("steps") {
        draft.lowest = None;
    }
    if ["steps", "lowest"].iter().any(|name| fields.members.contains_key(*name)) {
        draft.symbol = None;
    }
    if let Some(statements) = fields.texts("statements") {
        draft.statements = statements;
    }
    fields.take("steps", |given| {
        draft.steps = given.map(whole).transpose()?;
        Ok(())
    });
    fields.take("lowest", |given| {
        draft.lowest = given.map(whole).transpose()?;
        Ok(())
    });
    fields.take("lowLabel", |given| {
        draft.low_label = given.map_or(Ok(String::new()), string)?;
        Ok(())
    });
    fields.take("highLabel", |given| {
        draft.high_label = given.map_or(Ok(String::new()), string)?;
        Ok(())
    });
    fields.take("symbol", |given| {
        let words = [Symbol::Stars, Symbol::Numbers].map(|symbol| (symbol.as_str(), symbol));
        draft.symbol = given.map(|v| word(v, &words)).transpose()?;
        Ok(())
    });
}
