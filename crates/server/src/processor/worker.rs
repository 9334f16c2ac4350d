//! A worker reads one partition, and for each batch loads, folds and commits. Beside it an
//! [`Announcer`] tells every node what was committed, and a [`Copier`] copies dead letters. The
//! worker waits for neither, so a partition is counted even if both fail.
//!
//! Any error ends the *session*: what the session keeps in memory is dropped, and the worker takes
//! up the partition anew from the store's offset. There is no other recovery path.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use pollux_core::digest::Digest;
use pollux_core::fold::{Past, known};
use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::poll::Poll;
use pollux_core::record::{Entry, Genesis};
use tokio_util::sync::CancellationToken;

use super::Processor;
use super::announcer::Announcer;
use super::batch::{Batch, Slice};
use super::copier::Copier;
use crate::log::ReadError;
use crate::store::{Commit, CommitError, StoreError};

/// The time that a read waits for the first record before the worker checks whether to stop.
const READ_WAIT: Duration = Duration::from_secs(1);
/// The number of offsets, just below the next one, in which [`same_log`] looks for the last ballot.
const LOOK_BACK: u64 = 256;
/// The time for which a session that ends goes on announcing and copying what it has committed. The
/// next worker of the partition does the rest.
const FAREWELL: Duration = Duration::from_secs(1);

/// `SessionError` says why a session ended.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("another worker has taken over, or this one was too slow")]
    Fenced,
    #[error("{0}")]
    WrongLog(String),
    #[error(
        "the record at offset {offset} changes poll {poll} in a way that the store knows nothing of: \
         the store is an older copy than the log. Nothing is lost, and nothing more of this \
         partition is counted until the newest copy of the store is restored"
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

/// Works on a partition until it is told to stop, in one session after another.
pub async fn run(processor: Processor, partition: Partition, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let Err(error) = session(&processor, partition, &stop).await else { break };
        let before = {
            let mut troubles = processor.troubles.lock();
            let before = troubles.insert(partition, error.to_string());
            gauge!("pollux_partitions_stuck").set(troubles.len() as f64);
            before
        };
        if before.as_deref() != Some(&error.to_string()) {
            tracing::warn!(
                partition,
                %error,
                "counting of the partition stopped; starting again from the store's offset"
            );
        }
        counter!("pollux_worker_restarts_total").increment(1);
        processor.pause(&stop).await;
    }
    well_again(&processor, partition);
}

/// Clears the partition's trouble. Returns whether there was any.
fn well_again(processor: &Processor, partition: Partition) -> bool {
    let mut troubles = processor.troubles.lock();
    let was = troubles.remove(&partition).is_some();
    if was {
        gauge!("pollux_partitions_stuck").set(troubles.len() as f64);
    }
    was
}

/// Takes up the partition and works on it. Returns `Ok` when it is told to stop.
async fn session(
    processor: &Processor,
    partition: Partition,
    stop: &CancellationToken,
) -> Result<(), SessionError> {
    let (announcer, copier) =
        (Announcer::new(processor, partition), Copier::new(processor, partition));
    let counted = async {
        let counted = async {
            let mut worker = Worker::begin(processor, partition, &announcer, &copier).await?;
            worker.count(stop).await
        };
        let counted = counted.await;
        // This is done even if counting cannot go on: what was committed stays committed, and there
        // may be no other worker to announce it.
        if !matches!(counted, Err(SessionError::Fenced)) {
            let finished = async { tokio::join!(announcer.all_announced(), copier.all_copied()) };
            let _ = tokio::time::timeout(FAREWELL, finished).await;
        }
        counted
    };
    tokio::select! {
        biased;
        counted = counted => counted,
        never = announcer.run() => match never {},
        never = copier.run() => match never {},
    }
}

/// A worker reads one partition, has its records decided, and commits what comes of them.
struct Worker<'a> {
    processor: &'a Processor,
    announcer: &'a Announcer<'a>,
    copier: &'a Copier<'a>,
    slice: Slice,
    /// The first offset that is not committed.
    next: Offset,
    /// The digest that ends at `next`.
    digest: Digest,
    /// What the fold knows as of `next`. The store holds all of it too. Only the polls are kept
    /// from one batch to the next.
    past: Past,
}

impl<'a> Worker<'a> {
    /// Takes up the partition, after checking that the log is whole and is the one that the store
    /// was counted from. What earlier workers committed and did not announce is queued for the
    /// announcer.
    async fn begin(
        processor: &'a Processor,
        partition: Partition,
        announcer: &'a Announcer<'a>,
        copier: &'a Copier<'a>,
    ) -> Result<Self, SessionError> {
        let log = &processor.log;
        let slice = Slice { partition, partitions: log.partitions(), generation: log.generation() };
        let progress = processor.store.begin(partition, slice.generation).await?;
        same_log(processor, slice, progress.next_offset).await?;
        let next = progress.next_offset;
        let untold = announcer.begin(progress.announced, next);
        copier.begin(progress.announced, next);
        // The store may have no digest that ends here: this offset may have been committed by an
        // older version that keeps none, which may even run on another node of this cluster now.
        let kept = processor.store.digests(partition, next).await?;
        let kept = kept.into_iter().find(|digest| digest.to == next);
        let digest = kept.unwrap_or(Digest::new(next));
        if let Some(from) = untold {
            announcer.enqueue(processor.store.tallies_since(partition, from).await?, next);
        }
        let past = Past::default();
        Ok(Self { processor, announcer, copier, slice, next, digest, past })
    }

    /// Reads, folds and commits, until told to stop.
    async fn count(&mut self, stop: &CancellationToken) -> Result<(), SessionError> {
        let (processor, partition) = (self.processor, self.slice.partition);
        while !stop.is_cancelled() {
            let read = processor.log.read(partition, self.next, processor.limits.batch, READ_WAIT);
            let records = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                records = read => records?,
            };
            let (none, full) = (records.is_empty(), records.len() >= processor.limits.batch);
            if !none {
                self.step(Batch::read(records)).await?;
            }
            // The trouble is cleared only here, after a read and, if there were records, a commit.
            // That a session has begun proves nothing: while a disk is full, for example, it begins
            // well, and then its commit fails.
            if well_again(processor, partition) {
                tracing::info!(partition, "the partition is counted again");
            }
            if !none && !full {
                // Votes that arrive in the meantime share the next transaction.
                tokio::time::sleep(processor.limits.linger).await;
            }
        }
        Ok(())
    }

    /// Folds one batch, commits it, and queues what is to be announced and copied.
    async fn step(&mut self, batch: Batch) -> Result<(), SessionError> {
        let newer = batch.newer;
        if !batch.is_empty() {
            let size = batch.len();
            let mut digest = self.digest.next();
            batch.digest(&mut digest);
            let mut commit = Commit { digest: Some(digest), ..self.fold(batch).await? };
            fail::fail_point!("worker::before_commit");
            self.processor.store.commit(self.slice.partition, &commit).await?;
            fail::fail_point!("worker::after_commit");
            (self.next, self.digest) = (commit.to, digest);
            record_metrics(size, &commit);
            self.copier.committed(self.next, !commit.dead.is_empty());
            self.announcer.enqueue(std::mem::take(&mut commit.tallies), self.next);
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
            if let Some(known) = found.and_then(|(poll, tally)| known(&poll, tally)) {
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
        // A worker that takes over announces and copies from this offset on.
        commit.announced = self.announcer.announced().min(self.copier.copied());
        Ok(commit)
    }
}

/// Checks that the log is whole and is the one that the store was counted from. It must be long
/// enough, it must begin with its genesis record, and the last decided ballot must stand where it
/// stood when it was decided. The third check finds a log that lost its end and has grown again.
async fn same_log(
    processor: &Processor,
    slice: Slice,
    counted: Offset,
) -> Result<(), SessionError> {
    let Slice { partition, partitions, generation } = slice;
    let (log, store) = (&processor.log, &processor.store);
    let wrong = |what: String| {
        Err(SessionError::WrongLog(format!(
            "partition {partition} of the log {what}. Restore the log from its replica or backup; \
             do not delete the store"
        )))
    };
    let end = log.end(partition).await?;
    if end < counted {
        return wrong(format!(
            "ends at offset {end}, but the store has counted up to {counted}: records are missing"
        ));
    }
    let at = |offset| async move {
        let found = log.read(partition, offset, 1, READ_WAIT).await?.into_iter().next();
        let found = found.filter(|record| record.offset == offset);
        Ok::<_, ReadError>(found.and_then(|record| Entry::decode(&record.value).ok()))
    };
    let genesis = Genesis { generation, partition, partitions };
    if at(0).await? != Some(Entry::Genesis(genesis)) {
        return wrong(format!("does not begin with the genesis record of generation {generation}"));
    }
    let since = counted.saturating_sub(LOOK_BACK);
    let rows = store.ballots(partition, since, None, LOOK_BACK as usize).await?;
    let Some(row) = rows.last() else { return Ok(()) };
    match at(row.offset).await? {
        Some(Entry::Ballot(it))
            if (it.poll, it.voter, it.id) == (row.poll, row.voter, row.ballot) =>
        {
            Ok(())
        }
        _ => wrong(format!(
            "holds another record at offset {} than the one counted there: it was shortened, and \
             has grown again since",
            row.offset
        )),
    }
}

fn record_metrics(size: usize, commit: &Commit) {
    histogram!("pollux_batch_records").record(size as f64);
    counter!("pollux_ballots_decided_total").increment(commit.ballots.len() as u64);
    counter!("pollux_records_dead_total").increment(commit.dead.len() as u64);
}
