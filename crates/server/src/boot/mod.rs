//! Start and stop. Only here concrete backends are named: [`folder`] opens the embedded ones and
//! [`cluster`] those of a cluster; [`node`] puts a node together over any.

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

/// How long a start waits for the open polls and, where it counts alone, for what the log holds
/// and the store has not counted yet, before it serves what it has. The rest follows while serving.
const CATCH_UP: Duration = Duration::from_secs(10);

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// What to open in a browser.
    pub url: String,
    /// The operator's token, when it was made just now.
    pub admin_token: Option<String>,
    /// What about Kafka's topics breaks the promise; empty unless that was asked for.
    pub faults: Vec<String>,
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

/// Log and store, open, and what belongs to them.
struct Backends {
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    secret: String,
    admin: Credential,
    /// What about the log breaks the promise.
    faults: Vec<String>,
    /// Ends when one of them has failed in a way that only a new start can mend, and says how.
    failed: Shared<BoxFuture<'static, String>>,
    /// Ends the relaying of changes of polls, where that is done.
    relay: Option<DropGuard>,
    /// The data folder is ours.
    lock: Option<FolderLock>,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The credentials in the data folder cannot be read or made.
    #[error("the data folder {}: {error}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Another process has it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogOpenError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreOpenError),
    /// What is in the folder does not belong together.
    #[error(transparent)]
    Mismatch(#[from] folder::Mismatch),
    /// Kafka cannot be used.
    #[error(transparent)]
    Kafka(#[from] kafka::OpenError),
    /// PostgreSQL cannot be used.
    #[error(transparent)]
    Postgres(#[from] postgres::OpenError),
    /// Kafka and PostgreSQL do not belong together, or not to us.
    #[error(transparent)]
    Cluster(#[from] cluster::Mismatch),
    /// Settings contradict each other: a line each.
    #[error("the settings contradict each other:\n  - {}", .0.join("\n  - "))]
    Contradictions(Vec<String>),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
}

impl StartError {
    /// The process's exit code: 4 where a server does not answer, 3 where something was refused to
    /// keep data safe, 2 where a setting is wrong, else 1.
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

    /// Whether a server did not answer; a moment later it may.
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

    /// The address that is taken, if that is why.
    pub fn address_in_use(&self) -> Option<SocketAddr> {
        match self {
            Self::Listen { address, error } if error.kind() == std::io::ErrorKind::AddrInUse => {
                Some(*address)
            }
            _ => None,
        }
    }
}

/// Start everything, in order: addresses (so that a taken port costs nothing), log, store, node;
/// then serve once it has caught up.
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
    let Backends { log, store, secret, admin, faults, failed, relay, lock } = if alone {
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
        admin_token: admin.text.clone(),
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
    let admin_token = admin.new.then_some(admin.text);
    Ok(Running {
        addresses,
        url,
        admin_token,
        faults,
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
    /// Take no more connections, finish the requests under way, append what is queued, and
    /// stop, all within the deadline. What is not counted then is counted at the next start.
    /// Says whether everything ended in time.
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

    /// Waits until a backend has failed in a way that only a new start can mend, and says how.
    pub async fn failed(&self) -> String {
        self.failed.clone().await
    }
}
