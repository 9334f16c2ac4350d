//! `cargo xtask tidy` holds the tree to what CONTRIBUTING.md and STYLE.md promise, as far as a machine can read it.
//! Each module is one check, and opens with what it checks.

mod absences;
mod circles;
mod dependencies;
mod imports;
mod kinds;
mod papers;
mod queues;
mod sizes;
mod types;
mod words;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// `TextFile` is a file of the tree, as it is in the working copy.
struct TextFile {
    /// The path from the root, with `/` between its parts.
    path: String,
    text: String,
}

impl TextFile {
    fn new(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into() }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the file is Rust that ends up in a binary: neither a test nor an example.
    fn is_production(&self) -> bool {
        let is_test = |part: &str| matches!(part, "tests" | "tests.rs" | "examples" | "benches");
        let is_suite = self.path.contains("conformance");
        self.is_rust() && !is_suite && !self.path.split('/').any(is_test)
    }

    /// The lines above the tests that stand in the same file.
    fn production_lines(&self) -> Vec<&str> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        self.text[..end].lines().collect()
    }

    /// Whether the file belongs to the screens and is written by hand.
    fn is_screen(&self) -> bool {
        let ours = self.path.starts_with("web/src/") || self.path.starts_with("web/e2e/");
        let code = [".ts", ".svelte", ".mjs", ".css"].iter().any(|end| self.path.ends_with(end));
        ours && code && !self.path.contains("/generated/")
    }
}

/// `Untidy` says where something is wrong, and what.
struct Untidy {
    path: String,
    /// Counted from 1; 0 if it is about the whole file.
    line: usize,
    what: String,
}

impl Untidy {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

/// A line without the comment at its end.
fn code(line: &str) -> &str {
    let is_text = |at: usize| line[..at].matches('"').count() % 2 == 1;
    let comment = line.match_indices("//").find(|(at, _)| !is_text(*at));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Whether a line says that clap makes help texts of a type's comments. Those begin with a verb.
fn derives_help(line: &str) -> bool {
    let Some(derived) = line.trim_start().strip_prefix("#[derive(") else { return false };
    let mut names = derived.split(|c: char| !c.is_alphanumeric());
    names.any(|name| matches!(name, "Parser" | "Args" | "Subcommand" | "ValueEnum"))
}

/// Returns the files of the tree that hold text, and are not ignored by git.
fn files(root: &Path) -> Result<Vec<TextFile>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = git.output().context("git ls-files")?;
    if !listed.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr).trim());
    }
    let listed = String::from_utf8(listed.stdout).context("git ls-files")?;
    let there = listed.split_terminator('\0').filter(|path| root.join(path).is_file());
    let read = there.map(|path| {
        let bytes = fs::read(root.join(path)).with_context(|| path.to_owned())?;
        let text = String::from_utf8(bytes).ok();
        Ok(text.map(|text| TextFile::new(path, text)))
    });
    read.filter_map(Result::transpose).collect()
}

/// A check reads all files, and finds what is wrong with them.
type Check = fn(&[TextFile]) -> Vec<Untidy>;

/// These are all checks.
const CHECKS: &[Check] = &[
    sizes::check,
    words::check,
    types::check,
    imports::check,
    circles::check,
    kinds::check,
    absences::check,
    queues::check,
    papers::check,
    dependencies::check,
];

/// Checks the tree that this program was built from.
pub fn run() -> Result<()> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands in a folder")?;
    let files = files(root)?;
    if files.is_empty() {
        bail!("git lists no files in {}: tidy needs a checkout", root.display());
    }
    let faults: Vec<Untidy> = CHECKS.iter().flat_map(|check| check(&files)).collect();
    for Untidy { path, line, what } in &faults {
        match line {
            0 => println!("{path}: {what}"),
            _ => println!("{path}:{line}: {what}"),
        }
    }
    match faults.len() {
        0 => Ok(()),
        count => bail!(
            "{count} places are not tidy; CONTRIBUTING.md and STYLE.md say what is asked of them"
        ),
    }
}
