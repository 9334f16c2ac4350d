//! A poll: its rules, and its life from draft to deleted.
//!
//! Every change goes through a function here and raises [`Poll::revision`]. A change that matters
//! to the fold also raises [`Poll::phase`], which the control records carry.

mod draft;

use serde::{Deserialize, Serialize};

pub(crate) use self::draft::origins;
pub use self::draft::{Draft, MAX_CLOSES_AFTER, MAX_ORIGINS, MAX_QUESTION_CHARS};
use crate::gate::Gate;
use crate::id::{EventId, PollId, UnixMillis};
use crate::kind::words::Verdict;
use crate::kind::{Form, Kind};
use crate::rule::Violation;
use crate::seal::TextKey;

/// `Revote` says what a voter's second ballot does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Revote {
    /// The newest ballot counts (see [`crate::ballot::NamedBy`]).
    #[default]
    Replace,
    /// The first ballot in log order counts.
    Refuse,
}

/// `Results` says when the public sees the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Results {
    /// Everybody sees them all the time.
    #[default]
    Live,
    /// Each voter sees them from their own vote on, and everybody once they are revealed.
    AfterVote,
    /// Nobody sees them until the organiser reveals them.
    Hidden,
}

/// `Turnout` says whether everybody sees how many have voted while the numbers are not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Turnout {
    /// Everybody sees how many have voted, and no other number.
    #[default]
    Shown,
    /// Nobody sees even that.
    Hidden,
}

impl Turnout {
    /// Returns the value for a poll in which nothing is written: it was created when turnout was
    /// hidden together with the numbers.
    fn unset() -> Self {
        Self::Hidden
    }

    fn is_unset(&self) -> bool {
        *self == Self::unset()
    }
}

/// The status says where a poll is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PollStatus {
    /// The poll is being written; only its owner sees it.
    Draft,
    /// The poll takes votes.
    Open,
    /// The poll no longer takes votes.
    Closed,
    /// The poll is gone; its row is kept so that a recount still knows its rules.
    Deleted,
}

/// The rules are the part of a poll that the fold needs; they are fixed once the poll has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// What a ballot may hold, and where its marks are counted.
    pub form: Form,
    /// What a voter's second ballot does.
    pub revote: Revote,
}

/// A poll is one question with its rules and its place in its life, as its owner made it. Its
/// results are not in here: they are [`crate::tally::Tally`]s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    /// The poll's id.
    pub id: PollId,
    /// The join code, of six digits or more. It is empty until the store has assigned one.
    pub code: String,
    /// The question.
    pub question: String,
    /// The kind of poll, and what it asks about.
    #[serde(flatten)]
    pub kind: Kind,
    /// What a voter's second ballot does.
    pub revote: Revote,
    /// When the public sees the numbers.
    pub results: Results,
    /// Whether everybody sees how many have voted while the numbers are not shown. It is fixed once
    /// the poll has opened.
    #[serde(default = "Turnout::unset", skip_serializing_if = "Turnout::is_unset")]
    pub turnout: Turnout,
    /// Whether everybody may see the numbers now: from the start of a live poll, else once the
    /// organiser has revealed them.
    pub revealed: bool,
    /// Whether a `voterId` in a vote's body is accepted.
    pub voter_ids: bool,
    /// Whether lists, the feed of all polls and the leaderboard show the poll.
    pub listed: bool,
    /// Where the poll is in its life.
    pub status: PollStatus,
    /// A number that is 0 for a draft and is raised by open, close, reopen, reset and delete. It
    /// orders the control records.
    pub phase: u32,
    /// The round being counted, from 1; a reset raises it.
    pub round: u32,
    /// A number that every change raises. It is part of the version that viewers see.
    pub revision: u64,
    /// A number that is raised whenever somebody who was shown the numbers no longer is: by a new
    /// owner's token, also that of an event which the poll joins, and by a reset that hides again
    /// what was revealed. It is part of the version that viewers see.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidings: u32,
    /// The time at which the poll was created.
    pub created_at: UnixMillis,
    /// The time at which the poll closes by itself.
    pub closes_at: Option<UnixMillis>,
    /// How many seconds after its opening the poll closes by itself. Each opening, and each round
    /// that begins while the poll is open, sets `closes_at` anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_after: Option<u32>,
    /// The closing time that had already passed when the poll was opened; it was opened without
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_closes_at: Option<UnixMillis>,
    /// The time at which the poll last closed; deleting an open poll closes it. Its code is free a
    /// month later.
    pub closed_at: Option<UnixMillis>,
    /// SHA-256 of the owner's token; the token itself is kept nowhere.
    pub owner: [u8; 32],
    /// The event that the poll belongs to, whose code it then shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// The origins that may frame the poll's pages, such as `https://example.org`, or `*` alone for
    /// all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub embed: Vec<String>,
    /// The key of what voters write, if the poll's kind holds texts. It lies in the store alone: it is never part of
    /// the poll's JSON, and so of no announcement. Deleting the poll destroys it.
    #[serde(skip)]
    pub text_key: Option<TextKey>,
}

/// `ChangeRefused` says why a change of a poll was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefused {
    /// The request breaks rules; each broken one is named with its place.
    #[error("{} rules are broken", .0.len())]
    Invalid(Vec<Violation>),
    /// The poll's status does not allow this change.
    #[error("the poll is {}", match .0 {
        PollStatus::Draft => "a draft",
        PollStatus::Open => "open",
        PollStatus::Closed => "closed",
        PollStatus::Deleted => "deleted",
    })]
    Status(PollStatus),
}

impl Poll {
    /// Creates a draft after checking it. Opening it is a change of its own ([`Poll::open`]).
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
            text_key: None,
        })
    }

    /// Replaces everything that is written in a draft.
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

    /// Sets who may frame the poll's pages, at any time before it is deleted. Returns whether that
    /// changed anything.
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

    /// Gives the poll a key for what voters write, made from these random bytes, if its kind holds texts and it has
    /// none yet. A draft keeps its key while it is of another kind. Were it given another key later, a node that has
    /// not heard of it would seal votes under the first one.
    pub fn give_text_key(&mut self, random: impl FnOnce() -> [u8; 64]) {
        if self.kind.holds_texts() && self.text_key.is_none() {
            self.text_key = Some(TextKey::new(random()));
        }
    }

    /// Takes the organiser's verdict on words. Returns whether that changed anything.
    pub fn moderate(&mut self, verdict: &Verdict) -> Result<bool, ChangeRefused> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        let Kind::Words(words) = &mut self.kind else {
            let detail = format!("a poll of the kind {} has no words", self.kind.word());
            return Err(ChangeRefused::Invalid(vec![Violation::new("", detail)]));
        };
        let taken = words.moderation.take(verdict);
        let changed = taken.map_err(|broken| ChangeRefused::Invalid(vec![broken]))?;
        if changed {
            self.forget_erased();
            self.revision += 1;
        }
        Ok(changed)
    }

    /// Takes out of the key what could open the texts that were erased.
    pub(crate) fn forget_erased(&mut self) {
        self.text_key = self.text_key.take().map(|key| self.without_erased(key));
    }

    /// Returns a key of the poll's texts without what could open those that were erased.
    pub fn without_erased(&self, key: TextKey) -> TextKey {
        match &self.kind {
            Kind::Words(words) => {
                words.moderation.erased.iter().fold(key, |key, name| key.erase(*name))
            }
            _ => key,
        }
    }

    /// Returns what was written, to be edited further.
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

    /// Makes the bearer of another token the owner. Returns whether the token was another one.
    pub fn set_owner(&mut self, owner: [u8; 32]) -> bool {
        let changed = self.owner != owner;
        self.owner = owner;
        self.hidings += u32::from(changed);
        self.revision += u64::from(changed);
        changed
    }

    /// Opens a draft; its rules are fixed from here on. A closing time that has passed is dropped
    /// and noted in `missed_closes_at`: nobody can vote in the past, and an organiser who opens a
    /// poll in front of a hall wants it open.
    pub fn open(&mut self, now: UnixMillis) -> Result<(), ChangeRefused> {
        self.require(&[PollStatus::Draft])?;
        self.status = PollStatus::Open;
        if !self.kind.holds_texts() {
            self.text_key = None;
        }
        self.missed_closes_at = self.closes_at.filter(|at| *at <= now);
        self.closes_at = self.end_from(now);
        self.next_phase();
        Ok(())
    }

    /// Returns when the poll closes by itself if it opens now. A closing time that has passed is
    /// dropped.
    fn end_from(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.time_from(now).or(self.closes_at.filter(|at| *at > now))
    }

    /// Returns when the poll's time is up if it starts now; `None` without `closes_after`.
    fn time_from(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.closes_after.map(|seconds| UnixMillis(now.0 + u64::from(seconds) * 1000))
    }

    /// Returns when the poll's time began, if it is open and closes a certain time after its
    /// opening.
    pub fn timed_since(&self) -> Option<UnixMillis> {
        let open = self.status == PollStatus::Open;
        let (at, seconds) = self.closes_at.zip(self.closes_after).filter(|_| open)?;
        Some(UnixMillis(at.0.saturating_sub(u64::from(seconds) * 1000)))
    }

    /// Moves a closing time that counts from the opening by as many milliseconds as the clock was
    /// set since then. Returns whether the poll has such a closing time.
    pub fn clock_was_set(&mut self, by: i64) -> bool {
        let timed = self.timed_since().is_some();
        if let Some(at) = self.closes_at.as_mut().filter(|_| timed) {
            at.0 = at.0.saturating_add_signed(by);
            self.revision += 1;
        }
        timed
    }

    /// Closes the poll, so that it takes no more votes. Returns `false` if it was closed already;
    /// then nothing changes.
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

    /// Opens a closed poll again. A closing time that has passed is dropped; one that counts from
    /// the opening counts anew. Returns `false` if the poll was open already; then nothing changes.
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

    /// Begins a new round from zero; the poll stays open or closed as it was. If it is open, a time
    /// that counts from the opening counts anew. What was revealed belongs to the round before:
    /// results that were hidden at first are hidden again.
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

    /// Reveals the numbers to everybody. Returns whether that changed anything.
    pub fn reveal(&mut self) -> Result<bool, ChangeRefused> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        let changed = !self.revealed;
        if changed {
            self.revealed = true;
            self.revision += 1;
        }
        Ok(changed)
    }

    /// Deletes the poll. If it was not closed, that closes it.
    pub fn delete(&mut self, now: UnixMillis) -> Result<(), ChangeRefused> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        self.status = PollStatus::Deleted;
        self.closed_at = self.closed_at.or(Some(now));
        self.text_key = None;
        self.next_phase();
        Ok(())
    }

    /// Returns what the fold needs to know.
    pub fn rules(&self) -> Rules {
        Rules { form: self.kind.form(), revote: self.revote }
    }

    /// Returns the gate that a control record of the present phase sets.
    pub fn gate(&self) -> Gate {
        match self.status {
            PollStatus::Draft | PollStatus::Closed => Gate::Closed,
            PollStatus::Open => Gate::Open,
            PollStatus::Deleted => Gate::Deleted,
        }
    }

    /// Returns whether a vote may be taken at `now`: the poll is open and its closing time has not
    /// come.
    pub fn takes_votes(&self, now: UnixMillis) -> bool {
        self.status == PollStatus::Open && self.closes_at.is_none_or(|at| now < at)
    }

    fn next_phase(&mut self) {
        self.phase += 1;
        self.revision += 1;
    }

    pub(crate) fn require(&self, allowed: &[PollStatus]) -> Result<(), ChangeRefused> {
        if allowed.contains(&self.status) {
            Ok(())
        } else {
            Err(ChangeRefused::Status(self.status))
        }
    }
}

/// Returns whether a number is left out of the JSON because it is zero.
pub(crate) fn is_zero(number: &u32) -> bool {
    *number == 0
}
