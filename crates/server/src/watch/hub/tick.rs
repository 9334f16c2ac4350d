//! The tick sends what has changed to those who watch it.
//!
//! A poll's first change is sent at once. Further changes are sent together, at most once every
//! [`WatchLimits::tick`](crate::config::WatchLimits::tick). If sending takes longer than that,
//! ticks are further apart and viewers skip standings; nothing is queued. The numbers of a large
//! poll are sent less often; see [`BYTES_A_SECOND`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use pollux_core::id::PollId;
use pollux_core::poll::PollStatus;
use pollux_core::standing::Shown;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Hub;
use crate::watch::entry::{EntryState, PollEntry};
use crate::watch::overview;
use crate::watch::places::{Places, SeatNumber};
use crate::watch::view::{self, Audience};
use crate::watch::viewer::Viewer;

/// The number of viewers served, or of polls looked at, before other tasks have their turn on the
/// CPU.
pub(super) const CHUNK: usize = 128;

/// The bytes of one poll that a viewer is sent in a second, at most. A poll with many words takes
/// tens of kilobytes, and ten of those a second are too much for a phone. A change of the poll
/// itself does not wait for that, such as its end, or a word that is hidden.
const BYTES_A_SECOND: usize = 64 << 10;

/// Returns the time for which a viewer who was sent so many bytes is sent no more numbers.
fn calm(bytes: usize) -> Duration {
    Duration::from_millis(bytes as u64 * 1_000 / BYTES_A_SECOND as u64)
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
        let due: Vec<_> = {
            let mut dirty = self.due.polls.lock();
            let later = dirty.split_off(&(now, PollId(uuid::Uuid::max())));
            std::mem::replace(&mut *dirty, later).into_values().collect()
        };
        for (i, entry) in due.iter().enumerate() {
            let decided = self.tick_poll(entry, now);
            self.fan_out_to(&entry.viewers, |viewer| viewer.offer(entry)).await;
            self.figures.latency.sent(decided);
            if i % CHUNK == CHUNK - 1 {
                tokio::task::yield_now().await;
            }
        }
        for entry in self.due_agendas(Instant::now()) {
            self.fan_out_to(&entry.viewers, |viewer| self.offer_event(viewer)).await;
        }
        if !due.is_empty() {
            now = Instant::now();
        }
        let overview = self.tick_overview(now);
        let board = self.tick_board(now);
        if overview || board {
            fan_out(&self.seats.general, |viewer| viewer.pump(&mut viewer.state.lock())).await;
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

    /// Plans the next tick of a poll that has changed, either in itself (`poll`) or in its numbers.
    pub(super) fn plan_tick(&self, entry: &Arc<PollEntry>, state: &mut EntryState, poll: bool) {
        let now = Instant::now();
        let next = if poll { state.next_at } else { state.next_at.max(state.calm_until) };
        let at = next.map_or(now, |at| at.max(now));
        if state.due.is_some_and(|due| due <= at) {
            return;
        }
        let mut polls = self.due.polls.lock();
        if let Some(due) = state.due.replace(at) {
            polls.remove(&(due, entry.id));
        }
        polls.insert((at, entry.id), entry.clone());
        drop(polls);
        self.due.changed.notify_one();
    }

    /// Makes the poll's newest standing the one that is sent. Returns when those measured ballots
    /// were acknowledged that this standing has decided.
    fn tick_poll(&self, entry: &Arc<PollEntry>, now: Instant) -> Vec<Instant> {
        let mut state = entry.state.lock();
        state.due = None;
        state.next_at = Some(now + self.limits.tick);
        state.calm_until = Some(now + calm(state.size()));
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
            overview.due = Some(now + self.limits.tick);
        }
        let watched = !self.seats.general.lock().is_empty();
        overview::advance(&self.shared.overview, watched.then_some(self.limits.overview));
        watched
    }

    /// Calls `each` for every viewer in these seats, and lets other tasks run after each chunk.
    async fn fan_out_to(&self, seats: &Mutex<Places<SeatNumber>>, each: impl Fn(&Arc<Viewer>)) {
        let (mut chunk, mut viewers, mut from) = (Vec::new(), Vec::new(), Some(0));
        while let Some(start) = from {
            from = seats.lock().chunk(start, CHUNK, &mut chunk);
            self.seats.find(&chunk, &mut viewers);
            viewers.iter().for_each(&each);
            viewers.clear();
            if from.is_some() {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Calls `each` for every one of these viewers, and lets other tasks run after each chunk.
pub(super) async fn fan_out(viewers: &Mutex<Places<Arc<Viewer>>>, each: impl Fn(&Arc<Viewer>)) {
    let (mut chunk, mut from) = (Vec::new(), Some(0));
    while let Some(start) = from {
        from = viewers.lock().chunk(start, CHUNK, &mut chunk);
        chunk.iter().for_each(&each);
        chunk.clear();
        if from.is_some() {
            tokio::task::yield_now().await;
        }
    }
}
