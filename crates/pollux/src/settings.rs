//! Where the server's settings come from: a flag, else the environment, else `.env` in the
//! working directory, else the default. A value that is wrong is named with its source.

mod read;
pub mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use pollux_server::config::{Config, Roles};

pub use self::read::show_roles;
use self::table::{Heading, SETTINGS, Setting};
use crate::exit::{Failure, Outcome};

/// Variables that are no rows of the table, but ours all the same.
const OTHER_VARIABLES: &[&str] = &["POLLUX_LOG", "POLLUX_LOG_FORMAT", "POLLUX_URL"];
/// What cluster mode needs; those that have a default are not among them.
const CLUSTER: &[(&str, &str)] = &[
    ("KAFKA_BROKER", "localhost:9092"),
    ("DB_HOST", "localhost"),
    ("DB_USER", "pollux"),
    ("DB_PASSWORD", "change-me"),
];

/// The settings given as flags, by the flag's name.
#[derive(Clone, Debug, Default)]
pub struct Flags(BTreeMap<&'static str, String>);

impl Flags {
    /// This flag as if it had been typed.
    pub fn set(&mut self, flag: &'static str, value: impl Into<String>) {
        self.0.insert(flag, value.into());
    }

    fn augment(command: Command, takes: impl Fn(&Setting) -> bool) -> Command {
        let default = Config::default();
        command.args(SETTINGS.iter().filter(|setting| takes(setting)).map(|setting| {
            let shown = (setting.show)(&default);
            let mut help = format!("{} [env: {}]", setting.help, setting.variable);
            if !shown.is_empty() {
                help += &format!(" [default: {shown}]");
            }
            let mut arg = Arg::new(setting.flag)
                .long(setting.flag)
                .value_name(setting.value)
                .help(help)
                .action(ArgAction::Set)
                .help_heading(match setting.heading {
                    Heading::Settings => "Settings",
                    Heading::Limits => "Limits",
                })
                .hide_short_help(setting.heading == Heading::Limits);
            if setting.value == "true|false" {
                arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true");
            }
            arg
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
        for setting in SETTINGS {
            // A command that takes only some settings knows nothing of the others.
            if let Ok(Some(value)) = matches.try_get_one::<String>(setting.flag) {
                self.set(setting.flag, value);
            }
        }
        Ok(())
    }
}

/// The settings of one kind as flags, for a command that needs no others.
#[derive(Clone, Debug)]
pub struct Only<K> {
    /// Those that were given.
    pub flags: Flags,
    kind: PhantomData<K>,
}

/// A kind of settings.
pub trait Kind {
    /// Whether it is one of them.
    fn takes(setting: &Setting) -> bool;
}

/// How to reach Kafka, and how to make the topics on it; no limits.
#[derive(Clone, Debug)]
pub struct Topics;

impl Kind for Topics {
    fn takes(Setting { flag, heading, .. }: &Setting) -> bool {
        *heading == Heading::Settings && (flag.starts_with("kafka-") || *flag == "topic-prefix")
    }
}

/// How to reach Kafka, and topics that are there.
#[derive(Clone, Debug)]
pub struct Kafka;

impl Kind for Kafka {
    fn takes(setting: &Setting) -> bool {
        let makes = ["kafka-partitions", "kafka-replication", "kafka-weak"];
        Topics::takes(setting) && !makes.contains(&setting.flag)
    }
}

/// How to reach Kafka and PostgreSQL; no limits.
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

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Environment,
    DotEnv { line: usize },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("from the environment"),
            Self::DotEnv { line } => write!(f, "from .env line {line}"),
        }
    }
}

/// The environment, and below it `.env`. An empty value counts as absent.
#[derive(Debug, Default)]
pub struct Variables {
    found: BTreeMap<String, (String, Source)>,
}

impl Variables {
    /// The process's environment and the working directory's `.env`.
    pub fn read() -> Outcome<Self> {
        let text = match std::fs::read_to_string(".env") {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::usage(format!(".env cannot be read: {error}"))),
        };
        Self::of(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v))), &text)
    }

    fn of(
        environment: impl IntoIterator<Item = (String, std::ffi::OsString)>,
        dot_env: &str,
    ) -> Outcome<Self> {
        let mut found = BTreeMap::new();
        // The last of a variable's lines wins, as in a shell.
        for item in dotenvy::from_read_iter(dot_env.as_bytes()) {
            let (name, value) = item.map_err(|error| match error {
                // The text may be a password.
                dotenvy::Error::LineParse(text, _) => Failure::usage(format!(
                    ".env{}: not NAME=value; a value with spaces or quotes in it stands in quotes",
                    line_where(dot_env, |line| line.contains(text.trim()))
                        .map_or(String::new(), |line| format!(" line {line}")),
                )),
                error => Failure::usage(format!(".env: {error}")),
            })?;
            let line = line_where(dot_env, |line| names(line, &name)).unwrap_or(1);
            found.insert(name, (value, Source::DotEnv { line }));
        }
        for (name, value) in environment {
            let ours = name.starts_with("POLLUX_")
                || SETTINGS.iter().any(|setting| setting.variable == name)
                || CLUSTER.iter().any(|(variable, _)| *variable == name);
            match value.into_string() {
                Ok(value) => {
                    found.insert(name, (value, Source::Environment));
                }
                Err(_) if ours => {
                    return Err(Failure::usage(format!(
                        "{name} (from the environment): not UTF-8"
                    )));
                }
                Err(_) => {}
            }
        }
        found.retain(|_, (value, _)| !value.trim().is_empty());
        Ok(Self { found })
    }

    /// Names that look like ours but are not: probably misspelt.
    pub fn strangers(&self) -> impl Iterator<Item = String> {
        let known = |name: &str| {
            SETTINGS.iter().any(|setting| setting.variable == name)
                || OTHER_VARIABLES.contains(&name)
        };
        self.found
            .iter()
            .filter(move |(name, _)| name.starts_with("POLLUX_") && !known(name))
            .map(|(name, (_, source))| format!("{name} ({source}) is no setting of Pollux"))
    }

    /// Fill in a configuration: flags first, then these variables, then the defaults.
    pub fn config(&self, flags: &Flags) -> Outcome<Config> {
        let mut config = Config::default();
        for setting in SETTINGS {
            let flag = flags.0.get(setting.flag).map(String::as_str);
            let Some((text, found)) = self.look_up(setting.variable, flag) else { continue };
            (setting.set)(&mut config, text.trim()).map_err(|wrong| {
                let shown = if setting.is_secret() { "…" } else { text };
                wrong_value(setting.flag, setting.variable, shown, found, &wrong)
            })?;
        }
        Ok(config)
    }

    /// A setting that is the binary's own and not the server's.
    pub fn read_as<T>(
        &self,
        flag: &str,
        variable: &str,
        typed: Option<&str>,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Outcome<T> {
        let (text, found) = self.look_up(variable, typed).unwrap_or((default, None));
        read(text.trim()).map_err(|wrong| wrong_value(flag, variable, text, found, &wrong))
    }

    /// The flag's value, else the variable's and where it was found.
    fn look_up<'a>(
        &'a self,
        variable: &str,
        typed: Option<&'a str>,
    ) -> Option<(&'a str, Option<&'a Source>)> {
        let found = || self.found.get(variable).map(|(text, source)| (text.as_str(), Some(source)));
        typed.map(|text| (text, None)).or_else(found)
    }

    /// Only these of the variables: for a command that heeds no others.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.found.retain(|name, _| names.contains(&name.as_str()));
        self
    }

    /// The server's configuration, and why it is of the mode it is of, for the start-up line.
    /// Half a cluster is refused.
    pub fn server(&self, flags: &Flags, embedded: bool) -> Outcome<(Config, &'static str)> {
        let mut config = self.config(flags)?;
        let (broker, host) = (!config.kafka.broker.is_empty(), config.db.host.is_some());
        let why = match (broker, host) {
            _ if embedded => "--embedded",
            (false, false) => "neither KAFKA_BROKER nor DB_HOST is set",
            _ => {
                self.cluster_is_whole(flags)?;
                return Ok((config, "KAFKA_BROKER and DB_HOST are set"));
            }
        };
        if config.roles != Roles::ALL {
            return Err(Failure::usage(
                "roles are for a cluster's nodes: without KAFKA_BROKER and DB_HOST one process \
                 takes votes and counts them; leave out --roles and POLLUX_ROLES",
            ));
        }
        (config.kafka.broker, config.db.host) = (Vec::new(), None);
        Ok((config, why))
    }

    /// Everything that a cluster's node must be told is there, or an error with lines to paste.
    fn cluster_is_whole(&self, flags: &Flags) -> Outcome {
        let given = |setting: &&Setting| {
            self.look_up(setting.variable, flags.0.get(setting.flag).map(String::as_str))
        };
        let needed = |name: &str| SETTINGS.iter().find(|setting| setting.variable == name);
        let missing: Vec<_> = CLUSTER
            .iter()
            .filter(|(name, _)| needed(name).as_ref().and_then(given).is_none())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let one = ["KAFKA_BROKER", "DB_HOST"];
        let one = one.into_iter().find_map(|name| needed(name).filter(|row| given(row).is_some()));
        let one = one.expect("asked for because one of them is set");
        let source = match given(&one) {
            Some((_, Some(source))) => source.to_string(),
            _ => format!("given as --{}", one.flag),
        };
        let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
        let lines: String =
            missing.iter().map(|(name, value)| format!("\n  {name}={value}")).collect();
        Err(Failure::usage(format!(
            "{} ({source}) is set, but {} not. For a cluster add to .env:{lines}\n\
             For one machine unset {0}, or pass --embedded",
            one.variable,
            match names.as_slice() {
                [name] => format!("{name} is"),
                names => format!("{} are", names.join(", ")),
            },
        )))
    }
}

/// The data folder that a command reads: the flag, else as the server would find it. It must
/// exist.
pub fn data_folder(flag: Option<&Path>) -> Outcome<PathBuf> {
    let mut flags = Flags::default();
    if let Some(folder) = flag {
        flags.set("data", folder.to_string_lossy());
    }
    let folder = Variables::read()?.config(&flags)?.data;
    if !folder.is_dir() {
        return Err(Failure::failed(format!(
            "there is no data folder {}; name it with --data or POLLUX_DATA",
            folder.display()
        )));
    }
    Ok(folder)
}

/// A value that cannot be read, named with its source; without one it was typed as a flag.
fn wrong_value(
    flag: &str,
    variable: &str,
    shown: &str,
    found: Option<&Source>,
    wrong: &str,
) -> Failure {
    Failure::usage(match found {
        Some(source) => format!("{variable}={shown} ({source}): {wrong}"),
        None => format!("--{flag} {shown}: {wrong}"),
    })
}

/// The number of the last line that fits, from 1.
fn line_where(text: &str, fits: impl Fn(&str) -> bool) -> Option<usize> {
    text.lines().collect::<Vec<_>>().iter().rposition(|line| fits(line)).map(|index| index + 1)
}

/// Whether this line of a `.env` sets this variable.
fn names(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn variables(environment: &[(&str, &str)], dot_env: &str) -> Variables {
        let environment = environment.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Variables::of(environment, dot_env).unwrap()
    }

    fn complaint(environment: &[(&str, &str)], dot_env: &str) -> String {
        variables(environment, dot_env).config(&Flags::default()).unwrap_err().message
    }

    #[test]
    fn flag_beats_environment_beats_dot_env_beats_default() {
        let mut flags = Flags::default();
        let none = variables(&[], "");
        assert_eq!(none.config(&flags).unwrap().port, 5000);
        assert_eq!(variables(&[], "PORT=1").config(&flags).unwrap().port, 1);
        let both = variables(&[("PORT", "2")], "PORT=1");
        assert_eq!(both.config(&flags).unwrap().port, 2);
        flags.set("port", "3");
        assert_eq!(both.config(&flags).unwrap().port, 3);
        assert_eq!(variables(&[("PORT", " ")], "").config(&Flags::default()).unwrap().port, 5000);
    }

    #[test]
    fn errors_name_the_source() {
        let wrong = complaint(&[], "# mine\n\nexport PORT = abc\n");
        assert_eq!(wrong, "PORT=abc (from .env line 3): not a port from 0 to 65535");
        let wrong = complaint(&[("POLLUX_HOST", "x")], "");
        assert!(wrong.starts_with("POLLUX_HOST=x (from the environment): "), "{wrong}");
        let wrong = complaint(&[("POLLUX_SECRET", "hunter2")], "");
        assert!(!wrong.contains("hunter2"), "{wrong}");
        let passwords = [("DB_PASSWORD", "hunter2"), ("POLLUX_KAFKA_PASSWORD", "hunter2")];
        let read = variables(&passwords, "").config(&Flags::default()).unwrap();
        assert_eq!(read.db.password.0, "hunter2");
        assert_eq!(read.kafka.password.as_ref().unwrap().0, "hunter2");
        assert!(!format!("{read:?}").contains("hunter2"));
        let wrong = Variables::of([], "PORT=1\nnonsense here\n").unwrap_err().message;
        assert!(wrong.starts_with(".env line 2: not NAME=value"), "{wrong}");
        let wrong = Variables::of([], "PORT=1\nDB_PASSWORD=two words").unwrap_err().message;
        assert!(wrong.starts_with(".env line 2: ") && !wrong.contains("words"), "{wrong}");
    }

    #[test]
    fn one_cluster_variable_alone_names_the_missing_ones() {
        let mode = |variables: &Variables, embedded| {
            variables.server(&Flags::default(), embedded).map(|(config, _)| config.is_cluster())
        };
        assert!(!mode(&variables(&[], ""), false).unwrap());
        let one = variables(&[], "KAFKA_BROKER=k:9092");
        let wrong = mode(&one, false).unwrap_err();
        assert_eq!(wrong.code, crate::exit::USAGE);
        for said in ["DB_HOST", "DB_USER", "DB_PASSWORD", "from .env line 1", "--embedded"] {
            assert!(wrong.message.contains(said), "{}", wrong.message);
        }
        assert!(!wrong.message.contains("add to .env:\n  KAFKA_BROKER"), "{}", wrong.message);
        assert!(!mode(&one, true).unwrap());
        let all = "DB_USER=pollux\nDB_PASSWORD=p";
        let both = variables(&[("DB_HOST", "db")], &format!("KAFKA_BROKER=k:9092\n{all}"));
        assert!(mode(&both, false).unwrap());
        assert!(!mode(&both, true).unwrap());

        let mut flags = Flags::default();
        flags.set("kafka-broker", "k:9092");
        let wrong = variables(&[], all).server(&flags, false).unwrap_err().message;
        assert!(wrong.contains("(given as --kafka-broker) is set, but DB_HOST is not"), "{wrong}");
        flags.set("db-host", "db");
        assert!(variables(&[], all).server(&flags, false).unwrap().0.is_cluster());
    }

    #[test]
    fn roles_are_for_a_cluster() {
        let half = variables(&[("POLLUX_ROLES", "web")], "");
        assert!(half.server(&Flags::default(), false).unwrap_err().message.contains("roles are"));
        let wrong = complaint(&[("POLLUX_ROLES", "web,worker")], "");
        assert!(wrong.contains("\"worker\" is neither web nor processor"), "{wrong}");
    }

    #[test]
    fn misspelt_variables_are_noticed() {
        let found = variables(&[("POLLUX_PROT", "1"), ("POLLUX_LOG", "info")], "");
        let strangers: Vec<_> = found.strangers().collect();
        assert_eq!(strangers, ["POLLUX_PROT (from the environment) is no setting of Pollux"]);
    }
}
