//! A choice's answer: `"optionIds":[2,5]`, in which each option counts once however often it is
//! named.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Marks;

/// Returns the marks of a record of a choice; `None` if the answer is not allowed.
pub fn marks(record: &Value, options: u64, most: u64) -> Option<Marks> {
    let ids: Option<BTreeSet<u64>> =
        record["optionIds"].as_array()?.iter().map(Value::as_u64).collect();
    let ids = ids?;
    let allowed = !ids.is_empty()
        && ids.len() as u64 <= most
        && ids.iter().all(|id| (1..=options).contains(id))
        && record["answer"].is_null();
    allowed.then(|| ids.into_iter().map(|id| (id as usize - 1, 1)).collect())
}
