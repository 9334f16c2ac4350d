//! An export of a rating has a line for each step of each statement.

use pollux_core::kind::rating::Rating;
use serde::Serialize;
use utoipa::ToSchema;

use super::{fine, share};

/// A sheet has these columns for the statements and their steps.
pub const COLUMNS: [&str; 4] = ["statementId", "statement", "mean", "step"];

/// An `ExportedStep` is a line of a rating: how often one step was given to one statement.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedStep {
    /// The number of the statement: 1, 2, 3, …
    pub statement_id: u8,
    /// The text of the statement.
    pub statement: String,
    /// The mean of the steps given to the statement, which is the same on each of its lines; null while nobody
    /// has rated it.
    #[schema(required)]
    pub mean: Option<f64>,
    /// The step.
    pub step: u8,
    /// The number of people counted who gave the step.
    pub votes: u64,
    /// Of the people who rated the statement, the part, from 0 to 1, who gave the step.
    pub share: f64,
}

/// Returns a line for each step of each statement.
pub fn lines<'a>(
    rating: &'a Rating,
    counts: &'a [u64],
) -> impl Iterator<Item = ExportedStep> + use<'a> {
    (1..).zip(rating.rows(counts)).flat_map(|(statement_id, row)| {
        let spread = row.spread.expect("a rating's marks are spread over its scale");
        let mean = spread.mean().map(fine);
        (spread.lowest..).zip(spread.counts).map(move |(step, votes)| ExportedStep {
            statement_id,
            statement: row.text.to_owned(),
            mean,
            step,
            votes: *votes,
            share: share(*votes, row.votes),
        })
    })
}

impl ExportedStep {
    /// Returns the cells of [`COLUMNS`].
    pub fn cells(&self) -> [String; 4] {
        let mean = self.mean.map_or(String::new(), |mean| mean.to_string());
        [self.statement_id.to_string(), self.statement.clone(), mean, self.step.to_string()]
    }
}
