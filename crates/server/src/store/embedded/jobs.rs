//! The store's threads: one does the jobs it is given, in order, and the other copies the write-ahead log back.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pollux_core::event::Event;
use pollux_core::id::{Generation, Partition};
use pollux_core::poll::Poll;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::db;
use super::writer::Writer;
use crate::store::{
    ChangeError, Commit, CommitError, Created, IdempotencyKey, Progress, StoreError,
};

/// `Reply` takes the answer to a job, for the one who has asked.
pub(super) type Reply<T> = oneshot::Sender<T>;

/// `Job` is what the writer is asked to do.
pub(super) enum Job {
    Create(Box<Poll>, Vec<String>, Option<IdempotencyKey>, Reply<Result<Created, StoreError>>),
    Change(Box<Poll>, u64, Reply<Result<(), ChangeError>>),
    CreateEvent(
        Box<Event>,
        Vec<String>,
        Option<IdempotencyKey>,
        Reply<Result<Created<Event>, StoreError>>,
    ),
    Close(Vec<(Poll, u64)>, Reply<Result<Vec<bool>, StoreError>>),
    ChangeEvent(Box<Event>, u64, Option<Vec<u8>>, Reply<Result<(), ChangeError>>),
    Begin(Partition, Generation, Reply<Result<Progress, StoreError>>),
    Commit(Partition, Commit, Reply<Result<(), CommitError>>),
    /// The checkpointer has copied back all it could.
    Checkpointed,
    /// It is time to try again to destroy what is left of a text key.
    Destroy,
}

/// `Ask` is what the checkpointer is asked to do.
pub(super) enum Ask {
    /// Copy the write-ahead log back now.
    CopyBack,
    /// Say after [`DESTROY_AGAIN`] that it is time to try again to destroy what is left of a text key.
    DestroyLater,
}

/// A text key that was destroyed is gone from the files so soon after the last reader that began before has ended. Without
/// such a reader it is gone at once.
pub(super) const DESTROY_AGAIN: Duration = Duration::from_millis(500);

pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(work).expect("the system has room for a thread")
}

/// Does the jobs in order, and merges while there are none, until nobody can send one any more.
pub(super) fn write(
    mut writer: Writer,
    mut queue: mpsc::Receiver<Job>,
    checkpointer: SyncSender<Ask>,
    failing: watch::Sender<Option<String>>,
) {
    writer.destroy(|| checkpointer.try_send(Ask::DestroyLater).is_ok());
    loop {
        let job = if writer.merging() {
            match queue.try_recv() {
                Ok(job) => Some(job),
                Err(mpsc::error::TryRecvError::Disconnected) => None,
                Err(mpsc::error::TryRecvError::Empty) => {
                    if let Err(error) = writer.merge_slice(0) {
                        tracing::warn!(%error, "the index of voters was not merged");
                    }
                    continue;
                }
            }
        } else {
            queue.blocking_recv()
        };
        let Some(job) = job else { break };
        perform(&mut writer, job);
        if let Some(why) = &writer.db.failed
            && failing.borrow().is_none()
        {
            tracing::error!(why, "the store has failed");
            failing.send_replace(Some(why.clone()));
        }
        writer.destroy(|| checkpointer.try_send(Ask::DestroyLater).is_ok());
        writer.tend_wal(|| {
            let _ = checkpointer.try_send(Ask::CopyBack);
        });
    }
    // The checkpointer's connection closes after the writer's: if both closed at the same moment, each could still see the
    // other, neither would be the last, and the write-ahead log would stay.
    writer.finish();
    drop(checkpointer);
}

/// Does one job. An answer that nobody waits for any more is dropped.
fn perform(writer: &mut Writer, job: Job) {
    match job {
        Job::Create(poll, codes, key, reply) => {
            let _ = reply.send(writer.create(*poll, &codes, key.as_ref()));
        }
        Job::Change(poll, expected, reply) => {
            let _ = reply.send(writer.change(&poll, expected));
        }
        Job::Close(polls, reply) => {
            let _ = reply.send(writer.close(&polls));
        }
        Job::CreateEvent(event, codes, key, reply) => {
            let _ = reply.send(writer.create_event(*event, &codes, key.as_ref()));
        }
        Job::ChangeEvent(event, expected, logo, reply) => {
            let _ = reply.send(writer.change_event(&event, expected, logo.as_deref()));
        }
        Job::Begin(partition, generation, reply) => {
            let _ = reply.send(writer.begin(partition, generation));
        }
        Job::Commit(partition, commit, reply) => {
            let _ = reply.send(writer.commit(partition, &commit));
        }
        Job::Checkpointed => writer.checkpointed(),
        Job::Destroy => writer.destroy_again(),
    }
}

/// Copies the write-ahead log back while the writer goes on, then lets the writer do the rest. It also tells the writer
/// when to try again what readers held up.
pub(super) fn checkpoint(
    conn: Connection,
    turn: &Mutex<()>,
    asked: Receiver<Ask>,
    queue: mpsc::WeakSender<Job>,
) {
    let mut due: Option<Instant> = None;
    loop {
        let ask = match due {
            None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => asked.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        let job = match ask {
            Ok(Ask::CopyBack) => {
                let _turn = turn.lock();
                if let Err(error) = db::checkpoint(&conn, "PASSIVE") {
                    tracing::warn!(%error, "the store's write-ahead log was not copied back");
                }
                Job::Checkpointed
            }
            Ok(Ask::DestroyLater) => {
                due = Some(Instant::now() + DESTROY_AGAIN);
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {
                due = None;
                Job::Destroy
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Some(queue) = queue.upgrade() {
            let _ = queue.blocking_send(job);
        }
    }
}
