//! The view of the leaderboard, and what has moved on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use pollux_core::id::PollId;
use pollux_core::kind::RowId;
use pollux_core::leaderboard::Ranked;
use pollux_core::poll::Poll;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The `Leaderboard` ranks the options and polls of all open, listed polls whose numbers everybody
/// may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Leaderboard)]
pub struct LeaderboardView {
    /// The version; a greater one is newer, within one node's epoch.
    pub version: u64,
    /// The leading options.
    pub options: Vec<RankedOption>,
    /// The leading polls.
    pub polls: Vec<RankedPoll>,
}

/// A `RankedOption` is an option's place on the leaderboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankedOption {
    /// The rank, from 1. Options with equal votes share a rank, and the next rank counts them all:
    /// 1, 2, 2, 4.
    pub rank: u64,
    /// The id of the option's poll.
    pub poll_id: String,
    /// The poll's question.
    pub question: String,
    /// The option's id in the poll.
    pub option_id: u8,
    /// The option's text.
    pub option: String,
    /// The number of marks counted.
    pub votes: u64,
}

/// A `RankedPoll` is a poll's place on the leaderboard, by its voters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RankedPoll {
    /// The rank, from 1. Polls with equally many voters share a rank, and the next rank counts them
    /// all: 1, 2, 2, 4.
    pub rank: u64,
    /// The poll's id.
    pub poll_id: String,
    /// The poll's question.
    pub question: String,
    /// The number of people counted, by which the poll is ranked.
    pub total_voters: u64,
    /// How often people marked an option, rated a statement, ranked an option, gave one points or gave a number.
    pub total_votes: u64,
}

/// Makes the leaderboard of these ranks. `poll_of` finds the texts; a poll it does not know is left
/// out.
pub fn leaderboard(
    version: u64,
    options: &[Ranked],
    polls: &[Ranked],
    poll_of: impl Fn(PollId) -> Option<Arc<Poll>>,
) -> LeaderboardView {
    let option = |ranked: &Ranked| {
        let contender = ranked.contender;
        let poll = poll_of(contender.poll)?;
        Some(RankedOption {
            rank: ranked.rank,
            poll_id: contender.poll.to_string(),
            question: poll.question.clone(),
            option_id: contender.row,
            option: poll.kind.text_of(contender.row)?.to_owned(),
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
    /// Returns the first `limit` places of each list.
    pub fn cut(&self, limit: usize) -> Self {
        let first = |len: usize| limit.min(len);
        Self {
            version: self.version,
            options: self.options[..first(self.options.len())].to_vec(),
            polls: self.polls[..first(self.polls.len())].to_vec(),
        }
    }

    /// Whether both show the same places, whatever their versions.
    pub fn same_places(&self, other: &Self) -> bool {
        self.options == other.options && self.polls == other.polls
    }
}

/// A `RankMove` is an option's change of rank between two versions of the leaderboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RankMove)]
pub struct RankMove {
    /// The id of the option's poll.
    pub poll_id: String,
    /// The option's id in the poll.
    pub option_id: u8,
    /// The rank that it had; null if it was not on the leaderboard.
    #[schema(required)]
    pub from: Option<u64>,
    /// The rank that it has; null if it left the leaderboard.
    #[schema(required)]
    pub to: Option<u64>,
}

/// Returns the options whose rank changed: first those on the board, in its order, then those that
/// left.
pub fn moves(before: &LeaderboardView, after: &LeaderboardView) -> Vec<RankMove> {
    let key = |o: &RankedOption| (o.poll_id.clone(), o.option_id);
    let mut left: BTreeMap<(String, RowId), u64> =
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
