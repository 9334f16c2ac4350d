//! Screens on both nodes each follow every poll and remember what they were shown: within an epoch no version
//! may go back, and the last state must be the final tally. A screen whose socket ends opens another one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::sockets::Socket;

/// Each node has this many screens.
const SCREENS: usize = 2;
/// A screen waits for a message no longer than this; a server pings a silent socket sooner.
const SILENCE: Duration = Duration::from_secs(60);

/// `Shown` is what one screen was shown.
#[derive(Default)]
pub struct Shown {
    pub node: String,
    epoch: Value,
    /// The latest state of each poll in this epoch.
    pub polls: BTreeMap<String, Value>,
    /// The versions that went back.
    pub went_back: Vec<String>,
    states: u64,
    reconnects: u64,
    /// The time of the latest new state, and the longest time between two.
    seen: Option<(Instant, Duration)>,
}

impl Shown {
    fn take(&mut self, message: &Value) {
        match message["type"].as_str() {
            Some("hello") => {
                if self.epoch != message["epoch"] {
                    self.epoch = message["epoch"].clone();
                    self.polls.clear();
                }
                for poll in message["polls"].as_array().into_iter().flatten() {
                    self.state(poll);
                }
            }
            Some("poll.created" | "poll.updated" | "poll.closed") => self.state(&message["poll"]),
            _ => {}
        }
    }

    fn state(&mut self, poll: &Value) {
        let id = poll["id"].as_str().unwrap_or_default().to_owned();
        let (before, now) = (self.polls.get(&id), poll["version"].as_u64());
        let version = before.and_then(|poll| poll["version"].as_u64());
        if now < version {
            let (node, epoch) = (&self.node, &self.epoch);
            self.went_back.push(format!("{node}, epoch {epoch}: {id} {version:?} then {now:?}"));
        }
        if now > version {
            let (last, longest) = self.seen.unwrap_or((Instant::now(), Duration::ZERO));
            self.seen = Some((Instant::now(), longest.max(last.elapsed())));
        }
        self.states += 1;
        self.polls.insert(id, poll.clone());
    }
}

/// `Screens` owns all screens.
pub struct Screens {
    all: Vec<(Arc<Mutex<Shown>>, JoinHandle<()>)>,
}

impl Screens {
    /// Starts screens on each node, given by name and port.
    pub fn start(runtime: &Handle, nodes: &[(&str, u16)], polls: &[String]) -> Self {
        let query = polls.iter().map(|id| format!("poll={id}")).collect::<Vec<_>>().join("&");
        let seats = nodes.iter().flat_map(|node| std::iter::repeat_n(node, SCREENS));
        let screens = seats.map(|(node, port)| {
            let shown = Shown { node: (*node).to_owned(), ..Shown::default() };
            let shown = Arc::new(Mutex::new(shown));
            let watching = watch(*port, query.clone(), shown.clone());
            (shown, runtime.spawn(watching))
        });
        Self { all: screens.collect() }
    }

    /// Returns the longest that any screen has stood still.
    pub fn stood_still(&self) -> Duration {
        let still = |shown: &Shown| {
            shown.seen.map_or(Duration::MAX, |(last, longest)| longest.max(last.elapsed()))
        };
        self.all.iter().map(|(shown, _)| still(&shown.lock())).max().unwrap_or_default()
    }

    /// Shows `look` what each screen was shown so far.
    pub fn each(&self, mut look: impl FnMut(&Shown)) {
        for (shown, _) in &self.all {
            look(&shown.lock());
        }
    }

    /// Returns the number of states that were shown, and of sockets that were opened again.
    pub fn counts(&self) -> (u64, u64) {
        let mut counts = (0, 0);
        self.each(|shown| {
            counts.0 += shown.states;
            counts.1 += shown.reconnects;
        });
        counts
    }
}

impl Drop for Screens {
    fn drop(&mut self) {
        for (_, watching) in &self.all {
            watching.abort();
        }
    }
}

async fn watch(port: u16, query: String, shown: Arc<Mutex<Shown>>) {
    loop {
        if let Ok(mut socket) = Socket::open(port, &query).await {
            while let Ok(message) = socket.next(SILENCE).await {
                shown.lock().take(&message);
            }
        }
        shown.lock().reconnects += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
