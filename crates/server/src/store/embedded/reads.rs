//! The queries: everything that is asked of the tables.

use std::collections::HashMap;
use std::sync::Arc;

use pollux_core::digest::Digest;
use pollux_core::fold::Trail;
use pollux_core::id::{BallotId, Offset, Partition, PollId, UnixMillis, VoterId};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Standing, TallyAt};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::query::{Read, many, one};
use super::rows::{self, PollKey, StoredBallot};
use super::texts;
use crate::store::{BallotRow, DeadLetter, Listing, Progress};

/// The indexes over a voter's later rows begin after this many; the SQL has the number too.
const _: () = assert!(Trail::CHAIN == 8);

/// Returns the reader of the columns `key` and `poll`, which gives the poll its text key.
pub fn keyed_poll(conn: &Connection) -> impl FnMut(&Row<'_>) -> Read<(PollKey, Poll)> {
    |row| {
        let json = row.get_ref(1)?.as_str().map_err(rows::damaged)?;
        let (key, mut poll) = (row.get(0)?, rows::read_poll(json)?);
        texts::unlock(conn, key, &mut poll)?;
        Ok((key, poll))
    }
}

/// Returns a poll and its key.
pub fn poll(conn: &Connection, id: PollId) -> Read<Option<(PollKey, Poll)>> {
    one(conn, "SELECT key, poll FROM polls WHERE id = ?1", [id.to_string()], keyed_poll(conn))
}

/// Returns the poll with this key.
pub fn poll_by_key(conn: &Connection, key: PollKey) -> Read<Option<Poll>> {
    let found = one(conn, "SELECT key, poll FROM polls WHERE key = ?1", [key], keyed_poll(conn))?;
    Ok(found.map(|(_, poll)| poll))
}

/// Returns a poll's key.
pub fn poll_key(conn: &Connection, id: PollId) -> Read<Option<PollKey>> {
    one(conn, "SELECT key FROM polls WHERE id = ?1", [id.to_string()], |row| Ok(row.get(0)?))
}

/// Returns a poll's tally in one partition, with its names.
pub fn tally(
    conn: &Connection,
    key: PollKey,
    poll: &Poll,
    partition: Partition,
) -> Read<Option<TallyAt>> {
    let sql = select_tally("WHERE poll = ?1 AND partition = ?2");
    let mut found = one(conn, &sql, (key, partition), |row| rows::read_tally(poll.id, row))?;
    texts::name(conn, key, poll, found.as_mut_slice())?;
    Ok(found)
}

fn select_tally(rest: &str) -> String {
    format!("SELECT {} FROM tallies {rest}", rows::TALLY_COLUMNS)
}

/// Returns a poll with all its tallies.
pub fn standing(conn: &Connection, partitions: u32, key: PollKey, poll: Poll) -> Read<Standing> {
    let id = poll.id;
    let sql = select_tally("WHERE poll = ?1");
    let mut tallies = many(conn, &sql, [key], |row| rows::read_tally(id, row))?;
    texts::name(conn, key, &poll, &mut tallies)?;
    let mut standing = Standing::new(Arc::new(poll), partitions);
    for tally in tallies {
        standing.take_tally(tally);
    }
    Ok(standing)
}

/// Returns the poll that a join code leads to; for an event's code, the event's current poll.
pub fn by_code(conn: &Connection, code: &str) -> Read<Option<(PollKey, Poll)>> {
    let sql = "SELECT p.key, p.poll FROM codes c LEFT JOIN events e ON e.id = c.event \
               JOIN polls p ON p.key = c.poll OR p.id = e.current WHERE c.code = ?1";
    one(conn, sql, [code], keyed_poll(conn))
}

/// Returns the polls of a listing, newest first.
pub fn list(conn: &Connection, listing: Listing) -> Read<Vec<(PollKey, Poll)>> {
    // Each of these conditions has an index that gives the rows in order.
    let visible = match (listing.status, listing.all) {
        (None, false) => "listed = 1 AND status IN ('open', 'closed') AND ?3 IS NULL",
        (Some(_), false) => "listed = 1 AND status = ?3",
        (None, true) => "?3 IS NULL",
        (Some(_), true) => "status = ?3",
    };
    let sql = format!(
        "SELECT key, poll FROM polls WHERE {visible} AND id < ?1 \
         ORDER BY id DESC LIMIT ?2"
    );
    // The character "~" sorts after every id.
    let before = listing.before.map_or_else(|| "~".into(), |id| id.to_string());
    let status = listing.status.map(rows::status_word);
    many(conn, &sql, params![before, limit(listing.limit), status], keyed_poll(conn))
}

/// Returns open polls whose closing time has come; see [`crate::store::Polls::due`].
pub fn due(
    conn: &Connection,
    now: UnixMillis,
    after: Option<(UnixMillis, PollId)>,
    most: usize,
) -> Read<Vec<Poll>> {
    let sql = "SELECT key, poll FROM polls WHERE status = 'open' AND closes_at <= ?1 \
               AND (closes_at, id) > (?2, ?3) ORDER BY closes_at, id LIMIT ?4";
    // The default is before every time and every id.
    let (at, id) = after.map_or((0, String::new()), |(at, id)| (signed(at.0), id.to_string()));
    let params = params![signed(now.0), at, id, limit(most)];
    let found = many(conn, sql, params, keyed_poll(conn))?;
    Ok(found.into_iter().map(|(_, poll)| poll).collect())
}

/// Returns polls whose present phase some partition has not committed, by age.
pub fn unsettled(conn: &Connection, after: Option<PollId>, most: usize) -> Read<Vec<Poll>> {
    let sql = "SELECT key, poll FROM polls WHERE settled = 0 AND id > ?1 ORDER BY id LIMIT ?2";
    let after = after.map_or_else(String::new, |id| id.to_string());
    let found = many(conn, sql, params![after, limit(most)], keyed_poll(conn))?;
    Ok(found.into_iter().map(|(_, poll)| poll).collect())
}

fn read_progress(row: &Row<'_>) -> Read<(Partition, Progress)> {
    let generation = rows::read_generation(row.get_ref(1)?.as_str().map_err(rows::damaged)?)?;
    let (next_offset, announced) = (row.get::<_, i64>(2)? as u64, row.get::<_, i64>(3)? as u64);
    Ok((row.get(0)?, Progress { generation, next_offset, announced }))
}

/// Returns the progress of each partition, in order.
pub fn progress(conn: &Connection) -> Read<Vec<(Partition, Progress)>> {
    let sql = "SELECT partition, generation, next_offset, announced FROM offsets \
               ORDER BY partition";
    many(conn, sql, [], read_progress)
}

/// Returns the progress of one partition, if it was begun.
pub fn progress_of(conn: &Connection, partition: Partition) -> Read<Option<Progress>> {
    let sql = "SELECT partition, generation, next_offset, announced FROM offsets \
               WHERE partition = ?1";
    Ok(one(conn, sql, [partition], read_progress)?.map(|(_, progress)| progress))
}

/// Returns a partition's digests that end at or behind `since`, in log order.
pub fn digests(conn: &Connection, partition: Partition, since: Offset) -> Read<Vec<Digest>> {
    let sql = "SELECT from_offset, to_offset, hash FROM digests \
               WHERE partition = ?1 AND to_offset >= ?2 ORDER BY from_offset";
    many(conn, sql, (partition, signed(since)), |row| {
        let (from, to) = (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64);
        let hash = row.get_ref(2)?.as_blob().map_err(rows::damaged)?;
        let hash = hash.try_into().map_err(|_| rows::damaged("a digest is not 32 bytes"))?;
        Ok(Digest { from, to, hash })
    })
}

/// Returns a partition's tallies that were committed at or after `since`, by offset and poll, without names.
pub fn tallies_since(conn: &Connection, partition: Partition, since: Offset) -> Read<Vec<TallyAt>> {
    let sql = format!(
        "SELECT {}, poll FROM tallies WHERE partition = ?1 AND next_offset >= ?2 \
         ORDER BY next_offset",
        rows::TALLY_COLUMNS
    );
    let mut poll_ids = PollIds::default();
    let mut tallies = many(conn, &sql, (partition, signed(since)), |row| {
        rows::read_tally(poll_ids.of(conn, row.get(9)?)?, row)
    })?;
    tallies.sort_by_key(|tally| (tally.next_offset, tally.poll));
    Ok(tallies)
}

/// `PollIds` holds poll ids by key, each of which is read once.
#[derive(Default)]
struct PollIds(HashMap<PollKey, PollId, foldhash::fast::FixedState>);

impl PollIds {
    fn of(&mut self, conn: &Connection, key: PollKey) -> Read<PollId> {
        if let Some(id) = self.0.get(&key) {
            return Ok(*id);
        }
        let sql = "SELECT id FROM polls WHERE key = ?1";
        let id = one(conn, sql, [key], |row| {
            row.get_ref(0)?.as_str().map_err(rows::damaged)?.parse().map_err(rows::damaged)
        })?;
        let id = id.ok_or_else(|| rows::damaged(format!("no poll has the key {key}")))?;
        self.0.insert(key, id);
        Ok(id)
    }
}

/// Returns ballots of a partition in log order, of one poll or of all.
pub fn ballots(
    conn: &Connection,
    partition: Partition,
    from: Offset,
    of: Option<PollId>,
    most: usize,
) -> Read<Vec<BallotRow>> {
    let key = match of {
        None => None,
        Some(id) => match poll_key(conn, id)? {
            None => return Ok(Vec::new()),
            key => key,
        },
    };
    let sql = format!(
        "SELECT {} FROM ballots WHERE position BETWEEN ?1 AND ?2 AND (?3 IS NULL OR poll = ?3) \
         ORDER BY position LIMIT ?4",
        rows::BALLOT_COLUMNS
    );
    let (first, last) = rows::from_offset(partition, from);
    let mut poll_ids = PollIds::default();
    many(conn, &sql, params![first, last, key, limit(most)], |row| {
        let stored = rows::read_ballot(row)?;
        let poll = poll_ids.of(conn, stored.key)?;
        Ok(stored.into_row(poll))
    })
}

/// Returns dead letters of a partition in log order.
pub fn dead(
    conn: &Connection,
    partition: Partition,
    from: Offset,
    most: usize,
) -> Read<Vec<DeadLetter>> {
    let sql = "SELECT position, key, value, reason FROM dead WHERE position BETWEEN ?1 AND ?2 \
               ORDER BY position LIMIT ?3";
    let (first, last) = rows::from_offset(partition, from);
    many(conn, sql, params![first, last, limit(most)], |row| {
        Ok(DeadLetter {
            offset: rows::place(row.get(0)?).1,
            key: row.get::<_, Vec<u8>>(1)?.into(),
            value: row.get::<_, Vec<u8>>(2)?.into(),
            reason: row.get(3)?,
        })
    })
}

/// Returns the row at a position.
pub fn ballot_at(conn: &Connection, position: i64) -> Read<Option<StoredBallot>> {
    let sql = format!("SELECT {} FROM ballots WHERE position = ?1", rows::BALLOT_COLUMNS);
    one(conn, &sql, [position], rows::read_ballot)
}

/// Returns a voter's row of this ballot, if it is a row past the voter's chain.
pub fn later_ballot(
    conn: &Connection,
    key: PollKey,
    voter: VoterId,
    ballot: BallotId,
) -> Read<Option<StoredBallot>> {
    let sql = format!(
        "SELECT {} FROM ballots INDEXED BY later_ballots \
         WHERE poll = ?1 AND voter = ?2 AND ballot = ?3 AND nth > 8",
        rows::BALLOT_COLUMNS
    );
    one(conn, &sql, (key, &voter.0[..], &ballot.0.as_bytes()[..]), rows::read_ballot)
}

/// Returns whether a later row of the same voter and round, past the voter's chain, counted.
pub fn counted_later(conn: &Connection, row: &StoredBallot) -> Read<bool> {
    let sql = "SELECT 1 FROM ballots INDEXED BY later_counted WHERE poll = ?1 AND voter = ?2 \
               AND round = ?3 AND position > ?4 AND nth > 8 AND decided = 1";
    let params = params![row.key, &row.voter.0[..], row.after.round, row.position];
    Ok(conn.prepare_cached(sql)?.exists(params)?)
}

/// Returns a voter's latest row among those that were merged into the table.
pub fn indexed_ballot(
    conn: &Connection,
    key: PollKey,
    voter: VoterId,
) -> Read<Option<StoredBallot>> {
    let sql = "SELECT position FROM voters WHERE poll = ?1 AND voter = ?2";
    let Some(position) = one(conn, sql, (key, &voter.0[..]), |row| Ok(row.get::<_, i64>(0)?))?
    else {
        return Ok(None);
    };
    let row = ballot_at(conn, position)?;
    row.map(Some).ok_or_else(|| {
        let (partition, offset) = rows::place(position);
        rows::damaged(format!("`voters` names offset {offset} of partition {partition}: no row"))
    })
}

/// Returns a voter's latest row, for a reader without the maps in memory. It searches the rows that
/// are not merged yet, then the table.
pub fn latest_ballot(
    conn: &Connection,
    key: PollKey,
    voter: VoterId,
) -> Read<Option<StoredBallot>> {
    let sql = format!(
        "SELECT {} FROM ballots WHERE position BETWEEN ?1 AND ?2 AND poll = ?3 AND voter = ?4 \
         ORDER BY position DESC LIMIT 1",
        rows::BALLOT_COLUMNS
    );
    for (partition, from) in unindexed(conn)? {
        let (first, last) = rows::from_offset(partition, from);
        let row = one(conn, &sql, params![first, last, key, &voter.0[..]], rows::read_ballot)?;
        if row.is_some() {
            return Ok(row);
        }
    }
    indexed_ballot(conn, key, voter)
}

/// Returns the offsets from which on each partition's rows are not in `voters`.
pub fn unindexed(conn: &Connection) -> Read<Vec<(Partition, Offset)>> {
    let sql = "SELECT partition, indexed_to FROM offsets ORDER BY partition";
    many(conn, sql, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))
}

/// Calls `each` with every row of a partition from an offset on.
pub fn scan(
    conn: &Connection,
    partition: Partition,
    from: Offset,
    mut each: impl FnMut(StoredBallot),
) -> Read<()> {
    let sql = format!(
        "SELECT {} FROM ballots WHERE position BETWEEN ?1 AND ?2 ORDER BY position",
        rows::BALLOT_COLUMNS
    );
    let mut stmt = conn.prepare(&sql)?;
    let mut found = stmt.query(rows::from_offset(partition, from))?;
    while let Some(row) = found.next()? {
        each(rows::read_ballot(row)?);
    }
    Ok(())
}

/// Returns the polls with rows in `voters`.
pub fn indexed_polls(conn: &Connection) -> Read<Vec<PollKey>> {
    many(conn, "SELECT key FROM polls WHERE indexed = 1", [], |row| Ok(row.get(0)?))
}

/// `Made` names the poll or the event that has a join code or was made under an idempotency key; one of the two.
#[derive(Default)]
pub struct Made {
    pub poll: Option<PollKey>,
    pub event: Option<String>,
}

/// Returns what an idempotency key made, for which request, and when.
pub fn idempotency(conn: &Connection, key: &str) -> Read<Option<(Made, Vec<u8>, UnixMillis)>> {
    let sql = "SELECT poll, event, request, at FROM idempotency WHERE key = ?1";
    one(conn, sql, [key], |row| {
        let made = Made { poll: row.get(0)?, event: row.get(1)? };
        Ok((made, row.get(2)?, UnixMillis(row.get::<_, i64>(3)? as u64)))
    })
}

/// Returns the holder of a code: `None` if nobody has it, and otherwise when that poll or event
/// ended, if it has.
pub fn code_holder(conn: &Connection, code: &str) -> Read<Option<Option<UnixMillis>>> {
    let sql = "SELECT coalesce(p.ended_at, e.ended_at) FROM codes c \
               LEFT JOIN polls p ON p.key = c.poll LEFT JOIN events e ON e.id = c.event \
               WHERE c.code = ?1";
    let found = conn
        .prepare_cached(sql)?
        .query_row([code], |row| row.get::<_, Option<i64>>(0))
        .optional()?;
    Ok(found.map(|ended| ended.map(|at| UnixMillis(at as u64))))
}

/// Returns whether the code that this poll had belongs to another poll or event now.
pub fn code_passed_on(conn: &Connection, poll: &Poll) -> Read<bool> {
    let sql = "SELECT 1 FROM codes c LEFT JOIN polls p ON p.key = c.poll \
               WHERE c.code = ?1 AND p.id IS NOT ?2 AND (?3 IS NULL OR c.event IS NOT ?3)";
    let event = poll.event.map(|event| event.to_string());
    Ok(conn.prepare_cached(sql)?.exists((&poll.code, poll.id.to_string(), event))?)
}

/// Returns when a poll's code begins its month of rest: when the poll was closed or deleted.
pub fn ended_at(poll: &Poll) -> Option<UnixMillis> {
    poll.closed_at.filter(|_| matches!(poll.status, PollStatus::Closed | PollStatus::Deleted))
}

/// Converts a limit to SQLite's signed integers.
pub fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Converts to SQLite's signed integers; no offset or time of ours comes near their end.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
