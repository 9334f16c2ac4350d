//! One node over any two backends: hub, feed, processor and routes, started and stopped in order. `boot` runs
//! it over the real backends, the simulation over backends that fail on purpose.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use pollux_core::announcement::Announcement;
use pollux_core::event::Event;
use pollux_core::id::{EventId, Generation, Offset, Partition, PollId};
use pollux_core::poll::PollStatus;
use pollux_core::standing::Standing;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::ambient::SharedAmbient;
use crate::api::{App, routes};
use crate::config::Config;
use crate::log::{Feed, Log, Waiting};
use crate::processor::Processor;
use crate::store::{Listing, Store};
use crate::watch::feed::{self, Announcements, Pace, Source};
use crate::watch::hub::Hub;

/// The pause between two comparisons of the hub with the store.
const RECONCILE: Duration = Duration::from_secs(60);

/// The number of polls that are read from the store at a time, which take some megabytes at the most.
const PAGE: usize = 256;

/// `Parts` are what a node is put together from.
pub struct Parts {
    /// The settings and limits.
    pub config: Config,
    /// Whether there is no other node.
    pub alone: bool,
    /// The clock and the source of randomness.
    pub ambient: SharedAmbient,
    /// The log, where ballots are recorded.
    pub log: Arc<dyn Log>,
    /// The store, where decisions and tallies are kept.
    pub store: Arc<dyn Store>,
    /// The installation's secret.
    pub secret: Vec<u8>,
    /// The operator's token.
    pub operator_token: String,
}

/// A node is what runs between the log, the store and the clients. Dropping it is like a crash: its tasks are gone at their next await.
pub struct Node {
    /// The state that the routes share.
    pub app: Arc<App>,
    tasks: JoinSet<()>,
    waiting: Option<Arc<Waiting>>,
    loaded: CancellationToken,
    stop: CancellationToken,
    goodbye: CancellationToken,
}

impl Node {
    /// Starts everything except the listeners.
    pub fn start(parts: Parts) -> Self {
        let Parts { config, alone, ambient, log, store, secret, operator_token } = parts;
        // Only brokers are away for a while and come back. An embedded log either takes records or is broken,
        // so there is nothing to wait for.
        let waiting = (!alone).then(|| Waiting::new(log.clone(), config.kafka.waiting));
        let log = waiting.clone().map_or(log, |waiting| waiting as Arc<dyn Log>);
        let hub = Hub::new(log.partitions(), config.watch.clone(), ambient.clone());
        let (stop, goodbye) = (CancellationToken::new(), CancellationToken::new());
        let loaded = CancellationToken::new();
        let mut tasks = JoinSet::new();

        let source = Arc::new(Committed { log: log.clone(), store: store.clone() });
        let pace = Pace { retry: config.processor.retry, reconcile: RECONCILE };
        if config.roles.web {
            tasks.spawn(feed::run(hub.clone(), source, pace, loaded.clone(), stop.clone()));
            tasks.spawn({
                let (hub, goodbye) = (hub.clone(), goodbye.clone());
                async move { hub.run(goodbye).await }
            });
        } else {
            loaded.cancel();
        }
        let processor = config.roles.processor.then(|| {
            let (log, store, ambient) = (log.clone(), store.clone(), ambient.clone());
            let mut processor = Processor::new(log, store, ambient, config.processor.clone());
            processor.alone = alone;
            processor
        });
        let app = App::new(config, ambient, log, store, hub, &secret, &operator_token);
        if let Some(processor) = processor {
            tasks.spawn(processor.clone().run(stop.clone()));
            let _ = app.processor.set(processor);
        }
        Self { app, tasks, waiting, loaded, stop, goodbye }
    }

    /// Returns the routes. A node that only counts has none but those that tell how it is.
    pub fn router(&self) -> Router {
        let app = self.app.clone();
        if app.config.roles.web { routes::router(app) } else { routes::health_only(app) }
    }

    /// Waits until every open poll is known.
    pub async fn loaded(&self) {
        self.loaded.cancelled().await;
    }

    /// Waits until what is shown is what the log says: every open poll is known, and every record that was on
    /// the log at the time of the call is decided.
    pub async fn caught_up(&self) {
        self.loaded().await;
        for partition in 0..self.app.log.partitions() {
            if let Ok(end) = self.app.log.end(partition).await
                && let Some(last) = end.checked_sub(1)
            {
                self.app.hub.committed(partition, last).await;
            }
        }
    }

    /// Closes the viewers' connections, and refuses the votes that wait in line for the log. Other requests
    /// go on being answered meanwhile.
    pub fn say_goodbye(&self) {
        self.goodbye.cancel();
        if let Some(waiting) = &self.waiting {
            waiting.empty_for_good();
        }
    }

    /// Finishes the commits under way and stops. Records that are not counted by then are counted at the next
    /// start.
    pub async fn stop(mut self) {
        self.goodbye.cancel();
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// `Committed` is log and store as the source that the hub's feed reads.
struct Committed {
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
}

#[async_trait]
impl Source for Committed {
    async fn join(&self) -> Result<Box<dyn Announcements>, String> {
        let feed = self.log.feed().await.map_err(|error| error.to_string())?;
        Ok(Box::new(Joined(feed)))
    }

    async fn progress(&self) -> Result<Vec<(Partition, Generation, Offset)>, String> {
        let progress = self.store.progress().await.map_err(|error| error.to_string())?;
        let progress = progress.into_iter();
        Ok(progress.map(|(partition, p)| (partition, p.generation, p.next_offset)).collect())
    }

    async fn open_polls(&self, before: Option<PollId>) -> Result<Vec<Standing>, String> {
        let open = Some(PollStatus::Open);
        let page = Listing { status: open, before, limit: PAGE, all: true };
        self.store.list(page).await.map_err(|error| error.to_string())
    }

    async fn standing(&self, id: PollId) -> Result<Option<Standing>, String> {
        self.store.standing(id).await.map_err(|error| error.to_string())
    }

    async fn event(&self, id: EventId) -> Result<Option<(Event, Vec<Standing>)>, String> {
        self.store.event(id).await.map_err(|error| error.to_string())
    }
}

/// `Joined` yields the announcements of the log's feed.
struct Joined(Box<dyn Feed>);

#[async_trait]
impl Announcements for Joined {
    async fn next(&mut self) -> Option<Vec<Announcement>> {
        self.0.next().await.ok()
    }
}
