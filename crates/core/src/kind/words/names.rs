//! The names that a partition counts in slots of their own, in the order in which they came.

use std::sync::Arc;

use super::OTHER;
use crate::kind::Slot;
use crate::seal::{Name, Word};

/// The most different names of a round that a partition keeps apart.
pub const MAX_NAMES: usize = 1000;

/// `Names` holds the names of a poll's round in one partition, each with the first word that was counted under it. The
/// name at place *n* is counted in slot *n* + 1.
///
/// Names are only ever added. A name that found no slot left never gets one in that round, so what an answer added to
/// the counts can be taken away again without being kept beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Arc<Vec<Word>>);

impl Names {
    /// Creates the names of these words, which are in the order in which they came.
    pub fn of(words: Vec<Word>) -> Self {
        Self(Arc::new(words))
    }

    /// Returns how many names there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the words, in the order of their slots.
    pub fn words(&self) -> &[Word] {
        &self.0
    }

    /// Returns the slot of a name; `None` if it has none.
    pub fn slot(&self, name: Name) -> Option<Slot> {
        self.0.iter().position(|word| word.name == name).map(|at| OTHER + 1 + at)
    }

    /// Gives a word's name a slot, if it has none and there is one left.
    pub(crate) fn take(&mut self, word: &Word) {
        if self.slot(word.name).is_none() && self.len() < MAX_NAMES {
            Arc::make_mut(&mut self.0).push(word.clone());
        }
    }

    /// Forgets all names, when a round begins.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the first names, at most this many.
    pub(crate) fn first(&self, count: usize) -> Self {
        if count >= self.len() { self.clone() } else { Self::of(self.0[..count].to_vec()) }
    }
}
