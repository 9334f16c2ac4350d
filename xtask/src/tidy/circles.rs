//! Circles: the modules of a folder may know one another in one direction only, so that each can be read after those
//! that it knows. What a folder's own `mod.rs` knows does not count: it knows its modules, and they know it.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::named;
use super::{TextFile, Untidy, code};

/// These modules stand for the folder itself.
const OF_THE_FOLDER: &[&str] = &["mod", "lib", "main"];

/// `Knows` keeps, for each module, the modules that it knows, each with the place of the first line that says so.
type Knows<'a> = BTreeMap<&'a str, BTreeMap<&'a str, String>>;

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    let ours: Vec<_> = files.iter().filter(|file| file.is_production()).collect();
    let folders: BTreeSet<&str> = ours.iter().flat_map(|file| folders_of(&file.path)).collect();
    folders.into_iter().flat_map(|folder| circles(&ours, folder)).collect()
}

/// The folders of a crate's sources that a file is in, each with its `/`.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    let sources = path.find("src/").map_or(path.len(), |at| at + "src".len());
    path.match_indices('/')
        .map(|(at, _)| at)
        .filter(move |at| *at >= sources)
        .map(|at| &path[..=at])
}

/// Finds the circles among the modules of one folder.
fn circles(files: &[&TextFile], folder: &str) -> Vec<Untidy> {
    let knows = knowledge(files, folder);
    let reach: BTreeMap<_, _> = knows.keys().map(|from| (*from, reached(&knows, from))).collect();
    let mutual =
        |a: &str, b: &str| reach[a].contains(b) && reach.get(b).is_some_and(|it| it.contains(a));
    let mut faults = Vec::new();
    let mut told = BTreeSet::new();
    for module in knows.keys().filter(|module| reach[*module].contains(*module)) {
        let circle: BTreeSet<_> = knows.keys().filter(|other| mutual(module, other)).collect();
        if !told.insert(*circle.first().unwrap_or(&module)) {
            continue;
        }
        let within = circle.iter().flat_map(|from| knows[**from].iter().map(move |to| (from, to)));
        let within = within.filter(|(_, (to, _))| circle.contains(to));
        let each: Vec<_> =
            within.map(|(from, (to, at))| format!("{from} knows {to} ({at})")).collect();
        faults.push(Untidy::new(folder, 0, format!("modules in a circle: {}", each.join(", "))));
    }
    faults
}

/// Who knows whom among the modules of a folder.
fn knowledge<'a>(files: &[&'a TextFile], folder: &str) -> Knows<'a> {
    let (_, below) = folder.split_once("src/").unwrap_or_default();
    let name = format!("crate::{}", below.replace('/', "::"));
    let (mut knows, exported) = (Knows::new(), exported(files, folder));
    for file in files {
        let Some(path) = file.path.strip_prefix(folder) else { continue };
        let module = path.split(['/', '.']).next().unwrap_or_default();
        if OF_THE_FOLDER.contains(&module) {
            continue;
        }
        // What is above a file of the folder, or above the `mod.rs` of a folder in it, is the folder.
        let is_deep = path.contains('/') && !path.ends_with("/mod.rs");
        let others = knows.entry(module).or_default();
        let lines = file.production_lines();
        for (n, line) in lines.iter().enumerate() {
            let mut found: Vec<_> = named(line, &name).chain(grouped(&lines[n..], &name)).collect();
            if !is_deep && !line.contains("super::super::") {
                found.extend(named(line, "super::").chain(grouped(&lines[n..], "super::")));
            }
            let of = found.into_iter().map(|name| exported.get(name).copied().unwrap_or(name));
            for other in of.filter(|other| *other != module) {
                others.entry(other).or_insert_with(|| format!("{path}:{}", n + 1));
            }
        }
    }
    let modules: BTreeSet<_> = knows.keys().copied().collect();
    knows.values_mut().for_each(|others| others.retain(|other, _| modules.contains(other)));
    knows
}

/// Which module each name comes from that the folder passes on: `pub use self::a::{B, C as D}`.
fn exported<'a>(files: &[&'a TextFile], folder: &str) -> BTreeMap<&'a str, &'a str> {
    let beside = format!("{}.rs", folder.trim_end_matches('/'));
    let is_own = |path: &str| {
        let own = path.strip_prefix(folder).and_then(|name| name.strip_suffix(".rs"));
        path == beside || own.is_some_and(|name| OF_THE_FOLDER.contains(&name))
    };
    let mut exported = BTreeMap::new();
    for file in files.iter().filter(|file| is_own(&file.path)) {
        for statement in file.text.split(';') {
            let Some((_, path)) = statement.split_once("use self::") else { continue };
            let Some((module, names)) = path.split_once("::") else { continue };
            for name in names.split([',', '{', '}']) {
                let name = name.rsplit([' ', ':']).find(|part| !part.trim().is_empty());
                exported.extend(name.map(|name| (name.trim(), module)));
            }
        }
    }
    exported
}

/// What the group names that begins in the first of these lines directly behind `before`: `crate::{a::B, c}` names “a”
/// and “c”.
fn grouped<'a>(lines: &[&'a str], before: &str) -> Vec<&'a str> {
    let opening = format!("{before}{{");
    let Some((_, first)) = code(lines[0]).split_once(&opening) else { return Vec::new() };
    let (mut names, mut depth, mut begins) = (Vec::new(), 1, true);
    for line in [first].into_iter().chain(lines[1..].iter().map(|line| code(line))) {
        for part in line.split_inclusive(['{', '}', ',']) {
            let name = part.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next();
            if depth == 1 && begins {
                names.extend(name.filter(|name| !name.is_empty()));
            }
            depth += part.matches('{').count();
            depth -= part.matches('}').count();
            begins = part.ends_with(',');
            if depth == 0 {
                return names;
            }
        }
    }
    names
}

/// All modules that one knows, by way of others too.
fn reached<'a>(knows: &Knows<'a>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = knows[from].keys().copied().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(knows[module].keys());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_in_the_core_is_found() {
        let found = |last: &str| {
            check(&[
                TextFile::new("crates/core/src/a.rs", "use crate::b::B;\n"),
                TextFile::new("crates/core/src/b/mod.rs", "use crate::c::C;\n"),
                TextFile::new("crates/core/src/c.rs", last),
                TextFile::new("crates/core/src/d.rs", "use crate::a::A;\n"),
            ])
        };
        let circle = found("\nuse crate::a::A;\n");
        assert_eq!(circle.len(), 1);
        assert_eq!(
            (circle[0].path.as_str(), circle[0].what.as_str()),
            (
                "crates/core/src/",
                "modules in a circle: a knows b (a.rs:1), b knows c (b/mod.rs:1), c knows a (c.rs:2)"
            )
        );
        assert!(found("").is_empty());
    }

    #[test]
    fn a_circle_in_a_folder_is_found() {
        let found = |last: &str| {
            let files = [
                TextFile::new("crates/server/src/watch/mod.rs", "use self::hub::Hub;\n"),
                TextFile::new("crates/server/src/watch/hub/mod.rs", "use super::part::Part;\n"),
                TextFile::new("crates/server/src/watch/hub/tick.rs", "use super::Hub;\n"),
                TextFile::new("crates/server/src/watch/part.rs", last),
            ];
            !check(&files).is_empty()
        };
        assert!(found("use super::hub::Hub;\n"));
        assert!(found("use crate::watch::hub::Hub;\n"));
        assert!(!found("/// [`Hub`](super::hub::Hub) finds it.\n"));
    }

    #[test]
    fn a_circle_through_what_the_folder_passes_on_is_found() {
        let found = |last: &str| {
            let own = "pub use self::a::{\n    Other, A as First,\n};\npub use self::b::B;\n";
            let files = [
                TextFile::new("crates/core/src/of/mod.rs", own),
                TextFile::new("crates/core/src/of/a.rs", "use super::B;\n"),
                TextFile::new("crates/core/src/of/b.rs", last),
            ];
            !check(&files).is_empty()
        };
        assert!(found("use super::{First, Nobody};\n"));
        assert!(found("use crate::of::Other;\n"));
        assert!(!found("use super::Nobody;\n"));
    }

    #[test]
    fn a_group_names_its_modules() {
        let lines = ["use crate::{a::{B, C}, d,", "    e::F, G};", "use crate::h;"];
        assert_eq!(grouped(&lines, "crate::"), ["a", "d", "e", "G"]);
        assert!(grouped(&lines[2..], "crate::").is_empty());
    }

    #[test]
    fn two_circles_are_told_apart() {
        let pair = |a: &str, b: &str| {
            TextFile::new(&format!("crates/core/src/{a}.rs"), format!("use crate::{b}::X;\n"))
        };
        let files = [pair("a", "b"), pair("b", "a"), pair("c", "d"), pair("d", "c")];
        assert_eq!(check(&files).len(), 2);
    }
}
