//! The view of a poll: the one projection from a [`Standing`] to the JSON that every route, socket
//! and stream sends. It decides what each audience is shown; numbers that an audience may not see
//! are not in its output.

pub mod event;
pub mod kind;
pub mod leaderboard;

use jiff::Timestamp;
use pollux_core::id::UnixMillis;
use pollux_core::poll::{Poll, PollStatus, Results, Revote, Turnout};
use pollux_core::standing::{Shown, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::kind::KindView;

/// An audience is all those who may see a poll in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The public: everybody.
    Public,
    /// Those whose ballot in this poll is on the log.
    Voted,
    /// Those who hold the owner's token or the operator's.
    Owner,
}

/// Returns how much of what is counted in this poll the audience is shown.
pub fn shown(poll: &Poll, audience: Audience) -> Shown {
    match (audience, poll.results) {
        (Audience::Owner, _) | (_, Results::Live) => Shown::Numbers,
        _ if poll.revealed => Shown::Numbers,
        (Audience::Voted, Results::AfterVote) => Shown::Numbers,
        _ => match poll.turnout {
            Turnout::Shown => Shown::Turnout,
            Turnout::Hidden => Shown::Nothing,
        },
    }
}

/// Whether this audience sees the numbers of this poll.
pub fn sees_numbers(poll: &Poll, audience: Audience) -> bool {
    shown(poll, audience) == Shown::Numbers
}

/// Whether this audience sees what the organiser keeps until the close: the right answer.
fn sees_solution(poll: &Poll, audience: Audience) -> bool {
    let closed = poll.status == PollStatus::Closed && sees_numbers(poll, audience);
    audience == Audience::Owner || closed
}

/// Whether the owner of this poll is told more of it than others who see the numbers.
pub fn tells_owner_more(poll: &Poll) -> bool {
    let keeps = poll.kind.keeps_until_close() && poll.status != PollStatus::Closed;
    keeps || poll.missed_closes_at.is_some()
}

/// Whether voters see the numbers of this poll and the public does not.
pub fn shows_after_vote(poll: &Poll) -> bool {
    !sees_numbers(poll, Audience::Public) && sees_numbers(poll, Audience::Voted)
}

/// A `Poll` is what you may see of a poll.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Poll)]
pub struct PollView {
    /// The poll's id, a UUIDv7.
    #[schema(format = "uuid")]
    pub id: String,
    /// The join code; null for a draft that has none yet.
    pub code: Option<String>,
    /// The question.
    pub question: String,
    /// The part that depends on the poll's kind; each kind has members of its own.
    #[serde(flatten)]
    pub kind: KindView,
    /// The status: draft, open or closed.
    pub status: String,
    /// Whether the poll is final: no ballot can be counted any more until somebody reopens or
    /// resets the poll.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The round, which is 1 at first and grows with each reset.
    pub round: u32,
    /// The phase, which is 0 for a draft and grows with each opening, closing and reset. It tells
    /// nothing that a viewer could not see happen. A change that an owner asks for may name the
    /// phase it is meant for.
    #[serde(default)]
    pub phase: u32,
    /// What becomes of a voter's second ballot: replace (the later ballot counts) or refuse.
    pub revote: String,
    /// When the numbers are shown: live, afterVote or hidden.
    pub results: String,
    /// Whether everybody sees how many have voted while the numbers are not shown: shown or hidden.
    #[serde(default = "turnout_unset")]
    #[schema(required)]
    pub turnout: String,
    /// Whether the owner has revealed the numbers to everybody.
    pub revealed: bool,
    /// How often people marked an option, rated a statement, ranked an option, gave one points, gave a number or said a
    /// word; null
    /// while it is hidden from you.
    #[schema(required)]
    pub total_votes: Option<u64>,
    /// The number of people counted; null while it is hidden from you. If `turnout` is shown, it is
    /// there even while the numbers are hidden.
    #[schema(required)]
    pub total_voters: Option<u64>,
    /// The version; a greater one is newer. It is the same on every node for all viewers who may
    /// see the same.
    pub version: u64,
    /// The hash of the final result, which `pollux recount` prints too; null before the poll is
    /// final and while the numbers are hidden from you.
    #[schema(required)]
    pub result_hash: Option<String>,
    /// Whether lists and the leaderboard show the poll.
    pub listed: bool,
    /// Whether a ballot may carry a `voterId`.
    pub voter_ids: bool,
    /// When the poll was created, as RFC 3339 in UTC.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When the poll closes by itself, as RFC 3339 in UTC; null if it stays open until it is
    /// closed.
    #[schema(required, format = "date-time")]
    pub closes_at: Option<String>,
    /// The number of seconds after which the poll closes, counted from each opening, which sets
    /// `closesAt`; null if there is no such limit.
    #[schema(required)]
    pub closes_after: Option<u32>,
    /// The closing time that had already passed when the poll was opened, as RFC 3339 in UTC; the
    /// poll was opened without a closing time then. It is null for everybody but the owner.
    #[schema(required, format = "date-time")]
    pub missed_closes_at: Option<String>,
    /// When the poll was closed, as RFC 3339 in UTC; null unless it is closed.
    #[schema(required, format = "date-time")]
    pub closed_at: Option<String>,
    /// The id of the event that the poll belongs to, whose join code it shows; null if it belongs
    /// to none.
    #[schema(required, format = "uuid")]
    pub event_id: Option<String>,
    /// The origins that may embed the poll's overlay in a frame; `*` alone admits every origin.
    pub embed: Vec<String>,
}

/// Formats a time as RFC 3339 in UTC, with milliseconds: `2026-11-21T15:04:05.678Z`.
pub fn rfc3339(at: UnixMillis) -> String {
    let at = Timestamp::from_millisecond(at.0 as i64).unwrap_or(Timestamp::MAX);
    format!("{at:.3}")
}

/// Returns the poll as this audience may see it.
pub fn poll(standing: &Standing, audience: Audience) -> PollView {
    let poll = &standing.poll;
    let shown = shown(poll, audience);
    let numbers = shown == Shown::Numbers;
    let counts = numbers.then(|| standing.counts());
    PollView {
        id: poll.id.to_string(),
        code: (!poll.code.is_empty()).then(|| poll.code.clone()),
        question: poll.question.clone(),
        kind: KindView::new(standing, counts.as_deref(), sees_solution(poll, audience)),
        status: status_word(poll.status).into(),
        is_final: standing.is_final(),
        round: poll.round,
        phase: poll.phase,
        revote: match poll.revote {
            Revote::Replace => "replace",
            Revote::Refuse => "refuse",
        }
        .into(),
        results: match poll.results {
            Results::Live => "live",
            Results::AfterVote => "afterVote",
            Results::Hidden => "hidden",
        }
        .into(),
        turnout: match poll.turnout {
            Turnout::Shown => "shown",
            Turnout::Hidden => "hidden",
        }
        .into(),
        revealed: poll.revealed,
        total_votes: numbers.then(|| standing.total_votes()),
        total_voters: (shown >= Shown::Turnout).then(|| standing.total_voters()),
        version: standing.version(shown),
        result_hash: if numbers { standing.result_hash() } else { None },
        listed: poll.listed,
        voter_ids: poll.voter_ids,
        created_at: rfc3339(poll.created_at),
        closes_at: poll.closes_at.map(rfc3339),
        closes_after: poll.closes_after,
        missed_closes_at: poll
            .missed_closes_at
            .filter(|_| audience == Audience::Owner)
            .map(rfc3339),
        closed_at: poll.closed_at.map(rfc3339),
        event_id: poll.event.map(|event| event.to_string()),
        embed: poll.embed.clone(),
    }
}

/// The turnout of a poll from a server that does not know that member yet.
fn turnout_unset() -> String {
    "hidden".into()
}

fn status_word(status: PollStatus) -> &'static str {
    match status {
        PollStatus::Draft => "draft",
        PollStatus::Open => "open",
        PollStatus::Closed | PollStatus::Deleted => "closed",
    }
}

/// Whether the poll takes part in the leaderboard: it is open and listed, and everybody sees its
/// numbers.
pub fn contends(poll: &Poll) -> bool {
    poll.status == PollStatus::Open && poll.listed && sees_numbers(poll, Audience::Public)
}
