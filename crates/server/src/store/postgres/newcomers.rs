//! Newcomers: voters who certainly have no row yet. A poll without a tally in a partition has no
//! ballots there, and from then on this process knows every voter of it, as long as nobody else
//! commits. A voter who is not among them need not be looked up, which spares a live event all of
//! its lookups.
//!
//! This knowledge holds as of an offset, the one that the next commit is fenced with. Another
//! worker's commit in between fences ours, and then everything is forgotten. Beyond its bound it is
//! forgotten too, and voters are looked up.

use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use pollux_core::id::{Offset, Partition, PollId, VoterId};

use crate::store::{BallotRow, Commit};

/// `Newcomers` is what is known of the voters of each partition.
pub struct Newcomers {
    /// The most voters and polls that are kept for a partition.
    most: usize,
    known: Mutex<BTreeMap<Partition, Known>>,
}

/// `Known` is what is known of one partition.
struct Known {
    as_of: Offset,
    /// The polls of which every voter is here. Half of a pseudonym is enough: two voters taken for
    /// one cost a lookup.
    polls: HashMap<PollId, HashSet<u64, RandomState>, RandomState>,
    size: usize,
}

fn half(voter: VoterId) -> u64 {
    u64::from_be_bytes(voter.0[..8].try_into().expect("eight of sixteen"))
}

impl Newcomers {
    /// Shares `most` voters and polls out to the partitions.
    pub fn new(most: usize, partitions: u32) -> Self {
        Self { most: most / partitions.max(1) as usize, known: Mutex::default() }
    }

    /// Takes up the partition at this offset.
    pub fn begin(&self, partition: Partition, at: Offset) {
        let mut known = self.known.lock();
        if known.get(&partition).is_none_or(|known| known.as_of != at) {
            known.insert(partition, Known { as_of: at, polls: HashMap::default(), size: 0 });
        }
    }

    /// Forgets what is known of the partition.
    pub fn forget(&self, partition: Partition) {
        self.known.lock().remove(&partition);
    }

    /// Returns the offset as of which the partition is known.
    pub fn as_of(&self, partition: Partition) -> Option<Offset> {
        self.known.lock().get(&partition).map(|known| known.as_of)
    }

    /// Returns the indexes of those voters who may have voted before.
    pub fn may_have_voted(&self, partition: Partition, voters: &[(PollId, VoterId)]) -> Vec<usize> {
        let all = self.known.lock();
        let Some(known) = all.get(&partition) else { return (0..voters.len()).collect() };
        let maybe = |(poll, voter): &(PollId, VoterId)| {
            known.polls.get(poll).is_none_or(|voters| voters.contains(&half(*voter)))
        };
        (0..voters.len()).filter(|i| maybe(&voters[*i])).collect()
    }

    /// Takes note that these polls have no ballots in the partition. The tables were asked when the
    /// partition was known as of `asked`.
    pub fn empty(&self, partition: Partition, asked: Option<Offset>, polls: &[PollId]) {
        let mut all = self.known.lock();
        let Some(known) = all.get_mut(&partition) else { return };
        if Some(known.as_of) == asked {
            for poll in polls {
                known.polls.entry(*poll).or_default();
            }
            known.size += polls.len();
        }
    }

    /// Takes note of a commit that was made.
    pub fn committed(&self, partition: Partition, commit: &Commit) {
        let mut all = self.known.lock();
        let Some(known) = all.get_mut(&partition) else { return };
        if known.as_of != commit.from {
            all.remove(&partition);
            return;
        }
        known.as_of = commit.to;
        for BallotRow { poll, voter, .. } in &commit.ballots {
            if let Some(voters) = known.polls.get_mut(poll) {
                known.size += usize::from(voters.insert(half(*voter)));
            }
        }
        if known.size > self.most {
            known.polls = HashMap::default();
            known.size = 0;
        }
    }
}
