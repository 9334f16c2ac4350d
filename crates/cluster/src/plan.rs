//! What a cluster consists of, and the folder that remembers it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

use crate::jars::Jars;
use crate::member::Member;
use crate::ports::Ports;
use crate::postgres::{self, Database};
use crate::process::{Process, State};
use crate::secure::Secure;
use crate::{Detour, MEMBERS, Mode, broker, write_private, zookeeper};

/// Holds the plan.
const PLAN: &str = "cluster.json";

/// Kept in the folder, so that a later command knows the cluster.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) mode: Mode,
    pub(crate) ports: Ports,
    pub(crate) database: Database,
    pub(crate) secure: Option<Secure>,
    pub(crate) detour: Option<Detour>,
    /// What Pollux's nodes share.
    pub(crate) secret: String,
    /// In the order of their start; none while it is being prepared.
    pub(crate) members: Vec<Member>,
}

impl Plan {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(PLAN);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("there is no cluster in {}", folder.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))
    }

    /// Renamed into place: a command at the same time reads the old one or the new one.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let fresh = folder.join(format!("{PLAN}.new"));
        write_private(&fresh, &serde_json::to_string_pretty(self)?)?;
        Ok(fs::rename(&fresh, folder.join(PLAN))?)
    }

    /// Settings and data folders of every member.
    pub(crate) fn prepare(&mut self, folder: &Path, jars: &Jars) -> Result<()> {
        // Making the database's folder takes as long as formatting KRaft's, so both at once.
        std::thread::scope(|scope| {
            let database = scope.spawn(|| postgres::member(folder, &self.database, None));
            let mut members = Vec::new();
            if self.mode == Mode::ZooKeeper {
                for n in 1..=MEMBERS {
                    members.push(zookeeper::member(folder, n, self.ports, jars)?);
                }
            }
            for n in 1..=MEMBERS {
                members.push(broker::member(folder, n, self, jars)?);
            }
            if self.mode == Mode::KRaft {
                broker::format(folder, jars)?;
            }
            let database = database.join().map_err(|_| anyhow!("preparing PostgreSQL panicked"))?;
            members.push(database?);
            members.sort_by_key(|member| member.ready.wave());
            self.members = members;
            Ok(())
        })
    }
}

/// An empty folder, unless what is there is not ours or alive.
pub(crate) fn new_folder(folder: &Path) -> Result<PathBuf> {
    if folder.join(PLAN).exists() {
        // By what stands there, not by the plan: another version may have written that.
        for file in fs::read_dir(folder)? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "pid") {
                let process = Process::read(&file)?;
                let alive = process.is_some_and(|process| process.state() != State::Dead);
                ensure!(!alive, "the cluster in {} is running", folder.display());
            }
        }
        remove_folder(folder)?;
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let empty = fs::read_dir(folder)?.next().is_none();
    ensure!(empty, "{} holds something that is not a cluster", folder.display());
    // PostgreSQL's user must pass; nobody needs to look.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
    Ok(folder.canonicalize()?)
}

pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    postgres::remove(folder)?;
    fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
}
