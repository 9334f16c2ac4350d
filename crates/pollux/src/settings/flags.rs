//! This module makes flags of the server's settings, which are declared in the server's `config.rs`.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use pollux_server::config::{Heading, SETTINGS, Setting};

/// `Flags` are the settings that were given as flags, by the flag's name.
#[derive(Clone, Debug, Default)]
pub struct Flags(BTreeMap<&'static str, String>);

impl Flags {
    /// Sets this flag as if it had been typed.
    pub fn set(&mut self, flag: &'static str, value: impl Into<String>) {
        self.0.insert(flag, value.into());
    }

    /// Returns what was given for this setting.
    pub(super) fn get(&self, setting: &Setting) -> Option<&str> {
        self.0.get(setting.flag.as_str()).map(String::as_str)
    }

    /// Adds the flags of the settings that a command `takes`.
    pub(super) fn augment(command: Command, takes: impl Fn(&Setting) -> bool) -> Command {
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
