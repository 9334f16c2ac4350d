//! The members of a body, read one by one, so that all errors are named at once.

use jiff::Timestamp;
use pollux_core::id::UnixMillis;
use pollux_core::rule::Violation;
use serde_json::{Map, Value};

use super::json::{self, name, pointer};
use crate::api::problem::Problem;

/// `Fields` holds the members of a body that are not read yet, and the errors found so far.
pub struct Fields {
    /// The members that are not read yet.
    pub members: Map<String, Value>,
    /// The errors found so far.
    pub broken: Vec<Violation>,
}

impl Fields {
    /// Reads the members of a body, which must be an object.
    pub fn of(body: &[u8]) -> Result<Self, Problem> {
        json::object(body).map(|members| Self { members, broken: Vec::new() })
    }

    /// Notes an error in a member.
    pub fn wrong(&mut self, field: &str, detail: impl Into<String>) {
        self.broken.push(Violation::new(pointer(field), detail));
    }

    /// Notes an error further inside a member.
    pub fn wrong_at(&mut self, pointer: String, detail: &str) {
        self.broken.push(Violation::new(pointer, detail));
    }

    /// Reads a member if it is there. Null is handed over as `None`, which means the default.
    pub fn take(&mut self, field: &str, read: impl FnOnce(Option<Value>) -> Result<(), String>) {
        let Some(value) = self.members.remove(field) else { return };
        let value = if value.is_null() { None } else { Some(value) };
        if let Err(detail) = read(value) {
            self.wrong(field, detail);
        }
    }

    /// Reads an array of strings that must not be null.
    pub fn texts(&mut self, field: &str) -> Option<Vec<String>> {
        if let Some(Value::Null) = self.members.get(field) {
            self.members.remove(field);
            self.wrong(field, "must be an array of strings; it is null");
            return None;
        }
        self.strings(field)
    }

    /// Returns the names of the members that are not read yet.
    pub fn names(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    /// Reads an array of strings; null stands for an empty one.
    pub fn strings(&mut self, field: &str) -> Option<Vec<String>> {
        let items = match self.members.remove(field)? {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => {
                self.wrong(field, format!("must be an array of strings; it is {}", name(&other)));
                return None;
            }
        };
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            texts.push(string(item).unwrap_or_else(|detail| {
                self.broken.push(Violation::new(format!("/{field}/{i}"), detail));
                String::new()
            }));
        }
        Some(texts)
    }

    /// Refuses the members that are left, which are unknown, and returns all errors.
    pub fn finish(mut self, known: &str) -> Result<(), Problem> {
        for field in std::mem::take(&mut self.members).keys() {
            self.wrong(field, format!("is not a field of this request; there are {known}"));
        }
        if self.broken.is_empty() { Ok(()) } else { Err(Problem::rules(self.broken)) }
    }
}

/// Reads a string.
pub fn string(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("must be a string; it is {}", name(&other))),
    }
}

/// Reads every item of an array.
pub fn each(value: Value, one: impl Fn(Value) -> Result<(), String>) -> Result<(), String> {
    let mut items = match value {
        Value::Array(items) => items.into_iter().enumerate(),
        other => return Err(format!("must be an array; it is {}", name(&other))),
    };
    items.try_for_each(|(i, item)| one(item).map_err(|detail| format!("item {i} {detail}")))
}

/// Reads a boolean.
pub fn boolean(value: Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("must be true or false; it is {}", name(&value)))
}

/// Reads a whole number that is not negative.
pub fn whole(value: Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| match value {
        Value::Number(number) => format!("must be a whole number from 1 on; it is {number}"),
        other => format!("must be a whole number; it is {}", name(&other)),
    })
}

/// Reads one of several words, and returns what it stands for.
pub fn word<T: Copy>(value: Value, words: &[(&str, T)]) -> Result<T, String> {
    let given = value.as_str();
    words.iter().find(|(word, _)| given == Some(word)).map(|(_, meaning)| *meaning).ok_or_else(
        || {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            format!("must be one of {}", words.join(", "))
        },
    )
}

/// Reads a time as in RFC 3339. Times before 1970 become 1970.
pub fn time(value: Value) -> Result<UnixMillis, String> {
    let text = string(value)?;
    let at: Timestamp = text.parse().map_err(|_| {
        "must be a time with its offset as in RFC 3339, such as 2026-11-21T15:00:00Z".to_owned()
    })?;
    Ok(UnixMillis(at.as_millisecond().max(0) as u64))
}
