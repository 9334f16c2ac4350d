//! The kinds of polls, and the marks of a record's answer. They are written anew from the
//! documentation of the records, not from the core's kinds.

mod choice;
mod number;
mod points;
mod ranking;
mod rating;
mod words;

use serde_json::Value;

pub use self::words::MAX_NAMES;
pub(crate) use self::words::kept;

/// `Marks` are the slots that an answer adds to, each with the weight that it adds.
pub type Marks = Vec<(usize, u64)>;

/// `Asks` says what a poll asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Which options voters choose.
    Choice {
        /// How many options there are.
        options: u64,
        /// How many options a ballot may mark.
        most: u64,
    },
    /// Which step voters give to each statement.
    Rating {
        /// How many statements there are.
        statements: u64,
        /// How many steps the scale has.
        steps: u64,
        /// The lowest step.
        lowest: u64,
    },
    /// Which options voters give the places from the first on.
    Ranking {
        /// How many options there are.
        options: u64,
        /// How many places a ballot may give.
        places: u64,
    },
    /// How many points voters give to each option.
    Points {
        /// How many options there are.
        options: u64,
        /// How many points a ballot may give in all.
        budget: u64,
    },
    /// Which number voters give.
    Number {
        /// The least number, in millionths.
        min: i64,
        /// The step from one number to the next, in millionths.
        step: i64,
        /// How many numbers there are.
        values: u64,
    },
    /// Which words voters say.
    Words {
        /// How many words a ballot may have.
        most: u64,
    },
}

impl Asks {
    /// Returns how many counts the result has. Of words it is one, because words that have names are counted by them.
    pub fn slots(&self) -> usize {
        (match self {
            Self::Choice { options, .. } => *options,
            Self::Rating { statements, steps, .. } => statements * steps,
            Self::Ranking { options, places } => options * places,
            Self::Points { options, .. } => options * 2,
            Self::Number { values, .. } => *values,
            Self::Words { .. } => 1,
        }) as usize
    }

    /// Returns the marks of a ballot's record; `None` if the answer is not allowed.
    pub(crate) fn marks(&self, record: &Value) -> Option<Marks> {
        match *self {
            Self::Choice { options, most } => choice::marks(record, options, most),
            Self::Rating { statements, steps, lowest } => {
                rating::marks(record, statements, steps, lowest)
            }
            Self::Ranking { options, places } => ranking::marks(record, options, places),
            Self::Points { options, budget } => points::marks(record, options, budget),
            Self::Number { min, step, values } => number::marks(record, min, step, values),
            // What a word adds to depends on the words before it, and is known at the end.
            Self::Words { most } => words::names(record, most).map(|_| Marks::new()),
        }
    }

    /// Returns the names of a ballot's words; there are none in other kinds.
    pub(crate) fn names(&self, record: &Value) -> Vec<String> {
        match *self {
            Self::Words { most } => words::names(record, most).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}
