//! Promises that are absences: something stands in one file only, or nowhere.

use super::{TextFile, Untidy};

/// An absence is a promise that some files do not contain some texts.
struct Absence {
    /// The files whose path begins like this are held to it.
    within: &'static str,
    /// The files whose path begins like one of these may have it.
    except: &'static [&'static str],
    /// These texts may not be there.
    texts: &'static [&'static str],
    why: &'static str,
}

const ABSENCES: &[Absence] = &[
    Absence {
        within: "crates/server/src/",
        except: &["crates/server/src/ambient.rs"],
        texts: &[
            "SystemTime::now",
            "Timestamp::now",
            "ZonedDateTime::now",
            "rand::rng()",
            "rand::random",
            "SysRng",
            "OsRng",
            "from_os_rng",
            "getrandom",
            "now_v7",
            "new_v4",
        ],
        why: "only ambient.rs asks the operating system for the time of day or for randomness",
    },
    Absence {
        within: "crates/core/src/",
        except: &[],
        texts: &[
            "SystemTime",
            "Instant::now",
            "std::fs",
            "std::net",
            "std::thread",
            "tokio",
            "rand::",
        ],
        why: "the core does no IO, reads no clock and draws no randomness",
    },
    Absence {
        within: "crates/server/src/",
        except: &[
            "crates/server/src/watch/view.rs",
            "crates/server/src/watch/view/",
            "crates/server/src/api/poll/draft.rs",
        ],
        texts: &["Results::Live", "Results::AfterVote", "Results::Hidden"],
        why: "only watch/view.rs decides who may see numbers (api/poll/draft.rs reads the setting's words)",
    },
    Absence {
        within: "crates/server/src/",
        except: &["crates/server/src/api/access/", "crates/server/src/watch/grants.rs"],
        texts: &["Role::Stage", "Role::Owner", "Role::Operator"],
        why: "only core/src/right.rs decides who may do something (the API's access and the viewers' grants say who asks)",
    },
    Absence {
        within: "",
        except: &["xtask/src/tidy/"],
        texts: &["unbounded_channel", "mpsc::unbounded", "mpsc::channel()"],
        why: "every queue has a bound",
    },
    Absence {
        within: "web/src/",
        except: &[],
        texts: &["{@html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"],
        why: "nothing turns text into HTML",
    },
];

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    let mut faults = Vec::new();
    for file in files {
        let lines = match file.is_rust() {
            true if !file.is_production() => continue,
            true => file.production_lines(),
            false if file.is_screen() && !file.path.contains(".test.") => {
                file.text.lines().collect()
            }
            false => continue,
        };
        let of_file = |absence: &&Absence| {
            file.path.starts_with(absence.within)
                && !absence.except.iter().any(|path| file.path.starts_with(path))
        };
        for absence in ABSENCES.iter().filter(of_file) {
            faults.extend(present(file, &lines, absence));
        }
        if file.path.starts_with("crates/server/src/") {
            faults.extend(unbiased(file, &lines));
        }
    }
    faults
}

fn present(file: &TextFile, lines: &[&str], absence: &Absence) -> Vec<Untidy> {
    let code = |line: &&str| !line.trim_start().starts_with("//");
    let found = lines.iter().enumerate().filter(|(_, line)| code(line)).filter_map(|(n, line)| {
        let text = absence.texts.iter().find(|text| line.contains(**text))?;
        Some(Untidy::new(&file.path, n + 1, format!("{text:?}: {}", absence.why)))
    });
    found.collect()
}

/// A `select!` that draws its order by chance cannot be repeated from a seed.
fn unbiased(file: &TextFile, lines: &[&str]) -> Vec<Untidy> {
    let opens = |line: &str| line.contains("select! {");
    let starts = lines.iter().enumerate().filter(|(_, line)| opens(line));
    let unbiased =
        starts.filter(|(n, _)| lines.get(n + 1).is_none_or(|next| next.trim() != "biased;"));
    unbiased
        .map(|(n, _)| Untidy::new(&file.path, n + 1, "it does not begin with `biased;`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(path: &str, text: &str) -> Vec<usize> {
        check(&[TextFile::new(path, text)]).into_iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn what_must_be_absent_is_found() {
        let text = "// SystemTime::now is not asked.\nlet now = SystemTime::now();\n";
        assert_eq!(lines_of("crates/server/src/watch/hub/tick.rs", text), [2]);
        assert_eq!(lines_of("crates/server/src/ambient.rs", text), [0; 0]);
        assert_eq!(lines_of("crates/core/src/fold.rs", "use std::fs;\n"), [1]);
        assert_eq!(lines_of("web/src/vote/A.svelte", "<p>{@html text}</p>\n"), [1]);
    }

    #[test]
    fn a_select_by_chance_is_found() {
        let text = "tokio::select! {\n    biased;\n}\ntokio::select! {\n    () = a => {}\n}\n";
        assert_eq!(lines_of("crates/server/src/log/a.rs", text), [4]);
    }
}
