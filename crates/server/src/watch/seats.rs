//! The seats of viewers, and the lists by which viewers are found.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;

use super::places::{Places, SeatNumber};
use super::recent::Recent;
use super::viewer::{BrowserId, Viewer};
use crate::config::WatchLimits;

/// `Seats` holds all viewers. A lock is held to find or list some of them; no viewer's own lock is
/// taken meanwhile.
pub(super) struct Seats {
    /// The viewers by the numbers of their seats.
    pub all: Mutex<Places<Arc<Viewer>>>,
    /// The viewers of everything or of the leaderboard.
    pub general: Mutex<Places<Arc<Viewer>>>,
    /// The viewers with a browser id. The number of the seat tells the tabs of one browser apart.
    pub known: Mutex<BTreeMap<(BrowserId, SeatNumber), Arc<Viewer>>>,
    /// The voters of the last moments.
    pub recent: Mutex<Recent>,
    /// Whether the server is stopping. It is set once and never cleared.
    pub leaving: AtomicBool,
}

impl Seats {
    /// Makes empty seats.
    pub fn new(limits: &WatchLimits) -> Self {
        Self {
            all: Mutex::default(),
            general: Mutex::default(),
            known: Mutex::default(),
            recent: Mutex::new(Recent::new(limits.recent_voters)),
            leaving: AtomicBool::new(false),
        }
    }

    /// Puts the viewers in these seats into `viewers`, without those that have left.
    pub fn find(&self, seats: &[SeatNumber], viewers: &mut Vec<Arc<Viewer>>) {
        let all = self.all.lock();
        viewers.extend(seats.iter().filter_map(|seat| all.get(*seat).cloned()));
    }

    /// Returns the viewers that came with this browser id.
    pub fn of_browser(&self, browser_id: BrowserId) -> Vec<Arc<Viewer>> {
        let seats = (browser_id, 0)..=(browser_id, SeatNumber::MAX);
        self.known.lock().range(seats).map(|(_, viewer)| viewer.clone()).collect()
    }
}
