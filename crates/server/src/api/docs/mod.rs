//! The API's own documents.

pub mod asyncapi;
pub mod openapi;
pub mod page;
