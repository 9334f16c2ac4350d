//! Start and stop of a server. Only this module names concrete backends: [`folder`] opens the embedded ones
//! and [`cluster`] those of a cluster. [`node`] puts a node together over either.

mod cluster;
mod credentials;
mod folder;
pub mod node;
mod private;
mod secrets;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::ambient::{SharedAmbient, SystemAmbient};
use crate::api::server;
use crate::config::Config;
use crate::log::embedded::{FolderLock, LockError, OpenError as LogOpenError};
use crate::log::{Log, kafka};
use crate::store::embedded::OpenError as StoreOpenError;
use crate::store::{Store, StoreError, postgres};
use credentials::Credential;
use node::{Node, Parts};

/// The longest that a start waits before it serves what it has. It waits for the open polls to be loaded and,
/// where this process alone counts, for the records that the store has not counted yet. The rest follows
/// while serving.
const CATCH_UP: Duration = Duration::from_secs(10);

/// `Running` is a server that takes requests until it is stopped.
pub struct Running {
    /// The addresses it listens on.
    pub addresses: Vec<SocketAddr>,
    /// The URL to open in a browser.
    pub url: String,
    /// The operator's token, if it was created just now.
    pub operator_token: Option<String>,
    /// Faults of Kafka's topics that break the promise; empty unless `POLLUX_KAFKA_WEAK` accepts them.
    pub faults: Vec<String>,
    /// What about Kafka's topics weakens the promise, though they are used.
    pub warnings: Vec<String>,
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    failed: Shared<BoxFuture<'static, String>>,
    node: Node,
    drain: Duration,
    stop: CancellationToken,
    server: JoinHandle<()>,
    relay: Option<DropGuard>,
    _lock: Option<FolderLock>,
}

/// `Backends` holds the open log and store, and what belongs to them.
struct Backends {
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    secret: String,
    operator: Credential,
    /// Faults of the log that break the promise.
    faults: Vec<String>,
    /// Warnings about what weakens the log's promise.
    warnings: Vec<String>,
    /// A future that ends when a backend has failed so that only a restart mends it. It yields the failure.
    failed: Shared<BoxFuture<'static, String>>,
    /// A guard whose drop stops the relaying of changes of polls, where this process does that.
    relay: Option<DropGuard>,
    /// The lock on the data folder, where there is one.
    lock: Option<FolderLock>,
}

/// `StartError` says why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The credentials in the data folder cannot be read or created.
    #[error("the data folder {}: {error}", folder.display())]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// Why they cannot be read or created.
        error: std::io::Error,
    },
    /// Another process uses the data folder.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogOpenError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreOpenError),
    /// The contents of the data folder do not belong together.
    #[error(transparent)]
    Mismatch(#[from] folder::Mismatch),
    /// Kafka cannot be used.
    #[error(transparent)]
    Kafka(#[from] kafka::OpenError),
    /// PostgreSQL cannot be used.
    #[error(transparent)]
    Postgres(#[from] postgres::OpenError),
    /// Kafka and PostgreSQL do not belong together, or not with this node's secret.
    #[error(transparent)]
    Cluster(#[from] cluster::Mismatch),
    /// Some settings contradict each other; the value holds a line for each pair.
    #[error("the settings contradict each other:\n  - {}", .0.join("\n  - "))]
    Contradictions(Vec<String>),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why it cannot be listened on.
        error: std::io::Error,
    },
}

impl StartError {
    /// Returns the exit code of the process: 4 where a server does not answer, 3 where something was refused
    /// to keep data safe, 2 where a setting is wrong, and 1 where an address cannot be listened on.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Listen { .. } => 1,
            Self::Contradictions(_)
            | Self::Kafka(kafka::OpenError::Settings(_))
            | Self::Postgres(postgres::OpenError::Settings(_))
            | Self::Cluster(cluster::Mismatch::NoSecret(_)) => 2,
            _ if self.is_no_answer() => 4,
            _ => 3,
        }
    }

    /// Returns whether the error is that a server did not answer, which may pass in a moment.
    fn is_no_answer(&self) -> bool {
        matches!(
            self,
            Self::Kafka(kafka::OpenError::Kafka(_))
                | Self::Postgres(postgres::OpenError::Unreachable { .. })
                | Self::Cluster(
                    cluster::Mismatch::NoLog { .. }
                        | cluster::Mismatch::Unreadable { error: StoreError::Unavailable(_), .. }
                )
        )
    }

    /// Returns the address that is in use by another process, if that is the error.
    pub fn address_in_use(&self) -> Option<SocketAddr> {
        match self {
            Self::Listen { address, error } if error.kind() == std::io::ErrorKind::AddrInUse => {
                Some(*address)
            }
            _ => None,
        }
    }
}

/// Starts a server. The addresses come first, so that a taken port costs nothing, then log, store and node.
/// It begins to serve once the node has caught up.
pub async fn start(mut config: Config) -> Result<Running, StartError> {
    let contradictions = config.contradictions();
    if !contradictions.is_empty() {
        return Err(StartError::Contradictions(contradictions));
    }
    let listeners = server::listen(&config)
        .map_err(|(address, error)| StartError::Listen { address, error })?;
    let addresses: Vec<SocketAddr> =
        listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let ambient: SharedAmbient = Arc::new(SystemAmbient::new());
    let alone = !config.is_cluster();
    let Backends { log, store, secret, operator, faults, warnings, failed, relay, lock } = if alone
    {
        folder::open(&config, &ambient).await?
    } else {
        cluster::open(&config, &ambient).await?
    };

    config.port = addresses.first().map_or(config.port, SocketAddr::port);
    let drain = config.drain;
    let node = Node::start(Parts {
        config,
        alone,
        ambient,
        log: log.clone(),
        store: store.clone(),
        secret: secret.into_bytes(),
        operator_token: operator.text.clone(),
    });
    let url = node.app.public_url();
    let current = async {
        node.loaded().await;
        if alone {
            node.caught_up().await;
        }
    };
    if tokio::time::timeout(CATCH_UP, current).await.is_err() {
        tracing::warn!("serving before everything is loaded and counted; that goes on");
    }
    let stop = CancellationToken::new();
    let server =
        tokio::spawn(server::serve(listeners, node.router(), node.app.clone(), stop.clone()));
    let operator_token = operator.new.then_some(operator.text);
    Ok(Running {
        addresses,
        url,
        operator_token,
        faults,
        warnings,
        log,
        store,
        failed,
        node,
        drain,
        stop,
        server,
        relay,
        _lock: lock,
    })
}

impl Running {
    /// Accepts no more connections, finishes the requests under way, appends what is queued, and stops, all
    /// within the deadline. Records that are not counted by then are counted at the next start. Returns
    /// whether everything ended in time.
    pub async fn stop(self) -> bool {
        self.stop.cancel();
        self.node.say_goodbye();
        let stopped = async {
            let _ = self.server.await;
            self.node.stop().await;
            drop(self.relay);
            self.log.shut().await;
            self.store.shut().await;
        };
        tokio::time::timeout(self.drain, stopped).await.is_ok()
    }

    /// Waits until a backend has failed in a way that only a restart can mend, and says how.
    pub async fn failed(&self) -> String {
        self.failed.clone().await
    }
}
