//! Where the server's settings come from: a flag, else the environment, else `.env` in the
//! working directory, else the default. A value that is wrong is named with its source.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use pollux_server::config::{Config, Roles, SETTINGS, Setting};

use super::Flags;
use crate::exit::{Failure, Outcome};

/// What the commands heed that ask a server; no setting of one.
const OF_CLIENTS: &str = "POLLUX_URL";
/// What cluster mode needs, and what it may look like; what has a default is not among them.
const CLUSTER: &[(&str, &str)] = &[
    ("KAFKA_BROKER", "localhost:9092"),
    ("DB_HOST", "localhost"),
    ("DB_USER", "pollux"),
    ("DB_PASSWORD", "change-me"),
];

/// The setting that a variable sets.
fn setting(variable: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.variable == variable)
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

    pub(super) fn of(
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
            match value.into_string() {
                Ok(value) => {
                    found.insert(name, (value, Source::Environment));
                }
                Err(_) if name.starts_with("POLLUX_") || setting(&name).is_some() => {
                    let why = format!("{name} ({}): not UTF-8", Source::Environment);
                    return Err(Failure::usage(why));
                }
                Err(_) => {}
            }
        }
        found.retain(|_, (value, _)| !value.trim().is_empty());
        Ok(Self { found })
    }

    /// Names that look like ours but are not: probably misspelt.
    pub fn strangers(&self) -> impl Iterator<Item = String> {
        let known = |name: &str| setting(name).is_some() || name == OF_CLIENTS;
        self.found
            .iter()
            .filter(move |(name, _)| name.starts_with("POLLUX_") && !known(name))
            .map(|(name, (_, source))| format!("{name} ({source}) is no setting of Pollux"))
    }

    /// Fill in a configuration: flags first, then these variables, then the defaults.
    pub fn config(&self, flags: &Flags) -> Outcome<Config> {
        let mut config = Config::default();
        for setting in SETTINGS.iter() {
            if let Some((text, _)) = self.look_up(setting, flags) {
                let read = setting.set(&mut config, text.trim());
                read.map_err(|wrong| self.wrong(setting, flags, &wrong))?;
            }
        }
        Ok(config)
    }

    /// The flag's text, else the variable's and where it was found.
    fn look_up<'a>(
        &'a self,
        setting: &Setting,
        flags: &'a Flags,
    ) -> Option<(&'a str, Option<&'a Source>)> {
        let found = |(text, source): &'a (String, Source)| (text.as_str(), Some(source));
        let typed = flags.get(setting).map(|text| (text, None));
        typed.or_else(|| self.found.get(setting.variable).map(found))
    }

    /// A value that cannot be read, named with its source.
    fn wrong(&self, setting: &Setting, flags: &Flags, wrong: &str) -> Failure {
        let (text, source) = self.look_up(setting, flags).unwrap_or((&setting.default, None));
        let text = if setting.is_secret { "…" } else { text };
        Failure::usage(match source {
            Some(source) => format!("{}={text} ({source}): {wrong}", setting.variable),
            None => format!("--{} {text}: {wrong}", setting.flag),
        })
    }

    /// The value of this variable turned out to be wrong when it was used.
    pub fn refuse(&self, variable: &str, flags: &Flags, wrong: &str) -> Failure {
        self.wrong(setting(variable).expect("a setting has this variable"), flags, wrong)
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
        let given = |name: &str| {
            let setting = setting(name)?;
            let (_, source) = self.look_up(setting, flags)?;
            let typed = || format!("given as --{}", setting.flag);
            Some(source.map_or_else(typed, Source::to_string))
        };
        let missing: Vec<_> = CLUSTER.iter().filter(|(name, _)| given(name).is_none()).collect();
        let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
        let missing_are = match names.as_slice() {
            [] => return Ok(()),
            [name] => format!("{name} is"),
            names => format!("{} are", names.join(", ")),
        };
        let (one, source) = ["KAFKA_BROKER", "DB_HOST"]
            .into_iter()
            .find_map(|name| Some((name, given(name)?)))
            .expect("asked for because one of them is set");
        let lines: String =
            missing.iter().map(|(name, value)| format!("\n  {name}={value}")).collect();
        Err(Failure::usage(format!(
            "{one} ({source}) is set, but {missing_are} not. For a cluster add to .env:{lines}\n\
             For one machine unset {one}, or pass --embedded",
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
