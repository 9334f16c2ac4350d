//! Access to the API: who asks, whether they may, and how often.

pub mod asker;
pub mod capacity;
pub mod client;
pub mod cookie;
pub mod keys;
pub mod limits;
pub mod right;
