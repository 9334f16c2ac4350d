//! The size of an SQLite write-ahead log. The embedded log and the embedded store have one each, and keep it
//! bounded.
//!
//! The number of pages comes from SQLite itself. The bytes that were written do not tell it: a commit of one
//! small row writes whole pages, sometimes several.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::Connection;

/// `WalSize` measures the write-ahead log of one connection, which must be the only one that commits.
pub struct WalSize {
    /// The pages in the write-ahead log after the latest commit. They are fewer than before once SQLite has
    /// begun the file anew.
    pages: Arc<AtomicU64>,
    /// The number of pages when a checkpoint was last asked for.
    asked_at: u64,
}

impl WalSize {
    /// Follows the commits of a connection from now on. The connection must not be set to make checkpoints by
    /// itself, because that replaces the hook that is set here.
    pub fn follow(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU64::default());
        let seen = pages.clone();
        connection.wal_hook(Some(move |_: &mut _, pages: i32| {
            seen.store(pages.try_into().unwrap_or(0), Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, asked_at: 0 })
    }

    /// Returns the number of pages in the write-ahead log.
    pub fn pages(&self) -> u64 {
        self.pages.load(Relaxed)
    }

    /// Returns the number of pages that were added since [`WalSize::asked`], or since the file was begun
    /// anew.
    pub fn grown(&mut self) -> u64 {
        let pages = self.pages.load(Relaxed);
        if pages < self.asked_at {
            self.asked_at = 0;
        }
        pages - self.asked_at
    }

    /// Notes that a checkpoint of the present pages was asked for.
    pub fn asked(&mut self) {
        self.asked_at = self.pages.load(Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn pages_are_counted_from_the_last_request_or_a_new_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = Connection::open(folder.path().join("a.db")).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
        let mut size = WalSize::follow(&mut conn).unwrap();
        assert_eq!(size.grown(), 0);
        conn.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let insert = |times| {
            for _ in 0..times {
                conn.execute("INSERT INTO t VALUES (1)", []).unwrap();
            }
        };
        insert(10);
        assert!(size.grown() >= 10, "one page for each small row: {}", size.grown());
        size.asked();
        assert_eq!(size.grown(), 0);
        insert(2);
        assert_eq!(size.grown(), 2);
        conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
        insert(1);
        assert!(size.grown() <= 2, "it has begun anew: {}", size.grown());
    }
}
