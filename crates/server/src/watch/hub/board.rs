//! The leaderboard of the hub, ranked anew at each tick.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pollux_core::id::PollId;
use pollux_core::leaderboard::Contender;
use tokio::time::Instant;

use super::Hub;
use crate::watch::board;
use crate::watch::shared::ShownBoard;
use crate::watch::view::leaderboard::{self, LeaderboardView};

impl Hub {
    /// Returns the leaderboard as of the last tick, cut to `limit` places.
    pub fn leaderboard(&self, limit: usize) -> LeaderboardView {
        self.shared.leaderboard(limit)
    }

    /// Ranks the polls that changed. Returns whether there is something to send.
    pub(super) fn tick_board(&self, now: Instant) -> bool {
        let changed = {
            let mut board = self.shared.board.lock();
            if board.dirty.is_empty() || board.due.is_some_and(|at| now < at) {
                return false;
            }
            board.due = Some(now + self.limits.tick);
            std::mem::take(&mut board.dirty)
        };
        let (rows, polls) = self.contenders(changed.iter().copied());
        let mut ranking = self.shared.ranking.lock();
        let [by_row, by_poll] = &mut *ranking;
        by_row.update(&changed, rows, || self.contenders(self.polls.oldest()).0);
        by_poll.update(&changed, polls, || self.contenders(self.polls.oldest()).1);
        let ranked = by_row.ranked().iter().chain(by_poll.ranked());
        let ranked: BTreeSet<_> = ranked.map(|ranked| ranked.contender.poll).collect();
        // The texts of shelved polls are in the store, so the board lacks them until they are read
        // back. A poll first appears among the board's last places, which are not sent, so its
        // texts arrive before it is shown.
        self.polls.shelf.seek(ranked.iter().copied());
        let mut board = self.shared.board.lock();
        board.ranked = ranked;
        let version = board.view.version + 1;
        let poll_of = |id| self.poll(id);
        let view = leaderboard::leaderboard(version, by_row.ranked(), by_poll.ranked(), poll_of);
        if view.same_places(&board.view) {
            return false;
        }
        let shown = view.cut(self.limits.leaderboard_sent);
        board.view = Arc::new(view);
        let differs = !shown.same_places(&board.shown.view);
        if differs {
            board.shown = Arc::new(ShownBoard::after(&board.shown, shown));
            self.shared.changes.fetch_add(1, Ordering::SeqCst);
        }
        differs
    }

    /// Returns the rows and the polls, among those with these ids, that contend for a rank.
    fn contenders(
        &self,
        ids: impl IntoIterator<Item = PollId>,
    ) -> (Vec<Contender>, Vec<Contender>) {
        let (mut rows, mut polls) = (Vec::new(), Vec::new());
        for id in ids {
            let Some(entry) = self.polls.entry(id) else {
                self.polls.shelf.contend(id, &mut rows, &mut polls);
                continue;
            };
            let state = entry.state.lock();
            rows.extend(board::rows(id, &board::counts(&state.standing)));
            polls.extend(board::poll(&state.standing));
        }
        (rows, polls)
    }
}
