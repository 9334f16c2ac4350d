//! Sizes: files, functions, components and lines that one can take in at once.

use super::{TextFile, Untidy};

const LONGEST_FILE: usize = 500;
/// The fan-out is read as a whole more often than any other folder, so its files are shorter.
const LONGEST_FILE_OF_WATCH: usize = 350;
const MEDIAN_FILE: usize = 150;
const LONGEST_FUNCTION: usize = 70;
const MEDIAN_COMPONENT: usize = 60;
const LONGEST_SCREEN_LINE: usize = 120;
/// Tables may be longer: nobody reads them from the beginning to the end.
const TABLES: &[&str] = &["xtask/src/plants.rs"];

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    let mut faults = Vec::new();
    let mut sizes = Vec::new();
    for file in files.iter().filter(|file| file.is_production()) {
        let lines = file.production_lines();
        sizes.push(lines.len());
        let of_watch = file.path.starts_with("crates/server/src/watch/");
        let most = if of_watch { LONGEST_FILE_OF_WATCH } else { LONGEST_FILE };
        if lines.len() > most && !TABLES.contains(&file.path.as_str()) {
            let what = format!("{} lines, at most {most}", lines.len());
            faults.push(Untidy::new(&file.path, 0, what));
        }
        faults.extend(long_functions(&file.path, &lines));
    }
    faults.extend(median("crates", "production files", sizes, MEDIAN_FILE));
    let components = files.iter().filter(|file| file.is_screen() && file.path.ends_with(".svelte"));
    let components = components.map(|file| above_styles(&file.text)).collect();
    faults.extend(median("web", "components", components, MEDIAN_COMPONENT));
    for file in files.iter().filter(|file| file.is_screen()) {
        let (lines, is_test) = (file.text.lines().count(), file.path.contains(".test."));
        if lines > LONGEST_FILE && !is_test {
            faults.push(Untidy::new(
                &file.path,
                0,
                format!("{lines} lines, at most {LONGEST_FILE}"),
            ));
        }
        for (n, line) in file.text.lines().enumerate() {
            let width = line.chars().count();
            if width > LONGEST_SCREEN_LINE {
                let what = format!("{width} characters, at most {LONGEST_SCREEN_LINE}");
                faults.push(Untidy::new(&file.path, n + 1, what));
            }
        }
    }
    faults
}

/// The lines of a component above its styles, which are a list of declarations.
fn above_styles(text: &str) -> usize {
    text.split("\n<style").next().unwrap_or_default().lines().count()
}

fn median(path: &str, of: &str, mut sizes: Vec<usize>, most: usize) -> Option<Untidy> {
    sizes.sort_unstable();
    let median = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
    let what = format!("the median of the {of} is {median} lines, at most {most}");
    (median > most).then(|| Untidy::new(path, 0, what))
}

/// Finds functions that are too long. It relies on rustfmt: a function ends with a brace that stands as far
/// to the right as its first line.
fn long_functions(path: &str, lines: &[&str]) -> Vec<Untidy> {
    let mut faults = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if !is_function(line.trim_start()) || line.trim_end().ends_with(['}', ';']) {
            continue;
        }
        let end = format!("{}}}", " ".repeat(indent));
        let length = lines[n..].iter().position(|line| *line == end).map_or(0, |last| last + 1);
        if length > LONGEST_FUNCTION {
            let what = format!("a function of {length} lines, at most {LONGEST_FUNCTION}");
            faults.push(Untidy::new(path, n + 1, what));
        }
    }
    faults
}

fn is_function(line: &str) -> bool {
    let words = ["pub", "pub(super)", "pub(crate)", "async", "const", "unsafe", "extern", "\"C\""];
    let mut rest = line.split(' ').skip_while(|word| words.contains(word));
    rest.next() == Some("fn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_found_where_it_begins() {
        let mut lines = vec!["/// Does it.", "    pub async fn long() {"];
        lines.extend(["        step();"].repeat(LONGEST_FUNCTION));
        lines.extend(["    }", "fn short() {", "}"]);
        let faults = long_functions("a.rs", &lines);
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].line, faults[0].what.contains("72 lines")), (2, true));
    }

    #[test]
    fn the_median_is_of_the_middle() {
        assert!(median("p", "files", vec![1, 2, 900], 2).is_none());
        assert!(median("p", "files", vec![1, 3, 900], 2).is_some());
    }
}
