//! The feed misses nothing when it is lost, and asks a store that fails again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::event::Event;
use pollux_core::id::{EventId, Generation, Offset, Partition, PollId};
use pollux_core::poll::{Poll, Results};
use pollux_core::standing::Standing;
use pollux_server::config::WatchLimits;
use pollux_server::watch::feed::{self, Announcements, Pace, Source};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::world::*;

/// `Backend` is a store, and a feed of which every listener has its own end.
#[derive(Default)]
pub struct Backend {
    pub store: Mutex<BTreeMap<PollId, Standing>>,
    listeners: Mutex<Vec<mpsc::UnboundedSender<Announcement>>>,
    failures: Mutex<u32>,
    /// The polls that were read one by one.
    pub single: Mutex<Vec<PollId>>,
    /// How long it takes to read one poll.
    pub slow: Mutex<Duration>,
}

impl Backend {
    fn fail(&self) -> Result<(), String> {
        let mut failures = self.failures.lock();
        if *failures == 0 {
            return Ok(());
        }
        *failures -= 1;
        Err("planned".into())
    }

    pub fn announce(&self, announcement: Announcement) {
        self.listeners.lock().retain(|listener| listener.send(announcement.clone()).is_ok());
    }
}

/// A `Listener` is a listener's end of the feed.
struct Listener(mpsc::UnboundedReceiver<Announcement>);

#[async_trait]
impl Announcements for Listener {
    async fn next(&mut self) -> Option<Vec<Announcement>> {
        Some(vec![self.0.recv().await?])
    }
}

#[async_trait]
impl Source for Backend {
    async fn join(&self) -> Result<Box<dyn Announcements>, String> {
        self.fail()?;
        let (sender, receiver) = mpsc::unbounded_channel();
        self.listeners.lock().push(sender);
        Ok(Box::new(Listener(receiver)))
    }
    async fn progress(&self) -> Result<Vec<(Partition, Generation, Offset)>, String> {
        self.fail()?;
        Ok(Vec::new())
    }
    async fn open_polls(&self, before: Option<PollId>) -> Result<Vec<Standing>, String> {
        self.fail()?;
        let store = self.store.lock();
        let older = store.values().rev().filter(|one| before.is_none_or(|id| one.poll.id < id));
        let page: Vec<_> = older.take(2).cloned().collect();
        Ok(page)
    }
    async fn standing(&self, id: PollId) -> Result<Option<Standing>, String> {
        self.fail()?;
        self.single.lock().push(id);
        let slow = *self.slow.lock();
        tokio::time::sleep(slow).await;
        Ok(self.store.lock().get(&id).cloned())
    }
    async fn event(&self, _: EventId) -> Result<Option<(Event, Vec<Standing>)>, String> {
        self.fail()?;
        Ok(None)
    }
}

/// Returns a store of seven polls.
fn seven_polls() -> (Arc<Backend>, Vec<Arc<Poll>>) {
    let backend = Backend::default();
    let polls: Vec<_> = (1..=7).map(|n| poll(n, Results::Live, true)).collect();
    for poll in &polls {
        backend.store.lock().insert(poll.id, Standing::new(poll.clone(), PARTITIONS));
    }
    (Arc::new(backend), polls)
}

/// Feeds the hub; of the tokens returned, the first is cancelled once the hub knows everything, and the
/// second ends the feed.
pub fn feed(
    world: &World,
    backend: &Arc<Backend>,
) -> (JoinHandle<()>, CancellationToken, CancellationToken) {
    let pace = Pace { retry: Duration::from_millis(50), reconcile: Duration::from_secs(60) };
    let (loaded, stop) = (CancellationToken::new(), CancellationToken::new());
    let (hub, source) = (world.hub.clone(), backend.clone());
    let running = tokio::spawn(feed::run(hub, source, pace, loaded.clone(), stop.clone()));
    (running, loaded, stop)
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_loaded_a_page_at_a_time() {
    let world = World::new(WatchLimits::default());
    let (backend, polls) = seven_polls();
    let (running, loaded, stop) = feed(&world, &backend);
    loaded.cancelled().await;
    assert_eq!(world.hub.open_polls(), 7, "of pages of two");
    for poll in &polls {
        assert!(world.hub.poll(poll.id).is_some(), "{}", poll.id);
    }
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn past_the_limit_polls_are_known_and_not_read_into_memory() {
    let limits =
        WatchLimits { loaded_polls: 3, leaderboard: 1, overview: 1, ..WatchLimits::default() };
    let world = World::new(limits);
    let (backend, polls) = seven_polls();
    let (running, loaded, stop) = feed(&world, &backend);
    loaded.cancelled().await;
    assert_eq!(world.hub.open_polls(), 7);
    // The oldest poll leads among those without votes, and is read for its place on the leaderboard.
    tokio::time::sleep(Duration::from_secs(150)).await;
    assert_eq!(*backend.single.lock(), [polls[0].id], "two comparisons find nothing new");
    assert_eq!((world.hub.open_polls(), world.hub.loaded_polls()), (7, 3));
    assert_eq!(world.hub.leaderboard(1).polls[0].poll_id, polls[0].id.to_string());

    // A vote that was announced to nobody is found when all polls are compared, and ranks.
    let mut standing = Standing::new(polls[1].clone(), PARTITIONS);
    standing.take_tally(tally(&polls[1], 0, [2, 0]));
    backend.store.lock().insert(polls[1].id, standing);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(world.hub.leaderboard(1).polls[0].total_votes, 2);
    // A poll that was closed meanwhile is open no more.
    let mut closed = (*polls[2]).clone();
    closed.close(NOW).unwrap();
    backend.store.lock().insert(closed.id, Standing::new(Arc::new(closed), PARTITIONS));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(world.hub.open_polls(), 6);

    // The leading poll is closed, and the store fails just when the next one is to be read.
    assert!(world.hub.shelved(polls[0].id) && world.hub.poll(polls[1].id).is_some());
    let mut closed = (*polls[1]).clone();
    closed.close(NOW).unwrap();
    let closed = Arc::new(closed);
    backend.store.lock().insert(closed.id, Standing::new(closed.clone(), PARTITIONS));
    *backend.failures.lock() = 1;
    backend.announce(Announcement::Poll(closed));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(*backend.failures.lock(), 0);
    assert_eq!(world.hub.leaderboard(1).polls[0].poll_id, polls[0].id.to_string());
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_loaded_again() {
    let world = World::new(WatchLimits::default());
    let backend = Arc::new(Backend::default());
    *backend.failures.lock() = 3;
    let (running, loaded, stop) = feed(&world, &backend);
    let first = poll(1, Results::Live, true);
    let mut standing = Standing::new(first.clone(), PARTITIONS);
    backend.store.lock().insert(first.id, standing.clone());
    loaded.cancelled().await;
    assert!(world.hub.poll(first.id).is_some(), "what was there is known, in spite of failures");

    // A poll is announced that nobody knew, while the store fails once more.
    *backend.failures.lock() = 1;
    let second = poll(2, Results::Live, true);
    backend.store.lock().insert(second.id, Standing::new(second.clone(), PARTITIONS));
    backend.announce(Announcement::Poll(second.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.hub.poll(second.id).is_some());

    // The feed breaks, and a tally and a deletion are announced to nobody.
    backend.listeners.lock().clear();
    standing.take_tally(tally(&first, 0, [3, 4]));
    backend.store.lock().insert(first.id, standing);
    let mut deleted = (*second).clone();
    deleted.delete(NOW).unwrap();
    backend.store.lock().insert(second.id, Standing::new(Arc::new(deleted), PARTITIONS));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.hub.standing(first.id).unwrap().total_votes(), 7);
    assert!(world.hub.poll(second.id).is_none());

    // The feed listens again.
    backend.announce(Announcement::Tally(tally(&first, 1, [1, 0])));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(world.hub.standing(first.id).unwrap().total_votes(), 8);

    // Nothing at all was announced: the comparison finds the poll.
    let third = poll(3, Results::Live, true);
    backend.store.lock().insert(third.id, Standing::new(third.clone(), PARTITIONS));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(world.hub.poll(third.id).is_some());
    stop.cancel();
    running.await.unwrap();
}
