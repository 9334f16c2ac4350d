//! What the command line knows of a choice: an audience favours the first options, and a bar shows an option's
//! votes.

use std::num::TryFromIntError;

use pollux_core::kind::choice::{Form, OptionId, OptionSet};
use pollux_server::watch::view::kind::choice::{ChoiceView, OptionView};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{BarRow, Member, bar};
use crate::exit::{Failure, Outcome};
use crate::terminal::{grouped, percent};

/// This is the body of a vote in the first of the samples.
pub const SAMPLE_VOTE: &str = r#"{"option":"Rust"}"#;

/// Returns the sample polls of the demo.
pub fn samples() -> [Value; 3] {
    [
        json!({
            "question": "What is your favourite language?",
            "options": ["Rust", "Python", "JavaScript", "Go", "Elixir"],
            "open": true,
        }),
        json!({
            "question": "Which of these have you shipped this year?",
            "options": ["A web service", "A mobile app", "Firmware", "A game", "Nothing yet"],
            "kind": "multiple",
            "maxChoices": 3,
            "open": true,
        }),
        json!({
            "question": "Tabs or spaces? (vote to see)",
            "options": ["Tabs", "Spaces", "Whatever the formatter says"],
            "results": "afterVote",
            "open": true,
        }),
    ]
}

/// Returns the poll that an audience creates if it is told of none.
pub fn usual_poll() -> Value {
    json!({
        "question": "Which day suits you best?",
        "options": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
    })
}

/// Returns what an answer may say.
pub fn form(described: &ChoiceView) -> Result<Form, TryFromIntError> {
    Ok(Form { options: described.options.len().try_into()?, most: described.max_choices })
}

/// Returns the number of options, each of which has its own popularity.
pub fn ranks(form: Form) -> u8 {
    form.options
}

/// Draws one option, or, where several may be marked, from one to as many as may be.
pub fn draw(form: Form, rank: impl Fn(&mut StdRng) -> u8, dice: &mut StdRng) -> OptionSet {
    let marks = if form.most > 1 { dice.random_range(1..=form.most) } else { 1 };
    // A favourite may be drawn more than once. The answer then marks fewer options, which does no harm.
    let chosen: Vec<OptionId> = (0..marks).map(|_| rank(dice) + 1).collect();
    OptionSet::of(chosen).unwrap_or_default()
}

/// A sheet of ballots has these columns for the options that were marked.
pub const COLUMNS: [&str; 2] = ["optionIds", "options"];

/// Returns the marked options' numbers as one cell of a sheet.
pub fn cell(marked: OptionSet) -> String {
    marked.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(";")
}

/// `Vote` has the flag that names an option.
#[derive(clap::Args)]
#[group(skip)]
pub struct Vote {
    /// Number of the option to vote for, in a choice [default: 1]
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "cast",
        conflicts_with_all = ["ballot", "answer"]
    )]
    option: Option<OptionId>,
}

impl Vote {
    /// Returns the member that says the option in a vote.
    pub fn member(&self) -> Member {
        ("optionId", self.option.unwrap_or(1).into())
    }

    /// Returns an error if an option was named though the poll, which `described` says more of, is no choice.
    pub fn refuse(&self, described: impl Fn() -> String) -> Outcome {
        match self.option {
            None => Ok(()),
            Some(_) => {
                Err(Failure::usage(format!("--option is for a choice, and {}", described())))
            }
        }
    }
}

/// `NewPoll` has the flag that gives a new choice its options.
#[derive(clap::Args)]
#[group(skip)]
pub struct NewPoll {
    /// Option of the new poll; give two or more
    #[arg(long, value_name = "TEXT", requires = "question", group = "subject")]
    option: Vec<String>,
}

impl NewPoll {
    /// Writes the options into the poll's body, if there are any.
    pub fn write(&self, body: &mut Value) {
        if !self.option.is_empty() {
            body["options"] = json!(self.option);
        }
    }
}

/// Returns a row for each option, with the votes as a bar and their share of the people as a note.
pub fn rows(choice: &ChoiceView, people: u64) -> Vec<BarRow<'_>> {
    let most = choice.options.iter().filter_map(|option| option.votes).max().unwrap_or(0);
    let rows = choice.options.iter().map(|OptionView { text, votes, .. }| BarRow {
        text: text.into(),
        bar: votes.map(|votes| bar(votes, most)),
        number: votes.map_or("–".into(), grouped),
        note: votes.map_or(String::new(), |votes| percent(votes, people)),
    });
    rows.collect()
}
