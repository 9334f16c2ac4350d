//! The parts that read requests and make answers.

pub mod answer;
pub mod body;
pub mod fields;
pub mod json;
pub mod path;
pub mod query;
pub mod schema;
