//! What the commands have in common that speak with Kafka themselves.

use clap::ValueEnum;
use pollux_server::config::{Config, LogFormat};
use pollux_server::log::kafka::OpenError;
use pollux_server::log::kafka::topics::Names;
use tracing_subscriber::EnvFilter;

use crate::exit::{Failure, Outcome};
use crate::serve::log_to_stderr;
use crate::settings::{Only, Variables};

/// One of our topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Ballots, and what opens and closes polls.
    #[value(name = "votes")]
    Votes,
    /// Copies of records that nothing can read.
    #[value(name = "votes.dead")]
    Dead,
    /// Announced results.
    #[value(name = "tallies")]
    Tallies,
    /// Announced polls.
    #[value(name = "polls")]
    Polls,
}

impl Topic {
    /// What it is called on the brokers.
    pub fn name(self, prefix: &str) -> String {
        let names = Names::new(prefix);
        match self {
            Self::Votes => names.votes,
            Self::Dead => names.dead,
            Self::Tallies => names.tallies,
            Self::Polls => names.polls,
        }
    }
}

/// The settings of a command that needs Kafka and no database.
pub fn settings<K>(typed: &Only<K>) -> Outcome<Config> {
    let config = Variables::read()?.config(&typed.flags)?;
    warn_on_stderr();
    Ok(config)
}

/// What the brokers' client has to warn of goes to stderr.
pub fn warn_on_stderr() {
    log_to_stderr(EnvFilter::new("warn"), LogFormat::Human);
}

/// The exit code that a trouble with Kafka deserves.
pub fn failure(error: OpenError) -> Failure {
    let message = error.to_string();
    match error {
        OpenError::Settings(_) => Failure::usage(message),
        OpenError::Refused(_) => Failure::refused(message),
        OpenError::Missing(_) => Failure::failed(message),
        OpenError::Kafka(_) => Failure::unreachable(message),
    }
}
