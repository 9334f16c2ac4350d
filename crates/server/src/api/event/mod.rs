//! Events: making, reading and changing them, their stage and their logo.

pub mod change;
pub mod draft;
pub mod logo;
pub mod shape;
pub mod stage;
