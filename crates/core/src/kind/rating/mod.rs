//! A rating: statements, each to be rated on the same scale or skipped.
//!
//! The scale has 2 to 11 steps. The lowest is 1, or 0 where the organiser wants a scale from 0 to
//! 10. Step *s* on statement *n* is counted in slot (*n* − 1) × steps + (*s* − lowest).

mod steps;

use serde::{Deserialize, Serialize};

pub use self::steps::{Step, Steps};
use super::{Row, RowId, Slot, Spread, Written};
use crate::rule::{Violation, clean, list};
use crate::text;

/// The most statements that a poll may have.
pub const MAX_STATEMENTS: usize = 30;
/// The greatest length of a statement, in characters.
pub const MAX_STATEMENT_CHARS: usize = 200;
/// The greatest length of a label at an end of the scale, in characters.
pub const MAX_LABEL_CHARS: usize = 40;
/// The fewest steps of a scale.
pub const MIN_STEPS: u8 = 2;
/// The most steps of a scale.
pub const MAX_STEPS: u8 = 11;
/// The number of steps of a scale if the organiser does not say.
pub const USUAL_STEPS: u8 = 5;

/// `KindWord` is the word `rating`, which tells this kind from others in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KindWord {
    /// The only word there is.
    #[default]
    Rating,
}

impl KindWord {
    /// Returns the word as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rating => "rating",
        }
    }
}

/// The symbol says how the steps look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Symbol {
    /// Stars: those up to the step given are filled.
    #[default]
    Stars,
    /// The scale is shown as numbers.
    Numbers,
}

impl Symbol {
    /// Returns the word for the symbol in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stars => "stars",
            Self::Numbers => "numbers",
        }
    }
}

/// A rating holds the statements and the scale, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rating {
    /// The word that tells a rating from other kinds.
    pub kind: KindWord,
    /// The statements' texts; statement *n* is at index *n* − 1.
    pub statements: Vec<String>,
    /// How many steps the scale has.
    pub steps: u8,
    /// The lowest step, 0 or 1.
    pub lowest: u8,
    /// What the lowest step means; empty if the organiser does not say.
    pub low_label: String,
    /// What the highest step means; empty if the organiser does not say.
    pub high_label: String,
    /// How the steps look.
    pub symbol: Symbol,
}

/// A draft is a rating as an organiser writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The statements: 1 to 30 texts of 1 to 200 characters, of which no two look the same.
    pub statements: Vec<String>,
    /// The number of steps, 2 to 11; the default is 5.
    pub steps: Option<u64>,
    /// The lowest step, 0 or 1; the default is 0 for a scale of 11 steps, else 1.
    pub lowest: Option<u64>,
    /// What the lowest step means, in up to 40 characters.
    pub low_label: String,
    /// What the highest step means, in up to 40 characters.
    pub high_label: String,
    /// How the steps look. The default is stars, but numbers for a scale from 0 or of more than 5
    /// steps.
    pub symbol: Option<Symbol>,
}

impl Draft {
    /// Checks the draft. Returns the rating to keep, or adds every broken rule to `broken`.
    pub(super) fn check(self, broken: &mut Vec<Violation>) -> Option<Rating> {
        let found = broken.len();
        let bounds = 1..=MAX_STATEMENTS;
        let statements = list("statement", &self.statements, bounds, MAX_STATEMENT_CHARS, broken);
        let given = self.steps.unwrap_or(USUAL_STEPS.into());
        let steps = u8::try_from(given).ok().filter(|n| (MIN_STEPS..=MAX_STEPS).contains(n));
        if steps.is_none() {
            let detail = format!("must be from {MIN_STEPS} to {MAX_STEPS}; it is {given}");
            broken.push(Violation::new("/steps", detail));
        }
        let steps = steps.unwrap_or(USUAL_STEPS);
        let lowest = self.lowest.unwrap_or(u64::from(steps < MAX_STEPS));
        if lowest > 1 {
            let detail = format!("must be 0 or 1; it is {lowest}");
            broken.push(Violation::new("/lowest", detail));
        }
        let label = |pointer: &str, text: &str, broken: &mut Vec<_>| match &*text::key(text) {
            "" => String::new(),
            _ => clean(pointer, text, MAX_LABEL_CHARS, broken),
        };
        let low_label = label("/lowLabel", &self.low_label, broken);
        let high_label = label("/highLabel", &self.high_label, broken);
        let few = steps <= USUAL_STEPS && lowest == 1;
        let symbol = self.symbol.unwrap_or(if few { Symbol::Stars } else { Symbol::Numbers });
        if symbol == Symbol::Stars && lowest == 0 {
            let detail =
                "stars cannot show a scale from 0: choose numbers, or 1 as the lowest step";
            broken.push(Violation::new("/symbol", detail));
        }
        (broken.len() == found).then_some(Rating {
            kind: KindWord::Rating,
            statements,
            steps,
            lowest: lowest as u8,
            low_label,
            high_label,
            symbol,
        })
    }
}

impl Rating {
    /// Returns the rating as a draft, to be edited further.
    pub(super) fn to_draft(&self) -> Draft {
        Draft {
            statements: self.statements.clone(),
            steps: Some(self.steps.into()),
            lowest: Some(self.lowest.into()),
            low_label: self.low_label.clone(),
            high_label: self.high_label.clone(),
            symbol: Some(self.symbol),
        }
    }

    /// Returns what the fold needs to know.
    pub(super) fn form(&self) -> Form {
        let statements = self.statements.len() as u8;
        Form { statements, steps: self.steps, lowest: self.lowest }
    }

    /// Reads and checks the answer that a client wrote in `answer`.
    pub(super) fn read(&self, written: &Written<'_>) -> Result<Steps, Violation> {
        let wrong = |detail: String| Violation::new("/answer", detail);
        let form = self.form();
        let count = usize::from(form.statements);
        let (lowest, highest) = (form.lowest, form.highest());
        let json = written.only_answer(&format!(
            "an array with a step from {lowest} to {highest}, or null to skip it, for each of the \
             {count} statements"
        ))?;
        let given: Vec<Option<u64>> = serde_json::from_str(json).map_err(|_| {
            wrong(format!("must be an array of steps from {lowest} to {highest}, or null"))
        })?;
        if given.len() != count {
            let detail =
                format!("must have {count} steps, one for each statement; it has {}", given.len());
            return Err(wrong(detail));
        }
        let mut steps = Vec::with_capacity(count);
        for (i, step) in given.into_iter().enumerate() {
            let step = step.map(|given| {
                let step = Step::try_from(given).ok();
                step.filter(|step| (lowest..=highest).contains(step)).ok_or_else(|| {
                    let detail = format!(
                        "must be from {lowest} to {highest}, or null to skip it; it is {given}"
                    );
                    Violation::new(format!("/answer/{i}"), detail)
                })
            });
            steps.push(step.transpose()?);
        }
        let steps = Steps::of(steps);
        if steps.is_empty() {
            return Err(wrong("at least one statement must be rated".into()));
        }
        Ok(steps)
    }

    /// Returns the text of a statement.
    pub(super) fn text_of(&self, statement: RowId) -> Option<&str> {
        self.statements.get(usize::from(statement).checked_sub(1)?).map(String::as_str)
    }

    /// Returns the rated statements, each with its step.
    pub(super) fn say(&self, steps: &Steps) -> Vec<String> {
        let rated = self.statements.iter().zip(steps.iter());
        rated.filter_map(|(text, step)| Some(format!("{text}: {}", step?))).collect()
    }

    /// Returns a row for each statement; slots that the counts lack are zero.
    pub fn rows<'a>(&'a self, counts: &'a [u64]) -> impl Iterator<Item = Row<'a>> {
        let steps = usize::from(self.steps);
        let row = move |(i, text): (usize, &'a String)| {
            let counts = counts.get(i * steps..(i + 1) * steps).unwrap_or_default();
            let spread = Spread { lowest: self.lowest, counts };
            Row { text, votes: counts.iter().sum(), points: None, spread: Some(spread) }
        };
        self.statements.iter().enumerate().map(row)
    }
}

/// The form is the part of a [`Rating`] that the fold needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// How many statements there are.
    pub statements: u8,
    /// How many steps the scale has.
    pub steps: u8,
    /// The lowest step.
    pub lowest: Step,
}

impl Form {
    /// Returns the highest step.
    pub fn highest(self) -> Step {
        self.lowest + self.steps - 1
    }

    /// Returns the number of slots: one for each step of each statement.
    pub(super) fn slots(self) -> usize {
        usize::from(self.statements) * usize::from(self.steps)
    }

    /// Returns whether a ballot may give these steps.
    pub(super) fn allows(self, answer: &Steps) -> bool {
        let scale = self.lowest..=self.highest();
        answer.len() == usize::from(self.statements)
            && !answer.is_empty()
            && answer.iter().flatten().all(|step| scale.contains(&step))
    }

    /// Calls `mark` with the slot of each step that was given, and the weight 1.
    pub(super) fn marks(self, answer: &Steps, mark: &mut impl FnMut(Slot, u64)) {
        for (i, step) in answer.iter().enumerate() {
            if let Some(step) = step {
                mark(i * usize::from(self.steps) + usize::from(step - self.lowest), 1);
            }
        }
    }
}
