//! The API answers clients over HTTP and WebSocket. This is the first folder that a vote passes.
//!
//! [`routes`] has every route on one screen. Each folder in this list uses only folders that stand above it:
//!
//! - [`problem`]: what clients are told when something goes wrong, and what is logged as a security event
//! - [`http`]: the parts with which every handler reads requests and makes answers
//! - [`kind`]: what each kind of poll has of its own in requests and in the documents
//! - [`access`]: who asks, whether they may, and how often
//! - [`lookup`]: finding the poll or event of an id or a join code
//! - [`change`]: the one loop that makes an owner's changes of a poll or an event
//! - [`vote`]: taking a vote, from the request to the receipt
//! - [`poll`], [`event`]: creating, reading and changing polls and events
//! - [`operate`]: health, status and metrics of the server
//! - [`figures`]: figures about polls: a poll's course over time, its replay, its export; the leaderboard
//! - [`serve`]: connections, and what every request passes before its handler; votes pass only this, and no router
//! - [`live`]: the viewers' sockets and streams
//! - [`docs`]: the API's documents, which are made from the routes
//!
//! The [`App`] is the state that all handlers share. [`home`] has the paths that are a page for
//! browsers and data for everybody else.

pub mod access;
pub mod change;
pub mod docs;
pub mod event;
pub mod figures;
pub mod home;
pub mod http;
pub mod kind;
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

/// `App` is the state that all handlers share.
pub struct App {
    /// The settings and limits.
    pub config: Config,
    /// The clock and the source of randomness.
    pub ambient: SharedAmbient,
    /// The log, where ballots are recorded.
    pub log: Arc<dyn Log>,
    /// The store, where decisions and tallies are kept.
    pub store: Arc<dyn Store>,
    /// The hub, which keeps the newest state of polls and events in memory.
    pub hub: Arc<Hub>,
    /// The keys that are made from the secret, and from the operator's token.
    pub keys: access::keys::Keys,
    /// The limits on how often somebody may ask.
    pub limits: access::limits::Limits,
    /// The limit on the number of open polls.
    pub capacity: access::capacity::Capacity,
    /// The metrics of the HTTP side.
    pub metrics: operate::metrics::Metrics,
    /// The log of security events: refusals, and changes that cannot be undone.
    pub security: problem::security::Security,
    /// The processor, if this process counts.
    pub processor: OnceLock<Processor>,
    /// The time at which the state was put together.
    pub started_at: UnixMillis,
    /// The end of the log in each partition.
    ends: operate::probe::Probe<Vec<Offset>, String>,
    /// The progress of each partition: how far it is counted.
    progress: operate::probe::Probe<Vec<(Partition, Progress)>, String>,
    /// The time for which uncounted records have been waiting.
    behind: operate::status::Behind,
    /// The checks whether a poll was changed while a ballot in it waited for the log.
    looks: vote::overtaken::Looks,
    /// The replays that are kept, or being made.
    replays: figures::replay::Replays,
    /// The OpenAPI document, once somebody has asked for it.
    openapi: OnceLock<Bytes>,
    /// A token that is cancelled once the server stops. From then on the server is not ready, streams end,
    /// and connections close.
    pub stopping: CancellationToken,
}

impl App {
    /// Puts the state together. It uses the secret and the operator's token that are passed here, even if
    /// `config` has others.
    pub fn new(
        config: Config,
        ambient: SharedAmbient,
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        hub: Arc<Hub>,
        secret: &[u8],
        operator_token: &str,
    ) -> Arc<Self> {
        // Kafka's log needs no watching: it has a timeout of its own, and knows the state of its brokers.
        let log = if config.is_cluster() { log } else { Watched::new(log, config.log.stall) };
        Arc::new(Self {
            keys: access::keys::Keys::new(secret, &config.former_secrets, operator_token),
            limits: access::limits::Limits::new(&config.api),
            capacity: access::capacity::Capacity::default(),
            metrics: operate::metrics::Metrics::new(routes::templates()),
            // This comes after the metrics, which install the recorder.
            security: problem::security::Security::default(),
            processor: OnceLock::new(),
            started_at: ambient.now(),
            ends: operate::probe::Probe::default(),
            progress: operate::probe::Probe::default(),
            behind: operate::status::Behind::default(),
            looks: vote::overtaken::Looks::default(),
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

    /// Returns the base of links, without a slash at the end.
    pub fn public_url(&self) -> String {
        match &self.config.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            // The address is determined each time, because a laptop may be carried from one network to
            // another.
            None => operate::address::base(&self.config.hosts, self.config.port),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Collects the folders that a folder uses. It can only name them by `crate::api::`.
    fn known(folder: &Path, known_folders: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                known(&path, known_folders);
                continue;
            }
            if path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code: String = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .flat_map(|line| [line, "\n"])
                .collect();
            for after in code.split("crate::api::").skip(1) {
                let names = match after.strip_prefix('{') {
                    Some(list) => list.split('}').next().unwrap(),
                    None => after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap(),
                };
                let names = names.split(',').map(|name| name.trim().split("::").next().unwrap());
                known_folders.extend(names.map(str::to_owned));
            }
        }
    }

    #[test]
    fn a_folder_uses_only_those_above_it() {
        let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
        let text = include_str!("mod.rs");
        let list = text.lines().filter_map(|line| line.strip_prefix("//! - "));
        let list = list.filter_map(|line| line.split(':').next());
        let order: Vec<_> = list
            .flat_map(|names| names.split(", ").map(|name| name.trim_matches(['[', ']', '`'])))
            .collect();
        let mut folders = BTreeSet::new();
        for entry in fs::read_dir(&api).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                folders.insert(entry.file_name().into_string().unwrap());
            }
        }
        assert_eq!(folders, order.iter().map(|name| (*name).to_owned()).collect());
        for (at, folder) in order.iter().enumerate() {
            let mut knows = BTreeSet::new();
            known(&api.join(folder), &mut knows);
            for below in &order[at + 1..] {
                assert!(!knows.contains(*below), "{folder} knows {below}");
            }
        }
    }
}
