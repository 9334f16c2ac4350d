//! The view of a choice.

use pollux_core::kind::choice::{Choice, ChoiceMode, OptionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// In a `Choice`, voters mark one option of a list, or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Choice)]
pub struct ChoiceView {
    /// The kind: single or multiple.
    pub kind: ChoiceModeView,
    /// The most options that a ballot may mark.
    pub max_choices: u8,
    /// The options, in the organiser's order.
    pub options: Vec<OptionView>,
}

/// `ChoiceModeView` says whether a ballot marks one option or may mark several.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Selection)]
pub enum ChoiceModeView {
    /// A ballot marks one option.
    Single,
    /// A ballot marks up to `maxChoices` options.
    Multiple,
}

/// A `PollOption` is one option of a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PollOption)]
pub struct OptionView {
    /// The option's id: 1, 2, 3, …
    pub id: OptionId,
    /// The option's text.
    pub text: String,
    /// The number of marks counted; null while it is hidden from you.
    #[schema(required)]
    pub votes: Option<u64>,
}

impl ChoiceView {
    /// Makes the view of a choice with these counts.
    pub fn new(choice: &Choice, counts: Option<&[u64]>) -> Self {
        let rows = choice.rows(counts.unwrap_or_default());
        let options = (1..).zip(rows).map(|(id, row)| OptionView {
            id,
            text: row.text.to_owned(),
            votes: counts.map(|_| row.votes),
        });
        Self {
            kind: match choice.kind {
                ChoiceMode::Single => ChoiceModeView::Single,
                ChoiceMode::Multiple => ChoiceModeView::Multiple,
            },
            max_choices: choice.max_choices,
            options: options.collect(),
        }
    }
}
