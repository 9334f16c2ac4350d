//! The view of a number.

use pollux_core::kind::number::{Decimal, Nearest, Number};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// In a `NumberPoll`, voters guess or estimate a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = NumberPoll)]
pub struct NumberView {
    /// The kind: number.
    pub kind: NumberWord,
    /// The least number that a ballot may have.
    #[schema(value_type = f64)]
    pub min: Decimal,
    /// The greatest number that a ballot may have, which is a whole number of steps above the least.
    #[schema(value_type = f64)]
    pub max: Decimal,
    /// The step from one number to the next.
    #[schema(value_type = f64)]
    pub step: Decimal,
    /// The unit; empty if there is none.
    pub unit: String,
    /// The right answer; null if the organiser keeps none. For everybody but the owner and the operator it is also null
    /// until the poll is closed, and while the numbers are hidden.
    #[schema(required, value_type = Option<f64>)]
    pub solution: Option<Decimal>,
    /// The number of people counted who answered; null while it is hidden from you.
    #[schema(required)]
    pub votes: Option<u64>,
    /// The mean of the answers; null while it is hidden from you, and while nobody has answered.
    #[schema(required)]
    pub mean: Option<f64>,
    /// The median of the answers, which of an even number is the mean of the two middle ones; null while it is hidden
    /// from you, and while nobody has answered.
    #[schema(required)]
    pub median: Option<f64>,
    /// How many people gave each number, from the least one on; null while it is hidden from you.
    #[schema(required, min_items = 2, max_items = 1001)]
    pub spread: Option<Vec<u64>>,
    /// The answers nearest to `solution`; null while that or the numbers are hidden from you, and while nobody has
    /// answered.
    #[schema(required)]
    pub nearest: Option<NearestView>,
}

/// The `NumberWord` stands for this kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum NumberWord {
    /// The only word there is.
    Number,
}

/// `Nearest` holds the answers that are nearest to the right one, of all that anybody gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Nearest)]
pub struct NearestView {
    /// The answers: one, or two if one lies as far below the right answer as the other above it.
    #[schema(value_type = Vec<f64>, min_items = 1, max_items = 2)]
    pub values: Vec<Decimal>,
    /// The number of people who gave them.
    pub people: u64,
}

impl From<Nearest> for NearestView {
    fn from(Nearest { values, people }: Nearest) -> Self {
        Self { values, people }
    }
}

impl NumberView {
    /// Makes the view of a number with these counts, for somebody who may see the solution or not.
    pub fn new(number: &Number, counts: Option<&[u64]>, solved: bool) -> Self {
        let form = number.form();
        let solution = number.solution.filter(|_| solved);
        let nearest = counts.zip(solution).and_then(|(counts, to)| form.nearest(to, counts));
        Self {
            kind: NumberWord::Number,
            min: number.min,
            max: number.max,
            step: number.step,
            unit: number.unit.clone(),
            solution,
            votes: counts.map(|counts| counts.iter().sum()),
            mean: counts.and_then(|counts| form.mean(counts)),
            median: counts.and_then(|counts| form.median(counts)),
            spread: counts.map(<[u64]>::to_vec),
            nearest: nearest.map(NearestView::from),
        }
    }
}
