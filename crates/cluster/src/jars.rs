//! The jars of the pinned Kafka versions come from Maven, and each is checked against the repository's list.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use crate::{Mode, repository};

/// `Jars` are what the Java processes of one mode run.
#[derive(Clone, Debug)]
pub struct Jars {
    /// The class path for `java -cp`.
    pub classpath: String,
}

impl Jars {
    /// Returns the jars: from `.tools` if they are there and intact, else through Maven.
    pub fn resolve(mode: Mode, progress: &dyn Fn(&str)) -> Result<Self> {
        let name = match mode {
            Mode::ZooKeeper => "kafka-3.9",
            Mode::KRaft => "kafka-4.3",
        };
        let project = repository().join("cluster").join(name);
        let sums = fs::read_to_string(project.join("SHA256SUMS"))?;
        let folder = repository().join(".tools").join(name);
        if let Err(why) = check(&project, &folder) {
            progress(&format!("{name}: {why}; resolving with Maven"));
            fetch(&project, &folder)?;
        }
        // The list, and not the folder, says what is run. The logging's configuration comes first.
        let jars = sums.lines().filter_map(|line| line.split_once("  "));
        let files = jars.map(|(_, jar)| folder.join(jar).display().to_string());
        let logging = repository().join("cluster").display().to_string();
        let classpath = std::iter::once(logging).chain(files).collect::<Vec<_>>().join(":");
        Ok(Self { classpath })
    }
}

/// Returns an error unless every jar of the list is there and has the pinned checksum.
fn check(project: &Path, folder: &Path) -> Result<(), String> {
    if !folder.is_dir() {
        return Err("not there yet".into());
    }
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet"])
        .arg(project.join("SHA256SUMS"))
        .current_dir(folder)
        .output()
        .map_err(|error| format!("sha256sum: {error}"))?;
    if checked.status.success() { Ok(()) } else { Err(output_text(&checked)) }
}

/// Fetches the jars into a temporary folder first, so that a fetch that was stopped half way is never taken
/// for complete.
fn fetch(project: &Path, folder: &Path) -> Result<()> {
    let fresh = PathBuf::from(format!("{}.partial-{}", folder.display(), std::process::id()));
    let fetched = maven(project, &fresh).and_then(|()| {
        check(project, &fresh).map_err(|why| {
            anyhow!("Maven brought other jars than {} pins: {why}", project.display())
        })
    });
    if let Err(error) = fetched {
        let _ = fs::remove_dir_all(&fresh);
        return Err(error);
    }
    // Another process may have fetched them meanwhile, and run from that folder already.
    if check(project, folder).is_ok() {
        let _ = fs::remove_dir_all(&fresh);
        return Ok(());
    }
    let _ = fs::remove_dir_all(folder);
    fs::rename(&fresh, folder).with_context(|| format!("into {}", folder.display()))
}

fn maven(project: &Path, folder: &Path) -> Result<()> {
    let output = Command::new("mvn")
        // With strict checksums an artifact that differs from the repository's checksum fails.
        .args(["--batch-mode", "--quiet", "--strict-checksums", "--file"])
        .arg(project.join("pom.xml"))
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", folder.display()))
        .stdin(Stdio::null())
        .output()
        .context("mvn is missing. On Debian: sudo apt-get install maven")?;
    if !output.status.success() {
        bail!("Maven could not resolve {}: {}", project.display(), output_text(&output));
    }
    Ok(())
}

fn output_text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text.trim().to_owned()
}
