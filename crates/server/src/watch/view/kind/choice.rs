//! A choice as the contract shows it.

use pollux_core::kind::choice::{Choice, OptionId, Selection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One option, or several, of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Choice)]
pub struct ChoiceView {
    /// single or multiple.
    pub kind: SelectionView,
    /// Most options a ballot may mark.
    pub max_choices: u8,
    /// In the organiser's order.
    pub options: Vec<OptionView>,
}

/// Whether a ballot marks one option or may mark several.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Selection)]
pub enum SelectionView {
    /// One.
    Single,
    /// Up to `maxChoices`.
    Multiple,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PollOption)]
pub struct OptionView {
    /// 1, 2, 3, …
    pub id: OptionId,
    /// Its text.
    pub text: String,
    /// Marks counted; null while hidden from you.
    #[schema(required)]
    pub votes: Option<u64>,
}

impl ChoiceView {
    /// The choice with these counts.
    pub fn new(choice: &Choice, counts: Option<&[u64]>) -> Self {
        let rows = choice.rows(counts.unwrap_or_default());
        let options = (1..).zip(rows).map(|(id, row)| OptionView {
            id,
            text: row.text.to_owned(),
            votes: counts.map(|_| row.votes),
        });
        Self {
            kind: match choice.kind {
                Selection::Single => SelectionView::Single,
                Selection::Multiple => SelectionView::Multiple,
            },
            max_choices: choice.max_choices,
            options: options.collect(),
        }
    }
}
