//! The file `log.db`: how it is created, opened and checked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use pollux_core::id::{Generation, Partition, UnixMillis};
use pollux_core::record::{Entry, Genesis};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::batch::{self, Batch};
use super::chain::Head;
use super::error::{OpenError, damaged, io_fault, sql_fault};
use super::rows::{self, Fault, SCHEMA};
use super::sync_mark::{self, SyncMark};
use super::{FILE, passed_over};
use crate::ambient::SharedAmbient;
use crate::log::control::genesis;

/// The `PRAGMA application_id`: "PxLg".
const APPLICATION: i32 = 0x5078_4c67;

/// The bytes of a page. A group of hundreds of votes costs about half of what it costs with
/// SQLite's usual 4 KiB; a single vote costs no more.
const PAGE: u64 = 16 << 10;

/// The bytes of the newest records of a partition that are checked before a server starts; older
/// ones are checked while it runs.
const CHECKED_BYTES: usize = 64 << 20;

/// The time to wait for another process that has the file locked (such as a shell left in a
/// transaction) before the records are refused.
const BUSY: Duration = Duration::from_secs(3);

/// The facts are what an opened file says about its log.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub generation: Generation,
    /// The partitions' ends, by partition.
    pub heads: Vec<Head>,
}

/// Opens the folder's log for writing, or creates one with this many partitions.
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
    // SQLite itself would silently fall back to reading only.
    File::options().read(true).write(true).open(&file).map_err(|error| io_fault(&file, &error))?;
    check_wal(&file)?;
    let connection = connect(&file)?;
    // A log that is refused is left as it was found, with its write-ahead log.
    let has_wal = std::fs::metadata(wal(&file)).is_ok_and(|wal| wal.len() > 0);
    keep_wal(&connection, has_wal);
    check_identity(&connection, &file)?;
    let facts = match check_content(&connection, &file) {
        Ok(facts) => facts,
        Err(error) => {
            if !has_wal {
                // A file that was cut is reported as such, which says more than that rows are
                // missing.
                check_length(&connection, &file)?;
            }
            return Err(error);
        }
    };
    // Whatever a killed process left in the write-ahead log moves to the file now.
    keep_wal(&connection, false);
    checkpoint(&connection, Checkpoint::Truncate).map_err(|error| sql_fault(&file, &error))?;
    check_length(&connection, &file)?;
    Ok((connection, facts))
}

/// Returns the path of the log in a folder, which must exist; the log need not.
pub(super) fn existing(folder: &Path) -> Result<PathBuf, OpenError> {
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(folder.join(FILE)),
        Ok(_) => Err(OpenError::Io { file: folder.join(FILE), why: "its folder is a file".into() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(OpenError::NoFolder { folder: folder.into() })
        }
        Err(error) => Err(io_fault(&folder.join(FILE), &error)),
    }
}

/// Returns the path of the write-ahead log beside a database.
pub(super) fn wal(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Creates the file under another name and renames it when it is whole. Whenever the process is
/// killed, `log.db` is either missing or complete.
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

/// Writes the schema and the genesis records.
fn fill(draft: &Path, partitions: u32, ambient: &SharedAmbient) -> rusqlite::Result<()> {
    let connection = Connection::open(draft)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE};
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         BEGIN IMMEDIATE;
         PRAGMA application_id = {APPLICATION};"
    ))?;
    rows::create(&connection)?;
    let UnixMillis(now) = ambient.now();
    let id = uuid::Builder::from_unix_timestamp_millis(now, &ambient.random()).into_uuid();
    for partition in 0..partitions {
        let (record, mut records) = (genesis(Generation(id), partition, partitions), Vec::new());
        batch::push(&mut records, &record);
        let first = Batch::after(Head::default(), partition, 1, Bytes::from(records));
        rows::insert(&connection, partition, &first)?;
    }
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| error)
}

/// Opens a connection for writing that leaves no timing to SQLite.
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

/// Opens a connection for reading beside the writer.
pub(super) fn connect_reader(file: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(file, flags).map_err(|error| sql_fault(file, &error))?;
    connection.busy_timeout(BUSY).map_err(|error| sql_fault(file, &error))?;
    Ok(connection)
}

/// `Checkpoint` says how thorough a checkpoint is.
#[derive(Clone, Copy)]
pub(super) enum Checkpoint {
    /// It moves what can be moved without waiting for anybody.
    Passive,
    /// It holds the writer until everything is moved, so that the write-ahead log begins anew.
    Restart,
    /// It does the same as `Restart`, and truncates the write-ahead log to nothing.
    Truncate,
}

/// Moves the write-ahead log into the file, and returns how many pages it had.
pub(super) fn checkpoint(connection: &Connection, how: Checkpoint) -> rusqlite::Result<u64> {
    let pragma = match how {
        Checkpoint::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
        Checkpoint::Restart => "PRAGMA wal_checkpoint(RESTART)",
        Checkpoint::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
    };
    let pages = connection.query_row(pragma, [], |row| row.get::<_, i64>(1))?;
    Ok(pages.max(0) as u64)
}

/// Closes a writing connection. After a failure the write-ahead log is left as it is, so that the
/// next start reads what the disk really holds.
pub(super) fn close(connection: Connection, failed: bool) {
    if failed {
        keep_wal(&connection, true);
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!("the log's file was not closed cleanly: {error}");
    }
}

/// Sets whether the write-ahead log stays as it is when the last connection closes.
fn keep_wal(connection: &Connection, keep: bool) {
    if let Err(error) = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep) {
        tracing::warn!("SQLite does not let the write-ahead log be kept: {error}");
    }
}

/// Checks that the file is an SQLite database and has at least one page.
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
    // SQLite takes a file shorter than a page for an empty database.
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

/// Checks that the file is a log of Pollux, of a version that this binary knows.
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
        1..=SCHEMA => Ok(()),
        found if found > SCHEMA => Err(OpenError::Newer { file: file.into(), found }),
        found => Err(damaged(file, format!("schema version {found} never existed"))),
    }
}

/// Checks that no pages are missing. The write-ahead log must be empty.
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

/// Checks that the write-ahead log holds everything that was synced to it. This comes before SQLite
/// opens the file, which would take what it finds for all there is.
fn check_wal(file: &Path) -> Result<(), OpenError> {
    let wal = wal(file);
    match passed_over::damage(&wal).map_err(|error| io_fault(&wal, &error))? {
        None => Ok(()),
        Some(at) => Err(OpenError::WalDamaged { file: file.into(), wal, at }),
    }
}

/// Checks the write-ahead log of a file that a server may be writing to: damage counts only if a
/// second look finds it at the same byte.
pub(super) fn check_wal_beside(file: &Path) -> Result<(), OpenError> {
    match (check_wal(file), check_wal(file)) {
        (
            Err(OpenError::WalDamaged { at: first, .. }),
            Err(OpenError::WalDamaged { file, wal, at }),
        ) if first == at => Err(OpenError::WalDamaged { file, wal, at }),
        (Err(OpenError::WalDamaged { .. }), _) => Ok(()),
        (first, _) => first,
    }
}

/// Reads the log's facts, and checks that its newest records are whole and that none is missing
/// behind them.
fn check_content(connection: &Connection, file: &Path) -> Result<Facts, OpenError> {
    let facts = facts(connection, file)?;
    check_newest(connection, file, &facts)?;
    check_synced(connection, file, &facts)?;
    Ok(facts)
}

/// Reads the log's generation, and where each partition ends.
pub(super) fn facts(connection: &Connection, file: &Path) -> Result<Facts, OpenError> {
    let Genesis { generation, partitions, .. } = first(connection, file, 0)?;
    let mut heads = Vec::new();
    for partition in 0..partitions {
        let genesis = first(connection, file, partition)?;
        if genesis != (Genesis { generation, partition, partitions }) {
            let why = format!("the genesis record of partition {partition} contradicts that of 0");
            return Err(damaged(file, why));
        }
        heads.push(rows::head(connection, partition).map_err(|fault| opening(file, fault))?);
    }
    Ok(Facts { generation, heads })
}

/// Reads a partition's genesis record.
fn first(connection: &Connection, file: &Path, partition: Partition) -> Result<Genesis, OpenError> {
    let records = rows::read(connection, partition, 0, 1).map_err(|fault| opening(file, fault))?;
    let entry = records.first().map(|record| Entry::decode(&record.value));
    match entry {
        Some(Ok(Entry::Genesis(genesis))) => Ok(genesis),
        _ => Err(damaged(file, format!("partition {partition} has no genesis record"))),
    }
}

/// Checks that the newest batches are whole and follow one another.
fn check_newest(connection: &Connection, file: &Path, facts: &Facts) -> Result<(), OpenError> {
    for partition in 0..facts.heads.len() as u32 {
        let oldest = rows::newest(connection, partition, CHECKED_BYTES)
            .map_err(|fault| opening(file, fault))?;
        let found = rows::inspect(connection, partition, oldest, usize::MAX)
            .map_err(|error| sql_fault(file, &error))?;
        if let Some(damage) = found.damage.first() {
            return Err(damaged(file, damage.to_string()));
        }
    }
    Ok(())
}

/// Checks that the log has everything that was synced, as far as its sync mark says.
fn check_synced(connection: &Connection, file: &Path, facts: &Facts) -> Result<(), OpenError> {
    match SyncMark::read(file).map_err(|error| io_fault(file, &error))? {
        Some(mark) => return check_mark(connection, file, &mark, facts),
        None if facts.heads.iter().all(|head| head.end <= 1 || head.digest.is_none()) => {}
        None => tracing::warn!(
            "{} is not there, or damaged: cannot tell whether {FILE} has lost its end",
            sync_mark::beside(file).display()
        ),
    }
    Ok(())
}

/// Checks that the log reaches at least as far as it was synced, and holds there what was synced. A
/// log of another generation than the sync mark's is left to the comparison with the store.
pub(super) fn check_mark(
    connection: &Connection,
    file: &Path,
    mark: &SyncMark,
    facts: &Facts,
) -> Result<(), OpenError> {
    if mark.generation != facts.generation {
        return Ok(());
    }
    for ((partition, synced), head) in (0..).zip(&mark.heads).zip(&facts.heads) {
        let (file, mark) = (file.to_owned(), sync_mark::beside(file));
        if synced.end > head.end {
            let (end, synced) = (head.end, synced.end);
            return Err(OpenError::Shortened { file, mark, partition, end, synced });
        }
        let found = rows::head_at(connection, partition, synced.end)
            .map_err(|fault| opening(&file, fault))?;
        if found != Some(*synced) {
            let at = synced.end;
            return Err(OpenError::OtherCopy { file, mark, partition, at });
        }
    }
    Ok(())
}

fn opening(file: &Path, fault: Fault) -> OpenError {
    match fault {
        Fault::Sql(error) => sql_fault(file, &error),
        Fault::Damaged(damage) => damaged(file, damage.to_string()),
    }
}
