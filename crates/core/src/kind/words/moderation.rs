//! What an organiser says about showing words. Nothing of it changes what is counted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::rule::Violation;
use crate::seal::Name;

/// The most words about which a poll keeps a decision.
pub const MAX_DECISIONS: usize = 2000;
/// The most words of a poll that can be erased. Each makes the poll's key longer.
pub const MAX_ERASED: usize = 200;

/// `Moderation` says which words are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moderation {
    /// Whether a word is shown only once the organiser has approved it.
    pub approve: bool,
    /// The words that the organiser shows.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub shown: BTreeSet<Name>,
    /// The words that the organiser hides.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub hidden: BTreeSet<Name>,
    /// The words that were erased.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub erased: BTreeSet<Name>,
}

/// The state says what becomes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Everybody who sees the numbers sees the word.
    Shown,
    /// The word waits for approval.
    Waiting,
    /// The organiser has hidden the word.
    Hidden,
    /// The word was erased; nobody can read it any more.
    Erased,
}

impl State {
    /// Returns the word for the state in exports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Waiting => "waiting",
            Self::Hidden => "hidden",
            Self::Erased => "erased",
        }
    }
}

/// A `Verdict` is what an organiser decides at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether words shall wait for approval from now on; `None` leaves it as it is.
    pub approve: Option<bool>,
    /// The words to show.
    pub show: Vec<Name>,
    /// The words to hide.
    pub hide: Vec<Name>,
    /// The words to erase.
    pub erase: Vec<Name>,
    /// The words about which nothing shall be decided any more. Each is again as when it came.
    pub clear: Vec<Name>,
}

impl Moderation {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the state of a word.
    pub fn state(&self, name: Name) -> State {
        if self.erased.contains(&name) {
            State::Erased
        } else if self.hidden.contains(&name) {
            State::Hidden
        } else if self.approve && !self.shown.contains(&name) {
            State::Waiting
        } else {
            State::Shown
        }
    }

    /// Takes the organiser's verdict, or refuses all of it. Returns whether that changed anything.
    pub(crate) fn take(&mut self, verdict: &Verdict) -> Result<bool, Violation> {
        let mut after = self.clone();
        after.approve = verdict.approve.unwrap_or(self.approve);
        // An erased word stays erased, and takes up no place among the decisions.
        for name in verdict.show.iter().filter(|name| !self.erased.contains(name)) {
            after.hidden.remove(name);
            after.shown.insert(*name);
        }
        for name in verdict.hide.iter().filter(|name| !self.erased.contains(name)) {
            after.shown.remove(name);
            after.hidden.insert(*name);
        }
        for name in &verdict.clear {
            after.shown.remove(name);
            after.hidden.remove(name);
        }
        for name in &verdict.erase {
            after.shown.remove(name);
            after.hidden.remove(name);
            after.erased.insert(*name);
        }
        if after.erased.len() > MAX_ERASED {
            let detail = format!(
                "a poll can have {MAX_ERASED} erased words; hide the others, or delete the poll, which erases all"
            );
            return Err(Violation::new("/erase", detail));
        }
        if after.shown.len() + after.hidden.len() > MAX_DECISIONS {
            let detail = format!(
                "a poll keeps decisions about {MAX_DECISIONS} words; clear others before you hide or show another"
            );
            return Err(Violation::new("", detail));
        }
        let changed = after != *self;
        *self = after;
        Ok(changed)
    }
}
