//! PostgreSQL alone, for tests of what needs no broker.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Instant;

use anyhow::{Result, bail};
use parking_lot::Mutex;

use crate::guard::Guard;
use crate::member::Member;
use crate::plan::{new_folder, remove_folder};
use crate::ports::{Port, Ports};
use crate::postgres::{self, Database};
use crate::process::{Process, Signal, State};
use crate::secure::Certificates;
use crate::{Options, START_DEADLINE};

/// How often one looks again while waiting.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// A PostgreSQL that runs. Dropped, it is gone with all it held.
pub struct Postgres {
    folder: PathBuf,
    database: Database,
    member: Member,
    /// Who vouches for it, if it speaks TLS.
    ca: Option<PathBuf>,
    /// It must be reaped.
    child: Mutex<Option<Child>>,
    _guard: Guard,
}

impl Postgres {
    /// Start one on a free port, in a new folder for temporary files.
    pub fn start() -> Result<Self> {
        Self::start_as(&Options::default().folder, false)
    }

    /// Start one that lets nobody in without TLS.
    pub fn start_with_tls() -> Result<Self> {
        Self::start_as(&Options::default().folder, true)
    }

    /// Start one on a free port, in this folder, which is made.
    pub fn start_in(folder: &Path) -> Result<Self> {
        Self::start_as(folder, false)
    }

    fn start_as(folder: &Path, tls: bool) -> Result<Self> {
        let folder = new_folder(folder)?;
        let password = hex::encode(rand::random::<[u8; 12]>());
        let port = Ports::free()?.get(Port::Postgres, 1);
        let database = Database::new(port, &password)?;
        let made = tls.then(|| Certificates::create(&folder.join("tls"))).transpose()?;
        let member = postgres::member(&folder, &database, made.as_ref())?;
        let ca = made.map(|made| made.ca);
        let guard = Guard::watch(&folder)?;
        let child = Mutex::default();
        let started = Self { folder, database, member, ca, child, _guard: guard };
        started.launch()?;
        Ok(started)
    }

    /// How to reach it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The authority that signed its certificate, PEM, if it speaks TLS. The certificate is for
    /// 127.0.0.1 and localhost.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// Kill it on the spot: SIGKILL, to its children too.
    pub fn kill(&self) -> Result<()> {
        let children = self.living()?.signal_all(Signal::KILL)?;
        if let Some(mut child) = self.child.lock().take() {
            child.wait()?;
        }
        let deadline = Instant::now() + START_DEADLINE;
        while children.iter().any(|child| child.state() != State::Dead) {
            if Instant::now() > deadline {
                bail!("a child of PostgreSQL outlived SIGKILL");
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Start it, and wait until it answers.
    pub fn launch(&self) -> Result<()> {
        *self.child.lock() = Some(self.member.spawn(&self.folder)?);
        let deadline = Instant::now() + START_DEADLINE;
        while let Err(why) = self.member.ready.check() {
            if Instant::now() > deadline || self.living().is_err() {
                let log = self.member.log(&self.folder);
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!("PostgreSQL does not start: {why:#}\n{said}");
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Stop it where it is, with its children: connections stay open and nobody answers.
    pub fn pause(&self) -> Result<()> {
        self.living()?.signal_all(Signal::STOP).map(drop)
    }

    /// Let it go on.
    pub fn resume(&self) -> Result<()> {
        self.living()?.signal_all(Signal::CONT).map(drop)
    }

    /// Whether its process lives.
    pub fn is_alive(&self) -> bool {
        self.living().is_ok()
    }

    fn living(&self) -> Result<Process> {
        self.member.living(&self.folder)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let gone = self.living().is_err() || self.kill().is_ok();
        if std::thread::panicking() || !gone {
            eprintln!("PostgreSQL's folder is {}", self.folder.display());
        } else {
            let _ = remove_folder(&self.folder);
        }
    }
}

#[cfg(test)]
mod tests;
