//! The kinds of polls, and the marks of a record's answer. They are written anew from the
//! documentation of the records, not from the core's kinds.

mod choice;
mod rating;

use serde_json::Value;

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
}

impl Asks {
    /// Returns how many counts the result has.
    pub fn slots(&self) -> usize {
        (match self {
            Self::Choice { options, .. } => *options,
            Self::Rating { statements, steps, .. } => statements * steps,
        }) as usize
    }

    /// Returns the marks of a ballot's record; `None` if the answer is not allowed.
    pub(crate) fn marks(&self, record: &Value) -> Option<Marks> {
        match *self {
            Self::Choice { options, most } => choice::marks(record, options, most),
            Self::Rating { statements, steps, lowest } => {
                rating::marks(record, statements, steps, lowest)
            }
        }
    }
}
