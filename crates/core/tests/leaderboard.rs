//! The ranking is compared with a model that sorts everything and compares every pair.

#![allow(clippy::unwrap_used, missing_docs)]

use pollux_core::id::{PollId, UnixMillis};
use pollux_core::leaderboard::{Contender, rank};
use proptest::prelude::*;

fn contender(poll: u64, row: u8, votes: u64) -> Contender {
    Contender { poll: PollId::new(UnixMillis(poll), [0; 10]), row, votes, marks: votes }
}

#[test]
fn equal_votes_share_a_rank_and_the_next_one_skips() {
    let board =
        rank([contender(2, 1, 5), contender(1, 2, 9), contender(1, 1, 5), contender(3, 1, 4)], 10);
    let told: Vec<_> =
        board.iter().map(|r| (r.rank, r.contender.poll.time().0, r.contender.row)).collect();
    assert_eq!(told, [(1, 1, 2), (2, 1, 1), (2, 2, 1), (4, 3, 1)]);
}

#[test]
fn no_places_or_no_contenders_rank_nobody() {
    assert_eq!(rank([contender(1, 1, 1)], 0), []);
    assert_eq!(rank([], 10), []);
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        field in prop::collection::btree_map((0..20_u64, 1..5_u8), 0..6_u64, 0..60),
        limit in 0..70_usize,
    ) {
        let all: Vec<_> = field.iter().map(|((poll, option), votes)| contender(*poll, *option, *votes)).collect();
        let board = rank(all.clone(), limit);
        prop_assert_eq!(board.len(), limit.min(all.len()));
        for place in &board {
            let better = all.iter().filter(|other| other.votes > place.contender.votes).count();
            prop_assert_eq!(place.rank, better as u64 + 1);
        }
        for pair in board.windows(2) {
            let (above, below) = (pair[0].contender, pair[1].contender);
            prop_assert!(
                above.votes > below.votes
                    || above.votes == below.votes && (above.poll, above.row) < (below.poll, below.row)
            );
        }
        for out in all.iter().filter(|c| !board.iter().any(|r| r.contender == **c)) {
            if let Some(last) = board.last() {
                let last = last.contender;
                prop_assert!(out.votes < last.votes
                    || out.votes == last.votes && (out.poll, out.row) > (last.poll, last.row));
            }
        }
    }
}
