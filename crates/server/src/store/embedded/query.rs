//! Runs a query whose rows may turn out to be damaged.

use rusqlite::{Connection, Row};

use crate::store::StoreError;

/// `Read` is the result of a query.
pub type Read<T> = Result<T, StoreError>;

/// Runs a query for one row, like `query_row`, with a reader that may find the row damaged.
pub fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Read<T>,
) -> Read<Option<T>> {
    let mut stmt = conn.prepare_cached(sql)?;
    let mut found = stmt.query(params)?;
    found.next()?.map(read).transpose()
}

/// Runs a query for all its rows, with a reader that may find a row damaged.
pub fn many<T>(
    conn: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    mut read: impl FnMut(&Row<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    let mut stmt = conn.prepare_cached(sql)?;
    let mut found = stmt.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
