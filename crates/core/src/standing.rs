//! A standing is a poll with its tallies from every partition: totals, version, final or not.
//!
//! A node builds a [`Standing`] from [`Announcement`](crate::announcement::Announcement)s. They may come late, twice or out of order,
//! from several partitions and nodes. A standing keeps the newest of each, so all nodes that have
//! heard the same show the same, with the same version.

mod cloud;

use std::sync::Arc;

use self::cloud::Opened;
pub use self::cloud::{Cloud, Mention};
use crate::id::{Generation, Offset, Partition, PollId};
use crate::kind::Form;
use crate::poll::{Poll, PollStatus, Results, Turnout};
use crate::result;
use crate::seal::TextKey;
use crate::tally::Tally;

/// Returns what this number of hidings adds to a version. Each hiding adds more than all votes of a
/// round and all changes of a poll; a million hidings still make a whole number in JavaScript
/// (below 2^53).
pub(crate) fn weight_of_hidings(hidings: u32) -> u64 {
    u64::from(hidings) << 32
}

/// `Shown` says how much of what is counted a viewer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shown {
    /// Neither how many have voted nor for what.
    Nothing,
    /// The number of those who have voted.
    Turnout,
    /// The number of those who have voted, and what they voted for.
    Numbers,
}

/// `TallyAt` is a poll's committed tally in one partition, and how new it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyAt {
    /// The poll.
    pub poll: PollId,
    /// The partition.
    pub partition: Partition,
    /// The generation of the log. Generations are UUIDv7s, so that of a newer log compares greater.
    pub generation: Generation,
    /// The partition's next offset in the commit that wrote this tally.
    pub next_offset: Offset,
    /// The absolute tally, which replaces what was known before.
    pub tally: Tally,
}

impl TallyAt {
    /// Returns the tally's age. Of two tallies of one poll and partition, the one with the greater
    /// age is the newer.
    pub fn age(&self) -> (Generation, Offset) {
        (self.generation, self.next_offset)
    }
}

/// A standing is a poll with what is known of its tallies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The poll's newest known revision.
    pub poll: Arc<Poll>,
    /// The tallies by partition; `None` where nothing was ever committed for the poll.
    tallies: Vec<Option<TallyAt>>,
    /// The words that were opened so far.
    opened: Opened,
}

impl Standing {
    /// Creates the standing of a poll in which nobody has voted, over this many partitions.
    pub fn new(poll: Arc<Poll>, partitions: u32) -> Self {
        Self { poll, tallies: vec![None; partitions as usize], opened: Opened::default() }
    }

    /// Takes a revision of the poll if it is newer than the known one, and the poll's key if none is known. Returns
    /// whether it took anything.
    pub fn take_poll(&mut self, poll: Arc<Poll>) -> bool {
        debug_assert_eq!(poll.id, self.poll.id, "a standing is of one poll");
        let newer = poll.revision > self.poll.revision;
        let mut key = poll.text_key.clone();
        if newer {
            let before = std::mem::replace(&mut self.poll, poll);
            // A poll never leaves its event, and hidings never shrink. A revision without them was
            // written by a node of an older Pollux that does not know them.
            if self.poll.event.is_none() && before.event.is_some() {
                let poll = Arc::make_mut(&mut self.poll);
                (poll.event, poll.code) = (before.event, before.code.clone());
            }
            if self.poll.hidings < before.hidings {
                Arc::make_mut(&mut self.poll).hidings = before.hidings;
            }
            key = key.or_else(|| before.text_key.clone());
            if self.poll.round > before.round || self.poll.status == PollStatus::Deleted {
                self.opened = Opened::default();
            }
            self.opened.keep(&self.poll.kind);
            // The opening fixes whether turnout shows.
            if before.status != PollStatus::Draft && self.poll.turnout != before.turnout {
                Arc::make_mut(&mut self.poll).turnout = before.turnout;
            }
        }
        self.take_key(key) || newer
    }

    /// Takes the poll's key if none is known, and returns whether it did. A poll has one key for its whole life, and
    /// announcements have none, so it does not matter which revision the key came with.
    fn take_key(&mut self, key: Option<TextKey>) -> bool {
        let poll = &self.poll;
        let takes = key.is_some() && poll.text_key.is_none() && poll.status != PollStatus::Deleted;
        if takes {
            let poll = Arc::make_mut(&mut self.poll);
            poll.text_key = key;
            poll.forget_erased();
        }
        takes
    }

    /// Returns whether the poll's key is not known, so that the poll must be read from the store. Announced polls come
    /// without a key.
    pub fn lacks_key(&self) -> bool {
        self.poll.kind.holds_texts()
            && self.poll.text_key.is_none()
            && self.poll.status != PollStatus::Deleted
    }

    /// Returns whether a newer tally has names that are known neither from itself nor from here, so that the poll must
    /// be read from the store. Announced tallies come without names.
    pub fn lacks_names_of(&self, tally: &TallyAt) -> bool {
        let known = self.tallies.get(tally.partition as usize).and_then(Option::as_ref);
        let same_round = known.filter(|known| {
            (known.generation, known.tally.round) == (tally.generation, tally.tally.round)
        });
        let names = same_round.map_or(0, |known| known.tally.names.len());
        self.is_newer(tally) && names.max(tally.tally.names.len()) < self.slots_named(&tally.tally)
    }

    /// Returns how many names a tally must have.
    fn slots_named(&self, tally: &Tally) -> usize {
        match self.poll.kind.form() {
            form @ Form::Words(_) => tally.counts.len().saturating_sub(form.slots()),
            // The tally says that the draft has been opened meanwhile, so it may ask for words by now.
            _ if self.poll.status == PollStatus::Draft => tally.counts.len().saturating_sub(1),
            _ => 0,
        }
    }

    /// Returns whether a tally is of no older log than the known ones, and newer than that of its partition.
    fn is_newer(&self, tally: &TallyAt) -> bool {
        let Some(known) = self.tallies.get(tally.partition as usize) else { return false };
        self.tallies().all(|at| at.generation <= tally.generation)
            && known.as_ref().is_none_or(|known| known.age() < tally.age())
    }

    /// Takes a tally if it is newer than the known one, and returns whether it was. The tallies of
    /// an older log are forgotten when the first of a newer one arrives. A tally whose names are not
    /// known is not taken; see [`Standing::lacks_names_of`].
    pub fn take_tally(&mut self, mut tally: TallyAt) -> bool {
        if !self.is_newer(&tally) || self.lacks_names_of(&tally) {
            return false;
        }
        if self.tallies().any(|at| at.generation < tally.generation) {
            self.tallies.fill(None);
        }
        let named = self.slots_named(&tally.tally);
        let slot = &mut self.tallies[tally.partition as usize];
        if let Some(known) = slot.take().filter(|_| tally.tally.names.len() < named) {
            tally.tally.names = known.tally.names.first(named);
        }
        *slot = Some(tally);
        true
    }

    /// Returns the tallies of all partitions that have one.
    pub fn tallies(&self) -> impl Iterator<Item = &TallyAt> {
        self.tallies.iter().flatten()
    }

    /// Returns the tallies that count towards the round being shown. A partition that has not heard
    /// of that round yet adds nothing to it.
    fn current(&self) -> impl Iterator<Item = &Tally> {
        self.tallies().map(|at| &at.tally).filter(|tally| tally.round >= self.poll.round)
    }

    /// Returns the weight of the marks on each slot; see [`crate::kind`]. Of words, whose slots differ from partition
    /// to partition, it returns the sum alone; [`Standing::cloud`] has them.
    pub fn counts(&self) -> Vec<u64> {
        let form = self.poll.kind.form();
        if matches!(form, Form::Words(_)) {
            return vec![self.total_votes()];
        }
        let mut counts = vec![0; form.slots()];
        for tally in self.current() {
            for (sum, count) in counts.iter_mut().zip(&tally.counts) {
                *sum += count;
            }
        }
        counts
    }

    /// Returns the number of votes counted: of the marks that each stand for one voter.
    pub fn total_votes(&self) -> u64 {
        let form = self.poll.kind.form();
        self.current().map(|tally| form.votes(&tally.counts)).sum()
    }

    /// Returns the number of voters counted.
    pub fn total_voters(&self) -> u64 {
        self.current().map(|tally| tally.voters).sum()
    }

    /// Returns whether the poll is closed, and every partition has committed exactly the phase that
    /// closed it. Then no ballot can be counted any more until someone reopens or resets the poll.
    pub fn is_final(&self) -> bool {
        let phase = |t: &Option<TallyAt>| t.as_ref().map_or(0, |at| at.tally.phase);
        self.poll.status == PollStatus::Closed
            && self.tallies.iter().all(|t| phase(t) == self.poll.phase)
    }

    /// Returns the hash of the result, once it is final; see [`crate::result`].
    pub fn result_hash(&self) -> Option<String> {
        self.is_final().then(|| result::hash(&self.result_line()))
    }

    /// Returns the result as its line; see [`crate::result`].
    pub fn result_line(&self) -> String {
        let (id, round, voters) = (self.poll.id, self.poll.round, self.total_voters());
        if let Form::Words(_) = self.poll.kind.form() {
            let (names, counts) = self.cloud().result();
            return result::words_line(id, round, &names, &counts, voters);
        }
        result::line(id, round, &self.counts(), voters)
    }

    /// Returns the latest phase that every partition has committed; 0 before the opening.
    pub fn seen_everywhere(&self) -> u32 {
        self.tallies.iter().map(|t| t.as_ref().map_or(0, |t| t.tally.phase)).min().unwrap_or(0)
    }

    /// Returns the version of what is shown, which is the same on every node. It grows with
    /// everything that can be seen to change, and never shrinks within one generation.
    ///
    /// The version must reveal no more than is shown. Without the numbers, only the poll's own
    /// changes move it; with turnout alone, each new voter moves it too, but no changed answer.
    /// Showing more later can only raise it. Hiding what was shown must raise it as well, although
    /// votes are no part of it any more: each hiding lifts it above every version that anybody can
    /// have been sent before.
    pub fn version(&self, shown: Shown) -> u64 {
        let own = weight_of_hidings(self.poll.hidings) + self.rounds();
        let tallies = self.tallies().map(|at| &at.tally);
        own + match shown {
            Shown::Nothing => self.version_without_numbers(),
            Shown::Turnout => {
                let seen = |tally: &Tally| u64::from(tally.phase) + tally.voters;
                self.poll.revision + tallies.map(seen).sum::<u64>()
            }
            Shown::Numbers => self.poll.revision + tallies.map(|tally| tally.changes).sum::<u64>(),
        }
    }

    /// Returns what the rounds that have passed add to the version, where turnout shows before the
    /// numbers. A new round takes the voters of the one before out of the sum, in each partition
    /// when its turn comes. So each passed round counts for more than all those voters, for every
    /// viewer.
    fn rounds(&self) -> u64 {
        match (self.poll.results, self.poll.turnout) {
            (Results::Live, _) | (_, Turnout::Hidden) => 0,
            _ => self.tallies().map(|at| weight_of_hidings(at.tally.round.saturating_sub(1))).sum(),
        }
    }

    /// Returns the version of what is told of the poll apart from its numbers and its hidings.
    pub fn version_without_numbers(&self) -> u64 {
        self.poll.revision + u64::from(self.seen_everywhere())
    }
}
