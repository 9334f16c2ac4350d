//! The rows of `log.db`: how they are added, read and checked.
//!
//! There is one table. A row is a batch, which is the records of a partition that one commit made
//! durable:
//!
//! ```text
//! sqlite3 log.db 'SELECT CAST(records AS TEXT) FROM batches'
//! ```

use std::ops::ControlFlow;
use std::path::Path;

use bytes::Bytes;
use pollux_core::id::{Offset, Partition};
use rusqlite::{Connection, ErrorCode, Row};

use super::batch::Batch;
use super::chain::Head;
use crate::log::{ReadError, Record};

/// The number of bits in a row's place that are the offset. With one integer as the key, rows are
/// added at the end of the table, which is SQLite's fastest way.
const OFFSET_BITS: u32 = 40;

/// A partition's greatest offset, enough for a million million votes.
const MOST_OFFSET: u64 = (1 << OFFSET_BITS) - 1;

/// The bytes that one read takes from the file, unless the first batch alone is longer.
const READ_BYTES: usize = 8 << 20;

/// The `PRAGMA user_version`: the schema that this binary writes, and the greatest it reads. In
/// schema 1 rows had no checksums; such a file stays as it is until something is written to it.
pub(super) const SCHEMA: i32 = CHECKSUMS;
/// The schema from which on rows have checksums.
const CHECKSUMS: i32 = 2;

/// Damage is a place where the log is not as it was written. This says nothing about offsets below
/// `at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The partition.
    pub partition: Partition,
    /// The offset.
    pub at: Offset,
    /// The description of what is wrong.
    pub why: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at offset {} of partition {}: {}", self.at, self.partition, self.why)
    }
}

/// A fault says why rows could not be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The database does not answer.
    Sql(rusqlite::Error),
    /// The database answers, but with something that was not written.
    Damaged(Damage),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// Returns the error that a reader of the file gets.
    pub fn reading(self, file: &Path) -> ReadError {
        let file = file.display();
        match self {
            Self::Sql(error) => ReadError::Unavailable(format!("{file}: {error}")),
            Self::Damaged(damage) => ReadError::Damaged(format!("{file} {damage}")),
        }
    }
}

/// Creates the table in a new file.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "CREATE TABLE batches (
             place     INTEGER PRIMARY KEY, -- partition and base in one, in this order
             partition INTEGER AS (place >> {OFFSET_BITS}) VIRTUAL,
             base      INTEGER AS (place & {MOST_OFFSET}) VIRTUAL, -- offset of the first record
             count     INTEGER NOT NULL,
             digest    INTEGER, -- chained checksum; before the records, so found without them
             records   BLOB    NOT NULL -- each: key length, value length, key, value, newline
         );
         PRAGMA user_version = {SCHEMA};"
    ))
}

/// Gives rows checksums from now on. This is part of the first transaction that writes to an older
/// file.
pub(super) fn begin_checksums(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "ALTER TABLE batches ADD COLUMN digest INTEGER; -- chained checksum
         PRAGMA user_version = {CHECKSUMS};"
    ))
}

/// Returns whether rows can have checksums. A server may begin them while others read.
pub(super) fn have_checksums(connection: &Connection) -> rusqlite::Result<bool> {
    let version: i32 =
        connection.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?;
    Ok(version >= CHECKSUMS)
}

/// Returns the SQL expression that selects a row's checksum.
fn digest(connection: &Connection) -> rusqlite::Result<&'static str> {
    Ok(if have_checksums(connection)? { "digest" } else { "NULL" })
}

/// Returns the key of the row of this partition that begins with this offset.
fn place(partition: Partition, base: Offset) -> i64 {
    (i64::from(partition) << OFFSET_BITS) | base.min(MOST_OFFSET) as i64
}

/// Tries whether there is room for this many more bytes, and leaves the table as it was.
pub(super) fn try_room(connection: &Connection, bytes: usize) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO batches (place, count, records) VALUES (-1, 0, zeroblob(?1))")?
        .execute([bytes as i64])?;
    connection.prepare_cached("DELETE FROM batches WHERE place = -1")?.execute([]).map(drop)
}

/// Adds one row.
pub(super) fn insert(
    connection: &Connection,
    partition: Partition,
    batch: &Batch,
) -> rusqlite::Result<()> {
    let key = place(partition, batch.base);
    let digest = batch.digest.map(u64::cast_signed);
    connection
        .prepare_cached(
            "INSERT INTO batches (place, count, records, digest) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((key, batch.count as i64, &batch.records[..], digest))
        .map(drop)
}

/// A cursor is a place between two rows of a partition, with the head that the partition would have
/// if it ended there. The default is before the first row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    /// The offset with which the row before this place begins.
    row: Option<Offset>,
    /// The head that the next row must follow.
    pub head: Head,
}

/// Returns the place before the row that holds this offset. That row is not read.
fn before(connection: &Connection, partition: Partition, offset: Offset) -> Result<Cursor, Fault> {
    rewind(connection, partition, offset, 1)
}

/// Returns the place after the newest row.
fn after_all(connection: &Connection, partition: Partition) -> Result<Cursor, Fault> {
    rewind(connection, partition, MOST_OFFSET, 0)
}

/// Returns the place after the row that is `rows` before the one that holds this offset.
fn rewind(
    connection: &Connection,
    partition: Partition,
    offset: Offset,
    rows: i64,
) -> Result<Cursor, Fault> {
    let query = format!(
        "SELECT base, count, x'', {} FROM batches WHERE place BETWEEN ?1 AND ?2
         ORDER BY place DESC LIMIT 1 OFFSET ?3",
        digest(connection)?
    );
    let mut statement = connection.prepare_cached(&query)?;
    let mut found = statement.query((place(partition, 0), place(partition, offset), rows))?;
    let row = found.next().map_err(|error| fault(error, partition, offset))?;
    Ok(row.map(batch_of).map_or_else(Cursor::default, |batch| Cursor::after(&batch)))
}

impl Cursor {
    fn after(batch: &Batch) -> Self {
        Self { row: Some(batch.base), head: batch.head() }
    }
}

/// Returns the partition's head, as the file has it.
pub(super) fn head(connection: &Connection, partition: Partition) -> Result<Head, Fault> {
    after_all(connection, partition).map(|cursor| cursor.head)
}

/// Returns the head that a partition had when it ended at `end`; `None` if no batch ended there.
pub(super) fn head_at(
    connection: &Connection,
    partition: Partition,
    end: Offset,
) -> Result<Option<Head>, Fault> {
    let cursor = match end.checked_sub(1) {
        Some(last) => rewind(connection, partition, last, 0)?,
        None => Cursor::default(),
    };
    Ok(Some(cursor.head).filter(|head| head.end == end))
}

/// Returns the place before the newest rows that together hold at least this many bytes.
pub(super) fn newest(
    connection: &Connection,
    partition: Partition,
    bytes: usize,
) -> Result<Cursor, Fault> {
    let mut statement = connection.prepare(
        "SELECT base, length(records) FROM batches WHERE place BETWEEN ?1 AND ?2
         ORDER BY place DESC",
    )?;
    let mut rows = statement.query((place(partition, 0), place(partition, MOST_OFFSET)))?;
    let (mut oldest, mut left) = (MOST_OFFSET, bytes);
    while let Some(row) = rows.next().map_err(|error| fault(error, partition, oldest))? {
        oldest = row.get::<_, i64>(0)?.cast_unsigned();
        let length = row.get_ref(1)?.as_i64().unwrap_or(0);
        left = left.saturating_sub(length.max(0).cast_unsigned() as usize);
        if left == 0 {
            break;
        }
    }
    before(connection, partition, oldest)
}

/// Visits the rows after the cursor and moves it along. Each row is checked: it must be whole and
/// follow the one before it.
fn walk(
    connection: &Connection,
    partition: Partition,
    cursor: &mut Cursor,
    mut visit: impl FnMut(&Batch, Result<(), Damage>) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    let query = format!(
        "SELECT base, count, records, {} FROM batches WHERE place BETWEEN ?1 AND ?2 ORDER BY place",
        digest(connection)?
    );
    let mut statement = connection.prepare_cached(&query)?;
    let first = cursor.row.map_or(0, |base| base + 1);
    let mut rows = statement.query((place(partition, first), place(partition, MOST_OFFSET)))?;
    while let Some(row) = rows.next().map_err(|error| fault(error, partition, cursor.head.end))? {
        let batch = batch_of(row);
        let sound = batch.check(partition, cursor.head).map_err(|wrong| Damage {
            partition,
            at: batch.base.min(cursor.head.end),
            why: wrong.0.into(),
        });
        *cursor = Cursor::after(&batch);
        if visit(&batch, sound)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Returns a row as it is in the file. A value of a type that is never written shows as damage when
/// the row is checked.
fn batch_of(row: &Row) -> Batch {
    let integer = |column| row.get_ref(column).ok().and_then(|value| value.as_i64().ok());
    let unsigned = |column| integer(column).unwrap_or(0).max(0).cast_unsigned();
    let bytes = row.get_ref(2).ok().and_then(|value| value.as_bytes().ok()).unwrap_or_default();
    let records = Bytes::copy_from_slice(bytes);
    let digest = integer(3).map(i64::cast_unsigned);
    Batch { base: unsigned(0), count: unsigned(1), records, digest }
}

/// Turns an SQLite error into a fault; what SQLite cannot read counts as damaged, too.
fn fault(error: rusqlite::Error, partition: Partition, at: Offset) -> Fault {
    use ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase | SystemIoFailure) => {
            Fault::Damaged(Damage { partition, at, why: error.to_string() })
        }
        _ => Fault::Sql(error),
    }
}

/// Reads up to `most` records of a partition from `from` on, which must be below the partition's
/// end.
pub(super) fn read(
    connection: &Connection,
    partition: Partition,
    from: Offset,
    most: usize,
) -> Result<Vec<Record>, Fault> {
    let (mut records, mut bytes) = (Vec::new(), 0);
    let mut cursor = before(connection, partition, from)?;
    walk(connection, partition, &mut cursor, |batch, sound| {
        sound.map_err(Fault::Damaged)?;
        bytes += batch.records.len();
        batch.read(from, most, &mut records).map_err(|wrong| {
            Fault::Damaged(Damage { partition, at: batch.base, why: wrong.0.into() })
        })?;
        Ok(until(records.len() >= most || bytes >= READ_BYTES))
    })?;
    if records.is_empty() && most > 0 {
        let why = "records are missing".into();
        return Err(Fault::Damaged(Damage { partition, at: from, why }));
    }
    Ok(records)
}

fn until(enough: bool) -> ControlFlow<()> {
    if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// An inspection is what was found among some rows.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    /// The place at which the next inspection begins.
    pub cursor: Cursor,
    /// Whether the end of the partition was reached, or nothing behind the damage can be.
    pub done: bool,
    /// The number of records without a checksum, from before there were checksums.
    pub unchecked: u64,
    /// The damage found, in order.
    pub damage: Vec<Damage>,
}

/// Inspects the rows after a cursor, up to about this many bytes of them.
pub(super) fn inspect(
    connection: &Connection,
    partition: Partition,
    cursor: Cursor,
    bytes: usize,
) -> rusqlite::Result<Inspection> {
    let mut found = Inspection { done: true, ..Inspection::default() };
    let (mut cursor, mut left) = (cursor, bytes);
    let walked = walk(connection, partition, &mut cursor, |batch, sound| {
        found.damage.extend(sound.err());
        if batch.digest.is_none() {
            found.unchecked = found.unchecked.saturating_add(batch.count);
        }
        left = left.saturating_sub(batch.records.len());
        found.done = left > 0;
        Ok(until(left == 0))
    });
    match walked {
        Ok(()) => {}
        // No row behind the damage can be reached.
        Err(Fault::Damaged(damage)) => {
            found.damage.push(damage);
            found.done = true;
        }
        Err(Fault::Sql(error)) => return Err(error),
    }
    Ok(Inspection { cursor, ..found })
}
