//! The fold: how the records of one partition, in log order, become tallies.
//!
//! [`Tally`] is one poll's state in one partition, [`VoterState`] one voter's state in one
//! poll. [`count`] and [`control`] are the whole of it: pure, total, and indifferent to retries,
//! duplicates and delays. A voter's ballots all lie in one partition (the key is poll + voter),
//! so no decision needs to look beyond it, and a poll's result is the plain sum over partitions.

use crate::ballot::{Ballot, Choice, Status};
use crate::id::BallotId;
use crate::poll::{Revote, Rules};

/// Where a poll stands, as the records of a partition tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// Ballots are counted.
    Open,
    /// Ballots are late.
    Closed,
    /// Ballots are late, and the poll is no longer shown.
    Deleted,
}

/// One poll's state in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The latest phase seen here, in a control record or on a ballot. A poll is final when
    /// every partition has seen the phase that closed it.
    pub phase: u32,
    /// The round that is being counted.
    pub round: u32,
    /// Whether ballots are counted now.
    pub gate: Gate,
    /// Marks per option: index 0 is option 1.
    pub counts: Vec<u64>,
    /// Voters with a ballot that counts.
    pub voters: u64,
    /// Grows with every visible change and never shrinks; summed over partitions it is part of
    /// the poll's version.
    pub changes: u64,
}

impl Tally {
    /// Before any record: phase 1, round 1, open, nothing counted.
    pub fn new(rules: &Rules) -> Self {
        Self {
            phase: 1,
            round: 1,
            gate: Gate::Open,
            counts: vec![0; usize::from(rules.options)],
            voters: 0,
            changes: 0,
        }
    }

    /// Move on to a later phase. `changes` grows by the phases passed, so that it grows the
    /// same whether the records in between were seen or overtaken.
    fn advance(&mut self, phase: u32, round: u32, gate: Gate) {
        self.changes += u64::from(phase - self.phase);
        self.phase = phase;
        self.gate = gate;
        if round > self.round {
            self.round = round;
            self.counts.fill(0);
            self.voters = 0;
        }
    }

    fn add(&mut self, choice: Choice) {
        for option in choice.iter() {
            self.counts[usize::from(option) - 1] += 1;
        }
    }

    fn subtract(&mut self, choice: Choice) {
        for option in choice.iter() {
            self.counts[usize::from(option) - 1] -= 1;
        }
    }
}

/// One voter's state in one poll: everything the past decisions leave behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoterState {
    /// The round that `counted` belongs to.
    pub round: u32,
    /// The ballot that counts, if one does.
    pub counted: Option<(BallotId, Choice)>,
    /// Ballots up to this id were decided late, refused, or in an earlier round. They stay
    /// decided: a retry of one never counts, even after the poll is reopened or reset.
    pub spent: Option<BallotId>,
}

impl VoterState {
    fn spend(&mut self, id: BallotId) {
        self.spent = self.spent.max(Some(id));
    }

    /// What this state says of a ballot id, for a reader that has no row of the ballot itself.
    /// `None`: it never came by here. Between *replaced* and *superseded* the state cannot tell
    /// and says replaced: in both cases a newer ballot of the voter stands.
    pub fn status_of(&self, id: BallotId, rules: &Rules) -> Option<Status> {
        let spent = self.spent >= Some(id);
        match (self.counted, rules.revote) {
            (Some((counted, _)), _) if counted == id => Some(Status::Counted),
            (Some(_), Revote::Refuse) => spent.then_some(Status::Refused),
            (Some((counted, _)), Revote::Replace) if id < counted => Some(Status::Replaced),
            _ => spent.then_some(Status::Late),
        }
    }
}

/// What the fold decides about one ballot record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It counts. `replaces` is the voter's older ballot that no longer does.
    Counted {
        /// The ballot whose place it took.
        replaces: Option<BallotId>,
    },
    /// The same ballot as the one that counts: nothing changes; its first content won.
    Duplicate,
    /// Older than the voter's ballot that counts.
    Superseded,
    /// The poll takes one ballot per voter.
    Refused,
    /// After the close, or of an earlier round.
    Late,
    /// No rule of the poll allows this ballot; only a foreign producer can have written it.
    Dead(DeadReason),
}

impl Decision {
    /// The status a voter is told; `None` for a dead record, which is nobody's ballot.
    pub fn status(self) -> Option<Status> {
        match self {
            Self::Counted { .. } | Self::Duplicate => Some(Status::Counted),
            Self::Superseded => Some(Status::Superseded),
            Self::Refused => Some(Status::Refused),
            Self::Late => Some(Status::Late),
            Self::Dead(_) => None,
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
    /// No poll of that id was ever made.
    #[error("no such poll")]
    UnknownPoll,
    /// It marks nothing, too much, or an option the poll does not have.
    #[error("a choice the poll's rules do not allow")]
    BadChoice,
    /// A control record that goes against what the log already says.
    #[error("a genesis record that is not the first of its partition")]
    StrayGenesis,
}

/// Decide one ballot and apply it to both states.
pub fn count(
    rules: &Rules,
    tally: &mut Tally,
    voter: &mut VoterState,
    ballot: &Ballot,
) -> Decision {
    let marks = ballot.choice.len();
    if marks == 0
        || marks > usize::from(rules.max_choices)
        || u16::from(ballot.choice.greatest()) > u16::from(rules.options)
    {
        return Decision::Dead(DeadReason::BadChoice);
    }
    // A ballot taken in a later phase proves that the poll was open in that phase: its control
    // record is on the way and will find its work done.
    if ballot.phase > tally.phase {
        tally.advance(ballot.phase, ballot.round, Gate::Open);
    }
    if voter.round < tally.round {
        if let Some((id, _)) = voter.counted.take() {
            voter.spend(id);
        }
        voter.round = tally.round;
    }
    // First what was decided before, so that a retry never gets another answer.
    if let Some((id, _)) = voter.counted {
        if id == ballot.id {
            return Decision::Duplicate;
        }
        if rules.revote == Revote::Refuse {
            voter.spend(ballot.id);
            return Decision::Refused;
        }
        if ballot.id < id {
            return Decision::Superseded;
        }
    }
    let earlier_round = ballot.round != 0 && ballot.round < tally.round;
    if voter.spent >= Some(ballot.id) || earlier_round || tally.gate != Gate::Open {
        voter.spend(ballot.id);
        return Decision::Late;
    }
    let replaces = match voter.counted.replace((ballot.id, ballot.choice)) {
        Some((id, choice)) => {
            tally.subtract(choice);
            Some(id)
        }
        None => {
            tally.voters += 1;
            None
        }
    };
    tally.add(ballot.choice);
    tally.changes += 1;
    Decision::Counted { replaces }
}

/// Apply a control record: the poll is now in `phase` and `round`, with the gate so. Says
/// whether anything changed; a phase that is not new is a repetition and changes nothing.
pub fn control(tally: &mut Tally, phase: u32, round: u32, gate: Gate) -> bool {
    let new = phase > tally.phase;
    if new {
        tally.advance(phase, round, gate);
    }
    new
}
