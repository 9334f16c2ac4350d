//! A rating's answer: `"answer":{"rating":[4,null,2]}`, with a step or nothing for each statement.

use serde_json::Value;

use super::Marks;

/// Returns the marks of a record of a rating; `None` if the answer is not allowed.
pub fn marks(record: &Value, statements: u64, steps: u64, lowest: u64) -> Option<Marks> {
    let given = record["answer"]["rating"].as_array()?;
    if record["v"] != 2 || given.len() as u64 != statements {
        return None;
    }
    let mut marks = Vec::new();
    for (statement, step) in given.iter().enumerate() {
        if step.is_null() {
            continue;
        }
        let above = step.as_u64()?.checked_sub(lowest).filter(|above| *above < steps)?;
        marks.push((statement * steps as usize + above as usize, 1));
    }
    (!marks.is_empty()).then_some(marks)
}
