//! Events: creating, reading and changing them, their stage and their logo.

pub mod change;
pub mod create;
pub mod draft;
pub mod logo;
pub mod polls;
pub mod read;
pub mod shape;
pub mod stage;
pub mod token;
