//! The view of a poll for points.

use pollux_core::kind::points::Points;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `Points` has options over which voters spread the points of a budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Points)]
pub struct PointsView {
    /// The kind: points.
    pub kind: PointsWord,
    /// The most points that a ballot may give, to all options together.
    pub budget: u16,
    /// The options, in the organiser's order.
    pub options: Vec<PointsOptionView>,
}

/// The `PointsWord` stands for this kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PointsWord {
    /// The only word there is.
    Points,
}

/// A `PointsOption` is one option that is given points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PointsOption)]
pub struct PointsOptionView {
    /// The option's id: 1, 2, 3, …
    pub id: u8,
    /// The option's text.
    pub text: String,
    /// The points that it was given by all people counted; null while they are hidden from you.
    #[schema(required)]
    pub points: Option<u64>,
    /// The number of people counted who gave it any; null while it is hidden from you.
    #[schema(required)]
    pub people: Option<u64>,
}

impl PointsView {
    /// Makes the view of a poll for points with these counts.
    pub fn new(points: &Points, counts: Option<&[u64]>) -> Self {
        let rows = points.rows(counts.unwrap_or_default());
        let options = (1..).zip(rows).map(|(id, row)| PointsOptionView {
            id,
            text: row.text.to_owned(),
            points: counts.and(row.points),
            people: counts.map(|_| row.votes),
        });
        Self { kind: PointsWord::Points, budget: points.budget, options: options.collect() }
    }
}
