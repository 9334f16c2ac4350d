//! A poll: what an organiser may write, its rules, and its life from draft to deleted.
//!
//! Every change goes through a function here and raises [`Poll::revision`]; those that matter
//! to the fold also raise [`Poll::phase`], which the control records carry.

mod draft;

use serde::{Deserialize, Serialize};

pub use self::draft::{Draft, MAX_CLOSES_AFTER, MAX_ORIGINS, MAX_QUESTION_CHARS, Violation};
pub(crate) use self::draft::{clean, origins};
use crate::event::Event;
use crate::id::{EventId, PollId, UnixMillis};
use crate::kind::{Form, Kind};
use crate::tally::Gate;

/// What a voter's second ballot does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Revote {
    /// The newest ballot counts (see [`crate::ballot::NamedBy`]).
    #[default]
    Replace,
    /// The first in log order counts.
    Refuse,
}

/// When the public sees the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Results {
    /// All the time.
    #[default]
    Live,
    /// Each voter from their own vote on; everybody once revealed.
    AfterVote,
    /// Nobody until the organiser reveals them.
    Hidden,
}

/// Whether everybody sees how many have voted while the numbers are not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Turnout {
    /// How many, and no number more.
    #[default]
    Shown,
    /// Not even that.
    Hidden,
}

impl Turnout {
    /// Of a poll that does not say: it was made when turnout was hidden with the numbers.
    fn unsaid() -> Self {
        Self::Hidden
    }

    fn is_unsaid(&self) -> bool {
        *self == Self::unsaid()
    }
}

/// Where a poll is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PollStatus {
    /// Being written; nobody but its owner sees it.
    Draft,
    /// Taking votes.
    Open,
    /// No longer taking votes.
    Closed,
    /// Gone; kept as a row so that a recount still knows its rules.
    Deleted,
}

/// The part of a poll the fold needs; fixed once the poll has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// What a ballot may hold, and where its marks are counted.
    pub form: Form,
    /// What a second ballot does.
    pub revote: Revote,
}

/// One poll, as its owner made it. Results are not in here: they are [`crate::tally::Tally`]s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    /// Its id.
    pub id: PollId,
    /// The join code: six digits or more. Empty until the store has given it one.
    pub code: String,
    /// The question.
    pub question: String,
    /// What it asks about.
    #[serde(flatten)]
    pub kind: Kind,
    /// What a second ballot does.
    pub revote: Revote,
    /// When the public sees the numbers.
    pub results: Results,
    /// Whether everybody sees how many have voted while the numbers are not shown; fixed once the
    /// poll has opened.
    #[serde(default = "Turnout::unsaid", skip_serializing_if = "Turnout::is_unsaid")]
    pub turnout: Turnout,
    /// Whether the organiser has shown hidden results.
    pub revealed: bool,
    /// Whether a `voterId` in the body is taken.
    pub voter_ids: bool,
    /// Whether lists, the feed of all polls and the leaderboard show it.
    pub listed: bool,
    /// Where it is in its life.
    pub status: PollStatus,
    /// 0 for a draft; raised by open, close, reopen, reset and delete: the order of control
    /// records.
    pub phase: u32,
    /// The round being counted, from 1; raised by reset.
    pub round: u32,
    /// Raised by every change; part of the version viewers see.
    pub revision: u64,
    /// Raised whenever somebody who was shown its numbers no longer is: by a new owner's token, and by
    /// a reset that hides again what was revealed. Part of the version viewers see.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidings: u32,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it closes by itself.
    pub closes_at: Option<UnixMillis>,
    /// How many seconds after it opens it closes by itself: each opening, and each round that
    /// begins while it is open, sets `closes_at` anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_after: Option<u32>,
    /// The closing time that had passed already when it opened; it was opened without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_closes_at: Option<UnixMillis>,
    /// When it last closed, by being deleted at the latest; its code is free a month later.
    pub closed_at: Option<UnixMillis>,
    /// SHA-256 of the owner's token; the token itself is kept nowhere.
    pub owner: [u8; 32],
    /// The event it belongs to, whose code it then shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// Who may frame its pages: origins such as `https://example.org`, or `*` alone for anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub embed: Vec<String>,
}

/// Why a change of a poll was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// The request breaks the rules, each place named.
    #[error("{} of the rules are broken", .0.len())]
    Invalid(Vec<Violation>),
    /// The poll is not in a status from which this can be done.
    #[error("the poll is {}", match .0 {
        PollStatus::Draft => "a draft",
        PollStatus::Open => "open",
        PollStatus::Closed => "closed",
        PollStatus::Deleted => "deleted",
    })]
    Status(PollStatus),
}

impl Poll {
    /// A new draft, checked. Opening it is a change of its own ([`Poll::open`]).
    pub fn draft(
        id: PollId,
        draft: Draft,
        owner: [u8; 32],
        now: UnixMillis,
    ) -> Result<Self, ChangeRefused> {
        let written = draft.check(None, now)?;
        Ok(Self {
            id,
            code: String::new(),
            question: written.question,
            kind: written.kind,
            revote: written.revote,
            results: written.results,
            turnout: written.turnout,
            revealed: written.results == Results::Live,
            voter_ids: written.voter_ids,
            listed: written.listed,
            status: PollStatus::Draft,
            phase: 0,
            round: 1,
            revision: 1,
            hidings: 0,
            created_at: now,
            closes_at: written.closes_at,
            closes_after: written.closes_after,
            missed_closes_at: None,
            closed_at: None,
            owner,
            event: None,
            embed: written.embed,
        })
    }

    /// Replace everything written in a draft.
    pub fn edit(&mut self, draft: Draft, now: UnixMillis) -> Result<(), ChangeRefused> {
        self.require(&[PollStatus::Draft])?;
        let written = draft.check(self.closes_at, now)?;
        self.question = written.question;
        self.kind = written.kind;
        self.revote = written.revote;
        self.results = written.results;
        self.turnout = written.turnout;
        self.revealed = written.results == Results::Live;
        self.voter_ids = written.voter_ids;
        self.listed = written.listed;
        self.closes_at = written.closes_at;
        self.closes_after = written.closes_after;
        self.embed = written.embed;
        self.revision += 1;
        Ok(())
    }

    /// Say who may frame its pages, at any time. Says whether that changes anything.
    pub fn allow_embed(&mut self, embed: Vec<String>) -> Result<bool, ChangeRefused> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        let mut broken = Vec::new();
        let embed = origins("/embed", embed, &mut broken);
        if !broken.is_empty() {
            return Err(ChangeRefused::Invalid(broken));
        }
        let changed = self.embed != embed;
        if changed {
            self.embed = embed;
            self.revision += 1;
        }
        Ok(changed)
    }

    /// Become one of an event's polls: answer to its owner, and show its code.
    pub fn join(&mut self, event: &Event) -> Result<bool, ChangeRefused> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        if self.event.is_some_and(|other| other != event.id) {
            let broken = Violation::new("/pollId", "is a poll of another event");
            return Err(ChangeRefused::Invalid(vec![broken]));
        }
        let changed = self.event.is_none();
        if changed {
            self.event = Some(event.id);
            self.code = event.code.clone();
            self.hidings += u32::from(self.owner != event.owner);
            self.owner = event.owner;
            self.revision += 1;
        }
        Ok(changed)
    }

    /// What was written, to be edited further.
    pub fn to_draft(&self) -> Draft {
        Draft {
            question: self.question.clone(),
            kind: self.kind.to_draft(),
            revote: self.revote,
            results: self.results,
            turnout: self.turnout,
            voter_ids: self.voter_ids,
            listed: self.listed,
            closes_at: self.closes_at,
            closes_after: self.closes_after.map(u64::from),
            embed: self.embed.clone(),
        }
    }

    /// Let another token run it. Says whether it is another.
    pub fn hand_over(&mut self, owner: [u8; 32]) -> bool {
        let changed = self.owner != owner;
        self.owner = owner;
        self.hidings += u32::from(changed);
        self.revision += u64::from(changed);
        changed
    }

    /// A draft begins to take votes; its rules are fixed from here on. A closing time that has
    /// passed is dropped and noted: nobody can vote in the past, and who opens a poll in front of
    /// a hall wants it open.
    pub fn open(&mut self, now: UnixMillis) -> Result<(), ChangeRefused> {
        self.require(&[PollStatus::Draft])?;
        self.status = PollStatus::Open;
        self.missed_closes_at = self.closes_at.filter(|at| *at <= now);
        self.closes_at = self.end_from(now);
        self.next_phase();
        Ok(())
    }

    /// When it closes by itself, opened now: a closing time that has passed is none.
    fn end_from(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.time_from(now).or(self.closes_at.filter(|at| *at > now))
    }

    /// When its time is up, if it has a certain time from an opening on, and that is now.
    fn time_from(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.closes_after.map(|seconds| UnixMillis(now.0 + u64::from(seconds) * 1000))
    }

    /// When it was opened, if it has a certain time from then on.
    pub fn timed_since(&self) -> Option<UnixMillis> {
        let open = self.status == PollStatus::Open;
        let (at, seconds) = self.closes_at.zip(self.closes_after).filter(|_| open)?;
        Some(UnixMillis(at.0.saturating_sub(u64::from(seconds) * 1000)))
    }

    /// The clock was set by so many milliseconds since the opening: a time that counts from there
    /// goes with the clock. Says whether it has one.
    pub fn clock_was_set(&mut self, by: i64) -> bool {
        let timed = self.timed_since().is_some();
        if let Some(at) = self.closes_at.as_mut().filter(|_| timed) {
            at.0 = at.0.saturating_add_signed(by);
            self.revision += 1;
        }
        timed
    }

    /// Take no more votes. Closing what is closed changes nothing and says so with `false`.
    pub fn close(&mut self, now: UnixMillis) -> Result<bool, ChangeRefused> {
        self.require(&[PollStatus::Open, PollStatus::Closed])?;
        if self.status == PollStatus::Closed {
            return Ok(false);
        }
        self.status = PollStatus::Closed;
        self.closed_at = Some(now);
        self.missed_closes_at = None;
        self.next_phase();
        Ok(true)
    }

    /// Take votes again. A closing time that has passed is dropped; one that counts from the
    /// opening counts anew.
    pub fn reopen(&mut self, now: UnixMillis) -> Result<bool, ChangeRefused> {
        self.require(&[PollStatus::Open, PollStatus::Closed])?;
        if self.status == PollStatus::Open {
            return Ok(false);
        }
        self.status = PollStatus::Open;
        self.closed_at = None;
        self.closes_at = self.end_from(now);
        self.next_phase();
        Ok(true)
    }

    /// Begin a new round from zero, open or closed as it was. While it is open the new round has
    /// as much time as the first. What was revealed belongs to the round before: results that were
    /// hidden at first are hidden again.
    pub fn reset(&mut self, now: UnixMillis) -> Result<(), ChangeRefused> {
        self.require(&[PollStatus::Open, PollStatus::Closed])?;
        self.round += 1;
        let shown = self.results == Results::Live;
        self.hidings += u32::from(self.revealed != shown);
        self.revealed = shown;
        if self.status == PollStatus::Open {
            self.closes_at = self.time_from(now).or(self.closes_at);
        }
        self.next_phase();
        Ok(())
    }

    /// Show the numbers to everybody.
    pub fn reveal(&mut self) -> Result<bool, ChangeRefused> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        let changed = !self.revealed;
        if changed {
            self.revealed = true;
            self.revision += 1;
        }
        Ok(changed)
    }

    /// Take it away. What was not closed is closed by it.
    pub fn delete(&mut self, now: UnixMillis) -> Result<(), ChangeRefused> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        self.status = PollStatus::Deleted;
        self.closed_at = self.closed_at.or(Some(now));
        self.next_phase();
        Ok(())
    }

    /// What the fold needs to know.
    pub fn rules(&self) -> Rules {
        Rules { form: self.kind.form(), revote: self.revote }
    }

    /// The gate that a control record of the present phase sets.
    pub fn gate(&self) -> Gate {
        match self.status {
            PollStatus::Draft | PollStatus::Closed => Gate::Closed,
            PollStatus::Open => Gate::Open,
            PollStatus::Deleted => Gate::Deleted,
        }
    }

    /// Whether a vote may be taken at `now`: open, and not past its closing time.
    pub fn takes_votes(&self, now: UnixMillis) -> bool {
        self.status == PollStatus::Open && self.closes_at.is_none_or(|at| now < at)
    }

    fn next_phase(&mut self) {
        self.phase += 1;
        self.revision += 1;
    }

    fn require(&self, allowed: &[PollStatus]) -> Result<(), ChangeRefused> {
        if allowed.contains(&self.status) {
            Ok(())
        } else {
            Err(ChangeRefused::Status(self.status))
        }
    }
}

/// Whether a number is left out of the JSON.
pub(crate) fn is_zero(number: &u32) -> bool {
    *number == 0
}
