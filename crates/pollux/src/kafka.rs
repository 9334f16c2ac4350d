//! This module has what is common to the commands that talk to Kafka themselves.

use clap::ValueEnum;
use pollux_server::config::{Config, LogFormat};
use pollux_server::log::kafka::OpenError;
use pollux_server::log::kafka::topics::Names;
use tracing_subscriber::EnvFilter;

use crate::exit::{Failure, Outcome};
use crate::serve::log_to_stderr;
use crate::settings::{Only, Variables};

/// `Topic` is one of Pollux's topics. The variants' comments are help texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Ballots, and the records that open, close and reset polls
    #[value(name = "votes")]
    Votes,
    /// Copies of records that cannot be read
    #[value(name = "votes.dead")]
    Dead,
    /// Announced tallies
    #[value(name = "tallies")]
    Tallies,
    /// Announced polls and events
    #[value(name = "polls")]
    Polls,
}

impl Topic {
    /// Returns the topic's name on the brokers.
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

/// Reads the settings of a command that needs Kafka and no database, and sends warnings to stderr.
pub fn settings<K>(typed: &Only<K>) -> Outcome<Config> {
    let config = Variables::read()?.config(&typed.flags)?;
    warn_on_stderr();
    Ok(config)
}

/// Sends the warnings of the Kafka client to stderr.
pub fn warn_on_stderr() {
    log_to_stderr(EnvFilter::new("warn"), LogFormat::Human);
}

/// Returns the failure, with its exit code, for an error of Kafka.
pub fn failure(error: OpenError) -> Failure {
    let message = error.to_string();
    match error {
        OpenError::Settings(_) => Failure::usage(message),
        OpenError::Refused(_) => Failure::refused(message),
        OpenError::Missing(_) => Failure::failed(message),
        OpenError::Kafka(_) => Failure::unreachable(message),
    }
}
