//! Papers: the files and tests that they name are there, and each invariant has a planted bug.

use std::collections::BTreeSet;

use super::{TextFile, Untidy};
use crate::plants::{BREAKS, PLANTS};

const PAPERS: &[&str] =
    &["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/guarantees.md", "docs/planted-bugs.md"];
/// A path in a paper may be written from the root, or from one of these folders.
const FROM: &[&str] = &[
    "",
    "crates/",
    "crates/server/",
    "crates/server/src/",
    "crates/pollux/",
    "web/",
    "web/src/",
    "docs/",
    "xtask/src/",
];

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| PAPERS.contains(&file.path.as_str())) {
        for (n, line) in file.text.lines().enumerate() {
            for name in line.split('`').skip(1).step_by(2) {
                if is_path(name) && !exists(files, name) {
                    faults.push(Untidy::new(&file.path, n + 1, format!("there is no {name}")));
                }
                // A test may be named with its module.
                let name = name.rsplit("::").next().unwrap_or_default();
                if is_test(name) && !is_defined(files, name) {
                    faults.push(Untidy::new(&file.path, n + 1, format!("there is no test {name}")));
                }
            }
        }
    }
    let architecture = files.iter().find(|file| file.path == "ARCHITECTURE.md");
    faults.extend(architecture.into_iter().flat_map(unbroken));
    faults
}

fn is_path(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    let ends =
        [".rs", ".ts", ".mjs", ".svelte", ".md", ".css"].iter().any(|end| name.ends_with(end));
    plain && name.contains('/') && !name.starts_with('/') && (ends || name.ends_with('/'))
}

fn exists(files: &[TextFile], name: &str) -> bool {
    let is_folder = name.ends_with('/');
    FROM.iter().any(|from| {
        let path = format!("{from}{name}");
        files.iter().any(|file| file.path == path || is_folder && file.path.starts_with(&path))
    })
}

/// The tests of this project have sentences for names.
fn is_test(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    plain && name.matches('_').count() >= 3
}

fn is_defined(files: &[TextFile], name: &str) -> bool {
    let function = ["(", "<"].map(|end| format!("fn {name}{end}"));
    let defines = |file: &TextFile| function.iter().any(|function| file.text.contains(function));
    files.iter().any(|file| file.is_rust() && defines(file))
}

/// Finds invariants without a bug that breaks them.
fn unbroken(architecture: &TextFile) -> Vec<Untidy> {
    let (_, invariants) = architecture.text.split_once("## Invariants").unwrap_or_default();
    let invariants = invariants.split("\n## ").next().unwrap_or_default();
    let number = |line: &str| line.split_once(". **")?.0.parse::<u8>().ok();
    let numbers: BTreeSet<u8> = invariants.lines().filter_map(number).collect();
    let broken: BTreeSet<u8> = BREAKS.iter().map(|(number, _)| *number).collect();
    let unknown = BREAKS.iter().filter(|(_, name)| PLANTS.iter().all(|plant| plant.name != *name));
    let unknown = unknown.map(|(_, name)| format!("no planted bug is called {name:?}"));
    let missing =
        numbers.difference(&broken).map(|n| format!("no planted bug breaks invariant {n}"));
    let none = numbers.is_empty().then(|| "no invariants are found".to_owned());
    missing
        .chain(unknown)
        .chain(none)
        .map(|what| Untidy::new(&architecture.path, 0, what))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_paper_names_must_be_there() {
        let text = "See `log/mod.rs`, `log/gone.rs`, `core/src/`, `it_is_held_to_this` and `a::it_is_not_held`.\n\
                    ## Invariants\n\n1. **One.**\n";
        let files = [
            TextFile::new("ARCHITECTURE.md", text),
            TextFile::new("crates/server/src/log/mod.rs", "fn it_is_held_to_this() {}"),
            TextFile::new("crates/core/src/lib.rs", ""),
        ];
        let faults: Vec<_> = check(&files).into_iter().map(|fault| fault.what).collect();
        assert_eq!(faults, ["there is no log/gone.rs", "there is no test it_is_not_held"]);
    }

    #[test]
    fn an_invariant_without_a_bug_is_found() {
        let text =
            "## Invariants\n\n1. **One.**\n99. **Many.**\n\n## Testing\n\n100. **No invariant.**\n";
        let paper = TextFile::new("ARCHITECTURE.md", text);
        let faults: Vec<_> = unbroken(&paper).into_iter().map(|fault| fault.what).collect();
        assert_eq!(faults, ["no planted bug breaks invariant 99"]);
    }
}
