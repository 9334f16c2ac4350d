//! This module makes flags of the server's settings, which are declared in the server's `config.rs`.
//! [`Variables`] finds the values that were not given as flags.

#[cfg(test)]
mod tests;
mod variables;

use std::collections::BTreeMap;
use std::marker::PhantomData;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use pollux_server::config::{Heading, SETTINGS, Setting};

pub use self::variables::{Variables, data_folder};

/// `Flags` are the settings that were given as flags, by the flag's name.
#[derive(Clone, Debug, Default)]
pub struct Flags(BTreeMap<&'static str, String>);

impl Flags {
    /// Sets this flag as if it had been typed.
    pub fn set(&mut self, flag: &'static str, value: impl Into<String>) {
        self.0.insert(flag, value.into());
    }

    fn get(&self, setting: &Setting) -> Option<&str> {
        self.0.get(setting.flag.as_str()).map(String::as_str)
    }

    fn augment(command: Command, takes: impl Fn(&Setting) -> bool) -> Command {
        command.args(SETTINGS.iter().filter(|setting| takes(setting)).map(|setting| {
            let Setting { flag, variable, value, default, absent, help, heading, .. } = setting;
            let said = |default: &str| match default {
                "" => String::new(),
                default => format!(" [default: {default}]"),
            };
            let arg = Arg::new(flag)
                .long(flag)
                .value_name(value)
                .help(format!("{help}{} [env: {variable}]{}", said(absent), said(default)))
                .help_heading(format!("{heading:?}"))
                .hide_short_help(*heading == Heading::Limits);
            match *value {
                "true|false" => {
                    arg.num_args(0..=1).require_equals(true).default_missing_value("true")
                }
                _ => arg,
            }
        }))
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        Self::augment(command, |_| true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for Setting { flag, .. } in SETTINGS.iter() {
            // A command that takes only some of the settings does not know the others.
            if let Ok(Some(value)) = matches.try_get_one::<String>(flag) {
                self.set(flag, value);
            }
        }
        Ok(())
    }
}

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
