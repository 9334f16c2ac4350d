//! How the server is: for whoever looks after it.

pub mod address;
pub mod health;
pub mod metrics;
pub(crate) mod probe;
pub mod status;
