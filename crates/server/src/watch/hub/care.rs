//! How the hub looks after its viewers while they watch, and sends them away when the server stops.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::{Instant, sleep, timeout};

use super::Hub;
use super::tick::fan_out;
use crate::watch::frame::Close;
use crate::watch::viewer::{Life, Sink, Viewer};

impl Hub {
    /// Pings silent viewers, gives up on those that do not answer or whose socket takes nothing,
    /// and puts polls that nobody uses on the shelf.
    pub(super) async fn look_after(&self) {
        let silence = self.limits.silence;
        loop {
            sleep(silence / 8).await;
            fan_out(&self.seats.all, |viewer| self.look_at(viewer, Instant::now())).await;
            self.put_down_idle().await;
        }
    }

    fn look_at(&self, viewer: &Viewer, now: Instant) {
        let silence = self.limits.silence;
        let mut state = viewer.state.lock();
        if state.blocked.is_some_and(|since| now - since >= silence) {
            state.life = Life::Dead;
            return viewer.waker.wake();
        }
        match viewer.sink {
            Sink::Socket(_) if now - state.heard >= 2 * silence => {
                state.end(Close::SILENT);
            }
            _ if now - state.heard >= silence && !state.asked => {
                (state.ping, state.asked) = (true, true);
            }
            _ => return,
        }
        viewer.pump(&mut state);
    }

    pub(super) async fn send_away(&self) {
        self.seats.leaving.store(true, Ordering::SeqCst);
        let away = async {
            let end = |viewer: &Arc<Viewer>| {
                let mut state = viewer.state.lock();
                state.end(Close::AWAY);
                viewer.pump(&mut state);
            };
            fan_out(&self.seats.all, end).await;
            while self.viewers() > 0 {
                self.due.changed.notified().await;
            }
        };
        // A viewer that has not left by then loses its connection when the process ends.
        let _ = timeout(self.limits.goodbye, away).await;
    }
}
