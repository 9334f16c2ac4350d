//! Moving the write-ahead log into the file, off the path of a commit.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::Shared;
use super::file::{self, Checkpoint};
use crate::wal::WalSize;

/// Pages (of 16 KiB) of the write-ahead log between two checkpoints: 16 MiB. While one writes,
/// commits are slower: rarely, then.
const EVERY: u64 = 1 << 10;

/// Pages in the write-ahead log from which on the writer must begin it anew: 32 MiB.
/// A file that has its size is synced at half the price of one that grows.
const LARGE: u64 = 2 << 10;

/// How long the writer may be held up for that, when readers are in the way.
const PATIENCE: Duration = Duration::from_millis(50);

/// The writer's handle on the thread that makes checkpoints.
pub(super) struct Checkpointer {
    wanted: SyncSender<()>,
    thread: JoinHandle<()>,
    size: WalSize,
}

impl Checkpointer {
    /// Start it on a connection of its own; `size`: the writer's write-ahead log.
    pub fn start(
        connection: Connection,
        size: WalSize,
        shared: Arc<Shared>,
    ) -> std::io::Result<Self> {
        let (wanted, asked) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("log-checkpoint".into())
            .spawn(move || run(connection, &shared, &asked))?;
        Ok(Self { wanted, thread, size })
    }

    /// Ask for a checkpoint if enough was committed since the last.
    pub fn tend(&mut self) {
        if self.size.grown() >= EVERY {
            self.size.asked();
            // One that is asked for already will do.
            let _ = self.wanted.try_send(());
        }
    }

    /// The last checkpoint, then the end.
    pub fn finish(self) {
        drop(self.wanted);
        let _ = self.thread.join();
    }
}

fn run(connection: Connection, shared: &Shared, asked: &Receiver<()>) {
    let make = |how| match file::checkpoint(&connection, how) {
        Ok(pages) => pages,
        Err(error) => {
            let why = shared.describe(&error);
            match error.sqlite_error_code() {
                // What is not moved stays in the write-ahead log, as durable as before.
                Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    tracing::warn!("no checkpoint now: {why}");
                }
                _ => shared.fail(&why),
            }
            0
        }
    };
    if let Err(error) = connection.busy_timeout(PATIENCE) {
        tracing::warn!("checkpoints will not wait for readers: {error}");
    }
    while asked.recv().is_ok() {
        if make(Checkpoint::Passive) >= LARGE {
            // Little is left to move by now. Between two transactions, or the writer, who has
            // the file locked nearly always, would never let this one in.
            let _between = shared.turn.lock();
            make(Checkpoint::Restart);
        }
    }
    if shared.failed.borrow().is_none() {
        make(Checkpoint::Truncate);
    }
    file::close(connection, shared.failed.borrow().is_some());
}
