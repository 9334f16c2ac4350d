//! The file `store.db`: its schema, its migrations, and every reason not to open it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use crate::store::StoreError;

/// The file's name in the data folder.
pub const FILE: &str = "store.db";

/// The application id "PLXS", which tells our file from any other.
const APPLICATION_ID: i32 = 0x504c_5853;

/// The most partitions: a row's position packs the partition above 48 bits of offset.
const MAX_PARTITIONS: u32 = 1 << 15;

/// The time to wait for a lock that a reader in another process may hold for a moment.
pub(super) const BUSY: Duration = Duration::from_secs(2);

/// The migrations: number *n* takes a file of `user_version` *n* to *n* + 1. Never edit one that
/// shipped.
pub(super) const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

-- One row a poll. `poll` is the whole of it as JSON; the other columns are there to be queried.
CREATE TABLE polls (
    key        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    status     TEXT    NOT NULL,
    listed     INTEGER NOT NULL,
    phase      INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    closes_at  INTEGER,
    ended_at   INTEGER,            -- its code is free a month after this
    settled    INTEGER NOT NULL,   -- every partition has committed the present phase
    indexed    INTEGER NOT NULL DEFAULT 0,  -- some of its voters are in `voters`
    poll       TEXT    NOT NULL
) STRICT;
CREATE INDEX polls_public    ON polls (id) WHERE listed = 1 AND status IN ('open', 'closed');
CREATE INDEX polls_by_status ON polls (status, listed, id);
CREATE INDEX polls_closing   ON polls (closes_at) WHERE status = 'open' AND closes_at IS NOT NULL;
CREATE INDEX polls_unsettled ON polls (key) WHERE settled = 0;
CREATE INDEX polls_indexed   ON polls (key) WHERE indexed = 1;

CREATE TABLE codes (code TEXT PRIMARY KEY, poll INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    key     TEXT PRIMARY KEY,
    request BLOB NOT NULL,
    poll    INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (at);

CREATE TABLE offsets (
    partition   INTEGER PRIMARY KEY,
    generation  TEXT    NOT NULL,
    next_offset INTEGER NOT NULL,
    announced   INTEGER NOT NULL,
    indexed_to  INTEGER NOT NULL   -- voters of ballots below this are in `voters`
) STRICT;

CREATE TABLE tallies (
    poll        INTEGER NOT NULL,
    partition   INTEGER NOT NULL,
    phase       INTEGER NOT NULL,
    round       INTEGER NOT NULL,
    gate        TEXT    NOT NULL,
    counts      TEXT    NOT NULL,
    voters      INTEGER NOT NULL,
    changes     INTEGER NOT NULL,
    generation  TEXT    NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (poll, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX tallies_by_age ON tallies (partition, next_offset);

-- Append-only, in log order: position = partition << 48 | offset. Ordered rows cost SQLite a
-- tenth of rows under a random key. `decided_ballots` below shows them readably.
CREATE TABLE ballots (
    position INTEGER PRIMARY KEY,
    poll     INTEGER NOT NULL,
    voter    BLOB    NOT NULL,
    ballot   BLOB    NOT NULL,
    choice   ANY     NOT NULL,   -- bit n is option n; 16 bytes when it does not fit an integer
    decided  INTEGER NOT NULL,   -- 1 counted, 2 superseded, 3 refused, 4 late
    at       INTEGER NOT NULL,
    round    INTEGER NOT NULL,   -- from here on the voter's state afterwards
    counted  ANY,                -- 1: this ballot; else ballot and choice, 16 bytes each
    seen     ANY,                -- 1: this ballot; else a ballot
    prev     INTEGER             -- offset of the voter's previous row in this poll
) STRICT;

-- Where a voter's latest row stands, for rows below `offsets.indexed_to`; filled in sorted
-- merges, and outvoted by any later row of the voter.
CREATE TABLE voters (
    poll     INTEGER NOT NULL,
    voter    BLOB    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (poll, voter)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead (
    position INTEGER PRIMARY KEY,
    key      BLOB NOT NULL,
    value    BLOB NOT NULL,
    reason   TEXT NOT NULL
) STRICT;

CREATE VIEW decided_ballots AS
SELECT b.position >> 48 AS partition, b.position & 0xffffffffffff AS \"offset\",
       p.id AS poll, lower(hex(b.voter)) AS voter, lower(hex(b.ballot)) AS ballot, b.choice,
       CASE b.decided WHEN 1 THEN 'counted' WHEN 2 THEN 'superseded'
                      WHEN 3 THEN 'refused' ELSE 'late' END AS decided,
       strftime('%FT%TZ', b.at / 1000, 'unixepoch') AS at
FROM ballots b JOIN polls p ON p.key = b.poll;
",
    "
-- One row an event. `event` is the whole of it as JSON; the other columns are there to be queried.
CREATE TABLE events (
    id         TEXT    NOT NULL UNIQUE,
    revision   INTEGER NOT NULL,
    current    TEXT,               -- the poll its code leads to
    ended_at   INTEGER,            -- its code is free a month after this
    event      TEXT    NOT NULL,
    logo       BLOB
) STRICT;

ALTER TABLE polls ADD COLUMN event TEXT;
CREATE INDEX polls_of_event ON polls (event) WHERE event IS NOT NULL;

-- A code, and an idempotency key, is a poll's or an event's.
CREATE TABLE new_codes (code TEXT PRIMARY KEY, poll INTEGER, event TEXT) STRICT, WITHOUT ROWID;
INSERT INTO new_codes SELECT code, poll, NULL FROM codes;
DROP TABLE codes;
ALTER TABLE new_codes RENAME TO codes;

DROP INDEX idempotency_by_age;
CREATE TABLE new_idempotency (
    key     TEXT PRIMARY KEY,
    request BLOB NOT NULL,
    poll    INTEGER,
    event   TEXT,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO new_idempotency SELECT key, request, poll, NULL, at FROM idempotency;
DROP TABLE idempotency;
ALTER TABLE new_idempotency RENAME TO idempotency;
CREATE INDEX idempotency_by_age ON idempotency (at);
",
    "
-- Which of its voter's rows in the poll a row is: 1 to 8, and 9 for every later one. Those of
-- before it was kept are taken for later ones. The first are found by `prev`, the later ones,
-- whose `prev` is the eighth, by these indexes: two more entries under random keys, for the few
-- voters who change their minds that often.
ALTER TABLE ballots ADD COLUMN nth INTEGER NOT NULL DEFAULT 9;
CREATE INDEX later_ballots ON ballots (poll, voter, ballot) WHERE nth > 8;
CREATE INDEX later_counted ON ballots (poll, voter, round) WHERE nth > 8 AND decided = 1;
",
    "
-- Polls that are due or unsettled are read a page at a time, in this order.
DROP INDEX polls_closing;
CREATE INDEX polls_closing ON polls (closes_at, id) WHERE status = 'open' AND closes_at IS NOT NULL;
DROP INDEX polls_unsettled;
CREATE INDEX polls_unsettled ON polls (id) WHERE settled = 0;
",
    "
-- What a partition's records were when they were counted (crates/core/src/digest.rs): the last
-- row of a partition moves with its offset. What was counted before this was kept has none.
CREATE TABLE digests (
    partition   INTEGER NOT NULL,
    from_offset INTEGER NOT NULL,
    to_offset   INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    PRIMARY KEY (partition, from_offset)
) STRICT, WITHOUT ROWID;
",
    "
-- The key of what voters wrote in a poll, behind 4096 zeros (see texts.rs). Polls without texts have no row.
CREATE TABLE text_keys (poll INTEGER PRIMARY KEY, text_key BLOB NOT NULL) STRICT;

-- The names that a round counts in slots of their own, each with the sealed word that came first.
CREATE TABLE names (
    poll  INTEGER NOT NULL, partition INTEGER NOT NULL,
    round INTEGER NOT NULL, slot      INTEGER NOT NULL,
    name  BLOB    NOT NULL, sealed    BLOB    NOT NULL, PRIMARY KEY (poll, partition, round, slot)
) STRICT, WITHOUT ROWID;
",
];

/// `OpenError` says why the store's file was not opened. Each message names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or the file may not be written.
    #[error(
        "{path}: cannot be opened for writing ({why}). Give this user write access to the \
         folder and the file, or set POLLUX_DATA to a folder that has it."
    )]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// There is nothing to read.
    #[error("{0}: there is no store here. Point POLLUX_DATA at the data folder of a server.")]
    Missing(PathBuf),
    /// The file is no SQLite file at all.
    #[error(
        "{0}: not a database. Restore the newest copy of store.db (without store.db-wal and \
         store.db-shm): ballots newer than the copy are counted again from the log, up to the \
         first poll it does not have. Or set POLLUX_DATA to an empty folder."
    )]
    NotADatabase(PathBuf),
    /// The file is another application's database.
    #[error(
        "{path}: a database of another application (application id {found:#x}). Restore the \
         store.db that belongs to the log here, or set POLLUX_DATA to another folder."
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The application id found.
        found: i32,
    },
    /// The file was written by a newer Pollux.
    #[error(
        "{path}: written by a newer Pollux (schema {found}; this one knows up to {known}). Run \
         that version, or a newer one."
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema version found.
        found: i64,
        /// The greatest schema version that this binary knows.
        known: i64,
    },
    /// The file has an older schema, and this connection must not migrate it.
    #[error(
        "{path}: written by an older Pollux (schema {found}; this one reads {known}). Start the \
         server once to bring it up to date."
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The schema version found.
        found: i64,
        /// The schema version that this binary reads.
        known: i64,
    },
    /// The bytes contradict themselves.
    #[error(
        "{path}: damaged ({why}). Stop, and restore a copy of store.db (without store.db-wal and \
         store.db-shm); ballots newer than the copy are counted again from the log."
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        why: String,
    },
    /// The store was made for another number of partitions.
    #[error(
        "{path}: made for {found} partitions, not {asked}. The number is fixed when the log is \
         made: ask for {found}, or begin in an empty folder."
    )]
    Partitions {
        /// The file.
        path: PathBuf,
        /// The number that it was made for.
        found: u32,
        /// The number that was asked for.
        asked: u32,
    },
    /// The number of partitions is zero, or more than a position can hold.
    #[error("a store has 1 to {MAX_PARTITIONS} partitions, not {0}")]
    TooManyPartitions(u32),
    /// The file is in use, or the system refused to open it.
    #[error(
        "{path}: cannot be opened now ({why}). Close other programs that use it, then try again."
    )]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// SQLite's error, or what the file system lacks.
        why: String,
    },
}

impl OpenError {
    /// Makes the error for rows that could not be read back.
    pub(super) fn damaged(folder: &Path, error: &StoreError) -> Self {
        Self::Corrupt { path: folder.join(FILE), why: error.to_string() }
    }

    fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, why) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase(path),
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, why },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path, why }
            }
            // The file is ours and its tables are not, so somebody or something has altered it.
            Some(ErrorCode::Unknown) => Self::Corrupt { path, why },
            _ => Self::Unavailable { path, why },
        }
    }
}

/// Opens the one connection that writes, after creating or migrating the file.
pub fn open_writer(folder: &Path, partitions: u32) -> Result<Connection, OpenError> {
    if !(1..=MAX_PARTITIONS).contains(&partitions) {
        return Err(OpenError::TooManyPartitions(partitions));
    }
    let path = folder.join(FILE);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let in_file = |error: rusqlite::Error| OpenError::from_sqlite(&path, &error);
    let mut conn = Connection::open_with_flags(&path, flags).map_err(in_file)?;
    configure(&conn).map_err(in_file)?;
    let version = recognise(&conn, &path)?;
    let mode: String =
        conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(in_file)?;
    if mode != "wal" {
        let why = format!("the file system does not support a write-ahead log ({mode})");
        return Err(OpenError::Unavailable { path, why });
    }
    // Checkpoints run on a thread of their own; see `writer`.
    conn.pragma_update(None, "wal_autocheckpoint", 0).map_err(in_file)?;
    conn.pragma_update(None, "synchronous", "FULL").map_err(in_file)?;
    conn.pragma_update(None, "cache_size", -32_768).map_err(in_file)?;
    // What is deleted is overwritten, because keys of texts must not be found in free pages.
    conn.pragma_update(None, "secure_delete", "ON").map_err(in_file)?;
    migrate(&mut conn, version, partitions).map_err(in_file)?;
    let found = read_partitions(&conn).map_err(in_file)?;
    if found != partitions {
        return Err(OpenError::Partitions { path, found, asked: partitions });
    }
    Ok(conn)
}

/// Opens a connection that only reads.
pub fn open_reader(folder: &Path) -> Result<Connection, OpenError> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Err(OpenError::Missing(path));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let in_file = |error: rusqlite::Error| OpenError::from_sqlite(&path, &error);
    let mut conn = Connection::open_with_flags(&path, flags).map_err(in_file)?;
    configure(&conn).map_err(in_file)?;
    let mut version = recognise(&conn, &path);
    if matches!(version, Err(OpenError::NotWritable { .. })) && at_rest(&path) {
        // We may not write the folder and nobody else does, so no shared memory is needed.
        let uri = immutable_uri(&path);
        conn = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
            .map_err(in_file)?;
        configure(&conn).map_err(in_file)?;
        version = recognise(&conn, &path);
    }
    let (found, known) = (version?, MIGRATIONS.len() as i64);
    if found < known {
        return Err(OpenError::Older { path, found, known });
    }
    Ok(conn)
}

/// Opens the connection that copies the write-ahead log back.
pub fn open_checkpointer(folder: &Path) -> Result<Connection, OpenError> {
    let path = folder.join(FILE);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let in_file = |error: rusqlite::Error| OpenError::from_sqlite(&path, &error);
    let conn = Connection::open_with_flags(&path, flags).map_err(in_file)?;
    configure(&conn).map_err(in_file)?;
    Ok(conn)
}

/// Returns how many partitions the file was made for.
pub fn partitions(folder: &Path) -> Result<u32, OpenError> {
    let conn = open_reader(folder)?;
    read_partitions(&conn).map_err(|error| OpenError::from_sqlite(&folder.join(FILE), &error))
}

/// Returns what is kept of the secrets that the store's voters were named with. `ours` is kept and
/// returned instead if nothing is kept yet, or if nobody was named yet, which `fresh` says.
pub fn secrets(folder: &Path, ours: &str, fresh: bool) -> Result<String, OpenError> {
    let conn = open_checkpointer(folder)?;
    let kept = || {
        let query = "SELECT value FROM meta WHERE name = 'secret'";
        let kept = conn.query_row(query, [], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Blob(fingerprint) => hex::encode(fingerprint),
                text => text.as_str()?.to_owned(),
            })
        });
        match kept.optional()?.filter(|kept| !fresh || kept == ours) {
            Some(kept) => Ok(kept),
            None => write_secrets(&conn, ours).map(|()| ours.to_owned()),
        }
    };
    kept().map_err(|error| OpenError::from_sqlite(&folder.join(FILE), &error))
}

/// Keeps `ours` as the secrets from now on.
pub fn follow_secrets(folder: &Path, ours: &str) -> Result<(), OpenError> {
    let conn = open_checkpointer(folder)?;
    write_secrets(&conn, ours).map_err(|error| OpenError::from_sqlite(&folder.join(FILE), &error))
}

fn write_secrets(conn: &Connection, ours: &str) -> rusqlite::Result<()> {
    conn.pragma_update(None, "synchronous", "FULL")?;
    // A fingerprint alone is kept as bytes, as versions before secrets were rotated keep it.
    let value = match hex::decode(ours) {
        Ok(fingerprint) => Value::Blob(fingerprint),
        Err(_) => Value::Text(ours.to_owned()),
    };
    conn.execute("INSERT OR REPLACE INTO meta VALUES ('secret', ?1)", [value])?;
    Ok(())
}

fn read_partitions(conn: &Connection) -> rusqlite::Result<u32> {
    conn.query_row("SELECT value FROM meta WHERE name = 'partitions'", [], |row| row.get(0))
}

/// Returns whether the write-ahead log beside the file is missing or empty.
fn at_rest(path: &Path) -> bool {
    let wal = path.with_file_name(format!("{FILE}-wal"));
    wal.metadata().map_or(true, |meta| meta.len() == 0)
}

fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for c in path.to_string_lossy().chars() {
        match c {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            c => uri.push(c),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

fn configure(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.pragma_update(None, "foreign_keys", false)
}

/// Returns the schema version of a file that is ours (0 for an empty one), or an error if it is
/// not.
fn recognise(conn: &Connection, path: &Path) -> Result<i64, OpenError> {
    let in_file = |error: rusqlite::Error| OpenError::from_sqlite(path, &error);
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(in_file);
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let version = number("PRAGMA user_version")?;
    let application = number("PRAGMA application_id")? as i32;
    let path = path.to_owned();
    if application == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        return Err(OpenError::Foreign { path, found: application });
    }
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(OpenError::Newer { path, found: version, known });
    }
    Ok(version)
}

fn migrate(conn: &mut Connection, from: i64, partitions: u32) -> rusqlite::Result<()> {
    if from == MIGRATIONS.len() as i64 {
        return Ok(());
    }
    if from > 0 {
        let known = MIGRATIONS.len();
        tracing::info!(from, known, "migrating the store's schema");
    }
    let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for migration in &MIGRATIONS[from as usize..] {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    let known =
        tx.query_row("SELECT 1 FROM meta WHERE name = 'partitions'", [], |_| Ok(())).optional()?;
    if known.is_none() {
        tx.execute("INSERT INTO meta VALUES ('partitions', ?1)", [partitions])?;
    }
    tx.commit()
}
