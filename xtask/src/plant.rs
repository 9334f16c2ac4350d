//! `make plant`: plants known bugs, one at a time, in a copy of the tree, and sees that a test
//! goes red. A test suite that stays green with one of these in would prove nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

/// A bug, where it goes, and which tests must notice.
pub struct Plant {
    /// In a few words.
    pub name: &'static str,
    /// From the root of the checkout.
    pub file: &'static str,
    /// Stands there exactly once.
    pub right: &'static str,
    /// Put in its place.
    pub wrong: &'static str,
    /// Arguments of `cargo test`.
    pub tests: &'static [&'static str],
}

/// Plant them all, or those whose name contains `only`.
pub fn run(only: Option<&str>, plants: &[Plant]) -> Result<()> {
    let root = std::env::current_dir()?;
    let copy = copy_of(&root)?;
    let mut rows = Vec::new();
    for plant in plants.iter().filter(|plant| only.is_none_or(|text| plant.name.contains(text))) {
        let started = Instant::now();
        eprintln!("planting: {}", plant.name);
        let caught = sow(&copy, plant)?;
        rows.push((plant, caught, started.elapsed().as_secs()));
    }
    ensure!(!rows.is_empty(), "no planted bug has a name like that");
    println!("{:52} {:7} {:>5}  noticed by", "planted bug", "", "s");
    for (plant, caught, seconds) in &rows {
        let verdict = if caught.is_some() { "caught" } else { "MISSED" };
        println!(
            "{:52} {verdict:7} {seconds:5}  {}",
            plant.name,
            caught.as_deref().unwrap_or("nothing")
        );
    }
    let missed = rows.iter().filter(|(_, caught, _)| caught.is_none()).count();
    println!("\n{} passed, {missed} failed", rows.len() - missed);
    ensure!(missed == 0, "{missed} planted bugs went unnoticed");
    Ok(())
}

/// The files git knows of, in a folder whose build cache is kept between runs.
fn copy_of(root: &Path) -> Result<PathBuf> {
    let copy = root.join("target/plant");
    fs::create_dir_all(&copy)?;
    let listed = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).output()?;
    ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    for name in String::from_utf8(listed.stdout)?.lines().filter(|name| root.join(name).is_file()) {
        let (from, to) = (root.join(name), copy.join(name));
        // Only what differs, so that cargo builds only that.
        let bytes = fs::read(&from)?;
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::write(&to, bytes)?;
        }
    }
    Ok(copy)
}

/// Put the bug in, run the tests, take it out. Says which test noticed.
fn sow(copy: &Path, plant: &Plant) -> Result<Option<String>> {
    let path = copy.join(plant.file);
    let healthy = fs::read_to_string(&path).with_context(|| plant.file.to_owned())?;
    ensure!(
        healthy.matches(plant.right).count() == 1,
        "{}: the code this bug replaces is not there exactly once:\n{}",
        plant.file,
        plant.right
    );
    fs::write(&path, healthy.replacen(plant.right, plant.wrong, 1))?;
    let outcome = test(copy, plant.tests);
    fs::write(&path, healthy)?;
    outcome.with_context(|| format!("with the bug {:?}", plant.name))
}

fn test(copy: &Path, tests: &[&str]) -> Result<Option<String>> {
    let cargo_test = || {
        let mut command = Command::new(env!("CARGO"));
        command.arg("test").args(tests).current_dir(copy).stdin(Stdio::null());
        command.env("RUST_BACKTRACE", "0").env_remove("CARGO_TARGET_DIR");
        command
    };
    let built = cargo_test().arg("--no-run").output()?;
    if !built.status.success() {
        bail!("it does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    }
    let ran = cargo_test().output()?;
    if ran.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&ran.stdout);
    let failed: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .collect();
    match failed.as_slice() {
        [] => Ok(Some("the test process".into())),
        [one] => Ok(Some((*one).into())),
        [first, rest @ ..] => Ok(Some(format!("{first} and {} more", rest.len()))),
    }
}
