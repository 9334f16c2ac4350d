//! The pure domain of Pollux: what a poll is, what a ballot is, and how ballots are counted.
//!
//! Nothing here does IO, reads a clock, draws randomness or knows of threads: time, ids and secrets
//! are passed in. The same code therefore counts in the server, in the seeded simulation and in
//! `pollux recount`.
//!
//! The modules, in the order in which a vote meets them:
//!
//! - [`id`]: the names of things.
//! - [`text`]: how what people write is kept and compared.
//! - [`rule`]: what is wrong with something written.
//! - [`gate`]: whether a poll takes ballots.
//! - [`poll`]: a poll, its rules and its life.
//! - [`kind`]: what a poll asks.
//! - [`ballot`]: one voter's submission.
//! - [`record`]: a ballot's bytes on the log.
//! - [`digest`]: a hash of the records that were counted.
//! - [`tally`]: how one ballot is decided.
//! - [`fold`]: how a partition's records are decided.
//! - [`standing`]: a poll with the sum over its partitions.
//! - [`event`]: several polls under one join code.
//! - [`announcement`]: the bytes by which every node hears of a change.
//! - [`leaderboard`]: the ranking of rows and of polls.
//! - [`result`]: the hash of a final result.
//! - [`seal`]: how what voters write is encrypted, named and erased.
//! - [`right`]: who may change a poll or an event, and see all of it.

pub mod announcement;
pub mod ballot;
pub mod digest;
pub mod event;
pub mod fold;
pub mod gate;
pub mod id;
pub mod kind;
pub mod leaderboard;
pub mod poll;
pub mod record;
pub mod result;
pub mod right;
pub mod rule;
pub mod seal;
pub mod standing;
pub mod tally;
pub mod text;
