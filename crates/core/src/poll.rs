//! A poll: what an organiser may write, its rules, and its life from draft to deleted.
//!
//! Every change goes through a function here and raises [`Poll::revision`]; those that matter
//! to the fold also raise [`Poll::phase`], which the control records carry.

use serde::{Deserialize, Serialize};

use crate::ballot::{Choice, OptionId};
use crate::event::Event;
use crate::id::{EventId, PollId, UnixMillis};
use crate::tally::Gate;

/// Most options a poll may have.
pub const MAX_OPTIONS: usize = 100;
/// Fewest options a poll may have.
pub const MIN_OPTIONS: usize = 2;
/// Longest question, in characters.
pub const MAX_QUESTION_CHARS: usize = 500;
/// Longest option, in characters.
pub const MAX_OPTION_CHARS: usize = 200;
/// Most origins that may frame a poll.
pub const MAX_ORIGINS: usize = 20;
/// Longest origin, in characters.
const MAX_ORIGIN_CHARS: usize = 260;

/// How many options a ballot may mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Exactly one.
    #[default]
    Single,
    /// One to `maxChoices`.
    Multiple,
}

/// What a voter's second ballot does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Revote {
    /// The greatest ballot id counts.
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
    /// How many options there are.
    pub options: OptionId,
    /// How many a ballot may mark.
    pub max_choices: OptionId,
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
    /// The options' texts; option *n* is at index *n* − 1.
    pub options: Vec<String>,
    /// Single or multiple choice.
    pub kind: Kind,
    /// Most options a ballot may mark (1 for a single choice).
    pub max_choices: OptionId,
    /// What a second ballot does.
    pub revote: Revote,
    /// When the public sees the numbers.
    pub results: Results,
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
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it closes by itself.
    pub closes_at: Option<UnixMillis>,
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

/// What an organiser writes; every field but the first two may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// 1 to 500 characters.
    pub question: String,
    /// 2 to 100 texts of 1 to 200 characters, distinct after trimming.
    pub options: Vec<String>,
    /// Default single; multiple when `max_choices` is above 1.
    pub kind: Option<Kind>,
    /// Default 1, or every option for a multiple choice.
    pub max_choices: Option<u64>,
    /// Default replace.
    pub revote: Revote,
    /// Default live.
    pub results: Results,
    /// Default true.
    pub voter_ids: bool,
    /// Default true.
    pub listed: bool,
    /// Default never.
    pub closes_at: Option<UnixMillis>,
    /// Default nobody.
    pub embed: Vec<String>,
}

impl Draft {
    /// A draft of these texts with every default.
    pub fn new(
        question: impl Into<String>,
        options: impl IntoIterator<Item: Into<String>>,
    ) -> Self {
        Self {
            question: question.into(),
            options: options.into_iter().map(Into::into).collect(),
            kind: None,
            max_choices: None,
            revote: Revote::default(),
            results: Results::default(),
            voter_ids: true,
            listed: true,
            closes_at: None,
            embed: Vec::new(),
        }
    }
}

/// One broken rule: where in the request's body, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// A JSON pointer (RFC 6901), such as `/options/2`.
    pub pointer: String,
    /// A sentence that names the limit and what was found.
    pub detail: String,
}

impl Violation {
    /// A violation at this pointer.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Why a change of a poll was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
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
    ) -> Result<Self, ChangeError> {
        let mut poll = Self {
            id,
            code: String::new(),
            question: String::new(),
            options: Vec::new(),
            kind: Kind::Single,
            max_choices: 1,
            revote: draft.revote,
            results: draft.results,
            revealed: draft.results == Results::Live,
            voter_ids: draft.voter_ids,
            listed: draft.listed,
            status: PollStatus::Draft,
            phase: 0,
            round: 1,
            revision: 0,
            created_at: now,
            closes_at: None,
            closed_at: None,
            owner,
            event: None,
            embed: Vec::new(),
        };
        poll.edit(draft, now)?;
        Ok(poll)
    }

    /// Replace everything written in a draft.
    pub fn edit(&mut self, draft: Draft, now: UnixMillis) -> Result<(), ChangeError> {
        self.require(&[PollStatus::Draft])?;
        let mut broken = Vec::new();
        let question = clean("/question", &draft.question, MAX_QUESTION_CHARS, &mut broken);
        let count = draft.options.len();
        if !(MIN_OPTIONS..=MAX_OPTIONS).contains(&count) {
            broken.push(Violation::new(
                "/options",
                format!("{MIN_OPTIONS} to {MAX_OPTIONS} options are needed; there are {count}"),
            ));
        }
        let mut options: Vec<String> = Vec::new();
        // Past the most there may be, one message is enough.
        for (i, text) in draft.options.iter().take(MAX_OPTIONS).enumerate() {
            let pointer = format!("/options/{i}");
            let text = clean(&pointer, text, MAX_OPTION_CHARS, &mut broken);
            if let Some(same) = options.iter().position(|other| *other == text)
                && !text.is_empty()
            {
                broken.push(Violation::new(pointer, format!("is the same as option {}", same + 1)));
            }
            options.push(text);
        }
        let kind = draft.kind.unwrap_or(match draft.max_choices {
            Some(most) if most > 1 => Kind::Multiple,
            _ => Kind::Single,
        });
        let max_choices = match (kind, draft.max_choices) {
            (Kind::Single, None | Some(1)) => 1,
            (Kind::Single, Some(_)) => {
                broken.push(Violation::new("/maxChoices", "a single choice takes exactly 1"));
                1
            }
            (Kind::Multiple, None) => count as u64,
            (Kind::Multiple, Some(most)) => {
                if most == 0 || most > count as u64 {
                    broken.push(Violation::new(
                        "/maxChoices",
                        format!("must be from 1 to the number of options ({count}); it is {most}"),
                    ));
                }
                most
            }
        };
        if let Some(at) = draft.closes_at.filter(|at| *at <= now) {
            broken.push(Violation::new("/closesAt", past(at, now)));
        }
        let embed = origins("/embed", draft.embed, &mut broken);
        if !broken.is_empty() {
            return Err(ChangeError::Invalid(broken));
        }
        self.question = question;
        self.options = options;
        self.kind = kind;
        self.max_choices = max_choices as OptionId;
        self.revote = draft.revote;
        self.results = draft.results;
        self.revealed = draft.results == Results::Live;
        self.voter_ids = draft.voter_ids;
        self.listed = draft.listed;
        self.closes_at = draft.closes_at;
        self.embed = embed;
        self.revision += 1;
        Ok(())
    }

    /// Say who may frame its pages, at any time. Says whether that changes anything.
    pub fn allow_embed(&mut self, embed: Vec<String>) -> Result<bool, ChangeError> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        let mut broken = Vec::new();
        let embed = origins("/embed", embed, &mut broken);
        if !broken.is_empty() {
            return Err(ChangeError::Invalid(broken));
        }
        let changed = self.embed != embed;
        if changed {
            self.embed = embed;
            self.revision += 1;
        }
        Ok(changed)
    }

    /// Become one of an event's polls: answer to its owner, and show its code.
    pub fn join(&mut self, event: &Event) -> Result<bool, ChangeError> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        if self.event.is_some_and(|other| other != event.id) {
            let broken = Violation::new("/pollId", "is a poll of another event");
            return Err(ChangeError::Invalid(vec![broken]));
        }
        let changed = self.event.is_none();
        if changed {
            self.event = Some(event.id);
            self.code = event.code.clone();
            self.owner = event.owner;
            self.revision += 1;
        }
        Ok(changed)
    }

    /// What was written, to be edited further.
    pub fn to_draft(&self) -> Draft {
        Draft {
            question: self.question.clone(),
            options: self.options.clone(),
            kind: Some(self.kind),
            max_choices: Some(u64::from(self.max_choices)),
            revote: self.revote,
            results: self.results,
            voter_ids: self.voter_ids,
            listed: self.listed,
            closes_at: self.closes_at,
            embed: self.embed.clone(),
        }
    }

    /// Let another token run it. Says whether it is another.
    pub fn hand_over(&mut self, owner: [u8; 32]) -> bool {
        let changed = self.owner != owner;
        self.owner = owner;
        self.revision += u64::from(changed);
        changed
    }

    /// A draft begins to take votes; its rules are fixed from here on.
    pub fn open(&mut self, now: UnixMillis) -> Result<(), ChangeError> {
        self.require(&[PollStatus::Draft])?;
        if let Some(at) = self.closes_at.filter(|at| *at <= now) {
            return Err(ChangeError::Invalid(vec![Violation::new("/closesAt", past(at, now))]));
        }
        self.status = PollStatus::Open;
        self.next_phase();
        Ok(())
    }

    /// Take no more votes. Closing what is closed changes nothing and says so with `false`.
    pub fn close(&mut self, now: UnixMillis) -> Result<bool, ChangeError> {
        self.require(&[PollStatus::Open, PollStatus::Closed])?;
        if self.status == PollStatus::Closed {
            return Ok(false);
        }
        self.status = PollStatus::Closed;
        self.closed_at = Some(now);
        self.next_phase();
        Ok(true)
    }

    /// Take votes again. A closing time that has passed is dropped.
    pub fn reopen(&mut self, now: UnixMillis) -> Result<bool, ChangeError> {
        self.require(&[PollStatus::Open, PollStatus::Closed])?;
        if self.status == PollStatus::Open {
            return Ok(false);
        }
        self.status = PollStatus::Open;
        self.closed_at = None;
        self.closes_at = self.closes_at.filter(|at| *at > now);
        self.next_phase();
        Ok(true)
    }

    /// Begin a new round from zero, open or closed as it was.
    pub fn reset(&mut self) -> Result<(), ChangeError> {
        self.require(&[PollStatus::Open, PollStatus::Closed])?;
        self.round += 1;
        self.next_phase();
        Ok(())
    }

    /// Show the numbers to everybody.
    pub fn reveal(&mut self) -> Result<bool, ChangeError> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        let changed = !self.revealed;
        if changed {
            self.revealed = true;
            self.revision += 1;
        }
        Ok(changed)
    }

    /// Take it away. What was not closed is closed by it.
    pub fn delete(&mut self, now: UnixMillis) -> Result<(), ChangeError> {
        self.require(&[PollStatus::Draft, PollStatus::Open, PollStatus::Closed])?;
        self.status = PollStatus::Deleted;
        self.closed_at = self.closed_at.or(Some(now));
        self.next_phase();
        Ok(())
    }

    /// What the fold needs to know.
    pub fn rules(&self) -> Rules {
        Rules {
            options: self.options.len() as OptionId,
            max_choices: self.max_choices,
            revote: self.revote,
        }
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

    /// Whether this choice keeps to the rules; otherwise what is wrong with it.
    pub fn check(&self, choice: Choice) -> Result<(), String> {
        let (marks, most) = (choice.len(), usize::from(self.max_choices));
        if marks == 0 {
            return Err("at least one option must be chosen".into());
        }
        if marks > most {
            return Err(match most {
                1 => format!("this poll takes one choice; there are {marks}"),
                _ => format!("this poll takes at most {most} choices; there are {marks}"),
            });
        }
        if usize::from(choice.greatest()) > self.options.len() {
            return Err(format!(
                "option {} does not exist; the poll has options 1 to {}",
                choice.greatest(),
                self.options.len()
            ));
        }
        Ok(())
    }

    fn next_phase(&mut self) {
        self.phase += 1;
        self.revision += 1;
    }

    fn require(&self, allowed: &[PollStatus]) -> Result<(), ChangeError> {
        if allowed.contains(&self.status) { Ok(()) } else { Err(ChangeError::Status(self.status)) }
    }
}

fn past(at: UnixMillis, now: UnixMillis) -> String {
    format!("must be in the future; it is {} s in the past", (now.0 - at.0) / 1000)
}

/// Trim a text and note what is wrong with it.
pub(crate) fn clean(pointer: &str, text: &str, most: usize, broken: &mut Vec<Violation>) -> String {
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 {
        broken.push(Violation::new(pointer, "must not be empty"));
    } else if chars > most {
        broken.push(Violation::new(
            pointer,
            format!("must be at most {most} characters; it has {chars}"),
        ));
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        broken.push(Violation::new(
            pointer,
            format!("must not contain control characters; it has U+{:04X}", u32::from(c)),
        ));
    }
    text.to_owned()
}

/// Who may frame a page: origins in lower case, each once, or `*` alone. They end up in a header,
/// so what is not plainly an origin is refused.
pub(crate) fn origins(
    pointer: &str,
    given: Vec<String>,
    broken: &mut Vec<Violation>,
) -> Vec<String> {
    if given.len() > MAX_ORIGINS {
        let detail = format!("may have at most {MAX_ORIGINS} entries; there are {}", given.len());
        broken.push(Violation::new(pointer, detail));
        return Vec::new();
    }
    let mut origins: Vec<String> = Vec::new();
    for (i, text) in given.iter().enumerate() {
        let origin = text.trim().to_ascii_lowercase();
        if !is_origin(&origin) && (origin != "*" || given.len() > 1) {
            let detail =
                "must be an origin such as https://example.org; or one entry \"*\" for all";
            broken.push(Violation::new(format!("{pointer}/{i}"), detail));
        } else if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

/// Scheme, host and perhaps a port, as a Content-Security-Policy takes them.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(host) = host.filter(|_| text.len() <= MAX_ORIGIN_CHARS) else { return false };
    let (host, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let host = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.split('.').all(label)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok()
}
