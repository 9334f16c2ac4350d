//! The world is a hub with a few polls, without a log or a store.

use std::sync::Arc;

use pollux_core::announcement::Announcement;
use pollux_core::gate::Gate;
use pollux_core::id::{Generation, Partition, PollId, UnixMillis};
use pollux_core::poll::{Draft, Poll, PollStatus, Results, Turnout};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::Tally;
use pollux_server::ambient::{Ambient, SharedAmbient};
use pollux_server::config::WatchLimits;
use pollux_server::watch::hub::Hub;
use pollux_server::watch::stream::EventStream;
use pollux_server::watch::viewer::Interest;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// Every test here takes place at this moment.
pub const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
/// Every hub here has this many partitions.
pub const PARTITIONS: u32 = 3;

/// `Still` is a clock that stands still, with dice that always fall the same.
pub struct Still;

impl Ambient for Still {
    fn now(&self) -> UnixMillis {
        NOW
    }
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// `World` is a running hub, whose tick ends with it.
pub struct World {
    pub hub: Arc<Hub>,
    pub stop: CancellationToken,
    pub running: tokio::task::JoinHandle<()>,
}

impl World {
    /// Starts a hub with these limits.
    pub fn new(limits: WatchLimits) -> Self {
        let ambient: SharedAmbient = Arc::new(Still);
        let hub = Hub::new(PARTITIONS, limits, ambient);
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (hub, stop) = (hub.clone(), stop.clone());
            async move { hub.run(stop).await }
        });
        Self { hub, stop, running }
    }

    /// Makes a listed poll of two options known to the hub.
    pub fn open(&self, n: u64, results: Results) -> Arc<Poll> {
        self.open_as(n, results, true)
    }

    /// Makes a poll of two options known to the hub, listed or not.
    pub fn open_as(&self, n: u64, results: Results, listed: bool) -> Arc<Poll> {
        let poll = poll(n, results, listed);
        self.hub.merge(Standing::new(poll.clone(), PARTITIONS));
        poll
    }

    /// Makes a poll known whose numbers are hidden, except how many have voted.
    pub fn open_with_turnout(&self, n: u64) -> Arc<Poll> {
        let mut poll = poll(n, Results::Hidden, true);
        Arc::make_mut(&mut poll).turnout = Turnout::Shown;
        self.hub.merge(Standing::new(poll.clone(), PARTITIONS));
        poll
    }

    /// Applies a tally of this many votes for each of the two options in this partition.
    pub fn tally(&self, poll: &Poll, partition: Partition, counts: [u64; 2]) {
        self.hub.apply(Announcement::Tally(tally(poll, partition, counts))).unwrap();
    }

    /// Changes the poll and announces it.
    pub fn change(&self, poll: &mut Arc<Poll>, change: impl FnOnce(&mut Poll)) {
        change(Arc::make_mut(poll));
        self.hub.apply(Announcement::Poll(poll.clone())).unwrap();
    }
}

/// Returns an open poll of two options.
pub fn poll(n: u64, results: Results, listed: bool) -> Arc<Poll> {
    let id = PollId::new(UnixMillis(NOW.0 + n), [0; 10]);
    // With turnout hidden, a viewer who does not see the numbers is told of no vote.
    let turnout = Turnout::Hidden;
    let draft =
        Draft { results, turnout, listed, ..Draft::new(format!("Question {n}?"), ["One", "Two"]) };
    let mut poll = Poll::draft(id, draft, [0; 32], NOW).unwrap();
    poll.open(NOW).unwrap();
    poll.code = format!("{:06}", 100_000 + n);
    Arc::new(poll)
}

/// Returns the tally of a partition that has seen the poll's present phase and this many votes.
pub fn tally(poll: &Poll, partition: Partition, counts: [u64; 2]) -> TallyAt {
    let voters = counts[0] + counts[1];
    let phase = poll.phase;
    let changes = voters + u64::from(phase);
    let gate = if poll.status == PollStatus::Open { Gate::Open } else { Gate::Closed };
    TallyAt {
        poll: poll.id,
        partition,
        generation: Generation(poll.id.0),
        next_offset: changes,
        tally: Tally {
            phase,
            round: poll.round,
            gate,
            counts: counts.to_vec(),
            voters,
            changes,
            ..Tally::new()
        },
    }
}

/// Returns the interest of a viewer of this poll alone.
pub fn one(poll: &Poll) -> Interest {
    Interest { polls: vec![poll.id], ..Interest::default() }
}

/// Returns the interest of a viewer of everything.
pub fn everything() -> Interest {
    Interest { everything: true, ..Interest::default() }
}

/// Returns the next message, which must come within the longest pause there is.
pub async fn next(events: &mut EventStream) -> Value {
    let next = tokio::time::timeout(std::time::Duration::from_secs(60), events.next_json());
    serde_json::from_slice(&next.await.expect("a message").unwrap()).unwrap()
}

/// Returns the next message about a poll.
pub async fn next_poll(events: &mut EventStream) -> Value {
    loop {
        let message = next(events).await;
        if message["type"].as_str().unwrap().starts_with("poll.") {
            return message;
        }
    }
}

/// Returns all messages until nothing happens any more; the clock must be paused.
pub async fn rest(events: &mut EventStream) -> Vec<Value> {
    let mut messages = Vec::new();
    let quiet = std::time::Duration::from_secs(3);
    while let Ok(message) = tokio::time::timeout(quiet, next(events)).await {
        messages.push(message);
    }
    messages
}
