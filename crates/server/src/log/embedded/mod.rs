//! The log of a single machine is one SQLite file, in which many appends share one fsync.
//!
//! A record passes through [`queue`] and [`writer`], which encodes it into a [`batch`], commits
//! that, publishes it to the [`tail`] and answers; then readers find it. [`mod@file`] is the file
//! itself and [`rows`] what it holds. [`checkpoint`] keeps the write-ahead log short, [`reader`]
//! reads beside a running server, and [`lock`] keeps a second server out.
//!
//! Damage is reported: [`chain`] has the checksums, which every read verifies, and [`scrub`]
//! verifies them at rest. [`sync_mark`] shows that the log has lost its end, [`passed_over`] that
//! its write-ahead log has.
//!
//! Only durable records are in the tail and below the ends, so nothing else is ever read.

mod batch;
mod chain;
mod checkpoint;
mod error;
mod file;
mod lock;
mod passed_over;
mod queue;
mod reader;
mod rows;
mod scrub;
mod sync_mark;
mod tail;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use metrics::gauge;
use parking_lot::{FairMutex, Mutex};
use pollux_core::announcement::Announcement;
use pollux_core::id::{Generation, Offset, Partition};
use rusqlite::Connection;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

pub use self::error::OpenError;
pub use self::lock::{FolderLock, LockError};
pub use self::reader::{Inspected, LogReader};
pub use self::rows::Damage;

use self::batch::Batch;
use self::checkpoint::Checkpointer;
use self::file::Facts;
use self::queue::Queue;
use self::rows::Fault;
use self::scrub::Scrubber;
use self::sync_mark::{SyncMark, SyncMarkFile};
use self::tail::Tail;
use self::writer::Writer;
use super::{
    Append, AppendError, DeadRecord, Feed, FeedLost, Log, Membership, NewRecord, ReadError, Record,
};
use crate::ambient::SharedAmbient;
use crate::config::LogLimits;
use crate::wal::WalSize;

/// The log's file in the data folder.
pub const FILE: &str = "log.db";

/// The most announcements that a feed delivers at once.
const FEED_BATCH: usize = 1024;

/// The reason for refusing appends after a stop.
const SHUT: &str = "the log is shut";

/// The embedded log is the log in a data folder. Whoever opens it holds the folder's
/// [`FolderLock`].
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    announcements: broadcast::Sender<Announcement>,
}

/// `Shared` holds what the log, its writer, its checkpointer and its scrubber share.
struct Shared {
    file: PathBuf,
    generation: Generation,
    limits: LogLimits,
    queue: Queue,
    tail: Mutex<Tail>,
    /// The connection for records older than the tail; `None` once the log is shut.
    reader: Mutex<Option<Connection>>,
    /// The offset after the last durable record, by partition.
    ends: Vec<watch::Sender<Offset>>,
    /// A lock that is held during a transaction, and by the checkpoint that must not meet one.
    turn: FairMutex<()>,
    /// The reason why the last group was refused, until one succeeds.
    trouble: Mutex<Option<String>>,
    /// The first damage found in the file, if any.
    damage: Mutex<Option<String>>,
    /// The reason why the log can promise nothing more; once set, it stays.
    failed: watch::Sender<Option<String>>,
    /// Whether the writer has ended.
    stopped: watch::Sender<bool>,
}

impl Shared {
    /// Shows durable batches to readers.
    fn publish(&self, batches: Vec<(Partition, Batch)>) {
        let ends: Vec<_> = batches.iter().map(|(p, batch)| (*p, batch.end())).collect();
        let mut tail = self.tail.lock();
        for (partition, batch) in batches {
            tail.push(partition, batch);
        }
        drop(tail);
        for (partition, end) in ends {
            self.ends[partition as usize].send_replace(end);
        }
    }

    /// Stops taking records for good. The disk's state is no longer known, and asking it to sync
    /// again may bring a false success.
    fn fail(&self, why: &str) {
        tracing::error!("the log has failed and takes no more records: {why}");
        self.failed.send_if_modified(|failed| {
            let first = failed.is_none();
            failed.get_or_insert_with(|| why.to_owned());
            first
        });
        self.queue.close(why);
    }

    fn describe(&self, error: &rusqlite::Error) -> String {
        format!("cannot write to {}: {error}", self.file.display())
    }

    fn unavailable(&self, why: &dyn std::fmt::Display) -> ReadError {
        ReadError::Unavailable(format!("{}: {why}", self.file.display()))
    }

    /// Turns a fault of reading rows into the reader's error. The first damage is remembered and
    /// logged.
    fn unread(&self, fault: Fault) -> ReadError {
        let error = fault.reading(&self.file);
        if let ReadError::Damaged(_) = error {
            let mut known = self.damage.lock();
            if known.is_none() {
                tracing::error!("{error}");
                gauge!("pollux_log_damaged").set(1.0);
                *known = Some(error.to_string());
            }
        }
        error
    }
}

impl EmbeddedLog {
    /// Opens the log in this folder, or creates one with this many partitions; one that exists
    /// keeps its own number. It must be called inside the runtime that will await the appends.
    pub fn open(
        folder: &Path,
        partitions: u32,
        limits: LogLimits,
        ambient: SharedAmbient,
    ) -> Result<Arc<Self>, OpenError> {
        let (connection, facts) = file::open(folder, partitions, &ambient)?;
        Self::start(connection, facts, folder.join(FILE), limits)
    }

    /// Starts the threads, and the task that answers.
    fn start(
        mut connection: Connection,
        facts: Facts,
        file: PathBuf,
        limits: LogLimits,
    ) -> Result<Arc<Self>, OpenError> {
        let Facts { generation, heads } = facts;
        let mark = SyncMarkFile::open(&file, SyncMark { generation, heads: Vec::new() })
            .map_err(|error| error::io_fault(&file, &error))?;
        let shared = Arc::new(Shared {
            generation,
            queue: Queue::new(limits.queue, limits.group, limits.linger),
            tail: Mutex::new(Tail::new(heads.len() as u32, limits.tail_bytes)),
            reader: Mutex::new(Some(file::connect_reader(&file)?)),
            ends: heads.iter().map(|head| watch::Sender::new(head.end)).collect(),
            turn: FairMutex::new(()),
            trouble: Mutex::new(None),
            damage: Mutex::new(None),
            failed: watch::Sender::new(None),
            stopped: watch::Sender::new(false),
            file,
            limits,
        });
        let fault = |error| error::io_fault(&shared.file, &error);
        let (answers, mut decided) = mpsc::channel::<writer::Answers>(writer::ANSWERS);
        let size = WalSize::follow(&mut connection)
            .map_err(|error| error::sql_fault(&shared.file, &error))?;
        let checkpointer = Checkpointer::start(file::connect(&shared.file)?, size, shared.clone());
        let checkpointer = checkpointer.map_err(fault)?;
        let scrubber = Scrubber::start(file::connect_reader(&shared.file)?, shared.clone());
        let writer = Writer {
            connection,
            shared: shared.clone(),
            checkpointer,
            scrubber: scrubber.map_err(fault)?,
            heads,
            mark: Some(mark),
            answers,
        };
        writer.start().map_err(fault)?;
        tokio::spawn(async move {
            while let Some(answers) = decided.recv().await {
                answers.give();
            }
        });
        let announcements = broadcast::Sender::new(shared.limits.feed);
        Ok(Arc::new(Self { shared, announcements }))
    }

    /// Opens the log in this folder for reading, whether a server is running on it or not.
    pub fn open_read_only(folder: &Path) -> Result<LogReader, OpenError> {
        LogReader::open(folder)
    }

    /// Waits until the log has failed, and returns why. Nothing can be promised until the process
    /// has ended and the log is opened anew.
    pub async fn failed(&self) -> String {
        let mut failed = self.shared.failed.subscribe();
        // The reason is cloned at once, because what `wait_for` borrows may not be held while
        // waiting.
        let why = failed.wait_for(Option::is_some).await.map(|why| why.clone().unwrap_or_default());
        match why {
            Ok(why) => why,
            Err(_) => std::future::pending().await,
        }
    }

    fn end_of(&self, partition: Partition) -> Option<&watch::Sender<Offset>> {
        self.shared.ends.get(partition as usize)
    }

    /// Reads records older than the tail from the file.
    async fn read_file(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let shared = self.shared.clone();
        let read = tokio::task::spawn_blocking(move || match &*shared.reader.lock() {
            Some(reader) => {
                rows::read(reader, partition, from, most).map_err(|fault| shared.unread(fault))
            }
            None => Err(shared.unavailable(&SHUT)),
        });
        read.await.unwrap_or_else(|error| Err(self.shared.unavailable(&error)))
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.shared.queue.close(SHUT);
    }
}

#[async_trait]
impl Log for EmbeddedLog {
    fn generation(&self) -> Generation {
        self.shared.generation
    }

    fn partitions(&self) -> u32 {
        self.shared.ends.len() as u32
    }

    fn append(&self, partition: Partition, record: NewRecord) -> Append {
        if partition >= self.partitions() {
            return Append::refused(format!("there is no partition {partition}"));
        }
        let (answer, outcome) = oneshot::channel();
        let queued = writer::check_length(&record)
            .and_then(|()| self.shared.queue.push(partition, &record, answer));
        match queued {
            Ok(()) => Append::Waiting(outcome),
            Err(why) => Append::refused(why),
        }
    }

    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<Record>, ReadError> {
        let out_of_range = |end| ReadError::OutOfRange { partition, from, end };
        let mut end = self.end_of(partition).ok_or(out_of_range(0))?.subscribe();
        let now = *end.borrow_and_update();
        if from > now {
            return Err(out_of_range(now));
        }
        if from == now && tokio::time::timeout(wait, end.changed()).await.is_err() {
            return Ok(Vec::new());
        }
        let Some(batches) = self.shared.tail.lock().from(partition, from, most) else {
            return self.read_file(partition, from, most).await;
        };
        let mut records = Vec::new();
        for batch in batches {
            batch
                .read(from, most, &mut records)
                .map_err(|fault| self.shared.unavailable(&fault.0))?;
        }
        Ok(records)
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        let end = self.end_of(partition);
        end.map(|end| *end.borrow()).ok_or(ReadError::OutOfRange { partition, from: 0, end: 0 })
    }

    async fn join(&self) -> Result<Box<dyn Membership>, ReadError> {
        Ok(Box::new(Alone { partitions: Some((0..self.partitions()).collect()) }))
    }

    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), AppendError> {
        for announcement in announcements {
            // An error says that nobody listens.
            let _ = self.announcements.send(announcement);
        }
        Ok(())
    }

    /// Keeps no copy: the store in the same folder has the dead records, and no other process could
    /// read a copy.
    async fn copy_dead(&self, _: Partition, _: Vec<DeadRecord>) -> Result<(), AppendError> {
        Ok(())
    }

    async fn feed(&self) -> Result<Box<dyn Feed>, ReadError> {
        Ok(Box::new(LocalFeed { announcements: Some(self.announcements.subscribe()) }))
    }

    fn ready(&self) -> Result<(), String> {
        self.shared.queue.ready()?;
        self.shared.trouble.lock().clone().map_or(Ok(()), Err)
    }

    fn damage(&self) -> Option<String> {
        self.shared.damage.lock().clone()
    }

    async fn shut(&self) {
        self.shared.queue.close(SHUT);
        let mut stopped = self.shared.stopped.subscribe();
        // An error says that the writer is gone already.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
}

/// `Alone` is the only member of the group, which always holds every partition.
struct Alone {
    /// The partitions, until they were returned once.
    partitions: Option<Vec<Partition>>,
}

#[async_trait]
impl Membership for Alone {
    async fn changed(&mut self) -> Vec<Partition> {
        match self.partitions.take() {
            Some(partitions) => partitions,
            None => std::future::pending().await,
        }
    }
}

/// The local feed delivers the announcements made within the process.
struct LocalFeed {
    /// The receiver; `None` once the feed is lost.
    announcements: Option<broadcast::Receiver<Announcement>>,
}

#[async_trait]
impl Feed for LocalFeed {
    async fn next(&mut self) -> Result<Vec<Announcement>, FeedLost> {
        let receiver = self.announcements.as_mut().ok_or(FeedLost)?;
        let Ok(first) = receiver.recv().await else {
            self.announcements = None;
            return Err(FeedLost);
        };
        let mut batch = vec![first];
        while batch.len() < FEED_BATCH {
            match receiver.try_recv() {
                Ok(next) => batch.push(next),
                Err(TryRecvError::Empty) => break,
                // What came before the gap is good; the next call reports the gap.
                Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => {
                    self.announcements = None;
                    break;
                }
            }
        }
        Ok(batch)
    }
}
