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
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        1
    }
}

impl Running {
    /// Drain and stop.
    pub async fn stop(self) -> Result<(), StartError> {
        Ok(())
    }

    /// Resolves if a backend fails fatally.
    pub async fn failed(&self) -> String {
        std::future::pending().await
    }
}

/// Start everything.
pub async fn start(_config: Config) -> Result<Running, StartError> {
    Err(StartError("the server is not in this build yet".into()))
}
