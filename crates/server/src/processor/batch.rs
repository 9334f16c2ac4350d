//! A batch of records is folded into one [`Commit`]. This is pure: what the store knows is passed
//! in.

use std::collections::btree_map::Entry as Seen;
use std::collections::{BTreeMap, BTreeSet};

use pollux_core::ballot::Ballot;
use pollux_core::digest::Digest;
use pollux_core::fold::{DecidedBallot, Outcome, Part, Past, Polls, Voters};
use pollux_core::id::{BallotId, Generation, Offset, Partition, PollId, VoterId};
use pollux_core::kind::words::OTHER;
use pollux_core::record::{Entry, RecordError};
use pollux_core::standing::TallyAt;
use pollux_core::tally::DeadReason;

use crate::log::Record;
use crate::store::{BallotRow, Commit, DeadLetter, NameRow};

/// A slice names the partition that is being folded, and the log that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The partition.
    pub partition: Partition,
    /// The number of partitions.
    pub partitions: u32,
    /// The log's generation.
    pub generation: Generation,
}

/// `Batch` holds records that are read but not yet decided.
#[derive(Debug, Default)]
pub struct Batch {
    entries: Vec<(Record, Result<Entry, DeadReason>)>,
    /// The offset and schema version of the record that ended the batch, because its schema is
    /// newer than this binary. That record is not in the batch.
    pub newer: Option<(Offset, u64)>,
}

impl Batch {
    /// Decodes the records' values, up to the first record whose schema is newer than this binary.
    pub fn read(records: Vec<Record>) -> Self {
        let mut batch = Self::default();
        batch.entries.reserve(records.len());
        for record in records {
            let entry = match Entry::decode(&record.value) {
                Ok(entry) => Ok(entry),
                Err(RecordError::Unreadable(why)) => Err(DeadReason::Unreadable(why)),
                Err(RecordError::Newer(version)) => {
                    batch.newer = Some((record.offset, version));
                    break;
                }
            };
            batch.entries.push((record, entry));
        }
        batch
    }

    /// Returns whether there is nothing to decide.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns how many records there are to decide.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the polls and the voters whose past must be loaded to decide the batch. Polls that
    /// are in `known` are left out.
    pub fn needs(&self, known: &Polls) -> (Vec<PollId>, Vec<(PollId, VoterId)>) {
        let mut polls = Vec::new();
        let mut voters = Vec::with_capacity(self.entries.len());
        for (_, entry) in &self.entries {
            let Ok(entry) = entry else { continue };
            polls.extend(entry.poll().filter(|poll| !known.contains_key(poll)));
            if let Entry::Ballot(ballot) = entry {
                voters.push((ballot.poll, ballot.voter));
            }
        }
        polls.sort_unstable();
        polls.dedup();
        voters.sort_unstable();
        voters.dedup();
        (polls, voters)
    }

    /// Returns the first control record that is ahead of the store. `phases` holds the polls that
    /// the store was just asked for, each with its phase there. A change of a poll is in the store
    /// before it is on the log. If a control record is ahead, the store is therefore an older copy,
    /// and going on would lose the ballots of the polls that it lacks.
    pub fn ahead(&self, phases: &BTreeMap<PollId, u32>) -> Option<(Offset, PollId)> {
        // Usually no poll had to be loaded, so there is nothing to search for.
        if phases.is_empty() {
            return None;
        }
        self.entries.iter().find_map(|(record, entry)| match entry {
            Ok(Entry::Control(control)) if control.phase > *phases.get(&control.poll)? => {
                Some((record.offset, control.poll))
            }
            _ => None,
        })
    }

    /// Returns the ballots that may have been decided before, given their voters' states: retries,
    /// duplicates, and ballots that were overtaken by a newer one.
    pub fn doubtful(&self, voters: &Voters) -> Vec<(PollId, VoterId, BallotId)> {
        let mut doubtful = Vec::new();
        for (_, entry) in &self.entries {
            let Ok(Entry::Ballot(Ballot { poll, voter, id, .. })) = entry else { continue };
            let Some(past) = voters.get(&(*poll, *voter)) else { continue };
            if past.state.may_have_seen(*id) {
                doubtful.push((*poll, *voter, *id));
            }
        }
        doubtful
    }

    /// Adds every record to the partition's digest.
    pub fn digest(&self, digest: &mut Digest) {
        for (record, _) in &self.entries {
            digest.take(record.offset, &record.key, &record.value);
        }
    }

    /// Decides every record in log order. `from` is the offset that the store must have as its next
    /// one when this is committed.
    pub fn decide(self, slice: Slice, from: Offset, past: &mut Past) -> Commit {
        let mut folding = Folding {
            slice,
            past,
            touched: BTreeSet::new(),
            named: BTreeMap::new(),
            commit: Commit { from, to: from, ..Commit::default() },
        };
        folding.commit.ballots.reserve(self.entries.len());
        for (record, entry) in self.entries {
            folding.commit.to = record.offset + 1;
            if let Err(reason) = entry.and_then(|entry| folding.apply(record.offset, &entry)) {
                folding.commit.dead.push(DeadLetter {
                    offset: record.offset,
                    key: record.key,
                    value: record.value,
                    reason: reason.to_string(),
                });
            }
        }
        folding.finish()
    }
}

/// `Folding` is the state of a batch that is being decided.
struct Folding<'a> {
    slice: Slice,
    past: &'a mut Past,
    touched: BTreeSet<PollId>,
    /// The round of each poll whose ballots hold words, and how many names it had, before the first such ballot.
    named: BTreeMap<PollId, (u32, usize)>,
    commit: Commit,
}

impl Folding<'_> {
    fn apply(&mut self, offset: Offset, entry: &Entry) -> Result<(), DeadReason> {
        let Slice { partition, partitions, .. } = self.slice;
        if let Entry::Ballot(ballot) = entry
            && ballot.answer.words().next().is_some()
        {
            self.note_names(ballot.poll);
        }
        let effect = self.past.apply(Part { partition, partitions }, offset, entry);
        if effect.changed {
            self.touched.extend(entry.poll());
        }
        match (effect.outcome, entry) {
            (Outcome::Dead(reason), _) => return Err(reason),
            (Outcome::Moved, _) => self.commit.durable = true,
            (Outcome::Decided(decided), Entry::Ballot(ballot)) => self.row(offset, ballot, decided),
            _ => {}
        }
        Ok(())
    }

    /// Notes which names a poll has before the batch adds any.
    fn note_names(&mut self, poll: PollId) {
        if let Seen::Vacant(unseen) = self.named.entry(poll)
            && let Some((_, tally)) = self.past.polls.get(&poll)
        {
            unseen.insert((tally.round, tally.names.len()));
        }
    }

    /// Returns the names that the batch has added to a poll's present round.
    fn new_names(&self, poll: PollId) -> impl Iterator<Item = NameRow> {
        let tally = self.past.polls.get(&poll).map(|(_, tally)| tally);
        let before = self.named.get(&poll);
        tally.into_iter().flat_map(move |tally| {
            let round = tally.round;
            let old = before.filter(|before| before.0 == round).map_or(0, |before| before.1);
            let words = tally.names.words().iter().enumerate().skip(old);
            words.map(move |(at, word)| NameRow {
                poll,
                round,
                slot: OTHER + 1 + at,
                word: word.clone(),
            })
        })
    }

    fn row(&mut self, offset: Offset, ballot: &Ballot, decided: DecidedBallot) {
        self.commit.ballots.push(BallotRow {
            offset,
            poll: ballot.poll,
            voter: ballot.voter,
            ballot: ballot.id,
            answer: ballot.answer.clone(),
            decided: decided.status,
            at: ballot.at,
            after: decided.after,
            link: decided.link,
        });
    }

    /// Returns the commit, with the tallies that the batch changed as they are after it, and their new names.
    fn finish(self) -> Commit {
        let Slice { partition, generation, .. } = self.slice;
        let names = self.named.keys().flat_map(|poll| self.new_names(*poll)).collect();
        let mut commit = Commit { names, ..self.commit };
        let next_offset = commit.to;
        commit.tallies.extend(self.touched.into_iter().filter_map(|poll| {
            let (_, tally) = self.past.polls.get(&poll)?;
            Some(TallyAt { poll, partition, generation, next_offset, tally: tally.clone() })
        }));
        commit
    }
}
