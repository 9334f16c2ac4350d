//! The connections that read.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::schema::{self, OpenError};
use crate::store::StoreError;

/// Connections that read, each used by one reader at a time.
pub struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// So many connections.
    pub fn open(folder: &Path, count: usize) -> Result<Arc<Self>, OpenError> {
        let count = count.max(1);
        let idle = (0..count).map(|_| schema::open_reader(folder)).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { idle: Mutex::new(idle), permits: Arc::new(Semaphore::new(count)) }))
    }

    /// Run `work` on one of them, off the async threads.
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

    /// Unless the store was shut meanwhile.
    fn put_back(&self, conn: Connection) {
        let mut idle = self.idle.lock();
        if !self.permits.is_closed() {
            idle.push(conn);
        }
    }

    /// No further reads; those under way end.
    pub fn close(&self) {
        let mut idle = self.idle.lock();
        self.permits.close();
        idle.clear();
    }
}

/// Answer from one state of the tables: a poll and its tallies belong together.
pub fn snapshot<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = conn.unchecked_transaction()?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}
