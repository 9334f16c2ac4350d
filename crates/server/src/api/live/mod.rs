//! The watching of polls over server-sent events and WebSockets.

pub mod handshake;
pub mod interest;
pub mod socket;
pub mod streams;
