//! One process of the cluster: how it is started, how one knows that it is ready, how it ends.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::postgres::Database;
use crate::process::{Process, Signal, State};
use crate::wire;

/// A process that can be killed, paused and started again by its name. Kept in the cluster's
/// folder, so that another command can do it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    /// `kafka2`, say; also of its log and its pid file.
    pub name: String,
    /// What is run.
    pub program: PathBuf,
    /// With which arguments.
    pub args: Vec<String>,
    /// What is added to the environment.
    pub env: Vec<(String, String)>,
    /// As which user and group, if not as ours.
    pub user: Option<(u32, u32)>,
    /// When it is ready.
    pub ready: Ready,
}

/// What must be seen before a member counts as ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ready {
    /// It leads an ensemble or follows its leader.
    ZooKeeper {
        /// For clients.
        port: u16,
    },
    /// It answers, and knows of a controller with which it is registered.
    Broker {
        /// Its id.
        id: i32,
        /// The plain one.
        port: u16,
    },
    /// It answers `SELECT 1`.
    Postgres(Database),
    /// It answers 200 to a GET.
    Http {
        /// On loopback.
        port: u16,
        /// `/readyz`, say.
        path: String,
    },
    /// As soon as it runs.
    Running,
}

impl Ready {
    /// Which wave of the start it belongs to: brokers need ZooKeeper, web nodes need all.
    pub(crate) fn wave(&self) -> u8 {
        match self {
            Self::ZooKeeper { .. } | Self::Postgres(_) => 0,
            Self::Broker { .. } => 1,
            Self::Http { .. } | Self::Running => 2,
        }
    }

    /// Where it listens, if it does.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::ZooKeeper { port } | Self::Broker { port, .. } | Self::Http { port, .. } => {
                Some(*port)
            }
            Self::Postgres(database) => Some(database.port),
            Self::Running => None,
        }
    }

    /// The signal that asks it to stop in good order.
    pub(crate) fn stop_signal(&self) -> Signal {
        match self {
            // SIGTERM would have it wait for its clients to leave.
            Self::Postgres(_) => Signal::INT,
            _ => Signal::TERM,
        }
    }

    /// Whether it is ready now; the error says what is missing.
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
    /// Start it, with its log and its pid file in the folder.
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
            // A Ctrl-C at the terminal is not meant for it.
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

    /// Its process, if it lives, also one that is paused.
    pub(crate) fn living(&self, folder: &Path) -> Result<Process> {
        Process::read(&self.pid_file(folder))?
            .filter(|process| process.state() != State::Dead)
            .with_context(|| format!("{} is not running", self.name))
    }

    /// Where it writes what it says.
    pub fn log(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.log", self.name))
    }

    pub(crate) fn pid_file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.pid", self.name))
    }
}

/// `leader` or `follower`; one that serves nobody is an error.
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
