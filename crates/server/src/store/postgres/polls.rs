//! Changes of polls: what is written to the tables, and what is noted in the outbox.
//!
//! All changes of polls and events take turns under one lock, so a code goes to one poll only, and
//! the outbox is in the order of the commits. There are few changes, and each is short.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use foldhash::fast::FixedState;
use futures_util::future::try_join_all;
use pollux_core::announcement::Announcement;
use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Outboxed;
use super::lease::Lease;
use super::rows::{self, damaged};
use super::texts;
use crate::store::key::key_to_keep;
use crate::store::{
    CODE_REST_MILLIS, ChangeError, Created, IDEMPOTENCY_MILLIS, IdempotencyKey, StoreError,
};

/// The lock "PLXP", which a change of a poll or an event holds until its transaction ends.
const TURN: &str = "SELECT pg_advisory_xact_lock(1347180624)";

/// Begins a transaction and waits for our turn. Whatever is read afterwards includes the change
/// before ours.
pub async fn begin(lease: &Lease) -> Result<(), StoreError> {
    let turn = lease.prepare_cached(TURN).await?;
    let (begun, ours) = tokio::join! {
        biased;
        lease.batch_execute("BEGIN"),
        lease.execute(&turn, &[])
    };
    begun?;
    ours?;
    Ok(())
}

/// Does everything of [`crate::store::Polls::create`] but the COMMIT.
pub async fn create(
    lease: &Lease,
    mut poll: Poll,
    codes: &[String],
    key: Option<&IdempotencyKey>,
) -> Result<Created, StoreError> {
    begin(lease).await?;
    let now = rows::time(poll.created_at)?;
    match made_before(lease, key, now).await? {
        Some(Made { poll: Some(before), .. }) => {
            let before = by_id(lease, PollId(before)).await?;
            return before.map(Created::Before).ok_or_else(|| damaged("a key names no poll"));
        }
        Some(_) => return Ok(Created::KeyReused),
        None => {}
    }
    // The caller has repeated a creation that went unanswered.
    if let Some(before) = by_id(lease, poll.id).await? {
        return Ok(Created::Before(before));
    }
    if poll.event.is_none() {
        let Some(code) = free_code(lease, codes, now).await? else {
            return Ok(Created::CodesTaken);
        };
        poll.code = code;
    }
    poll.text_key = key_to_keep(&poll, || Ok::<_, StoreError>(None))?;
    put(lease, &poll, None).await?;
    texts::keep_key(lease, &poll, true).await?;
    let made = Made { poll: Some(poll.id.0), event: None };
    if poll.event.is_none() {
        lead(lease, &poll.code, made).await?;
    }
    remember(lease, key, made, now).await?;
    Ok(Created::New(poll))
}

/// `Made` names the poll or the event that has a join code or was made under an idempotency key; one of the two.
#[derive(Clone, Copy, Default)]
pub struct Made {
    pub poll: Option<Uuid>,
    pub event: Option<Uuid>,
}

/// Makes the code lead to this poll or event from now on.
pub async fn lead(lease: &Lease, code: &str, to: Made) -> Result<(), StoreError> {
    let lead = "INSERT INTO codes VALUES ($1, $2, $3) \
         ON CONFLICT (code) DO UPDATE SET poll = $2, event = $3";
    lease.run(lead, &[&code, &to.poll, &to.event]).await.map(drop)
}

/// Remembers a key for a day, and forgets those that are older.
pub async fn remember(
    lease: &Lease,
    key: Option<&IdempotencyKey>,
    made: Made,
    now: SystemTime,
) -> Result<(), StoreError> {
    let forgotten = now - Duration::from_millis(IDEMPOTENCY_MILLIS);
    lease.run("DELETE FROM idempotency_keys WHERE at < $1", &[&forgotten]).await?;
    if let Some(key) = key {
        let remember = "INSERT INTO idempotency_keys VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (key) DO UPDATE SET request = $2, poll = $3, at = $4, event = $5";
        let request = &key.request[..];
        lease.run(remember, &[&key.key, &request, &made.poll, &now, &made.event]).await?;
    }
    Ok(())
}

/// Does everything of [`crate::store::Polls::change`] but the COMMIT.
pub async fn change(lease: &Lease, poll: &Poll, expected: u64) -> Result<(), ChangeError> {
    begin(lease).await?;
    if put(lease, poll, Some(expected)).await? == 0 {
        return Err(ChangeError::Conflict);
    }
    let passed_on = "SELECT FROM codes WHERE code = $1 AND poll IS DISTINCT FROM $2 \
         AND ($3::uuid IS NULL OR event IS DISTINCT FROM $3)";
    let event = poll.event.map(|event| event.0);
    if poll.status == PollStatus::Open
        && lease.run(passed_on, &[&poll.code, &poll.id.0, &event]).await? > 0
    {
        return Err(ChangeError::CodeTaken);
    }
    Ok(texts::keep_key(lease, poll, false).await?)
}

/// Does everything of [`crate::store::Polls::close`] but the COMMIT. The changes are under way
/// together, so they hold the turn for about one round trip, not for one each.
pub async fn close(lease: &Lease, polls: &[(Poll, u64)]) -> Result<Vec<bool>, StoreError> {
    begin(lease).await?;
    let puts = polls.iter().map(|(poll, expected)| async move {
        let done = put(lease, poll, Some(*expected)).await? > 0;
        if done && poll.kind.holds_texts() {
            texts::keep_key(lease, poll, false).await?;
        }
        Ok::<_, StoreError>(done)
    });
    try_join_all(puts).await
}

async fn by_id(lease: &Lease, id: PollId) -> Result<Option<Poll>, StoreError> {
    let sql = format!("SELECT {} FROM polls p WHERE p.id = $1", rows::POLL);
    let statement = lease.prepare_cached(&sql).await?;
    let row = lease.query_opt(&statement, &[&id.0]).await?;
    row.as_ref().map(rows::read_poll).transpose()
}

/// Returns what the same request made under this key, or an empty [`Made`] if another request used
/// the key. Returns `None` if the key is new or forgotten.
pub async fn made_before(
    lease: &Lease,
    key: Option<&IdempotencyKey>,
    now: SystemTime,
) -> Result<Option<Made>, StoreError> {
    let Some(key) = key else { return Ok(None) };
    let forgotten = now - Duration::from_millis(IDEMPOTENCY_MILLIS);
    let sql = "SELECT poll, event, request FROM idempotency_keys WHERE key = $1 AND at >= $2";
    let statement = lease.prepare_cached(sql).await?;
    let Some(row) = lease.query_opt(&statement, &[&key.key, &forgotten]).await? else {
        return Ok(None);
    };
    if row.try_get::<_, &[u8]>(2)? != key.request {
        return Ok(Some(Made::default()));
    }
    Ok(Some(Made { poll: row.try_get(0)?, event: row.try_get(1)? }))
}

/// Returns the first code that nobody has, or whose poll or event ended long enough ago.
pub async fn free_code(
    lease: &Lease,
    codes: &[String],
    now: SystemTime,
) -> Result<Option<String>, StoreError> {
    let rested = now - Duration::from_millis(CODE_REST_MILLIS);
    let sql = "SELECT q.code FROM unnest($1::text[]) WITH ORDINALITY AS q(code, n) \
         WHERE NOT EXISTS (SELECT FROM codes c LEFT JOIN polls p ON p.id = c.poll \
         LEFT JOIN events e ON e.id = c.event WHERE c.code = q.code \
         AND NOT coalesce(p.status IN ('closed', 'deleted') AND p.closed_at < $2, \
         e.deleted_at < $2, false)) ORDER BY q.n LIMIT 1";
    let statement = lease.prepare_cached(sql).await?;
    let row = lease.query_opt(&statement, &[&codes, &rested]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

const INSERT: &str = "WITH put AS (INSERT INTO polls \
     (id, status, listed, phase, revision, closes_at, closed_at, event, poll) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id, revision)";

const UPDATE: &str = "WITH put AS (UPDATE polls SET status = $2, listed = $3, phase = $4, \
     revision = $5, closes_at = $6, closed_at = $7, event = $8, poll = $9 \
     WHERE id = $1 AND revision = $10 RETURNING id, revision)";

/// Writes the poll and the note for the outbox: a new poll, or one of the `expected` revision.
/// Returns 0 if there is none of that revision.
async fn put(lease: &Lease, poll: &Poll, expected: Option<u64>) -> Result<u64, StoreError> {
    let time = |at: Option<_>| at.map(rows::time).transpose();
    let (closes, closed) = (time(poll.closes_at)?, time(poll.closed_at)?);
    let (status, phase) = (rows::word(poll.status), i64::from(poll.phase));
    let (revision, event) = (poll.revision as i64, poll.event.map(|event| event.0));
    let document = rows::json(poll);
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &poll.id.0,
        &status,
        &poll.listed,
        &phase,
        &revision,
        &closes,
        &closed,
        &event,
        &document,
    ];
    let expected = expected.map(|revision| revision as i64);
    let how = if expected.is_some() { UPDATE } else { INSERT };
    params.extend(expected.iter().map(|revision| revision as &(dyn ToSql + Sync)));
    let note = "INSERT INTO outbox (poll, revision) SELECT id, revision FROM put";
    lease.run(&format!("{how} {note}"), &params).await
}

/// Returns the oldest notes of the outbox, each with its poll or event as it is now.
pub async fn outbox(lease: &Lease, limit: usize) -> Result<Vec<Outboxed>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let notes = "SELECT seq, revision, poll, event FROM outbox ORDER BY seq LIMIT $1";
    let notes = query(lease, notes, &[&limit]).await?;
    let (mut polls, mut events): (Vec<Uuid>, Vec<Uuid>) = Default::default();
    for note in &notes {
        polls.extend(note.try_get::<_, Option<Uuid>>(2)?);
        events.extend(note.try_get::<_, Option<Uuid>>(3)?);
    }
    let mut changed: HashMap<Uuid, Announcement, FixedState> = HashMap::default();
    let sql = "SELECT p.poll FROM polls p WHERE p.id = ANY ($1)";
    for row in query(lease, sql, &[&polls]).await? {
        let poll = rows::read_announced(&row)?;
        changed.insert(poll.id.0, Announcement::Poll(Arc::new(poll)));
    }
    if !events.is_empty() {
        let sql = format!("SELECT {} FROM events e WHERE e.id = ANY ($1)", rows::EVENT);
        for row in query(lease, &sql, &[&events]).await? {
            let event = rows::read_event(&row)?;
            changed.insert(event.id.0, Announcement::Event(Arc::new(event)));
        }
    }
    let read = |note: &Row| {
        let (seq, revision): (i64, i64) = (note.try_get(0)?, note.try_get(1)?);
        let of: Option<Uuid> = note.try_get::<_, Option<Uuid>>(2)?.or(note.try_get(3)?);
        let change = of.and_then(|of| changed.get(&of)).cloned();
        let change = change.ok_or_else(|| damaged("a note of the outbox names nothing"))?;
        Ok(Outboxed { seq: seq as u64, revision: revision as u64, change })
    };
    notes.iter().map(read).collect()
}

async fn query(
    lease: &Lease,
    sql: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, StoreError> {
    let statement = lease.prepare_cached(sql).await?;
    Ok(lease.query(&statement, params).await?)
}

/// Deletes the notes up to this one.
pub async fn relayed(lease: &Lease, upto: u64) -> Result<(), StoreError> {
    let upto = i64::try_from(upto).unwrap_or(i64::MAX);
    lease.run("DELETE FROM outbox WHERE seq <= $1", &[&upto]).await.map(|_| ())
}
