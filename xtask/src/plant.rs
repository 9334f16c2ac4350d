//! `make plant` plants known bugs, one at a time, in a copy of the tree, and checks that a test fails for
//! each. A test suite that passes with one of these bugs would prove nothing.

mod page;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// `Plant` is a bug: where it goes, and which tests must notice it.
pub struct Plant {
    /// The bug in a few words.
    pub name: &'static str,
    /// The path of the file, from the root of the checkout.
    pub file: &'static str,
    /// The right code, which is in the file exactly once.
    pub right: &'static str,
    /// The wrong code that replaces it.
    pub wrong: &'static str,
    /// The arguments of `cargo test`.
    pub tests: &'static [&'static str],
}

/// A test run may take this long without its build. A longer run is stopped, which counts as noticing the
/// bug: no healthy run takes a quarter of this.
const LONGEST: Duration = Duration::from_secs(180);

/// The simulation tries this many seeds for each bug. The first that fails ends the run.
const SEEDS: &str = "400";

/// Gives each bug its row in the page that lists them, without planting any.
pub fn list(plants: &[Plant]) -> Result<()> {
    page::update(&std::env::current_dir()?, plants, None)
}

/// Plants all bugs, or those whose names contain `only`. If `unseen`, bugs of which the page says what noticed them are
/// left out. What notices a bug is written into the page.
pub fn run(only: Option<&str>, unseen: bool, plants: &[Plant]) -> Result<()> {
    let root = std::env::current_dir()?;
    let seen = page::seen(&fs::read_to_string(root.join(page::PAGE)).context(page::PAGE)?)?;
    let is_unseen = |name| seen.get(name).is_none_or(|seen| seen.noticed_by.is_empty());
    let is_chosen = |plant: &&Plant| {
        only.is_none_or(|text| plant.name.contains(text)) && (!unseen || is_unseen(plant.name))
    };
    let chosen: Vec<_> = plants.iter().filter(is_chosen).collect();
    ensure!(!chosen.is_empty(), "no planted bug is like that");
    let copy = copy_of(&root)?;
    let record = |name: &str, noticed_by: &str, seconds| {
        page::update(&root, plants, Some((name, page::Sighting::now(noticed_by, seconds)?)))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // If the work is dropped half done, its processes are stopped and its bug is taken out again.
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            done = plant_all(&copy, &chosen, record) => done,
        }
    })
}

async fn plant_all(
    copy: &Path,
    plants: &[&Plant],
    record: impl Fn(&str, &str, u64) -> Result<()>,
) -> Result<()> {
    for plant in plants {
        healthy(copy, plant)?;
    }
    let started = Instant::now();
    // Tests that fail anyway notice nothing.
    for tests in plants.iter().map(|plant| plant.tests).collect::<BTreeSet<_>>() {
        if let Some(failed) = test(copy, tests).await? {
            bail!("without any bug, cargo test {}: {failed}", tests.join(" "));
        }
    }
    println!("Without a bug all is green ({} s).\n", started.elapsed().as_secs());
    println!("| planted bug{:42} |   s | noticed by\n|{:-<55}|----:|---", "", "");
    let mut missed = 0;
    for plant in plants {
        let began = Instant::now();
        // A bug that does not build proves nothing either.
        let caught = plant_and_test(copy, plant).await.unwrap_or_else(|error| {
            eprintln!("{error:#}");
            None
        });
        missed += usize::from(caught.is_none());
        let seconds = began.elapsed().as_secs();
        let noticed = caught.as_deref().unwrap_or("**nothing**");
        println!("| {:53} | {seconds:3} | {noticed}", plant.name);
        if let Some(noticed_by) = &caught {
            record(plant.name, noticed_by, seconds)?;
        }
    }
    let (all, seconds) = (plants.len(), started.elapsed().as_secs());
    println!("\n{all} bugs planted, {} noticed, {missed} missed, in {seconds} s", all - missed);
    ensure!(missed == 0, "{missed} planted bugs went unnoticed");
    Ok(())
}

/// Reads the file that a bug goes into. It is an error unless the right code is in it exactly once.
pub fn healthy(root: &Path, plant: &Plant) -> Result<String> {
    let text = fs::read_to_string(root.join(plant.file)).with_context(|| plant.file.to_owned())?;
    let times = text.matches(plant.right).count();
    let Plant { name, file, right, .. } = plant;
    ensure!(times == 1, "{name}: the code it replaces is {times} times in {file}:\n{right}");
    Ok(text)
}

/// `Planted` is a bug that is in the copy now. It is taken out when dropped.
struct Planted {
    path: PathBuf,
    healthy: String,
}

impl Drop for Planted {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.healthy) {
            eprintln!("{} still has a bug in it: {error}", self.path.display());
        }
    }
}

/// Puts the bug in, runs the tests and takes it out again. Returns the test that noticed it.
async fn plant_and_test(copy: &Path, plant: &Plant) -> Result<Option<String>> {
    let planted = Planted { path: copy.join(plant.file), healthy: healthy(copy, plant)? };
    fs::write(&planted.path, planted.healthy.replacen(plant.right, plant.wrong, 1))?;
    test(copy, plant.tests).await.with_context(|| format!("with the bug {:?}", plant.name))
}

/// Builds and runs these tests. Returns which one failed, if one did.
async fn test(copy: &Path, tests: &[&str]) -> Result<Option<String>> {
    let built = cargo_test(copy, tests).arg("--no-run").output().await?;
    if !built.status.success() {
        bail!("it does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    }
    let output = copy.join("target/said");
    let file = File::create(&output)?;
    let mut run = cargo_test(copy, tests);
    let run = run.stdout(file.try_clone()?).stderr(file).process_group(0).spawn()?;
    let Some(status) = Run(run).end().await? else {
        return Ok(Some(format!("the limit of {} s for a test run", LONGEST.as_secs())));
    };
    if status.success() {
        return Ok(None);
    }
    let output = String::from_utf8_lossy(&fs::read(output)?).into_owned();
    let failed: Vec<_> = output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .collect();
    Ok(Some(match failed.as_slice() {
        [] => format!("the test process: {status}"),
        [one] => format!("`{one}`"),
        [first, rest @ ..] => format!("`{first}` and {} more", rest.len()),
    }))
}

fn cargo_test(copy: &Path, tests: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--locked"]).args(tests).current_dir(copy).stdin(Stdio::null());
    command.env("POLLUX_SEEDS", SEEDS).env("RUST_BACKTRACE", "0").env("CARGO_INCREMENTAL", "1");
    command.env_remove("CARGO_TARGET_DIR").env_remove("POLLUX_SEED").kill_on_drop(true);
    command
}

/// `Run` is a test run, in a process group of its own. If it is dropped before its end, the whole group is
/// killed: the tests, what they started, and cargo.
struct Run(Child);

impl Run {
    /// Returns how the run ended; `None` if it had not after [`LONGEST`].
    async fn end(mut self) -> Result<Option<ExitStatus>> {
        Ok(tokio::time::timeout(LONGEST, self.0.wait()).await.ok().transpose()?)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(group) = self.0.id().and_then(|id| Pid::from_raw(id as i32)) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Copies the files that git knows into a folder whose build cache is kept between runs.
fn copy_of(root: &Path) -> Result<PathBuf> {
    let copy = root.join("target/plant");
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .output()?;
    ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout)?;
    let names: BTreeSet<_> =
        listed.lines().map(PathBuf::from).filter(|name| root.join(name).is_file()).collect();
    fs::create_dir_all(&copy)?;
    for name in files(&copy, |name| name != "target")? {
        if !names.contains(&name) {
            fs::remove_file(copy.join(name))?;
        }
    }
    for name in &names {
        // Only files that differ are written, so that cargo builds only those.
        let (bytes, to) = (fs::read(root.join(name))?, copy.join(name));
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::write(&to, bytes)?;
        }
    }
    if !copy.join("target").exists() {
        seed(&root.join("target/debug"), &copy.join("target/debug"))?;
    }
    Ok(copy)
}

/// Takes over the dependencies that `cargo test` has built already. Our own crates are at another path here
/// and are built anew.
fn seed(built: &Path, to: &Path) -> Result<()> {
    let foreign = |name: &str| !name.contains("pollux") && !name.contains("xtask");
    for part in ["build", ".fingerprint", "deps"] {
        if !built.join(part).exists() {
            continue;
        }
        for name in files(&built.join(part), foreign)? {
            let (from, to) = (built.join(part).join(&name), to.join(part).join(&name));
            let library = matches!(name.extension(), Some(ext) if ext == "rlib" || ext == "rmeta" || ext == "so");
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            // Files that are written in place must not be shared. Libraries are large, and are replaced
            // instead of written.
            if part != "deps" {
                fs::copy(&from, &to)?;
                File::open(&to)?.set_modified(fs::metadata(&from)?.modified()?)?;
            } else if library {
                fs::hard_link(&from, &to)?;
            }
        }
    }
    Ok(())
}

/// Returns all files below a folder, without the files and folders whose names are not `wanted`.
fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            if !wanted(&entry.file_name().to_string_lossy()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder)?.to_owned());
            }
        }
    }
    Ok(found)
}
