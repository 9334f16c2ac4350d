//! Fan-out to viewers: every node keeps the newest state of every live poll in memory and sends
//! each viewer that state, never a backlog.
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
//! [`feed`] brings announcements to the [`hub`], which merges them. `polls` keeps the polls
//! (`entry` is one of them, `shelf` holds open ones that nobody uses, [`codes`] knows where join
//! codes lead), and `agenda` keeps the events. `tick` sends what changed: a poll to those who
//! subscribed to it, an event to those who `follow` it from poll to poll. What goes to many viewers
//! alike is in `shared`: the stream of those who watch everything (`overview`) and the leaderboard
//! (`board`).
//!
//! [`view`] alone decides what is shown to whom. `seats` lets viewers in, [`viewer`] knows what one
//! of them lacks, [`grants`] knows as which audience it sees a poll, and [`handle`] is what the API
//! may do for it. A viewer is reached over its WebSocket ([`socket`]; `frame` holds the bytes) or
//! by server-sent events ([`stream`]). [`latency`] measures how long a vote takes to the screen,
//! [`trend`] keeps how a poll came to its numbers, and `figures` reports both.
//!
//! All messages are JSON: `hello` first; `poll.created`, `poll.updated` and `poll.closed` with the
//! whole poll; `event.changed`; `leaderboard.changed`. `poll.closed` is sent when a poll closes,
//! and an update follows once it is final. It is also sent when a poll is deleted, with the poll's
//! last state; nothing about that poll follows.

mod agenda;
mod board;
pub mod codes;
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
mod tick;
pub mod trend;
pub mod view;
pub mod viewer;
