//! Schemas for the documents that are put together from parts.

use utoipa::openapi::schema::{AdditionalProperties, Object};
use utoipa::openapi::{RefOr, Schema};

/// Returns the schema of an object with the members of all these parts, and no others.
pub fn joined(description: &str, parts: impl IntoIterator<Item = RefOr<Schema>>) -> RefOr<Schema> {
    let mut whole = Object::new();
    whole.description = Some(description.to_owned());
    whole.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    for part in parts {
        let RefOr::T(Schema::Object(part)) = part else {
            unreachable!("only structs are joined");
        };
        whole.properties.extend(part.properties);
        whole.required.extend(part.required);
    }
    RefOr::T(Schema::Object(whole))
}
