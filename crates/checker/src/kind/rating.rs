//! A rating's answer: `"answer":{"rating":[4,null,2]}`, with a step or nothing for each statement.

use serde_json::Value;

/// Returns the slots that a record of a rating marks; `None` if the answer is not allowed.
pub fn marks(record: &Value, statements: u64, steps: u64, lowest: u64) -> Option<Vec<usize>> {
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
        marks.push(statement * steps as usize + above as usize);
    }
    (!marks.is_empty()).then_some(marks)
}
