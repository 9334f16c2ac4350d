//! The plan says what a cluster consists of, and is saved in the cluster's folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::database::Database;
use crate::member::Member;
use crate::ports::Ports;
use crate::postgres;
use crate::process::{Process, State};
use crate::secure::Secure;
use crate::{Mode, Proxies, write_private};

/// The plan is kept in a file of this name.
const PLAN: &str = "cluster.json";

/// The plan is kept in the folder, so that a later command knows the cluster.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) mode: Mode,
    pub(crate) ports: Ports,
    pub(crate) database: Database,
    pub(crate) secure: Option<Secure>,
    #[serde(rename = "detour")]
    pub(crate) proxies: Option<Proxies>,
    /// The secret that Pollux nodes share.
    pub(crate) secret: String,
    /// The members in the order of their start. The list is empty while they are being prepared.
    pub(crate) members: Vec<Member>,
}

impl Plan {
    /// Reads the plan of the cluster in this folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(PLAN);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("there is no cluster in {}", folder.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))
    }

    /// Writes the plan and renames it into place: a command that reads it at the same time sees the old one
    /// or the new one.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let fresh = folder.join(format!("{PLAN}.new"));
        write_private(&fresh, &serde_json::to_string_pretty(self)?)?;
        Ok(fs::rename(&fresh, folder.join(PLAN))?)
    }
}

/// Creates an empty folder. It is an error if the folder holds a running cluster, or something that is not a
/// cluster.
pub(crate) fn new_folder(folder: &Path) -> Result<PathBuf> {
    if folder.join(PLAN).exists() {
        // The pid files say who is alive. The plan could have been written by another version.
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
    // PostgreSQL's user must be able to pass through the folder; nobody needs to list it.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
    Ok(folder.canonicalize()?)
}

/// Removes a cluster's folder, and PostgreSQL's, which may be elsewhere.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    postgres::remove(folder)?;
    fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
}
