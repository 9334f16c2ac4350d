//! As much of JSON Schema as our documents use; what they do not use is refused aloud.

use serde_json::Value;

/// Every way in which `value` is not what `schema` says.
pub fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let here = |what: String| format!("{at}: {what}: {value}");
    for (word, rule) in schema.as_object().unwrap() {
        match word.as_str() {
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                let target = root.pointer(pointer).unwrap_or_else(|| panic!("{pointer}: nothing"));
                found.extend(faults(root, target, value, at));
            }
            "type" => {
                let kinds = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !kinds.iter().any(|kind| is(kind.as_str().unwrap(), value)) {
                    found.push(here(format!("not {rule}")));
                }
            }
            "const" if rule != value => found.push(here(format!("not {rule}"))),
            "oneOf" => {
                let fits = |s: &&Value| faults(root, s, value, at).is_empty();
                if rule.as_array().unwrap().iter().filter(fits).count() != 1 {
                    found.push(here("not exactly one of the alternatives".into()));
                }
            }
            "required" => {
                for name in rule.as_array().unwrap().iter().filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        found.push(here(format!("{name} is missing")));
                    }
                }
            }
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        found.extend(faults(root, schema, member, &format!("{at}/{name}")));
                    }
                }
            }
            "additionalProperties" if rule == false => {
                for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
                    if schema["properties"].get(name).is_none() {
                        found.push(here(format!("{name} is not documented")));
                    }
                }
            }
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(faults(root, rule, item, &format!("{at}/{i}")));
                }
            }
            "minimum" if value.as_i64().is_some_and(|n| n < rule.as_i64().unwrap()) => {
                found.push(here(format!("below {rule}")));
            }
            "const" | "minimum" | "description" | "format" | "example" => {}
            other => panic!("{other} is not understood here"),
        }
    }
    found
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
