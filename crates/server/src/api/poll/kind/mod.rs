//! What an organiser writes of a poll's kind: the members of the body that belong to one kind only.

mod choice;
mod rating;

use pollux_core::kind::Draft;
use pollux_core::kind::rating::Word;
use serde_json::Value;

use crate::api::http::fields::Fields;

/// Apply the members that belong to a kind to what a draft says; another `kind` begins anew. What
/// is written for another kind than the draft's is left over.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    match (fields.members.get("kind"), &*draft) {
        (Some(Value::String(word)), Draft::Choice(_)) if word == Word::Rating.as_str() => {
            *draft = Draft::Rating(Default::default());
        }
        (Some(Value::String(word)), Draft::Rating(_)) if word != Word::Rating.as_str() => {
            *draft = Draft::Choice(Default::default());
        }
        (Some(Value::Null), Draft::Rating(_)) => *draft = Draft::Choice(Default::default()),
        // Whoever writes statements means a rating.
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

/// The members of this draft's kind, of which the first must be there in a new poll.
pub fn members(draft: &Draft) -> &'static [&'static str] {
    match draft {
        Draft::Choice(_) => &["options", "kind", "maxChoices"],
        Draft::Rating(_) => {
            &["statements", "kind", "steps", "lowest", "lowLabel", "highLabel", "symbol"]
        }
    }
}
