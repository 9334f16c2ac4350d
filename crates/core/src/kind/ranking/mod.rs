//! A ranking: options, which a ballot puts in order as far as it has places, the best first.
//!
//! Place *p* given to option *n* is counted in slot (*n* − 1) × places + (*p* − 1). It is worth places + 1 − *p* points
//! (Borda count), and an option that a ballot does not name gets none.

use serde::{Deserialize, Serialize};

use super::{Row, RowId, Slot, Spread, Written};
use crate::rule::{Violation, list};

/// The fewest options that a poll may have.
pub const MIN_OPTIONS: usize = 2;
/// The most options that a poll may have.
pub const MAX_OPTIONS: usize = 20;
/// The greatest length of an option, in characters.
pub const MAX_OPTION_CHARS: usize = 200;

/// `KindWord` is the word `ranking`, which tells this kind from others in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KindWord {
    /// The only word there is.
    #[default]
    Ranking,
}

impl KindWord {
    /// Returns the word as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ranking => "ranking",
        }
    }
}

/// A ranking holds the options and the number of places, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking {
    /// The word that tells a ranking from other kinds.
    pub kind: KindWord,
    /// The options' texts; option *n* is at index *n* − 1.
    pub options: Vec<String>,
    /// The number of places that a ballot may give.
    pub places: u8,
}

/// A draft is a ranking as an organiser writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The options: 2 to 20 texts of 1 to 200 characters, of which no two look the same.
    pub options: Vec<String>,
    /// The number of places that a ballot may give; the default is one for each option.
    pub places: Option<u64>,
}

impl Draft {
    /// Checks the draft. Returns the ranking to keep, or adds every broken rule to `broken`.
    pub(super) fn check(self, broken: &mut Vec<Violation>) -> Option<Ranking> {
        let found = broken.len();
        let count = self.options.len() as u64;
        let bounds = MIN_OPTIONS..=MAX_OPTIONS;
        let options = list("option", &self.options, bounds, MAX_OPTION_CHARS, broken);
        let places = self.places.unwrap_or(count);
        if self.places.is_some() && !(1..=count).contains(&places) {
            let detail =
                format!("must be from 1 to the number of options ({count}); it is {places}");
            broken.push(Violation::new("/places", detail));
        }
        let kind = KindWord::Ranking;
        (broken.len() == found).then_some(Ranking { kind, options, places: places as u8 })
    }
}

impl Ranking {
    /// Returns the ranking as a draft, to be edited further. Where every option has a place, it stays so when there
    /// are more options or fewer.
    pub(super) fn to_draft(&self) -> Draft {
        let fewer = usize::from(self.places) < self.options.len();
        let places = fewer.then_some(self.places.into());
        Draft { options: self.options.clone(), places }
    }

    /// Returns what the fold needs to know.
    pub(super) fn form(&self) -> Form {
        Form { options: self.options.len() as RowId, places: self.places }
    }

    /// Reads and checks the answer that a client wrote in `answer`.
    pub(super) fn read(&self, written: &Written<'_>) -> Result<Order, Violation> {
        let wrong = |detail: String| Violation::new("/answer", detail);
        let (count, places) = (self.options.len() as u64, usize::from(self.places));
        let wanted = match places {
            1 => format!("an array with the id of one of the {count} options"),
            _ => format!(
                "an array with the ids of 1 to {places} of the {count} options, the best first"
            ),
        };
        let json = written.only_answer(&wanted)?;
        let given: Vec<u64> =
            serde_json::from_str(json).map_err(|_| wrong(format!("must be {wanted}")))?;
        if given.is_empty() {
            return Err(wrong("at least one option must be ranked".into()));
        }
        if given.len() > places {
            let options = if places == 1 { "option" } else { "options" };
            let detail = format!("must rank at most {places} {options}; it ranks {}", given.len());
            return Err(wrong(detail));
        }
        for (i, id) in given.iter().enumerate() {
            let wrong = |detail| Err(Violation::new(format!("/answer/{i}"), detail));
            if !(1..=count).contains(id) {
                let detail =
                    format!("option {id} does not exist; the poll has options 1 to {count}");
                return wrong(detail);
            }
            if let Some(place) = given[..i].iter().position(|earlier| earlier == id) {
                return wrong(format!("option {id} has place {} already", place + 1));
            }
        }
        Ok(Order::of(given.into_iter().map(|id| id as RowId)))
    }

    /// Returns the text of an option.
    pub(super) fn text_of(&self, option: RowId) -> Option<&str> {
        self.options.get(usize::from(option).checked_sub(1)?).map(String::as_str)
    }

    /// Returns the ranked options, each behind its place.
    pub(super) fn say(&self, order: &Order) -> Vec<String> {
        let ranked = (1..).zip(order.iter());
        ranked.filter_map(|(p, id)| Some(format!("{p}. {}", self.text_of(id)?))).collect()
    }

    /// Returns a row for each option; slots that the counts lack are zero.
    pub fn rows<'a>(&'a self, counts: &'a [u64]) -> impl Iterator<Item = Row<'a>> {
        let places = usize::from(self.places);
        let row = move |(i, text): (usize, &'a String)| {
            let counts = counts.get(i * places..(i + 1) * places).unwrap_or_default();
            let worth = (1..=u64::from(self.places)).rev();
            let points = counts.iter().zip(worth).map(|(ballots, worth)| ballots * worth).sum();
            let spread = Spread { lowest: 1, counts };
            Row { text, votes: counts.iter().sum(), points: Some(points), spread: Some(spread) }
        };
        self.options.iter().enumerate().map(row)
    }
}

/// An `Order` is the answer of a ballot in a ranking: the options that it ranks, the best first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Order(Box<[RowId]>);

impl Order {
    /// Creates an answer that gives these options the places from 1 on.
    pub fn of(options: impl IntoIterator<Item = RowId>) -> Self {
        Self(options.into_iter().collect())
    }

    /// Returns the options, the best first.
    pub fn iter(&self) -> impl Iterator<Item = RowId> {
        self.0.iter().copied()
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<String> = self.iter().map(|id| id.to_string()).collect();
        write!(f, "order {}", ids.join(", "))
    }
}

/// The form is the part of a [`Ranking`] that the fold needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// How many options there are.
    pub options: RowId,
    /// How many places a ballot may give.
    pub places: u8,
}

impl Form {
    /// Returns the number of slots: one for each place of each option.
    pub(super) fn slots(self) -> usize {
        usize::from(self.options) * usize::from(self.places)
    }

    /// Returns whether a ballot may rank these options.
    pub(super) fn allows(self, Order(ids): &Order) -> bool {
        let is_once = |(i, id): (usize, &RowId)| !ids[..i].contains(id);
        (1..=usize::from(self.places)).contains(&ids.len())
            && ids.iter().all(|id| (1..=self.options).contains(id))
            && ids.iter().enumerate().all(is_once)
    }

    /// Calls `mark` with the slot of each place that was given, and the weight 1.
    pub(super) fn marks(self, order: &Order, mark: &mut impl FnMut(Slot, u64)) {
        for (place, option) in order.iter().enumerate() {
            mark((usize::from(option) - 1) * usize::from(self.places) + place, 1);
        }
    }
}
