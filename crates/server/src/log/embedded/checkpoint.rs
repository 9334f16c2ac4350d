//! Checkpoints move the write-ahead log into the file, off the path of a commit.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::Shared;
use super::file::{self, Checkpoint};
use crate::wal::WalSize;

/// The number of pages (of 16 KiB) that are written to the write-ahead log between two checkpoints:
/// 16 MiB. Commits are slower while a checkpoint writes, so checkpoints are rare.
const EVERY: u64 = 1 << 10;

/// The number of pages in the write-ahead log from which on the writer must begin it anew: 32 MiB.
/// Syncing a file of constant size costs half of what syncing a growing one costs.
const LARGE: u64 = 2 << 10;

/// The number of pages in the write-ahead log from which on the writer waits for the checkpoint
/// under way: 128 MiB.
const MOST: u64 = 8 << 10;

/// The time for which the writer may be held up at first when readers stand in the way of a
/// restart.
const PATIENCE: Duration = Duration::from_millis(50);

/// The time for which it may be held up at most, which is less than the deadline of those who wait
/// for their votes.
const MOST_PATIENCE: Duration = Duration::from_secs(3);

/// The checkpointer is the writer's handle on the thread that makes checkpoints.
pub(super) struct Checkpointer {
    wanted: SyncSender<()>,
    thread: JoinHandle<()>,
    size: WalSize,
}

impl Checkpointer {
    /// Starts the thread on a connection of its own; `size` follows the writer's write-ahead log.
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

    /// Asks for a checkpoint if enough was committed since the last one. If the write-ahead log has
    /// grown too large, because disk or processor are too busy for checkpoints, it waits until the
    /// checkpoint under way has ended.
    pub fn tend(&mut self) {
        if self.size.grown() < EVERY {
            return;
        }
        self.size.asked();
        // A checkpoint that was asked for before and has not begun will do.
        let waiting = self.wanted.try_send(()).is_err();
        if waiting && self.size.pages() >= MOST {
            let _ = self.wanted.send(());
        }
    }

    /// Lets the thread make its last checkpoint, and waits for its end.
    pub fn finish(self) {
        drop(self.wanted);
        let _ = self.thread.join();
    }
}

/// Returns how long to wait for readers when the write-ahead log has this many pages. On a machine
/// so busy that there is always a reader, the file would grow for ever if each attempt gave up as
/// soon as the first did.
fn patience(pages: u64) -> Duration {
    let times = u32::try_from(pages / LARGE).unwrap_or(u32::MAX);
    PATIENCE.saturating_mul(times.saturating_mul(times)).clamp(PATIENCE, MOST_PATIENCE)
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
    while asked.recv().is_ok() {
        let pages = make(Checkpoint::Passive);
        if pages >= LARGE {
            if let Err(error) = connection.busy_timeout(patience(pages)) {
                tracing::warn!("this checkpoint will not wait for readers: {error}");
            }
            // Little is left to move by now. The turn is needed because the writer has the file
            // locked nearly always and would never let this checkpoint in.
            let _between = shared.turn.lock();
            make(Checkpoint::Restart);
        }
    }
    if shared.failed.borrow().is_none() {
        make(Checkpoint::Truncate);
    }
    file::close(connection, shared.failed.borrow().is_some());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_it_is_the_longer_readers_are_waited_for() {
        let millis = [0, LARGE, 2 * LARGE, 4 * LARGE, 100 * LARGE, u64::MAX]
            .map(|pages| patience(pages).as_millis());
        assert_eq!(millis, [50, 50, 200, 800, 3_000, 3_000]);
    }
}
