//! This module says which of the server's settings a command takes as [`Flags`]. [`Variables`] finds the values that
//! were not given as flags.

mod flags;
#[cfg(test)]
mod tests;
mod variables;

use std::marker::PhantomData;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use pollux_server::config::{Heading, Setting};

pub use self::flags::Flags;
pub use self::variables::{Variables, data_folder};

/// `Only` has the flags of one kind of settings, for a command that needs no others.
#[derive(Clone, Debug)]
pub struct Only<K> {
    /// The flags that were given.
    pub flags: Flags,
    kind: PhantomData<K>,
}

/// `Kind` is a kind of settings.
pub trait Kind {
    /// Returns whether the setting is of this kind.
    fn takes(setting: &Setting) -> bool;
}

/// `Topics` are the settings that say how to reach Kafka and how to create the topics; limits are not among
/// them.
#[derive(Clone, Debug)]
pub struct Topics;

impl Kind for Topics {
    fn takes(Setting { flag, heading, .. }: &Setting) -> bool {
        *heading == Heading::Settings && (flag.starts_with("kafka-") || *flag == "topic-prefix")
    }
}

/// `Kafka` are the settings that say how to reach Kafka, for a command that creates no topics.
#[derive(Clone, Debug)]
pub struct Kafka;

impl Kind for Kafka {
    fn takes(setting: &Setting) -> bool {
        let makes = ["kafka-partitions", "kafka-replication", "kafka-weak", "kafka-flush"];
        Topics::takes(setting) && !makes.contains(&setting.flag.as_str())
    }
}

/// `Cluster` are the settings that say how to reach Kafka and PostgreSQL; limits are not among them.
#[derive(Clone, Debug)]
pub struct Cluster;

impl Kind for Cluster {
    fn takes(setting: &Setting) -> bool {
        let database = setting.heading == Heading::Settings && setting.flag.starts_with("db-");
        database || Kafka::takes(setting)
    }
}

impl<K: Kind> Args for Only<K> {
    fn augment_args(command: Command) -> Command {
        Flags::augment(command, K::takes)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<K> FromArgMatches for Only<K> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { flags: Flags::from_arg_matches(matches)?, kind: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.flags.update_from_arg_matches(matches)
    }
}
