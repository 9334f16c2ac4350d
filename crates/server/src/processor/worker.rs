//! One partition's worker: load, fold, commit, announce; and again.
//!
//! Whatever goes wrong ends the *session*: all that is in memory is dropped and the worker
//! takes up the partition anew from the store's offset. There is no other recovery path.

use std::time::Duration;

use metrics::{counter, histogram};
use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::poll::Poll;
use pollux_core::record::{Entry, Genesis};
use pollux_core::standing::{Announcement, TallyAt};
use tokio_util::sync::CancellationToken;

use super::Processor;
use super::batch::{self, Batch, Past, Slice};
use crate::log::{AppendError, ReadError};
use crate::store::{Commit, CommitError, StoreError};

/// How long a read waits for the first record before it looks whether to stop.
const READ_WAIT: Duration = Duration::from_secs(1);

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("another worker has taken over, or this one was too slow")]
    Fenced,
    #[error("committed, but not announced yet: {0}")]
    Announce(#[from] AppendError),
    #[error("{0}")]
    WrongLog(String),
    #[error(
        "the record at offset {offset} changes poll {poll} in a way that the store knows nothing of: \
         the store is an older copy than the log. Nothing is lost, and nothing more of this \
         partition is counted until the newest copy of the store is put back"
    )]
    StoreBehind { offset: Offset, poll: PollId },
    #[error(
        "the record at offset {offset} has schema version {version}, newer than this binary \
         reads; nothing is lost, and nothing more of this partition is counted until a newer \
         pollux takes over"
    )]
    Newer { offset: Offset, version: u64 },
}

impl From<CommitError> for SessionError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Fenced => Self::Fenced,
            CommitError::Store(error) => Self::Store(error),
        }
    }
}

/// Work on a partition until told to stop.
pub async fn run(processor: Processor, partition: Partition, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let Err(error) = session(&processor, partition, &stop).await else { break };
        let told = processor.troubles.lock().insert(partition, error.to_string());
        if told.as_deref() != Some(&error.to_string()) {
            tracing::warn!(partition, %error, "the partition is taken up again");
        }
        counter!("pollux_worker_restarts_total").increment(1);
        processor.pause(&stop).await;
    }
    processor.troubles.lock().remove(&partition);
}

/// Take up the partition and work on it; `Ok` when told to stop.
async fn session(
    processor: &Processor,
    partition: Partition,
    stop: &CancellationToken,
) -> Result<(), SessionError> {
    let mut worker = Worker::begin(processor, partition).await?;
    while !stop.is_cancelled() {
        let read = processor.log.read(partition, worker.next, processor.limits.batch, READ_WAIT);
        let records = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            records = read => records?,
        };
        let (none, full) = (records.is_empty(), records.len() >= processor.limits.batch);
        if !none {
            worker.step(Batch::read(records)).await?;
        }
        // Only now: a commit may fail for as long as the disk is full, and each session begins well.
        if processor.troubles.lock().remove(&partition).is_some() {
            tracing::info!(partition, "the partition goes on");
        }
        if !none && !full {
            // Votes that arrive in the meantime share the next transaction.
            tokio::time::sleep(processor.limits.linger).await;
        }
    }
    Ok(())
}

/// A partition being worked on.
struct Worker<'a> {
    processor: &'a Processor,
    slice: Slice,
    /// The first offset not committed.
    next: Offset,
    /// Everything below was announced.
    announced: Offset,
    /// As of `next`; only what the store holds too. Polls are kept between batches.
    past: Past,
}

impl<'a> Worker<'a> {
    /// Take up the partition: it must be the log the store was built from, and whole. What was
    /// committed but not announced by whoever was here before is announced now.
    async fn begin(processor: &'a Processor, partition: Partition) -> Result<Self, SessionError> {
        let log = &processor.log;
        let slice = Slice { partition, partitions: log.partitions(), generation: log.generation() };
        let progress = processor.store.begin(partition, slice.generation).await?;
        let end = log.end(partition).await?;
        if end < progress.next_offset {
            return Err(SessionError::WrongLog(format!(
                "partition {partition} of the log ends at offset {end}, but the store has \
                 counted up to {}: records are missing. Restore the log from its replica or \
                 backup; do not delete the store",
                progress.next_offset
            )));
        }
        let first = log.read(partition, 0, 1, READ_WAIT).await?;
        let genesis = Entry::Genesis(Genesis {
            generation: slice.generation,
            partition,
            partitions: slice.partitions,
        });
        if first.first().and_then(|r| Entry::decode(&r.value).ok()) != Some(genesis) {
            return Err(SessionError::WrongLog(format!(
                "partition {partition} does not begin with the genesis record of generation {}",
                slice.generation
            )));
        }
        let mut worker = Self {
            processor,
            slice,
            next: progress.next_offset,
            announced: progress.announced,
            past: Past::default(),
        };
        let missed = processor.store.tallies_since(partition, progress.announced).await?;
        worker.announce(missed).await?;
        Ok(worker)
    }

    /// Fold one batch, commit it, announce it.
    async fn step(&mut self, batch: Batch) -> Result<(), SessionError> {
        let newer = batch.newer;
        if !batch.is_empty() {
            let size = batch.len();
            let mut commit = self.fold(batch).await?;
            fail::fail_point!("worker::before_commit");
            self.processor.store.commit(self.slice.partition, &commit).await?;
            fail::fail_point!("worker::after_commit");
            self.next = commit.to;
            record_metrics(size, &commit);
            self.announce(std::mem::take(&mut commit.tallies)).await?;
            if self.past.polls.len() > self.processor.limits.polls {
                self.past.polls.clear();
            }
        }
        match newer {
            Some((offset, version)) => Err(SessionError::Newer { offset, version }),
            None => Ok(()),
        }
    }

    async fn fold(&mut self, batch: Batch) -> Result<Commit, SessionError> {
        let (store, partition) = (&self.processor.store, self.slice.partition);
        let (polls, voters) = batch.needs(&self.past.polls);
        let loaded = store.load(partition, &polls, &voters).await?;
        let phase = |found: &Option<(Poll, _)>| found.as_ref().map_or(0, |(poll, _)| poll.phase);
        let phases = polls.iter().copied().zip(loaded.polls.iter().map(phase)).collect();
        if let Some((offset, poll)) = batch.ahead(&phases) {
            return Err(SessionError::StoreBehind { offset, poll });
        }
        for (id, found) in polls.into_iter().zip(loaded.polls) {
            if let Some(known) = found.and_then(|(poll, tally)| batch::known(&poll, tally)) {
                self.past.polls.insert(id, known);
            }
        }
        self.past.voters = voters.into_iter().zip(loaded.voters).collect();
        self.past.decided.clear();
        let doubtful = batch.doubtful(&self.past.voters);
        if !doubtful.is_empty() {
            let decided = store.decided(partition, &doubtful).await?;
            let known = doubtful.into_iter().zip(decided);
            self.past.decided.extend(known.filter_map(|(name, status)| Some((name, status?))));
        }
        let mut commit = batch.decide(self.slice, self.next, &mut self.past);
        commit.announced = self.announced;
        Ok(commit)
    }

    /// Tell every node: first the tallies, then that everything below `next` is decided.
    async fn announce(&mut self, tallies: Vec<TallyAt>) -> Result<(), SessionError> {
        let Slice { partition, generation, .. } = self.slice;
        let next_offset = self.next;
        let mut told: Vec<_> = tallies.into_iter().map(Announcement::Tally).collect();
        told.push(Announcement::Progress { partition, generation, next_offset });
        self.processor.log.announce(told).await?;
        self.announced = next_offset;
        Ok(())
    }
}

fn record_metrics(size: usize, commit: &Commit) {
    histogram!("pollux_batch_records").record(size as f64);
    counter!("pollux_ballots_decided_total").increment(commit.ballots.len() as u64);
    counter!("pollux_records_dead_total").increment(commit.dead.len() as u64);
}
