//! Steps are the answer of a ballot in a rating: one for each statement.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MAX_STATEMENTS;

/// A step is a number on a scale, as it is shown.
pub type Step = u8;

/// `Steps` holds a step for each statement, in the organiser's order; a statement may be skipped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Steps(Box<[Step]>);

/// The value that stands for a statement that was skipped.
const SKIPPED: Step = Step::MAX;

impl Steps {
    /// Creates an answer from these steps; `None` is a statement that was skipped.
    pub fn of(steps: impl IntoIterator<Item = Option<Step>>) -> Self {
        Self(steps.into_iter().map(|step| step.unwrap_or(SKIPPED)).collect())
    }

    /// Returns the step given to each statement.
    pub fn iter(&self) -> impl Iterator<Item = Option<Step>> {
        self.0.iter().map(|step| Some(*step).filter(|step| *step != SKIPPED))
    }

    /// Returns the number of statements, including those that were skipped.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether every statement was skipped.
    pub fn is_empty(&self) -> bool {
        self.iter().all(|step| step.is_none())
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Steps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let steps = Vec::<Option<Step>>::deserialize(deserializer)?;
        if steps.len() > MAX_STATEMENTS || steps.contains(&Some(SKIPPED)) {
            return Err(D::Error::custom("has more than 30 statements, or the step 255"));
        }
        Ok(Self::of(steps))
    }
}

impl std::fmt::Display for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let step =
            |step: Option<Step>| step.map_or_else(|| "-".to_owned(), |step| step.to_string());
        let steps: Vec<String> = self.iter().map(step).collect();
        write!(f, "steps {}", steps.join(", "))
    }
}
