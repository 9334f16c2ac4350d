//! Start and stop. This is the only file that names concrete backends; [`node`] puts a node
//! together over any.

mod credentials;
mod link;
pub mod node;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ambient::{SharedAmbient, SystemAmbient};
use crate::api::server;
use crate::config::Config;
use crate::log::Log;
use crate::log::embedded::{EmbeddedLog, FolderLock, LockError, OpenError as LogOpenError};
use crate::store::Store;
use crate::store::embedded::{EmbeddedStore, OpenError as StoreOpenError};
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
    /// The data folder cannot be made or used.
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
            Self::Locked(_) | Self::Log(_) | Self::Store(_) => 3,
            Self::Folder { .. } | Self::Listen { .. } => 1,
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
    let listeners = listen(&config).await?;
    let addresses: Vec<SocketAddr> =
        listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let folder = config.data.clone();
    let in_folder = |error| StartError::Folder { folder: folder.clone(), error };
    std::fs::create_dir_all(&folder).map_err(in_folder)?;
    let ambient: SharedAmbient = Arc::new(SystemAmbient::new());
    let lock = FolderLock::take(&folder, ambient.now())?;
    let log = EmbeddedLog::open(&folder, config.partitions, config.log.clone(), ambient.clone())?;
    let store = EmbeddedStore::open(&folder, log.partitions(), config.store.clone())?;
    let credential = |given: &Option<String>, name| match given {
        Some(text) => Ok(credentials::Credential { text: text.clone(), new: false }),
        None => credentials::keep(&folder, name, &*ambient).map_err(in_folder),
    };
    let secret = credential(&config.secret, "secret")?;
    let admin = credential(&config.admin_token, "admin-token")?;

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

async fn listen(config: &Config) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut port = config.port;
    for host in &config.hosts {
        let address = SocketAddr::new(*host, port);
        match TcpListener::bind(address).await {
            Ok(listener) => {
                // Port 0: the second address gets the port that the first one got.
                port = listener.local_addr().map_or(port, |address| address.port());
                listeners.push(listener);
            }
            // A machine without IPv6 still has the other loopback.
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrNotAvailable
                    && config.hosts.len() > 1 =>
            {
                tracing::debug!(%address, %error, "not listening there");
            }
            Err(error) => return Err(StartError::Listen { address, error }),
        }
    }
    Ok(listeners)
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
