//! The members of a choice, as organisers and voters write them.

use pollux_core::kind::choice::{ChoiceMode, Draft};

use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::http::fields::{Fields, each, string, whole, word};
use crate::watch::view::kind::choice::ChoiceModeView;

/// The members of a choice in a poll's body.
pub const MEMBERS: [&str; 3] = ["options", "kind", "maxChoices"];

/// A `NewChoice` is a new poll in which voters mark one of several options, or more.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewChoice {
    /// single or multiple. The default is single unless `maxChoices` is above 1.
    #[schema(nullable = false)]
    pub kind: Option<ChoiceModeView>,
    /// The options: 2 to 100 texts of 1 to 200 characters, as people count them, in at most 1,600 bytes each. No
    /// two may look the same.
    #[schema(min_items = 2, max_items = 100)]
    pub options: Vec<String>,
    /// The most options that a ballot may mark; by default 1, or all for a multiple choice.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
}

/// A `ChoicePatch` changes the draft of a choice, or makes the draft of another kind a choice; then it must have
/// `kind`, and `options` if that kind has none.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ChoicePatch {
    /// single or multiple; null for the default.
    pub kind: Option<ChoiceModeView>,
    /// The options: 2 to 100 texts of 1 to 200 characters, of which no two may look the same.
    #[schema(min_items = 2, max_items = 100, nullable = false)]
    pub options: Option<Vec<String>>,
    /// The most options that a ballot may mark.
    #[schema(minimum = 1, maximum = 100)]
    pub max_choices: Option<u8>,
}

/// `Answer` holds the members of an answer that only a choice has.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Answer {
    /// The text of the option, or one that looks the same.
    pub option: Option<String>,
    /// The id of the option.
    #[schema(minimum = 1, maximum = 100)]
    pub option_id: Option<u8>,
    /// The texts of the options, or others that look the same.
    pub options: Option<Vec<String>>,
    /// The ids of the options.
    pub option_ids: Option<Vec<u8>>,
}

/// Returns a new choice as an example for the documents.
pub fn example<const N: usize>(question: &str, options: [&str; N]) -> Value {
    json!({"question": question, "options": options.as_slice()})
}

/// Applies the members of a choice to a draft.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    // A new `kind` drops the old number of choices, and a new number of choices drops the old `kind`.
    let has = |name| fields.members.contains_key(name);
    match (has("kind"), has("maxChoices")) {
        (true, false) => draft.max_choices = None,
        (false, true) => draft.kind = None,
        _ => {}
    }
    if let Some(options) = fields.texts("options") {
        draft.options = options;
    }
    let modes = [ChoiceMode::Single, ChoiceMode::Multiple];
    let own = modes.map(|mode| (mode.as_str(), Some(mode)));
    // The words for other kinds never get here. They are listed for the message about an unknown word.
    let others = super::begins().map(|(word, _)| (word, None));
    let words: Vec<_> = own.into_iter().chain(others).collect();
    fields.take("kind", |given| {
        draft.kind = given.map(|v| word(v, &words)).transpose()?.flatten();
        Ok(())
    });
    fields.take("maxChoices", |given| {
        draft.max_choices = given.map(whole).transpose()?;
        Ok(())
    });
}

/// Notes which members of a written answer are not what they must be.
pub fn diagnose(fields: &mut Fields) {
    let text = |value| string(value).map(drop);
    let id = |value| whole(value).map(drop);
    fields.take("option", |given| given.map_or(Ok(()), text));
    fields.take("optionId", |given| given.map_or(Ok(()), id));
    fields.take("options", |given| given.map_or(Ok(()), |value| each(value, text)));
    fields.take("optionIds", |given| given.map_or(Ok(()), |value| each(value, id)));
}
