//! `Refold` folds one partition of the log from its first record on, as the processor does, but takes nothing
//! from the store except the polls' rules.

use std::collections::HashSet;

use indicatif::ProgressBar;
use pollux_core::digest::Digest;
use pollux_core::fold::{Past, known};
use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::record::{Entry, Genesis};
use pollux_core::standing::Standing;
use pollux_core::tally::{DeadReason, Tally};
use pollux_server::processor::batch::{Batch, Slice};
use pollux_server::store::DeadLetter;

use super::digest_check::{DigestCheck, Verdict};
use crate::exit::{Failure, Outcome};
use crate::source::LogReader;
use crate::terminal;

/// Records are read and folded this many at a time.
const BATCH: usize = 8_192;

/// `Refold` is a partition that is being folded.
pub struct Refold<'a> {
    log: &'a LogReader,
    slice: Slice,
    next: Offset,
    /// Everything decided so far. The past is what was folded here; nothing is looked up in the store.
    past: Past,
    /// The polls that are not recounted.
    others: &'a HashSet<PollId>,
    check: DigestCheck,
    dead: u64,
    other_polls: u64,
    bar: ProgressBar,
}

/// `Extent` says how much of the log was folded.
#[derive(Default)]
pub struct Extent {
    /// The number of records that were folded.
    pub records: u64,
    /// Of them, the dead letters.
    pub dead: u64,
    /// Of them, the records of polls that are not recounted. What became of them is not decided here, except
    /// that a record in the wrong partition is a dead letter, whatever poll it is of.
    pub other_polls: u64,
    /// The number of records that follow, which the store has not counted either.
    pub waiting: u64,
    /// The number of records of the whole log without a checksum, because they were written before records
    /// had one.
    pub unchecked: u64,
}

impl Extent {
    /// Adds the extent of another partition.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.dead += other.dead;
        self.other_polls += other.other_polls;
        self.waiting += other.waiting;
        self.unchecked += other.unchecked;
    }
}

impl Drop for Refold<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl<'a> Refold<'a> {
    /// Starts before the first record. Ballots in polls other than `polls` are passed over; `others` are
    /// those of them that exist. The digests are those that the store keeps.
    pub async fn new(
        log: &'a LogReader,
        partition: Partition,
        polls: &[Standing],
        others: &'a HashSet<PollId>,
        digests: Vec<Digest>,
    ) -> Outcome<Self> {
        let partitions = log.partitions();
        let slice = Slice { partition, partitions, generation: log.generation() };
        let polls = polls.iter().filter_map(|s| Some((s.poll.id, known(&s.poll, None)?))).collect();
        let past = Past { polls, ..Past::default() };
        let end = log.end(partition).await?;
        let bar = terminal::progress(Some(end), "records");
        let check = DigestCheck::new(partition, digests);
        let refold =
            Self { log, slice, next: 0, past, others, check, dead: 0, other_polls: 0, bar };
        refold.check_genesis().await?;
        Ok(refold)
    }

    async fn check_genesis(&self) -> Outcome {
        let Slice { partition, partitions, generation } = self.slice;
        let genesis = Entry::Genesis(Genesis { generation, partition, partitions });
        let first = self.log.read(partition, 0, 1).await?;
        if first.first().and_then(|record| Entry::decode(&record.value).ok()) == Some(genesis) {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "partition {partition} does not begin with the genesis record of log {generation}"
        )))
    }

    /// Folds up to exactly this offset.
    pub async fn up_to(&mut self, to: Offset) -> Outcome {
        let Slice { partition, .. } = self.slice;
        while self.next < to {
            let most = BATCH.min((to - self.next) as usize);
            let records = self.log.read(partition, self.next, most).await?;
            if records.is_empty() {
                return Err(Failure::failed(format!(
                    "partition {partition} of the log ends at offset {}, but the store has \
                     counted up to {to}: records are missing. Restore the log from its replica or \
                     backup; do not delete the store",
                    self.next
                )));
            }
            records.iter().for_each(|record| self.check.take(record));
            let batch = Batch::read(records);
            if let Some((offset, version)) = batch.newer {
                return Err(Failure::failed(format!(
                    "the record at offset {offset} of partition {partition} has schema version \
                     {version}: a newer pollux wrote it and must recount it"
                )));
            }
            let commit = batch.decide(self.slice, self.next, &mut self.past);
            self.next = commit.to;
            let passed_over =
                commit.dead.iter().filter(|letter| self.is_of_another(letter)).count();
            self.other_polls += passed_over as u64;
            self.dead += (commit.dead.len() - passed_over) as u64;
            self.bar.set_position(self.next);
        }
        Ok(())
    }

    /// Returns whether a record was left out only because its poll is not recounted.
    fn is_of_another(&self, letter: &DeadLetter) -> bool {
        // Only with a poll to recount are there others; without, nothing has to be decoded again.
        !self.others.is_empty()
            && letter.reason == DeadReason::UnknownPoll.to_string()
            && Entry::decode(&letter.value)
                .is_ok_and(|entry| entry.poll().is_some_and(|poll| self.others.contains(&poll)))
    }

    /// Returns a poll's tally as of now; `None` for a poll that was not asked for.
    pub fn tally(&self, poll: PollId) -> Option<&Tally> {
        self.past.polls.get(&poll).map(|(_, tally)| tally)
    }

    /// Returns whether the records are those that the store has counted, up to this offset, and beyond it as
    /// far as the last digest goes.
    pub async fn compare(&mut self, counted: Offset) -> Outcome<Verdict> {
        self.up_to(self.check.end().max(counted)).await?;
        Ok(self.check.finish(counted))
    }

    /// Returns how many records were folded, how many of them were left out, and how many more the log holds.
    pub async fn extent(&self) -> Outcome<Extent> {
        let waiting = self.log.end(self.slice.partition).await?.saturating_sub(self.next);
        let Self { next: records, dead, other_polls, .. } = *self;
        Ok(Extent { records, dead, other_polls, waiting, unchecked: 0 })
    }
}
