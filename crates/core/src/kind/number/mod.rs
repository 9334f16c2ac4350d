//! A number: a guess or an estimate, between two bounds and in steps.
//!
//! Value *k*, which is the least number plus *k* steps, is counted in slot *k*. The organiser may keep the right
//! answer, the *solution*; nobody but the organiser and the operator is told it before the poll is closed.

mod bins;
mod decimal;
mod figures;

use serde::{Deserialize, Serialize};

pub use self::bins::Bin;
pub use self::decimal::{DIGITS, Decimal, GREATEST, NoDecimal};
pub use self::figures::Nearest;
use super::{Row, RowId, Slot, Written};
use crate::rule::{Violation, clean};
use crate::text;

/// The most values that a ballot may choose from.
pub const MAX_VALUES: u16 = 1001;
/// The greatest length of a unit, in characters.
pub const MAX_UNIT_CHARS: usize = 20;
/// The least number if the organiser does not say.
pub const USUAL_MIN: Decimal = Decimal::whole(0);
/// The greatest number if the organiser does not say.
pub const USUAL_MAX: Decimal = Decimal::whole(100);
/// The step if the organiser does not say.
pub const USUAL_STEP: Decimal = Decimal::whole(1);

/// `KindWord` is the word `number`, which tells this kind from others in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KindWord {
    /// The only word there is.
    #[default]
    Number,
}

impl KindWord {
    /// Returns the word as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
        }
    }
}

/// A number holds the bounds, the step, the unit and the solution, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// The word that tells a number from other kinds.
    pub kind: KindWord,
    /// The least number that a ballot may have.
    pub min: Decimal,
    /// The greatest number that a ballot may have, which is a whole number of steps above the least.
    pub max: Decimal,
    /// The step from one number to the next.
    pub step: Decimal,
    /// The unit; empty if there is none.
    pub unit: String,
    /// The right answer, if the organiser keeps one. It need be no number that a ballot may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<Decimal>,
}

/// A draft is a number as an organiser writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The least number that a ballot may have; the default is 0.
    pub min: Option<Decimal>,
    /// The greatest number that a ballot may have; the default is 100.
    pub max: Option<Decimal>,
    /// The step from one number to the next; the default is 1.
    pub step: Option<Decimal>,
    /// The unit, in up to 20 characters.
    pub unit: String,
    /// The right answer; by default there is none.
    pub solution: Option<Decimal>,
}

impl Draft {
    /// Checks the draft. Returns the number to keep, or adds every broken rule to `broken`.
    pub(super) fn check(self, broken: &mut Vec<Violation>) -> Option<Number> {
        let found = broken.len();
        let (min, max) = (self.min.unwrap_or(USUAL_MIN), self.max.unwrap_or(USUAL_MAX));
        let step = self.step.unwrap_or(USUAL_STEP);
        let mut wrong = |member: &str, detail: String| broken.push(Violation::new(member, detail));
        if min >= max {
            wrong("/max", format!("must be above min, which is {min}; it is {max}"));
        }
        if step <= Decimal::default() {
            wrong("/step", format!("must be above 0; it is {step}"));
        }
        if min < max && step > Decimal::default() {
            let range = max.millionths() - min.millionths();
            if range / step.millionths() >= MAX_VALUES.into() {
                wrong("/step", too_many(min, range, step));
            } else if range % step.millionths() != 0 {
                wrong("/max", between_steps(min, max, step));
            }
        }
        let unit = match &*text::key(&self.unit) {
            "" => String::new(),
            _ => clean("/unit", &self.unit, MAX_UNIT_CHARS, broken),
        };
        let (kind, solution) = (KindWord::Number, self.solution);
        (broken.len() == found).then_some(Number { kind, min, max, step, unit, solution })
    }
}

/// Says which numbers near the greatest one are a whole number of steps above the least.
fn between_steps(min: Decimal, max: Decimal, step: Decimal) -> String {
    let below = max.millionths() - (max.millionths() - min.millionths()) % step.millionths();
    let most = min.millionths() + i64::from(MAX_VALUES - 1) * step.millionths();
    let most = most.min(Decimal::MAX.millionths());
    let near = [below, below + step.millionths()].into_iter().filter(|near| *near <= most);
    let near = near.map(Decimal::of_millionths).filter(|near| *near > min);
    let near: Vec<_> = near.map(|near| near.to_string()).collect();
    let instead = match near.join(" or ") {
        none if none.is_empty() => "take a smaller step".into(),
        some => format!("take {some}, or another step"),
    };
    format!(
        "must be a whole number of steps of {step} above min, which is {min}; {max} is not: {instead}"
    )
}

/// Says that there are too many values, and which round step makes few enough of them, with another greatest number
/// if it does not reach this one.
fn too_many(min: Decimal, range: i64, step: Decimal) -> String {
    let count = range / step.millionths() + 1;
    let wider = round().find(|wider| range / wider < MAX_VALUES.into());
    let wider = wider.expect("the range has fewer than 10^16 millionths");
    let reached = match range % wider {
        0 => String::new(),
        rest => {
            let max = Decimal::of_millionths(min.millionths() + range - rest);
            format!(" with a max of {max}")
        }
    };
    let wider = Decimal::of_millionths(wider);
    format!(
        "makes too many values: there may be {MAX_VALUES}, and from min to max in steps of {step} there are {count}; \
         a step of {wider}{reached} would do"
    )
}

/// Returns the round numbers, ascending: 1, 2, 5, 10, 20, 50, …
fn round() -> impl Iterator<Item = i64> {
    (0..).flat_map(|zeros| [1, 2, 5].map(|digit| digit * 10_i64.pow(zeros)))
}

/// Writes a figure with the unit behind it; without one if that is empty.
pub fn with_unit(figure: &dyn std::fmt::Display, unit: &str) -> String {
    let space = if unit.is_empty() { "" } else { " " };
    format!("{figure}{space}{unit}")
}

impl Number {
    /// Returns the number as a draft, to be edited further.
    pub(super) fn to_draft(&self) -> Draft {
        Draft {
            min: Some(self.min),
            max: Some(self.max),
            step: Some(self.step),
            unit: self.unit.clone(),
            solution: self.solution,
        }
    }

    /// Returns what the fold needs to know.
    pub fn form(&self) -> Form {
        Form::new(self.min, self.max, self.step)
    }

    /// Reads and checks the answer that a client wrote in `answer`.
    pub(super) fn read(&self, written: &Written<'_>) -> Result<Decimal, Violation> {
        let wrong = |detail: String| Violation::new("/answer", detail);
        let Self { min, max, step, .. } = self;
        let wanted = format!("a number from {min} to {max}, in steps of {step}");
        let json = written.only_answer(&wanted)?;
        let given = serde_json::from_str::<serde_json::Number>(json).ok();
        let Some((given, number)) = given.and_then(|given| given.as_f64().map(|n| (given, n)))
        else {
            return Err(wrong(format!("must be {wanted}")));
        };
        let read = Decimal::read(number);
        let given = read.map_or_else(|_| given.to_string(), |decimal| decimal.to_string());
        if !(min.to_f64()..=max.to_f64()).contains(&number) {
            return Err(wrong(format!("must be from {min} to {max}; it is {given}")));
        }
        let form = self.form();
        if let Some(decimal) = read.ok().filter(|decimal| form.slot(*decimal).is_some()) {
            return Ok(decimal);
        }
        let millionths = read.map_or((number * 1e6).floor() as i64, Decimal::millionths);
        let (below, above) = form.around(millionths);
        let detail = format!(
            "must be {min} or a whole number of steps of {step} above it; {given} is not, but {below} and {above} are"
        );
        Err(wrong(detail))
    }

    /// Returns the unit: a number has one row only, and no other text.
    pub(super) fn text_of(&self, row: RowId) -> Option<&str> {
        (row == 1).then_some(&self.unit)
    }

    /// Returns the number with its unit.
    pub(super) fn say(&self, number: Decimal) -> Vec<String> {
        vec![with_unit(&number, &self.unit)]
    }

    /// Returns the only row, which has everybody who answered.
    pub fn rows<'a>(&'a self, counts: &'a [u64]) -> impl Iterator<Item = Row<'a>> {
        let votes = counts.iter().sum();
        std::iter::once(Row { text: &self.unit, votes, points: None, spread: None })
    }
}

/// The form is the part of a [`Number`] that the fold needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// The least number that a ballot may have, in millionths.
    pub min: i64,
    /// The step from one number to the next, in millionths.
    pub step: i64,
    /// How many numbers a ballot may choose from.
    pub values: u16,
}

impl Form {
    /// Returns the form of these bounds, which are a whole number of steps apart.
    pub fn new(min: Decimal, max: Decimal, step: Decimal) -> Self {
        let (min, step) = (min.millionths(), step.millionths());
        Self { min, step, values: ((max.millionths() - min) / step + 1) as u16 }
    }

    /// Returns the number of slots: one for each value.
    pub(super) fn slots(self) -> usize {
        self.values.into()
    }

    /// Returns the value that is counted in this slot.
    pub fn value(self, slot: Slot) -> Decimal {
        Decimal::of_millionths(self.min + self.step * slot as i64)
    }

    /// Returns the slot in which a number is counted; `None` if no ballot may have it.
    fn slot(self, number: Decimal) -> Option<Slot> {
        let above = number.millionths().checked_sub(self.min)?;
        let slot = usize::try_from(above / self.step).ok();
        slot.filter(|slot| above >= 0 && above % self.step == 0 && *slot < self.slots())
    }

    /// Returns the values below and above a number of millionths that is between two of them.
    fn around(self, millionths: i64) -> (Decimal, Decimal) {
        let below = (millionths - self.min).div_euclid(self.step).max(0) as Slot;
        let below = below.min(self.slots().saturating_sub(2));
        (self.value(below), self.value(below + 1))
    }

    /// Returns whether a ballot may have this number.
    pub(super) fn allows(self, number: Decimal) -> bool {
        self.slot(number).is_some()
    }

    /// Calls `mark` with the slot of the number, and the weight 1.
    pub(super) fn marks(self, number: Decimal, mark: &mut impl FnMut(Slot, u64)) {
        if let Some(slot) = self.slot(number) {
            mark(slot, 1);
        }
    }
}
