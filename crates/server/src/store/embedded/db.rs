//! Transactions on the connection that writes, and the meaning of a failed one.

use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::schema::BUSY;
use crate::store::StoreError;

/// `Durable` says by when a COMMIT must have reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// The COMMIT reaches the disk before it returns.
    Now,
    /// The COMMIT reaches the disk with the next one that must, or with the next checkpoint.
    Later,
}

/// `Db` is the connection that writes, and knows whether it can still be trusted.
pub struct Db {
    pub conn: Connection,
    mode: Durable,
    /// The reason why nothing is written any more: a COMMIT with an unknown outcome, or a failed
    /// rollback.
    pub failed: Option<String>,
}

impl Db {
    /// Takes over a connection as `schema` opens it.
    pub fn new(conn: Connection) -> Self {
        Self { conn, mode: Durable::Now, failed: None }
    }

    /// Runs `work` in a transaction. If `work` fails, nothing is changed.
    pub fn transact<T, E: From<StoreError>>(
        &mut self,
        durable: Durable,
        work: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(why) = &self.failed {
            return Err(StoreError::Unavailable(format!("failed before: {why}")).into());
        }
        self.begin(durable).map_err(StoreError::from)?;
        match work(&self.conn) {
            Ok(done) => self.commit().map(|()| done).map_err(E::from),
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn begin(&mut self, durable: Durable) -> rusqlite::Result<()> {
        if self.mode != durable {
            let level = match durable {
                Durable::Now => "FULL",
                Durable::Later => "NORMAL",
            };
            // The pragma takes effect at once, but only between transactions.
            self.conn.pragma_update(None, "synchronous", level)?;
            self.mode = durable;
        }
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let Err(error) = self.conn.prepare_cached("COMMIT").and_then(|mut c| c.execute([])) else {
            return Ok(());
        };
        match error.sqlite_error_code() {
            // The commit's last frame was not written, so the commit was certainly not made.
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                self.roll_back();
                Err(error.into())
            }
            // After a failed sync the kernel may have dropped the pages, so a retry could succeed
            // falsely.
            _ => {
                let why = format!("a commit failed: {error}");
                self.failed = Some(why.clone());
                Err(StoreError::Unknown(why))
            }
        }
    }

    fn roll_back(&mut self) {
        // SQLite may have rolled back by itself.
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            self.failed = Some(format!("a rollback failed: {error}"));
        }
    }
}

/// Copies the write-ahead log back into the database, as far as readers let it.
pub fn checkpoint(conn: &Connection, how: &str) -> rusqlite::Result<()> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))
}

/// The time for which readers may hold up [`cut_off`], and with it every other writing.
const BRIEFLY: Duration = Duration::from_millis(50);

/// Copies the whole write-ahead log back into the database, and leaves the file empty. Returns `false` if a reader still
/// needs some of it.
pub fn cut_off(conn: &Connection) -> rusqlite::Result<bool> {
    conn.busy_timeout(BRIEFLY)?;
    let busy = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    conn.busy_timeout(BUSY)?;
    Ok(!busy?)
}
