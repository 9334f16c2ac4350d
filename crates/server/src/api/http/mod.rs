//! What requests are read with: JSON bodies, queries.

pub mod json;
pub mod query;
