//! The file `log.db`: how it is made, opened, checked and read.
//!
//! One table. A row is a batch, the records of a partition that one commit made durable:
//!
//! ```text
//! sqlite3 log.db 'SELECT CAST(records AS TEXT) FROM batches'
//! ```

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pollux_core::id::{Generation, Offset, Partition, UnixMillis};
use pollux_core::record::{Entry, Genesis};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::batch::{self, Batch};
use super::error::{OpenError, damaged, io_fault, sql_fault};
use crate::ambient::SharedAmbient;
use crate::log::Record;
use crate::log::control::genesis;

/// The file's name in the data folder.
pub const NAME: &str = "log.db";

/// `PRAGMA application_id`: "PxLg".
const APPLICATION: i32 = 0x5078_4c67;

/// `PRAGMA user_version`: the schema this binary writes, and the greatest it reads.
pub(super) const SCHEMA: i32 = 1;

/// Bytes of a page. A group of hundreds of votes costs nearly half of what it costs with
/// SQLite's usual 4 KiB, a single vote no more.
const PAGE: u64 = 16 << 10;

/// Of a row's place, the bits that are the offset. One integer as the key lets rows be added
/// at a table's end, which is SQLite's fastest way.
const OFFSET_BITS: u32 = 40;

/// A partition's greatest offset, one for each of a million million votes.
const MOST_OFFSET: u64 = (1 << OFFSET_BITS) - 1;

/// Batches looked at, per partition, when the file is opened.
const CHECKED: usize = 64;

/// Bytes read from the file at once, unless the first batch alone is longer.
const READ_BYTES: usize = 8 << 20;

/// How long to wait for another process that has the file locked (a shell left in a
/// transaction), before the records are refused.
const BUSY: Duration = Duration::from_secs(3);

/// What an opened file says of itself.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub generation: Generation,
    /// By partition, the offset the next record gets.
    pub ends: Vec<Offset>,
}

/// Open the folder's log for writing, or make one of so many partitions.
pub(super) fn open(
    folder: &Path,
    partitions: u32,
    ambient: &SharedAmbient,
) -> Result<(Connection, Facts), OpenError> {
    let file = existing(folder)?;
    if !file.exists() {
        create(folder, &file, partitions, ambient)?;
    }
    check_header(&file)?;
    // SQLite itself would quietly fall back to reading only.
    File::options().read(true).write(true).open(&file).map_err(|error| io_fault(&file, &error))?;
    let connection = connect(&file)?;
    check_identity(&connection, &file)?;
    // Whatever a killed process left in the write-ahead log moves to the file first.
    checkpoint(&connection, Checkpoint::Truncate).map_err(|error| sql_fault(&file, &error))?;
    check_length(&connection, &file)?;
    let facts = check_content(&connection, &file)?;
    Ok((connection, facts))
}

/// The path of the log in a folder that is there.
pub(super) fn existing(folder: &Path) -> Result<PathBuf, OpenError> {
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(folder.join(NAME)),
        Ok(_) => Err(OpenError::Io { file: folder.join(NAME), why: "its folder is a file".into() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(OpenError::NoFolder { folder: folder.into() })
        }
        Err(error) => Err(io_fault(&folder.join(NAME), &error)),
    }
}

/// The name of the write-ahead log beside a database.
pub(super) fn wal(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Make the file under another name and move it into place when it is whole: a `log.db` is
/// either not there or complete, whenever the process is killed.
fn create(
    folder: &Path,
    file: &Path,
    partitions: u32,
    ambient: &SharedAmbient,
) -> Result<(), OpenError> {
    if wal(file).exists() {
        return Err(OpenError::Damaged {
            file: file.into(),
            why: format!("it is missing, but its {} is there", wal(file).display()),
        });
    }
    let fault = |error: std::io::Error| io_fault(file, &error);
    let draft = folder.join("log.db.new");
    if draft.exists() {
        std::fs::remove_file(&draft).map_err(fault)?;
        let _ = std::fs::remove_file(wal(&draft));
    }
    File::create(&draft).map_err(fault)?;
    fill(&draft, partitions, ambient).map_err(|error| sql_fault(file, &error))?;
    File::open(&draft).and_then(|draft| draft.sync_all()).map_err(fault)?;
    std::fs::rename(&draft, file).map_err(fault)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault)
}

/// Schema and genesis records.
fn fill(draft: &Path, partitions: u32, ambient: &SharedAmbient) -> rusqlite::Result<()> {
    let connection = Connection::open(draft)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE};
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         BEGIN IMMEDIATE;
         PRAGMA application_id = {APPLICATION};
         PRAGMA user_version = {SCHEMA};
         CREATE TABLE batches (
             place     INTEGER PRIMARY KEY, -- partition and base in one, in this order
             partition INTEGER AS (place >> {OFFSET_BITS}) VIRTUAL,
             base      INTEGER AS (place & {MOST_OFFSET}) VIRTUAL, -- offset of the first record
             count     INTEGER NOT NULL,
             records   BLOB    NOT NULL -- each: key length, value length, key, value, newline
         );"
    ))?;
    let UnixMillis(now) = ambient.now();
    let id = uuid::Builder::from_unix_timestamp_millis(now, &ambient.random()).into_uuid();
    for partition in 0..partitions {
        let (record, mut records) = (genesis(Generation(id), partition, partitions), Vec::new());
        batch::push(&mut records, &record);
        let first = Batch { base: 0, count: 1, records: records.into() };
        insert(&connection, partition, &first)?;
    }
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| error)
}

/// A connection for writing, with nothing left to SQLite's own timing.
pub(super) fn connect(file: &Path) -> Result<Connection, OpenError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA cache_size = -4096;
             PRAGMA temp_store = MEMORY;",
        )?;
        Ok(connection)
    };
    open().map_err(|error| sql_fault(file, &error))
}

/// A connection for reading beside the writer.
pub(super) fn connect_reader(file: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(file, flags).map_err(|error| sql_fault(file, &error))?;
    connection.busy_timeout(BUSY).map_err(|error| sql_fault(file, &error))?;
    Ok(connection)
}

/// The key of the row of this partition that begins with this offset.
fn place(partition: Partition, base: Offset) -> i64 {
    (i64::from(partition) << OFFSET_BITS) | base.min(MOST_OFFSET) as i64
}

/// Is there room for so many bytes more? Leaves the table as it was.
pub(super) fn try_room(connection: &Connection, bytes: usize) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO batches (place, count, records) VALUES (-1, 0, zeroblob(?1))")?
        .execute([bytes as i64])?;
    connection.prepare_cached("DELETE FROM batches WHERE place = -1")?.execute([]).map(drop)
}

/// Add one row.
pub(super) fn insert(
    connection: &Connection,
    partition: Partition,
    batch: &Batch,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO batches (place, count, records) VALUES (?1, ?2, ?3)")?
        .execute((place(partition, batch.base), batch.count as i64, &batch.records[..]))
        .map(drop)
}

/// How thorough a checkpoint is.
#[derive(Clone, Copy)]
pub(super) enum Checkpoint {
    /// Move what can be moved while nobody waits.
    Passive,
    /// Hold the writer until all is moved, so that it begins the write-ahead log anew.
    Restart,
    /// The same, and shrink the write-ahead log to nothing.
    Truncate,
}

/// Move the write-ahead log into the file; answers its pages.
pub(super) fn checkpoint(connection: &Connection, how: Checkpoint) -> rusqlite::Result<u64> {
    let pragma = match how {
        Checkpoint::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
        Checkpoint::Restart => "PRAGMA wal_checkpoint(RESTART)",
        Checkpoint::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
    };
    let pages = connection.query_row(pragma, [], |row| row.get::<_, i64>(1))?;
    Ok(pages.max(0) as u64)
}

/// Close a writing connection. After a failure the write-ahead log is left as it is: the next
/// start reads what the disk really holds.
pub(super) fn close(connection: Connection, failed: bool) {
    if failed {
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!("the log's file was not closed cleanly: {error}");
    }
}

/// Is it an SQLite file at all?
pub(super) fn check_header(file: &Path) -> Result<(), OpenError> {
    let mut header = Vec::with_capacity(100);
    File::open(file)
        .and_then(|opened| opened.take(100).read_to_end(&mut header))
        .map_err(|error| io_fault(file, &error))?;
    if b"SQLite format 3\0".starts_with(&header[..header.len().min(16)]) && header.len() < 100 {
        let found = header.len() as u64;
        return Err(OpenError::Truncated { file: file.into(), found, wanted: PAGE });
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(OpenError::NotSqlite { file: file.into() });
    }
    // SQLite takes less than a page for nothing at all.
    let wanted = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 1 << 16,
        size => u64::from(size),
    };
    let found = std::fs::metadata(file).map_err(|error| io_fault(file, &error))?.len();
    if found < wanted {
        return Err(OpenError::Truncated { file: file.into(), found, wanted });
    }
    Ok(())
}

/// Is it ours, and of a version we know?
pub(super) fn check_identity(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let pragma = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i32>(0))
            .map_err(|error| sql_fault(file, &error))
    };
    if pragma("application_id")? != APPLICATION {
        return Err(OpenError::Foreign { file: file.into() });
    }
    match pragma("user_version")? {
        SCHEMA => Ok(()),
        found if found > SCHEMA => Err(OpenError::Newer { file: file.into(), found }),
        found => Err(damaged(file, format!("schema version {found} never existed"))),
    }
}

/// Are all pages there? To be asked when the write-ahead log is empty.
fn check_length(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let wanted = pragma("page_count").and_then(|pages| Ok(pages * pragma("page_size")?));
    let wanted = wanted.map_err(|error| sql_fault(file, &error))? as u64;
    let found = std::fs::metadata(file).map_err(|error| io_fault(file, &error))?.len();
    if found < wanted {
        return Err(OpenError::Truncated { file: file.into(), found, wanted });
    }
    Ok(())
}

/// Read who the log is and where each partition ends; check the newest batches.
pub(super) fn check_content(connection: &Connection, file: &Path) -> Result<Facts, OpenError> {
    let Genesis { generation, partitions, .. } = first(connection, file, 0)?;
    let mut ends = Vec::new();
    for partition in 0..partitions {
        let genesis = first(connection, file, partition)?;
        if genesis != (Genesis { generation, partition, partitions }) {
            let why = format!("the genesis record of partition {partition} contradicts that of 0");
            return Err(damaged(file, why));
        }
        ends.push(check_end(connection, file, partition)?);
    }
    Ok(Facts { generation, ends })
}

/// A partition's genesis record.
fn first(connection: &Connection, file: &Path, partition: Partition) -> Result<Genesis, OpenError> {
    let records = read(connection, partition, 0, 1).map_err(|fault| fault.opening(file))?;
    let entry = records.first().map(|record| Entry::decode(&record.value));
    match entry {
        Some(Ok(Entry::Genesis(genesis))) => Ok(genesis),
        _ => Err(damaged(file, format!("partition {partition} has no genesis record"))),
    }
}

/// Where a partition ends; its newest batches must follow one another.
fn check_end(
    connection: &Connection,
    file: &Path,
    partition: Partition,
) -> Result<Offset, OpenError> {
    let newest = "SELECT base, count, records FROM batches WHERE place BETWEEN ?1 AND ?2
                  ORDER BY place DESC LIMIT ?3";
    let batches = || {
        let mut statement = connection.prepare(newest)?;
        let rows = statement.query_map(
            (place(partition, 0), place(partition, MOST_OFFSET), CHECKED as i64),
            batch_of,
        )?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    let batches = batches().map_err(|error| sql_fault(file, &error))?;
    for (i, batch) in batches.iter().enumerate() {
        let follows = match batches.get(i + 1) {
            Some(before) => before.end() == batch.base,
            None => i + 1 == CHECKED || batch.base == 0,
        };
        if !follows {
            let why = format!(
                "records before offset {} of partition {partition} are missing",
                batch.base
            );
            return Err(damaged(file, why));
        }
        batch
            .read(batch.base, usize::MAX, &mut Vec::new())
            .map_err(|fault| Fault::malformed(partition, batch, &fault).opening(file))?;
    }
    Ok(batches.first().map_or(0, Batch::end))
}

fn batch_of(row: &rusqlite::Row) -> rusqlite::Result<Batch> {
    let unsigned = |column| row.get::<_, i64>(column).map(|number| number.max(0) as u64);
    let bytes = row.get_ref(2)?.as_bytes()?;
    let records = bytes::Bytes::copy_from_slice(bytes);
    Ok(Batch { base: unsigned(0)?, count: unsigned(1)?, records })
}

/// Why rows could not be read.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    Malformed(String),
}

impl Fault {
    pub fn malformed(partition: Partition, batch: &Batch, fault: &batch::Malformed) -> Self {
        let (base, what) = (batch.base, fault.0);
        Self::Malformed(format!("the batch at offset {base} of partition {partition}: {what}"))
    }

    pub fn opening(self, file: &Path) -> OpenError {
        match self {
            Self::Sql(error) => sql_fault(file, &error),
            Self::Malformed(why) => damaged(file, why),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sql(error) => error.fmt(f),
            Self::Malformed(why) => why.fmt(f),
        }
    }
}

/// Up to `most` records of a partition from `from` on.
pub(super) fn read(
    connection: &Connection,
    partition: Partition,
    from: Offset,
    most: usize,
) -> Result<Vec<Record>, Fault> {
    let mut statement = connection
        .prepare_cached(
            "SELECT base, count, records FROM batches WHERE place BETWEEN
               (SELECT max(place) FROM batches WHERE place BETWEEN ?1 AND ?2) AND ?3
             ORDER BY place",
        )
        .map_err(Fault::Sql)?;
    let mut rows = statement
        .query((place(partition, 0), place(partition, from), place(partition, MOST_OFFSET)))
        .map_err(Fault::Sql)?;
    let (mut records, mut bytes) = (Vec::new(), 0);
    while records.len() < most && bytes < READ_BYTES {
        let Some(row) = rows.next().map_err(Fault::Sql)? else { break };
        let batch = batch_of(row).map_err(Fault::Sql)?;
        bytes += batch.records.len();
        batch
            .read(from, most, &mut records)
            .map_err(|fault| Fault::malformed(partition, &batch, &fault))?;
    }
    Ok(records)
}

/// Where a partition ends, by the file.
pub(super) fn end(connection: &Connection, partition: Partition) -> rusqlite::Result<Offset> {
    connection
        .prepare_cached(
            "SELECT base + count FROM batches WHERE place BETWEEN ?1 AND ?2
             ORDER BY place DESC LIMIT 1",
        )?
        .query_row((place(partition, 0), place(partition, MOST_OFFSET)), |row| row.get::<_, i64>(0))
        .map(|end| end as u64)
}
