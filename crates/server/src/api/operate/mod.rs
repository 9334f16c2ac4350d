//! The state of the server, for those who look after it.

pub mod address;
pub mod ends;
pub mod health;
pub mod metrics;
pub mod probe;
pub mod status;
