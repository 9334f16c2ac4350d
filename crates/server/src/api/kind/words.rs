//! The members of a poll of words, as an organiser writes them.

use pollux_core::kind::KindDraft;
use pollux_core::kind::words::{Draft, KindWord};
use utoipa::ToSchema;

use crate::api::http::fields::{Fields, boolean, whole};
use crate::watch::view::kind::words::WordsWord;

/// The members of words in a poll's body.
pub const MEMBERS: [&str; 3] = ["kind", "maxWords", "approve"];

/// `NewWords` is a new poll in which voters say words.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewWords {
    /// The kind, which is words.
    pub kind: WordsWord,
    /// The most words that a ballot may have; default 3.
    #[schema(minimum = 1, maximum = 10)]
    pub max_words: Option<u8>,
    /// Whether a new word is shown only once the owner has approved it; default false.
    pub approve: Option<bool>,
}

/// A `WordsPatch` changes the draft of words, or makes the draft of another kind one; then it must have `kind`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct WordsPatch {
    /// The kind, which is words.
    #[schema(nullable = false)]
    pub kind: Option<WordsWord>,
    /// The most words that a ballot may have; null for the default.
    #[schema(minimum = 1, maximum = 10)]
    pub max_words: Option<u8>,
    /// Whether a new word is shown only once the owner has approved it; null for the default.
    pub approve: Option<bool>,
}

/// Returns the word for words, and the empty draft that it begins.
pub fn begin() -> (&'static str, KindDraft) {
    (KindWord::Words.as_str(), KindDraft::Words(Draft::default()))
}

/// Applies the members of words to a draft.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    // Only the word for words leads here.
    fields.members.remove("kind");
    fields.take("maxWords", |given| {
        draft.max_words = given.map(whole).transpose()?;
        Ok(())
    });
    fields.take("approve", |given| {
        draft.approve = given.map_or(Ok(false), boolean)?;
        Ok(())
    });
}
