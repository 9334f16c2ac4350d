//! What requests are read with and answers are made of.

pub mod answer;
pub mod body;
pub mod fields;
pub mod json;
pub mod path;
pub mod query;
