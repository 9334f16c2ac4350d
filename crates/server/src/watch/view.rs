//! What may be shown to whom: the one projection from a [`Standing`] to the JSON that every
//! route, socket and stream sends. Numbers that are not to be seen are not in its output.

pub mod event;
pub mod kind;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use pollux_core::id::{PollId, UnixMillis};
use pollux_core::kind::Kind;
use pollux_core::kind::choice::OptionId;
use pollux_core::leaderboard::Ranked;
use pollux_core::poll::{Poll, PollStatus, Results, Revote, Turnout};
use pollux_core::standing::{Shown, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::kind::KindView;

/// Who is looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Anybody.
    Public,
    /// Somebody whose ballot in this poll is on the log.
    Voted,
    /// Whoever holds the owner's token.
    Owner,
}

/// What this audience is shown of what is counted in this poll.
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

/// Whether having voted is what it takes to see the numbers of this poll.
pub fn shows_after_vote(poll: &Poll) -> bool {
    !sees_numbers(poll, Audience::Public) && sees_numbers(poll, Audience::Voted)
}

/// A poll as the contract shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Poll)]
pub struct PollView {
    /// UUIDv7.
    #[schema(format = "uuid")]
    pub id: String,
    /// The join code; null for a draft that has none yet.
    pub code: Option<String>,
    /// The question.
    pub question: String,
    /// What it asks about; its members are those of one kind of poll.
    #[serde(flatten)]
    pub kind: KindView,
    /// draft, open or closed.
    pub status: String,
    /// No ballot can be counted any more until someone reopens or resets.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Raised by each reset, from 1.
    pub round: u32,
    /// Raised by each opening, closing and reset, from 0 for a draft. It says no more than whoever
    /// watches has seen happen; a change of the owner's may name the phase it is meant for.
    #[serde(default)]
    pub phase: u32,
    /// replace or refuse.
    pub revote: String,
    /// live, afterVote or hidden.
    pub results: String,
    /// shown or hidden: whether everybody sees how many have voted while the numbers are not shown.
    #[serde(default = "unsaid")]
    #[schema(required)]
    pub turnout: String,
    /// Whether everybody may see the numbers.
    pub revealed: bool,
    /// Marks counted; null while hidden from you.
    #[schema(required)]
    pub total_votes: Option<u64>,
    /// People counted; null while hidden from you. Where turnout shows it is there before the numbers.
    #[schema(required)]
    pub total_voters: Option<u64>,
    /// Greater is newer; the same on every node for viewers who may see the same.
    pub version: u64,
    /// Once final: the hash of its result, which `pollux recount` prints too; null before, and while
    /// the numbers are hidden from you.
    #[schema(required)]
    pub result_hash: Option<String>,
    /// Whether lists and the leaderboard show it.
    pub listed: bool,
    /// Whether a `voterId` is taken.
    pub voter_ids: bool,
    /// RFC 3339, UTC.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// RFC 3339, UTC; null: it stays open until it is closed.
    #[schema(required, format = "date-time")]
    pub closes_at: Option<String>,
    /// How many seconds after each opening it closes; `closesAt` is set by it then. Null: it has no
    /// such limit.
    #[schema(required)]
    pub closes_after: Option<u32>,
    /// RFC 3339, UTC: the closing time that had passed already when it was opened, so that it was
    /// opened without one. Only its owner is told; null to everybody else.
    #[schema(required, format = "date-time")]
    pub missed_closes_at: Option<String>,
    /// RFC 3339, UTC; null while open.
    #[schema(required, format = "date-time")]
    pub closed_at: Option<String>,
    /// The event it belongs to, whose code it shows.
    #[schema(required, format = "uuid")]
    pub event_id: Option<String>,
    /// Origins that may frame its overlay; `*` alone is anybody.
    pub embed: Vec<String>,
}

/// The leaderboard as the contract shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Leaderboard)]
pub struct LeaderboardView {
    /// Greater is newer, within one node's epoch.
    pub version: u64,
    /// The leading options over all open, listed polls whose numbers everybody may see.
    pub options: Vec<RankedOption>,
    /// The leading polls.
    pub polls: Vec<RankedPoll>,
}

/// An option's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankedOption {
    /// From 1; equal votes share it, and the next one skips.
    pub rank: u64,
    /// Its poll.
    pub poll_id: String,
    /// The poll's question.
    pub question: String,
    /// Its id in the poll.
    pub option_id: u8,
    /// Its text.
    pub option: String,
    /// Marks counted.
    pub votes: u64,
}

/// A poll's place, by its voters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankedPoll {
    /// From 1; equally many voters share it, and the next one skips.
    pub rank: u64,
    /// The poll.
    pub poll_id: String,
    /// Its question.
    pub question: String,
    /// People counted: what it is ranked by.
    pub total_voters: u64,
    /// Marks counted.
    pub total_votes: u64,
}

/// A time as RFC 3339 in UTC, with milliseconds: `2026-11-21T15:04:05.678Z`.
pub fn rfc3339(at: UnixMillis) -> String {
    let at = Timestamp::from_millisecond(at.0 as i64).unwrap_or(Timestamp::MAX);
    format!("{at:.3}")
}

/// The poll, as this audience may see it.
pub fn poll(standing: &Standing, audience: Audience) -> PollView {
    let poll = &standing.poll;
    let shown = shown(poll, audience);
    let numbers = shown == Shown::Numbers;
    let counts = numbers.then(|| standing.counts());
    PollView {
        id: poll.id.to_string(),
        code: (!poll.code.is_empty()).then(|| poll.code.clone()),
        question: poll.question.clone(),
        kind: KindView::new(&poll.kind, counts.as_deref()),
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

/// What a server that does not know of turnout shows of it.
fn unsaid() -> String {
    "hidden".into()
}

fn status_word(status: PollStatus) -> &'static str {
    match status {
        PollStatus::Draft => "draft",
        PollStatus::Open => "open",
        PollStatus::Closed | PollStatus::Deleted => "closed",
    }
}

/// Whether the poll takes part in the leaderboard: open, listed, and its numbers are everybody's.
pub fn contends(poll: &Poll) -> bool {
    poll.status == PollStatus::Open && poll.listed && sees_numbers(poll, Audience::Public)
}

/// The leaderboard of these ranks. `poll_of` finds the texts; what it does not know is left out.
pub fn leaderboard(
    version: u64,
    options: &[Ranked],
    polls: &[Ranked],
    poll_of: impl Fn(PollId) -> Option<Arc<Poll>>,
) -> LeaderboardView {
    let option = |ranked: &Ranked| {
        let contender = ranked.contender;
        let poll = poll_of(contender.poll)?;
        let Kind::Choice(choice) = &poll.kind else { return None };
        Some(RankedOption {
            rank: ranked.rank,
            poll_id: contender.poll.to_string(),
            question: poll.question.clone(),
            option_id: contender.option,
            option: choice.options.get(usize::from(contender.option) - 1)?.clone(),
            votes: contender.votes,
        })
    };
    let poll = |ranked: &Ranked| {
        Some(RankedPoll {
            rank: ranked.rank,
            poll_id: ranked.contender.poll.to_string(),
            question: poll_of(ranked.contender.poll)?.question.clone(),
            total_voters: ranked.contender.votes,
            total_votes: ranked.contender.marks,
        })
    };
    LeaderboardView {
        version,
        options: options.iter().filter_map(option).collect(),
        polls: polls.iter().filter_map(poll).collect(),
    }
}

impl LeaderboardView {
    /// The first `limit` places of each list.
    pub fn cut(&self, limit: usize) -> Self {
        let first = |len: usize| limit.min(len);
        Self {
            version: self.version,
            options: self.options[..first(self.options.len())].to_vec(),
            polls: self.polls[..first(self.polls.len())].to_vec(),
        }
    }

    /// Whether both show the same, whatever their versions.
    pub fn same_places(&self, other: &Self) -> bool {
        self.options == other.options && self.polls == other.polls
    }
}

/// How an option's rank changed between two leaderboards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RankMove)]
pub struct RankMove {
    /// Its poll.
    pub poll_id: String,
    /// Its id in the poll.
    pub option_id: u8,
    /// The rank it had; null when it was not on the board.
    #[schema(required)]
    pub from: Option<u64>,
    /// The rank it has; null when it left the board.
    #[schema(required)]
    pub to: Option<u64>,
}

/// The options whose rank changed: first those on the board in its order, then those that left.
pub fn moves(before: &LeaderboardView, after: &LeaderboardView) -> Vec<RankMove> {
    let key = |o: &RankedOption| (o.poll_id.clone(), o.option_id);
    let mut left: BTreeMap<(String, OptionId), u64> =
        before.options.iter().map(|o| (key(o), o.rank)).collect();
    let mut moves = Vec::new();
    let mut note = |o: &RankedOption, from, to| {
        moves.push(RankMove { poll_id: o.poll_id.clone(), option_id: o.option_id, from, to });
    };
    for option in &after.options {
        let from = left.remove(&key(option));
        if from != Some(option.rank) {
            note(option, from, Some(option.rank));
        }
    }
    for option in before.options.iter().filter(|o| left.contains_key(&key(o))) {
        note(option, Some(option.rank), None);
    }
    moves
}
