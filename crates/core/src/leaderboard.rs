//! The global ranking: which options, and which polls, lead over all open polls.

use crate::id::PollId;
use crate::kind::choice::OptionId;

/// One thing to be ranked. Polls sort by age because their ids are UUIDv7s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contender {
    /// The poll.
    pub poll: PollId,
    /// The option in it; 0 where polls themselves are ranked.
    pub option: OptionId,
    /// What it is ranked by: the votes for an option, the voters of a poll.
    pub votes: u64,
    /// The marks counted, which are told beside it: those of a poll whose voters may set several, or
    /// rate several statements, are more than its voters.
    pub marks: u64,
}

/// A contender and the rank it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// From 1; equal votes share a rank and the next one skips (1, 1, 3).
    pub rank: u64,
    /// Who.
    pub contender: Contender,
}

/// The first `limit` of the contenders. More votes first; within equal votes the older poll,
/// then the lower option.
pub fn rank(contenders: impl IntoIterator<Item = Contender>, limit: usize) -> Vec<Ranked> {
    let key = |c: &Contender| (std::cmp::Reverse(c.votes), c.poll, c.option);
    let mut all: Vec<_> = contenders.into_iter().collect();
    if limit == 0 {
        return Vec::new();
    }
    if all.len() > limit {
        all.select_nth_unstable_by_key(limit - 1, key);
        all.truncate(limit);
    }
    all.sort_unstable_by_key(key);
    let mut ranked: Vec<Ranked> = Vec::with_capacity(all.len());
    for (i, contender) in all.into_iter().enumerate() {
        let rank = match ranked.last() {
            Some(above) if above.contender.votes == contender.votes => above.rank,
            _ => i as u64 + 1,
        };
        ranked.push(Ranked { rank, contender });
    }
    ranked
}
