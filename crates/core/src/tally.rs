//! The fold: how the records of one partition, in log order, become tallies.
//!
//! [`Tally`] is one poll's state in one partition, [`VoterState`] one voter's state in one
//! poll. [`count`] and [`control`] are the whole of it: pure and total. A voter's ballots all lie
//! in one partition (the key is poll + voter), so no decision needs to look beyond it, and a
//! poll's result is the plain sum over partitions.
//!
//! **A ballot is decided once, by its first record.** Whatever comes under the same id later,
//! a retry after the close, a duplicate after a reset, is told the same and changes nothing.

use serde::{Deserialize, Serialize};

use crate::ballot::{Ballot, NamedBy, Status};
use crate::id::BallotId;
use crate::kind::Answer;
use crate::poll::{Revote, Rules};

/// Where a poll stands, as the records of a partition tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Gate {
    /// Ballots are counted.
    Open,
    /// Ballots are late.
    Closed,
    /// Ballots are late, and the poll is no longer shown.
    Deleted,
}

impl Gate {
    /// The word used wherever a tally is kept or told.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Deleted => "deleted",
        }
    }

    /// The gate of this word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Open, Self::Closed, Self::Deleted].into_iter().find(|gate| gate.as_str() == word)
    }
}

/// One poll's state in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The latest phase seen here, in a control record or on a ballot; 0 before the first. A
    /// poll is final when every partition is in the phase that closed it.
    pub phase: u32,
    /// The round that is being counted.
    pub round: u32,
    /// Whether ballots are counted now.
    pub gate: Gate,
    /// The weight of the marks on each of the poll's slots; see [`crate::kind`].
    pub counts: Vec<u64>,
    /// Voters with a ballot that counts.
    pub voters: u64,
    /// Grows with every visible change and never shrinks; summed over partitions it is part of
    /// the poll's version.
    pub changes: u64,
}

impl Tally {
    /// Before any record: not open yet, nothing counted.
    pub fn new() -> Self {
        Self { phase: 0, round: 1, gate: Gate::Closed, counts: Vec::new(), voters: 0, changes: 0 }
    }

    /// Move on to a later phase. `changes` grows by the phases passed, so that it grows the
    /// same whether the records in between were seen or overtaken.
    fn advance(&mut self, rules: &Rules, phase: u32, round: u32, gate: Gate) {
        self.changes += u64::from(phase - self.phase);
        self.phase = phase;
        self.gate = gate;
        self.counts.resize(rules.form.slots(), 0);
        if round > self.round {
            self.round = round;
            self.counts.fill(0);
            self.voters = 0;
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

/// One voter's state in one poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoterState {
    /// The round that `counted` belongs to.
    pub round: u32,
    /// The ballot that counts, if one does.
    pub counted: Option<(BallotId, Answer)>,
    /// The greatest ballot id ever decided: a ballot above it is certainly new, one at or below
    /// it may have been decided before, and whoever calls [`count`] must look.
    pub seen: Option<BallotId>,
}

impl VoterState {
    /// Whether a ballot of this id may have been decided before, which only the rows of past
    /// decisions can tell.
    pub fn may_have_seen(&self, id: BallotId) -> bool {
        self.seen >= Some(id)
    }
}

/// What the fold decides about one ballot record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It counts.
    Counted {
        /// The voter's older ballot, which no longer does.
        replaced: Option<(BallotId, Answer)>,
    },
    /// Decided before, so: nothing changes; its first content won.
    Repeated(Status),
    /// Named by its client, with a smaller id than the voter's ballot that counts.
    Superseded,
    /// The poll takes one ballot per voter.
    Refused,
    /// After the close, or of an earlier round.
    Late,
    /// No rule of the poll allows this ballot; only a foreign producer can have written it.
    Dead(DeadReason),
}

impl Decision {
    /// The status a row of this decision keeps; `None` where there is no row to keep.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Counted { .. } => Some(Status::Counted),
            Self::Superseded => Some(Status::Superseded),
            Self::Refused => Some(Status::Refused),
            Self::Late => Some(Status::Late),
            Self::Repeated(_) | Self::Dead(_) => None,
        }
    }
}

/// Why a record is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadReason {
    /// The bytes are no record of any version.
    #[error("unreadable: {0}")]
    Unreadable(&'static str),
    /// Its key belongs to another partition, or its key and content disagree.
    #[error("in the wrong partition or under the wrong key")]
    Misplaced,
    /// No poll of that id was ever made, or it has not opened yet.
    #[error("no such poll, or not open yet")]
    UnknownPoll,
    /// It says nothing, too much, or something that the poll does not ask.
    #[error("a choice the poll's rules do not allow")]
    BadAnswer,
    /// Genesis records stand at offset 0 only.
    #[error("a genesis record that is not the first of its partition")]
    StrayGenesis,
}

/// Decide one ballot and apply it to both states.
///
/// `before` is what was decided about this very ballot (poll, voter, id) by an earlier record;
/// it must be given wherever [`VoterState::may_have_seen`] says so.
pub fn count(
    rules: &Rules,
    tally: &mut Tally,
    voter: &mut VoterState,
    ballot: &Ballot,
    before: Option<Status>,
) -> Decision {
    // A ballot taken in a later phase proves that the poll was open in that phase: its control
    // record is on the way and will find its work done.
    if ballot.phase > tally.phase && ballot.round >= tally.round {
        tally.advance(rules, ballot.phase, ballot.round, Gate::Open);
    }
    if voter.round < tally.round {
        voter.counted = None;
        voter.round = tally.round;
    }
    if let Some(status) = before {
        return Decision::Repeated(status);
    }
    if tally.phase == 0 {
        return Decision::Dead(DeadReason::UnknownPoll);
    }
    if !rules.form.allows(&ballot.answer) {
        return Decision::Dead(DeadReason::BadAnswer);
    }
    let standing = voter.counted.as_ref().map(|(id, _)| *id);
    let mut decision = if standing == Some(ballot.id) {
        return Decision::Repeated(Status::Counted);
    } else if tally.gate != Gate::Open || (ballot.round != 0 && ballot.round < tally.round) {
        Decision::Late
    } else if standing.is_some() && rules.revote == Revote::Refuse {
        Decision::Refused
    } else if ballot.named_by == NamedBy::Client && standing > Some(ballot.id) {
        Decision::Superseded
    } else {
        Decision::Counted { replaced: None }
    };
    voter.seen = voter.seen.max(Some(ballot.id));
    if let Decision::Counted { replaced } = &mut decision {
        *replaced = voter.counted.replace((ballot.id, ballot.answer.clone()));
        match replaced {
            Some((_, answer)) => rules.form.take_away(answer, &mut tally.counts),
            None => tally.voters += 1,
        }
        rules.form.add(&ballot.answer, &mut tally.counts);
        tally.changes += 1;
    }
    decision
}

/// Apply a control record: the poll is now in `phase` and `round`, with the gate so. Says
/// whether anything changed; a phase that is not new is a repetition and changes nothing.
pub fn control(rules: &Rules, tally: &mut Tally, phase: u32, round: u32, gate: Gate) -> bool {
    let new = phase > tally.phase && round >= tally.round;
    if new {
        tally.advance(rules, phase, round, gate);
    }
    new
}
