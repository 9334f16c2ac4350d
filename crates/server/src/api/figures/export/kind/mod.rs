//! The lines of an export for each kind of poll, and the columns that only some kinds have in a sheet.
//!
//! A new kind is a file here and a line in each `enum`, list and `match` below.

mod choice;
mod number;
mod points;
mod ranking;
mod rating;
mod words;

use pollux_core::kind::Kind;
use pollux_core::standing::Standing;
use serde::Serialize;
use utoipa::ToSchema;

use self::choice::ExportedOption;
use self::number::ExportedValue;
use self::points::ExportedPoints;
use self::ranking::ExportedPlace;
use self::rating::ExportedStep;
use self::words::ExportedWord;

/// A line holds the result of one option of a choice or of a poll for points, of one step on a statement of a rating,
/// of one place of an option in a ranking, of one value of a number, or of one word.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ExportedLine {
    /// A line of a choice.
    Option(ExportedOption),
    /// A line of a rating.
    Step(ExportedStep),
    /// A line of a ranking.
    Place(ExportedPlace),
    /// A line of a poll for points.
    Points(ExportedPoints),
    /// A line of a number.
    Value(ExportedValue),
    /// A line of words.
    Word(ExportedWord),
}

/// `COLUMNS` has each kind's own columns.
pub const COLUMNS: [&[&str]; 6] = [
    &choice::COLUMNS,
    &rating::COLUMNS,
    &ranking::COLUMNS,
    &points::COLUMNS,
    &number::COLUMNS,
    &words::COLUMNS,
];

/// Returns the columns of [`COLUMNS`] that polls of this kind fill.
pub fn columns(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Choice(_) => &choice::COLUMNS,
        Kind::Rating(_) => &rating::COLUMNS,
        Kind::Ranking(_) => &ranking::COLUMNS,
        Kind::Points(_) => &points::COLUMNS,
        Kind::Number(_) => &number::COLUMNS,
        Kind::Words(_) => &words::COLUMNS,
    }
}

/// Returns the poll's results in the organiser's order.
pub fn lines(standing: &Standing) -> Vec<ExportedLine> {
    let counts = standing.counts();
    match &standing.poll.kind {
        Kind::Choice(choice) => choice::lines(choice, &counts, standing.total_voters())
            .map(ExportedLine::Option)
            .collect(),
        Kind::Rating(rating) => rating::lines(rating, &counts).map(ExportedLine::Step).collect(),
        Kind::Ranking(ranking) => {
            ranking::lines(ranking, &counts).map(ExportedLine::Place).collect()
        }
        Kind::Points(points) => points::lines(points, &counts).map(ExportedLine::Points).collect(),
        Kind::Number(number) => number::lines(number, &counts).map(ExportedLine::Value).collect(),
        Kind::Words(_) => words::lines(standing).map(ExportedLine::Word).collect(),
    }
}

impl ExportedLine {
    /// Returns the cells of the kind's own columns.
    pub fn cells(&self) -> Vec<String> {
        match self {
            Self::Option(line) => line.cells().into(),
            Self::Step(line) => line.cells().into(),
            Self::Place(line) => line.cells().into(),
            Self::Points(line) => line.cells().into(),
            Self::Value(line) => line.cells().into(),
            Self::Word(line) => line.cells().into(),
        }
    }

    /// Returns the number of votes and the share, which lines of every kind have.
    pub fn votes(&self) -> (u64, f64) {
        match self {
            Self::Option(line) => (line.votes, line.share),
            Self::Step(line) => (line.votes, line.share),
            Self::Place(line) => (line.votes, line.share),
            Self::Points(line) => (line.votes, line.share),
            Self::Value(line) => (line.votes, line.share),
            Self::Word(line) => (line.votes, line.share),
        }
    }
}

fn share(votes: u64, people: u64) -> f64 {
    if people == 0 { 0.0 } else { fine(votes as f64 / people as f64) }
}

/// Rounds to four digits, which is a hundredth of a percent.
fn fine(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}
