//! A member is one process of the cluster: how it is started, how to see that it is ready, how it is stopped.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::process::{Process, Signal, State};
use crate::wire;

/// `Member` describes a process that can be killed, paused and started again by its name. It is saved in the
/// cluster's folder, so that another command can do so too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// The member's name, such as `kafka2`. Its log and its pid file are named after it.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// The program's arguments.
    pub args: Vec<String>,
    /// The variables that are added to the environment.
    pub env: Vec<(String, String)>,
    /// The user and the group as which it runs, if they are not our own.
    pub user: Option<(u32, u32)>,
    /// What must be seen before it counts as ready.
    pub ready: Ready,
}

/// `Ready` says what must be seen before a member counts as ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ready {
    /// A ZooKeeper that leads an ensemble or follows its leader.
    ZooKeeper {
        /// The port for clients.
        port: u16,
    },
    /// A broker that answers, and knows of a controller with which it is registered.
    Broker {
        /// The broker's id.
        id: i32,
        /// The port of its plain listener.
        port: u16,
    },
    /// A PostgreSQL that answers `SELECT 1`.
    Postgres(Database),
    /// A server that answers 200 to a GET.
    Http {
        /// Its port on loopback.
        port: u16,
        /// The path of the request, such as `/readyz`.
        path: String,
    },
    /// A process that counts as ready as soon as it runs.
    Running,
}

impl Ready {
    /// Returns the wave of the start to which it belongs: brokers need ZooKeeper, web nodes need everything.
    pub(crate) fn wave(&self) -> u8 {
        match self {
            Self::ZooKeeper { .. } | Self::Postgres(_) => 0,
            Self::Broker { .. } => 1,
            Self::Http { .. } | Self::Running => 2,
        }
    }

    /// Returns the port at which it listens, if it does.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::ZooKeeper { port } | Self::Broker { port, .. } | Self::Http { port, .. } => {
                Some(*port)
            }
            Self::Postgres(database) => Some(database.port),
            Self::Running => None,
        }
    }

    /// Returns the signal that asks it to stop.
    pub(crate) fn stop_signal(&self) -> Signal {
        match self {
            // SIGTERM would make it wait until its clients leave.
            Self::Postgres(_) => Signal::INT,
            _ => Signal::TERM,
        }
    }

    /// Checks whether it is ready now; the error says what is missing.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::ZooKeeper { port } => zookeeper_mode(*port).map(|_| ()),
            Self::Broker { id, port } => {
                let known = wire::metadata(*port)?;
                ensure!(known.brokers.contains(id), "not registered with the controller");
                ensure!(known.controller.is_some(), "no controller");
                Ok(())
            }
            Self::Postgres(database) => database.query("SELECT 1").map(|_| ()),
            Self::Http { port, path } => http_ok(*port, path),
            Self::Running => Ok(()),
        }
    }
}

impl Member {
    /// Sets a variable that is added to the environment, or removes it.
    pub(crate) fn set_variable(&mut self, variable: &str, value: Option<&str>) {
        self.env.retain(|(known, _)| known != variable);
        self.env.extend(value.map(|value| (variable.to_owned(), value.to_owned())));
    }

    /// Starts the process, with its log and its pid file in the folder.
    pub(crate) fn spawn(&self, folder: &Path) -> Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(self.log(folder))?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Its own process group keeps it from being ended by a Ctrl-C at the terminal.
            .process_group(0);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group).current_dir("/");
        }
        let mut child = command
            .spawn()
            .with_context(|| format!("{}: {}", self.name, self.program.display()))?;
        if let Err(error) = Process::of(child.id()).and_then(|it| it.write(&self.pid_file(folder)))
        {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        Ok(child)
    }

    /// Returns its process, which may be paused. A dead one is an error.
    pub(crate) fn living(&self, folder: &Path) -> Result<Process> {
        Process::read(&self.pid_file(folder))?
            .filter(|process| process.state() != State::Dead)
            .with_context(|| format!("{} is not running", self.name))
    }

    /// Returns the path of the file to which its output goes.
    pub fn log(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.log", self.name))
    }

    /// Returns the path of the file that remembers its process.
    pub(crate) fn pid_file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.pid", self.name))
    }
}

/// Returns `leader` or `follower`. A ZooKeeper that serves no clients is an error.
pub(crate) fn zookeeper_mode(port: u16) -> Result<String> {
    let ok = four_letters(port, "ruok")?;
    ensure!(ok == "imok", "ruok: {ok:?}");
    let answer = four_letters(port, "srvr")?;
    let mode = answer.lines().find_map(|line| line.strip_prefix("Mode: "));
    match mode {
        Some(mode @ ("leader" | "follower")) => Ok(mode.to_owned()),
        _ => bail!("{}", answer.lines().next().unwrap_or("no answer")),
    }
}

fn four_letters(port: u16, word: &str) -> Result<String> {
    let mut tcp = wire::connect(port)?;
    tcp.write_all(word.as_bytes())?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer)?;
    Ok(answer)
}

fn http_ok(port: u16, path: &str) -> Result<()> {
    let mut tcp = wire::connect(port)?;
    write!(tcp, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{}", answer.lines().next().unwrap_or("no answer"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_set_and_removed_beside_others() {
        let own = ("LC_ALL".to_owned(), "C".to_owned());
        let mut member = Member {
            name: "node".into(),
            program: "true".into(),
            args: Vec::new(),
            env: vec![own.clone()],
            user: None,
            ready: Ready::Running,
        };
        member.set_variable("PORT", Some("1"));
        member.set_variable("PORT", Some("2"));
        assert_eq!(member.env, [own.clone(), ("PORT".into(), "2".into())]);
        member.set_variable("PORT", None);
        member.set_variable("HOST", None);
        assert_eq!(member.env, [own]);
    }
}
