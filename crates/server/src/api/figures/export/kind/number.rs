//! An export of a number has a line for each value that a ballot may have.

use pollux_core::kind::number::{Decimal, Number};
use serde::Serialize;
use utoipa::ToSchema;

use super::share;

/// A sheet has these columns for the values, and for what they all come to.
pub const COLUMNS: [&str; 4] = ["mean", "median", "value", "unit"];

/// An `ExportedValue` is a line of a number: how many people gave one value.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportedValue {
    /// The mean of all answers, which is the same on each line; null while nobody has answered.
    #[schema(required)]
    pub mean: Option<f64>,
    /// The median of all answers, which is the same on each line; null while nobody has answered.
    #[schema(required)]
    pub median: Option<f64>,
    /// The value.
    #[schema(value_type = f64)]
    pub value: Decimal,
    /// The unit; empty if there is none.
    pub unit: String,
    /// The number of people counted who gave the value.
    pub votes: u64,
    /// The part, from 0 to 1, of the people counted who gave it.
    pub share: f64,
}

/// Returns a line for each value.
pub fn lines<'a>(
    number: &'a Number,
    counts: &'a [u64],
) -> impl Iterator<Item = ExportedValue> + use<'a> {
    let form = number.form();
    let (mean, median) = (form.mean(counts), form.median(counts));
    let people = counts.iter().sum();
    counts.iter().enumerate().map(move |(slot, votes)| ExportedValue {
        mean,
        median,
        value: form.value(slot),
        unit: number.unit.clone(),
        votes: *votes,
        share: share(*votes, people),
    })
}

impl ExportedValue {
    /// Returns the cells of [`COLUMNS`].
    pub fn cells(&self) -> [String; 4] {
        let cell = |figure: Option<f64>| figure.map_or(String::new(), |figure| figure.to_string());
        [cell(self.mean), cell(self.median), self.value.to_string(), self.unit.clone()]
    }
}
