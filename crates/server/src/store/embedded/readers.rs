//! The connections that read.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::schema::{self, OpenError};
use crate::store::StoreError;

/// `Readers` holds the connections that read, each of which is used by one reader at a time.
pub struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Opens this many connections, at least one.
    pub fn open(folder: &Path, count: usize) -> Result<Arc<Self>, OpenError> {
        let count = count.max(1);
        let idle = (0..count).map(|_| schema::open_reader(folder)).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { idle: Mutex::new(idle), permits: Arc::new(Semaphore::new(count)) }))
    }

    /// Runs `work` on one of the connections, off the async threads.
    pub async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shut = || StoreError::Unavailable("the store is shut".into());
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| shut())?;
        let read = tokio::task::spawn_blocking(move || {
            let conn = self.idle.lock().pop().ok_or_else(shut)?;
            let answer = work(&conn);
            self.put_back(conn);
            drop(permit);
            answer
        });
        read.await.unwrap_or_else(|e| Err(StoreError::Unavailable(format!("a read failed: {e}"))))
    }

    /// Puts a connection back unless the store was shut meanwhile.
    fn put_back(&self, conn: Connection) {
        let mut idle = self.idle.lock();
        if !self.permits.is_closed() {
            idle.push(conn);
        }
    }

    /// Admits no further reads; those under way end.
    pub fn close(&self) {
        let mut idle = self.idle.lock();
        self.permits.close();
        idle.clear();
    }
}

/// Answers from one state of the tables, so that a poll and its tallies belong together.
pub fn snapshot<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = conn.unchecked_transaction()?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}
