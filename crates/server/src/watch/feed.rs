//! The feed, which brings what was committed to the hub: announcements as they come, and the
//! store's standings where announcements were missed. The log and the store are behind [`Source`],
//! which `boot` implements.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pollux_core::announcement::Announcement;
use pollux_core::event::Event;
use pollux_core::id::{EventId, Generation, Offset, Partition, PollId};
use pollux_core::standing::Standing;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::hub::{Hub, Missing};

/// `Source` is where announcements and standings come from. Its errors say what failed, and the
/// feed tries again.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Begins to listen to announcements.
    async fn join(&self) -> Result<Box<dyn Announcements>, String>;

    /// Returns how far each partition is committed.
    async fn progress(&self) -> Result<Vec<(Partition, Generation, Offset)>, String>;

    /// Returns some open polls older than `before`, newest first; an empty list means that there
    /// are no more. Polls that are not open may be among them.
    async fn open_polls(&self, before: Option<PollId>) -> Result<Vec<Standing>, String>;

    /// Returns one poll of any status.
    async fn standing(&self, id: PollId) -> Result<Option<Standing>, String>;

    /// Returns one event with its polls.
    async fn event(&self, id: EventId) -> Result<Option<(Event, Vec<Standing>)>, String>;
}

/// `Announcements` yields announcements as they come.
#[async_trait]
pub trait Announcements: Send {
    /// Waits for at least one announcement; `None` means that some were missed. It is safe to
    /// cancel.
    async fn next(&mut self) -> Option<Vec<Announcement>>;
}

/// The pace is given by the intervals at which the feed retries and compares.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause before a failed attempt is repeated.
    pub retry: Duration,
    /// The time between two comparisons with the store.
    pub reconcile: Duration,
}

/// The most unknown polls and events that are loaded one by one; beyond it everything is loaded.
const MOST_MISSING: usize = 1_000;

/// `Loaded` says how much a load from the store has brought.
enum Loaded {
    Everything,
    Some,
}

/// `Missed` is what the hub lacks and is to be loaded. The names of one poll are loaded at most once a tick, because
/// viewers are sent the poll no more often. So a flood of new words costs the store few reads, and leaves room for what
/// else is missing.
struct Missed {
    /// What is to be loaded as soon as possible.
    now: BTreeSet<Missing>,
    /// The polls whose names are to be loaded.
    names: BTreeSet<PollId>,
    /// The earliest moment at which the names of each poll that was loaded lately may be loaded again.
    not_before: BTreeMap<PollId, Instant>,
    tick: Duration,
}

impl Missed {
    fn new(tick: Duration) -> Self {
        Self { now: BTreeSet::new(), names: BTreeSet::new(), not_before: BTreeMap::new(), tick }
    }

    fn extend(&mut self, missing: impl IntoIterator<Item = Missing>) {
        for one in missing {
            match one {
                Missing::Names(id) => self.names.insert(id),
                other => self.now.insert(other),
            };
        }
    }

    fn clear(&mut self) {
        self.now.clear();
        self.names.clear();
    }

    /// Returns when the next of it may be loaded; `None` if nothing is missing.
    fn due_at(&self) -> Option<Instant> {
        if !self.now.is_empty() {
            return Some(Instant::now());
        }
        let due = |id| self.not_before.get(id).copied().unwrap_or_else(Instant::now);
        self.names.iter().map(due).min()
    }

    /// Takes all that may be loaded at this moment.
    fn take_due(&mut self, now: Instant) -> BTreeSet<Missing> {
        self.not_before.retain(|_, at| *at > now);
        let mut due = std::mem::take(&mut self.now);
        let (names, not_before) = (&mut self.names, &mut self.not_before);
        names.retain(|id| {
            let waits = not_before.contains_key(id);
            if !waits {
                not_before.insert(*id, now + self.tick);
                due.insert(Missing::Names(*id));
            }
            waits
        });
        due
    }
}

/// `Load` is a load from the store that is under way.
type Load = Pin<Box<dyn Future<Output = Result<Loaded, String>> + Send>>;

/// Feeds the hub until `shutdown`. It cancels `loaded` once the hub knows every open poll, which
/// readiness waits for.
pub async fn run(
    hub: Arc<Hub>,
    source: Arc<dyn Source>,
    pace: Pace,
    loaded: CancellationToken,
    shutdown: CancellationToken,
) {
    let feed = async {
        loop {
            match source.join().await {
                Ok(feed) => follow(&hub, &source, pace, feed, &loaded).await,
                Err(error) => {
                    tracing::warn!(
                        error,
                        "the feed of announcements cannot be joined; trying again"
                    );
                    sleep(pace.retry).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        () = feed => {}
    }
}

/// Follows one feed until it is lost. It listens first and loads then, so that nothing is missed in
/// between.
async fn follow(
    hub: &Arc<Hub>,
    source: &Arc<dyn Source>,
    pace: Pace,
    mut feed: Box<dyn Announcements>,
    loaded: &CancellationToken,
) {
    let mut missing = Missed::new(hub.limits().tick);
    let mut whole_at = Instant::now();
    let mut load: Option<Load> = None;
    let mut not_before = Instant::now();
    loop {
        if load.is_none() && Instant::now() >= not_before {
            if Instant::now() >= whole_at || missing.now.len() > MOST_MISSING {
                missing.clear();
                load = Some(Box::pin(load_everything(hub.clone(), source.clone())));
            } else {
                let ids = missing.take_due(Instant::now());
                if !ids.is_empty() {
                    load = Some(Box::pin(load_some(hub.clone(), source.clone(), ids)));
                }
            }
        }
        let wake = missing.due_at().unwrap_or(whole_at).min(whole_at).max(not_before);
        let idle = load.is_none();
        tokio::select! {
            biased;
            result = async { load.as_mut().expect("checked").await }, if !idle => {
                load = None;
                match result {
                    Ok(Loaded::Everything) => {
                        whole_at = Instant::now() + pace.reconcile;
                        loaded.cancel();
                    }
                    Ok(Loaded::Some) => {}
                    Err(error) => {
                        tracing::warn!(error, "polls and events cannot be loaded; trying again");
                        // The ids that were asked for may be dropped, because the next load brings
                        // everything.
                        whole_at = Instant::now();
                        not_before = whole_at + pace.retry;
                    }
                }
            }
            heard = feed.next() => {
                let Some(heard) = heard else {
                    tracing::warn!("announcements were missed; joining the feed again");
                    return;
                };
                missing.extend(heard.into_iter().filter_map(|one| hub.apply(one).err()));
            }
            sought = hub.sought() => missing.extend(sought.into_iter().map(Missing::Poll)),
            () = sleep_until(wake), if idle => {}
        }
    }
}

/// Reconciles every open poll and merges its event. It also looks at the other polls that the hub
/// does not know to be final: their last announcements may be among those that were missed.
async fn load_everything(hub: Arc<Hub>, source: Arc<dyn Source>) -> Result<Loaded, String> {
    let mut left: BTreeSet<_> = hub.unfinished_polls().into_iter().map(Missing::Poll).collect();
    left.extend(hub.events().into_iter().map(Missing::Event));
    // Progress is read first, so whatever is read afterwards is at least as new.
    let progress = source.progress().await?;
    let mut before = None;
    loop {
        let page = source.open_polls(before).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.poll.id);
        for standing in page {
            left.remove(&Missing::Poll(standing.poll.id));
            left.extend(standing.poll.event.map(Missing::Event));
            hub.reconcile(standing);
        }
    }
    for (partition, generation, offset) in progress {
        hub.advance(partition, generation, offset);
    }
    load_some(hub, source, left).await?;
    Ok(Loaded::Everything)
}

async fn load_some(
    hub: Arc<Hub>,
    source: Arc<dyn Source>,
    missing: BTreeSet<Missing>,
) -> Result<Loaded, String> {
    for one in missing {
        match one {
            Missing::Poll(id) | Missing::Names(id) => match source.standing(id).await? {
                Some(standing) => hub.merge(standing),
                None => hub.unknown(id),
            },
            Missing::Event(id) => {
                if let Some((event, polls)) = source.event(id).await? {
                    hub.merge_event(event, &polls);
                }
            }
        }
    }
    Ok(Loaded::Some)
}
