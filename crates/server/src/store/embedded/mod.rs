//! The store in one SQLite file, `store.db`, in the data folder: one thread writes
//! ([`writer`]), a few connections read ([`reads`]), voters are found through [`index`].

mod db;
mod events;
mod filter;
mod index;
mod jobs;
mod past;
mod polls;
mod ports;
mod query;
mod readers;
mod reads;
mod rows;
mod schema;
mod texts;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::id::{PollId, VoterId};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use self::filter::Key;
use self::index::{Found, Index};
use self::jobs::{Job, Reply, checkpoint, spawn, write};
use self::readers::Readers;
pub use self::schema::{FILE, OpenError, follow_secrets, secrets};
use self::writer::Writer;
use super::{Store, StoreError};
use crate::config::StoreLimits;

/// The size of a page of the file, in bytes.
const PAGE: usize = 4096;

/// `EmbeddedStore` is the embedded store.
pub struct EmbeddedStore {
    partitions: u32,
    /// `None` when opened to read only, or shut.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    readers: Arc<Readers>,
    /// `None` when opened to read only: another process has the maps.
    index: Option<Arc<Index>>,
    failed: watch::Receiver<Option<String>>,
}

impl EmbeddedStore {
    /// Opens the store of this folder, or creates it. The caller holds the folder's lock: a second
    /// writer in another process would not be noticed here.
    pub fn open(
        folder: &Path,
        partitions: u32,
        limits: StoreLimits,
    ) -> Result<Arc<Self>, OpenError> {
        let conn = schema::open_writer(folder, partitions)?;
        let writer = Writer::new(conn, partitions, limits.clone())
            .map_err(|error| OpenError::damaged(folder, &error))?;
        Self::start(folder, partitions, limits, writer)
    }

    fn start(
        folder: &Path,
        partitions: u32,
        limits: StoreLimits,
        writer: Writer,
    ) -> Result<Arc<Self>, OpenError> {
        let readers = Readers::open(folder, limits.readers)?;
        let checkpointer = schema::open_checkpointer(folder)?;
        let (queue, jobs) = (mpsc::channel(limits.queue), sync_channel(1));
        let (index, turn) = (writer.index(), writer.turn());
        let (failing, failed) = watch::channel(None);
        let weak = queue.0.downgrade();
        let threads = vec![
            spawn("store", move || write(writer, queue.1, jobs.0, failing)),
            spawn("store-checkpoint", move || checkpoint(checkpointer, &turn, jobs.1, weak)),
        ];
        Ok(Arc::new(Self {
            partitions,
            jobs: Mutex::new(Some(queue.0)),
            threads: Mutex::new(threads),
            readers,
            index: Some(index),
            failed,
        }))
    }

    /// Opens the store of this folder to read only, beside a running server or without one. Every
    /// method that changes something answers `Unavailable`.
    pub fn open_read_only(folder: &Path) -> Result<Arc<Self>, OpenError> {
        let readers = Readers::open(folder, 1)?;
        let partitions = schema::partitions(folder)?;
        Ok(Arc::new(Self {
            partitions,
            jobs: Mutex::new(None),
            threads: Mutex::default(),
            readers,
            index: None,
            failed: watch::channel(None).1,
        }))
    }

    /// Returns how many partitions the store was made for.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Waits until the store has failed for good, and says why: a commit whose outcome nobody
    /// knows. The process must end; the next start finds what was committed. Never returns
    /// otherwise.
    pub async fn failed(&self) -> String {
        let mut failed = self.failed.clone();
        loop {
            if let Some(why) = failed.borrow_and_update().clone() {
                return why;
            }
            if failed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Queues a job and awaits its answer.
    async fn ask<T, E: From<StoreError>>(
        &self,
        job: impl FnOnce(Reply<Result<T, E>>) -> Job,
    ) -> Result<T, E> {
        let closed = || StoreError::Unavailable("the store is shut or was opened to read".into());
        let queue = self.jobs.lock().clone().ok_or_else(closed)?;
        let (reply, answer) = oneshot::channel();
        queue.send(job(reply)).await.map_err(|_| closed())?;
        drop(queue);
        let gone = || StoreError::Unknown("the store's writer stopped".into());
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Answers from the tables, off the async threads. Each statement sees all that is committed
    /// by then, so a row that the index names is there; see [`readers::snapshot`] for more than one.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.clone().run(work).await
    }

    /// Returns what memory knows of voters, in the order asked.
    fn in_memory(&self, voters: &[(PollId, VoterId)]) -> Vec<Found> {
        let Some(index) = &self.index else { return vec![Found::AskTable; voters.len()] };
        let mut found = vec![Found::AskTable; voters.len()];
        let (mut keys, mut places) = (Vec::new(), Vec::new());
        let mut last = None;
        for (place, (poll, voter)) in voters.iter().enumerate() {
            let key = match last {
                Some((id, key)) if id == *poll => key,
                _ => index.key(*poll),
            };
            last = Some((*poll, key));
            // Of a poll whose key is forgotten the table of polls must be asked first.
            if let Some(key) = key {
                keys.push(Key::new(key, *voter));
                places.push(place);
            }
        }
        let mut places = places.into_iter();
        index.find(keys, |answer| {
            found[places.next().expect("an answer for each key")] = answer;
        });
        found
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn ready(&self) -> Result<(), String> {
        if let Some(why) = &*self.failed.borrow() {
            return Err(format!("the store has failed: {why}"));
        }
        match &*self.jobs.lock() {
            None => Err("the store is shut or was opened to read only".into()),
            Some(queue) if queue.capacity() == 0 => Err("the store's queue is full".into()),
            Some(_) => Ok(()),
        }
    }

    async fn shut(&self) {
        // The writer ends once the last sender is gone and the queue is empty.
        drop(self.jobs.lock().take());
        self.readers.close();
        let threads = std::mem::take(&mut *self.threads.lock());
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().filter_map(|thread| thread.join().err()).count()
        });
        match joined.await {
            Ok(0) => {}
            Ok(_) | Err(_) => tracing::error!("a thread of the store panicked"),
        }
    }
}
