//! Polls: creating, reading and changing them.

pub mod change;
pub mod create;
pub mod draft;
pub mod list;
pub mod moderate;
pub mod read;
pub mod shape;
pub mod token;
pub mod words;
