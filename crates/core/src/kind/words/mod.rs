//! Words: a few words or short phrases from each voter, and how often each was said.
//!
//! A ballot holds *names*, which are keyed hashes, with the words sealed beside them; see [`crate::seal`]. The
//! different names of a round are counted in slots as they come, in each partition by itself; see [`Names`]. Slot 0
//! counts the words that came when there was no slot left.

mod moderation;
mod names;

use serde::{Deserialize, Serialize};

pub use self::moderation::{MAX_DECISIONS, MAX_ERASED, Moderation, State, Verdict};
pub use self::names::{MAX_NAMES, Names};
use super::{Row, RowId, Slot, Written};
use crate::rule::{Violation, clean_within};
use crate::seal::{Name, PADDING, TAG_BYTES, TextKey, Word};

/// The most words that a ballot of any poll may have.
pub const MAX_WORDS: u8 = 10;
/// The most words that a ballot may have if the organiser does not say.
pub const USUAL_WORDS: u8 = 3;
/// The greatest length of a word, in characters.
pub const MAX_WORD_CHARS: usize = 40;
/// The greatest length of a word, in bytes. Ten such words still fit into a record.
pub const MAX_WORD_BYTES: usize = 160;
/// The greatest length of a word as it is sealed, in bytes; see [`crate::seal`]. The names of a partition with all
/// their words then fit into 200 kB, whoever wrote the records.
pub const MAX_SEALED_BYTES: usize = MAX_WORD_BYTES.next_multiple_of(PADDING) + TAG_BYTES;
/// The slot of the words for which there was no slot left.
pub const OTHER: Slot = 0;

/// `KindWord` is the word `words`, which tells this kind from others in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KindWord {
    /// The only word there is.
    #[default]
    Words,
}

impl KindWord {
    /// Returns the word as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
        }
    }
}

/// `Words` holds how many words a ballot may have, and which words are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Words {
    /// The word that tells words from other kinds.
    pub kind: KindWord,
    /// The most words that a ballot may have.
    pub max_words: u8,
    /// What the organiser has said about showing words. It changes while the poll is open, and counts nothing.
    #[serde(default, skip_serializing_if = "Moderation::is_default")]
    pub moderation: Moderation,
}

/// A draft is a poll of words as an organiser writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The most words that a ballot may have, 1 to 10; the default is 3.
    pub max_words: Option<u64>,
    /// Whether a new word is shown only once the organiser has approved it; by default it is shown at once.
    pub approve: bool,
}

impl Draft {
    /// Checks the draft. Returns the words to keep, or adds the broken rule to `broken`.
    pub(super) fn check(self, broken: &mut Vec<Violation>) -> Option<Words> {
        let most = self.max_words.unwrap_or(USUAL_WORDS.into());
        let allowed = u8::try_from(most).ok().filter(|most| (1..=MAX_WORDS).contains(most));
        let Some(max_words) = allowed else {
            let detail = format!("must be from 1 to {MAX_WORDS}; it is {most}");
            broken.push(Violation::new("/maxWords", detail));
            return None;
        };
        let moderation = Moderation { approve: self.approve, ..Moderation::default() };
        Some(Words { kind: KindWord::Words, max_words, moderation })
    }
}

impl Words {
    /// Returns what was written, to be edited further or copied. What was decided about words is no part of it.
    pub(super) fn to_draft(&self) -> Draft {
        Draft { max_words: Some(self.max_words.into()), approve: self.moderation.approve }
    }

    /// Returns what the fold needs to know.
    pub fn form(&self) -> Form {
        Form { most: self.max_words }
    }

    /// Reads and checks the answer that a client wrote in `answer`, and seals it under the poll's key. Words that are
    /// the same to people count once.
    pub(super) fn read(&self, written: &Written<'_>, key: &TextKey) -> Result<Said, Violation> {
        let wrong = |detail: String| Violation::new("/answer", detail);
        let wanted = match self.max_words {
            1 => "a list with one word or short phrase".to_owned(),
            most => format!("a list of 1 to {most} words or short phrases"),
        };
        let json = written.only_answer(&wanted)?;
        let given: Vec<String> =
            serde_json::from_str(json).map_err(|_| wrong(format!("must be {wanted}")))?;
        if !(1..=usize::from(self.max_words)).contains(&given.len()) {
            return Err(wrong(format!("must be {wanted}; it has {}", given.len())));
        }
        let mut said: Vec<Word> = Vec::with_capacity(given.len());
        for (i, text) in given.iter().enumerate() {
            let word = read_word(&format!("/answer/{i}"), text, key)?;
            if !said.iter().any(|other| other.name == word.name) {
                said.push(word);
            }
        }
        Ok(Said(said.into()))
    }

    /// Returns the words of an answer, as far as the key can open them.
    pub(super) fn say(&self, said: &Said, key: Option<&TextKey>) -> Vec<String> {
        let open = |word: &Word| key.and_then(|key| key.open(word));
        said.iter().map(|word| open(word).unwrap_or_else(|| unreadable(word.name))).collect()
    }

    /// Returns the only row, which has every word that was counted.
    pub fn rows<'a>(&'a self, counts: &'a [u64]) -> impl Iterator<Item = Row<'a>> {
        let votes = counts.iter().sum();
        std::iter::once(Row { text: "", votes, points: None, spread: None })
    }

    /// Returns the text of the only row, which is empty, because the row is about all words.
    pub(super) fn text_of(&self, row: RowId) -> Option<&str> {
        (row == 1).then_some("")
    }
}

/// Returns what is said in place of a word that cannot be opened.
fn unreadable(name: Name) -> String {
    format!("[{name}]")
}

fn read_word(pointer: &str, given: &str, key: &TextKey) -> Result<Word, Violation> {
    let mut broken = Vec::new();
    let text = clean_within(pointer, given, MAX_WORD_CHARS, MAX_WORD_BYTES, &mut broken);
    if let Some(first) = broken.into_iter().next() {
        return Err(first);
    }
    let erased = || Violation::new(pointer, "was erased here, and cannot be said again");
    key.seal(&text).ok_or_else(erased)
}

/// `Said` is the answer of a ballot: its words, each once, in the order in which they were written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Said(Box<[Word]>);

impl Said {
    /// Creates an answer of these words.
    pub fn of(words: impl IntoIterator<Item = Word>) -> Self {
        Self(words.into_iter().collect())
    }

    /// Returns the words.
    pub fn iter(&self) -> impl Iterator<Item = &Word> {
        self.0.iter()
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.iter().map(|word| word.name.to_string()).collect();
        write!(f, "words {}", names.join(", "))
    }
}

/// The form is the part of [`Words`] that the fold needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// The most words that a ballot may have.
    pub most: u8,
}

impl Form {
    /// Returns the number of slots before any word has come.
    pub(super) fn slots(self) -> usize {
        OTHER + 1
    }

    /// Returns whether a ballot may hold these words.
    pub(super) fn allows(self, Said(words): &Said) -> bool {
        let fits = |(i, word): (usize, &Word)| {
            word.sealed.0.len() <= MAX_SEALED_BYTES
                && !words[..i].iter().any(|other| other.name == word.name)
        };
        (1..=usize::from(self.most)).contains(&words.len()) && words.iter().enumerate().all(fits)
    }

    /// Calls `mark` with the slot of each word, and the weight 1.
    pub(super) fn marks(said: &Said, names: &Names, mark: &mut impl FnMut(Slot, u64)) {
        for word in said.iter() {
            mark(names.slot(word.name).unwrap_or(OTHER), 1);
        }
    }
}
