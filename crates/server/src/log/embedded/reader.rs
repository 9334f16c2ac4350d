//! A reader reads the log without being its server, for `recount`, `export` and `trace`, beside a
//! running server or with none. It takes no lock and changes nothing.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use pollux_core::id::{Generation, Offset, Partition};
use rusqlite::{Connection, OpenFlags};

use super::error::{OpenError, io_fault, sql_fault};
use super::file::{self, Facts};
use super::rows::{self, Cursor, Damage, Fault};
use super::sync_mark::SyncMark;
use crate::log::{ReadError, Record};

/// The bytes that are inspected between two checks whether a server has started.
const INSPECTED_AT_ONCE: usize = 8 << 20;

/// `Inspected` is what was found among all records of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// The offset after the last record.
    pub end: Offset,
    /// The number of records without a checksum. They are the first ones, from before there were
    /// checksums.
    pub unchecked: u64,
    /// The damage found, in order. Everything before the first is whole.
    pub damage: Vec<Damage>,
}

/// The reader has a log open for reading only.
pub struct LogReader {
    file: PathBuf,
    facts: Facts,
    view: Mutex<View>,
}

/// A view is a connection, and says whether what it reads can be trusted.
struct View {
    connection: Connection,
    /// How the file looked when it was opened as one that nobody writes to; `None` beside a
    /// write-ahead log. Without a server there is no write-ahead log, and reading the usual way
    /// would create one.
    still: Option<Metadata>,
}

impl LogReader {
    /// Opens the log in this folder.
    pub(super) fn open(folder: &Path) -> Result<Self, OpenError> {
        let file = file::existing(folder)?;
        if !file.exists() {
            return Err(OpenError::NoLog { file });
        }
        file::check_header(&file)?;
        file::check_wal_beside(&file)?;
        // The sync mark is read before the log, which may be written to meanwhile.
        let mark = SyncMark::read(&file).map_err(|error| io_fault(&file, &error))?;
        let view = View::open(&file)?;
        file::check_identity(&view.connection, &file)?;
        let facts = file::facts(&view.connection, &file)?;
        if let Some(mark) = mark {
            file::check_mark(&view.connection, &file, &mark, &facts)?;
        }
        Ok(Self { file, facts, view: Mutex::new(view) })
    }

    /// Returns the generation of the log.
    pub fn generation(&self) -> Generation {
        self.facts.generation
    }

    /// Returns the number of partitions.
    pub fn partitions(&self) -> u32 {
        self.facts.heads.len() as u32
    }

    /// Returns the offset that the next durable record will get, as of now.
    pub fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        if partition >= self.partitions() {
            return Err(ReadError::OutOfRange { partition, from: 0, end: 0 });
        }
        self.ask(|connection| rows::head(connection, partition).map(|head| head.end))
    }

    /// Reads up to `most` records from `from` on, and returns an empty list at the end. It never
    /// waits.
    pub fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let end = self.end(partition)?;
        if from > end {
            return Err(ReadError::OutOfRange { partition, from, end });
        }
        if from == end {
            return Ok(Vec::new());
        }
        self.ask(|connection| rows::read(connection, partition, from, most))
    }

    /// Inspects every record that a partition has by now, and returns the damage found.
    pub fn inspect(&self, partition: Partition) -> Result<Inspected, ReadError> {
        let mut whole = Inspected::default();
        let mut cursor = Cursor::default();
        loop {
            let found = self.ask(|connection| {
                Ok(rows::inspect(connection, partition, cursor, INSPECTED_AT_ONCE)?)
            })?;
            whole.damage.extend(found.damage);
            whole.unchecked = whole.unchecked.saturating_add(found.unchecked);
            cursor = found.cursor;
            if found.done {
                return Ok(Inspected { end: cursor.head.end, ..whole });
            }
        }
    }

    fn ask<T>(&self, question: impl Fn(&Connection) -> Result<T, Fault>) -> Result<T, ReadError> {
        let unavailable = |why: String| ReadError::Unavailable(why);
        let mut view = self.view.lock();
        let mut answer = question(&view.connection);
        if !view.is_believed(&self.file) {
            // A server has started in the meantime.
            *view = View::open(&self.file).map_err(|error| unavailable(error.to_string()))?;
            answer = question(&view.connection);
        }
        answer.map_err(|fault| fault.reading(&self.file))
    }
}

impl View {
    fn open(file: &Path) -> Result<Self, OpenError> {
        if file::wal(file).exists() {
            return Ok(Self { connection: file::connect_reader(file)?, still: None });
        }
        let still = std::fs::metadata(file).map_err(|error| io_fault(file, &error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(immutable(file), flags)
            .map_err(|error| sql_fault(file, &error))?;
        Ok(Self { connection, still: Some(still) })
    }

    /// Returns whether what was just read can be trusted: nobody began to write to a file that was
    /// opened as unchanging.
    fn is_believed(&self, file: &Path) -> bool {
        let Some(then) = &self.still else { return true };
        let same = std::fs::metadata(file).is_ok_and(|now| {
            now.len() == then.len() && now.modified().ok() == then.modified().ok()
        });
        same && !file::wal(file).exists()
    }
}

/// Returns the URI of a file that SQLite may take for unchanging.
fn immutable(file: &Path) -> String {
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}
