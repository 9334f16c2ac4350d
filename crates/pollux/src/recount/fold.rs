//! `Refold` folds one partition of the log from its first record on, as the processor does, but takes nothing
//! from the store except the polls' rules.

use std::collections::{HashMap, HashSet};

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
    check: DigestCheck,
    dead: u64,
    /// The number of records of each poll that is not recounted, or does not exist.
    unknown: HashMap<PollId, u64>,
    bar: ProgressBar,
}

/// `Extent` says how much of the log was folded.
#[derive(Default)]
pub struct Extent {
    /// The number of records that were folded.
    pub records: u64,
    /// Of them, the dead letters that are known as such without a look at the polls.
    pub dead: u64,
    /// Of them, the records of each poll that is not recounted or does not exist. [`Extent::sort`] tells which.
    pub unknown: HashMap<PollId, u64>,
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
        for (poll, records) in &other.unknown {
            *self.unknown.entry(*poll).or_default() += records;
        }
        self.other_polls += other.other_polls;
        self.waiting += other.waiting;
        self.unchecked += other.unchecked;
    }

    /// Sorts the records of unknown polls. Those of polls that have been `opened` were only not recounted, and all
    /// others are dead letters. Since a poll is opened in the store before it is on the log, `opened` must have
    /// been read after the records.
    pub fn sort(&mut self, opened: &HashSet<PollId>) {
        for (poll, records) in self.unknown.drain() {
            match opened.contains(&poll) {
                true => self.other_polls += records,
                false => self.dead += records,
            }
        }
    }
}

impl Drop for Refold<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl<'a> Refold<'a> {
    /// Starts before the first record. Ballots in polls other than `polls` are passed over. The digests are those
    /// that the store keeps.
    pub async fn new(
        log: &'a LogReader,
        partition: Partition,
        polls: &[Standing],
        digests: Vec<Digest>,
    ) -> Outcome<Self> {
        let partitions = log.partitions();
        let slice = Slice { partition, partitions, generation: log.generation() };
        let polls = polls.iter().filter_map(|s| Some((s.poll.id, known(&s.poll, None)?))).collect();
        let past = Past { polls, ..Past::default() };
        let end = log.end(partition).await?;
        let bar = terminal::progress(Some(end), "records");
        let check = DigestCheck::new(partition, digests);
        let unknown = HashMap::new();
        let refold = Self { log, slice, next: 0, past, check, dead: 0, unknown, bar };
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
            for letter in &commit.dead {
                match self.unknown_poll(letter) {
                    Some(poll) => *self.unknown.entry(poll).or_default() += 1,
                    None => self.dead += 1,
                }
            }
            self.bar.set_position(self.next);
        }
        Ok(())
    }

    /// Returns the poll of a record that was left out because the poll is not among those that are recounted.
    fn unknown_poll(&self, letter: &DeadLetter) -> Option<PollId> {
        if letter.reason != DeadReason::UnknownPoll.to_string() {
            return None;
        }
        let poll = Entry::decode(&letter.value).ok()?.poll()?;
        // The reason is the same for a ballot in a recounted poll that stands before its opening.
        (!self.past.polls.contains_key(&poll)).then_some(poll)
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
    pub async fn extent(mut self) -> Outcome<Extent> {
        let waiting = self.log.end(self.slice.partition).await?.saturating_sub(self.next);
        let unknown = std::mem::take(&mut self.unknown);
        let extent =
            Extent { records: self.next, dead: self.dead, unknown, waiting, ..Extent::default() };
        Ok(extent)
    }
}
