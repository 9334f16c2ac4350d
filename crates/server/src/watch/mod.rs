//! The fan-out to viewers: every node keeps the newest standing of every poll in use in memory, and
//! sends each viewer that standing, never a backlog.
//!
//! ```text
//!  announcements ──▶ feed ──▶ hub ──▶ polls, agenda       what is known: the newest of each
//!                              │            │
//!                              └──▶ tick ◀──┘             what has changed, when its time has come
//!                                    │
//!             entry, agenda, overview, board              encoded once for all who are shown the same
//!                                    │
//!                                 viewer ──▶ socket, stream
//! ```
//!
//! [`feed`] brings announcements to the [`hub`], which merges them. The hub is a folder: it puts
//! the parts together, and the parts know nothing of it. `polls` keeps the polls (`entry` is one of
//! them, `shelf` keeps what is needed of open polls that nobody uses, [`codes`] knows where join
//! codes lead), and `agenda` keeps the events. `due` lists what has changed. The hub's tick sends
//! it: a poll to the viewers that subscribed to it, an event to those that `follow` it from poll to
//! poll. `shared` holds what all viewers are sent alike: the `overview`, which goes to those that
//! watch everything, and the leaderboard (`board`).
//!
//! [`view`] alone decides what is shown to whom. `seats` lists the viewers; polls and events list
//! theirs by the numbers of their seats, so a viewer refers to what it watches, and never the other way round.
//! [`viewer`] knows what one viewer has not been sent yet, [`grants`] knows to which audience of a
//! poll the viewer belongs, and [`handle`] has what the API may ask on its behalf. A viewer is
//! reached over its WebSocket ([`socket`]; `frame` holds the bytes) or by server-sent events
//! ([`stream`]). [`latency`] measures how long a vote takes until it is sent to the screens,
//! [`trend`] keeps the course of a poll's numbers over time, and `figures` reports both.
//!
//! All messages are JSON. `hello` comes first. `poll.created`, `poll.updated` and `poll.closed`
//! hold the whole poll; the others are `event.changed` and `leaderboard.changed`. `poll.closed` is
//! sent when a poll closes, and `poll.updated` follows once the poll is final. `poll.closed` is
//! also sent when a poll is deleted. It then holds the poll as it was last, and no message about
//! that poll follows.

mod agenda;
mod board;
pub mod codes;
mod due;
mod entry;
pub mod feed;
mod figures;
mod follow;
mod frame;
pub mod grants;
pub mod handle;
pub mod hub;
pub mod latency;
mod overview;
mod places;
mod polls;
mod recent;
mod seats;
mod shared;
mod shelf;
pub mod socket;
pub mod stream;
pub mod trend;
pub mod view;
pub mod viewer;
