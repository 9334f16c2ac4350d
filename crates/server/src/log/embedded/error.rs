//! The error of opening the log says which file, what is wrong with it, and what to do.

use std::path::{Path, PathBuf};

use pollux_core::id::{Offset, Partition};
use rusqlite::ErrorCode;

use super::rows::SCHEMA;

/// `OpenError` says why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder does not exist.
    #[error("there is no data folder {}: create it, or correct POLLUX_DATA", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder has no log in it (when opened for reading only).
    #[error("there is no log {}: no Pollux has used this data folder yet", file.display())]
    NoLog {
        /// The file that was looked for.
        file: PathBuf,
    },
    /// The log may not be written to.
    #[error(
        "the log {} cannot be written to ({why}): give this user the right to write to it and \
         its folder, or set POLLUX_DATA to another folder", file.display()
    )]
    ReadOnly {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        why: String,
    },
    /// The file is no SQLite database.
    #[error(
        "{} is not an SQLite database, so not a log of Pollux: move it away, or set POLLUX_DATA \
         to another folder", file.display()
    )]
    NotSqlite {
        /// The file.
        file: PathBuf,
    },
    /// The file is a database of another program.
    #[error(
        "{} is an SQLite database of another program: move it away, or set POLLUX_DATA to \
         another folder", file.display()
    )]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A later Pollux has written the log.
    #[error(
        "the log {} has schema version {found}, and this Pollux knows up to {SCHEMA}: start the \
         newer Pollux that wrote it", file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The log's schema version.
        found: i32,
    },
    /// The file ends too early.
    #[error(
        "the log {} is truncated: it has {found} bytes of {wanted}. Restore an undamaged \
         copy of the data folder", file.display()
    )]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Bytes that there are.
        found: u64,
        /// Bytes that there should be.
        wanted: u64,
    },
    /// The log's content contradicts itself.
    #[error(
        "the log {} is damaged: {why}. Restore an undamaged copy of the data folder; `pollux \
         recount` lists all damage", file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The reason why it counts as damaged.
        why: String,
    },
    /// The log has lost its end.
    #[error(
        "the log {} ends at offset {end} of partition {partition}, but records up to {synced} were \
         synced and acknowledged: they are missing, those before are there. Restore the newest \
         {name} with its {name}-wal. If they are lost for good, delete {} to go on without them",
        file.display(), mark.display(), name = super::FILE
    )]
    Shortened {
        /// The file.
        file: PathBuf,
        /// The sync mark, which says how far the log was synced.
        mark: PathBuf,
        /// The partition.
        partition: Partition,
        /// The offset at which the partition ends.
        end: Offset,
        /// The offset up to which it was synced.
        synced: Offset,
    },
    /// The log is not the copy that was written to last.
    #[error(
        "the log {} is not the copy that was written to last: partition {partition} up to offset \
         {at} is not what was synced. Restore that copy with its {}-wal; or, if this one is to be used \
         instead, delete {}", file.display(), super::FILE, mark.display()
    )]
    OtherCopy {
        /// The file.
        file: PathBuf,
        /// The sync mark, which says how far the log was synced.
        mark: PathBuf,
        /// The partition.
        partition: Partition,
        /// The offset up to which other records were synced.
        at: Offset,
    },
    /// The log's write-ahead log holds commits that SQLite would pass over.
    #[error(
        "the write-ahead log {} is damaged at byte {at}: votes that stand behind it were acknowledged, \
         and SQLite would begin without them; what stands before it is undamaged. Restore an undamaged \
         copy of the data folder. If there is none, keep a copy of this one, and to go on without them run: \
         sqlite3 {} 'PRAGMA wal_checkpoint(TRUNCATE)'", wal.display(), file.display()
    )]
    WalDamaged {
        /// The log.
        file: PathBuf,
        /// The log's write-ahead log.
        wal: PathBuf,
        /// The byte at which it is damaged.
        at: u64,
    },
    /// Anything else went wrong.
    #[error("the log {} cannot be opened: {why}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system or SQLite says.
        why: String,
    },
}

/// Returns the error of a log that is damaged in this way.
pub(super) fn damaged(file: &Path, why: String) -> OpenError {
    OpenError::Damaged { file: file.into(), why }
}

/// Returns the error that an error of the operating system means.
pub(super) fn io_fault(file: &Path, error: &std::io::Error) -> OpenError {
    use std::io::ErrorKind as Kind;
    let (file, why) = (file.to_owned(), error.to_string());
    match error.kind() {
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => OpenError::ReadOnly { file, why },
        _ => OpenError::Io { file, why },
    }
}

/// Returns the error that an error of SQLite means.
pub(super) fn sql_fault(file: &Path, error: &rusqlite::Error) -> OpenError {
    let (file, why) = (file.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotSqlite { file },
        Some(ErrorCode::ReadOnly) => OpenError::ReadOnly { file, why },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { file, why },
        _ => OpenError::Io { file, why },
    }
}
