//! The fold's driver: one partition's records, in log order, each decided against what is known.
//!
//! It knows which part of the past a decision needs, looks it up in maps, applies the record by
//! [`tally::count`] or [`tally::control`], and leaves the maps as they are after it. The processor
//! fills the maps from the store, batch by batch; a recount and a replay begin with empty ones.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::ballot::{Ballot, Status};
use crate::id::{BallotId, Offset, Partition, PollId, VoterId};
use crate::kind::Answer;
use crate::poll::{Poll, Rules};
use crate::record::{Control, Entry, ballot_partition};
use crate::standing::TallyAt;
use crate::tally::{self, DeadReason, Decision, Tally, VoterState};

/// Polls by id. A fixed hasher: nothing here is keyed by what a stranger can choose freely,
/// and a run repeats exactly.
pub type Polls = HashMap<PollId, (Rules, Tally), FixedState>;
/// Voters by poll and pseudonym.
pub type Voters = HashMap<(PollId, VoterId), Voter, FixedState>;
/// Ballots that earlier records decided, as far as somebody had to look.
pub type Decided = HashMap<(PollId, VoterId, BallotId), Status, FixedState>;

/// A voter's past in one poll; the default if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voter {
    /// The state after the latest ballot that was decided.
    pub state: VoterState,
    /// The way back to the ballots that were decided.
    pub trail: Trail,
}

/// The way back to a voter's decided ballots in one poll. The first [`Trail::CHAIN`] are a chain
/// in which each names the one before it. Every later one names the end of that chain, and a store
/// finds it by an index: however often somebody votes, a look back takes a few steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// How many ballots were decided; one more than [`Trail::CHAIN`] stands for any greater number.
    pub ballots: u8,
    /// Where the record of the last ballot of the chain stands.
    pub end: Option<Offset>,
}

/// A ballot's place in its voter's [`Trail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The ballot was the voter's first, second, and so on; see [`Link::is_chained`].
    pub nth: u8,
    /// Where the record of the ballot that it names stands.
    pub prev: Option<Offset>,
}

impl Trail {
    /// How many of a voter's ballots are a chain. A voter seldom changes an answer more often, and
    /// whoever does costs a store an entry in its index each time.
    pub const CHAIN: u8 = 8;

    /// The trail that a ballot which stands at `offset` leaves behind.
    pub fn after(offset: Offset, link: Link) -> Self {
        let end = if link.is_chained() { Some(offset) } else { link.prev };
        Self { ballots: link.nth, end }
    }

    /// The place of the next ballot.
    pub fn next(self) -> Link {
        Link { nth: self.ballots.saturating_add(1).min(Self::CHAIN + 1), prev: self.end }
    }
}

impl Link {
    /// Whether the ballot is one of the first, which are found by walking back.
    pub fn is_chained(self) -> bool {
        self.nth <= Trail::CHAIN
    }
}

/// What is known before a record is decided.
#[derive(Debug, Default)]
pub struct Past {
    /// Polls that exist and have been opened.
    pub polls: Polls,
    /// The voters whose ballots are to be decided.
    pub voters: Voters,
    /// Decisions about ballots that [`VoterState::may_have_seen`] asks for.
    pub decided: Decided,
}

/// A partition, of how many: a ballot belongs into one of them.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Which.
    pub partition: Partition,
    /// How many there are.
    pub partitions: u32,
}

/// What one record did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whether the tally of the record's poll is another one than before.
    pub changed: bool,
    /// What became of the record.
    pub outcome: Outcome,
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It told nothing new: a genesis record, a repeated control record, a ballot decided before.
    Nothing,
    /// The poll moved to another phase.
    Moved,
    /// A ballot was decided for the first time.
    Decided(Deed),
    /// It is nobody's ballot and no poll's phase.
    Dead(DeadReason),
}

/// A ballot's decision, and what it did to its voter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Counted, superseded, refused or late.
    pub status: Status,
    /// What the voter's older ballot said, if this one took its place.
    pub replaced: Option<Answer>,
    /// The voter's state afterwards.
    pub after: VoterState,
    /// Its place among the voter's decided ballots.
    pub link: Link,
}

impl Past {
    /// Decide the record that stands at `offset`.
    pub fn apply(&mut self, part: Part, offset: Offset, entry: &Entry) -> Step {
        let still = |outcome| Step { changed: false, outcome };
        match entry {
            Entry::Genesis(_) if offset == 0 => still(Outcome::Nothing),
            Entry::Genesis(_) => still(Outcome::Dead(DeadReason::StrayGenesis)),
            Entry::Control(control) => self.control(control),
            Entry::Ballot(ballot) => self.ballot(part, offset, ballot),
        }
    }

    fn control(&mut self, control: &Control) -> Step {
        let Some((rules, tally)) = self.polls.get_mut(&control.poll) else {
            return Step { changed: false, outcome: Outcome::Dead(DeadReason::UnknownPoll) };
        };
        let changed = tally::control(rules, tally, control.phase, control.round, control.gate);
        Step { changed, outcome: if changed { Outcome::Moved } else { Outcome::Nothing } }
    }

    fn ballot(&mut self, part: Part, offset: Offset, ballot: &Ballot) -> Step {
        let dead = |reason| Step { changed: false, outcome: Outcome::Dead(reason) };
        if ballot_partition(ballot.poll, ballot.voter, part.partitions) != part.partition {
            return dead(DeadReason::Misplaced);
        }
        let Some((rules, tally)) = self.polls.get_mut(&ballot.poll) else {
            return dead(DeadReason::UnknownPoll);
        };
        let voter = self.voters.entry((ballot.poll, ballot.voter)).or_default();
        let name = (ballot.poll, ballot.voter, ballot.id);
        let before = if voter.state.may_have_seen(ballot.id) {
            self.decided.get(&name).copied()
        } else {
            None
        };
        let changes = tally.changes;
        let decision = tally::count(rules, tally, &mut voter.state, ballot, before);
        let changed = tally.changes != changes;
        let status = decision.status();
        let outcome = match (decision, status) {
            (Decision::Dead(reason), _) => Outcome::Dead(reason),
            (_, None) => Outcome::Nothing,
            (decision, Some(status)) => {
                self.decided.insert(name, status);
                let replaced = match decision {
                    Decision::Counted { replaced } => replaced.map(|(_, answer)| answer),
                    _ => None,
                };
                let link = voter.trail.next();
                voter.trail = Trail::after(offset, link);
                Outcome::Decided(Deed { status, replaced, after: voter.state.clone(), link })
            }
        };
        Step { changed, outcome }
    }
}

/// What the fold needs of a poll and its tally so far; `None` for a draft, whose rules are not
/// fixed yet: no ballot of it can be valid.
pub fn known(poll: &Poll, tally: Option<TallyAt>) -> Option<(Rules, Tally)> {
    (poll.phase > 0).then(|| (poll.rules(), tally.map_or_else(Tally::new, |at| at.tally)))
}
