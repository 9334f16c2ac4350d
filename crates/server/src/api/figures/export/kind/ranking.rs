//! An export of a ranking has a line for each place of each option.

use pollux_core::kind::ranking::Ranking;
use serde::Serialize;
use utoipa::ToSchema;

use super::{fine, share};

/// A sheet has these columns for the options and their places.
pub const COLUMNS: [&str; 5] = ["optionId", "option", "points", "meanPlace", "place"];

/// An `ExportedPlace` is a line of a ranking: how often one place was given to one option.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedPlace {
    /// The number of the option: 1, 2, 3, …
    pub option_id: u8,
    /// The text of the option.
    pub option: String,
    /// The points of the option, which are the same on each of its lines.
    pub points: u64,
    /// The mean of the places given to the option, which is the same on each of its lines; null while nobody has
    /// ranked it.
    #[schema(required)]
    pub mean_place: Option<f64>,
    /// The place.
    pub place: u8,
    /// The number of people counted who gave the option this place.
    pub votes: u64,
    /// Of the people who ranked the option, the part, from 0 to 1, who gave it this place.
    pub share: f64,
}

/// Returns a line for each place of each option.
pub fn lines<'a>(
    ranking: &'a Ranking,
    counts: &'a [u64],
) -> impl Iterator<Item = ExportedPlace> + use<'a> {
    (1..).zip(ranking.rows(counts)).flat_map(|(option_id, row)| {
        let spread = row.spread.expect("a ranking's marks are spread over its places");
        let mean_place = spread.mean().map(fine);
        (spread.lowest..).zip(spread.counts).map(move |(place, votes)| ExportedPlace {
            option_id,
            option: row.text.to_owned(),
            points: row.points.unwrap_or(0),
            mean_place,
            place,
            votes: *votes,
            share: share(*votes, row.votes),
        })
    })
}

impl ExportedPlace {
    /// Returns the cells of [`COLUMNS`].
    pub fn cells(&self) -> [String; 5] {
        [
            self.option_id.to_string(),
            self.option.clone(),
            self.points.to_string(),
            self.mean_place.map_or(String::new(), |mean| mean.to_string()),
            self.place.to_string(),
        ]
    }
}
