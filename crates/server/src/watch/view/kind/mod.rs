//! What a poll shows of its own kind, told apart by `kind`.

pub mod choice;
pub mod rating;

use pollux_core::kind::Kind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::choice::ChoiceView;
use self::rating::RatingView;

/// A poll's own part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Kind)]
pub enum KindView {
    /// Options to choose from.
    Choice(ChoiceView),
    /// Statements to rate.
    Rating(RatingView),
}

impl KindView {
    /// The kind with these counts, or without any for whoever may not see them.
    pub fn new(kind: &Kind, counts: Option<&[u64]>) -> Self {
        match kind {
            Kind::Choice(choice) => Self::Choice(ChoiceView::new(choice, counts)),
            Kind::Rating(rating) => Self::Rating(RatingView::new(rating, counts)),
        }
    }
}
