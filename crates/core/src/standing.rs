//! A poll and its tallies in every partition, put together: totals, version, final or not.
//!
//! Whoever shows results builds a [`Standing`] from [`Announcement`]s. They may come late,
//! twice or out of order, from several partitions and nodes: [`Standing`] keeps the newest of
//! each, so every node that has heard the same shows the same, with the same version.

use std::sync::Arc;

use crate::event::Event;
use crate::id::{Generation, Offset, Partition, PollId};
use crate::poll::{Poll, PollStatus, Results, Turnout};
use crate::tally::Tally;

/// What so many hidings add to a version: each more than all votes of a round and all changes of a
/// poll, and a million of them still a whole number in JavaScript.
pub(crate) fn hidden(hidings: u32) -> u64 {
    u64::from(hidings) << 32
}

/// How much of what is counted somebody is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shown {
    /// Neither how many have voted nor for what.
    Nothing,
    /// How many have voted.
    Turnout,
    /// How many, and for what.
    Numbers,
}

/// A poll's committed tally in one partition, and how new it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyAt {
    /// Which poll.
    pub poll: PollId,
    /// Which partition.
    pub partition: Partition,
    /// Which log. Generations are UUIDv7s: a newer log compares greater.
    pub generation: Generation,
    /// The partition's next offset in the commit that wrote this tally.
    pub next_offset: Offset,
    /// The absolute tally: it replaces what was known before.
    pub tally: Tally,
}

impl TallyAt {
    /// Of two tallies of one poll and partition the one with the greater age is the newer.
    pub fn age(&self) -> (Generation, Offset) {
        (self.generation, self.next_offset)
    }
}

/// What is told to every node once it is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// A poll was made or changed.
    Poll(Arc<Poll>),
    /// An event was made or changed.
    Event(Arc<Event>),
    /// A tally was committed.
    Tally(TallyAt),
    /// A partition is committed up to here: every ballot below is decided.
    Progress {
        /// Which partition.
        partition: Partition,
        /// Which log.
        generation: Generation,
        /// The first offset that is not decided yet.
        next_offset: Offset,
    },
}

/// A poll with what is known of its tallies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The poll's newest known revision.
    pub poll: Arc<Poll>,
    /// By partition; `None` where nothing was ever committed for it.
    tallies: Vec<Option<TallyAt>>,
}

impl Standing {
    /// A poll nobody has voted in, over this many partitions.
    pub fn new(poll: Arc<Poll>, partitions: u32) -> Self {
        Self { poll, tallies: vec![None; partitions as usize] }
    }

    /// Take a newer revision of the poll. Says whether it was newer.
    pub fn take_poll(&mut self, poll: Arc<Poll>) -> bool {
        debug_assert_eq!(poll.id, self.poll.id, "a standing is of one poll");
        let newer = poll.revision > self.poll.revision;
        if newer {
            let before = std::mem::replace(&mut self.poll, poll);
            // An event is never left, and hidings never shrink: a node that does not know them yet has
            // left them out.
            if self.poll.event.is_none() && before.event.is_some() {
                let poll = Arc::make_mut(&mut self.poll);
                (poll.event, poll.code) = (before.event, before.code.clone());
            }
            if self.poll.hidings < before.hidings {
                Arc::make_mut(&mut self.poll).hidings = before.hidings;
            }
            // Whether turnout shows is fixed by the opening.
            if before.status != PollStatus::Draft && self.poll.turnout != before.turnout {
                Arc::make_mut(&mut self.poll).turnout = before.turnout;
            }
        }
        newer
    }

    /// Take a newer tally. Says whether it was newer. Tallies of an older log are forgotten
    /// when the first of a newer one arrives.
    pub fn take_tally(&mut self, tally: TallyAt) -> bool {
        let known = self.tallies().map(|at| at.generation).max();
        if known > Some(tally.generation) {
            return false;
        }
        if known < Some(tally.generation) {
            self.tallies.fill(None);
        }
        let Some(slot) = self.tallies.get_mut(tally.partition as usize) else { return false };
        let newer = slot.as_ref().is_none_or(|old| old.age() < tally.age());
        if newer {
            *slot = Some(tally);
        }
        newer
    }

    /// The tallies there are.
    pub fn tallies(&self) -> impl Iterator<Item = &TallyAt> {
        self.tallies.iter().flatten()
    }

    /// The tallies that count towards the round being shown: a partition that has not heard of
    /// the present round yet has nothing for it.
    fn current(&self) -> impl Iterator<Item = &Tally> {
        self.tallies().map(|at| &at.tally).filter(|tally| tally.round >= self.poll.round)
    }

    /// The weight of the marks on each slot; see [`crate::kind`].
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.poll.kind.form().slots()];
        for tally in self.current() {
            for (sum, count) in counts.iter_mut().zip(&tally.counts) {
                *sum += count;
            }
        }
        counts
    }

    /// Marks counted, over all slots.
    pub fn total_votes(&self) -> u64 {
        self.current().flat_map(|tally| &tally.counts).sum()
    }

    /// People counted.
    pub fn total_voters(&self) -> u64 {
        self.current().map(|tally| tally.voters).sum()
    }

    /// Closed, and every partition has committed the phase that closed it, and none a later one:
    /// no ballot can be counted any more until someone reopens or resets.
    pub fn is_final(&self) -> bool {
        let phase = |t: &Option<TallyAt>| t.as_ref().map_or(0, |at| at.tally.phase);
        self.poll.status == PollStatus::Closed
            && self.tallies.iter().all(|t| phase(t) == self.poll.phase)
    }

    /// The hash of the result, once it is final; see [`crate::result`].
    pub fn result_hash(&self) -> Option<String> {
        let hash = || {
            let (id, round) = (self.poll.id, self.poll.round);
            crate::result::hash(id, round, &self.counts(), self.total_voters())
        };
        self.is_final().then(hash)
    }

    /// The latest phase that every partition has committed; 0 before the opening.
    pub fn seen_everywhere(&self) -> u32 {
        self.tallies.iter().map(|t| t.as_ref().map_or(0, |t| t.tally.phase)).min().unwrap_or(0)
    }

    /// The version of what is shown, the same on every node. It grows with everything that can
    /// be seen to change, and never shrinks within one generation.
    ///
    /// It must tell no more than is shown: without the counts only the poll's own changes move it, and
    /// with turnout alone each new voter, but no changed mind. Showing more later can only raise
    /// it. Hiding what was shown must raise it, too, although votes are no part of it any more: each
    /// hiding puts it above all that anybody can have been sent before.
    pub fn version(&self, shown: Shown) -> u64 {
        let own = hidden(self.poll.hidings) + self.rounds();
        let tallies = self.tallies().map(|at| &at.tally);
        own + match shown {
            Shown::Nothing => self.told(),
            Shown::Turnout => {
                let seen = |tally: &Tally| u64::from(tally.phase) + tally.voters;
                self.poll.revision + tallies.map(seen).sum::<u64>()
            }
            Shown::Numbers => self.poll.revision + tallies.map(|tally| tally.changes).sum::<u64>(),
        }
    }

    /// What the rounds that have passed add where turnout shows before the numbers. A new round takes the voters of the one
    /// before out of the sum, in each partition when its turn comes; so each of them counts for
    /// more than all those voters, whoever is looking.
    fn rounds(&self) -> u64 {
        match (self.poll.results, self.poll.turnout) {
            (Results::Live, _) | (_, Turnout::Hidden) => 0,
            _ => self.tallies().map(|at| hidden(at.tally.round.saturating_sub(1))).sum(),
        }
    }

    /// The version of what is told of the poll apart from its numbers, hidings left out.
    pub fn told(&self) -> u64 {
        self.poll.revision + u64::from(self.seen_everywhere())
    }
}
