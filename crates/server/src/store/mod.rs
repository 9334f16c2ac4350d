//! The store: it says what was counted, and keeps the polls and events that people make.
//!
//! [`Store`] is the port, in three parts by who uses them; their documentation is the contract, and
//! `store/conformance.rs` holds every backend to it.
//!
//! ```text
//!  api        ──▶ Polls      polls and events, by revision
//!  processor  ──▶ Counting   a partition: take up, load, commit by compare-and-set
//!  receipts, export, recount ──▶ Ballots      what was decided, and how far
//! ```
//!
//! Backends: `embedded` (SQLite, one process), `postgres` (any number of
//! them) and `memory` (for tests; it can be told to fail in every way the contract allows).

mod ballots;
mod counting;
pub mod embedded;
#[cfg(any(test, feature = "conformance"))]
pub mod memory;
mod polls;
pub mod postgres;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

use async_trait::async_trait;
pub use pollux_core::fold::Voter;

pub use self::ballots::{BallotFate, BallotRow, Ballots, DeadLetter};
pub use self::counting::{Commit, CommitError, Counting, Loaded, Progress};
pub use self::polls::{
    CODE_REST_MILLIS, ChangeError, Created, EventAndPolls, IDEMPOTENCY_MILLIS, IdempotencyKey,
    Listing, Polls,
};

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was changed; try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It may or may not have been done.
    #[error("the store did not say whether it was done: {0}")]
    Unknown(String),
    /// The data contradicts itself or this binary; a person must look.
    #[error("the store is damaged or not ours: {0}")]
    Damaged(String),
}

/// Everything that a node asks of its store.
///
/// # Promises
/// - Every method that changes something changes all of it or nothing, and is durable when it
///   returns `Ok` — except [`Counting::commit`], which may be lost by a crash of the machine as
///   long as what survives is a state between two commits, no older than the last durable
///   change of a poll and no older than the last commit that was to be `durable`: the log holds
///   the ballots, and the fold decides them the same again.
/// - Reads see every change that returned `Ok` before they began.
#[async_trait]
pub trait Store: Polls + Counting + Ballots {
    /// Whether a poll could be created now; otherwise why not.
    fn ready(&self) -> Result<(), String>;

    /// Finish what is queued, then stop.
    async fn shut(&self);
}
