//! The members of a number, as an organiser writes them.

use pollux_core::kind::KindDraft;
use pollux_core::kind::number::{Decimal, Draft, KindWord};

use serde_json::Value;
use utoipa::ToSchema;

use crate::api::http::fields::{Fields, string};
use crate::api::http::json::name;
use crate::watch::view::kind::number::NumberWord;

/// The members of a number in a poll's body.
pub const MEMBERS: [&str; 6] = ["kind", "min", "max", "step", "unit", "solution"];

/// A `NewNumber` is a new poll in which voters guess or estimate a number.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewNumber {
    /// The kind, which is number.
    pub kind: NumberWord,
    /// The least number that a ballot may have, with at most 6 digits after the point; default 0.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub min: Option<f64>,
    /// The greatest number that a ballot may have, which is a whole number of steps above `min`; default 100. There
    /// may be at most 1,001 numbers from `min` to `max`.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub max: Option<f64>,
    /// The step from one number to the next, which is above 0 and has at most 6 digits after the point; default 1.
    #[schema(exclusive_minimum = 0, maximum = 1_000_000_000)]
    pub step: Option<f64>,
    /// The unit: up to 20 characters, or empty, which is the default.
    #[schema(max_length = 160)]
    pub unit: Option<String>,
    /// The right answer, with at most 6 digits after the point; null, which is the default, for none. It need be no
    /// number that a ballot may have. Only the owner and the operator are told it before the poll is closed.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub solution: Option<f64>,
}

/// A `NumberPatch` changes the draft of a number, or makes the draft of another kind one; then it must have `kind`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NumberPatch {
    /// The kind, which is number.
    #[schema(nullable = false)]
    pub kind: Option<NumberWord>,
    /// The least number that a ballot may have; null for the default.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub min: Option<f64>,
    /// The greatest number that a ballot may have; null for the default.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub max: Option<f64>,
    /// The step from one number to the next, which is above 0; null for the default.
    #[schema(exclusive_minimum = 0, maximum = 1_000_000_000)]
    pub step: Option<f64>,
    /// The unit: up to 20 characters, or empty.
    #[schema(max_length = 160)]
    pub unit: Option<String>,
    /// The right answer; null for none.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    pub solution: Option<f64>,
}

/// Returns the word for a number, and the empty draft that it begins.
pub fn begin() -> (&'static str, KindDraft) {
    (KindWord::Number.as_str(), KindDraft::Number(Draft::default()))
}

/// Applies the members of a number to a draft.
pub fn write(fields: &mut Fields, draft: &mut Draft) {
    // Only the word for a number leads here.
    fields.members.remove("kind");
    for (member, kept) in [
        ("min", &mut draft.min),
        ("max", &mut draft.max),
        ("step", &mut draft.step),
        ("solution", &mut draft.solution),
    ] {
        fields.take(member, |given| {
            *kept = given.map(decimal).transpose()?;
            Ok(())
        });
    }
    fields.take("unit", |given| {
        draft.unit = given.map_or(Ok(String::new()), string)?;
        Ok(())
    });
}

/// Reads a number.
fn decimal(value: Value) -> Result<Decimal, String> {
    match &value {
        Value::Number(number) => Decimal::read(number.as_f64().unwrap_or(f64::NAN))
            .map_err(|wrong| format!("{wrong}; it is {number}")),
        other => Err(format!("must be a number; it is {}", name(other))),
    }
}
