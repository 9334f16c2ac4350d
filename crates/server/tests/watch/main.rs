//! The fan-out's tests say what viewers are sent, in which order, and what it costs when they misbehave.
#![allow(clippy::unwrap_used)]

mod agendas;
mod feed;
mod revoked;
mod shelf;
mod sockets;
mod states;
mod words;
mod world;
