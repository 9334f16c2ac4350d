//! What each kind of poll has of its own in what clients write, a file each: the members of a poll's body, those
//! of an answer, and the shapes of both in the documents.
//!
//! A new kind is a file here and a line in each list and `match` below.

pub mod choice;
pub mod number;
pub mod points;
pub mod ranking;
pub mod rating;
pub mod words;

use std::borrow::Cow;
use std::mem::discriminant;

use pollux_core::kind::KindDraft;
use pollux_core::kind::choice::ChoiceMode;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::http::fields::Fields;
use super::http::schema::Named;

/// Returns the words of `kind` for other kinds than a choice, each with the empty draft that it begins.
fn begins() -> [(&'static str, KindDraft); 5] {
    [rating::begin(), ranking::begin(), points::begin(), number::begin(), words::begin()]
}

/// Applies the members that belong to the draft's kind. Another `kind` begins a draft of that kind anew, which keeps the
/// options if both kinds have options. Members that several kinds have, but not the draft's, are left unread.
pub fn write(fields: &mut Fields, draft: &mut KindDraft) {
    if let Some(mut begun) = begun(fields)
        && discriminant(&begun) != discriminant(draft)
    {
        if let (Some(kept), Some(options)) = (options(draft), options(&mut begun)) {
            options.append(kept);
        }
        *draft = begun;
    }
    match draft {
        KindDraft::Choice(draft) => choice::write(fields, draft),
        KindDraft::Rating(draft) => rating::write(fields, draft),
        KindDraft::Ranking(draft) => ranking::write(fields, draft),
        KindDraft::Points(draft) => points::write(fields, draft),
        KindDraft::Number(draft) => number::write(fields, draft),
        KindDraft::Words(draft) => words::write(fields, draft),
    }
    refuse_others(fields);
}

/// Refuses the unread members that a single kind has, and says which. Whoever wrote one has left out the word for that
/// kind, or has written another.
fn refuse_others(fields: &mut Fields) {
    let several = (ChoiceMode::Multiple.as_str(), KindDraft::Choice(Default::default()));
    let kinds: Vec<_> = begins().into_iter().chain([several]).collect();
    for name in fields.names() {
        let mut having = kinds.iter().filter(|(_, draft)| members(draft).contains(&&*name));
        if let (Some((word, _)), None) = (having.next(), having.next()) {
            fields.members.remove(&name);
            let detail =
                format!("belongs to polls of the kind {word}: set kind to {word}, or leave it out");
            fields.wrong(&name, detail);
        }
    }
}

/// Returns an empty draft of the kind that the members ask for; `None` if they say nothing of the kind.
fn begun(fields: &Fields) -> Option<KindDraft> {
    let has = |name| fields.members.contains_key(name);
    let Some(given) = fields.members.get("kind") else {
        // Statements without options mean a rating.
        return (has("statements") && !has("options")).then(|| rating::begin().1);
    };
    let begun = begins().into_iter().find_map(|(word, draft)| (given == word).then_some(draft));
    // A choice reads its own words, and refuses what is the word of no kind.
    Some(begun.unwrap_or_else(|| KindDraft::Choice(Default::default())))
}

/// Returns the options of a draft, if its kind has options.
fn options(draft: &mut KindDraft) -> Option<&mut Vec<String>> {
    match draft {
        KindDraft::Choice(draft) => Some(&mut draft.options),
        KindDraft::Ranking(draft) => Some(&mut draft.options),
        KindDraft::Points(draft) => Some(&mut draft.options),
        KindDraft::Rating(_) | KindDraft::Number(_) | KindDraft::Words(_) => None,
    }
}

/// Returns the members of this draft's kind. A new poll must have the first of them.
pub fn members(draft: &KindDraft) -> &'static [&'static str] {
    match draft {
        KindDraft::Choice(_) => &choice::MEMBERS,
        KindDraft::Rating(_) => &rating::MEMBERS,
        KindDraft::Ranking(_) => &ranking::MEMBERS,
        KindDraft::Points(_) => &points::MEMBERS,
        KindDraft::Number(_) => &number::MEMBERS,
        KindDraft::Words(_) => &words::MEMBERS,
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
pub fn new_polls() -> [Shape; 6] {
    [
        Shape::of::<choice::NewChoice>(),
        Shape::of::<rating::NewRating>(),
        Shape::of::<ranking::NewRanking>(),
        Shape::of::<points::NewPoints>(),
        Shape::of::<number::NewNumber>(),
        Shape::of::<words::NewWords>(),
    ]
}

/// Returns the shapes of changes of drafts.
pub fn patches() -> [Shape; 6] {
    [
        Shape::of::<choice::ChoicePatch>(),
        Shape::of::<rating::RatingPatch>(),
        Shape::of::<ranking::RankingPatch>(),
        Shape::of::<points::PointsPatch>(),
        Shape::of::<number::NumberPatch>(),
        Shape::of::<words::WordsPatch>(),
    ]
}

/// `Any` holds the member in which an answer to any kind of poll may be written.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only for the documents")]
struct Any {
    /// The answer, as the poll's kind defines it: for a choice the ids of the options; for a rating a step of
    /// the scale for each statement, or null to skip it; for a ranking the ids of the options, the best first; for
    /// points the points given to each option, 0 for none; for a number the number; for words the words.
    #[schema(inline)]
    answer: Option<AnyAnswer>,
}

/// An answer is a list, or a number if the poll asks for one.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only for the documents")]
enum AnyAnswer {
    /// The answer of every kind but a number and words.
    Row(Vec<Option<u16>>),
    /// The words of an answer.
    Words(Vec<String>),
    /// A number.
    Number(f64),
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
