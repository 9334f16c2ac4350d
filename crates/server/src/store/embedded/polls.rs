//! Changes of polls: what is written to `polls`, `codes` and `idempotency`, and when.

use pollux_core::poll::{Poll, PollStatus};
use rusqlite::{Connection, params};

use super::reads;
use super::rows::{self, damaged};
use crate::store::{
    CODE_REST_MILLIS, ChangeError, Created, IDEMPOTENCY_MILLIS, IdempotencyKey, StoreError,
};

/// Keep a new poll; see [`crate::store::Store::create`].
pub fn create(
    conn: &Connection,
    partitions: u32,
    mut poll: Poll,
    codes: &[String],
    key: Option<&IdempotencyKey>,
) -> Result<Created, StoreError> {
    let now = poll.created_at.0;
    let forgotten = now.saturating_sub(IDEMPOTENCY_MILLIS);
    if let Some(key) = key
        && let Some((before, request, at)) = reads::idempotency(conn, &key.key)?
        && at.0 >= forgotten
    {
        if request != key.request {
            return Ok(Created::KeyReused);
        }
        let before = reads::poll_by_key(conn, before)?;
        return before.map(Created::Before).ok_or_else(|| damaged("a key names no poll"));
    }
    // The caller's own retry of a creation that went unanswered.
    if let Some((_, before)) = reads::poll(conn, poll.id)? {
        return Ok(Created::Before(before));
    }
    let Some(code) = free_code(conn, codes, now)? else { return Ok(Created::CodesTaken) };
    poll.code = code;
    conn.prepare_cached(
        "INSERT INTO polls (id, status, listed, phase, revision, closes_at, ended_at, settled, \
         poll) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8)",
    )?
    .execute(params![
        poll.id.to_string(),
        rows::status_word(poll.status),
        poll.listed,
        poll.phase,
        reads::signed(poll.revision),
        poll.closes_at.map(|at| reads::signed(at.0)),
        reads::ended_at(&poll).map(|at| reads::signed(at.0)),
        rows::poll_json(&poll),
    ])?;
    let row = conn.last_insert_rowid();
    settle(conn, "key = ?2", partitions, &row)?;
    conn.execute("INSERT OR REPLACE INTO codes VALUES (?1, ?2)", (&poll.code, row))?;
    conn.execute("DELETE FROM idempotency WHERE at < ?1", [reads::signed(forgotten)])?;
    if let Some(key) = key {
        conn.execute(
            "INSERT OR REPLACE INTO idempotency VALUES (?1, ?2, ?3, ?4)",
            params![key.key, &key.request[..], row, reads::signed(now)],
        )?;
    }
    Ok(Created::New(poll))
}

/// Replace a poll, if its revision is still the expected one.
pub fn change(
    conn: &Connection,
    partitions: u32,
    poll: &Poll,
    expected: u64,
) -> Result<(), ChangeError> {
    let changed = conn
        .prepare_cached(
            "UPDATE polls SET status = ?3, listed = ?4, phase = ?5, revision = ?6, \
             closes_at = ?7, ended_at = ?8, poll = ?9 WHERE id = ?1 AND revision = ?2",
        )
        .and_then(|mut update| {
            update.execute(params![
                poll.id.to_string(),
                reads::signed(expected),
                rows::status_word(poll.status),
                poll.listed,
                poll.phase,
                reads::signed(poll.revision),
                poll.closes_at.map(|at| reads::signed(at.0)),
                reads::ended_at(poll).map(|at| reads::signed(at.0)),
                rows::poll_json(poll),
            ])
        })
        .map_err(StoreError::from)?;
    if changed == 0 {
        return Err(ChangeError::Conflict);
    }
    if poll.status == PollStatus::Open && reads::code_passed_on(conn, poll)? {
        return Err(ChangeError::CodeTaken);
    }
    settle(conn, "id = ?2", partitions, &poll.id.to_string()).map_err(StoreError::from)?;
    Ok(())
}

fn free_code(conn: &Connection, codes: &[String], now: u64) -> Result<Option<String>, StoreError> {
    for code in codes {
        let free = match reads::code_holder(conn, code)? {
            None => true,
            Some(ended) => ended.is_some_and(|at| now.saturating_sub(at.0) > CODE_REST_MILLIS),
        };
        if free {
            return Ok(Some(code.clone()));
        }
    }
    Ok(None)
}

/// Note whether every partition has committed the present phase of a poll.
pub fn settle(
    conn: &Connection,
    which: &str,
    partitions: u32,
    poll: &dyn rusqlite::ToSql,
) -> rusqlite::Result<()> {
    let sql = format!(
        "UPDATE polls SET settled = (phase = 0 OR ?1 <= (SELECT count(*) FROM tallies t \
         WHERE t.poll = polls.key AND t.phase >= polls.phase)) WHERE {which}"
    );
    conn.prepare_cached(&sql)?.execute(params![partitions, poll])?;
    Ok(())
}
