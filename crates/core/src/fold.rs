//! The fold decides one partition's records in log order, each by what is known of the records
//! before it.
//!
//! What is known is kept in the maps of [`Past`]. For each record the fold looks up what the
//! decision needs, calls [`tally::count`] or [`tally::control`], and brings the maps up to date.
//! The processor fills the maps from the store, batch by batch; a recount and a replay begin with
//! empty ones.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::ballot::{Ballot, Status};
use crate::id::{BallotId, Offset, Partition, PollId, VoterId};
use crate::kind::Answer;
use crate::poll::{Poll, Rules};
use crate::record::{Control, Entry, ballot_partition};
use crate::standing::TallyAt;
use crate::tally::{self, DeadReason, Decision, Tally, VoterState};

/// `Polls` maps a poll's id to its rules and its tally. The hasher is fixed, so that a run repeats
/// exactly; nothing here is keyed by a value that a stranger can choose freely.
pub type Polls = HashMap<PollId, (Rules, Tally), FixedState>;
/// `Voters` maps a poll and a pseudonym to that voter's past.
pub type Voters = HashMap<(PollId, VoterId), Voter, FixedState>;
/// `Decided` holds the statuses that ballots were given by earlier records, as far as they had to
/// be looked up or were decided since.
pub type Decided = HashMap<(PollId, VoterId, BallotId), Status, FixedState>;

/// `Voter` holds a voter's past in one poll. The default is a voter of whom no ballot was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voter {
    /// The state after the latest ballot that was decided.
    pub state: VoterState,
    /// The trail to the voter's decided ballots.
    pub trail: Trail,
}

/// A trail leads back to a voter's decided ballots in one poll. The first [`Trail::CHAIN`] ballots
/// are a chain in which each names the one before it. Every later ballot names the end of that
/// chain, and a store finds such a ballot by an index. A look back therefore takes only a few
/// steps, however often somebody votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// The number of ballots decided. It stops growing at one more than [`Trail::CHAIN`], which
    /// stands for any number above the chain's length.
    pub ballots: u8,
    /// The offset of the chain's last ballot.
    pub end: Option<Offset>,
}

/// A link is a ballot's place in its voter's [`Trail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The ballot's number among those of its voter, counted from 1. It is at most one more
    /// than [`Trail::CHAIN`].
    pub nth: u8,
    /// The offset of the ballot that this one names.
    pub prev: Option<Offset>,
}

impl Trail {
    /// The number of a voter's ballots that form a chain. A voter seldom changes an answer more
    /// often than that. For one who does, each further ballot costs a store an entry in its index.
    pub const CHAIN: u8 = 8;

    /// Returns the trail after the ballot at `offset`, whose place is `link`.
    pub fn after(offset: Offset, link: Link) -> Self {
        let end = if link.is_chained() { Some(offset) } else { link.prev };
        Self { ballots: link.nth, end }
    }

    /// Returns the place of the next ballot.
    pub fn next(self) -> Link {
        Link { nth: self.ballots.saturating_add(1).min(Self::CHAIN + 1), prev: self.end }
    }
}

impl Link {
    /// Returns whether the ballot is one of the first, which are found by walking back along the
    /// chain.
    pub fn is_chained(self) -> bool {
        self.nth <= Trail::CHAIN
    }
}

/// `Past` holds what is known before a record is decided.
#[derive(Debug, Default)]
pub struct Past {
    /// The polls that exist and have been opened.
    pub polls: Polls,
    /// The voters whose ballots are to be decided.
    pub voters: Voters,
    /// The earlier decisions on those ballots for which [`VoterState::may_have_seen`] holds.
    pub decided: Decided,
}

/// `Part` names a partition and the number of partitions, from which it follows whether a ballot
/// belongs there.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The partition whose records are decided.
    pub partition: Partition,
    /// The number of partitions.
    pub partitions: u32,
}

/// An `Effect` is what the fold makes of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Whether the record changed the tally of its poll.
    pub changed: bool,
    /// What became of the record.
    pub outcome: Outcome,
}

/// The outcome says what became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing to keep of the record: it is a genesis record, a control record whose phase
    /// is not new, or a ballot that was decided before.
    Nothing,
    /// A control record moved the poll to another phase.
    Moved,
    /// A ballot was decided for the first time.
    Decided(DecidedBallot),
    /// The record is no valid ballot and no change of a known poll.
    Dead(DeadReason),
}

/// `DecidedBallot` holds the decision on a ballot, and what it changed for the voter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedBallot {
    /// The decision: counted, superseded, refused or late.
    pub status: Status,
    /// The answer of the voter's older ballot, if this one took its place.
    pub replaced: Option<Answer>,
    /// The voter's state afterwards.
    pub after: VoterState,
    /// The ballot's place among the voter's decided ballots.
    pub link: Link,
}

impl Past {
    /// Decides the record that stands at `offset`.
    pub fn apply(&mut self, part: Part, offset: Offset, entry: &Entry) -> Effect {
        let still = |outcome| Effect { changed: false, outcome };
        match entry {
            Entry::Genesis(_) if offset == 0 => still(Outcome::Nothing),
            Entry::Genesis(_) => still(Outcome::Dead(DeadReason::StrayGenesis)),
            Entry::Control(control) => self.control(control),
            Entry::Ballot(ballot) => self.ballot(part, offset, ballot),
        }
    }

    fn control(&mut self, control: &Control) -> Effect {
        let Some((rules, tally)) = self.polls.get_mut(&control.poll) else {
            return Effect { changed: false, outcome: Outcome::Dead(DeadReason::UnknownPoll) };
        };
        let changed = tally::control(rules, tally, control.phase, control.round, control.gate);
        Effect { changed, outcome: if changed { Outcome::Moved } else { Outcome::Nothing } }
    }

    fn ballot(&mut self, part: Part, offset: Offset, ballot: &Ballot) -> Effect {
        let dead = |reason| Effect { changed: false, outcome: Outcome::Dead(reason) };
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
                Outcome::Decided(DecidedBallot {
                    status,
                    replaced,
                    after: voter.state.clone(),
                    link,
                })
            }
        };
        Effect { changed, outcome }
    }
}

/// Returns what the fold needs to know of a poll: its rules, and its tally so far. It returns
/// `None` for a draft, whose rules are not fixed yet, so that no ballot in it can be valid.
pub fn known(poll: &Poll, tally: Option<TallyAt>) -> Option<(Rules, Tally)> {
    (poll.phase > 0).then(|| (poll.rules(), tally.map_or_else(Tally::new, |at| at.tally)))
}
