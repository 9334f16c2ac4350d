//! Changes of polls: what is written to `polls`, `codes` and `idempotency`.

use pollux_core::poll::{Poll, PollStatus};
use rusqlite::{Connection, params};

use super::reads::{self, Made};
use super::rows::{self, PollKey, damaged};
use super::texts;
use crate::store::key::key_to_keep;
use crate::store::{
    CODE_REST_MILLIS, ChangeError, Created, IDEMPOTENCY_MILLIS, IdempotencyKey, StoreError,
};

/// Keeps a new poll; see [`crate::store::Polls::create`].
pub fn create(
    conn: &Connection,
    partitions: u32,
    mut poll: Poll,
    codes: &[String],
    key: Option<&IdempotencyKey>,
) -> Result<Created, StoreError> {
    let now = poll.created_at.0;
    match made_before(conn, key, now)? {
        Some(Made { poll: Some(before), .. }) => {
            let before = reads::poll_by_key(conn, before)?;
            return before.map(Created::Before).ok_or_else(|| damaged("a key names no poll"));
        }
        Some(_) => return Ok(Created::KeyReused),
        None => {}
    }
    // The caller has repeated a creation that went unanswered.
    if let Some((_, before)) = reads::poll(conn, poll.id)? {
        return Ok(Created::Before(before));
    }
    if poll.event.is_none() {
        let Some(code) = free_code(conn, codes, now)? else { return Ok(Created::CodesTaken) };
        poll.code = code;
    }
    poll.text_key = key_to_keep(&poll, || Ok::<_, StoreError>(None))?;
    conn.prepare_cached(
        "INSERT INTO polls (id, status, listed, phase, revision, closes_at, ended_at, settled, \
         poll, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9)",
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
        poll.event.map(|event| event.to_string()),
    ])?;
    let row = conn.last_insert_rowid();
    settle(conn, "key = ?2", partitions, &row)?;
    texts::keep_key(conn, row as PollKey, &poll)?;
    let made = Made { poll: Some(row as PollKey), event: None };
    if poll.event.is_none() {
        lead(conn, &poll.code, &made)?;
    }
    remember(conn, key, &made, now)?;
    Ok(Created::New(poll))
}

/// Returns what the same request made under this key, or an empty [`Made`] if another request used
/// the key. Returns `None` if the key is new or forgotten.
pub fn made_before(
    conn: &Connection,
    key: Option<&IdempotencyKey>,
    now: u64,
) -> Result<Option<Made>, StoreError> {
    let Some(key) = key else { return Ok(None) };
    let known = reads::idempotency(conn, &key.key)?;
    let known = known.filter(|(.., at)| at.0 >= now.saturating_sub(IDEMPOTENCY_MILLIS));
    Ok(known.map(|(made, request, _)| if request == key.request { made } else { Made::default() }))
}

/// Makes the code lead to this poll or event from now on.
pub fn lead(conn: &Connection, code: &str, to: &Made) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO codes VALUES (?1, ?2, ?3)";
    conn.execute(sql, params![code, to.poll, to.event]).map(drop)
}

/// Remembers a key for a day, and forgets those that are older.
pub fn remember(
    conn: &Connection,
    key: Option<&IdempotencyKey>,
    made: &Made,
    now: u64,
) -> rusqlite::Result<()> {
    let forgotten = reads::signed(now.saturating_sub(IDEMPOTENCY_MILLIS));
    conn.execute("DELETE FROM idempotency WHERE at < ?1", [forgotten])?;
    if let Some(key) = key {
        conn.execute(
            "INSERT OR REPLACE INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5)",
            params![key.key, &key.request[..], made.poll, made.event, reads::signed(now)],
        )?;
    }
    Ok(())
}

/// `Put` says what became of a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Put {
    /// Whether the poll was of the expected revision, and is replaced.
    pub done: bool,
    /// Whether that has destroyed a text key, of which copies may lie in the files.
    pub destroyed: bool,
}

/// Replaces a poll if its revision is still the expected one.
pub fn change(
    conn: &Connection,
    partitions: u32,
    poll: &Poll,
    expected: u64,
) -> Result<Put, ChangeError> {
    let put = put(conn, partitions, poll, expected)?;
    if !put.done {
        return Err(ChangeError::Conflict);
    }
    if poll.status == PollStatus::Open && reads::code_passed_on(conn, poll)? {
        return Err(ChangeError::CodeTaken);
    }
    Ok(put)
}

/// Overwrites a poll of the expected revision, if there is one.
pub fn put(
    conn: &Connection,
    partitions: u32,
    poll: &Poll,
    expected: u64,
) -> Result<Put, StoreError> {
    let mut update = conn.prepare_cached(
        "UPDATE polls SET status = ?3, listed = ?4, phase = ?5, revision = ?6, \
         closes_at = ?7, ended_at = ?8, poll = ?9, event = ?10 WHERE id = ?1 AND revision = ?2",
    )?;
    let id = poll.id.to_string();
    let changed = update.execute(params![
        id,
        reads::signed(expected),
        rows::status_word(poll.status),
        poll.listed,
        poll.phase,
        reads::signed(poll.revision),
        poll.closes_at.map(|at| reads::signed(at.0)),
        reads::ended_at(poll).map(|at| reads::signed(at.0)),
        rows::poll_json(poll),
        poll.event.map(|event| event.to_string()),
    ])?;
    if changed == 0 {
        return Ok(Put::default());
    }
    settle(conn, "id = ?2", partitions, &id)?;
    let key = reads::poll_key(conn, poll.id)?.ok_or_else(|| damaged("a poll is gone"))?;
    Ok(Put { done: true, destroyed: texts::keep_key(conn, key, poll)? })
}

/// Returns the first code that nobody has, or whose poll or event ended more than a month before
/// `now`.
pub fn free_code(
    conn: &Connection,
    codes: &[String],
    now: u64,
) -> Result<Option<String>, StoreError> {
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

/// Notes whether every partition has committed the present phase of a poll.
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
