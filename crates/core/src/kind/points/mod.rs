//! Points: options, over which a ballot spreads points of a budget as it likes.
//!
//! The points given to option *n* are summed in slot 2(*n* − 1). The slot behind it counts the people who gave the
//! option any.

use serde::{Deserialize, Serialize};

use super::{Row, RowId, Slot, Written};
use crate::rule::{Violation, list};

/// The fewest options that a poll may have.
pub const MIN_OPTIONS: usize = 2;
/// The most options that a poll may have.
pub const MAX_OPTIONS: usize = 20;
/// The greatest length of an option, in characters.
pub const MAX_OPTION_CHARS: usize = 200;
/// The most points that a ballot may have to give.
pub const MAX_BUDGET: u16 = 1000;
/// The number of points of a ballot if the organiser does not say.
pub const USUAL_BUDGET: u16 = 100;

/// `KindWord` is the word `points`, which tells this kind from others in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KindWord {
    /// The only word there is.
    #[default]
    Points,
}

impl KindWord {
    /// Returns the word as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Points => "points",
        }
    }
}

/// `Points` holds the options and the budget, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    /// The word that tells points from other kinds.
    pub kind: KindWord,
    /// The options' texts; option *n* is at index *n* − 1.
    pub options: Vec<String>,
    /// The most points that a ballot may give, to all options together.
    pub budget: u16,
}

/// A draft is a poll for points as an organiser writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The options: 2 to 20 texts of 1 to 200 characters, of which no two look the same.
    pub options: Vec<String>,
    /// The most points that a ballot may give, 1 to 1,000; the default is 100.
    pub budget: Option<u64>,
}

impl Draft {
    /// Checks the draft. Returns the points to keep, or adds every broken rule to `broken`.
    pub(super) fn check(self, broken: &mut Vec<Violation>) -> Option<Points> {
        let found = broken.len();
        let bounds = MIN_OPTIONS..=MAX_OPTIONS;
        let options = list("option", &self.options, bounds, MAX_OPTION_CHARS, broken);
        let given = self.budget.unwrap_or(USUAL_BUDGET.into());
        let budget = u16::try_from(given).ok().filter(|n| (1..=MAX_BUDGET).contains(n));
        if budget.is_none() {
            let detail = format!("must be from 1 to {MAX_BUDGET} points; it is {given}");
            broken.push(Violation::new("/budget", detail));
        }
        let budget = budget.unwrap_or(USUAL_BUDGET);
        (broken.len() == found).then_some(Points { kind: KindWord::Points, options, budget })
    }
}

impl Points {
    /// Returns the points as a draft, to be edited further.
    pub(super) fn to_draft(&self) -> Draft {
        Draft { options: self.options.clone(), budget: Some(self.budget.into()) }
    }

    /// Returns what the fold needs to know.
    pub(super) fn form(&self) -> Form {
        Form { options: self.options.len() as RowId, budget: self.budget }
    }

    /// Reads and checks the answer that a client wrote in `answer`.
    pub(super) fn read(&self, written: &Written<'_>) -> Result<Split, Violation> {
        let wrong = |detail: String| Violation::new("/answer", detail);
        let (count, budget) = (self.options.len(), u64::from(self.budget));
        let in_all = if budget == 1 { "1".into() } else { format!("from 1 to {budget}") };
        let wanted =
            format!("an array with whole points for each of the {count} options, {in_all} in all");
        let json = written.only_answer(&wanted)?;
        let given: Vec<u64> =
            serde_json::from_str(json).map_err(|_| wrong(format!("must be {wanted}")))?;
        if given.len() != count {
            let detail =
                format!("must have {count} numbers, one for each option; it has {}", given.len());
            return Err(wrong(detail));
        }
        if let Some(i) = given.iter().position(|points| *points > budget) {
            let detail = format!("must be from 0 to {budget}; it is {}", given[i]);
            return Err(Violation::new(format!("/answer/{i}"), detail));
        }
        match given.iter().sum::<u64>() {
            0 => Err(wrong("at least one point must be given".into())),
            sum if sum > budget => {
                let points = if budget == 1 { "point" } else { "points" };
                Err(wrong(format!("must give at most {budget} {points} in all; it gives {sum}")))
            }
            _ => Ok(Split::of(given.into_iter().map(|points| points as u16))),
        }
    }

    /// Returns the text of an option.
    pub(super) fn text_of(&self, option: RowId) -> Option<&str> {
        self.options.get(usize::from(option).checked_sub(1)?).map(String::as_str)
    }

    /// Returns the options that were given points, each with its points.
    pub(super) fn say(&self, split: &Split) -> Vec<String> {
        let given = self.options.iter().zip(split.iter()).filter(|(_, points)| *points > 0);
        given.map(|(text, points)| format!("{text}: {points}")).collect()
    }

    /// Returns a row for each option; slots that the counts lack are zero.
    pub fn rows<'a>(&'a self, counts: &'a [u64]) -> impl Iterator<Item = Row<'a>> {
        let count = |slot: Slot| counts.get(slot).copied().unwrap_or(0);
        let row = move |(i, text): (usize, &'a String)| {
            let (points, people) = (count(2 * i), count(2 * i + 1));
            Row { text, votes: people, points: Some(points), spread: None }
        };
        self.options.iter().enumerate().map(row)
    }
}

/// A `Split` is the answer of a ballot: the points that it gives to each option, in the organiser's order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Split(Box<[u16]>);

impl Split {
    /// Creates an answer that gives the options these points.
    pub fn of(points: impl IntoIterator<Item = u16>) -> Self {
        Self(points.into_iter().collect())
    }

    /// Returns the points given to each option.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().copied()
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let points: Vec<String> = self.iter().map(|points| points.to_string()).collect();
        write!(f, "points {}", points.join(", "))
    }
}

/// The form is the part of [`Points`] that the fold needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// How many options there are.
    pub options: RowId,
    /// The most points that a ballot may give.
    pub budget: u16,
}

impl Form {
    /// Returns the number of slots: two for each option.
    pub(super) fn slots(self) -> usize {
        2 * usize::from(self.options)
    }

    /// Returns the number of votes in these counts: how often a voter gave an option any points.
    pub(super) fn votes(counts: &[u64]) -> u64 {
        counts.iter().skip(1).step_by(2).sum()
    }

    /// Returns whether a ballot may give these points.
    pub(super) fn allows(self, Split(points): &Split) -> bool {
        let sum: u64 = points.iter().map(|points| u64::from(*points)).sum();
        points.len() == usize::from(self.options) && (1..=self.budget.into()).contains(&sum)
    }

    /// Calls `mark` for each option that was given points: with its first slot and those points, and with its second
    /// slot and the weight 1.
    pub(super) fn marks(split: &Split, mark: &mut impl FnMut(Slot, u64)) {
        for (i, points) in split.iter().enumerate().filter(|(_, points)| *points > 0) {
            mark(2 * i, points.into());
            mark(2 * i + 1, 1);
        }
    }
}
