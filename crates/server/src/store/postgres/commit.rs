//! The commit of one batch of a partition.
//!
//! The rows go in first and the offset is compared and set last, in one transaction: nothing of it
//! is seen or stays unless the offset was the expected one. In this order a worker that is stopped
//! while it sends its rows holds no lock that another one needs, because PostgreSQL does not time
//! out a COPY whose client is silent. From the compare-and-set on, the limit on idle transactions
//! ends the transaction of such a worker.

use std::collections::BTreeSet;

use futures_util::SinkExt;
use pollux_core::digest::Digest;
use pollux_core::id::{Generation, Partition};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::lease::Lease;
use super::rows::{self, Copy, damaged};
use super::texts::{NAMES, Names};
use crate::store::{Commit, CommitError, Progress, StoreError};

const OFFSETS: &str =
    "SELECT partition, generation, next_offset, announced FROM offsets WHERE partition = $1";

/// Returns where to go on in a partition, after inserting its row if there is none.
pub async fn begin(
    lease: &Lease,
    partition: Partition,
    generation: Generation,
) -> Result<Progress, StoreError> {
    let select = lease.prepare_cached(OFFSETS).await?;
    let key = partition as i32;
    let mut row = lease.query_opt(&select, &[&key]).await?;
    if row.is_none() {
        let insert = "INSERT INTO offsets VALUES ($1, $2, 0, 0) ON CONFLICT DO NOTHING";
        lease.execute(insert, &[&key, &generation.0]).await?;
        row = lease.query_opt(&select, &[&key]).await?;
    }
    let row = row.ok_or_else(|| damaged("a row of `offsets` was taken away just now"))?;
    let (_, known) = rows::read_progress(&row)?;
    if known.generation != generation {
        return Err(damaged(format!(
            "partition {partition} was counted from the log {}, but the log is {generation} now; \
             restore the log that belongs to this database, or begin with an empty one",
            known.generation
        )));
    }
    Ok(known)
}

/// Writes everything but the COMMIT. After an error the caller must end the transaction.
pub async fn write(
    lease: &Lease,
    partition: Partition,
    commit: &Commit,
) -> Result<(), CommitError> {
    let (part, from) = (partition as i32, commit.from as i64);
    let look = prepare(lease, LOOK).await?;
    let polls: BTreeSet<Uuid> = (commit.ballots.iter().map(|row| row.poll.0))
        .chain(commit.tallies.iter().map(|tally| tally.poll.0))
        .collect();
    let polls: Vec<Uuid> = polls.into_iter().collect();
    let asked: [&(dyn ToSql + Sync); 2] = [&part, &polls];
    let (begun, looked) = tokio::join! {
        biased;
        lease.batch_execute("BEGIN"),
        lease.query_one(&look, &asked)
    };
    begun.map_err(StoreError::from)?;
    let looked = looked.map_err(StoreError::from)?;
    // This look is cheap, and a worker that is fenced already need not send anything.
    if looked.try_get::<_, Option<i64>>(0).map_err(StoreError::from)? != Some(from) {
        return Err(CommitError::Fenced);
    }
    if let Some(stranger) = looked.try_get::<_, Option<Uuid>>(1).map_err(StoreError::from)? {
        return Err(damaged(format!("a commit of poll {stranger}, which is not here")).into());
    }
    copy(lease, partition, commit).await?;
    set(lease, part, commit).await
}

const LOOK: &str = "SELECT (SELECT next_offset FROM offsets WHERE partition = $1), \
     (SELECT q.id FROM unnest($2::uuid[]) AS q(id) \
      WHERE NOT EXISTS (SELECT FROM polls p WHERE p.id = q.id) LIMIT 1)";

const COPY: &str = "COPY ballots (log_offset, at, round, prev_offset, partition, poll, voter, \
     ballot, counted, seen, decided, choice, counted_choice, answer, \
     counted_answer, nth) FROM STDIN (FORMAT binary)";

/// The size of one COPY message, in bytes.
const CHUNK: usize = 128 << 10;

async fn copy(lease: &Lease, partition: Partition, commit: &Commit) -> Result<(), StoreError> {
    if commit.ballots.is_empty() {
        return Ok(());
    }
    let statement = lease.prepare_cached(COPY).await?;
    let mut bytes = Copy::new(commit.ballots.len());
    for row in &commit.ballots {
        bytes.row(partition, row);
    }
    let mut bytes = bytes.finish();
    let sink = lease.copy_in(&statement).await?;
    let mut sink = std::pin::pin!(sink);
    while !bytes.is_empty() {
        sink.feed(bytes.split_to(CHUNK.min(bytes.len())).freeze()).await?;
    }
    let copied = sink.finish().await?;
    if copied == commit.ballots.len() as u64 {
        Ok(())
    } else {
        Err(damaged(format!("{copied} rows were kept of {}", commit.ballots.len())))
    }
}

const FENCE: &str = "UPDATE offsets SET next_offset = $3, announced = greatest(announced, $4) \
     WHERE partition = $1 AND next_offset = $2";

const TALLIES: &str = "INSERT INTO tallies SELECT q.poll, q.partition, q.phase, q.round, q.gate, \
     q.counts::bigint[], q.voters, q.changes, q.generation, q.next_offset \
     FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], \
                 $7::bigint[], $8::bigint[], $9::uuid[], $10::bigint[]) \
     AS q(poll, partition, phase, round, gate, counts, voters, changes, generation, next_offset) \
     ON CONFLICT (poll, partition) DO UPDATE SET phase = excluded.phase, \
     round = excluded.round, gate = excluded.gate, counts = excluded.counts, \
     voters = excluded.voters, changes = excluded.changes, generation = excluded.generation, \
     next_offset = excluded.next_offset";

const DEAD: &str = "INSERT INTO dead_letters \
     SELECT $1, q.* FROM unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::text[]) AS q";

const DIGEST: &str = "INSERT INTO digests VALUES ($1, $2, $3, $4) \
     ON CONFLICT (partition, from_offset) DO UPDATE SET to_offset = excluded.to_offset, \
     hash = excluded.hash";

/// Sends the compare-and-set and, in the same flight, all that is small.
async fn set(lease: &Lease, part: i32, commit: &Commit) -> Result<(), CommitError> {
    let fence = prepare(lease, FENCE).await?;
    let tallies = prepare(lease, TALLIES).await?;
    let dead = prepare(lease, DEAD).await?;
    let digest = prepare(lease, DIGEST).await?;
    let names = prepare(lease, NAMES).await?;
    let (from, to, announced) = (commit.from as i64, commit.to as i64, commit.announced as i64);
    let fenced: [&(dyn ToSql + Sync); 4] = [&part, &from, &to, &announced];
    let columns = Tallies::of(commit);
    let columns = columns.params();
    let letters = Letters::of(commit);
    let letters = letters.params(&part);
    let words = Names::of(commit);
    let words = words.params(&part);
    let (moved, counted, named, buried, digested) = tokio::join! {
        biased;
        lease.execute(&fence, &fenced),
        async {
            match commit.tallies.is_empty() {
                true => Ok(0),
                false => lease.execute(&tallies, &columns).await,
            }
        },
        async {
            match commit.names.is_empty() {
                true => Ok(0),
                false => lease.execute(&names, &words).await,
            }
        },
        async {
            match commit.dead.is_empty() {
                true => Ok(0),
                false => lease.execute(&dead, &letters).await,
            }
        },
        async {
            let Some(Digest { from, to, hash }) = commit.digest else { return Ok(0) };
            lease.execute(&digest, &[&part, &(from as i64), &(to as i64), &&hash[..]]).await
        }
    };
    // After the first error the others only say that there was one, so the order of these lines
    // matters.
    if moved.map_err(StoreError::from)? == 0 {
        return Err(CommitError::Fenced);
    }
    counted.map_err(StoreError::from)?;
    named.map_err(StoreError::from)?;
    buried.map_err(StoreError::from)?;
    digested.map_err(StoreError::from)?;
    Ok(())
}

async fn prepare(lease: &Lease, sql: &str) -> Result<tokio_postgres::Statement, StoreError> {
    Ok(lease.prepare_cached(sql).await?)
}

/// `Tallies` holds the tallies of a commit, as one array per column.
#[derive(Default)]
struct Tallies {
    poll: Vec<Uuid>,
    partition: Vec<i32>,
    phase: Vec<i64>,
    round: Vec<i64>,
    gate: Vec<&'static str>,
    counts: Vec<String>,
    voters: Vec<i64>,
    changes: Vec<i64>,
    generation: Vec<Uuid>,
    next_offset: Vec<i64>,
}

impl Tallies {
    fn of(commit: &Commit) -> Self {
        let mut all = Self::default();
        for at in &commit.tallies {
            let counts: Vec<String> = at.tally.counts.iter().map(u64::to_string).collect();
            all.poll.push(at.poll.0);
            all.partition.push(at.partition as i32);
            all.phase.push(at.tally.phase.into());
            all.round.push(at.tally.round.into());
            all.gate.push(at.tally.gate.as_str());
            all.counts.push(format!("{{{}}}", counts.join(",")));
            all.voters.push(at.tally.voters as i64);
            all.changes.push(at.tally.changes as i64);
            all.generation.push(at.generation.0);
            all.next_offset.push(at.next_offset as i64);
        }
        all
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.poll,
            &self.partition,
            &self.phase,
            &self.round,
            &self.gate,
            &self.counts,
            &self.voters,
            &self.changes,
            &self.generation,
            &self.next_offset,
        ]
    }
}

/// `Letters` holds the dead letters of a commit, as one array per column.
struct Letters<'a> {
    offset: Vec<i64>,
    key: Vec<&'a [u8]>,
    value: Vec<&'a [u8]>,
    reason: Vec<String>,
}

impl<'a> Letters<'a> {
    fn of(commit: &'a Commit) -> Self {
        let dead = &commit.dead;
        Self {
            offset: dead.iter().map(|letter| letter.offset as i64).collect(),
            key: dead.iter().map(|letter| &letter.key[..]).collect(),
            value: dead.iter().map(|letter| &letter.value[..]).collect(),
            // NUL is the one character that `text` cannot hold.
            reason: dead.iter().map(|letter| letter.reason.replace('\0', "\u{fffd}")).collect(),
        }
    }

    fn params<'b>(&'b self, part: &'b i32) -> [&'b (dyn ToSql + Sync); 5] {
        [part, &self.offset, &self.key, &self.value, &self.reason]
    }
}
