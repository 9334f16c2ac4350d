//! The answer of a poll of words: `"answer":{"words":[{"name":"<32 hexadecimal digits>","sealed":"<base64url>"}]}`.
//! Words are counted by their names, and nobody here can read them.

use std::collections::BTreeSet;

use serde_json::Value;

/// The most different names of a round that a partition keeps apart.
pub const MAX_NAMES: usize = 1000;
/// The most digits in base64url of a sealed word: 160 bytes of text, and 16 that sealing adds.
const MAX_SEALED: usize = 235;

/// Returns the names of the words in a ballot's record; `None` if the answer is not allowed.
pub fn names(record: &Value, most: u64) -> Option<Vec<String>> {
    let words = record["answer"]["words"].as_array()?;
    if record["v"] != 2 || words.is_empty() || words.len() as u64 > most {
        return None;
    }
    let names: Option<Vec<_>> = words.iter().map(name).collect();
    let different: BTreeSet<_> = names.iter().flatten().collect();
    let all = different.len() == words.len();
    names.filter(|_| all)
}

fn name(word: &Value) -> Option<String> {
    let (name, sealed) = (word["name"].as_str()?, word["sealed"].as_str()?);
    let digits = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (name.len() == 32 && digits(name) && sealed.len() <= MAX_SEALED).then(|| name.to_owned())
}

/// Returns the names that a partition keeps apart: the first that were counted. The ballots that ever counted in the
/// round are given in the order of the log.
pub fn kept<'a>(counted: impl IntoIterator<Item = &'a [String]>) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    for name in counted.into_iter().flatten() {
        if kept.len() < MAX_NAMES {
            kept.insert(name.clone());
        }
    }
    kept
}
