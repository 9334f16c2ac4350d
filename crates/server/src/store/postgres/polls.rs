//! Changes of polls: what is written, and what they tell the outbox.
//!
//! They take turns, all of them, under one lock: a code goes to one poll only, and the outbox
//! is in the order of the commits. There are few, and each is short.

use std::time::{Duration, SystemTime};

use pollux_core::id::PollId;
use pollux_core::poll::{Poll, PollStatus};
use tokio_postgres::types::ToSql;

use super::Outboxed;
use super::lease::Lease;
use super::rows::{self, damaged};
use crate::store::{
    CODE_REST_MILLIS, ChangeError, Created, IDEMPOTENCY_MILLIS, IdempotencyKey, StoreError,
};

/// "PLXP": held by whoever changes polls, until the transaction ends.
const TURN: &str = "SELECT pg_advisory_xact_lock(1347180624)";

/// Begin, and wait for our turn. What is read afterwards is as the one before us left it.
async fn begin(lease: &Lease) -> Result<(), StoreError> {
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

/// Everything of [`crate::store::Store::create`] but the COMMIT.
pub async fn create(
    lease: &Lease,
    mut poll: Poll,
    codes: &[String],
    key: Option<&IdempotencyKey>,
) -> Result<Created, StoreError> {
    begin(lease).await?;
    let now = rows::time(poll.created_at)?;
    let forgotten = now - Duration::from_millis(IDEMPOTENCY_MILLIS);
    if let Some(key) = key
        && let Some(made) = made_before(lease, key, forgotten).await?
    {
        return Ok(made);
    }
    // The caller's own retry of a creation that went unanswered.
    if let Some(before) = by_id(lease, poll.id).await? {
        return Ok(Created::Before(before));
    }
    let Some(code) = free_code(lease, codes, now).await? else { return Ok(Created::CodesTaken) };
    poll.code = code;
    put(lease, &poll, None).await?;
    let lead = "INSERT INTO codes VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET poll = $2";
    run(lease, lead, &[&poll.code, &poll.id.0]).await?;
    run(lease, "DELETE FROM idempotency_keys WHERE at < $1", &[&forgotten]).await?;
    if let Some(key) = key {
        let remember = "INSERT INTO idempotency_keys VALUES ($1, $2, $3, $4) \
             ON CONFLICT (key) DO UPDATE SET request = $2, poll = $3, at = $4";
        run(lease, remember, &[&key.key, &&key.request[..], &poll.id.0, &now]).await?;
    }
    Ok(Created::New(poll))
}

/// Everything of [`crate::store::Store::change`] but the COMMIT.
pub async fn change(lease: &Lease, poll: &Poll, expected: u64) -> Result<(), ChangeError> {
    begin(lease).await?;
    if put(lease, poll, Some(expected)).await? == 0 {
        return Err(ChangeError::Conflict);
    }
    let passed_on = "SELECT FROM codes WHERE code = $1 AND poll <> $2";
    if poll.status == PollStatus::Open
        && run(lease, passed_on, &[&poll.code, &poll.id.0]).await? > 0
    {
        return Err(ChangeError::CodeTaken);
    }
    Ok(())
}

async fn run(lease: &Lease, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
    let statement = lease.prepare_cached(sql).await?;
    Ok(lease.execute(&statement, params).await?)
}

async fn by_id(lease: &Lease, id: PollId) -> Result<Option<Poll>, StoreError> {
    let sql = format!("SELECT {} FROM polls p WHERE p.id = $1", rows::POLL);
    let statement = lease.prepare_cached(&sql).await?;
    let row = lease.query_opt(&statement, &[&id.0]).await?;
    row.as_ref().map(rows::read_poll).transpose()
}

/// What was done under this key, unless it is forgotten.
async fn made_before(
    lease: &Lease,
    key: &IdempotencyKey,
    forgotten: SystemTime,
) -> Result<Option<Created>, StoreError> {
    let sql = "SELECT poll, request FROM idempotency_keys WHERE key = $1 AND at >= $2";
    let statement = lease.prepare_cached(sql).await?;
    let Some(row) = lease.query_opt(&statement, &[&key.key, &forgotten]).await? else {
        return Ok(None);
    };
    if row.try_get::<_, &[u8]>(1)? != key.request {
        return Ok(Some(Created::KeyReused));
    }
    let poll = by_id(lease, PollId(row.try_get(0)?)).await?;
    Ok(Some(Created::Before(poll.ok_or_else(|| damaged("a key names no poll"))?)))
}

/// The first that nobody has, or whose poll has ended long enough ago.
async fn free_code(
    lease: &Lease,
    codes: &[String],
    now: SystemTime,
) -> Result<Option<String>, StoreError> {
    let rested = now - Duration::from_millis(CODE_REST_MILLIS);
    let sql = "SELECT q.code FROM unnest($1::text[]) WITH ORDINALITY AS q(code, n) \
         WHERE NOT EXISTS (SELECT FROM codes c JOIN polls p ON p.id = c.poll \
         WHERE c.code = q.code AND NOT coalesce(p.status IN ('closed', 'deleted') \
         AND p.closed_at < $2, false)) ORDER BY q.n LIMIT 1";
    let statement = lease.prepare_cached(sql).await?;
    let row = lease.query_opt(&statement, &[&codes, &rested]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

const INSERT: &str = "WITH put AS (INSERT INTO polls (id, code, question, kind, max_choices, \
     revote, results, revealed, voter_ids, listed, status, phase, round, revision, created_at, \
     closes_at, closed_at, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
     $13, $14, $15, $16, $17, $18) RETURNING id, revision)";

const UPDATE: &str = "WITH put AS (UPDATE polls SET code = $2, question = $3, kind = $4, \
     max_choices = $5, revote = $6, results = $7, revealed = $8, voter_ids = $9, listed = $10, \
     status = $11, phase = $12, round = $13, revision = $14, created_at = $15, closes_at = $16, \
     closed_at = $17, owner = $18 WHERE id = $1 AND revision = $20 RETURNING id, revision)";

/// Only options that differ are written.
const AND_THE_REST: &str = ", gone AS (DELETE FROM options o USING put \
     WHERE o.poll = put.id AND o.option > cardinality($19::text[])), \
     kept AS (INSERT INTO options AS o SELECT put.id, q.n, q.text \
     FROM put, unnest($19::text[]) WITH ORDINALITY AS q(text, n) \
     ON CONFLICT (poll, option) DO UPDATE SET text = excluded.text WHERE o.text <> excluded.text) \
     INSERT INTO outbox (poll, revision) SELECT id, revision FROM put";

/// Write the poll, its options and the note for the outbox: a new one, or one of the expected
/// revision; 0 if there is none.
async fn put(lease: &Lease, poll: &Poll, expected: Option<u64>) -> Result<u64, StoreError> {
    let time = |at: Option<_>| at.map(rows::time).transpose();
    let (created, closes, closed) =
        (rows::time(poll.created_at)?, time(poll.closes_at)?, time(poll.closed_at)?);
    let (kind, revote) = (rows::word(poll.kind), rows::word(poll.revote));
    let (results, status) = (rows::word(poll.results), rows::word(poll.status));
    let (most, phase, round) =
        (i16::from(poll.max_choices), i64::from(poll.phase), i64::from(poll.round));
    let (revision, owner) = (poll.revision as i64, &poll.owner[..]);
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &poll.id.0,
        &poll.code,
        &poll.question,
        &kind,
        &most,
        &revote,
        &results,
        &poll.revealed,
        &poll.voter_ids,
        &poll.listed,
        &status,
        &phase,
        &round,
        &revision,
        &created,
        &closes,
        &closed,
        &owner,
        &poll.options,
    ];
    let expected = expected.map(|revision| revision as i64);
    let how = if expected.is_some() { UPDATE } else { INSERT };
    params.extend(expected.iter().map(|revision| revision as &(dyn ToSql + Sync)));
    run(lease, &format!("{how}{AND_THE_REST}"), &params).await
}

/// The oldest notes of the outbox, each with its poll as it is now.
pub async fn outbox(lease: &Lease, limit: usize) -> Result<Vec<Outboxed>, StoreError> {
    let sql = format!(
        "SELECT x.seq, x.revision AS noted, {} FROM outbox x JOIN polls p ON p.id = x.poll \
         ORDER BY x.seq LIMIT $1",
        rows::POLL
    );
    let statement = lease.prepare_cached(&sql).await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let notes = lease.query(&statement, &[&limit]).await?;
    let read = |row: &tokio_postgres::Row| {
        let (seq, revision): (i64, i64) = (row.try_get("seq")?, row.try_get("noted")?);
        let poll = rows::read_poll(row)?;
        Ok(Outboxed { seq: seq as u64, revision: revision as u64, poll })
    };
    notes.iter().map(read).collect()
}

/// Forget the notes up to this one.
pub async fn relayed(lease: &Lease, upto: u64) -> Result<(), StoreError> {
    let upto = i64::try_from(upto).unwrap_or(i64::MAX);
    run(lease, "DELETE FROM outbox WHERE seq <= $1", &[&upto]).await.map(|_| ())
}
