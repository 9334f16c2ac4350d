//! The pure domain of Pollux: what a poll is, what a ballot is, and how ballots are counted.
//!
//! Nothing here does IO, reads a clock, draws randomness or knows of threads: time, ids and
//! secrets are passed in. The same code therefore counts in the server, in the seeded
//! simulation and in `pollux recount`.
//!
//! In the order a vote meets them: [`id`], [`poll`], [`kind`] (what it asks), [`ballot`], [`record`] (its bytes on the
//! log), [`digest`] (what they were when they were counted), [`tally`] (how one ballot is decided), [`fold`] (how a partition of them is), [`standing`]
//! (the sum over partitions), [`event`] (polls under one
//! code), [`announcement`] (how every node hears of it), [`leaderboard`], [`result`] (its hash).

pub mod announcement;
pub mod ballot;
pub mod digest;
pub mod event;
pub mod fold;
pub mod id;
pub mod kind;
pub mod leaderboard;
pub mod poll;
pub mod record;
pub mod result;
pub mod standing;
pub mod tally;
