//! The API's own documents.

pub mod asyncapi;
pub mod openapi;
mod operations;
pub mod page;
