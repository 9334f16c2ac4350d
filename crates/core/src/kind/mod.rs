//! Kinds of polls, a folder each: what an organiser writes, which answers a ballot may hold, which
//! marks an answer is, and what the marks come to.
//!
//! A poll counts in *slots*, numbered from 0. A *mark* adds a weight to one slot. The fold adds the
//! marks of an answer and takes away those of the answer it replaces; it never asks what a slot
//! stands for. Neither do the stores, the announcements or the hash of a result.
//!
//! ```text
//! Draft ──check──▶ Kind ──form──▶ Form          what an organiser writes; kept; what the fold needs
//!                                  │
//! Answer ─────────allows, marks────┘            what a ballot holds; the slots it adds to
//! counts ──rows──▶ Row                          what is shown
//! ```
//!
//! A new kind is a folder here and a line in each `enum` and `match` below.

pub mod choice;
pub mod rating;

use serde::{Deserialize, Serialize};

use self::choice::{Choice, OptionSet};
use self::rating::{Rating, Steps};
use crate::poll::{Violation, clean};

/// A place in a poll's counts.
pub type Slot = usize;

/// What a poll asks, as it is kept; fixed once the poll has opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kind {
    /// Which of these options?
    Choice(Choice),
    /// How much of each of these statements?
    Rating(Rating),
}

/// What an organiser writes of a kind, not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// Options to choose from.
    Choice(choice::Draft),
    /// Statements to rate.
    Rating(rating::Draft),
}

impl Draft {
    /// Check what was written: the kind to keep, or every broken rule in `broken`.
    pub(crate) fn check(self, broken: &mut Vec<Violation>) -> Option<Kind> {
        match self {
            Self::Choice(draft) => draft.check(broken).map(Kind::Choice),
            Self::Rating(draft) => draft.check(broken).map(Kind::Rating),
        }
    }
}

impl Kind {
    /// The word for it in the API.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Choice(choice) => choice.kind.as_str(),
            Self::Rating(rating) => rating.kind.as_str(),
        }
    }

    /// What was written, to be edited further.
    pub fn to_draft(&self) -> Draft {
        match self {
            Self::Choice(choice) => Draft::Choice(choice.to_draft()),
            Self::Rating(rating) => Draft::Rating(rating.to_draft()),
        }
    }

    /// What the fold needs to know.
    pub fn form(&self) -> Form {
        match self {
            Self::Choice(choice) => Form::Choice(choice.form()),
            Self::Rating(rating) => Form::Rating(rating.form()),
        }
    }

    /// Read and check what a client wrote; the error says where it is wrong.
    pub fn read(&self, written: &Written<'_>) -> Result<Answer, Violation> {
        match self {
            Self::Choice(choice) => choice.read(written).map(Answer::Choice),
            Self::Rating(rating) => rating.read(written).map(Answer::Rating),
        }
    }

    /// What an answer says, in the organiser's words.
    pub fn say(&self, answer: &Answer) -> Vec<String> {
        match (self, answer) {
            (Self::Choice(choice), Answer::Choice(options)) => choice.say(*options),
            (Self::Rating(rating), Answer::Rating(steps)) => rating.say(steps),
            // No ballot of another kind ever counts.
            _ => Vec::new(),
        }
    }

    /// What these counts come to, a row for each thing that was asked about, in the organiser's
    /// order. Slots that the counts lack are zero.
    pub fn rows<'a>(&'a self, counts: &'a [u64]) -> Vec<Row<'a>> {
        match self {
            Self::Choice(choice) => choice.rows(counts).collect(),
            Self::Rating(rating) => rating.rows(counts).collect(),
        }
    }
}

/// One row of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// What was asked about, in the organiser's words.
    pub text: &'a str,
    /// Marks counted on it.
    pub votes: u64,
    /// How they are spread over a scale, where the kind has one.
    pub spread: Option<Spread<'a>>,
}

/// How often each step of a scale was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread<'a> {
    /// The lowest step.
    pub lowest: u8,
    /// By step, ascending.
    pub counts: &'a [u64],
}

impl Spread<'_> {
    /// The mean step; `None` while there is no mark.
    pub fn mean(&self) -> Option<f64> {
        let marks: u64 = self.counts.iter().sum();
        let sum: u64 = (u64::from(self.lowest)..).zip(self.counts).map(|(s, n)| s * n).sum();
        (marks > 0).then(|| sum as f64 / marks as f64)
    }
}

/// What a ballot of a poll may hold, and in how many slots it is counted: all that the fold needs
/// of a [`Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// See [`Choice`].
    Choice(choice::Form),
    /// See [`Rating`].
    Rating(rating::Form),
}

impl Form {
    /// How many slots there are.
    pub fn slots(self) -> usize {
        match self {
            Self::Choice(form) => form.slots(),
            Self::Rating(form) => form.slots(),
        }
    }

    /// Whether a ballot may hold this answer. One of another kind it may not.
    pub fn allows(self, answer: &Answer) -> bool {
        match (self, answer) {
            (Self::Choice(form), Answer::Choice(options)) => form.allows(*options),
            (Self::Rating(form), Answer::Rating(steps)) => form.allows(steps),
            _ => false,
        }
    }

    /// The marks of an answer that is allowed: each slot and its weight.
    pub fn marks(self, answer: &Answer, mut mark: impl FnMut(Slot, u64)) {
        match (self, answer) {
            (Self::Choice(_), Answer::Choice(options)) => choice::marks(*options, &mut mark),
            (Self::Rating(form), Answer::Rating(steps)) => form.marks(steps, &mut mark),
            _ => debug_assert!(false, "an answer of another kind is never allowed"),
        }
    }

    /// Add an answer's marks to counts that have all the slots.
    pub fn add(self, answer: &Answer, counts: &mut [u64]) {
        self.marks(answer, |slot, weight| counts[slot] += weight);
    }

    /// Take away what [`Form::add`] has added.
    pub fn take_away(self, answer: &Answer, counts: &mut [u64]) {
        self.marks(answer, |slot, weight| counts[slot] -= weight);
    }
}

/// An answer as a client may write it: exactly one of these. A kind reads its own and refuses the
/// others.
#[derive(Debug, Default)]
pub struct Written<'a> {
    /// The text of an option.
    pub option: Option<&'a str>,
    /// The id of an option.
    pub option_id: Option<u64>,
    /// The texts of options.
    pub options: Option<Vec<&'a str>>,
    /// The ids of options.
    pub option_ids: Option<&'a [u64]>,
    /// JSON that means something to one kind only.
    pub answer: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// How many of them there are.
    fn given(&self) -> usize {
        let Self { option, option_id, options, option_ids, answer } = self;
        let given = [
            option.is_some(),
            option_id.is_some(),
            options.is_some(),
            option_ids.is_some(),
            answer.is_some(),
        ];
        given.into_iter().filter(|given| *given).count()
    }

    /// The JSON of `answer`, if nothing else is given; `wanted` says what it is to be.
    fn only_answer(&self, wanted: &str) -> Result<&'a str, Violation> {
        let refuse =
            || Violation::new("", format!("a poll of this kind takes answer alone: {wanted}"));
        self.answer.filter(|_| self.given() == 1).ok_or_else(refuse)
    }
}

/// Texts of which no two are the same; what is wrong with them goes into `broken`.
fn distinct<'a>(
    pointer: &str,
    name: &str,
    given: impl Iterator<Item = &'a String>,
    most: usize,
    broken: &mut Vec<Violation>,
) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for (i, text) in given.enumerate() {
        let pointer = format!("{pointer}/{i}");
        let text = clean(&pointer, text, most, broken);
        if let Some(same) = texts.iter().position(|other| *other == text)
            && !text.is_empty()
        {
            broken.push(Violation::new(pointer, format!("is the same as {name} {}", same + 1)));
        }
        texts.push(text);
    }
    texts
}

/// What one ballot says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The options it marks.
    Choice(OptionSet),
    /// The step it gives to each statement.
    Rating(Steps),
}

impl Answer {
    /// The answer of a choice that marks these options; `None` if an id is outside 1 to 100.
    pub fn options(ids: impl IntoIterator<Item = choice::OptionId>) -> Option<Self> {
        OptionSet::of(ids).map(Self::Choice)
    }

    /// The member that says it in JSON, on the log and wherever ballots are told: its name and value.
    pub fn to_member(&self) -> (&'static str, serde_json::Value) {
        match self {
            Self::Choice(options) => ("optionIds", options.iter().collect()),
            Self::Rating(steps) => ("steps", steps.iter().collect()),
        }
    }

    /// The answer as a store keeps it in one column.
    pub fn pack(&self) -> Packed {
        match self {
            Self::Choice(options) => Packed::Bits(options.bits()),
            Self::Rating(_) => {
                Packed::Json(serde_json::to_string(self).expect("an answer is plain data"))
            }
        }
    }

    /// The answer of [`Answer::pack`]; `None` if no kind has packed it.
    pub fn unpack(packed: &Packed) -> Option<Self> {
        match packed {
            Packed::Bits(bits) => OptionSet::from_bits(*bits).map(Self::Choice),
            Packed::Json(json) => serde_json::from_str(json).ok(),
        }
    }
}

impl std::fmt::Display for Answer {
    /// For people who do not have the poll at hand: ids in place of the organiser's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Choice(options) => options.fmt(f),
            Self::Rating(steps) => steps.fmt(f),
        }
    }
}

/// An answer in the form in which stores keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    /// A set of small numbers: bit *n* says whether *n* is in it.
    Bits(u128),
    /// JSON, as it stands on the log.
    Json(String),
}
