//! The table of `docs/planted-bugs.md` has a row for each planted bug: where it goes, and what noticed it when. The
//! rows are those of `plants.rs`; what was seen is read from the page and kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Plant;

pub const PAGE: &str = "docs/planted-bugs.md";
const HEAD: &str = "| planted bug | in | noticed by | s | when\n|---|---|---|--:|---\n";

/// `Sighting` says what noticed a bug, after how many seconds, and on which day, as the page has it.
#[derive(Clone, Default)]
pub struct Sighting {
    pub noticed_by: String,
    pub seconds: String,
    pub when: String,
}

impl Sighting {
    /// What was seen just now.
    pub fn now(noticed_by: &str, seconds: u64) -> Result<Self> {
        let day = Command::new("date").arg("+%F").output().context("date")?;
        let when = String::from_utf8(day.stdout)?.trim().to_owned();
        Ok(Self { noticed_by: noticed_by.to_owned(), seconds: seconds.to_string(), when })
    }
}

/// Reads what was seen of each bug, by its name.
pub fn seen(page: &str) -> Result<BTreeMap<String, Sighting>> {
    let (_, rows, _) = parts(page)?;
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').skip(1).map(str::trim).collect();
        let [name, _, noticed_by, seconds, when] = cells[..] else { return None };
        let [noticed_by, seconds, when] = [noticed_by, seconds, when].map(str::to_owned);
        Some((name.to_owned(), Sighting { noticed_by, seconds, when }))
    };
    rows.lines().map(|line| row(line).with_context(|| format!("no row: {line}"))).collect()
}

/// Returns the page with a row for each of these bugs and no other.
pub fn with_rows(
    page: &str,
    plants: &[Plant],
    seen: &BTreeMap<String, Sighting>,
) -> Result<String> {
    let (before, _, after) = parts(page)?;
    let mut text = format!("{before}{HEAD}");
    for Plant { name, file, .. } in plants {
        let Sighting { noticed_by, seconds, when } = seen.get(*name).cloned().unwrap_or_default();
        let file = file.strip_prefix("crates/").unwrap_or(file);
        let row = format!("| {name} | `{file}` | {noticed_by} | {seconds} | {when}");
        text.extend([row.trim_end(), "\n"]);
    }
    Ok(text + after)
}

/// Brings the page of this checkout up to date, and adds what was seen of one bug.
pub fn update(root: &Path, plants: &[Plant], news: Option<(&str, Sighting)>) -> Result<()> {
    let page = fs::read_to_string(root.join(PAGE)).context(PAGE)?;
    let mut seen = seen(&page)?;
    seen.extend(news.map(|(name, seen)| (name.to_owned(), seen)));
    fs::write(root.join(PAGE), with_rows(&page, plants, &seen)?).context(PAGE)
}

/// Splits the page into what is before the table, the table's rows, and what is after it.
fn parts(page: &str) -> Result<(&str, &str, &str)> {
    ensure!(page.matches(HEAD).count() == 1, "{PAGE} has no table that begins with\n{HEAD}");
    let (before, rest) = page.split_once(HEAD).unwrap_or_default();
    let rows = rest.split_inclusive('\n').take_while(|line| line.starts_with('|'));
    let (rows, after) = rest.split_at(rows.map(str::len).sum());
    Ok((before, rows, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plants::PLANTS;

    #[test]
    fn the_page_has_a_row_for_each_bug() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let page = fs::read_to_string(root.join(PAGE)).unwrap();
        let fresh = with_rows(&page, PLANTS, &seen(&page).unwrap()).unwrap();
        assert!(page == fresh, "{PAGE} is stale: run `cargo xtask plant --list`");
    }

    #[test]
    fn what_was_seen_is_kept_and_what_is_gone_is_not() {
        let plant = |name| Plant { name, file: "crates/a.rs", right: "", wrong: "", tests: &[] };
        let page = format!(
            "Before.\n\n{HEAD}| gone | `b.rs` | `t` | 1 | then\n| kept | `b.rs` | `t` | 2 | then\n\nAfter.\n"
        );
        let fresh =
            with_rows(&page, &[plant("kept"), plant("new")], &seen(&page).unwrap()).unwrap();
        let rows = "| kept | `a.rs` | `t` | 2 | then\n| new | `a.rs` |  |  |\n";
        assert_eq!(fresh, format!("Before.\n\n{HEAD}{rows}\nAfter.\n"));
        assert!(seen("No table.").is_err());
    }
}
