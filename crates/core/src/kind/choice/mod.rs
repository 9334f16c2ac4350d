//! A choice: options, of which a ballot marks one (`single`) or several (`multiple`).
//!
//! Option *n* is counted in slot *n* − 1.

mod options;
mod written;

use std::borrow::Cow;
use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

pub use self::options::{OptionId, OptionSet};
pub use self::written::Written;
use super::{Row, RowId, Slot};
use crate::rule::{Violation, list};
use crate::text::{self, Text};

/// The most options that a poll may have.
pub const MAX_OPTIONS: usize = 100;
/// The fewest options that a poll may have.
pub const MIN_OPTIONS: usize = 2;
/// The greatest length of an option, in characters.
pub const MAX_OPTION_CHARS: usize = 200;

/// `ChoiceMode` says whether a ballot marks one option or may mark several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChoiceMode {
    /// A ballot marks exactly one option.
    #[default]
    Single,
    /// A ballot marks one to `maxChoices` options.
    Multiple,
}

impl ChoiceMode {
    /// Returns the word for the mode, as the API and the stores have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Multiple => "multiple",
        }
    }
}

/// A choice holds the options and the number that a ballot may mark, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The options' texts; option *n* is at index *n* − 1.
    pub options: Vec<String>,
    /// Whether a ballot marks one option or several.
    pub kind: ChoiceMode,
    /// Most options a ballot may mark (1 for a single choice).
    pub max_choices: OptionId,
}

/// A draft is a choice as an organiser writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The options: 2 to 100 texts of 1 to 200 characters, of which no two look the same.
    pub options: Vec<String>,
    /// Single or multiple; the default is single, or multiple if `max_choices` is above 1.
    pub kind: Option<ChoiceMode>,
    /// Most options a ballot may mark; the default is 1, or every option for a multiple choice.
    pub max_choices: Option<u64>,
}

impl<Texts: IntoIterator<Item: Into<String>>> From<Texts> for super::KindDraft {
    /// Returns a single choice between these options.
    fn from(options: Texts) -> Self {
        let options = options.into_iter().map(Into::into).collect();
        Self::Choice(Draft { options, ..Draft::default() })
    }
}

impl Draft {
    /// Checks the draft. Returns the choice to keep, or adds every broken rule to `broken`.
    pub(super) fn check(self, broken: &mut Vec<Violation>) -> Option<Choice> {
        let found = broken.len();
        let bounds = MIN_OPTIONS..=MAX_OPTIONS;
        let options = list("option", &self.options, bounds, MAX_OPTION_CHARS, broken);
        let kind = self.kind.unwrap_or(match self.max_choices {
            Some(most) if most > 1 => ChoiceMode::Multiple,
            _ => ChoiceMode::Single,
        });
        let max_choices = most(kind, self.max_choices, self.options.len(), broken);
        let max_choices = OptionId::try_from(max_choices).unwrap_or_default();
        (broken.len() == found).then_some(Choice { options, kind, max_choices })
    }
}

/// Returns the most options that a ballot may mark, and adds what is wrong with it to `broken`.
fn most(kind: ChoiceMode, given: Option<u64>, count: usize, broken: &mut Vec<Violation>) -> u64 {
    match (kind, given) {
        (ChoiceMode::Single, None | Some(1)) => 1,
        (ChoiceMode::Single, Some(most)) => {
            let detail = format!("must be 1 for a single choice; it is {most}");
            broken.push(Violation::new("/maxChoices", detail));
            1
        }
        (ChoiceMode::Multiple, None) => count as u64,
        (ChoiceMode::Multiple, Some(most)) => {
            if most == 0 || most > count as u64 {
                broken.push(Violation::new(
                    "/maxChoices",
                    format!("must be from 1 to the number of options ({count}); it is {most}"),
                ));
            }
            most
        }
    }
}

impl Choice {
    /// Returns the choice as a draft, to be edited further.
    pub(super) fn to_draft(&self) -> Draft {
        let max_choices = Some(u64::from(self.max_choices));
        Draft { options: self.options.clone(), kind: Some(self.kind), max_choices }
    }

    /// Returns what the fold needs to know.
    pub(super) fn form(&self) -> Form {
        Form { options: self.options.len() as OptionId, most: self.max_choices }
    }

    /// Reads and checks the answer that a client wrote in any of the five members.
    pub(super) fn read(&self, written: &super::Written<'_>) -> Result<OptionSet, Violation> {
        if written.given() != 1 {
            let detail = format!(
                "exactly one of option, optionId, options, optionIds and answer is needed; there \
                 are {}",
                written.given()
            );
            return Err(Violation::new("", detail));
        }
        let keys = OnceCell::new();
        let Written { option, option_id, options, option_ids } = &written.choice;
        let (marked, pointer) = if let Some(Text(text)) = option {
            (OptionSet::of([self.by_text(text, &keys, || "/option".into())?]), "/option")
        } else if let Some(id) = option_id {
            (OptionSet::of([self.by_number(*id, || "/optionId".into())?]), "/optionId")
        } else if let Some(texts) = options {
            let texts = texts.iter().enumerate();
            let ids =
                texts.map(|(i, Text(text))| self.by_text(text, &keys, || format!("/options/{i}")));
            (OptionSet::of(ids.collect::<Result<Vec<_>, _>>()?), "/options")
        } else if let Some(ids) = option_ids {
            (self.by_numbers(ids, "/optionIds")?, "/optionIds")
        } else {
            let ids = serde_json::from_str::<Vec<u64>>(written.answer.unwrap_or_default());
            let ids = ids.map_err(|_| {
                Violation::new("/answer", "must be an array of ids of the poll's options")
            })?;
            (self.by_numbers(&ids, "/answer")?, "/answer")
        };
        let marked = marked.expect("options of a poll are numbered 1 to 100");
        self.check(marked).map_err(|detail| Violation::new(pointer, detail))?;
        Ok(marked)
    }

    /// Returns the option with this text, or else the one that looks like it. Polls that were made before texts
    /// were normalised may have options that look the same, and each of those is still known by its exact text.
    /// `keys` are what the options are compared by, once they are needed.
    fn by_text<'a>(
        &'a self,
        text: &str,
        keys: &OnceCell<Vec<Cow<'a, str>>>,
        at: impl Fn() -> String,
    ) -> Result<OptionId, Violation> {
        let text = text.trim();
        if let Some(index) = self.options.iter().position(|option| option == text) {
            return Ok(index as OptionId + 1);
        }
        let key = text::key(text);
        let keys = keys.get_or_init(|| self.options.iter().map(|text| text::key(text)).collect());
        let mut alike = (1..).zip(keys).filter(|(_, other)| **other == key);
        match (alike.next(), alike.next()) {
            (Some((id, _)), None) => return Ok(id),
            (Some((one, _)), Some((other, _))) => {
                let detail = format!("looks like options {one} and {other}: send the optionId");
                return Err(Violation::new(at(), detail));
            }
            (None, _) => {}
        }
        let shown: String = text.chars().take(50).collect();
        let more = if shown.len() < text.len() { "…" } else { "" };
        let detail = format!("{:?} is not an option of this poll", format!("{shown}{more}"));
        Err(Violation::new(at(), detail))
    }

    fn by_numbers(&self, ids: &[u64], pointer: &str) -> Result<Option<OptionSet>, Violation> {
        let ids = ids.iter().enumerate();
        let ids = ids.map(|(i, id)| self.by_number(*id, || format!("{pointer}/{i}")));
        Ok(OptionSet::of(ids.collect::<Result<Vec<_>, _>>()?))
    }

    fn by_number(&self, id: u64, at: impl Fn() -> String) -> Result<OptionId, Violation> {
        let count = self.options.len();
        if (1..=count as u64).contains(&id) {
            return Ok(id as OptionId);
        }
        let detail = format!("option {id} does not exist; the poll has options 1 to {count}");
        Err(Violation::new(at(), detail))
    }

    /// Returns the text of an option.
    pub(super) fn text_of(&self, option: RowId) -> Option<&str> {
        self.options.get(usize::from(option).checked_sub(1)?).map(String::as_str)
    }

    /// Returns the texts of the marked options.
    pub(super) fn say(&self, marked: OptionSet) -> Vec<String> {
        marked.iter().filter_map(|id| self.options.get(usize::from(id) - 1).cloned()).collect()
    }

    /// Checks that the number of marked options is allowed.
    fn check(&self, marked: OptionSet) -> Result<(), String> {
        let (marks, most) = (marked.len(), usize::from(self.max_choices));
        if marks == 0 {
            return Err("at least one option must be chosen".into());
        }
        if marks > most {
            return Err(match most {
                1 => format!("this poll takes one choice; there are {marks}"),
                _ => format!("this poll takes at most {most} choices; there are {marks}"),
            });
        }
        Ok(())
    }

    /// Returns a row for each option; slots that the counts lack are zero.
    pub fn rows<'a>(&'a self, counts: &'a [u64]) -> impl Iterator<Item = Row<'a>> {
        let counts = counts.iter().copied().chain(std::iter::repeat(0));
        let rows = self.options.iter().zip(counts);
        rows.map(|(text, votes)| Row { text, votes, points: None, spread: None })
    }
}

/// The form is the part of a [`Choice`] that the fold needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// How many options there are.
    pub options: OptionId,
    /// How many options a ballot may mark.
    pub most: OptionId,
}

impl Form {
    /// Returns the number of slots, which is the number of options.
    pub(super) fn slots(self) -> usize {
        usize::from(self.options)
    }

    /// Returns whether a ballot may mark these options.
    pub(super) fn allows(self, marked: OptionSet) -> bool {
        !marked.is_empty()
            && marked.len() <= usize::from(self.most)
            && marked.greatest() <= self.options
    }
}

/// Calls `mark` with the slot of each marked option, and the weight 1.
pub(super) fn marks(marked: OptionSet, mark: &mut impl FnMut(Slot, u64)) {
    for option in marked.iter() {
        mark(usize::from(option) - 1, 1);
    }
}
