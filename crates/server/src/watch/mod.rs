//! Fan-out: every node keeps the newest state of every live poll in memory, and sends it, never
//! a backlog, to whoever watches.
//!
//! [`view`] decides what may be shown to whom (the only place that does); [`hub`] keeps the
//! state (`kept`: of which polls; `shelf`: of open ones that nobody uses), `tick` sends it: per poll to those who subscribed to it (`entry`), per event to those
//! who follow it from poll to poll (`program`), through one shared
//! stream to those who watch everything (`overview`), and the leaderboard (`board`). [`codes`] knows where join
//! codes lead. [`viewer`]
//! knows what one viewer lacks, [`grants`] as whom it sees what, [`socket`] is its WebSocket (`frame`: the bytes), [`events`] its
//! server-sent events; [`feed`] brings the announcements in. [`latency`] measures how long a vote
//! takes to the screen, [`trend`] keeps how a poll came to its numbers; `figures` tells of both.
//!
//! What is sent, all JSON: `hello` first; `poll.created`, `poll.updated` and `poll.closed` with
//! the whole poll; `event.changed`; `leaderboard.changed`. `poll.closed` is sent when a poll closes (an update
//! follows once it is final) and when it is deleted, then with its last state and never again.

mod board;
pub mod codes;
mod entry;
pub mod events;
pub mod feed;
mod figures;
mod frame;
pub mod grants;
pub mod hub;
mod kept;
pub mod latency;
mod overview;
mod program;
mod recent;
mod shelf;
mod slots;
pub mod socket;
mod tick;
pub mod trend;
pub mod view;
pub mod viewer;
