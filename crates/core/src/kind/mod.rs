//! Kinds of polls, a folder each: what an organiser writes, which answers a ballot may hold, which
//! marks an answer stands for, and what result the marks add up to.
//!
//! A poll counts in *slots*, numbered from 0. A *mark* adds a weight to one slot. The fold adds the
//! marks of an answer and takes away those of the answer that it replaces, without knowing what a
//! slot stands for. The stores and the announcements do not know it either.
//!
//! | kind | slots |
//! |---|---|
//! | [`choice`] | one for each option |
//! | [`rating`] | one for each statement and step |
//! | [`ranking`] | one for each option and place |
//! | [`points`] | two for each option: the sum of its points, and the people who gave it any |
//! | [`number`] | one for each value |
//! | [`words`] | one for all words beyond the bound, and one for each name, as names come; see [`Names`] |
//!
//! Of all kinds but words, a slot is the same in every partition, and counts are added slot by slot. Each partition
//! gives slots to names by itself, so words are added name by name; see [`Standing::cloud`](crate::standing::Standing::cloud).
//!
//! ```text
//! KindDraft ──check──▶ Kind ──form──▶ Form      what an organiser writes; kept; what the fold needs
//!                                      │
//! Answer ─────────allows, marks────────┘        what a ballot holds; the slots it adds to
//! counts ──rows──▶ Row                          what is shown
//! ```
//!
//! A new kind is a folder here and a line in each `enum` and `match` below.

pub mod choice;
pub mod number;
pub mod points;
pub mod ranking;
pub mod rating;
pub mod words;

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::choice::{Choice, OptionSet};
use self::number::{Decimal, Number};
use self::points::{Points, Split};
use self::ranking::{Order, Ranking};
use self::rating::{Rating, Steps};
use self::words::{Names, Said, Words};
use crate::rule::Violation;
use crate::seal::{TextKey, Word};

/// A slot is the index of a counter in a poll's counts.
pub type Slot = usize;

/// A row's id is its place in the result, from 1 on.
pub type RowId = u8;

/// The kind is what a poll asks, as it is kept; it is fixed once the poll has opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kind {
    /// Voters choose from these options.
    Choice(Choice),
    /// Voters rate these statements.
    Rating(Rating),
    /// Voters put these options in order.
    Ranking(Ranking),
    /// Voters spread points over these options.
    Points(Points),
    /// Voters give a number between these bounds.
    Number(Number),
    /// Voters say words.
    Words(Words),
}

/// A draft is a kind as an organiser writes it, not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindDraft {
    /// Options to choose from.
    Choice(choice::Draft),
    /// Statements to rate.
    Rating(rating::Draft),
    /// Options to rank.
    Ranking(ranking::Draft),
    /// Options to give points to.
    Points(points::Draft),
    /// Bounds of a number.
    Number(number::Draft),
    /// Words to say.
    Words(words::Draft),
}

impl KindDraft {
    /// Checks what was written. Returns the kind to keep, or adds every broken rule to `broken`.
    pub(crate) fn check(self, broken: &mut Vec<Violation>) -> Option<Kind> {
        match self {
            Self::Choice(draft) => draft.check(broken).map(Kind::Choice),
            Self::Rating(draft) => draft.check(broken).map(Kind::Rating),
            Self::Ranking(draft) => draft.check(broken).map(Kind::Ranking),
            Self::Points(draft) => draft.check(broken).map(Kind::Points),
            Self::Number(draft) => draft.check(broken).map(Kind::Number),
            Self::Words(draft) => draft.check(broken).map(Kind::Words),
        }
    }
}

impl Kind {
    /// Returns the kind's name, which is that of its folders.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Choice(_) => "choice",
            Self::Rating(_) => "rating",
            Self::Ranking(_) => "ranking",
            Self::Points(_) => "points",
            Self::Number(_) => "number",
            Self::Words(_) => "words",
        }
    }

    /// Returns the word for the kind in the API.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Choice(choice) => choice.kind.as_str(),
            Self::Rating(rating) => rating.kind.as_str(),
            Self::Ranking(ranking) => ranking.kind.as_str(),
            Self::Points(points) => points.kind.as_str(),
            Self::Number(number) => number.kind.as_str(),
            Self::Words(words) => words.kind.as_str(),
        }
    }

    /// Returns what was written, to be edited further.
    pub fn to_draft(&self) -> KindDraft {
        match self {
            Self::Choice(choice) => KindDraft::Choice(choice.to_draft()),
            Self::Rating(rating) => KindDraft::Rating(rating.to_draft()),
            Self::Ranking(ranking) => KindDraft::Ranking(ranking.to_draft()),
            Self::Points(points) => KindDraft::Points(points.to_draft()),
            Self::Number(number) => KindDraft::Number(number.to_draft()),
            Self::Words(words) => KindDraft::Words(words.to_draft()),
        }
    }

    /// Returns what the fold needs to know.
    pub fn form(&self) -> Form {
        match self {
            Self::Choice(choice) => Form::Choice(choice.form()),
            Self::Rating(rating) => Form::Rating(rating.form()),
            Self::Ranking(ranking) => Form::Ranking(ranking.form()),
            Self::Points(points) => Form::Points(points.form()),
            Self::Number(number) => Form::Number(number.form()),
            Self::Words(words) => Form::Words(words.form()),
        }
    }

    /// Reads and checks the answer that a client wrote; the error says where it is wrong. A kind whose answers hold
    /// texts needs the poll's `key`.
    pub fn read(&self, written: &Written<'_>, key: Option<&TextKey>) -> Result<Answer, Violation> {
        match self {
            Self::Choice(choice) => choice.read(written).map(Answer::Choice),
            Self::Rating(rating) => rating.read(written).map(Answer::Rating),
            Self::Ranking(ranking) => ranking.read(written).map(Answer::Ranking),
            Self::Points(points) => points.read(written).map(Answer::Points),
            Self::Number(number) => number.read(written).map(Answer::Number),
            Self::Words(words) => {
                let lost =
                    || Violation::new("/answer", "cannot be taken: the poll's texts were erased");
                words.read(written, key.ok_or_else(lost)?).map(Answer::Words)
            }
        }
    }

    /// Returns what an answer says, in the organiser's words, or in the voter's as far as `key` can open them.
    pub fn say(&self, answer: &Answer, key: Option<&TextKey>) -> Vec<String> {
        match (self, answer) {
            (Self::Choice(choice), Answer::Choice(options)) => choice.say(*options),
            (Self::Rating(rating), Answer::Rating(steps)) => rating.say(steps),
            (Self::Ranking(ranking), Answer::Ranking(order)) => ranking.say(order),
            (Self::Points(points), Answer::Points(split)) => points.say(split),
            (Self::Number(number), Answer::Number(given)) => number.say(*given),
            (Self::Words(words), Answer::Words(said)) => words.say(said, key),
            // A ballot of another kind never counts.
            _ => Vec::new(),
        }
    }

    /// Returns whether the leaderboard ranks the rows of such a poll, each of which is one slot.
    pub fn ranks_rows(&self) -> bool {
        match self {
            Self::Choice(_) => true,
            Self::Rating(_)
            | Self::Ranking(_)
            | Self::Points(_)
            | Self::Number(_)
            | Self::Words(_) => false,
        }
    }

    /// Returns whether answers hold texts, which are sealed under a key of the poll.
    pub fn holds_texts(&self) -> bool {
        matches!(self, Self::Words(_))
    }

    /// Returns whether the organiser keeps something of the kind that nobody else is told before the poll is closed.
    pub fn keeps_until_close(&self) -> bool {
        match self {
            Self::Choice(_)
            | Self::Rating(_)
            | Self::Ranking(_)
            | Self::Points(_)
            | Self::Words(_) => false,
            Self::Number(number) => number.solution.is_some(),
        }
    }

    /// Returns the organiser's text of a row.
    pub fn text_of(&self, row: RowId) -> Option<&str> {
        match self {
            Self::Choice(choice) => choice.text_of(row),
            Self::Rating(rating) => rating.text_of(row),
            Self::Ranking(ranking) => ranking.text_of(row),
            Self::Points(points) => points.text_of(row),
            Self::Number(number) => number.text_of(row),
            Self::Words(words) => words.text_of(row),
        }
    }

    /// Returns the result of these counts: a row for each option or statement, in the organiser's
    /// order, or the only row of a number or of words. Slots that the counts lack are zero.
    pub fn rows<'a>(&'a self, counts: &'a [u64]) -> Vec<Row<'a>> {
        match self {
            Self::Choice(choice) => choice.rows(counts).collect(),
            Self::Rating(rating) => rating.rows(counts).collect(),
            Self::Ranking(ranking) => ranking.rows(counts).collect(),
            Self::Points(points) => points.rows(counts).collect(),
            Self::Number(number) => number.rows(counts).collect(),
            Self::Words(words) => words.rows(counts).collect(),
        }
    }
}

/// A row of a result has the votes for one option or statement, or all those of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The option or statement, in the organiser's words; of a number it is the unit, which may be empty.
    pub text: &'a str,
    /// The number of voters counted who marked it.
    pub votes: u64,
    /// The points that it has, where the kind counts any.
    pub points: Option<u64>,
    /// How the marks are spread over a scale or over places, where the kind has them.
    pub spread: Option<Spread<'a>>,
}

/// The spread says how often each step of a scale, or each place, was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread<'a> {
    /// The lowest step, or the first place.
    pub lowest: u8,
    /// The counts by step or place, ascending.
    pub counts: &'a [u64],
}

impl Spread<'_> {
    /// Returns the mean step or place; `None` while there is no mark.
    pub fn mean(&self) -> Option<f64> {
        let marks: u64 = self.counts.iter().sum();
        let sum: u64 = (u64::from(self.lowest)..).zip(self.counts).map(|(s, n)| s * n).sum();
        (marks > 0).then(|| sum as f64 / marks as f64)
    }
}

/// The form is the part of a [`Kind`] that the fold needs: what a ballot may hold, and in how many
/// slots it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// The form of a [`Choice`].
    Choice(choice::Form),
    /// The form of a [`Rating`].
    Rating(rating::Form),
    /// The form of a [`Ranking`].
    Ranking(ranking::Form),
    /// The form of [`Points`].
    Points(points::Form),
    /// The form of a [`Number`].
    Number(number::Form),
    /// The form of [`Words`].
    Words(words::Form),
}

impl Form {
    /// Returns the number of slots. Words have more as soon as names have come; see [`Names`].
    pub fn slots(self) -> usize {
        match self {
            Self::Choice(form) => form.slots(),
            Self::Rating(form) => form.slots(),
            Self::Ranking(form) => form.slots(),
            Self::Points(form) => form.slots(),
            Self::Number(form) => form.slots(),
            Self::Words(form) => form.slots(),
        }
    }

    /// Returns the number of votes in these counts: of the marks that each stand for one voter.
    pub fn votes(self, counts: &[u64]) -> u64 {
        match self {
            Self::Choice(_)
            | Self::Rating(_)
            | Self::Ranking(_)
            | Self::Number(_)
            | Self::Words(_) => counts.iter().sum(),
            Self::Points(_) => points::Form::votes(counts),
        }
    }

    /// Returns whether a ballot may hold this answer. An answer of another kind is never allowed.
    pub fn allows(self, answer: &Answer) -> bool {
        match (self, answer) {
            (Self::Choice(form), Answer::Choice(options)) => form.allows(*options),
            (Self::Rating(form), Answer::Rating(steps)) => form.allows(steps),
            (Self::Ranking(form), Answer::Ranking(order)) => form.allows(order),
            (Self::Points(form), Answer::Points(split)) => form.allows(split),
            (Self::Number(form), Answer::Number(number)) => form.allows(*number),
            (Self::Words(form), Answer::Words(said)) => form.allows(said),
            _ => false,
        }
    }

    /// Calls `mark` with the slot and the weight of each mark of an answer that is allowed. `names` are those of the
    /// partition, which other kinds than words do without.
    pub fn marks(self, answer: &Answer, names: &Names, mut mark: impl FnMut(Slot, u64)) {
        match (self, answer) {
            (Self::Choice(_), Answer::Choice(options)) => choice::marks(*options, &mut mark),
            (Self::Rating(form), Answer::Rating(steps)) => form.marks(steps, &mut mark),
            (Self::Ranking(form), Answer::Ranking(order)) => form.marks(order, &mut mark),
            (Self::Points(_), Answer::Points(split)) => points::Form::marks(split, &mut mark),
            (Self::Number(form), Answer::Number(number)) => form.marks(*number, &mut mark),
            (Self::Words(_), Answer::Words(said)) => words::Form::marks(said, names, &mut mark),
            _ => debug_assert!(false, "an answer of another kind is never allowed"),
        }
    }
}

/// `Written` is an answer as a client may write it, in exactly one of these members. A kind reads
/// its own members and refuses the others.
#[derive(Debug, Default)]
pub struct Written<'a> {
    /// The members that only a choice has.
    pub choice: choice::Written<'a>,
    /// JSON whose meaning depends on the kind.
    pub answer: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// Returns the names of the members.
    pub fn members() -> impl Iterator<Item = &'static str> {
        choice::Written::MEMBERS.into_iter().chain(["answer"])
    }

    /// Reads the value of a member, if it is one of an answer's. Returns its place among them.
    pub fn member<M: MapAccess<'a>>(
        &mut self,
        name: &str,
        map: &mut M,
    ) -> Result<Option<usize>, M::Error> {
        if name == "answer" {
            self.answer = map.next_value::<Option<&RawValue>>()?.map(RawValue::get);
            return Ok(Some(choice::Written::MEMBERS.len()));
        }
        self.choice.member(name, map)
    }

    /// Returns how many of the members are given.
    fn given(&self) -> usize {
        self.choice.given() + usize::from(self.answer.is_some())
    }

    /// Returns the JSON of `answer` if nothing else is given; `wanted` tells the client what it has
    /// to be.
    fn only_answer(&self, wanted: &str) -> Result<&'a str, Violation> {
        let refuse =
            || Violation::new("", format!("a poll of this kind takes answer alone: {wanted}"));
        self.answer.filter(|_| self.given() == 1).ok_or_else(refuse)
    }
}

/// An answer is what one voter filled in, as the poll's kind defines it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The options that the ballot marks.
    Choice(OptionSet),
    /// The step that the ballot gives to each statement.
    Rating(Steps),
    /// The options that the ballot ranks, in order.
    Ranking(Order),
    /// The points that the ballot gives to each option.
    Points(Split),
    /// The number that the ballot gives.
    Number(Decimal),
    /// The words that the ballot says.
    Words(Said),
}

impl Answer {
    /// Returns the answer of a choice that marks these options; `None` if an id is outside 1 to
    /// 100.
    pub fn options(ids: impl IntoIterator<Item = choice::OptionId>) -> Option<Self> {
        OptionSet::of(ids).map(Self::Choice)
    }

    /// Returns the answer in the canonical form of a ballot's record, if its kind has one there.
    pub(crate) fn canonical(&self) -> Option<OptionSet> {
        match self {
            Self::Choice(options) => Some(*options),
            Self::Rating(_)
            | Self::Ranking(_)
            | Self::Points(_)
            | Self::Number(_)
            | Self::Words(_) => None,
        }
    }

    /// Returns the words whose names are counted in slots of their own; there are none in other kinds than words.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        let said = match self {
            Self::Words(said) => Some(said),
            _ => None,
        };
        said.into_iter().flat_map(Said::iter)
    }

    /// Reads an answer in the canonical form from the start of these bytes. Returns the rest, too.
    pub(crate) fn read_canonical(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (options, rest) = OptionSet::read(bytes)?;
        Some((Self::Choice(options), rest))
    }

    /// Returns the name and value of the JSON member that exports, traces and votes say the answer
    /// in. On the log an answer may stand otherwise. Of words it has the names.
    pub fn to_member(&self) -> (&'static str, serde_json::Value) {
        match self {
            Self::Choice(options) => ("optionIds", options.iter().collect()),
            Self::Rating(steps) => ("answer", steps.iter().collect()),
            Self::Ranking(order) => ("answer", order.iter().collect()),
            Self::Points(split) => ("answer", split.iter().collect()),
            Self::Number(number) => ("answer", serde_json::json!(number)),
            Self::Words(said) => {
                ("answer", said.iter().map(|word| word.name.to_string()).collect())
            }
        }
    }

    /// Returns the answer in the form in which a store keeps it in one column.
    pub fn pack(&self) -> Packed {
        match self {
            Self::Choice(options) => Packed::Bits(options.bits()),
            Self::Rating(_)
            | Self::Ranking(_)
            | Self::Points(_)
            | Self::Number(_)
            | Self::Words(_) => {
                Packed::Json(serde_json::to_string(self).expect("an answer is plain data"))
            }
        }
    }

    /// Returns the answer that [`Answer::pack`] packed; `None` if these bits or this JSON are no
    /// answer of any kind.
    pub fn unpack(packed: &Packed) -> Option<Self> {
        match packed {
            Packed::Bits(bits) => OptionSet::from_bits(*bits).map(Self::Choice),
            Packed::Json(json) => serde_json::from_str(json).ok(),
        }
    }
}

impl std::fmt::Display for Answer {
    /// Writes ids in place of the organiser's words, for people who do not have the poll at hand.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Choice(options) => options.fmt(f),
            Self::Rating(steps) => steps.fmt(f),
            Self::Ranking(order) => order.fmt(f),
            Self::Points(split) => split.fmt(f),
            Self::Number(number) => write!(f, "number {number}"),
            Self::Words(said) => said.fmt(f),
        }
    }
}

/// `Packed` is an answer in the form in which stores keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    /// A set of small numbers: bit *n* says whether *n* is in it.
    Bits(u128),
    /// The answer as JSON, as it stands on the log.
    Json(String),
}
