//! The path of a vote.

pub mod cast;
pub mod fate;
