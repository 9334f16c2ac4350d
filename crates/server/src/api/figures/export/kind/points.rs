//! An export of a poll for points has a line for each option.

use pollux_core::kind::points::Points;
use serde::Serialize;
use utoipa::ToSchema;

use super::share;

/// A sheet has these columns for the options and their points.
pub const COLUMNS: [&str; 3] = ["optionId", "option", "points"];

/// An `ExportedPoints` is a line of a poll for points: the result of one option.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedPoints {
    /// The number of the option: 1, 2, 3, …
    pub option_id: u8,
    /// The text of the option.
    pub option: String,
    /// The points that the option was given by all people counted.
    pub points: u64,
    /// The number of people counted who gave it any.
    pub votes: u64,
    /// Of all points that were given, the part, from 0 to 1, that the option was given.
    pub share: f64,
}

/// Returns a line for each option.
pub fn lines<'a>(
    points: &'a Points,
    counts: &'a [u64],
) -> impl Iterator<Item = ExportedPoints> + use<'a> {
    let given = |row: &pollux_core::kind::Row<'_>| row.points.unwrap_or(0);
    let all = points.rows(counts).map(|row| given(&row)).sum();
    (1..).zip(points.rows(counts)).map(move |(option_id, row)| ExportedPoints {
        option_id,
        option: row.text.to_owned(),
        points: given(&row),
        votes: row.votes,
        share: share(given(&row), all),
    })
}

impl ExportedPoints {
    /// Returns the cells of [`COLUMNS`].
    pub fn cells(&self) -> [String; 3] {
        [self.option_id.to_string(), self.option.clone(), self.points.to_string()]
    }
}
