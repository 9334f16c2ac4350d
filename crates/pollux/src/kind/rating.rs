//! What the command line knows of a rating: an audience favours the highest steps and skips a few statements,
//! and a bar shows a statement's mean.

use std::num::TryFromIntError;

use pollux_core::kind::rating::{Form, Steps};
use pollux_server::watch::view::kind::rating::{RatingView, StatementView};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::BarRow;

/// An audience skips this share of the statements.
const SKIPPED: f64 = 0.1;

/// Returns the sample polls of the demo.
pub fn samples() -> [Value; 1] {
    [json!({
        "question": "How do you like Pollux so far?",
        "statements": ["Getting started", "The screens", "The documentation"],
        "lowLabel": "poor",
        "highLabel": "great",
        "open": true,
    })]
}

/// Returns what an answer may say.
pub fn form(described: &RatingView) -> Result<Form, TryFromIntError> {
    let RatingView { steps, lowest, ref statements, .. } = *described;
    Ok(Form { statements: statements.len().try_into()?, steps, lowest })
}

/// Returns the number of steps, each of which has its own popularity.
pub fn ranks(form: Form) -> u8 {
    form.steps
}

/// Rates every statement except a few that are skipped. The highest step is the favourite.
pub fn draw(form: Form, rank: impl Fn(&mut StdRng) -> u8, dice: &mut StdRng) -> Steps {
    Steps::of((0..form.statements).map(|statement| {
        let skipped = statement > 0 && dice.random_bool(SKIPPED);
        (!skipped).then(|| form.highest() - rank(dice))
    }))
}

/// A sheet of ballots has these columns for the steps that were given.
pub const COLUMNS: [&str; 2] = ["answer", "ratings"];

/// Returns the answer that gives the highest step to every statement.
pub fn highest(rating: &RatingView) -> Value {
    vec![top(rating); rating.statements.len()].into()
}

/// Says which answers a rating takes.
pub fn describe(rating: &RatingView) -> String {
    format!(
        "this poll is a rating: give --answer with a step from {} to {}, or null, for each of its {} statements",
        rating.lowest,
        top(rating),
        rating.statements.len()
    )
}

fn top(rating: &RatingView) -> u8 {
    (rating.lowest + rating.steps).saturating_sub(1)
}

/// `NewPoll` has the flags that give a new rating its statements and its scale.
#[derive(clap::Args)]
#[group(skip)]
pub struct NewPoll {
    /// Statement to rate, in place of options; give one or more
    #[arg(long, value_name = "TEXT", requires = "question", group = "subject")]
    statement: Vec<String>,
    /// Number of steps of a rating's scale, from 2 to 11 [default: 5]
    #[arg(long, value_name = "COUNT", requires = "statement", conflicts_with = "option")]
    steps: Option<u64>,
}

impl NewPoll {
    /// Writes the statements and the scale into the poll's body, if there are any.
    pub fn write(&self, body: &mut Value) {
        if !self.statement.is_empty() {
            body["statements"] = json!(self.statement);
        }
        if let Some(steps) = self.steps {
            body["steps"] = steps.into();
        }
    }
}

/// Returns a row for each statement.
pub fn rows(rating: &RatingView) -> Vec<BarRow<'_>> {
    rating.statements.iter().map(|statement| row(rating, statement)).collect()
}

/// Returns a row with the mean as a bar over the scale, and the steps' counts as a small chart.
fn row<'a>(rating: &RatingView, statement: &'a StatementView) -> BarRow<'a> {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let spread = statement.spread.as_deref().unwrap_or_default();
    let most = spread.iter().copied().max().unwrap_or(0).max(1);
    let height = |count: &u64| HEIGHTS[(count * 7).div_ceil(most) as usize];
    let part = |mean: f64| (mean - f64::from(rating.lowest)) / f64::from(rating.steps - 1);
    let hidden = statement.votes.is_none();
    BarRow {
        text: statement.text.as_str().into(),
        bar: (!hidden).then(|| (statement.mean.map_or(0.0, part), false)),
        number: statement.mean.map_or("–".into(), |mean| format!("{mean:.1}")),
        note: spread.iter().map(height).collect(),
    }
}
