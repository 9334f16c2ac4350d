//! The folder lock lets one process at a time write to a data folder; it is a lock on the file
//! `pollux.lock` in it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use pollux_core::id::UnixMillis;

/// The lock's file name.
const FILE: &str = "pollux.lock";

/// The folder lock is held while this value lives. The operating system releases it when the
/// process ends, however it ends. Readers need no lock.
#[derive(Debug)]
pub struct FolderLock {
    /// The open file, which is locked until it is closed.
    _file: File,
}

/// `LockError` says why the folder cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error(
        "the data folder {} is in use by another Pollux ({holder}): stop that one first, or \
         give this one a folder of its own (POLLUX_DATA)", folder.display()
    )]
    Held {
        /// The folder.
        folder: PathBuf,
        /// What the holder wrote into the lock: its process id and start time.
        holder: String,
    },
    /// The parent folder does not exist.
    #[error(
        "the data folder {} cannot be created, because the folder it should be in does not exist: \
         create that first, or correct POLLUX_DATA", folder.display()
    )]
    NoParent {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder may not be written to.
    #[error(
        "the data folder {} cannot be written to ({source}): give this user the right to write \
         there, or set POLLUX_DATA to another folder", folder.display()
    )]
    ReadOnly {
        /// The folder.
        folder: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The folder, or something above it, is a file.
    #[error(
        "the data folder {} cannot be created, because it, or something above it, is a file: \
         correct POLLUX_DATA", folder.display()
    )]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Anything else went wrong.
    #[error("the data folder {} cannot be used: {source}", folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}

impl FolderLock {
    /// Creates the folder if it is missing (but not its parents), and takes the lock.
    pub fn take(folder: &Path, now: UnixMillis) -> Result<Self, LockError> {
        let fault = |source| fault(folder, source);
        if !folder.is_dir() {
            // The folder holds hidden results and pseudonyms, so other users must not read it.
            DirBuilder::new().mode(0o700).create(folder).map_err(fault)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(FILE))
            .map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut file);
                return Err(LockError::Held { folder: folder.into(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(fault(source)),
        }
        let since = jiff::Timestamp::from_millisecond(now.0 as i64).unwrap_or_default();
        let text = format!("process {}, since {since}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(fault)?;
        Ok(Self { _file: file })
    }
}

/// Returns what the holder wrote about itself.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(200).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "process unknown".to_owned(),
    }
}

fn fault(folder: &Path, source: std::io::Error) -> LockError {
    use std::io::ErrorKind as Kind;
    let folder = folder.to_owned();
    let parent = folder.parent().filter(|parent| *parent != Path::new(""));
    match source.kind() {
        Kind::AlreadyExists | Kind::NotADirectory => LockError::NoFolder { folder },
        Kind::NotFound if parent.is_some_and(|parent| !parent.exists()) => {
            LockError::NoParent { folder }
        }
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => LockError::ReadOnly { folder, source },
        _ => LockError::Io { folder, source },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let lock = FolderLock::take(&folder, UnixMillis(1_763_740_800_000)).unwrap();
        let error = FolderLock::take(&folder, UnixMillis(0)).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        assert!(error.contains("since 2025-11-21T16:00:00Z"), "{error}");
        drop(lock);
        FolderLock::take(&folder, UnixMillis(0)).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_why() {
        let parent = tempfile::tempdir().unwrap();
        let missing = parent.path().join("no/data");
        let error = FolderLock::take(&missing, UnixMillis(0)).unwrap_err();
        assert!(matches!(error, LockError::NoParent { .. }), "{error}");
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = FolderLock::take(&file, UnixMillis(0)).unwrap_err();
        assert!(matches!(error, LockError::NoFolder { .. }), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_cannot_be_written_to_says_so() {
        // Root may write anywhere but here: the kernel lets nobody create files in /sys.
        let error = FolderLock::take(Path::new("/sys"), UnixMillis(0)).unwrap_err();
        assert!(matches!(error, LockError::ReadOnly { .. }), "{error}");
    }
}
