//! The checker knows as much of JSON Schema as our documents use, and panics at anything else. It is stricter
//! than the standard in one thing: a member that no schema names is a fault.

use std::collections::BTreeSet;

use serde_json::Value;

/// Returns every way in which `value` is not what `schema` says.
pub fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = check(root, schema, value, at);
    let mut named = BTreeSet::new();
    names(root, schema, &mut named);
    for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
        if !named.is_empty() && !named.contains(name.as_str()) {
            found.push(format!("{at}: {name} is not documented: {value}"));
        }
    }
    found
}

/// Collects the members that a schema names, itself or by reference.
fn names<'a>(root: &'a Value, schema: &'a Value, named: &mut BTreeSet<&'a str>) {
    if let Some(pointer) = schema.get("$ref") {
        names(root, resolve(root, pointer), named);
    }
    for part in ["allOf", "anyOf", "oneOf"] {
        for schema in schema[part].as_array().into_iter().flatten() {
            names(root, schema, named);
        }
    }
    named.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| &**name));
}

/// Returns what a reference refers to.
pub fn resolve<'a>(root: &'a Value, pointer: &Value) -> &'a Value {
    let pointer = pointer.as_str().unwrap().strip_prefix('#').unwrap();
    root.pointer(pointer).unwrap_or_else(|| panic!("{pointer}: nothing"))
}

/// Asserts that every reference anywhere in a document leads somewhere.
pub fn resolves(root: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(pointer) = members.get("$ref") {
                resolve(root, pointer);
            }
            members.values().for_each(|member| resolves(root, member));
        }
        Value::Array(items) => items.iter().for_each(|item| resolves(root, item)),
        _ => {}
    }
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let here = |what: String| format!("{at}: {what}: {value}");
    let length = value.as_str().map(|text| text.chars().count() as u64);
    let items = value.as_array().map(|items| items.len() as u64);
    for (word, rule) in schema.as_object().unwrap() {
        let number = rule.as_u64().unwrap_or_default();
        let wrong = match word.as_str() {
            "$ref" => {
                found.extend(check(root, resolve(root, rule), value, at));
                false
            }
            "allOf" => {
                for schema in rule.as_array().unwrap() {
                    found.extend(check(root, schema, value, at));
                }
                false
            }
            "oneOf" => {
                let fits = |s: &&Value| check(root, s, value, at).is_empty();
                rule.as_array().unwrap().iter().filter(fits).count() != 1
            }
            "anyOf" => {
                let fits = |s: &Value| faults(root, s, value, at).is_empty();
                !rule.as_array().unwrap().iter().any(fits)
            }
            "type" => {
                let kinds = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                !kinds.iter().any(|kind| is(kind.as_str().unwrap(), value))
            }
            "required" => {
                let names = rule.as_array().unwrap().iter().filter_map(Value::as_str);
                names.into_iter().any(|name| value.get(name).is_none())
            }
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        found.extend(faults(root, schema, member, &format!("{at}/{name}")));
                    }
                }
                false
            }
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(faults(root, rule, item, &format!("{at}/{i}")));
                }
                false
            }
            "const" => rule != value,
            "enum" => !rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_some_and(|n| n < rule.as_f64().unwrap()),
            "exclusiveMinimum" => value.as_f64().is_some_and(|n| n <= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_some_and(|n| n > rule.as_f64().unwrap()),
            "minLength" => length.is_some_and(|n| n < number),
            "maxLength" => length.is_some_and(|n| n > number),
            "minProperties" => value.as_object().is_some_and(|it| (it.len() as u64) < number),
            "minItems" => items.is_some_and(|n| n < number),
            "maxItems" => items.is_some_and(|n| n > number),
            "format" => value.as_str().is_some_and(|text| !is_format(rule, text)),
            // A member that no schema names is a fault anyway, and what a pattern says is tested elsewhere.
            "additionalProperties" => {
                let named = |name: &String| schema["properties"].get(name).is_some();
                let mut members = value.as_object().into_iter().flatten();
                rule == false && !members.all(|(name, _)| named(name))
            }
            "description" | "example" | "pattern" | "title" => false,
            other => panic!("{other} is not understood here"),
        };
        if wrong {
            found.push(here(format!("not {word} {rule}")));
        }
    }
    found
}

fn is_format(format: &Value, text: &str) -> bool {
    match format.as_str().unwrap() {
        "uuid" => text.parse::<uuid::Uuid>().is_ok(),
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        _ => true,
    }
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
