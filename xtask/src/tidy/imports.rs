//! The direction of imports, as ARCHITECTURE.md draws it: `core ← {log, store, watch} ← processor ← api ← boot ←
//! pollux`.

use super::{TextFile, Untidy, code};

/// What a folder of the server may not know.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("log", &["store", "watch", "processor", "api", "boot", "web"]),
    ("store", &["log", "watch", "processor", "api", "boot", "web"]),
    ("watch", &["log", "store", "processor", "api", "boot", "web"]),
    ("processor", &["watch", "api", "boot", "web"]),
    ("api", &["boot"]),
];

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.is_production()) {
        let Some(path) = file.path.strip_prefix("crates/server/src/") else { continue };
        let folder = path.split(['/', '.']).next().unwrap_or_default();
        let forbidden = FORBIDDEN.iter().find(|(from, _)| *from == folder);
        for (n, line) in file.production_lines().iter().enumerate() {
            if line.contains("crate::{") || groups_modules(line) {
                let what = "one `use` for each module, so that it is seen who knows whom";
                faults.push(Untidy::new(&file.path, n + 1, what));
            }
            if code(line).contains("super::super::") {
                let what = "named by `crate::`, so that it is seen who knows whom";
                faults.push(Untidy::new(&file.path, n + 1, what));
            }
            for to in known(line) {
                if forbidden.is_some_and(|(_, forbidden)| forbidden.contains(&to)) {
                    let what = format!("`{folder}` may not know `{to}`");
                    faults.push(Untidy::new(&file.path, n + 1, what));
                }
            }
        }
    }
    faults
}

/// The modules of its own crate that a line of code names, by `crate::module`.
fn known(line: &str) -> impl Iterator<Item = &str> {
    named(line, "crate::")
}

/// Whether a line imports several modules at once from the folder above, or from the fan-out.
fn groups_modules(line: &str) -> bool {
    ["super::{", "crate::watch::{"].iter().any(|start| {
        let groups = code(line).split(start).skip(1);
        groups.flat_map(|group| group.split(&[',', '{'])).any(|name| {
            let name = name.trim();
            name.contains("::") && name.starts_with(|c: char| c.is_lowercase())
        })
    })
}

/// What a line of code names directly behind `before`.
pub(super) fn named<'a>(line: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    let names = code(line).split(before).skip(1);
    names.map(|rest| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_against_the_direction_is_found() {
        let files = [
            TextFile::new(
                "crates/server/src/log/mod.rs",
                "use crate::config::X;\nuse crate::store::Y;\n",
            ),
            TextFile::new("crates/server/src/api/mod.rs", "use crate::store::Y;\n"),
        ];
        let faults = check(&files);
        assert_eq!(faults.len(), 1);
        for grouped in
            ["use super::{hub::Hub, places::Places};\n", "use crate::watch::{hub::Hub};\n"]
        {
            assert_eq!(
                check(&[TextFile::new("crates/server/src/watch/part.rs", grouped)]).len(),
                1
            );
        }
        let by_super = "use super::super::store::Y;\n";
        assert_eq!(check(&[TextFile::new("crates/server/src/log/x/mod.rs", by_super)]).len(), 1);
        assert_eq!((faults[0].path.as_str(), faults[0].line), ("crates/server/src/log/mod.rs", 2));
    }
}
