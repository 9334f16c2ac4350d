//! Words: each file says first what it is for, no comment is a fragment, and one thing has one name.

use super::{TextFile, Untidy, derives_help};

/// A doc comment of fewer words that begins like this is a fragment. A noun with its article is none.
const SHORT: usize = 4;
const FRAGMENTS: &[&str] = &[
    "By", "Which", "Whose", "Why", "What", "Who", "Where", "When", "Whether", "How", "In", "Of",
    "For", "From", "To", "With", "At", "On", "As", "Its", "Their", "That", "This", "None",
    "Nothing", "Ever", "Not", "And",
];
/// The words that STYLE.md refuses stand in it in a code block that begins like this.
const REFUSED: &str = "```refused\n";

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    let refused =
        files.iter().find(|file| file.path == "STYLE.md").map(refused).unwrap_or_default();
    if refused.is_empty() {
        return vec![Untidy::new(
            "STYLE.md",
            0,
            format!("a block {REFUSED:?} with words is missing"),
        )];
    }
    files
        .iter()
        .flat_map(|file| {
            let mut faults: Vec<_> = first_line(file).into_iter().collect();
            if file.is_rust() {
                faults.extend(fragments(file));
            }
            let own = file.path.starts_with("xtask/src/tidy/");
            if !own && (file.is_rust() || file.is_screen()) {
                faults.extend(names(file, &refused));
            }
            faults
        })
        .collect()
}

/// Each file of code begins with a comment.
fn first_line(file: &TextFile) -> Option<Untidy> {
    let ways: &[&str] = match () {
        () if file.is_rust() => &["//!", "#![", "//"],
        () if !file.is_screen() => return None,
        () if file.path.ends_with(".svelte") => &["<!--"],
        () if file.path.ends_with(".css") => &["/*"],
        () => &["//", "/*"],
    };
    let first = file.text.lines().next().unwrap_or_default();
    let missing = !ways.iter().any(|way| first.starts_with(way));
    missing.then(|| Untidy::new(&file.path, 1, "the file does not begin by saying what it is for"))
}

/// Finds doc comments that are no sentence: a single word, or a few that hang on what is not said. What clap shows as
/// help may be short.
fn fragments(file: &TextFile) -> Vec<Untidy> {
    let lines: Vec<_> = file.text.lines().collect();
    let shown = shown_as_help(&lines);
    let mut faults = Vec::new();
    let mut n = 0;
    while n < lines.len() {
        let begin = n;
        while n < lines.len() && lines[n].trim_start().starts_with("///") {
            n += 1;
        }
        let said = lines[begin..n].iter().map(|line| line.trim_start()).collect::<Vec<_>>();
        let said = said.join(" ").replace("///", "");
        let words: Vec<_> = said.split_whitespace().collect();
        let hangs =
            words.len() < SHORT && words.first().is_some_and(|first| FRAGMENTS.contains(first));
        let is_fragment = n > begin && (words.len() < 2 || hangs) && !said.contains('`');
        if is_fragment && !shown[begin] {
            let what = format!("{:?} is no sentence", said.trim());
            faults.push(Untidy::new(&file.path, begin + 1, what));
        }
        n += 1;
    }
    faults
}

/// Tells of each line whether it is in a type whose comments clap shows as help. It relies on rustfmt, as sizes do: a type
/// ends as far to the right as it begins.
fn shown_as_help(lines: &[&str]) -> Vec<bool> {
    let margin = |line: &str| line.len() - line.trim_start().len();
    let mut shown = vec![false; lines.len()];
    for (n, line) in lines.iter().enumerate().filter(|(_, line)| derives_help(line)) {
        let is_above = |line: &&&str| line.trim_start().starts_with(['#', '/']);
        let begin = n - lines[..n].iter().rev().take_while(is_above).count();
        let ends = |last: &&str| margin(last) == margin(line) && last.ends_with(['}', ';']);
        let end = lines[n..].iter().position(ends).map_or(lines.len(), |more| n + more);
        shown[begin..end].fill(true);
    }
    shown
}

/// Reads the refused words, each with what is said instead: `participant: voter`.
fn refused(style: &TextFile) -> Vec<(String, String)> {
    let Some((_, block)) = style.text.split_once(REFUSED) else { return Vec::new() };
    let block = block.split("```").next().unwrap_or_default();
    let pair = |line: &str| {
        let (word, instead) = line.split_once(':')?;
        Some((word.trim().to_lowercase(), instead.trim().to_owned()))
    };
    block.lines().filter_map(pair).collect()
}

/// Refused words in the names of types, functions, modules and variables, and in comments.
fn names(file: &TextFile, refused: &[(String, String)]) -> Vec<Untidy> {
    let mut faults = Vec::new();
    for (n, line) in file.text.lines().enumerate() {
        // What stands between quotes is wire, or said to a client in its own words.
        let code: String = line.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let found = parts(&code).find_map(|part| refused.iter().find(|(word, _)| part == *word));
        if let Some((word, instead)) = found {
            faults.push(Untidy::new(&file.path, n + 1, format!("{word:?}: say {instead}")));
        }
    }
    faults
}

/// The words of a line in lower case, those of `snake_case` and `CamelCase` apart.
fn parts(line: &str) -> impl Iterator<Item = String> {
    let mut parts = vec![String::new()];
    let mut before = ' ';
    for c in line.chars() {
        let begins = c.is_uppercase() && before.is_lowercase();
        if !c.is_alphabetic() || begins {
            parts.push(String::new());
        }
        if let (true, Some(part)) = (c.is_alphabetic(), parts.last_mut()) {
            part.extend(c.to_lowercase());
        }
        before = c;
    }
    parts.into_iter().filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_found_and_sentences_are_not() {
        let text = "//! A file.\n/// Which.\nfn a() {}\n/// A whole sentence.\n/// The file.\nfn b() {}\n/// By\n/// whom.\n";
        let faults = fragments(&TextFile::new("crates/core/src/a.rs", text));
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 7]);
        let text = "/// Help\n#[derive(Debug, Args)]\nstruct Help {\n    /// Which\n    a: u8,\n}\n/// Which.\nstruct B;\n";
        let faults = fragments(&TextFile::new("crates/pollux/src/a.rs", text));
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn refused_words_are_found_in_every_spelling() {
        let refused =
            ["participant", "participants"].map(|word| (word.to_owned(), "voter".to_owned()));
        let found = |line: &str| !names(&TextFile::new("a.rs", line), &refused).is_empty();
        for line in [
            "struct ParticipantList;",
            "let participants = 1;",
            "// a participant",
            "fn the_participant()",
        ] {
            assert!(found(line), "{line}");
        }
        assert!(!found("#[serde(rename = \"participants\")] voters: u64,"));
        assert!(!found("let participation = 2;"));
    }

    #[test]
    fn every_file_says_what_it_is_for() {
        assert!(first_line(&TextFile::new("crates/a.rs", "use std::fs;\n")).is_some());
        assert!(first_line(&TextFile::new("crates/a.rs", "//! Reads.\n")).is_none());
        assert!(first_line(&TextFile::new("web/src/A.svelte", "<script>\n")).is_some());
        assert!(first_line(&TextFile::new("README.md", "# Pollux\n")).is_none());
    }
}
