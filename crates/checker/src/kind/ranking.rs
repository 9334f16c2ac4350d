//! A ranking's answer: `"answer":{"ranking":[3,1]}`, the ids of options in order, the best first.

use serde_json::Value;

use super::Marks;

/// Returns the marks of a record of a ranking; `None` if the answer is not allowed.
pub fn marks(record: &Value, options: u64, places: u64) -> Option<Marks> {
    let given = record["answer"]["ranking"].as_array()?;
    if record["v"] != 2 || given.is_empty() || given.len() as u64 > places {
        return None;
    }
    // Each option may take one place, and each place is taken by one option.
    let mut taken = vec![None; options as usize];
    for (place, id) in given.iter().enumerate() {
        let option = taken.get_mut(id.as_u64()?.checked_sub(1)? as usize)?;
        if option.replace(place).is_some() {
            return None;
        }
    }
    let ranked = taken.iter().enumerate();
    Some(ranked.filter_map(|(n, place)| Some((n * places as usize + (*place)?, 1))).collect())
}
