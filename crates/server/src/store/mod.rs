//! The store says what was counted, and keeps the polls and events that organisers make.
//!
//! [`Store`] is the port. It has three parts. Their documentation is the contract, and
//! `store/conformance.rs` holds every backend to it.
//!
//! ```text
//!  api, housekeeping          ──▶ Polls      polls and events, by revision
//!  a partition's worker       ──▶ Counting   take up a partition, load, commit by compare-and-set
//!  receipts, export, recount  ──▶ Ballots    what was decided, and how far
//! ```
//!
//! The backends are `embedded` (SQLite, one process), `postgres` (any number of processes) and
//! `memory` (for tests; it can be told to fail in every way that the contract allows).

mod ballots;
mod counting;
pub mod embedded;
mod key;
#[cfg(any(test, feature = "conformance"))]
pub mod memory;
mod polls;
pub mod postgres;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

use async_trait::async_trait;
pub use pollux_core::fold::Voter;

pub use self::ballots::{BallotFate, BallotRow, Ballots, DeadLetter, Progress};
pub use self::counting::{Commit, CommitError, Counting, Loaded, NameRow};
pub use self::polls::{
    CODE_REST_MILLIS, ChangeError, Created, EventAndPolls, IDEMPOTENCY_MILLIS, IdempotencyKey,
    Listing, Polls,
};

/// `StoreError` says why the store has not done what it was asked for, or may not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was changed, and the caller may try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The change may have been made or not.
    #[error("the store did not say whether it was done: {0}")]
    Unknown(String),
    /// The data contradicts itself, or this binary cannot make sense of it. A person must look.
    #[error("the store is damaged or not ours: {0}")]
    Damaged(String),
}

/// `Store` is everything that a node asks of its store.
///
/// # Promises
/// - Every method that changes something makes the whole change or none of it.
/// - A change is durable when its method returns `Ok`. [`Counting::commit`] is the exception: a
///   crash of the machine may undo the newest commits. What survives lies between two commits, and
///   is no older than the last change of a poll and the last commit that was to be `durable`.
///   Nothing is lost by that, because the log holds the ballots, and the fold decides them the same
///   again.
/// - Reads see every change that returned `Ok` before they began.
#[async_trait]
pub trait Store: Polls + Counting + Ballots {
    /// Returns `Ok` if a poll could be created now, and otherwise why not.
    fn ready(&self) -> Result<(), String>;

    /// Finishes what is queued, then stops.
    async fn shut(&self);
}
