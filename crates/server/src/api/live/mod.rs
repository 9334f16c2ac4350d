//! Watching: server-sent events and WebSockets.

pub mod handshake;
pub mod socket;
