//! The gate: whether a poll takes ballots, as its control records say.

use serde::{Deserialize, Serialize};

/// The gate says whether a poll takes ballots, as the records of a partition tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Gate {
    /// Ballots are counted.
    Open,
    /// Ballots are late.
    Closed,
    /// Ballots are late, and the poll is no longer shown.
    Deleted,
}

impl Gate {
    /// Returns the gate's word, as stores and announcements write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Deleted => "deleted",
        }
    }

    /// Returns the gate of this word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Open, Self::Closed, Self::Deleted].into_iter().find(|gate| gate.as_str() == word)
    }
}
