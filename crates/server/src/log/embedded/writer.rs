//! The writer is the one thread that writes to the log. It takes whatever is queued, makes it
//! durable with one fsync, shows it to readers, and only then answers those who appended it.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fail::fail_point;
use metrics::histogram;
use pollux_core::id::{Offset, Partition, Position};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::mpsc;

use super::Shared;
use super::batch::Batch;
use super::chain::Head;
use super::checkpoint::Checkpointer;
use super::queue::{Group, Next, Waiter};
use super::scrub::Scrubber;
use super::sync_mark::SyncMarkFile;
use super::{file, rows};
use crate::log::{AppendError, NewRecord};

/// The pause between two checks, after trouble and with nothing to write, whether the trouble is
/// over.
pub(super) const PROBE: Duration = Duration::from_millis(500);

/// The bytes that the probe needs room for.
const PROBE_BYTES: usize = 64 << 10;

/// The number of groups whose answers may wait to be handed out before the writer waits, too.
pub(super) const ANSWERS: usize = 16;

/// `Batches` holds one batch for each partition that has records in a group.
type Batches = Vec<(Partition, Batch)>;

/// `Answers` holds those who wait for a group, and its outcome.
pub(super) struct Answers {
    /// The callers, in the order of the log.
    waiters: Vec<Waiter>,
    /// The offset at which the group's records begin, by partition, if they are durable.
    outcome: Result<Vec<Offset>, AppendError>,
}

impl Answers {
    /// Answers in the order of the log. A caller who does not wait any more does not matter.
    pub fn give(self) {
        for Waiter { partition, index, answer } in self.waiters {
            let _ = answer.send(match &self.outcome {
                Ok(bases) => {
                    let offset = Some(bases[partition as usize] + index);
                    Ok(Position { partition, offset })
                }
                Err(error) => Err(error.clone()),
            });
        }
    }
}

/// The writer owns what its thread needs.
pub(super) struct Writer {
    pub connection: Connection,
    pub shared: Arc<Shared>,
    pub checkpointer: Checkpointer,
    pub scrubber: Scrubber,
    /// The partitions' ends, by partition.
    pub heads: Vec<Head>,
    /// The sync mark, which says how far the log is synced; `None` once it could not be written.
    pub mark: Option<SyncMarkFile>,
    /// The channel to the task that hands out answers. Woken once per group, that task wakes the
    /// callers from inside the runtime, at a fraction of what waking each from this thread costs.
    pub answers: mpsc::Sender<Answers>,
}

/// The outcome of a commit says what became of the transaction.
enum CommitOutcome {
    Durable,
    /// It was certainly rolled back, and the log goes on.
    RolledBack(rusqlite::Error),
    /// Nobody knows what is on the disk now.
    Unknown(String),
}

impl Writer {
    /// Starts the writer's thread.
    pub fn start(self) -> std::io::Result<JoinHandle<()>> {
        thread::Builder::new().name("log-writer".into()).spawn(|| self.run())
    }

    fn run(mut self) {
        let shared = self.shared.clone();
        loop {
            let patience = shared.trouble.lock().is_some().then_some(PROBE);
            match shared.queue.next(patience) {
                Next::Group(group) => self.write(group),
                Next::Idle => self.probe(),
                Next::Closed => break,
            }
        }
        let Self { connection, checkpointer, scrubber, .. } = self;
        // The checkpointer's connection has to be the last that closes, because it truncates the
        // write-ahead log.
        *shared.reader.lock() = None;
        scrubber.finish();
        file::close(connection, shared.failed.borrow().is_some());
        checkpointer.finish();
        shared.stopped.send_replace(true);
    }

    fn write(&mut self, group: Group) {
        let Group { drafts, waiters } = group;
        let bases = self.heads.iter().map(|head| head.end).collect();
        let filled = (0..).zip(drafts).filter(|(_, (_, count))| *count > 0);
        let batch = |(partition, (mut records, count)): (Partition, (Vec<u8>, u64))| {
            // The tail keeps these bytes and counts their length, not their capacity.
            records.shrink_to_fit();
            let before = self.heads[partition as usize];
            (partition, Batch::after(before, partition, count, records.into()))
        };
        let batches = filled.map(batch).collect();
        let outcome = match self.failure() {
            Some(why) => Err(AppendError::NotRecorded(why)),
            None => self.make_durable(batches),
        };
        let answers = Answers { waiters, outcome: outcome.map(|()| bases) };
        if let Err(mpsc::error::SendError(answers)) = self.answers.blocking_send(answers) {
            // The runtime has ended before this thread.
            answers.give();
        }
    }

    fn make_durable(&mut self, batches: Batches) -> Result<(), AppendError> {
        let began = Instant::now();
        match self.transact(&batches) {
            CommitOutcome::Durable => {
                histogram!("pollux_log_commit_seconds").record(began.elapsed());
                let records = batches.iter().map(|(_, batch)| batch.count).sum::<u64>();
                histogram!("pollux_log_group_records").record(records as f64);
                for (partition, batch) in &batches {
                    self.heads[*partition as usize] = batch.head();
                }
                self.set_mark();
                self.shared.publish(batches);
                self.recovered();
                self.checkpointer.tend();
                fail_point!("log::after_commit");
                Ok(())
            }
            CommitOutcome::RolledBack(error) => {
                let why = self.shared.describe(&error);
                let before = self.shared.trouble.lock().replace(why.clone());
                // This is logged once: a line for every group would fill the disk that is full.
                if before.as_ref() != Some(&why) {
                    tracing::error!("votes are refused for now: {why}");
                }
                Err(AppendError::NotRecorded(why))
            }
            CommitOutcome::Unknown(why) => {
                self.shared.fail(&why);
                Err(AppendError::Unknown(why))
            }
        }
    }

    /// Writes the batches in one transaction with one fsync. Only a COMMIT that fails may leave
    /// anything behind.
    fn transact(&self, batches: &[(Partition, Batch)]) -> CommitOutcome {
        let connection = &self.connection;
        let _turn = self.shared.turn.lock();
        let fill = || {
            execute(connection, "BEGIN IMMEDIATE")?;
            if !rows::have_checksums(connection)? {
                rows::begin_checksums(connection)?;
            }
            batches
                .iter()
                .try_for_each(|(partition, batch)| rows::insert(connection, *partition, batch))
        };
        if let Err(error) = fill() {
            return self.roll_back(error);
        }
        fail_point!("log::before_commit");
        match execute(connection, "COMMIT") {
            Ok(()) => CommitOutcome::Durable,
            // The commit was refused before its frame was whole: the disk is full, or another
            // process has the file locked. Neither leaves anything that recovery would believe.
            Err(error) if is_refusal(&error) => self.roll_back(error),
            Err(error) => CommitOutcome::Unknown(self.shared.describe(&error)),
        }
    }

    /// Writes the sync mark before anybody is answered, so that nothing acknowledged can be lost
    /// unnoticed.
    fn set_mark(&mut self) {
        let Some(mark) = &mut self.mark else { return };
        if let Err(error) = mark.set(&self.heads) {
            tracing::warn!("the mark can no longer be written: {error}");
            self.mark = None;
        }
    }

    /// Makes sure that nothing is left of the transaction.
    fn roll_back(&self, error: rusqlite::Error) -> CommitOutcome {
        if !self.connection.is_autocommit()
            && let Err(worse) = execute(&self.connection, "ROLLBACK")
        {
            return CommitOutcome::Unknown(format!(
                "{}, and then the rollback failed: {worse}",
                self.shared.describe(&error)
            ));
        }
        CommitOutcome::RolledBack(error)
    }

    /// Checks after trouble whether there is room again. It writes a little, and leaves free pages
    /// behind.
    fn probe(&self) {
        let _turn = self.shared.turn.lock();
        let attempt = || {
            execute(&self.connection, "BEGIN IMMEDIATE")?;
            rows::try_room(&self.connection, PROBE_BYTES)?;
            execute(&self.connection, "COMMIT")
        };
        match attempt() {
            Ok(()) => self.recovered(),
            Err(error) => match self.roll_back(error) {
                CommitOutcome::Unknown(why) => self.shared.fail(&why),
                CommitOutcome::RolledBack(error) => {
                    *self.shared.trouble.lock() = Some(self.shared.describe(&error));
                }
                CommitOutcome::Durable => {}
            },
        }
    }

    fn recovered(&self) {
        if self.shared.trouble.lock().take().is_some() {
            tracing::info!("votes are accepted again");
        }
    }

    fn failure(&self) -> Option<String> {
        self.shared.failed.borrow().clone()
    }
}

/// Returns whether a COMMIT that failed with this error has certainly not committed.
fn is_refusal(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// The bytes of the longest record taken, which is also Kafka's default bound for a record.
pub(super) const LONGEST_RECORD: usize = 1 << 20;

/// Checks that the record is short enough.
pub(super) fn check_length(record: &NewRecord) -> Result<(), String> {
    match record.key.len() + record.value.len() {
        0..=LONGEST_RECORD => Ok(()),
        bytes => Err(format!("a record of {bytes} bytes; at most {LONGEST_RECORD} are taken")),
    }
}
