//! PostgreSQL's errors, converted to the store's.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::store::StoreError;

/// Converts a failed statement to what it means to the caller: the transaction is rolled back. A
/// failed COMMIT is judged by [`of_commit`].
impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let what = describe(&error);
        if passes(&error) { Self::Unavailable(what) } else { Self::Damaged(what) }
    }
}

/// Converts the error of a COMMIT. Only what the server itself said about this transaction is
/// certain; whatever ended the connection may have come after the commit.
pub fn of_commit(error: &Error) -> StoreError {
    let what = describe(error);
    match error.code().map(|code| &code.code()[..2]) {
        // Class 25: the transaction was idle for too long, and was ended before the COMMIT came.
        Some("25" | "40") => StoreError::Unavailable(what),
        Some("23") => StoreError::Damaged(what),
        _ => StoreError::Unknown(what),
    }
}

/// Returns whether the statement may succeed later although nobody changes data or program.
fn passes(error: &Error) -> bool {
    let Some(code) = error.code() else {
        // Parameters and columns that do not fit carry an error of their own as the source.
        return error.is_closed() || error.source().is_none_or(|it| it.is::<std::io::Error>());
    };
    // The classes are: no connection (08); a wrong password (28); out of resources, such as a full
    // disk (53); not now, such as a lock (55) or a shutdown (57); the operating system (58); and a
    // transaction that was ended or is on a standby (25) or was not serialisable (40).
    let class = &code.code()[..2];
    matches!(class, "08" | "25" | "28" | "40" | "53" | "55" | "57" | "58")
        || *code == SqlState::INVALID_CATALOG_NAME
}

/// Describes an error in one line, with what the server knows about the place.
pub fn describe(error: &Error) -> String {
    let Some(db) = error.as_db_error() else {
        let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        return format!("{error}{source}");
    };
    let mut text = format!("{} (SQLSTATE {})", db.message(), db.code().code());
    for more in [db.detail(), db.where_()].into_iter().flatten() {
        text += &format!("; {more}");
    }
    text
}
