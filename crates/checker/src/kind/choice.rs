//! A choice: `"optionIds":[2,5]`, each once however often it stands there.

use std::collections::BTreeSet;

use serde_json::Value;

pub fn marks(record: &Value, options: u64, most: u64) -> Option<Vec<usize>> {
    let ids: Option<BTreeSet<u64>> =
        record["optionIds"].as_array()?.iter().map(Value::as_u64).collect();
    let ids = ids?;
    let allowed = !ids.is_empty()
        && ids.len() as u64 <= most
        && ids.iter().all(|id| (1..=options).contains(id))
        && record["answer"].is_null();
    allowed.then(|| ids.into_iter().map(|id| id as usize - 1).collect())
}
