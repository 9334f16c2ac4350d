//! The reading of JSON, and the problems that say what is wrong and where.

use serde_json::Value;
use serde_json::error::Category;

use crate::api::problem::{Problem, Trouble};

/// Returns the problem for bytes that are not JSON at all, or are JSON of another shape.
pub fn not_json(error: &serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => Problem::rule("", plain(error)),
        _ => Problem::new(
            Trouble::MalformedJson,
            format!("{} (line {}, column {})", plain(error), error.line(), error.column()),
        ),
    }
}

/// Returns the error without the place that serde_json appends.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Reads the body as one JSON object.
pub fn object(bytes: &[u8]) -> Result<serde_json::Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes).map_err(|error| not_json(&error))? {
        Value::Object(object) => Ok(object),
        other => Err(Problem::rule("", format!("must be an object; it is {}", name(&other)))),
    }
}

/// Returns the problem for bytes that are not an object.
pub fn no_object(bytes: &[u8]) -> Problem {
    object(bytes).err().unwrap_or_else(|| Problem::rule("", "must be an object"))
}

/// Returns the name of a value's type, for messages.
pub fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Returns a member's name as a JSON pointer.
pub fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
