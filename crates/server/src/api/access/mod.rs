//! Who asks, whether they may, and how often.

pub mod asker;
pub mod client;
pub mod cookie;
pub mod keys;
pub mod limits;
pub mod right;
pub mod room;
