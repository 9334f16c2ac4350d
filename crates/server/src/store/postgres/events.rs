//! Changes of events, and the reading of them. They take turns with changes of polls: see
//! [`super::polls`].

use bytes::Bytes;
use pollux_core::event::Event;
use pollux_core::id::EventId;
use tokio_postgres::types::ToSql;

use super::lease::Lease;
use super::polls::{self, Made};
use super::reads;
use super::rows::{self, damaged};
use crate::store::{ChangeError, Created, EventAndPolls, IdempotencyKey, StoreError};

/// Does everything of [`crate::store::Polls::create_event`] but the COMMIT.
pub async fn create(
    lease: &Lease,
    mut event: Event,
    codes: &[String],
    key: Option<&IdempotencyKey>,
) -> Result<Created<Event>, StoreError> {
    polls::begin(lease).await?;
    let now = rows::time(event.created_at)?;
    match polls::made_before(lease, key, now).await? {
        Some(Made { event: Some(before), .. }) => {
            let before = by_id(lease, EventId(before)).await?;
            return before.map(Created::Before).ok_or_else(|| damaged("a key names no event"));
        }
        Some(_) => return Ok(Created::KeyReused),
        None => {}
    }
    if let Some(before) = by_id(lease, event.id).await? {
        return Ok(Created::Before(before));
    }
    let Some(code) = polls::free_code(lease, codes, now).await? else {
        return Ok(Created::CodesTaken);
    };
    event.code = code;
    put(lease, &event, None, None).await?;
    let made = Made { poll: None, event: Some(event.id.0) };
    polls::lead(lease, &event.code, made).await?;
    polls::remember(lease, key, made, now).await?;
    Ok(Created::New(event))
}

/// Does everything of [`crate::store::Polls::change_event`] but the COMMIT.
pub async fn change(
    lease: &Lease,
    event: &Event,
    expected: u64,
    logo: Option<&[u8]>,
) -> Result<(), ChangeError> {
    polls::begin(lease).await?;
    match put(lease, event, Some(expected), logo).await? {
        0 => Err(ChangeError::Conflict),
        _ => Ok(()),
    }
}

const INSERT: &str = "WITH put AS (INSERT INTO events (id, revision, current, deleted_at, event) \
     VALUES ($1, $2, $3, $4, $5) RETURNING id, revision)";

const UPDATE: &str = "WITH put AS (UPDATE events SET revision = $2, current = $3, \
     deleted_at = $4, event = $5, logo_bytes = CASE WHEN $7 THEN coalesce($8, logo_bytes) END \
     WHERE id = $1 AND revision = $6 RETURNING id, revision)";

/// Writes the event and the note for the outbox: a new event, or one of the `expected` revision.
/// Returns 0 if there is none of that revision.
async fn put(
    lease: &Lease,
    event: &Event,
    expected: Option<u64>,
    logo: Option<&[u8]>,
) -> Result<u64, StoreError> {
    let (revision, current) = (event.revision as i64, event.current.map(|poll| poll.0));
    let deleted = event.deleted_at.map(rows::time).transpose()?;
    let document = rows::json(event);
    let mut params: Vec<&(dyn ToSql + Sync)> =
        vec![&event.id.0, &revision, &current, &deleted, &document];
    let (expected, named) = (expected.map(|revision| revision as i64), event.logo.is_some());
    let how = match &expected {
        None => INSERT,
        Some(expected) => {
            params.extend([expected as &(dyn ToSql + Sync), &named, &logo]);
            UPDATE
        }
    };
    let note = "INSERT INTO outbox (event, revision) SELECT id, revision FROM put";
    lease.run(&format!("{how} {note}"), &params).await
}

async fn by_id(lease: &Lease, id: EventId) -> Result<Option<Event>, StoreError> {
    one(lease, "e.id = $1", &[&id.0]).await
}

async fn one(
    lease: &Lease,
    which: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Option<Event>, StoreError> {
    let sql = format!("SELECT {} FROM events e WHERE {which}", rows::EVENT);
    let statement = lease.prepare_cached(&sql).await?;
    let row = lease.query_opt(&statement, params).await?;
    row.as_ref().map(rows::read_event).transpose()
}

/// Returns an event with its polls, by age. They are read one after the other, so the event and
/// each poll may be of different moments; whoever merges them keeps the newest of each.
pub async fn event(
    lease: &Lease,
    partitions: u32,
    id: EventId,
) -> Result<Option<EventAndPolls>, StoreError> {
    let Some(event) = by_id(lease, id).await? else { return Ok(None) };
    let mut polls = reads::of_event(lease, partitions, id).await?;
    polls.sort_by_key(|standing| standing.poll.id);
    Ok(Some((event, polls)))
}

/// Returns the event that a join code leads to.
pub async fn by_code(
    lease: &Lease,
    partitions: u32,
    code: &str,
) -> Result<Option<EventAndPolls>, StoreError> {
    if code.contains('\0') {
        return Ok(None);
    }
    let which = "e.id = (SELECT coalesce(c.event, p.event) FROM codes c \
         LEFT JOIN polls p ON p.id = c.poll WHERE c.code = $1)";
    match one(lease, which, &[&code]).await? {
        Some(found) => event(lease, partitions, found.id).await,
        None => Ok(None),
    }
}

/// Returns the bytes of an event's logo.
pub async fn logo(lease: &Lease, id: EventId) -> Result<Option<Bytes>, StoreError> {
    let statement = lease.prepare_cached("SELECT logo_bytes FROM events WHERE id = $1").await?;
    let Some(row) = lease.query_opt(&statement, &[&id.0]).await? else { return Ok(None) };
    Ok(row.try_get::<_, Option<Vec<u8>>>(0)?.map(Bytes::from))
}
