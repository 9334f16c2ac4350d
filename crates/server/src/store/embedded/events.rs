//! Events: what is written to the table `events` and read from it.

use bytes::Bytes;
use pollux_core::event::Event;
use pollux_core::id::EventId;
use rusqlite::{Connection, Row, params};

use super::polls;
use super::query::{many, one};
use super::reads;
use super::reads::Made;
use super::rows::damaged;
use crate::store::{ChangeError, Created, EventAndPolls, IdempotencyKey, StoreError};

fn json(event: &Event) -> String {
    serde_json::to_string(event).expect("an event has string keys only")
}

fn read(row: &Row<'_>) -> Result<Event, StoreError> {
    let json = row.get_ref(0)?.as_str().map_err(damaged)?;
    serde_json::from_str(json).map_err(|e| damaged(format!("a row of `events`: {e}")))
}

fn by_id(conn: &Connection, id: &str) -> Result<Option<Event>, StoreError> {
    one(conn, "SELECT event FROM events WHERE id = ?1", [id], read)
}

/// Keeps a new event; see [`crate::store::Polls::create_event`].
pub fn create(
    conn: &Connection,
    mut event: Event,
    codes: &[String],
    key: Option<&IdempotencyKey>,
) -> Result<Created<Event>, StoreError> {
    let (id, now) = (event.id.to_string(), event.created_at.0);
    match polls::made_before(conn, key, now)? {
        Some(Made { event: Some(before), .. }) => {
            let before = by_id(conn, &before)?;
            return before.map(Created::Before).ok_or_else(|| damaged("a key names no event"));
        }
        Some(_) => return Ok(Created::KeyReused),
        None => {}
    }
    if let Some(before) = by_id(conn, &id)? {
        return Ok(Created::Before(before));
    }
    let Some(code) = polls::free_code(conn, codes, now)? else { return Ok(Created::CodesTaken) };
    event.code = code;
    conn.execute(
        "INSERT INTO events (id, revision, event) VALUES (?1, ?2, ?3)",
        params![id, reads::signed(event.revision), json(&event)],
    )?;
    let made = Made { poll: None, event: Some(id) };
    polls::lead(conn, &event.code, &made)?;
    polls::remember(conn, key, &made, now)?;
    Ok(Created::New(event))
}

/// Replaces an event if its revision is still the expected one.
pub fn change(
    conn: &Connection,
    event: &Event,
    expected: u64,
    logo: Option<&[u8]>,
) -> Result<(), ChangeError> {
    let sql = "UPDATE events SET revision = ?3, current = ?4, ended_at = ?5, event = ?6, \
         logo = CASE WHEN ?7 THEN coalesce(?8, logo) END WHERE id = ?1 AND revision = ?2";
    let changed = conn
        .execute(
            sql,
            params![
                event.id.to_string(),
                reads::signed(expected),
                reads::signed(event.revision),
                event.current.map(|poll| poll.to_string()),
                event.deleted_at.map(|at| reads::signed(at.0)),
                json(event),
                event.logo.is_some(),
                logo,
            ],
        )
        .map_err(StoreError::from)?;
    if changed == 0 { Err(ChangeError::Conflict) } else { Ok(()) }
}

/// Returns an event with its polls, by age.
pub fn event(
    conn: &Connection,
    partitions: u32,
    id: EventId,
) -> Result<Option<EventAndPolls>, StoreError> {
    let id = id.to_string();
    let Some(event) = by_id(conn, &id)? else { return Ok(None) };
    let sql = "SELECT key, poll FROM polls WHERE event = ?1 ORDER BY id";
    let polls = many(conn, sql, [id], reads::keyed_poll(conn))?.into_iter();
    let polls = polls.map(|(key, poll)| reads::standing(conn, partitions, key, poll));
    Ok(Some((event, polls.collect::<Result<_, _>>()?)))
}

/// Returns the event that a join code leads to.
pub fn by_code(
    conn: &Connection,
    partitions: u32,
    code: &str,
) -> Result<Option<EventAndPolls>, StoreError> {
    let sql = "SELECT e.event FROM codes c LEFT JOIN polls p ON p.key = c.poll \
               JOIN events e ON e.id = coalesce(c.event, p.event) WHERE c.code = ?1";
    let found = one(conn, sql, [code], read)?;
    Ok(found.map(|found| event(conn, partitions, found.id)).transpose()?.flatten())
}

/// Returns the bytes of an event's logo.
pub fn logo(conn: &Connection, id: EventId) -> Result<Option<Bytes>, StoreError> {
    let sql = "SELECT logo FROM events WHERE id = ?1";
    let found = one(conn, sql, [id.to_string()], |row| Ok(row.get::<_, Option<Vec<u8>>>(0)?))?;
    Ok(found.flatten().map(Bytes::from))
}
