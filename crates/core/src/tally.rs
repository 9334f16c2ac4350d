//! Tallies are counted here: one ballot or control record is decided and applied to a poll's tally.
//!
//! [`Tally`] holds one poll's counts in one partition. [`VoterState`] holds what is known of one
//! voter in one poll. [`count`] decides a ballot and [`control`] applies a control record; both are
//! pure and total. All ballots of a voter in a poll lie in one partition, because the key is made
//! of poll and voter. So no decision needs to look beyond its partition, and a poll's result is the
//! plain sum over partitions.
//!
//! **A ballot is decided once, by its first record.** A record that comes later under the same id,
//! such as a retry after the close or a duplicate after a reset, is a repetition: it is told the
//! first decision, and no count changes on account of it.

use crate::ballot::{Ballot, NamedBy, Status};
use crate::gate::Gate;
use crate::id::BallotId;
use crate::kind::words::Names;
use crate::kind::{Answer, Form};
use crate::poll::{Revote, Rules};

/// A tally holds the counts of all slots of a poll in one partition, and the poll's phase there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The latest phase seen in this partition, in a control record or on a ballot; 0 before any. A
    /// poll is final when every partition is in the phase that began with the close.
    pub phase: u32,
    /// The round that is being counted.
    pub round: u32,
    /// The gate, which says whether ballots are counted now.
    pub gate: Gate,
    /// The weight of the marks on each of the poll's slots; see [`crate::kind`].
    pub counts: Vec<u64>,
    /// The names that are counted in slots of their own, if the poll asks for words. They are kept by the store and
    /// are no part of an announcement: a reader who lacks some asks the store.
    pub names: Names,
    /// The number of voters with a ballot that counts.
    pub voters: u64,
    /// A number that grows with every visible change of this tally and never shrinks. The sum of
    /// these numbers over all partitions is part of the poll's version.
    pub changes: u64,
}

impl Tally {
    /// Returns the tally before any record: not open yet, and nothing counted.
    pub fn new() -> Self {
        Self {
            phase: 0,
            round: 1,
            gate: Gate::Closed,
            counts: Vec::new(),
            names: Names::default(),
            voters: 0,
            changes: 0,
        }
    }

    /// Moves on to a later phase. `changes` grows by the number of phases passed. It thus grows by
    /// the same amount whether or not the control records of the phases in between were seen first.
    fn advance(&mut self, rules: &Rules, phase: u32, round: u32, gate: Gate) {
        self.changes += u64::from(phase - self.phase);
        self.phase = phase;
        self.gate = gate;
        self.counts.resize(rules.form.slots() + self.names.len(), 0);
        if round > self.round {
            self.round = round;
            self.names.clear();
            self.counts.truncate(rules.form.slots());
            self.counts.fill(0);
            self.voters = 0;
        }
    }

    /// Adds an answer's marks. Names that have not come before get their slots.
    fn add(&mut self, form: Form, answer: &Answer) {
        for word in answer.words() {
            self.names.take(word);
        }
        self.counts.resize(form.slots() + self.names.len(), 0);
        form.marks(answer, &self.names, |slot, weight| self.counts[slot] += weight);
    }

    /// Takes away what [`Tally::add`] has added.
    fn take_away(&mut self, form: Form, answer: &Answer) {
        form.marks(answer, &self.names, |slot, weight| self.counts[slot] -= weight);
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

/// The voter state is what the fold knows of one voter in one poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoterState {
    /// The round that `counted` belongs to.
    pub round: u32,
    /// The ballot that counts, if one does.
    pub counted: Option<(BallotId, Answer)>,
    /// The greatest ballot id that was ever decided for this voter. A ballot with a greater id is
    /// certainly new. Any other may have been decided before, so the caller of [`count`] must look.
    pub seen: Option<BallotId>,
}

impl VoterState {
    /// Returns whether a ballot of this id may have been decided before; only the rows of past
    /// decisions can tell.
    pub fn may_have_seen(&self, id: BallotId) -> bool {
        self.seen >= Some(id)
    }
}

/// A decision says what the fold makes of one ballot record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The ballot counts.
    Counted {
        /// The voter's older ballot, which no longer counts.
        replaced: Option<(BallotId, Answer)>,
    },
    /// The ballot was decided before, with this status. The counts stay as they are, because the
    /// first record of a ballot decides, whatever this one contains.
    Repeated(Status),
    /// The client gave the ballot an id, and that id is smaller than the id of the voter's ballot
    /// that counts.
    Superseded,
    /// The poll takes one ballot per voter, and the voter has one that counts.
    Refused,
    /// The ballot came after the close, or belongs to an earlier round.
    Late,
    /// No rule of the poll allows this ballot; only a foreign producer can have written it.
    Dead(DeadReason),
}

impl Decision {
    /// Returns the status that the store keeps in the ballot's row, or `None` if this decision
    /// makes no row.
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

/// `DeadReason` says why a record is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadReason {
    /// The bytes are no record of any version.
    #[error("unreadable: {0}")]
    Unreadable(&'static str),
    /// The record's key belongs to another partition, or the key and the content disagree.
    #[error("in the wrong partition or under the wrong key")]
    Misplaced,
    /// No poll of that id was ever created, or the poll has not opened yet.
    #[error("no such poll, or not open yet")]
    UnknownPoll,
    /// The answer is empty, has too many marks, or is about something that the poll does not ask.
    #[error("an answer that the poll's rules do not allow")]
    BadAnswer,
    /// A genesis record stands at another offset than 0.
    #[error("a genesis record that is not the first of its partition")]
    StrayGenesis,
}

/// Decides one ballot and applies it to the tally and the voter's state.
///
/// `before` is the status that an earlier record of this very ballot (poll, voter, id) was given.
/// The caller must look for it whenever [`VoterState::may_have_seen`] says that there may be one.
pub fn count(
    rules: &Rules,
    tally: &mut Tally,
    voter: &mut VoterState,
    ballot: &Ballot,
    before: Option<Status>,
) -> Decision {
    // A ballot taken in a later phase proves that the poll was open in that phase, even if the
    // ballot itself is a repetition. When that phase's control record comes, it changes nothing
    // more.
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
            Some((_, answer)) => tally.take_away(rules.form, answer),
            None => tally.voters += 1,
        }
        tally.add(rules.form, &ballot.answer);
        tally.changes += 1;
    }
    decision
}

/// Applies a control record: from now on the poll is in this phase and round, with this gate. A
/// record whose phase is not new changes nothing. Returns whether anything changed.
pub fn control(rules: &Rules, tally: &mut Tally, phase: u32, round: u32, gate: Gate) -> bool {
    let new = phase > tally.phase && round >= tally.round;
    if new {
        tally.advance(rules, phase, round, gate);
    }
    new
}
