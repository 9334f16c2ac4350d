//! Questions to the store, and the problems for its errors.

use std::future::Future;

use crate::api::App;
use crate::api::problem::{Problem, Trouble};
use crate::store::StoreError;

/// Asks the store something, within the request's deadline.
pub async fn ask<T>(
    app: &App,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(app.config.api.deadline, answer).await {
        Ok(answer) => answer.map_err(|error| store_problem(&error)),
        Err(_) => Err(silent()),
    }
}

/// Returns the problem for a store that has not answered in time.
pub fn silent() -> Problem {
    Problem::new(Trouble::StoreUnavailable, "the store did not answer in time")
}

/// Returns the problem that a client is shown for the store's error. The details are for the log on stderr
/// only.
pub fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Unavailable(why) => {
            tracing::warn!(%why, "the store is unavailable");
            Problem::new(Trouble::StoreUnavailable, "polls cannot be read or changed at the moment")
        }
        StoreError::Unknown(why) => {
            tracing::warn!(%why, "the store left a change unknown");
            Problem::new(
                Trouble::ChangeUnknown,
                "the store did not say whether the change was made",
            )
        }
        StoreError::Damaged(why) => {
            tracing::error!(%why, "the store is damaged");
            Problem::new(
                Trouble::StoreUnavailable,
                "the store needs its operator; its log file says why",
            )
        }
    }
}
