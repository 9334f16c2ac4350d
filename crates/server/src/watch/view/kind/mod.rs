//! The views of the kinds of poll, told apart by the member `kind`.

pub mod choice;
pub mod number;
pub mod points;
pub mod ranking;
pub mod rating;
pub mod words;

use pollux_core::kind::Kind;
use pollux_core::standing::Standing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::choice::ChoiceView;
use self::number::NumberView;
use self::points::PointsView;
use self::ranking::RankingView;
use self::rating::RatingView;
use self::words::WordsView;

/// The `Kind` is the part of a poll that depends on what it asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Kind)]
pub enum KindView {
    /// A choice, with options to choose from.
    Choice(ChoiceView),
    /// A rating, with statements to rate.
    Rating(RatingView),
    /// A ranking, with options to put in order.
    Ranking(RankingView),
    /// Points to spread over options.
    Points(PointsView),
    /// A number to guess or to estimate.
    Number(NumberView),
    /// Words to say.
    Words(WordsView),
}

impl KindView {
    /// Makes the view of the poll's kind with these counts, or without any for those who may not see them. `solved` says
    /// whether they may see what the organiser keeps until the close.
    pub fn new(standing: &Standing, counts: Option<&[u64]>, solved: bool) -> Self {
        match &standing.poll.kind {
            Kind::Choice(choice) => Self::Choice(ChoiceView::new(choice, counts)),
            Kind::Rating(rating) => Self::Rating(RatingView::new(rating, counts)),
            Kind::Ranking(ranking) => Self::Ranking(RankingView::new(ranking, counts)),
            Kind::Points(points) => Self::Points(PointsView::new(points, counts)),
            Kind::Number(number) => Self::Number(NumberView::new(number, counts, solved)),
            Kind::Words(words) => {
                let cloud = counts.map(|_| standing.cloud());
                Self::Words(WordsView::new(words, cloud.as_ref()))
            }
        }
    }
}
