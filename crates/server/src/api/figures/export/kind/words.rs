//! An export of words has a line for each word that was said.

use pollux_core::standing::{Mention, Standing};
use serde::Serialize;
use utoipa::ToSchema;

use super::share;

/// A sheet has these columns for words.
pub const COLUMNS: [&str; 2] = ["word", "state"];

/// An `ExportedWord` is a line of words: how many people said one.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportedWord {
    /// The word; empty if it was erased, and for the words beyond those that the poll keeps apart.
    pub word: String,
    /// The state: shown, waiting, hidden or erased; or other, for the words beyond those that the poll keeps apart.
    pub state: String,
    /// The number of people counted who said it.
    pub votes: u64,
    /// The part, from 0 to 1, of the people counted who said it.
    pub share: f64,
}

/// Returns a line for each word, those with the most votes first, and one for all words without a name of their own.
pub fn lines(standing: &Standing) -> impl Iterator<Item = ExportedWord> {
    let (cloud, people) = (standing.cloud(), standing.total_voters());
    let line = move |word: String, state: &str, votes| ExportedWord {
        word,
        state: state.to_owned(),
        votes,
        share: share(votes, people),
    };
    let other = (cloud.other > 0).then(|| line(String::new(), "other", cloud.other));
    let text = |word: &Mention| word.text.as_deref().unwrap_or_default().to_owned();
    let words = cloud.words.into_iter();
    words.map(move |word| line(text(&word), word.state.as_str(), word.votes)).chain(other)
}

impl ExportedWord {
    /// Returns the cells of [`COLUMNS`].
    pub fn cells(&self) -> [String; 2] {
        [self.word.clone(), self.state.clone()]
    }
}
