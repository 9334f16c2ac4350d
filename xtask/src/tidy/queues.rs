//! Queues: each has a bound, and the bound has a name.

use super::{TextFile, Untidy, code};

/// These make a queue, or what else holds no more than so many.
const MAKES: &[&str] = &[
    "mpsc::channel",
    "sync_channel",
    "broadcast::channel",
    "broadcast::Sender::new",
    "Semaphore::new",
    "ArrayQueue::new",
];
/// A queue of none is a handover and a queue of one is a signal or a turn; neither needs a name.
const SINGLE: u64 = 1;

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    let ours = files.iter().filter(|file| file.is_production());
    ours.flat_map(nameless).collect()
}

/// Finds bounds that are written as bare numbers.
fn nameless(file: &TextFile) -> Vec<Untidy> {
    let lines: Vec<_> = file.production_lines().into_iter().map(code).collect();
    let mut faults = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let behind = MAKES.iter().find_map(|make| line.split_once(make)).map(|(_, rest)| rest);
        let Some((_, arguments)) = behind.and_then(|rest| rest.split_once('(')) else { continue };
        // rustfmt puts a long argument on the next line.
        let next = lines.get(n + 1).copied().unwrap_or_default();
        let argument = if arguments.trim().is_empty() { next } else { arguments };
        let number: String =
            argument.trim().chars().take_while(|c| *c != ')' && *c != ',').collect();
        if is_number(&number) {
            let what =
                format!("a bound of {number} without a name: make it a setting or a constant");
            faults.push(Untidy::new(&file.path, n + 1, what));
        }
    }
    faults
}

/// Whether an argument is a number, or is computed of numbers alone.
fn is_number(argument: &str) -> bool {
    let plain: String = argument.chars().filter(|c| *c != '_' && *c != ' ').collect();
    let of_numbers = plain.starts_with(|c: char| c.is_ascii_digit())
        && plain.chars().all(|c| c.is_ascii_digit() || "*+-<".contains(c));
    of_numbers && !plain.parse().is_ok_and(|number: u64| number <= SINGLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_without_a_name_is_found() {
        for (line, is_fault) in [
            ("let (a, b) = mpsc::channel(1024);", true),
            ("let (a, b) = mpsc::channel::<Vec<u8>>(1_024);", true),
            ("let (a, b) = sync_channel(\n    16 * 1024,\n);", true),
            ("let permits = Semaphore::new(8);", true),
            ("let (a, b) = mpsc::channel(AHEAD);", false),
            ("let (a, b) = mpsc::channel(limits.queue);", false),
            ("let (a, b) = sync_channel(1);", false),
            ("// mpsc::channel(1024)", false),
        ] {
            let found = check(&[TextFile::new("crates/server/src/log/a.rs", line)]);
            assert_eq!(!found.is_empty(), is_fault, "{line}");
        }
        let test = TextFile::new("crates/server/tests/a.rs", "mpsc::channel(1024)");
        assert!(check(&[test]).is_empty());
    }
}
