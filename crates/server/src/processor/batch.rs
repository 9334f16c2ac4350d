//! A batch: records in, one [`Commit`] out. Pure: what the store knows is passed in.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;
use pollux_core::ballot::Status;
use pollux_core::id::{Generation, Offset, Partition, PollId, VoterId};
use pollux_core::poll::{Poll, PollStatus, Rules};
use pollux_core::record::{Entry, RecordError, ballot_partition};
use pollux_core::standing::TallyAt;
use pollux_core::tally::{self, DeadReason, Decision, Tally, VoterState};

use crate::log::Record;
use crate::store::{BallotRow, Commit, DeadLetter};

/// Polls by id. A fixed hasher: nothing here is keyed by what a stranger can choose freely,
/// and a run repeats exactly.
pub type Polls = HashMap<PollId, (Rules, Tally), FixedState>;
/// Voters by poll and pseudonym.
pub type Voters = HashMap<(PollId, VoterId), VoterState, FixedState>;

/// Which part of which log is being folded.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The partition.
    pub partition: Partition,
    /// How many there are.
    pub partitions: u32,
    /// Which log.
    pub generation: Generation,
}

/// Records, read but not yet decided.
#[derive(Debug, Default)]
pub struct Batch {
    entries: Vec<(Record, Result<Entry, DeadReason>)>,
    /// The batch ends before a record of a newer schema: its offset and version.
    pub newer: Option<(Offset, u64)>,
}

impl Batch {
    /// Read records' values, up to the first this binary is too old for.
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

    /// Whether there is nothing to decide.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many records there are to decide.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The polls and voters whose past the decision needs; polls in `known` are left out.
    pub fn needs(&self, known: &Polls) -> (Vec<PollId>, Vec<(PollId, VoterId)>) {
        let mut polls = Vec::new();
        let mut voters = Vec::with_capacity(self.entries.len());
        for (_, entry) in &self.entries {
            let poll = match entry {
                Ok(Entry::Ballot(ballot)) => {
                    voters.push((ballot.poll, ballot.voter));
                    ballot.poll
                }
                Ok(Entry::Control(control)) => control.poll,
                Ok(Entry::Genesis(_)) | Err(_) => continue,
            };
            if !known.contains_key(&poll) {
                polls.push(poll);
            }
        }
        polls.sort_unstable();
        polls.dedup();
        voters.sort_unstable();
        voters.dedup();
        (polls, voters)
    }

    /// Decide every record in log order. `polls` and `voters` hold what [`Batch::needs`] asked
    /// for and are left as they are after the batch; a poll that is missing does not exist.
    /// `from` is the offset expected to be next.
    pub fn decide(
        self,
        slice: Slice,
        from: Offset,
        polls: &mut Polls,
        voters: &mut Voters,
    ) -> Commit {
        let mut commit = Commit { from, to: from, ..Commit::default() };
        commit.ballots.reserve(self.entries.len());
        let mut touched = BTreeSet::new();
        for (record, entry) in self.entries {
            commit.to = record.offset + 1;
            let entry = match entry {
                Ok(entry) => entry,
                Err(reason) => {
                    commit.dead.push(dead(record, reason));
                    continue;
                }
            };
            let outcome = match entry {
                Entry::Genesis(_) if record.offset == 0 => Ok(()),
                Entry::Genesis(_) => Err(DeadReason::StrayGenesis),
                Entry::Control(control) => match polls.get_mut(&control.poll) {
                    None => Err(DeadReason::UnknownPoll),
                    Some((_, tally)) => {
                        if tally::control(tally, control.phase, control.round, control.gate) {
                            touched.insert(control.poll);
                        }
                        Ok(())
                    }
                },
                Entry::Ballot(ballot) => match polls.get_mut(&ballot.poll) {
                    _ if ballot_partition(ballot.poll, ballot.voter, slice.partitions)
                        != slice.partition =>
                    {
                        Err(DeadReason::Misplaced)
                    }
                    None => Err(DeadReason::UnknownPoll),
                    Some((rules, tally)) => {
                        let voter = voters.entry((ballot.poll, ballot.voter)).or_default();
                        let before = tally.changes;
                        let decision = tally::count(rules, tally, voter, &ballot);
                        if tally.changes != before {
                            touched.insert(ballot.poll);
                        }
                        match decision {
                            Decision::Dead(reason) => Err(reason),
                            Decision::Duplicate => Ok(()),
                            _ => {
                                commit.ballots.push(BallotRow {
                                    offset: record.offset,
                                    poll: ballot.poll,
                                    voter: ballot.voter,
                                    ballot: ballot.id,
                                    choice: ballot.choice,
                                    decided: decision.status().unwrap_or(Status::Counted),
                                    at: ballot.at,
                                    after: *voter,
                                });
                                Ok(())
                            }
                        }
                    }
                },
            };
            if let Err(reason) = outcome {
                commit.dead.push(dead(record, reason));
            }
        }
        let next_offset = commit.to;
        commit.tallies.extend(touched.into_iter().filter_map(|poll| {
            let (_, tally) = polls.get(&poll)?;
            let Slice { partition, generation, .. } = slice;
            Some(TallyAt { poll, partition, generation, next_offset, tally: tally.clone() })
        }));
        commit
    }
}

/// What the fold keeps of a poll the store gave; `None` for a draft, whose rules are not fixed
/// yet and which therefore cannot have a ballot.
pub fn known(poll: &Poll, tally: Option<TallyAt>) -> Option<(Rules, Tally)> {
    (poll.status != PollStatus::Draft && poll.phase > 0).then(|| {
        let rules = poll.rules();
        (rules, tally.map_or_else(|| Tally::new(&rules), |at| at.tally))
    })
}

fn dead(record: Record, reason: DeadReason) -> DeadLetter {
    DeadLetter {
        offset: record.offset,
        key: record.key,
        value: record.value,
        reason: reason.to_string(),
    }
}
