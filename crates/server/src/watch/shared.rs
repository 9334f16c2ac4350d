//! What many viewers are sent alike: the stream of everything, the leaderboard, and the greeting of
//! viewers of everything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use pollux_core::id::PollId;
use serde::Serialize;
use tokio::time::Instant;

use super::board::Board;
use super::entry::{EntryState, PollEntry};
use super::frame::{Message, MessageType};
use super::overview::{Overview, TickFrames};
use super::view::leaderboard::{self, LeaderboardView, RankMove};
use crate::config::WatchLimits;

/// `Shared` holds what is sent alike.
pub(super) struct Shared {
    /// The name of the hub's life.
    pub epoch: String,
    /// The stream of everything. Its lock is held for a look or a change, never while a poll is
    /// encoded.
    pub overview: Mutex<Overview>,
    /// The rankings of rows and of polls. Only the tick takes this lock; polls may be locked
    /// meanwhile.
    pub ranking: Mutex<[Board; 2]>,
    /// The leaderboard as it is shown. Its lock is held for a look or a change.
    pub board: Mutex<BoardState>,
    /// The greeting for a viewer of everything; it holds for one tick, or until `changes` grows.
    pub greeting: Mutex<Option<Greeting>>,
    /// The number of times that a state became visible. It is raised under the lock of what
    /// changed, so a viewer who was shown the new state is not greeted with an older one later.
    pub changes: AtomicU64,
}

/// `BoardState` is the leaderboard and what is known about its next tick.
pub(super) struct BoardState {
    /// The polls that contend, or did, and have changed since the last tick.
    pub dirty: BTreeSet<PollId>,
    pub due: Option<Instant>,
    /// The polls that have a place on it.
    pub ranked: BTreeSet<PollId>,
    pub view: Arc<LeaderboardView>,
    pub shown: Arc<ShownBoard>,
}

/// `ShownBoard` is the leaderboard as sockets and streams are sent it.
pub(super) struct ShownBoard {
    pub version: u64,
    pub json: Bytes,
    pub view: LeaderboardView,
    /// The message that is sent; `None` before the first change.
    pub message: Option<Message>,
}

/// A greeting is sent to viewers of everything, for as long as it holds.
#[derive(Clone)]
pub(super) struct Greeting {
    pub until: Instant,
    pub changes: u64,
    pub cursor: u64,
    pub board: u64,
    pub message: Message,
}

impl Shared {
    pub fn new(epoch: String, limits: &WatchLimits) -> Self {
        let view = LeaderboardView::default();
        let json = serde_json::to_vec(&view).expect("a view is always JSON");
        let shown = ShownBoard { version: 0, json: json.into(), view, message: None };
        Self {
            epoch,
            overview: Mutex::default(),
            ranking: Mutex::new([limits.leaderboard; 2].map(Board::new)),
            board: Mutex::new(BoardState {
                dirty: BTreeSet::new(),
                due: None,
                ranked: BTreeSet::new(),
                view: Arc::default(),
                shown: Arc::new(shown),
            }),
            greeting: Mutex::default(),
            changes: AtomicU64::new(0),
        }
    }

    /// Returns the leaderboard as of the last tick, cut to `limit` places.
    pub fn leaderboard(&self, limit: usize) -> LeaderboardView {
        let view = self.board.lock().view.clone();
        view.cut(limit)
    }

    /// Drops outdated JSON, so that this poll is shown as it is even before its tick.
    pub fn renew(&self, poll: &mut EntryState) {
        if poll.renew() {
            self.changes.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Withdraws what was encoded for many viewers and not sent to all of them yet, because a poll no longer shows
    /// something that it showed before.
    pub fn withdraw(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.overview.lock().withdraw();
    }

    /// Makes the first message of a connection.
    pub fn hello(
        &self,
        event: Option<&[u8]>,
        polls: &[Bytes],
        board: Option<&ShownBoard>,
    ) -> Message {
        let start = format!("{{\"type\":\"hello\",\"epoch\":\"{}\"", self.epoch);
        let mut parts: Vec<&[u8]> = vec![start.as_bytes()];
        if let Some(event) = event {
            parts.extend([b",\"event\":", event]);
        }
        parts.push(b",\"polls\":[");
        for (i, poll) in polls.iter().enumerate() {
            if i > 0 {
                parts.push(b",");
            }
            parts.push(poll);
        }
        parts.push(b"],\"leaderboard\":");
        parts.push(board.map_or(b"null", |board| &board.json));
        parts.push(b"}");
        Message::text(MessageType::Hello, 0, &parts)
    }

    /// Returns the first poll that changed after this place of the stream, and that poll's place.
    pub fn overview_after(&self, cursor: u64) -> Option<(u64, Arc<PollEntry>)> {
        let overview = self.overview.lock();
        if overview.head <= cursor {
            return None;
        }
        overview.recent.range(cursor + 1..).next().map(|(seq, entry)| (*seq, entry.clone()))
    }

    /// Returns the frames of the last tick, for a viewer who had come as far as `cursor` before it.
    pub fn overview_batch(&self, cursor: u64) -> Option<TickFrames> {
        let overview = self.overview.lock();
        let (from, batch) = overview.batch.as_ref()?;
        (*from == cursor && !batch.is_empty()).then(|| batch.clone())
    }

    /// Returns the leaderboard as sockets and streams are sent it.
    pub fn shown_board(&self) -> Arc<ShownBoard> {
        self.board.lock().shown.clone()
    }
}

impl ShownBoard {
    /// Makes what is sent of a leaderboard that has changed.
    pub fn after(before: &Self, view: LeaderboardView) -> Self {
        /// `Rest` is the rest of the message, without the leaderboard itself.
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Rest {
            since_version: u64,
            changes: Vec<RankMove>,
        }
        let changes = leaderboard::moves(&before.view, &view);
        let rest = Rest { since_version: before.version, changes };
        let json = serde_json::to_vec(&view).expect("a view is always JSON");
        let rest = serde_json::to_vec(&rest).expect("numbers and ids are always JSON");
        let start: &[u8] = b"{\"type\":\"leaderboard.changed\",\"leaderboard\":";
        let parts = [start, &json, b",", &rest[1..]];
        let message = Some(Message::text(MessageType::Leaderboard, view.version, &parts));
        Self { version: view.version, json: json.into(), view, message }
    }
}
