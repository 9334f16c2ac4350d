//! The direction of imports, as ARCHITECTURE.md draws it: `core ← {log, store, watch} ← processor ← api ← boot ←
//! pollux`, and no circle among the modules of the core or of the fan-out.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, File};

/// What a folder of the server may not know.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("log", &["store", "watch", "processor", "api", "boot", "web"]),
    ("store", &["log", "watch", "processor", "api", "boot", "web"]),
    ("watch", &["log", "store", "processor", "api", "boot", "web"]),
    ("processor", &["watch", "api", "boot", "web"]),
    ("api", &["boot"]),
];

pub fn check(files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.is_production()) {
        let Some(path) = file.path.strip_prefix("crates/server/src/") else { continue };
        let folder = path.split(['/', '.']).next().unwrap_or_default();
        let forbidden = FORBIDDEN.iter().find(|(from, _)| *from == folder);
        for (n, line) in file.production_lines().iter().enumerate() {
            if line.contains("crate::{") || groups_modules(line) {
                let what = "one `use` for each module, so that it is seen who knows whom";
                faults.push(Fault::new(&file.path, n + 1, what));
            }
            if code(line).contains("super::super::") {
                let what = "named by `crate::`, so that it is seen who knows whom";
                faults.push(Fault::new(&file.path, n + 1, what));
            }
            for to in known(line) {
                if forbidden.is_some_and(|(_, forbidden)| forbidden.contains(&to)) {
                    let what = format!("`{folder}` may not know `{to}`");
                    faults.push(Fault::new(&file.path, n + 1, what));
                }
            }
        }
    }
    faults.extend(circle(files, "crates/core/src/", "crate::"));
    faults.extend(circle(files, "crates/server/src/watch/", "crate::watch::"));
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

/// A line without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// What a line of code names directly behind `before`.
fn named<'a>(line: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let names = code(line).split(before).skip(1);
    names.map(|rest| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
    })
}

/// Finds modules of this folder that know each other by way of others. `name` is how its modules are
/// named from elsewhere in the crate.
fn circle<'a>(files: &'a [File], folder: &str, name: &'a str) -> Option<Fault> {
    let mut knows: BTreeMap<&'a str, BTreeSet<&'a str>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_production()) {
        let Some(path) = file.path.strip_prefix(folder) else { continue };
        let module = path.split(['/', '.']).next().unwrap_or_default();
        if module == "mod" || module == "lib" {
            continue;
        }
        // What is above a file of the folder, or above the `mod.rs` of a folder in it, is the folder.
        let parent =
            if path.contains('/') && !path.ends_with("/mod.rs") { name } else { "super::" };
        let lines = file.production_lines();
        let others =
            lines.into_iter().flat_map(|line| named(line, name).chain(named(line, parent)));
        knows.entry(module).or_default().extend(others.filter(|other| *other != module));
    }
    // Whoever knows nobody that is left is taken away; in a circle nobody ever is.
    loop {
        let left: BTreeSet<&str> = knows.keys().copied().collect();
        let (free, bound): (BTreeMap<_, _>, BTreeMap<_, _>) =
            knows.into_iter().partition(|(_, others)| others.is_disjoint(&left));
        knows = bound;
        if free.is_empty() || knows.is_empty() {
            break;
        }
    }
    let names: Vec<_> = knows.keys().copied().collect();
    let what = format!("these modules know each other in a circle: {}", names.join(", "));
    (!names.is_empty()).then(|| Fault::new(folder, 0, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_against_the_direction_is_found() {
        let files = [
            File::new(
                "crates/server/src/log/mod.rs",
                "use crate::config::X;\nuse crate::store::Y;\n",
            ),
            File::new("crates/server/src/api/mod.rs", "use crate::store::Y;\n"),
        ];
        let faults = check(&files);
        assert_eq!(faults.len(), 1);
        for grouped in
            ["use super::{hub::Hub, places::Places};\n", "use crate::watch::{hub::Hub};\n"]
        {
            assert_eq!(check(&[File::new("crates/server/src/watch/part.rs", grouped)]).len(), 1);
        }
        let by_super = "use super::super::store::Y;\n";
        assert_eq!(check(&[File::new("crates/server/src/log/x/mod.rs", by_super)]).len(), 1);
        assert_eq!((faults[0].path.as_str(), faults[0].line), ("crates/server/src/log/mod.rs", 2));
    }

    #[test]
    fn a_circle_in_the_core_is_found() {
        let files = |last: &str| {
            [
                File::new("crates/core/src/a.rs", "use crate::b::B;\n"),
                File::new("crates/core/src/b/mod.rs", "use crate::c::C;\n"),
                File::new("crates/core/src/c.rs", last),
            ]
        };
        let circle = |last| circle(&files(last), "crates/core/src/", "crate::");
        assert!(circle("use crate::a::A;\n").is_some());
        assert!(circle("").is_none());
    }

    #[test]
    fn a_circle_in_the_fan_out_is_found() {
        let files = |last: &str| {
            [
                File::new("crates/server/src/watch/mod.rs", "use self::hub::Hub;\n"),
                File::new("crates/server/src/watch/hub/mod.rs", "use super::part::Part;\n"),
                File::new("crates/server/src/watch/hub/tick.rs", "use super::Hub;\n"),
                File::new("crates/server/src/watch/part.rs", last),
            ]
        };
        let circle = |last| circle(&files(last), "crates/server/src/watch/", "crate::watch::");
        assert!(circle("use super::hub::Hub;\n").is_some());
        assert!(circle("use crate::watch::hub::Hub;\n").is_some());
        assert!(circle("/// [`Hub`](super::hub::Hub) finds it.\n").is_none());
    }
}
