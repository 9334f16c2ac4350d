//! The view of a ranking.

use pollux_core::kind::ranking::Ranking;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A `Ranking` has options that voters put in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Ranking)]
pub struct RankingView {
    /// The kind: ranking.
    pub kind: RankingWord,
    /// The most options that a ballot may rank.
    pub places: u8,
    /// The options, in the organiser's order.
    pub options: Vec<RankingOptionView>,
}

/// The `RankingWord` stands for this kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RankingWord {
    /// The only word there is.
    Ranking,
}

/// A `RankingOption` is one option of a ranking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RankingOption)]
pub struct RankingOptionView {
    /// The option's id: 1, 2, 3, …
    pub id: u8,
    /// The option's text.
    pub text: String,
    /// The number of people counted who ranked it; null while it is hidden from you.
    #[schema(required)]
    pub votes: Option<u64>,
    /// The option's points, of which the first place gives as many as there are places, each further place one less,
    /// and no place none; null while they are hidden from you.
    #[schema(required)]
    pub points: Option<u64>,
    /// The number of people who gave it the first place; null while it is hidden from you.
    #[schema(required)]
    pub first: Option<u64>,
    /// The mean of the places that it was given; null while it is hidden from you, and while nobody has ranked it.
    #[schema(required)]
    pub mean: Option<f64>,
    /// How many people gave it each place, from the first on; null while it is hidden from you.
    #[schema(required)]
    pub spread: Option<Vec<u64>>,
}

impl RankingView {
    /// Makes the view of a ranking with these counts.
    pub fn new(ranking: &Ranking, counts: Option<&[u64]>) -> Self {
        let rows = ranking.rows(counts.unwrap_or_default());
        let options = (1..).zip(rows).map(|(id, row)| {
            let spread = counts.and(row.spread);
            RankingOptionView {
                id,
                text: row.text.to_owned(),
                votes: counts.map(|_| row.votes),
                points: counts.and(row.points),
                first: spread.map(|spread| spread.counts.first().copied().unwrap_or(0)),
                mean: spread.and_then(|spread| spread.mean()),
                spread: spread.map(|spread| spread.counts.to_vec()),
            }
        });
        Self { kind: RankingWord::Ranking, places: ranking.places, options: options.collect() }
    }
}
