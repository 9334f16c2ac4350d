//! What PostgreSQL says, in the store's words.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::store::StoreError;

/// What a failed statement means to the caller: the transaction is rolled back. A failed COMMIT
/// is judged by [`of_commit`].
impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let what = describe(&error);
        if passes(&error) { Self::Unavailable(what) } else { Self::Damaged(what) }
    }
}

/// A COMMIT that was not answered with success. Certain is only what the server said of its own
/// accord about this transaction; whatever ended the connection may have come after the commit.
pub fn of_commit(error: &Error) -> StoreError {
    let what = describe(error);
    match error.code().map(|code| &code.code()[..2]) {
        // 25: it was idle for too long, and was ended before the COMMIT came.
        Some("25" | "40") => StoreError::Unavailable(what),
        Some("23") => StoreError::Damaged(what),
        _ => StoreError::Unknown(what),
    }
}

/// Whether it may work later without anybody changing data or program.
fn passes(error: &Error) -> bool {
    let Some(code) = error.code() else {
        // Parameters and columns that do not fit carry an error of their own.
        return error.is_closed() || error.source().is_none_or(|it| it.is::<std::io::Error>());
    };
    // No connection, wrong password, out of resources (a full disk), not now (a lock, a
    // shutdown, a standby), the operating system; and what ended or serialised a transaction.
    let class = &code.code()[..2];
    matches!(class, "08" | "25" | "28" | "40" | "53" | "55" | "57" | "58")
        || *code == SqlState::INVALID_CATALOG_NAME
}

/// What went wrong, in a line, with what the server knows of the place.
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
