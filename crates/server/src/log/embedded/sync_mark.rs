//! The sync mark says how far the log was synced. It is a file of its own beside the log:
//! `log.db-synced`.
//!
//! A log that lost its end looks whole: SQLite starts without whatever a shortened or damaged
//! write-ahead log does not hold, and an older copy was whole once. After each commit, before
//! anybody is answered, the mark therefore records where each partition ends. It is not synced
//! itself: a power cut may leave an older mark, which claims less, but never one that claims too
//! much.

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use pollux_core::id::Generation;

use super::chain::{self, Head};

/// Returns the path of the sync mark beside a log.
pub(super) fn beside(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push("-synced");
    name.into()
}

/// A sync mark has, in one line, the log's generation, the end and checksum of each partition, and a
/// checksum of the line itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyncMark {
    pub generation: Generation,
    /// The partitions' ends, by partition.
    pub heads: Vec<Head>,
}

impl SyncMark {
    /// Reads the sync mark beside a log. `None` if there is none, or if it was torn or damaged;
    /// such a mark says nothing.
    pub fn read(log: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(beside(log)) {
            Ok(bytes) => Ok(str::from_utf8(&bytes).ok().and_then(Self::parse)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (line, check) = text.lines().next()?.rsplit_once(' ')?;
        if u64::from_str_radix(check, 16).ok()? != chain::hash(line.as_bytes()) {
            return None;
        }
        let mut words = line.split(' ');
        let generation = Generation(words.next()?.parse().ok()?);
        let head = |word: &str| {
            let (end, digest) = word.split_once(':')?;
            let digest = match digest {
                "" => None,
                digest => Some(u64::from_str_radix(digest, 16).ok()?),
            };
            Some(Head { end: end.parse().ok()?, digest })
        };
        let heads = words.map(head).collect::<Option<_>>()?;
        Some(Self { generation, heads })
    }

    /// Returns the line that [`SyncMark::parse`] reads. A later line of the same log is never shorter,
    /// so it overwrites all of the earlier one.
    fn line(&self) -> String {
        let mut line = self.generation.0.to_string();
        for Head { end, digest } in &self.heads {
            let _ = match digest {
                Some(digest) => write!(line, " {end}:{digest:016x}"),
                None => write!(line, " {end}:"),
            };
        }
        let check = chain::hash(line.as_bytes());
        let _ = writeln!(line, " {check:016x}");
        line
    }
}

/// The sync mark's file is open beside the log that is being written.
pub(super) struct SyncMarkFile {
    file: File,
    mark: SyncMark,
}

impl SyncMarkFile {
    /// Opens the file, or creates an empty one. Its content stays until the first commit.
    pub fn open(log: &Path, mark: SyncMark) -> io::Result<Self> {
        let file = File::options().write(true).create(true).truncate(false).open(beside(log))?;
        Ok(Self { file, mark })
    }

    /// Records that the commits up to these heads are synced.
    pub fn set(&mut self, heads: &[Head]) -> io::Result<()> {
        self.mark.heads.clear();
        self.mark.heads.extend_from_slice(heads);
        self.file.write_all_at(self.mark.line().as_bytes(), 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mark() -> SyncMark {
        let generation = Generation("0199a3a4-0000-7000-8000-000000000001".parse().unwrap());
        let heads = vec![Head { end: 401, digest: Some(0xff) }, Head { end: 1, digest: None }];
        SyncMark { generation, heads }
    }

    #[test]
    fn a_mark_comes_back_as_it_was_set() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.db");
        assert_eq!(SyncMark::read(&log).unwrap(), None);
        let mut file = SyncMarkFile::open(&log, mark()).unwrap();
        assert_eq!(SyncMark::read(&log).unwrap(), None, "nothing is claimed yet");
        file.set(&mark().heads).unwrap();
        assert_eq!(SyncMark::read(&log).unwrap(), Some(mark()));
        let line = std::fs::read_to_string(beside(&log)).unwrap();
        assert!(line.starts_with("0199a3a4-0000-7000-8000-000000000001 401:00000000000000ff 1: "));
        let later = [Head { end: 1000, digest: Some(1) }, Head { end: 2, digest: Some(2) }];
        file.set(&later).unwrap();
        assert_eq!(SyncMark::read(&log).unwrap().unwrap().heads, later);
    }

    #[test]
    fn a_mark_that_was_torn_or_altered_says_nothing() {
        let line = mark().line();
        assert_eq!(SyncMark::parse(&line), Some(mark()));
        for at in 0..line.len() - 1 {
            assert_eq!(SyncMark::parse(&line[..at]), None, "cut at {at}");
            let mut bytes = line.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(SyncMark::parse(str::from_utf8(&bytes).unwrap()), None, "altered at {at}");
        }
    }
}
