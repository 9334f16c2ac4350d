//! Kinds: what a poll asks is known to the folders of its kind, and to few files beside them.

use super::{TextFile, Untidy, code};

/// In these folders each kind has its part.
const FOLDERS: &[&str] = &[
    "crates/core/src/kind",
    "crates/server/src/api/kind",
    "crates/server/src/api/figures/export/kind",
    "crates/server/src/watch/view/kind",
    "crates/checker/src/kind",
    "crates/pollux/src/kind",
    "web/src/kinds",
];
/// The options of these are no poll's: those of a cluster, a file, a client of Kafka or of PostgreSQL, and a connection.
const OTHERS: &[&str] = &[
    "crates/cluster/src/cluster.rs",
    "crates/server/src/log/embedded/",
    "crates/server/src/log/kafka/",
    "crates/server/src/store/postgres/lease.rs",
    "web/src/live/connection.ts",
];
/// The words of a choice and of a rating, in code and in texts.
const WORDS: &[&str] = &[
    "options",
    "option_id",
    "option_ids",
    "optionId",
    "optionIds",
    "OptionId",
    "max_choices",
    "maxChoices",
    "statements",
];
/// So many files beside those folders may know these words.
const AT_MOST: usize = 5;

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    beyond(files, AT_MOST)
}

/// Lists the files that know a kind, if they are more than `most`.
fn beyond(files: &[TextFile], most: usize) -> Vec<Untidy> {
    let known: Vec<_> = files.iter().filter(|file| is_held(file)).filter_map(knows).collect();
    let count = known.len();
    let fault = |(file, line, word): (&TextFile, usize, &str)| {
        let what = format!(
            "it knows {word:?} of a kind, as {count} files outside the kinds' folders do; at most {most} may"
        );
        Untidy::new(&file.path, line, what)
    };
    if count > most { known.into_iter().map(fault).collect() } else { Vec::new() }
}

fn is_held(file: &TextFile) -> bool {
    let is_product = file.path.starts_with("crates/") && file.is_production()
        || file.path.starts_with("web/src/") && file.is_screen() && !is_for_tests(&file.path);
    let is_within = |folder: &&str| file.path.starts_with(*folder);
    is_product && !FOLDERS.iter().any(is_within) && !OTHERS.iter().any(is_within)
}

fn is_for_tests(path: &str) -> bool {
    path.contains(".test.") || path.ends_with("fixture.ts")
}

/// The first line of a file that has a kind's word, and which.
fn knows(file: &TextFile) -> Option<(&TextFile, usize, &str)> {
    let mut is_comment = false;
    let lines = file.production_lines();
    lines.into_iter().enumerate().find_map(|(n, line)| {
        let begins = line.trim_start().starts_with("/*") || line.trim_start().starts_with("<!--");
        is_comment |= begins;
        let code = if is_comment { "" } else { code(line) };
        is_comment &= !(line.contains("*/") || line.contains("-->"));
        let words = || code.split(|c: char| !c.is_alphanumeric() && c != '_');
        let word = WORDS.iter().find(|word| words().any(|part| part == **word))?;
        Some((file, n + 1, *word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_know_a_kind_are_listed_when_they_are_too_many() {
        let files = [
            TextFile::new("crates/core/src/record.rs", "//! A record.\n\nuse a::OptionId;\n"),
            TextFile::new(
                "web/src/vote/a.ts",
                "// options\n/* statements\noptions */\nlet maxChoices = 1;\n",
            ),
            TextFile::new(
                "crates/core/src/fold.rs",
                "// Its options.\nlet url = \"http://x\"; // statements\n",
            ),
            TextFile::new("crates/core/src/kind/choice/mod.rs", "let options = 1;\n"),
            TextFile::new("web/src/kinds/rating/ballot.ts", "const statements = 1;\n"),
            TextFile::new("web/src/vote/a.test.ts", "const options = 1;\n"),
            TextFile::new("crates/core/tests/a.rs", "let options = 1;\n"),
            TextFile::new("crates/server/src/log/kafka/a.rs", "let options = 1;\n"),
        ];
        let listed: Vec<_> =
            beyond(&files, 1).into_iter().map(|fault| (fault.path, fault.line)).collect();
        let expected = [("crates/core/src/record.rs", 3), ("web/src/vote/a.ts", 4)];
        assert_eq!(listed, expected.map(|(path, line)| (path.to_owned(), line)));
        assert!(beyond(&files, 2).is_empty());
    }
}
