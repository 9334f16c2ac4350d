//! The members of a ranking, as an organiser writes them.

use pollux_core::kind::KindDraft;
use pollux_core::kind::ranking::{Draft, KindWord};

use utoipa::ToSchema;

use crate::api::http::fields::{Fields, whole};
use crate::watch::view::kind::ranking::RankingWord;

/// The members of a ranking in a poll's body.
pub const MEMBERS: [&str; 3] = ["options", "kind", "places"];

/// A `NewRanking` is a new poll in which voters put options in order.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewRanking {
    /// The kind, which is ranking.
    pub kind: RankingWord,
    /// The options: 2 to 20 texts of 1 to 200 characters, as people count them, in at most 1,600 bytes each. No
    /// two may look the same.
    #[schema(min_items = 2, max_items = 20)]
    pub options: Vec<String>,
    /// The most options that a ballot may rank; by default all.
    #[schema(minimum = 1, maximum = 20)]
    pub places: Option<u8>,
}

/// A `RankingPatch` changes the draft of a ranking, or makes the draft of another kind a ranking; then it must have
/// `kind`, and `options` if that kind has none.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RankingPatch {
    /// The kind, which is ranking.
    #[schema(nullable = false)]
    pub kind: Option<RankingWord>,
    /// The options: 2 to 20 texts of 1 to 200 characters, of which no two may look the same.
    #[schema(min_items = 2, max_items = 20, nullable = false)]
    pub options: Option<Vec<String>>,
    /// The most options that a ballot may rank. Null, or as many as there are, means all, also when options
    /// are added or taken away later.
    #[schema(minimum = 1, maximum = 20)]
    pub places: Option<u8>,
}

/// Returns the word for a ranking, and the empty draft that it begins.
pub fn begin() -> (&'static str, KindDraft) {
    (KindWord::Ranking.as_str(), KindDraft::Ranking(Draft::default()))
}

/// Applies the members of a ranking to a draft.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    // Only the word for a ranking leads here.
    fields.members.remove("kind");
    if let Some(options) = fields.texts("options") {
        draft.options = options;
    }
    fields.take("places", |given| {
        draft.places = given.map(whole).transpose()?;
        Ok(())
    });
}
