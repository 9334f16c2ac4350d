//! What each kind of poll has of its own in what clients write, a file each: the members of a poll's body, those
//! of an answer, and the shapes of both in the documents.
//!
//! A new kind is a file here and a line in each list and `match` below.

pub mod choice;
pub mod rating;

use std::borrow::Cow;

use pollux_core::kind::KindDraft;
use pollux_core::kind::rating::KindWord;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::http::fields::Fields;
use super::http::schema::Named;

/// Applies the members that belong to the draft's kind. Another `kind` begins a draft of that kind anew.
/// Members of other kinds than the draft's are left unread.
pub fn write(fields: &mut Fields, draft: &mut KindDraft) {
    match (fields.members.get("kind"), &*draft) {
        (Some(Value::String(word)), KindDraft::Choice(_)) if word == KindWord::Rating.as_str() => {
            *draft = KindDraft::Rating(Default::default());
        }
        (Some(Value::String(word)), KindDraft::Rating(_)) if word != KindWord::Rating.as_str() => {
            *draft = KindDraft::Choice(Default::default());
        }
        (Some(Value::Null), KindDraft::Rating(_)) => *draft = KindDraft::Choice(Default::default()),
        // Statements without options mean a rating.
        (None, KindDraft::Choice(_))
            if fields.members.contains_key("statements")
                && !fields.members.contains_key("options") =>
        {
            *draft = KindDraft::Rating(Default::default());
        }
        _ => {}
    }
    match draft {
        KindDraft::Choice(draft) => choice::write(fields, draft),
        KindDraft::Rating(draft) => rating::write(fields, draft),
    }
}

/// Returns the members of this draft's kind. A new poll must have the first of them.
pub fn members(draft: &KindDraft) -> &'static [&'static str] {
    match draft {
        KindDraft::Choice(_) => &choice::MEMBERS,
        KindDraft::Rating(_) => &rating::MEMBERS,
    }
}

/// A shape is the schema of a body that depends on the kind of poll.
pub struct Shape {
    /// The schema's name in the documents.
    pub name: Cow<'static, str>,
    /// The schema of the kind's own members.
    pub own: RefOr<Schema>,
    /// What adds the schemas to which that one refers.
    pub add_referenced: fn(&mut Vec<Named>),
}

impl Shape {
    fn of<T: ToSchema>() -> Self {
        Self { name: T::name(), own: T::schema(), add_referenced: T::schemas }
    }
}

/// Returns the shapes of new polls.
pub fn new_polls() -> [Shape; 2] {
    [Shape::of::<choice::NewChoice>(), Shape::of::<rating::NewRating>()]
}

/// Returns the shapes of changes of drafts.
pub fn patches() -> [Shape; 2] {
    [Shape::of::<choice::ChoicePatch>(), Shape::of::<rating::RatingPatch>()]
}

/// `Any` holds the member in which an answer to any kind of poll may be written.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only for the documents")]
struct Any {
    /// The answer, as the poll's kind defines it: for a choice the ids of the options; for a rating a step of
    /// the scale for each statement, or null to skip it.
    answer: Option<Vec<Option<u8>>>,
}

/// Returns the shapes of the members in which an answer may be written.
pub fn answers() -> [RefOr<Schema>; 2] {
    [choice::Answer::schema(), Any::schema()]
}

/// Notes which members of a written answer are not what they must be in any poll.
pub fn diagnose(fields: &mut Fields) {
    choice::diagnose(fields);
    fields.members.remove("answer");
}
