//! The view of a rating.

use pollux_core::kind::rating::{Rating, Symbol};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A `Rating` has statements that are all rated on the same scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Rating)]
pub struct RatingView {
    /// The kind: rating.
    pub kind: RatingWord,
    /// The number of steps of the scale, from 2 to 11.
    pub steps: u8,
    /// The lowest step: 0 or 1.
    pub lowest: u8,
    /// What the lowest step means; empty if the organiser has not said so.
    pub low_label: String,
    /// What the highest step means; empty if the organiser has not said so.
    pub high_label: String,
    /// How the steps look: stars or numbers.
    pub symbol: SymbolView,
    /// The statements, in the organiser's order.
    pub statements: Vec<StatementView>,
}

/// The `RatingWord` stands for this kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RatingWord {
    /// The only word there is.
    Rating,
}

/// The `Symbol` says how the steps of a scale look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Symbol)]
pub enum SymbolView {
    /// Stars: the chosen step and all below it are filled.
    Stars,
    /// Numbers: each step shows its number.
    Numbers,
}

/// A `Statement` is one of those that a rating asks about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Statement)]
pub struct StatementView {
    /// The statement's id: 1, 2, 3, …
    pub id: u8,
    /// The statement's text.
    pub text: String,
    /// The number of people counted who rated it; null while it is hidden from you.
    #[schema(required)]
    pub votes: Option<u64>,
    /// The mean of the steps that were given; null while it is hidden from you, and while nobody
    /// has rated the statement.
    #[schema(required)]
    pub mean: Option<f64>,
    /// How many people gave each step, from the lowest on; null while it is hidden from you.
    #[schema(required)]
    pub spread: Option<Vec<u64>>,
}

impl RatingView {
    /// Makes the view of a rating with these counts.
    pub fn new(rating: &Rating, counts: Option<&[u64]>) -> Self {
        let rows = rating.rows(counts.unwrap_or_default());
        let statements = (1..).zip(rows).map(|(id, row)| StatementView {
            id,
            text: row.text.to_owned(),
            votes: counts.map(|_| row.votes),
            mean: row.spread.and_then(|spread| spread.mean()),
            spread: counts.and(row.spread).map(|spread| spread.counts.to_vec()),
        });
        Self {
            kind: RatingWord::Rating,
            steps: rating.steps,
            lowest: rating.lowest,
            low_label: rating.low_label.clone(),
            high_label: rating.high_label.clone(),
            symbol: match rating.symbol {
                Symbol::Stars => SymbolView::Stars,
                Symbol::Numbers => SymbolView::Numbers,
            },
            statements: statements.collect(),
        }
    }
}
