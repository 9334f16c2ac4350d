//! Fan-out: every node keeps the newest state of every live poll in memory, and sends it, never
//! a backlog, to whoever watches.
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
//! [`view`] decides what may be shown to whom, and is the only place that does. [`hub`] merges what is
//! heard; `polls` keeps it (`entry`: one poll; `shelf`: open ones that nobody uses; [`codes`]: where join codes
//! lead), and `agenda` keeps the events. `tick` sends what changed: per poll to those who subscribed to
//! it, per event to those who `follow` it from poll to poll, and to many alike (`shared`): through one stream
//! to those who watch everything (`overview`), and the leaderboard (`board`). `seats` lets viewers in; [`viewer`] knows
//! what one of them lacks, [`grants`] as whom it sees what, [`handle`] is what the API may do for it, [`socket`] is its WebSocket
//! (`frame`: the bytes), [`stream`] its server-sent events. [`feed`] brings the announcements in. [`latency`] measures how
//! long a vote takes to the screen, [`trend`] keeps how a poll came to its numbers; `figures` tells of both.
//!
//! What is sent, all JSON: `hello` first; `poll.created`, `poll.updated` and `poll.closed` with
//! the whole poll; `event.changed`; `leaderboard.changed`. `poll.closed` is sent when a poll closes (an update
//! follows once it is final) and when it is deleted, then with its last state and never again.

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
mod polls;
mod recent;
mod seats;
mod shared;
mod shelf;
mod slots;
pub mod socket;
pub mod stream;
mod tick;
pub mod trend;
pub mod view;
pub mod viewer;
