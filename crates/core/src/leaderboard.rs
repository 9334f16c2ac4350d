//! The leaderboard ranks rows of results, or whole polls, over all open polls.

use crate::id::PollId;
use crate::kind::RowId;

/// A contender is a row of a poll, or a poll, to be ranked. Polls sort by age because their ids are
/// UUIDv7s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contender {
    /// The poll.
    pub poll: PollId,
    /// The row of the poll's result; 0 where polls themselves are ranked.
    pub row: RowId,
    /// The number it is ranked by: the votes in a row, the voters of a poll.
    pub votes: u64,
    /// The number of marks counted, which is shown beside the rank. A poll in which an answer may
    /// have several marks can have more marks than voters.
    pub marks: u64,
}

/// `Ranked` is a contender with its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// The rank, from 1; equal votes share a rank and the next one skips (1, 1, 3).
    pub rank: u64,
    /// The contender.
    pub contender: Contender,
}

/// Returns the first `limit` of the contenders. More votes come first; among equal votes the older
/// poll, then the upper row.
pub fn rank(contenders: impl IntoIterator<Item = Contender>, limit: usize) -> Vec<Ranked> {
    let key = |c: &Contender| (std::cmp::Reverse(c.votes), c.poll, c.row);
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
