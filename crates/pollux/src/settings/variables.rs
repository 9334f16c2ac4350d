//! A setting's value comes from its flag, else from the environment, else from `.env` in the working
//! directory, else it is the default. An error about a value names its source.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use pollux_server::config::{Config, Roles, SETTINGS, Setting};

use super::flags::Flags;
use crate::exit::{Failure, Outcome};

/// This variable belongs to the commands that ask a server. It is no setting of the server.
const OF_CLIENTS: &str = "POLLUX_URL";
/// Cluster mode needs these variables, which have no defaults. Beside each is an example of its value.
const CLUSTER: &[(&str, &str)] = &[
    ("KAFKA_BROKER", "localhost:9092"),
    ("DB_HOST", "localhost"),
    ("DB_USER", "pollux"),
    ("DB_PASSWORD", "change-me"),
];

/// Returns the setting of this variable.
fn setting(variable: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.variable == variable)
}

/// `Source` is the place where a value was found.
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

/// `Variables` are those of the environment, and below them those of `.env`. An empty value counts as absent.
#[derive(Debug, Default)]
pub struct Variables {
    found: BTreeMap<String, (String, Source)>,
}

impl Variables {
    /// Reads the process's environment and the `.env` of the working directory.
    pub fn read() -> Outcome<Self> {
        let text = match std::fs::read_to_string(".env") {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::usage(format!(".env cannot be read: {error}"))),
        };
        Self::of(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v))), &text)
    }

    /// Collects the variables of an environment and of the text of a `.env`.
    pub(super) fn of(
        environment: impl IntoIterator<Item = (String, std::ffi::OsString)>,
        dot_env: &str,
    ) -> Outcome<Self> {
        let mut found = BTreeMap::new();
        // If a variable is there twice, the last line counts, as in a shell.
        for item in dotenvy::from_read_iter(dot_env.as_bytes()) {
            let (name, value) = item.map_err(|error| match error {
                // The text is left out of the message: it may be a password.
                dotenvy::Error::LineParse(text, _) => Failure::usage(format!(
                    ".env{}: not NAME=value; quote a value that contains spaces or quotes",
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

    /// Returns a warning for each variable that looks like ours and is not: it is probably misspelt.
    pub fn unknown(&self) -> impl Iterator<Item = String> {
        let known = |name: &str| setting(name).is_some() || name == OF_CLIENTS;
        self.found
            .iter()
            .filter(move |(name, _)| name.starts_with("POLLUX_") && !known(name))
            .map(|(name, (_, source))| format!("{name} ({source}) is not a setting of Pollux"))
    }

    /// Makes a configuration of the flags, else of these variables, else of the defaults.
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

    /// Returns the flag's text, else the variable's text and where it was found.
    fn look_up<'a>(
        &'a self,
        setting: &Setting,
        flags: &'a Flags,
    ) -> Option<(&'a str, Option<&'a Source>)> {
        let found = |(text, source): &'a (String, Source)| (text.as_str(), Some(source));
        let typed = flags.get(setting).map(|text| (text, None));
        typed.or_else(|| self.found.get(setting.variable).map(found))
    }

    /// Returns the error about a value that cannot be read, with its source.
    fn wrong(&self, setting: &Setting, flags: &Flags, wrong: &str) -> Failure {
        let (text, source) = self.look_up(setting, flags).unwrap_or((&setting.default, None));
        let text = if setting.is_secret { "…" } else { text };
        Failure::usage(match source {
            Some(source) => format!("{}={text} ({source}): {wrong}", setting.variable),
            None => format!("--{} {text}: {wrong}", setting.flag),
        })
    }

    /// Returns the error about a variable whose value turned out to be wrong when it was used.
    pub fn refuse(&self, variable: &str, flags: &Flags, wrong: &str) -> Failure {
        self.wrong(setting(variable).expect("a setting has this variable"), flags, wrong)
    }

    /// Keeps only these variables, for a command that uses no others.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.found.retain(|name, _| names.contains(&name.as_str()));
        self
    }

    /// Returns the server's configuration, and the reason for its mode, for the start-up line. It is an error
    /// if only a part of a cluster's settings is there.
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

    /// Checks that all settings of a cluster's node are there. If not, the error has lines to paste into
    /// `.env`.
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

/// Returns the data folder that a command reads: the flag's, else the one that the server would use. It must
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

/// Returns the number, from 1, of the last line that fits.
fn line_where(text: &str, fits: impl Fn(&str) -> bool) -> Option<usize> {
    text.lines().collect::<Vec<_>>().iter().rposition(|line| fits(line)).map(|index| index + 1)
}

/// Returns whether this line of a `.env` sets this variable.
fn names(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}
