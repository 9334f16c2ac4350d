//! How the server is, for whoever looks after it.

pub mod address;
pub mod ends;
pub mod health;
pub mod metrics;
pub mod probe;
pub mod status;
