//! `Postgres` is a PostgreSQL server alone, for tests that need no broker.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Instant;

use anyhow::{Result, bail};
use parking_lot::Mutex;

use crate::database::Database;
use crate::guard::Guard;
use crate::member::Member;
use crate::plan::{new_folder, remove_folder};
use crate::ports::{Port, Ports};
use crate::postgres;
use crate::process::{Process, Signal, State};
use crate::secure::Certificates;
use crate::{Options, START_DEADLINE};

/// While waiting, `Postgres` pauses this long between two attempts.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// `Postgres` is a running PostgreSQL server. Dropping it kills the server and removes its folder with all
/// data.
pub struct Postgres {
    folder: PathBuf,
    database: Database,
    member: Member,
    /// The authority that signed its certificate, if it speaks TLS.
    ca: Option<PathBuf>,
    /// The server's process, kept because it must be reaped.
    child: Mutex<Option<Child>>,
    _guard: Guard,
}

impl Postgres {
    /// Starts a server on a free port, in a new temporary folder.
    pub fn start() -> Result<Self> {
        Self::start_as(&Options::default().folder, false)
    }

    /// Starts a server that refuses connections without TLS.
    pub fn start_with_tls() -> Result<Self> {
        Self::start_as(&Options::default().folder, true)
    }

    /// Starts a server on a free port, in this folder, which is created.
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

    /// Returns the address and the credentials of the database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Returns the PEM file of the authority that signed its certificate, if it speaks TLS. The certificate
    /// is for 127.0.0.1 and localhost.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// Kills the server and its children with SIGKILL, and waits until all are gone.
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

    /// Starts the server, and waits until it answers.
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

    /// Stops the server and its children with SIGSTOP: connections stay open and nobody answers.
    pub fn pause(&self) -> Result<()> {
        self.living()?.signal_all(Signal::STOP).map(drop)
    }

    /// Resumes a paused server.
    pub fn resume(&self) -> Result<()> {
        self.living()?.signal_all(Signal::CONT).map(drop)
    }

    /// Returns whether the server's process lives; a paused one does.
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
