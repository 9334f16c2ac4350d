//! The members of a poll for points, as an organiser writes them.

use pollux_core::kind::KindDraft;
use pollux_core::kind::points::{Draft, KindWord};

use utoipa::ToSchema;

use crate::api::http::fields::{Fields, whole};
use crate::watch::view::kind::points::PointsWord;

/// The members of a poll for points in its body.
pub const MEMBERS: [&str; 3] = ["options", "kind", "budget"];

/// A `NewPoints` is a new poll in which voters spread points over options.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewPoints {
    /// The kind, which is points.
    pub kind: PointsWord,
    /// The options: 2 to 20 texts of 1 to 200 characters, as people count them, in at most 1,600 bytes each. No
    /// two may look the same.
    #[schema(min_items = 2, max_items = 20)]
    pub options: Vec<String>,
    /// The most points that a ballot may give, to all options together; default 100.
    #[schema(minimum = 1, maximum = 1000)]
    pub budget: Option<u16>,
}

/// A `PointsPatch` changes the draft of a poll for points, or makes the draft of another kind one; then it must
/// have `kind`, and `options` if that kind has none.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PointsPatch {
    /// The kind, which is points.
    #[schema(nullable = false)]
    pub kind: Option<PointsWord>,
    /// The options: 2 to 20 texts of 1 to 200 characters, of which no two may look the same.
    #[schema(min_items = 2, max_items = 20, nullable = false)]
    pub options: Option<Vec<String>>,
    /// The most points that a ballot may give; null for the default.
    #[schema(minimum = 1, maximum = 1000)]
    pub budget: Option<u16>,
}

/// Returns the word for points, and the empty draft that it begins.
pub fn begin() -> (&'static str, KindDraft) {
    (KindWord::Points.as_str(), KindDraft::Points(Draft::default()))
}

/// Applies the members of a poll for points to a draft.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    // Only the word for points leads here.
    fields.members.remove("kind");
    if let Some(options) = fields.texts("options") {
        draft.options = options;
    }
    fields.take("budget", |given| {
        draft.budget = given.map(whole).transpose()?;
        Ok(())
    });
}
