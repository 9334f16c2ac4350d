//! Fan-out: every node keeps the newest state of every live poll in memory, and sends it, never
//! a backlog, to whoever watches.
//!
//! [`view`] decides what may be shown to whom (the only place that does); [`hub`] keeps the
//! state and ticks; `socket` is one viewer's WebSocket, `events` one viewer's server-sent
//! events; [`feed`] brings the announcements in.

pub mod feed;
pub mod hub;
pub mod view;
