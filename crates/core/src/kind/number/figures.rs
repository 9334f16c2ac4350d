//! What the counts of a number amount to: the mean, the median, and the answers that are nearest to the solution.

use super::{Decimal, Form};

/// `Nearest` holds the answers that are nearest to the solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// The answers: one, or two if one lies as far below the solution as the other above it.
    pub values: Vec<Decimal>,
    /// The number of people who gave them.
    pub people: u64,
}

impl Form {
    /// Returns the values that somebody gave, ascending, each with the number of people.
    pub(super) fn given(self, counts: &[u64]) -> impl Iterator<Item = (Decimal, u64)> {
        let counts = counts.iter().copied().take(self.values.into()).enumerate();
        counts
            .filter(|(_, people)| *people > 0)
            .map(move |(slot, people)| (self.value(slot), people))
    }

    /// Returns the mean of the answers; `None` while nobody has answered.
    pub fn mean(self, counts: &[u64]) -> Option<f64> {
        let people: u64 = self.given(counts).map(|(_, people)| people).sum();
        let weighed =
            |(value, people): (Decimal, u64)| i128::from(value.millionths()) * i128::from(people);
        let sum: i128 = self.given(counts).map(weighed).sum();
        (people > 0).then(|| sum as f64 / (people as f64 * 1e6))
    }

    /// Returns the median of the answers, which of an even number is the mean of the two middle ones; `None` while
    /// nobody has answered.
    pub fn median(self, counts: &[u64]) -> Option<f64> {
        let people: u64 = self.given(counts).map(|(_, people)| people).sum();
        let lower = self.at(counts, people.checked_sub(1)? / 2)?;
        let upper = self.at(counts, people / 2)?;
        // The sum is a whole number below 2^53, so the quotient is the nearest number to the exact median.
        Some((lower.millionths() + upper.millionths()) as f64 / 2e6)
    }

    /// Returns the answer before which so many others stand when all are in order.
    fn at(self, counts: &[u64], before: u64) -> Option<Decimal> {
        let mut passed = 0;
        let mut given = self.given(counts);
        given.find_map(|(value, people)| {
            passed += people;
            (before < passed).then_some(value)
        })
    }

    /// Returns the answers that are nearest to this number; `None` while nobody has answered.
    pub fn nearest(self, to: Decimal, counts: &[u64]) -> Option<Nearest> {
        let distance = |value: Decimal| (value.millionths() - to.millionths()).unsigned_abs();
        let least = self.given(counts).map(|(value, _)| distance(value)).min()?;
        let mut nearest = Nearest { values: Vec::new(), people: 0 };
        for (value, people) in self.given(counts).filter(|(value, _)| distance(*value) == least) {
            nearest.values.push(value);
            nearest.people += people;
        }
        Some(nearest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// Returns the form of the halves from −1 to 2.
    fn halves() -> Form {
        Form { min: -1_000_000, step: 500_000, values: 7 }
    }

    #[test]
    fn the_figures_of_few_answers() {
        let form = halves();
        for (counts, mean, median) in [
            ([0, 0, 0, 0, 0, 0, 0], None, None),
            ([1, 0, 0, 0, 0, 0, 0], Some(-1.0), Some(-1.0)),
            ([1, 0, 0, 0, 0, 0, 1], Some(0.5), Some(0.5)),
            ([1, 1, 0, 0, 0, 0, 0], Some(-0.75), Some(-0.75)),
            ([3, 0, 0, 0, 0, 0, 1], Some(-0.25), Some(-1.0)),
            ([2, 0, 0, 0, 0, 1, 1], Some(0.375), Some(0.25)),
            ([1, 0, 0, 1, 0, 0, 1], Some(0.5), Some(0.5)),
        ] {
            assert_eq!((form.mean(&counts), form.median(&counts)), (mean, median), "{counts:?}");
        }
        assert_eq!(
            (form.mean(&[]), form.median(&[0, 1])),
            (None, Some(-0.5)),
            "what is missing is zero"
        );
    }

    #[test]
    fn a_mean_of_tenths_has_no_drift() {
        let tenths = Form { min: 0, step: 100_000, values: 11 };
        assert_eq!(tenths.mean(&[0, 1, 1]), Some(0.15));
        assert_eq!(tenths.median(&[0, 1, 1]), Some(0.15));
        assert_eq!(tenths.mean(&[0, 1, 1, 1]), Some(0.2));
    }

    #[test]
    fn the_nearest_may_be_one_or_two() {
        let form = halves();
        let nearest = |to: i64, counts: &[u64]| {
            let nearest = form.nearest(Decimal::of_millionths(to), counts)?;
            let values: Vec<_> = nearest.values.iter().map(|value| value.millionths()).collect();
            Some((values, nearest.people))
        };
        assert_eq!(nearest(0, &[0; 7]), None);
        assert_eq!(nearest(0, &[4, 0, 0, 2, 0, 0, 1]), Some((vec![500_000], 2)));
        assert_eq!(nearest(0, &[0, 4, 0, 2, 0, 0, 1]), Some((vec![-500_000, 500_000], 6)));
        assert_eq!(nearest(250_000, &[0, 4, 5, 2, 0, 0, 1]), Some((vec![0, 500_000], 7)));
        assert_eq!(nearest(260_000, &[0, 4, 5, 2, 0, 0, 1]), Some((vec![500_000], 2)));
        assert_eq!(nearest(500_000, &[0, 4, 5, 2, 0, 0, 1]), Some((vec![500_000], 2)), "hit");
        assert_eq!(
            nearest(9_000_000, &[0, 4, 5, 2, 0, 0, 1]),
            Some((vec![2_000_000], 1)),
            "beyond"
        );
    }

    proptest! {
        /// The figures are those of the answers written out one by one, in millionths, which are whole numbers.
        #[test]
        fn figures_are_those_of_the_answers_in_a_row(
            min in -1_000_000_000..1_000_000_000_i64,
            step in 1..1_000_000_i64,
            counts in prop::collection::vec(0..5_u64, 1..40),
            to in -1_000_000_000..1_000_000_000_i64,
        ) {
            let form = Form { min, step, values: counts.len() as u16 };
            let mut answers = Vec::new();
            for (slot, people) in counts.iter().enumerate() {
                answers.extend(std::iter::repeat_n(min + step * slot as i64, *people as usize));
            }
            let count = answers.len();
            if count == 0 {
                prop_assert_eq!((form.mean(&counts), form.median(&counts)), (None, None));
                return Ok(());
            }
            let twice = match count % 2 {
                1 => 2 * answers[count / 2],
                _ => answers[count / 2 - 1] + answers[count / 2],
            };
            prop_assert_eq!(form.median(&counts), Some(twice as f64 / 2e6));
            let mean = answers.iter().sum::<i64>() as f64 / (count as f64 * 1e6);
            prop_assert_eq!(form.mean(&counts), Some(mean));
            let nearest = form.nearest(Decimal::of_millionths(to), &counts).unwrap();
            let far = |answer: i64| (answer - to).abs();
            let least = answers.iter().map(|answer| far(*answer)).min().unwrap();
            prop_assert!(nearest.values.iter().all(|value| far(value.millionths()) == least));
            let people = answers.iter().filter(|answer| far(**answer) == least).count();
            prop_assert_eq!(nearest.people, people as u64);
        }
    }
}
