//! The members of a poll's body that belong to one kind only.

mod choice;
mod rating;

use pollux_core::kind::Draft;
use pollux_core::kind::rating::KindWord;
use serde_json::Value;

use crate::api::http::fields::Fields;

/// Applies the members that belong to the draft's kind. Another `kind` begins a draft of that kind anew.
/// Members of other kinds than the draft's are left unread.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    match (fields.members.get("kind"), &*draft) {
        (Some(Value::String(word)), Draft::Choice(_)) if word == KindWord::Rating.as_str() => {
            *draft = Draft::Rating(Default::default());
        }
        (Some(Value::String(word)), Draft::Rating(_)) if word != KindWord::Rating.as_str() => {
            *draft = Draft::Choice(Default::default());
        }
        (Some(Value::Null), Draft::Rating(_)) => *draft = Draft::Choice(Default::default()),
        // Statements without options mean a rating.
        (None, Draft::Choice(_))
            if fields.members.contains_key("statements")
                && !fields.members.contains_key("options") =>
        {
            *draft = Draft::Rating(Default::default());
        }
        _ => {}
    }
    match draft {
        Draft::Choice(draft) => choice::write(fields, draft),
        Draft::Rating(draft) => rating::write(fields, draft),
    }
}

/// Returns the members of this draft's kind. A new poll must have the first of them.
pub fn members(draft: &Draft) -> &'static [&'static str] {
    match draft {
        Draft::Choice(_) => &["options", "kind", "maxChoices"],
        Draft::Rating(_) => {
            &["statements", "kind", "steps", "lowest", "lowLabel", "highLabel", "symbol"]
        }
    }
}
