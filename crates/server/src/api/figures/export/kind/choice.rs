//! An export of a choice has a line for each option.

use pollux_core::kind::choice::Choice;
use serde::Serialize;
use utoipa::ToSchema;

use super::share;

/// A sheet has these columns for the options.
pub const COLUMNS: [&str; 2] = ["optionId", "option"];

/// An `ExportedOption` is a line of a choice: the result of one option.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedOption {
    /// The number of the option: 1, 2, 3, …
    pub option_id: u8,
    /// The text of the option.
    pub option: String,
    /// The marks that were counted.
    pub votes: u64,
    /// The part, from 0 to 1, of the people counted who marked it. Where many options may be chosen, the
    /// parts add up to more than 1.
    pub share: f64,
}

/// Returns a line for each option. `people` is the number of voters counted.
pub fn lines<'a>(
    choice: &'a Choice,
    counts: &'a [u64],
    people: u64,
) -> impl Iterator<Item = ExportedOption> + use<'a> {
    (1..).zip(choice.rows(counts)).map(move |(option_id, row)| ExportedOption {
        option_id,
        option: row.text.to_owned(),
        votes: row.votes,
        share: share(row.votes, people),
    })
}

impl ExportedOption {
    /// Returns the cells of [`COLUMNS`].
    pub fn cells(&self) -> [String; 2] {
        [self.option_id.to_string(), self.option.clone()]
    }
}
