//! What the command line knows of a poll for points: an audience gives the first options more, and a bar shows an
//! option's points.

use std::num::TryFromIntError;

use pollux_core::kind::points::{Form, Split};
use pollux_server::watch::view::kind::points::{PointsOptionView, PointsView};
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{BarRow, bar};
use crate::terminal::{grouped, percent};

/// An audience gives its points in so many parts, each to one option.
const PARTS: u16 = 5;

/// Returns the sample polls of the demo.
pub fn samples() -> [Value; 1] {
    [json!({
        "question": "How should we spend next year's budget?",
        "kind": "points",
        "options": ["Training", "Tools", "A team trip", "Better coffee"],
        "open": true,
    })]
}

/// Returns what an answer may say.
pub fn form(described: &PointsView) -> Result<Form, TryFromIntError> {
    Ok(Form { options: described.options.len().try_into()?, budget: described.budget })
}

/// Returns the number of options, each of which has its own popularity.
pub fn ranks(form: Form) -> u8 {
    form.options
}

/// Gives equal parts of the budget to one favourite after another. What does not go into them is kept.
pub fn draw(form: Form, rank: impl Fn(&mut StdRng) -> u8, dice: &mut StdRng) -> Split {
    let parts = PARTS.min(form.budget);
    let mut given = vec![0; form.options.into()];
    for _ in 0..parts {
        given[usize::from(rank(dice))] += form.budget / parts;
    }
    Split::of(given)
}

/// A sheet of ballots has these columns for the points that were given.
pub const COLUMNS: [&str; 2] = ["answer", "given"];

/// Returns the answer that gives every point to the first option.
pub fn all_to_the_first(points: &PointsView) -> Value {
    let rest = std::iter::repeat_n(0, points.options.len().saturating_sub(1));
    std::iter::once(points.budget).chain(rest).collect()
}

/// Says which answers a poll for points takes.
pub fn describe(points: &PointsView) -> String {
    format!(
        "this poll takes points: give --answer with whole points for each of its {} options, from 1 to {} in all",
        points.options.len(),
        points.budget
    )
}

/// `NewPoll` has the flag that makes a new poll one for points.
#[derive(clap::Args)]
#[group(skip)]
pub struct NewPoll {
    /// Most points that a ballot may spread over the options; makes the new poll one for points
    #[arg(long, value_name = "POINTS", requires = "option", conflicts_with = "statement")]
    budget: Option<u64>,
}

impl NewPoll {
    /// Writes the kind and the budget into the poll's body, if they are given.
    pub fn write(&self, body: &mut Value) {
        if let Some(budget) = self.budget {
            body["kind"] = "points".into();
            body["budget"] = budget.into();
        }
    }
}

/// Returns a row for each option, with its points as a bar and their share of all points as a note.
pub fn rows(points: &PointsView) -> Vec<BarRow<'_>> {
    let given = || points.options.iter().filter_map(|option| option.points);
    let (most, all) = (given().max().unwrap_or(0), given().sum());
    let rows = points.options.iter().map(|PointsOptionView { text, points, .. }| BarRow {
        text: text.into(),
        bar: points.map(|points| bar(points, most)),
        number: points.map_or("–".into(), grouped),
        note: points.map_or(String::new(), |points| percent(points, all)),
    });
    rows.collect()
}
