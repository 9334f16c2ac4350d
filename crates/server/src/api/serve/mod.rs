//! Connections, and the front that every request passes first and every answer last.

pub mod direct;
pub mod front;
pub mod server;
mod shares;
mod stream;
