//! A `Database` is known by its address and the credentials of its owner, and is asked with `psql`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Debian keeps each version's programs in this folder.
const PACKAGED: &str = "/usr/lib/postgresql";

/// `Database` says where a database is, and how to log in to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Database {
    /// The host, which is `127.0.0.1`.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The role that owns the database. It is no superuser.
    pub user: String,
    /// The password of `user`, made when the cluster is created.
    pub password: String,
    /// The database's name.
    pub name: String,
    /// The folder of `psql` and PostgreSQL's other programs.
    programs: PathBuf,
}

impl Database {
    /// Returns the address of a database `polling` on this port.
    pub(crate) fn new(port: u16, password: &str) -> Result<Self> {
        let [host, user, name] = ["127.0.0.1", "pollux", "polling"].map(str::to_owned);
        Ok(Self { host, port, user, password: password.to_owned(), name, programs: programs()? })
    }

    /// Returns the folder of `psql` and PostgreSQL's other programs.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// Runs a statement with `psql`, and returns its rows without headers or alignment.
    pub fn query(&self, sql: &str) -> Result<String> {
        let output = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--quiet"])
            .args(["--set", "ON_ERROR_STOP=1", "--host", &self.host, "--username", &self.user])
            .args(["--port", &self.port.to_string(), "--dbname", &self.name, "--command", sql])
            .env("PGPASSWORD", &self.password)
            .env("PGCONNECT_TIMEOUT", "2")
            .output()
            .context("psql")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

/// Returns the folder of the newest packaged version's programs, or else of those on the PATH.
fn programs() -> Result<PathBuf> {
    let packaged = fs::read_dir(PACKAGED).into_iter().flatten().flatten();
    let newest = packaged
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| Path::new(PACKAGED).join(format!("{version}/bin/postgres")).exists())
        .max();
    if let Some(version) = newest {
        return Ok(Path::new(PACKAGED).join(format!("{version}/bin")));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .find(|folder| folder.join("postgres").exists())
        .context("PostgreSQL is missing. On Debian: sudo apt-get install postgresql")
}
