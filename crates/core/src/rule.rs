//! A rule that something written breaks: where it is broken, and how. Polls, their kinds and events check what is
//! written in the same way.

use std::ops::RangeInclusive;

use crate::text;

/// A violation is one broken rule: where in the request's body, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// A JSON pointer (RFC 6901), such as `/embed/2`.
    pub pointer: String,
    /// A sentence that names the limit and what was found.
    pub detail: String,
}

impl Violation {
    /// Creates a violation at this pointer.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Returns a text as it is kept, and adds what is wrong with it to `broken`.
pub(crate) fn clean(
    pointer: &str,
    given: &str,
    most: usize,
    broken: &mut Vec<Violation>,
) -> String {
    clean_within(pointer, given, most, text::most_bytes(most), broken)
}

/// Does what [`clean`] does for a text that may have only so many bytes.
pub(crate) fn clean_within(
    pointer: &str,
    given: &str,
    most: usize,
    bytes: usize,
    broken: &mut Vec<Violation>,
) -> String {
    let mut wrong = |detail: String| broken.push(Violation::new(pointer, detail));
    let (sent, sendable) = (given.chars().count(), text::most_bytes(most));
    if sent > sendable {
        wrong(format!("must be sent in at most {sendable} code points; it has {sent}"));
        return String::new();
    }
    if let Some(c) = text::control(given) {
        wrong(format!("must not contain control characters; it has U+{:04X}", u32::from(c)));
    }
    let text = text::normalise(given);
    let count = text::count(&text);
    if count > most {
        wrong(format!("must be at most {most} characters; it has {count}"));
    } else if text.len() > bytes {
        wrong(format!(
            "must be at most {bytes} bytes; it has {}: use fewer characters with many marks",
            text.len()
        ));
    } else if text.is_empty() && !given.trim().is_empty() {
        wrong("must have something to see; all its characters are invisible".into());
    } else if text.is_empty() {
        wrong("must not be empty".into());
    }
    text
}

/// Returns a list of texts as they are kept, and adds what is wrong with it to `broken`. No two may look the same;
/// `name` is what one of them is called, and its plural is the member that has them.
pub(crate) fn list(
    name: &str,
    given: &[String],
    bounds: RangeInclusive<usize>,
    most_chars: usize,
    broken: &mut Vec<Violation>,
) -> Vec<String> {
    let (least, most, count) = (*bounds.start(), *bounds.end(), given.len());
    if !bounds.contains(&count) {
        let detail = format!("{least} to {most} {name}s are needed; there are {count}");
        broken.push(Violation::new(format!("/{name}s"), detail));
    }
    let mut texts: Vec<String> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    // One violation is enough for all the texts beyond the limit.
    for (i, text) in given.iter().take(most).enumerate() {
        let pointer = format!("/{name}s/{i}");
        let text = clean(&pointer, text, most_chars, broken);
        let key = text::key(&text).into_owned();
        let same = keys.iter().position(|other| *other == key).filter(|_| !key.is_empty());
        if let Some(same) = same {
            let detail = if texts[same] == text {
                format!("is the same as {name} {}", same + 1)
            } else {
                format!(
                    "looks the same as {name} {}: change one of them, or leave it out",
                    same + 1
                )
            };
            broken.push(Violation::new(pointer, detail));
        }
        texts.push(text);
        keys.push(key);
    }
    texts
}
