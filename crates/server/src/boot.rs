//! The only file that names concrete backends. SKELETON.

use std::net::SocketAddr;

use crate::config::Config;

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// What to open.
    pub url: String,
    /// The operator's token, when it was newly made.
    pub admin_token: Option<String>,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// Placeholder.
    #[error("the server is not in this build yet")]
    Absent,
}

impl StartError {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        1
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

impl Running {
    /// Drain and stop; says whether everything ended in time.
    pub async fn stop(self) -> bool {
        true
    }

    /// Resolves if a backend fails fatally.
    pub async fn failed(&self) -> String {
        std::future::pending().await
    }
}

/// Start everything.
pub async fn start(config: Config) -> Result<Running, StartError> {
    for host in config.hosts {
        let address = SocketAddr::new(host, config.port);
        tokio::net::TcpListener::bind(address)
            .await
            .map_err(|error| StartError::Listen { address, error })?;
    }
    Err(StartError::Absent)
}
