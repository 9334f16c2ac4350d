//! What the command line knows of a number: an audience guesses around the middle, and bars show how the answers are
//! spread.

use std::num::TryFromIntError;

use pollux_core::kind::number::{Decimal, Form, with_unit};
use pollux_server::watch::view::kind::number::NumberView;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Number, Value, json};

use super::{BarRow, bar};
use crate::terminal::{grouped, percent};

/// So many bars are shown at most.
const BINS: u16 = 12;
/// An audience knows so many distances from the middle apart at most.
const DISTANCES: u16 = 100;

/// Returns the sample polls of the demo.
pub fn samples() -> [Value; 1] {
    [json!({
        "question": "How high is Mont Blanc?",
        "kind": "number",
        "min": 3500,
        "max": 6000,
        "step": 10,
        "unit": "m",
        "solution": 4805.59,
        "open": true,
    })]
}

/// Returns what an answer may say.
pub fn form(described: &NumberView) -> Result<Form, TryFromIntError> {
    let (min, step) = (described.min.millionths(), described.step.millionths().max(1));
    let values = (described.max.millionths() - min) / step + 1;
    Ok(Form { min, step, values: values.try_into()? })
}

/// Returns the number of distances from the middle, each of which has its own popularity.
pub fn ranks(form: Form) -> u8 {
    (form.values / 2 + 1).min(DISTANCES) as u8
}

/// Guesses above or below the middle. Small distances from it are the favourites; a guess beyond the bounds is one on
/// the other side of the middle.
pub fn draw(form: Form, rank: impl Fn(&mut StdRng) -> u8, dice: &mut StdRng) -> Decimal {
    let greatest = usize::from(form.values.saturating_sub(1));
    let middle = greatest / 2;
    let per_rank = (greatest - middle + 1).div_ceil(ranks(form).into());
    let distance = usize::from(rank(dice)) * per_rank + dice.random_range(0..per_rank);
    let distance = distance.min(greatest - middle);
    let below = middle.checked_sub(distance).filter(|_| dice.random());
    form.value(below.unwrap_or(middle + distance))
}

/// A sheet of ballots has these columns for the number, the second one with its unit.
pub const COLUMNS: [&str; 2] = ["answer", "number"];

/// Returns the answer that is in the middle of all.
pub fn middle(number: &NumberView) -> Value {
    let middle = form(number).map_or(number.min, |form| form.value(usize::from(form.values) / 2));
    json!(middle)
}

/// Says which answers a number takes.
pub fn describe(number: &NumberView) -> String {
    format!(
        "this poll takes a number: give --answer with one from {} to {}, in steps of {}",
        number.min, number.max, number.step
    )
}

/// `NewPoll` has the flags that make a new poll one for a number.
#[derive(clap::Args)]
#[group(skip)]
pub struct NewPoll {
    /// Greatest number that a ballot may have; makes the new poll one for a number
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "question",
        group = "subject",
        allow_hyphen_values = true,
        value_parser = number
    )]
    max: Option<Number>,
    /// Least number that a ballot may have [default: 0]
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "max",
        conflicts_with_all = ["option", "statement"],
        allow_hyphen_values = true,
        value_parser = number
    )]
    min: Option<Number>,
    /// Step from one number to the next [default: 1]
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "max",
        conflicts_with_all = ["option", "statement"],
        allow_hyphen_values = true,
        value_parser = number
    )]
    step: Option<Number>,
    /// Unit of the number
    #[arg(
        long,
        value_name = "TEXT",
        requires = "max",
        conflicts_with_all = ["option", "statement"]
    )]
    unit: Option<String>,
    /// Right answer, which is shown once the poll is closed
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "max",
        conflicts_with_all = ["option", "statement"],
        allow_hyphen_values = true,
        value_parser = number
    )]
    solution: Option<Number>,
}

fn number(text: &str) -> Result<Number, String> {
    serde_json::from_str(text).map_err(|_| "not a number".into())
}

impl NewPoll {
    /// Writes the kind, the bounds and whatever else is given into the poll's body.
    pub fn write(&self, body: &mut Value) {
        let Some(max) = &self.max else { return };
        (body["kind"], body["max"]) = ("number".into(), json!(max));
        let own = [("min", &self.min), ("step", &self.step), ("solution", &self.solution)];
        for (member, given) in own {
            if let Some(given) = given {
                body[member] = json!(given);
            }
        }
        if let Some(unit) = &self.unit {
            body["unit"] = json!(unit);
        }
    }
}

/// Returns a row for each bin, with the people as a bar and their share as a note.
pub fn rows(number: &NumberView) -> Vec<BarRow<'_>> {
    let Some((spread, form)) = number.spread.as_deref().zip(form(number).ok()) else {
        return vec![BarRow {
            text: "answers".into(),
            bar: None,
            number: "–".into(),
            note: String::new(),
        }];
    };
    let bins = form.bins(spread, BINS);
    let most = bins.iter().map(|bin| bin.people).max().unwrap_or(0);
    let all = number.votes.unwrap_or(0);
    let rows = bins.into_iter().map(|bin| BarRow {
        text: with_unit(&bin, &number.unit).into(),
        bar: Some(bar(bin.people, most)),
        number: grouped(bin.people),
        note: percent(bin.people, all),
    });
    rows.collect()
}

/// Returns the figures below the bars, as far as they are shown: the mean, the median and the right answer.
pub fn summary(number: &NumberView) -> Option<String> {
    let unit = |figure: &dyn std::fmt::Display| with_unit(figure, &number.unit);
    // A mean has one digit more than the numbers that it is of, so that it does not seem to be one of them.
    let digits = number.step.to_string().split_once('.').map_or(0, |(_, digits)| digits.len()) + 1;
    let mean = number.mean.map(|mean| format!("mean {}", unit(&rounded(mean, digits))));
    let median = number.median.map(|median| format!("median {}", unit(&median)));
    let solution = number.solution.map(|solution| format!("right answer {}", unit(&solution)));
    let nearest = number.nearest.as_ref().map(|nearest| {
        let values: Vec<_> = nearest.values.iter().map(|value| unit(value)).collect();
        format!("nearest {} by {}", values.join(" and "), grouped(nearest.people))
    });
    let figures: Vec<_> = [mean, median, solution, nearest].into_iter().flatten().collect();
    (!figures.is_empty()).then(|| figures.join(" · "))
}

/// Writes a mean with so many digits after the point.
fn rounded(mean: f64, digits: usize) -> String {
    let scale = 10_f64.powi(digits as i32);
    // Adding zero makes a plain zero of one below it.
    let mean = (mean * scale).round() / scale + 0.0;
    format!("{mean:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn a_mean_of_nearly_zero_has_no_sign() {
        assert_eq!(
            [rounded(-0.04, 1), rounded(-0.06, 1), rounded(41.25, 2)],
            ["0.0", "-0.1", "41.25"]
        );
    }
}
