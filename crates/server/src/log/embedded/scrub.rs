//! The scrubber reads the whole log again and again while the server runs, because damage to what
//! nobody reads stays unnoticed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pollux_core::id::Partition;
use rusqlite::Connection;

use super::Shared;
use super::rows::{self, Cursor, Fault};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The scrubber is the writer's handle on the thread that reads the log again.
pub(super) struct Scrubber {
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Scrubber {
    /// Starts the thread on a connection of its own.
    pub fn start(connection: Connection, shared: Arc<Shared>) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let thread = thread::Builder::new()
            .name("log-scrub".into())
            .spawn(move || run(&connection, &shared, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// Stops the thread after the look under way.
    pub fn finish(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

/// Inspects all partitions again and again, `scrub_bytes` at a time.
fn run(connection: &Connection, shared: &Shared, stopped: &Receiver<()>) {
    let bytes = shared.limits.scrub_bytes;
    if bytes == 0 {
        return;
    }
    let (mut partition, mut cursor): (Partition, _) = (0, Cursor::default());
    while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
        match rows::inspect(connection, partition, cursor, bytes) {
            Ok(found) => {
                if let Some(damage) = found.damage.into_iter().next() {
                    shared.unread(Fault::Damaged(damage));
                }
                cursor = found.cursor;
                if found.done {
                    partition = (partition + 1) % shared.ends.len() as Partition;
                    cursor = Cursor::default();
                }
            }
            Err(error) => {
                tracing::debug!("the log is not read again now: {}", shared.describe(&error))
            }
        }
    }
}
