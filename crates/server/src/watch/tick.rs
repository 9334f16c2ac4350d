//! The tick sends what has changed to those who watch it. Beside it, the hub looks after silent
//! viewers, and closes all viewers when the server stops.
//!
//! A poll's first change is sent at once. Further changes are sent together, at most once every
//! [`WatchLimits::tick`](crate::config::WatchLimits::tick). If sending takes longer than that,
//! ticks are further apart and viewers skip standings; nothing is queued.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use pollux_core::id::{EventId, PollId};
use pollux_core::leaderboard::Contender;
use pollux_core::poll::PollStatus;
use pollux_core::standing::Shown;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::agenda::AgendaEntry;
use super::board;
use super::entry::PollEntry;
use super::frame::{Close, Message, MessageType};
use super::hub::Hub;
use super::overview;
use super::places::Places;
use super::shared::ShownBoard;
use super::view::{self, Audience, LeaderboardView, RankMove};
use super::viewer::{Life, Viewer};

/// The number of viewers served, or of polls looked at, before other tasks have their turn on the
/// CPU.
pub(super) const CHUNK: usize = 128;

/// The polls and events that wait for their tick, sorted by its time. These locks may be taken
/// while a poll's or an event's lock is held.
#[derive(Default)]
pub(super) struct Due {
    pub polls: Mutex<BTreeMap<(Instant, PollId), Arc<PollEntry>>>,
    pub agendas: Mutex<BTreeMap<(Instant, EventId), Arc<AgendaEntry>>>,
    /// Notified when something new waits, and when a viewer has left.
    pub changed: Notify,
}

impl Hub {
    /// Ticks until `shutdown`, then closes every viewer and waits until all have left, for at most
    /// [`WatchLimits::goodbye`](crate::config::WatchLimits::goodbye).
    pub async fn run(self: &Arc<Self>, shutdown: CancellationToken) {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            ((), ()) = async { tokio::join!(self.tick(), self.look_after()) } => {}
        }
        self.send_away().await;
    }

    async fn tick(&self) {
        loop {
            let next = self.pass().await;
            tokio::select! {
                biased;
                () = self.due.changed.notified() => {}
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
    }

    /// Sends all that is due, and returns the time at which something will be due next.
    async fn pass(&self) -> Option<Instant> {
        let mut now = Instant::now();
        let mut chunk = Vec::with_capacity(CHUNK);
        let due: Vec<_> = {
            let mut dirty = self.due.polls.lock();
            let later = dirty.split_off(&(now, PollId(uuid::Uuid::max())));
            std::mem::replace(&mut *dirty, later).into_values().collect()
        };
        for (i, entry) in due.iter().enumerate() {
            let decided = self.tick_poll(entry, now);
            fan_out(&entry.viewers, &mut chunk, |viewer| viewer.offer(self, entry)).await;
            self.figures.latency.sent(decided);
            if i % CHUNK == CHUNK - 1 {
                tokio::task::yield_now().await;
            }
        }
        for entry in self.due_agendas(Instant::now()) {
            fan_out(&entry.viewers, &mut chunk, |viewer| viewer.offer_event(self)).await;
        }
        if !due.is_empty() {
            now = Instant::now();
        }
        let overview = self.tick_overview(now);
        let board = self.tick_board(now);
        if overview || board {
            let pump = |viewer: &Arc<Viewer>| viewer.pump(self, &mut viewer.state.lock());
            fan_out(&self.seats.general, &mut chunk, pump).await;
        }
        let dirty = self.due.polls.lock().first_key_value().map(|((at, _), _)| *at);
        let agendas = self.due.agendas.lock().first_key_value().map(|((at, _), _)| *at);
        let overview = {
            let overview = self.shared.overview.lock();
            overview.due.filter(|_| !overview.queue.is_empty())
        };
        let board = {
            let board = self.shared.board.lock();
            board.due.filter(|_| !board.dirty.is_empty())
        };
        [dirty, agendas, overview, board].into_iter().flatten().min()
    }

    /// Makes the poll's newest standing the one that is sent. Returns the times at which those
    /// ballots were acknowledged whose latency is measured and which this standing has decided.
    fn tick_poll(&self, entry: &Arc<PollEntry>, now: Instant) -> Vec<Instant> {
        let mut state = entry.state.lock();
        state.dirty = false;
        state.next_at = Some(now + self.limits().tick);
        let decided = self.figures.latency.decided(&state.standing);
        // This version grows with every change that any audience can see.
        let version = state.standing.version(Shown::Numbers);
        if version == state.ticked {
            return Vec::new();
        }
        state.ticked = version;
        self.figures.trends.note(&state.standing, self.ambient.now());
        self.note(&state.standing);
        state.renew();
        self.shared.changes.fetch_add(1, Ordering::SeqCst);
        let poll = &state.standing.poll;
        let listed = poll.listed && (poll.status == PollStatus::Open || state.created_seq > 0);
        // Votes that the public may not see must not show in the pace of messages either.
        let public = state.standing.version(view::shown(poll, Audience::Public));
        let contends = view::contends(poll);
        if contends || state.contended {
            state.contended = contends;
            self.shared.board.lock().dirty.insert(entry.id);
        }
        if listed && public != state.public && !state.queued {
            (state.queued, state.public) = (true, public);
            self.shared.overview.lock().queue.push_back(entry.clone());
        }
        decided
    }

    /// Gives the polls that have changed their new places in the overview. Returns whether there is
    /// something to send.
    fn tick_overview(&self, now: Instant) -> bool {
        {
            let mut overview = self.shared.overview.lock();
            if overview.queue.is_empty() || overview.due.is_some_and(|at| now < at) {
                return false;
            }
            overview.due = Some(now + self.limits().tick);
        }
        let watched = !self.seats.general.lock().is_empty();
        overview::advance(&self.shared.overview, watched.then_some(self.limits().overview));
        watched
    }

    /// Ranks the polls that changed. Returns whether there is something to send.
    fn tick_board(&self, now: Instant) -> bool {
        let changed = {
            let mut board = self.shared.board.lock();
            if board.dirty.is_empty() || board.due.is_some_and(|at| now < at) {
                return false;
            }
            board.due = Some(now + self.limits().tick);
            std::mem::take(&mut board.dirty)
        };
        let (options, polls) = self.contenders(changed.iter().copied());
        let mut ranking = self.shared.ranking.lock();
        let [by_option, by_poll] = &mut *ranking;
        by_option.update(&changed, options, || self.contenders(self.listed()).0);
        by_poll.update(&changed, polls, || self.contenders(self.listed()).1);
        let ranked = by_option.ranked().iter().chain(by_poll.ranked());
        let ranked: BTreeSet<_> = ranked.map(|ranked| ranked.contender.poll).collect();
        // The texts of shelved polls are in the store, so the board lacks them until they are read
        // back. A poll enters the board at its last places, which are not sent.
        self.polls.shelf.seek(ranked.iter().copied());
        let mut board = self.shared.board.lock();
        board.ranked = ranked;
        let version = board.view.version + 1;
        let poll_of = |id| self.poll(id);
        let view = view::leaderboard(version, by_option.ranked(), by_poll.ranked(), poll_of);
        if view.same_places(&board.view) {
            return false;
        }
        let shown = view.cut(self.limits().leaderboard_sent);
        board.view = Arc::new(view);
        let differs = !shown.same_places(&board.shown.view);
        if differs {
            board.shown = Arc::new(ShownBoard::after(&board.shown, shown));
            self.shared.changes.fetch_add(1, Ordering::SeqCst);
        }
        differs
    }

    /// Returns the options and the polls, among those with these ids, that contend for a rank.
    fn contenders(
        &self,
        ids: impl IntoIterator<Item = PollId>,
    ) -> (Vec<Contender>, Vec<Contender>) {
        let (mut options, mut polls) = (Vec::new(), Vec::new());
        for id in ids {
            let Some(entry) = self.entry(id) else {
                self.polls.shelf.contend(id, &mut options, &mut polls);
                continue;
            };
            let state = entry.state.lock();
            options.extend(board::options(id, &board::counts(&state.standing)));
            polls.extend(board::poll(&state.standing));
        }
        (options, polls)
    }

    /// Pings silent viewers, gives up on those that do not answer or whose socket takes nothing,
    /// and puts polls that nobody uses on the shelf.
    async fn look_after(&self) {
        let silence = self.limits().silence;
        loop {
            sleep(silence / 8).await;
            let mut chunk = Vec::with_capacity(CHUNK);
            fan_out(&self.seats.all, &mut chunk, |viewer| self.look_at(viewer, Instant::now()))
                .await;
            self.put_down_idle().await;
        }
    }

    fn look_at(&self, viewer: &Viewer, now: Instant) {
        let silence = self.limits().silence;
        let mut state = viewer.state.lock();
        if state.blocked.is_some_and(|since| now - since >= silence) {
            state.life = Life::Dead;
            return viewer.waker.wake();
        }
        match viewer.sink {
            super::viewer::Sink::Socket(_) if now - state.heard >= 2 * silence => {
                state.end(Close::SILENT);
            }
            _ if now - state.heard >= silence && !state.asked => {
                (state.ping, state.asked) = (true, true);
            }
            _ => return,
        }
        viewer.pump(self, &mut state);
    }

    async fn send_away(&self) {
        self.seats.leaving.store(true, Ordering::SeqCst);
        let away = async {
            let mut chunk = Vec::with_capacity(CHUNK);
            let end = |viewer: &Arc<Viewer>| {
                let mut state = viewer.state.lock();
                state.end(Close::AWAY);
                viewer.pump(self, &mut state);
            };
            fan_out(&self.seats.all, &mut chunk, end).await;
            while self.viewers() > 0 {
                self.due.changed.notified().await;
            }
        };
        // A viewer that has not left by then loses its connection when the process ends.
        let _ = timeout(self.limits().goodbye, away).await;
    }
}

impl ShownBoard {
    fn after(before: &Self, view: LeaderboardView) -> Self {
        /// The rest of the message, without the leaderboard itself.
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Rest {
            since_version: u64,
            changes: Vec<RankMove>,
        }
        let changes = view::moves(&before.view, &view);
        let rest = Rest { since_version: before.version, changes };
        let json = serde_json::to_vec(&view).expect("a view is always JSON");
        let rest = serde_json::to_vec(&rest).expect("numbers and ids are always JSON");
        let start: &[u8] = b"{\"type\":\"leaderboard.changed\",\"leaderboard\":";
        let parts = [start, &json, b",", &rest[1..]];
        let message = Some(Message::text(MessageType::Leaderboard, view.version, &parts));
        Self { version: view.version, json: json.into(), view, message }
    }
}

/// Calls `each` for every one of these viewers, a chunk at a time.
async fn fan_out(
    viewers: &Mutex<Places<Arc<Viewer>>>,
    chunk: &mut Vec<Arc<Viewer>>,
    each: impl Fn(&Arc<Viewer>),
) {
    let mut from = Some(0);
    while let Some(start) = from {
        from = viewers.lock().chunk(start, CHUNK, chunk);
        for viewer in chunk.drain(..) {
            each(&viewer);
        }
        if from.is_some() {
            tokio::task::yield_now().await;
        }
    }
}
