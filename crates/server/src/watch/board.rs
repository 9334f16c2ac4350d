//! The leaderboard, kept by looking only at the polls that changed.
//!
//! Ten thousand open polls may have a million rows, and ranking them all every tick would cost
//! more than everything else. Whoever is not on the board is no better than its last place. So as
//! long as the last place did not get worse, ranking the board together with what changed gives the
//! same result as ranking everything. When it did get worse, everything is ranked.

use std::collections::BTreeSet;

use pollux_core::id::PollId;
use pollux_core::leaderboard::{Contender, Ranked, rank};
use pollux_core::standing::Standing;

use super::view;

/// A board is one ranking, of rows or of polls.
#[derive(Default)]
pub(super) struct Board {
    places: usize,
    ranked: Vec<Ranked>,
}

impl Board {
    /// Makes an empty ranking with this many places.
    pub fn new(places: usize) -> Self {
        Self { places, ranked: Vec::new() }
    }

    /// Returns the ranking, best first.
    pub fn ranked(&self) -> &[Ranked] {
        &self.ranked
    }

    /// Lets the polls in `changed` contend with `with` and nothing else from now on. `all` yields
    /// every contender there is, and is called only if that is needed.
    pub fn update<I: IntoIterator<Item = Contender>>(
        &mut self,
        changed: &BTreeSet<PollId>,
        with: impl IntoIterator<Item = Contender>,
        all: impl FnOnce() -> I,
    ) {
        let outsiders = self.ranked.len() == self.places;
        let last = self.ranked.last().map(|r| r.contender);
        let kept = self.ranked.iter().map(|r| r.contender).filter(|c| !changed.contains(&c.poll));
        let candidates: Vec<_> = kept.chain(with).collect();
        let ranked = rank(candidates, self.places);
        let worse = match (last, ranked.last()) {
            (Some(old), Some(new)) => {
                ranked.len() < self.places || order(&new.contender) > order(&old)
            }
            _ => true,
        };
        self.ranked = if outsiders && worse { rank(all(), self.places) } else { ranked };
    }
}

/// The order that [`rank`] sorts by; smaller is better.
fn order(c: &Contender) -> impl Ord + use<> {
    (std::cmp::Reverse(c.votes), c.poll, c.row)
}

/// Returns the counts of a poll's rows that contend, if the poll may be on the board and its kind
/// has such rows.
pub(super) fn counts(standing: &Standing) -> Vec<u64> {
    let contend = view::contends(&standing.poll) && standing.poll.kind.ranks_rows();
    if contend { standing.counts() } else { Vec::new() }
}

/// Returns the rows of a poll as contenders with these counts.
pub(super) fn rows(poll: PollId, counts: &[u64]) -> impl Iterator<Item = Contender> {
    (1..).zip(counts).map(move |(row, &votes)| Contender { poll, row, votes, marks: votes })
}

/// Returns the poll itself as a contender, by its voters, so that polls of all kinds can be
/// compared.
pub(super) fn poll(standing: &Standing) -> Option<Contender> {
    view::contends(&standing.poll).then(|| Contender {
        poll: standing.poll.id,
        row: 0,
        votes: standing.total_voters(),
        marks: standing.total_votes(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use pollux_core::id::UnixMillis;
    use proptest::prelude::*;

    use super::*;

    fn id(n: u64) -> PollId {
        PollId::new(UnixMillis(n), [0; 10])
    }

    proptest! {
        #[test]
        fn ranking_what_changed_equals_ranking_everything(
            places in 1_usize..6,
            steps in prop::collection::vec(
                prop::collection::vec((0_u64..8, prop::option::of(prop::collection::vec(0_u64..6, 1..4))), 1..4),
                1..40,
            ),
        ) {
            let mut world: BTreeMap<PollId, Vec<u64>> = BTreeMap::new();
            let mut board = Board::new(places);
            let of = |poll: PollId, counts: &Vec<u64>| -> Vec<Contender> {
                rows(poll, counts).collect()
            };
            for step in steps {
                let mut changed = BTreeSet::new();
                for (n, counts) in step {
                    changed.insert(id(n));
                    match counts {
                        Some(counts) => world.insert(id(n), counts),
                        None => world.remove(&id(n)),
                    };
                }
                let with: Vec<_> = changed
                    .iter()
                    .filter_map(|p| world.get(p).map(|counts| of(*p, counts)))
                    .flatten()
                    .collect();
                let all: Vec<_> = world.iter().flat_map(|(p, counts)| of(*p, counts)).collect();
                board.update(&changed, with, || all.clone());
                prop_assert_eq!(board.ranked(), &rank(all, places)[..]);
            }
        }
    }
}
