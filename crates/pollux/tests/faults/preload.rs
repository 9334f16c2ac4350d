//! Preloads a library into a member of the cluster, so that what the member asks of the system is answered
//! otherwise, or written down. The libraries are the C files beside this one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use pollux_cluster::Cluster;

/// The variable that names the library to the system's loader.
const PRELOAD: &str = "LD_PRELOAD";

/// A `Preload` is one of the libraries, with the variable in which it is told of a file.
pub struct Preload {
    /// The name of the C file, without its extension.
    pub name: &'static str,
    /// The variable that names the library's file.
    pub variable: &'static str,
}

impl Preload {
    /// Makes the member's next starts preload this library with this file.
    pub fn give(&self, cluster: &Cluster, member: &str, file: &Path) -> Result<()> {
        let library = self.compile(cluster.folder())?.display().to_string();
        let file = file.display().to_string();
        cluster.set_variables(member, &[(PRELOAD, Some(&library)), (self.variable, Some(&file))])
    }

    /// Makes the member's next starts do without it.
    pub fn take_away(&self, cluster: &Cluster, member: &str) -> Result<()> {
        cluster.set_variables(member, &[(PRELOAD, None), (self.variable, None)])
    }

    fn compile(&self, folder: &Path) -> Result<PathBuf> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
        let library = folder.join(self.name).with_extension("so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]);
        let output = cc.arg(&library).arg(sources.join(self.name).with_extension("c")).output();
        let output = output.context("cc is missing. On Debian: sudo apt-get install gcc")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(library)
    }
}
