//! A draft is what an organiser writes of a poll; here it is checked against the rules.

use super::{ChangeRefused, Results, Revote, Turnout};
use crate::id::UnixMillis;
use crate::kind::{self, Kind};
use crate::rule::{Violation, clean};

/// The greatest length of a question, in characters.
pub const MAX_QUESTION_CHARS: usize = 500;
/// The longest time that a poll may be set to stay open after its opening, in seconds: a week.
/// `closesAt` may lie further ahead.
pub const MAX_CLOSES_AFTER: u32 = 7 * 24 * 3600;
/// The most origins that may frame a poll.
pub const MAX_ORIGINS: usize = 20;
/// The greatest length of an origin, in characters.
const MAX_ORIGIN_CHARS: usize = 260;

/// A draft is a poll as an organiser writes it, not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The question, 1 to 500 characters.
    pub question: String,
    /// The kind of poll, and what it asks about.
    pub kind: kind::KindDraft,
    /// What a voter's second ballot does; by default it replaces the first.
    pub revote: Revote,
    /// When the public sees the numbers; by default all the time.
    pub results: Results,
    /// Whether turnout shows while the numbers do not; by default it does.
    pub turnout: Turnout,
    /// Whether a `voterId` in a vote's body is accepted; by default it is.
    pub voter_ids: bool,
    /// Whether the poll is listed; by default it is.
    pub listed: bool,
    /// The time at which the poll closes by itself; by default it never does.
    pub closes_at: Option<UnixMillis>,
    /// How many seconds after its opening the poll closes by itself, 1 to [`MAX_CLOSES_AFTER`]. It
    /// is given instead of `closes_at`, not beside it; by default the poll stays open.
    pub closes_after: Option<u64>,
    /// The origins that may frame the poll; by default there are none.
    pub embed: Vec<String>,
}

impl Draft {
    /// Returns a draft of this kind, with every default. Texts alone make a single choice.
    pub fn new(question: impl Into<String>, kind: impl Into<kind::KindDraft>) -> Self {
        Self {
            question: question.into(),
            kind: kind.into(),
            revote: Revote::default(),
            results: Results::default(),
            turnout: Turnout::default(),
            voter_ids: true,
            listed: true,
            closes_at: None,
            closes_after: None,
            embed: Vec::new(),
        }
    }

    /// Checks every rule. `known` is the closing time that the draft had before: if it has passed
    /// since, that is no broken rule, because [`super::Poll::open`] deals with it.
    pub(super) fn check(
        self,
        known: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<Written, ChangeRefused> {
        let mut broken = Vec::new();
        let question = clean("/question", &self.question, MAX_QUESTION_CHARS, &mut broken);
        let kind = self.kind.check(&mut broken);
        let new = self.closes_at.filter(|at| known != Some(*at));
        if let Some(at) = new.filter(|at| *at <= now) {
            broken.push(Violation::new("/closesAt", past(at, now)));
        }
        let closes_after = self.closes_after.map(|seconds| duration(seconds, &mut broken));
        if self.closes_at.is_some() && closes_after.is_some() {
            let detail = "cannot be set beside closesAt: a poll closes at a time, or after a time";
            broken.push(Violation::new("/closesAfter", detail));
        }
        let embed = origins("/embed", self.embed, &mut broken);
        let Some(kind) = kind.filter(|_| broken.is_empty()) else {
            return Err(ChangeRefused::Invalid(broken));
        };
        Ok(Written {
            question,
            kind,
            revote: self.revote,
            results: self.results,
            turnout: self.turnout,
            voter_ids: self.voter_ids,
            listed: self.listed,
            closes_at: self.closes_at,
            closes_after,
            embed,
        })
    }
}

/// `Written` is a [`Draft`] that keeps to the rules, in the form in which a poll keeps it.
pub(super) struct Written {
    pub question: String,
    pub kind: Kind,
    pub revote: Revote,
    pub results: Results,
    pub turnout: Turnout,
    pub voter_ids: bool,
    pub listed: bool,
    pub closes_at: Option<UnixMillis>,
    pub closes_after: Option<u32>,
    pub embed: Vec<String>,
}

fn past(at: UnixMillis, now: UnixMillis) -> String {
    format!("must be in the future; it is {} s in the past", (now.0 - at.0) / 1000)
}

fn duration(seconds: u64, broken: &mut Vec<Violation>) -> u32 {
    let allowed = u32::try_from(seconds).ok();
    let allowed = allowed.filter(|seconds| (1..=MAX_CLOSES_AFTER).contains(seconds));
    if allowed.is_none() {
        let detail = format!("must be from 1 to {MAX_CLOSES_AFTER} seconds; it is {seconds}");
        broken.push(Violation::new("/closesAfter", detail));
    }
    allowed.unwrap_or_default()
}

/// Returns the origins that may frame a page, in lower case and each once, or `*` alone. They end
/// up in a header, so whatever is not plainly an origin is refused.
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

/// Returns whether the text is a scheme, a host and perhaps a port, as a Content-Security-Policy
/// accepts them.
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
