//! Questions to the store, and the problems its errors are.

use std::future::Future;

use crate::api::App;
use crate::api::problem::{Problem, Trouble};
use crate::store::StoreError;

/// Ask the store something, within the request's deadline.
pub async fn ask<T>(
    app: &App,
    answer: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(app.config.api.deadline, answer).await {
        Ok(answer) => answer.map_err(|error| store_problem(&error)),
        Err(_) => Err(silent()),
    }
}

/// The problem of a store that was asked and has not answered.
pub fn silent() -> Problem {
    Problem::new(Trouble::StoreUnavailable, "the store did not answer in time")
}

/// The problem a store's error is to the client. What is wrong inside is for the log file.
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
