//! A rule that something written breaks: where it is broken, and how. Polls, their kinds and events check what is
//! written in the same way.

/// A violation is one broken rule: where in the request's body, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// A JSON pointer (RFC 6901), such as `/options/2`.
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

/// Trims a text and adds what is wrong with it to `broken`.
pub(crate) fn clean(pointer: &str, text: &str, most: usize, broken: &mut Vec<Violation>) -> String {
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 {
        broken.push(Violation::new(pointer, "must not be empty"));
    } else if chars > most {
        broken.push(Violation::new(
            pointer,
            format!("must be at most {most} characters; it has {chars}"),
        ));
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        broken.push(Violation::new(
            pointer,
            format!("must not contain control characters; it has U+{:04X}", u32::from(c)),
        ));
    }
    text.to_owned()
}
