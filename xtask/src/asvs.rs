//! A test holds docs/asvs.md to what it says: each requirement of OWASP ASVS 5.0.0 at levels 1 and 2 is in it
//! once, none is called met without a test, and every test that it names exists.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// These are the numbers of all requirements of the two levels.
const REQUIREMENTS: &str = "1.1.1–2, 1.2.1–9, 1.3.1–11, 1.4.1–3, 1.5.1–2, 2.1.1–3, 2.2.1–3, 2.3.1–4, 2.4.1, \
    3.2.1–2, 3.3.1–4, 3.4.1–6, 3.5.1–5, 3.7.1–2, 4.1.1–3, 4.2.1, 4.3.1–2, 4.4.1–4, 5.1.1, 5.2.1–3, 5.3.1–2, \
    5.4.1–3, 6.1.1–3, 6.2.1–12, 6.3.1–4, 6.4.1–4, 6.5.1–5, 6.6.1–3, 6.8.1–4, 7.1.1–3, 7.2.1–4, 7.3.1–2, \
    7.4.1–5, 7.5.1–2, 7.6.1–2, 8.1.1–2, 8.2.1–3, 8.3.1, 8.4.1, 9.1.1–3, 9.2.1–4, 10.1.1–2, 10.2.1–2, \
    10.3.1–4, 10.4.1–11, 10.5.1–5, 10.6.1–2, 10.7.1–3, 11.1.1–2, 11.2.1–3, 11.3.1–3, 11.4.1–4, 11.5.1, \
    11.6.1, 12.1.1–3, 12.2.1–2, 12.3.1–4, 13.1.1, 13.2.1–5, 13.3.1–2, 13.4.1–5, 14.1.1–2, 14.2.1–4, \
    14.3.1–3, 15.1.1–3, 15.2.1–3, 15.3.1–7, 16.1.1, 16.2.1–5, 16.3.1–4, 16.4.1–3, 16.5.1–3, 17.1.1, \
    17.2.1–4, 17.3.1–2";

/// A row may say one of these of its requirement.
const STATUSES: [&str; 4] = ["met", "met in part", "not met", "the operator's"];

/// Returns all that is wrong with a table that must hold these requirements.
fn faults(root: &Path, table: &str, requirements: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: BTreeMap<String, usize> =
        numbers(requirements).into_iter().map(|number| (number, 0)).collect();
    for row in table.lines().filter(|line| is_row(line)) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        for number in numbers(cells[0]) {
            match seen.get_mut(&number) {
                Some(times) => *times += 1,
                None => faults.push(format!("{number} is not a requirement of these levels")),
            }
        }
        match cells[..] {
            [number, _, status, _, tests] => faults.extend(of_row(root, number, status, tests)),
            // A row of two cells is out of scope: it has the numbers, and why.
            [_, _] => {}
            _ => faults.push(format!("a row has 5 cells, or 2 if it is out of scope: {row}")),
        }
    }
    let wrong = seen.iter().filter(|(_, times)| **times != 1);
    faults.extend(wrong.map(|(number, times)| format!("{number} occurs {times} times")));
    faults
}

/// Returns whether the line is about requirements, and not a heading.
fn is_row(line: &str) -> bool {
    line.strip_prefix("| ").is_some_and(|cells| cells.starts_with(|c: char| c.is_ascii_digit()))
}

/// Returns the numbers of `1.2.6–8, 1.5.1` one by one. What is not of this form stays as it is, and is then
/// found to be no requirement.
fn numbers(text: &str) -> Vec<String> {
    let range = |text: &str| {
        let (first, last) = text.split_once('–')?;
        let (section, first) = first.rsplit_once('.')?;
        let (first, last): (u8, u8) = (first.parse().ok()?, last.parse().ok()?);
        Some((first..=last).map(|n| format!("{section}.{n}")).collect())
    };
    let each = text.split(',').map(str::trim);
    each.flat_map(|text| range(text).unwrap_or_else(|| vec![text.to_owned()])).collect()
}

fn of_row(root: &Path, number: &str, status: &str, tests: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !STATUSES.contains(&status) {
        faults.push(format!("{number} is “{status}”; it may be one of {STATUSES:?}"));
    }
    let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
    if status == "met" && tests.is_empty() {
        faults.push(format!("{number} is met, and no test shows it"));
    }
    let missing = tests.into_iter().filter(|test| !is_there(root, test));
    faults.extend(missing.map(|test| format!("{number}: there is no test {test}")));
    faults
}

/// Returns whether this test exists. It is named `path::name`.
fn is_there(root: &Path, test: &str) -> bool {
    let Some((path, name)) = test.split_once("::") else { return false };
    let Ok(source) = fs::read_to_string(root.join(path)) else { return false };
    if !path.ends_with(".rs") {
        return source.contains(&format!("test(\"{name}\""));
    }
    // A conformance suite's tests are functions that each backend's tests call.
    let shared = path.contains("/conformance");
    let named = format!("fn {name}(");
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    lines.windows(2).any(|lines| {
        let marked = lines[0].starts_with("#[test") || lines[0].starts_with("#[tokio::test");
        lines[1].contains(&named) && (marked || shared)
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_table_is_whole_and_every_test_it_names_is_there() {
    let table = fs::read_to_string(root().join("docs/asvs.md")).unwrap();
    let faults = faults(&root(), &table, REQUIREMENTS);
    assert!(faults.is_empty(), "docs/asvs.md:\n{}", faults.join("\n"));
}

#[test]
fn what_is_wrong_with_a_table_is_noticed() {
    let good = "\
        | | requirement | status | how | tests |\n\
        |---|---|---|---|---|\n\
        | 1.1.1 | a | met | so | `xtask/src/asvs.rs::what_is_wrong_with_a_table_is_noticed` |\n\
        | 1.1.2 | b | met | so | `web/src/boundaries.test.ts::no text becomes HTML` |\n\
        | 1.2.1 | c | not met | no | — |\n\
        | 1.2.2–3, 1.3.1 | none of ours |\n";
    let of = |table: &str| faults(&root(), table, "1.1.1–2, 1.2.1–3, 1.3.1");
    assert_eq!(of(good), [""; 0]);
    for (right, wrong, fault) in [
        ("| not met | no |", "| met | no |", "1.2.1 is met, and no test shows it"),
        ("becomes HTML", "became HTML", "1.1.2: there is no test"),
        ("web/src/boundaries", "web/src/borders", "1.1.2: there is no test"),
        // A function that is not a test shows nothing.
        ("what_is_wrong_with_a_table_is_noticed", "is_there", "1.1.1: there is no test"),
        ("asvs.rs::", "asvs.rs: ", "1.1.1: there is no test"),
        ("| not met |", "| nearly |", "1.2.1 is “nearly”"),
        ("1.2.2–3", "1.2.2", "1.2.3 occurs 0 times"),
        ("1.2.2–3", "1.2.1–3", "1.2.1 occurs 2 times"),
        ("1.3.1 |", "1.3.1, 1.3.9 |", "1.3.9 is not a requirement"),
        (" | — |", " |", "a row has 5 cells"),
    ] {
        let found = of(&good.replacen(right, wrong, 1));
        assert!(found.len() == 1 && found[0].starts_with(fault), "{wrong}: {found:?}");
    }
}
