//! Who asks, what they may, and how often.

pub mod identity;
pub mod limits;
pub mod room;
