//! What each kind of poll asks, and which slots a record's answer marks: a twin of the core's
//! kinds, written from the documentation of the records and not from the core.

mod choice;
mod rating;

use serde_json::Value;

/// What a poll asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Which options?
    Choice {
        /// How many options there are.
        options: u64,
        /// How many a ballot may mark.
        most: u64,
    },
    /// Which step for each statement?
    Rating {
        /// How many statements there are.
        statements: u64,
        /// How many steps the scale has.
        steps: u64,
        /// The lowest of them.
        lowest: u64,
    },
}

impl Asks {
    /// How many numbers the result has.
    pub fn slots(&self) -> usize {
        (match self {
            Self::Choice { options, .. } => *options,
            Self::Rating { statements, steps, .. } => statements * steps,
        }) as usize
    }

    /// The places in the result that a ballot's record adds one to; `None` if it is not allowed.
    pub(crate) fn marks(&self, record: &Value) -> Option<Vec<usize>> {
        match *self {
            Self::Choice { options, most } => choice::marks(record, options, most),
            Self::Rating { statements, steps, lowest } => {
                rating::marks(record, statements, steps, lowest)
            }
        }
    }
}
