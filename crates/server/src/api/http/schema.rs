//! Schemas for the documents that are put together from parts.

use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, Object, OneOfBuilder, RefBuilder,
};
use utoipa::openapi::{RefOr, Schema};

/// A named schema is one that stands among the documents' components.
pub type Named = (String, RefOr<Schema>);

/// Returns the schema of an object with the members of all these parts, and no others. Schemas that each forbid
/// unknown members cannot be put together by `allOf`, which is why the members are copied.
pub fn joined(description: &str, parts: impl IntoIterator<Item = RefOr<Schema>>) -> RefOr<Schema> {
    let mut whole = Object::new();
    whole.description = Some(description.to_owned());
    whole.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    for part in parts {
        let part = object(part);
        whole.properties.extend(part.properties);
        whole.required.extend(part.required);
    }
    RefOr::T(Schema::Object(whole))
}

/// Returns the schema of a struct.
pub fn object(schema: RefOr<Schema>) -> Object {
    match schema {
        RefOr::T(Schema::Object(object)) => object,
        _ => unreachable!("the schema of a struct is an object"),
    }
}

/// Returns the schema of what is exactly one of these; each is named and described.
pub fn one_of<N: AsRef<str>>(
    description: &str,
    parts: impl IntoIterator<Item = (N, &'static str)>,
) -> RefOr<Schema> {
    let start = OneOfBuilder::new().description(Some(description));
    let part = |all: OneOfBuilder, (name, what)| all.item(reference(name, what));
    RefOr::T(Schema::OneOf(parts.into_iter().fold(start, part).build()))
}

/// Returns the schema of what is at least one of these.
pub fn any_of<N: AsRef<str>>(
    description: &str,
    parts: impl IntoIterator<Item = N>,
) -> RefOr<Schema> {
    let start = AnyOfBuilder::new().description(Some(description));
    let part = |all: AnyOfBuilder, name| all.item(reference(name, ""));
    RefOr::T(Schema::AnyOf(parts.into_iter().fold(start, part).build()))
}

fn reference(name: impl AsRef<str>, description: &str) -> RefOr<Schema> {
    let location = format!("#/components/schemas/{}", name.as_ref());
    let reference = RefBuilder::new().ref_location(location).description(Some(description));
    RefOr::Ref(reference.build())
}
