//! HTTP and WebSocket in: the first folder a vote passes.
//!
//! [`routes`] has every route on one screen, [`problem`] the one error table, [`vote`] the hot
//! path. [`server`] accepts connections and puts [`router`] behind them.

pub mod access;
pub mod change;
pub mod docs;
pub mod event;
pub mod figures;
pub mod http;
pub mod live;
pub mod lookup;
pub mod operate;
pub mod poll;
pub mod problem;
pub mod routes;
pub mod serve;
pub mod vote;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use pollux_core::id::{Offset, Partition, UnixMillis};
use tokio_util::sync::CancellationToken;

use crate::ambient::SharedAmbient;
use crate::config::Config;
use crate::log::{Log, Watched};
use crate::processor::Processor;
use crate::store::{Progress, Store};
use crate::watch::hub::Hub;

pub use routes::router;
pub use serve::server;

/// What every handler holds.
pub struct App {
    /// Settings and limits.
    pub config: Config,
    /// The clock and the dice.
    pub ambient: SharedAmbient,
    /// The durable log.
    pub log: Arc<dyn Log>,
    /// The truth.
    pub store: Arc<dyn Store>,
    /// The newest state, in memory.
    pub hub: Arc<Hub>,
    /// Made from the installation's secret and the operator's token.
    pub keys: access::keys::Keys,
    /// How often somebody may ask.
    pub limits: access::limits::Limits,
    /// How many polls may be open.
    pub room: access::room::Room,
    /// What is counted.
    pub metrics: operate::metrics::Metrics,
    /// What is on record of refusals and of changes that cannot be undone.
    pub security: problem::security::Security,
    /// What counts here, if anything does.
    pub processor: OnceLock<Processor>,
    /// When this was put together.
    pub started_at: UnixMillis,
    /// Where the log ends, by partition.
    ends: operate::probe::Probe<Vec<Offset>, String>,
    /// How far it is counted.
    progress: operate::probe::Probe<Vec<(Partition, Progress)>, String>,
    /// Since when what is not counted waits.
    behind: operate::status::Behind,
    /// Votes that were watched once more.
    replays: figures::replay::Replays,
    /// The OpenAPI document, once somebody has asked for it.
    openapi: OnceLock<Bytes>,
    /// Cancelled once the server stops: not ready, streams end, connections close.
    pub stopping: CancellationToken,
}

impl App {
    /// Put it together. The secret and the operator's token are the resolved ones, whatever
    /// `config` says of them.
    pub fn new(
        config: Config,
        ambient: SharedAmbient,
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        hub: Arc<Hub>,
        secret: &[u8],
        admin_token: &str,
    ) -> Arc<Self> {
        // Kafka's log answers within a time of its own, and knows its brokers.
        let log = if config.is_cluster() { log } else { Watched::new(log, config.log.stall) };
        Arc::new(Self {
            keys: access::keys::Keys::new(secret, &config.former_secrets, admin_token),
            limits: access::limits::Limits::new(&config.api),
            room: access::room::Room::default(),
            metrics: operate::metrics::Metrics::new(routes::templates()),
            // After the metrics, which put the recorder in place.
            security: problem::security::Security::default(),
            processor: OnceLock::new(),
            started_at: ambient.now(),
            ends: operate::probe::Probe::default(),
            progress: operate::probe::Probe::default(),
            behind: operate::status::Behind::default(),
            replays: figures::replay::Replays::default(),
            openapi: OnceLock::new(),
            stopping: CancellationToken::new(),
            config,
            ambient,
            log,
            store,
            hub,
        })
    }

    /// The base of links, without a slash at the end.
    pub fn public_url(&self) -> String {
        match &self.config.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            // Asked each time: a laptop is carried from one network into another.
            None => operate::address::base(&self.config.hosts, self.config.port),
        }
    }
}
