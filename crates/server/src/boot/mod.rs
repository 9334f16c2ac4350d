//! Start and stop. Only here concrete backends are named: [`folder`] opens them, [`node`] puts
//! a node together over any.

mod credentials;
mod folder;
mod link;
pub mod node;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ambient::{SharedAmbient, SystemAmbient};
use crate::api::server;
use crate::config::Config;
use crate::log::Log;
use crate::log::embedded::{EmbeddedLog, FolderLock, LockError, OpenError as LogOpenError};
use crate::store::Store;
use crate::store::embedded::{EmbeddedStore, OpenError as StoreOpenError};
use folder::{Folder, Mismatch};
use node::{Node, Parts};

/// How long a start waits for what the log holds and the store has not counted yet, before it
/// serves what it has. A longer backlog is counted while serving.
const CATCH_UP: Duration = Duration::from_secs(10);

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// What to open in a browser.
    pub url: String,
    /// The operator's token, when it was made just now.
    pub admin_token: Option<String>,
    log: Arc<EmbeddedLog>,
    store: Arc<EmbeddedStore>,
    node: Node,
    drain: Duration,
    stop: CancellationToken,
    server: JoinHandle<()>,
    _lock: FolderLock,
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
    Mismatch(#[from] Mismatch),
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
    /// The process's exit code: 3 where something was refused to keep data safe, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Listen { .. } => 1,
            _ => 3,
        }
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

/// Start everything, in order: addresses (so that a taken port costs nothing), folder, log,
/// store, node; then serve once it has caught up with the log.
pub async fn start(mut config: Config) -> Result<Running, StartError> {
    let listeners = server::listen(&config)
        .map_err(|(address, error)| StartError::Listen { address, error })?;
    let addresses: Vec<SocketAddr> =
        listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let ambient: SharedAmbient = Arc::new(SystemAmbient::new());
    let lock = FolderLock::take(&config.data, ambient.now())?;
    let Folder { log, store, secret, admin } = folder::open(&config, &ambient).await?;

    config.port = addresses.first().map_or(config.port, SocketAddr::port);
    let url = config.public_url.take().unwrap_or_else(|| link::base(&config.hosts, config.port));
    config.public_url = Some(url.clone());
    let drain = config.drain;
    let node = Node::start(Parts {
        config,
        ambient,
        log: log.clone(),
        store: store.clone(),
        secret: secret.text.into_bytes(),
        admin_token: admin.text.clone(),
    });
    if tokio::time::timeout(CATCH_UP, node.caught_up()).await.is_err() {
        tracing::warn!("serving before every vote on the log is counted; counting goes on");
    }
    let stop = CancellationToken::new();
    let server =
        tokio::spawn(server::serve(listeners, node.router(), node.app.clone(), stop.clone()));
    let admin_token = admin.new.then_some(admin.text);
    Ok(Running { addresses, url, admin_token, log, store, node, drain, stop, server, _lock: lock })
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
            self.log.shut().await;
            self.store.shut().await;
        };
        tokio::time::timeout(self.drain, stopped).await.is_ok()
    }

    /// Waits until a backend has failed in a way that only a new start can mend, and says how.
    pub async fn failed(&self) -> String {
        tokio::select! {
            biased;
            why = self.log.failed() => why,
            why = self.store.failed() => why,
        }
    }
}
