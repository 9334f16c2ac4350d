//! An answer in points: `"answer":{"points":[40,0,60]}`, with the points for each option.

use serde_json::Value;

use super::Marks;

/// Returns the marks of a record with points; `None` if the answer is not allowed.
pub fn marks(record: &Value, options: u64, budget: u64) -> Option<Marks> {
    let given = record["answer"]["points"].as_array()?;
    if record["v"] != 2 || given.len() as u64 != options {
        return None;
    }
    let mut left = budget;
    let mut marks = Vec::new();
    for (option, points) in given.iter().enumerate() {
        let points = points.as_u64()?;
        left = left.checked_sub(points)?;
        if points > 0 {
            // The sum of the points, and behind it the number of people.
            marks.extend([(option * 2, points), (option * 2 + 1, 1)]);
        }
    }
    (!marks.is_empty()).then_some(marks)
}
