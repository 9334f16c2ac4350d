//! The members of a choice, as an organiser writes them.

use pollux_core::kind::choice::{ChoiceMode, Draft};
use pollux_core::kind::rating::KindWord;

use crate::api::http::fields::{Fields, whole, word};

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
    let [single, multiple] = modes.map(|mode| (mode.as_str(), Some(mode)));
    // The word for a rating never gets here. It is listed for the message about an unknown word.
    let words = [single, multiple, (KindWord::Rating.as_str(), None)];
    fields.take("kind", |given| {
        draft.kind = given.map(|v| word(v, &words)).transpose()?.flatten();
        Ok(())
    });
    fields.take("maxChoices", |given| {
        draft.max_choices = given.map(whole).transpose()?;
        Ok(())
    });
}
