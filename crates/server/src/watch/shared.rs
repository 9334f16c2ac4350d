//! What many viewers are sent alike: the stream of everything, the leaderboard, and how a viewer of
//! everything is greeted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use pollux_core::id::PollId;
use tokio::time::Instant;

use super::board::Board;
use super::entry::{Entry, EntryState};
use super::frame::{Message, MessageType};
use super::hub::Hub;
use super::overview::{Batch, Overview};
use super::view::LeaderboardView;
use crate::config::WatchLimits;

/// What is sent alike.
pub(super) struct Shared {
    /// Names the hub's life.
    pub epoch: String,
    /// The stream of everything. Held for a look or a change, never while a poll is encoded.
    pub overview: Mutex<Overview>,
    /// Of options and of polls; held by the tick alone, polls may be locked meanwhile.
    pub ranking: Mutex<[Board; 2]>,
    /// The leaderboard as it is shown. Held for a look or a change.
    pub board: Mutex<BoardState>,
    /// What a viewer of everything is greeted with, for one tick or until there is news.
    pub greeting: Mutex<Option<Greeting>>,
    /// Counts the news: states that somebody may have been shown. Raised under the lock of what
    /// is news, so that whoever was shown it is not greeted with anything older later on.
    pub news: AtomicU64,
}

/// The leaderboard.
pub(super) struct BoardState {
    /// Polls that contend, or did, and changed since.
    pub dirty: BTreeSet<PollId>,
    pub due: Option<Instant>,
    /// Polls that have a place on it.
    pub ranked: BTreeSet<PollId>,
    pub view: Arc<LeaderboardView>,
    pub shown: Arc<ShownBoard>,
}

/// The leaderboard as sockets and streams are sent it.
pub(super) struct ShownBoard {
    pub version: u64,
    pub json: Bytes,
    pub view: LeaderboardView,
    /// None before the first change.
    pub message: Option<Message>,
}

/// What a viewer of everything is greeted with, and for how long that is true.
#[derive(Clone)]
pub(super) struct Greeting {
    pub until: Instant,
    pub news: u64,
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
            news: AtomicU64::new(0),
        }
    }
}

impl Hub {
    /// The leaderboard as of the last tick, cut to `limit` places.
    pub fn leaderboard(&self, limit: usize) -> LeaderboardView {
        let view = self.shared.board.lock().view.clone();
        view.cut(limit)
    }

    /// From now on this poll is shown as it is, before its tick.
    pub(super) fn renew(&self, poll: &mut EntryState) {
        if poll.renew() {
            self.shared.news.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The first message of a connection.
    pub(super) fn hello(
        &self,
        event: Option<&[u8]>,
        polls: &[Bytes],
        board: Option<&ShownBoard>,
    ) -> Message {
        let start = format!("{{\"type\":\"hello\",\"epoch\":\"{}\"", self.shared.epoch);
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

    /// Who changed first after this place of the stream, and the place of that.
    pub(super) fn overview_after(&self, cursor: u64) -> Option<(u64, Arc<Entry>)> {
        let overview = self.shared.overview.lock();
        if overview.head <= cursor {
            return None;
        }
        overview.recent.range(cursor + 1..).next().map(|(seq, entry)| (*seq, entry.clone()))
    }

    /// What the last tick brought, for whoever had come as far as this place before it.
    pub(super) fn overview_batch(&self, cursor: u64) -> Option<Batch> {
        let overview = self.shared.overview.lock();
        let (from, batch) = overview.batch.as_ref()?;
        (*from == cursor && !batch.is_empty()).then(|| batch.clone())
    }

    /// The leaderboard as sockets and streams are sent it.
    pub(super) fn shown_board(&self) -> Arc<ShownBoard> {
        self.shared.board.lock().shown.clone()
    }
}
