//! The view of words.

use std::sync::Arc;

use pollux_core::kind::words::{State, Words};
use pollux_core::standing::{Cloud, Mention};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most words that a view has. The owner can read all of them page by page.
pub const MOST_WORDS: usize = 500;
/// The most bytes that the words of a view take as JSON. Five hundred usual words take a third of it; it bounds what one
/// message costs a viewer who comes over a slow network.
pub const MOST_BYTES: usize = 40 << 10;
/// The bytes that a word takes as JSON besides its text: `{"text":"","votes":},`, and the digits of the number.
const BYTES_BESIDE: usize = 21 + 20;

/// In a `WordsPoll`, voters say words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WordsPoll)]
pub struct WordsView {
    /// The kind: words.
    pub kind: WordsWord,
    /// The most words that a ballot may have.
    #[schema(minimum = 1, maximum = 10)]
    pub max_words: u8,
    /// Whether a new word is shown only once the owner has approved it.
    pub approve: bool,
    /// The words that are shown: those with the most votes first, and of equal ones those that came first; null while
    /// they are hidden from you. There are at most 500, and fewer if they are long: their JSON takes at most 40 KiB.
    #[schema(required, max_items = 500)]
    pub words: Option<Vec<WordView>>,
    /// How many further words are shown that are not among these; null while it is hidden from you.
    #[schema(required)]
    pub more_words: Option<u64>,
    /// The votes for words that came when the poll had as many different ones as it keeps; null while it is hidden from
    /// you.
    #[schema(required)]
    pub other_votes: Option<u64>,
    /// The votes for words that are not shown, because they wait for approval, or the owner has hidden or erased them;
    /// null while it is hidden from you.
    #[schema(required)]
    pub unshown_votes: Option<u64>,
}

/// The `WordsWord` stands for this kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WordsWord {
    /// The only word there is.
    Words,
}

/// A `Word` is a word that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Word)]
pub struct WordView {
    /// The word, as it was first written.
    pub text: String,
    /// The number of people counted who said it.
    pub votes: u64,
}

/// Returns how many of these words, from the first on, a view has.
fn fitting(all: &[(Arc<str>, u64)]) -> usize {
    let escapes = |text: &str| text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    let bytes = |text: &str| BYTES_BESIDE + text.len() + escapes(text);
    let sums = all.iter().scan(0, |sum, (text, _)| {
        *sum += bytes(text);
        Some(*sum)
    });
    sums.take(MOST_WORDS).take_while(|sum| *sum <= MOST_BYTES).count()
}

impl WordsView {
    /// Makes the view of words with this cloud, or without any for those who may not see it.
    pub fn new(words: &Words, cloud: Option<&Cloud>) -> Self {
        let text = |word: &Mention| word.text.clone().filter(|_| word.state == State::Shown);
        let shown = cloud.map(|cloud| {
            let shown = cloud.words.iter().filter_map(|word| Some((text(word)?, word.votes)));
            shown.collect::<Vec<_>>()
        });
        let sum = |cloud: &Cloud| cloud.words.iter().map(|word| word.votes).sum::<u64>();
        let shown_votes = shown.iter().flatten().map(|(_, votes)| votes).sum::<u64>();
        Self {
            kind: WordsWord::Words,
            max_words: words.max_words,
            approve: words.moderation.approve,
            more_words: shown.as_ref().map(|all| (all.len() - fitting(all)) as u64),
            words: shown.map(|all| {
                let first = all.iter().take(fitting(&all));
                first
                    .map(|(text, votes)| WordView { text: (**text).into(), votes: *votes })
                    .collect()
            }),
            other_votes: cloud.map(|cloud| cloud.other),
            unshown_votes: cloud.map(|cloud| sum(cloud) - shown_votes),
        }
    }
}
