//! Events: making, reading and changing them, their stage and their logo.

pub mod body;
pub mod change;
pub mod logo;
pub mod stage;
