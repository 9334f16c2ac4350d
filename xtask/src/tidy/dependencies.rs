//! Dependencies: whatever a crate declares, its code names.

use super::{TextFile, Untidy, code};

pub fn check(files: &[TextFile]) -> Vec<Untidy> {
    let manifests = files.iter().filter(|file| {
        file.path.ends_with("/Cargo.toml")
            && (file.path.starts_with("crates/") || file.path.starts_with("xtask/"))
    });
    manifests.flat_map(|manifest| unused(manifest, files)).collect()
}

fn unused(manifest: &TextFile, files: &[TextFile]) -> Vec<Untidy> {
    let folder = manifest.path.trim_end_matches("Cargo.toml");
    let build = format!("{folder}build.rs");
    let rust: Vec<_> =
        files.iter().filter(|file| file.is_rust() && file.path.starts_with(folder)).collect();
    let mut faults = Vec::new();
    let mut section = "";
    for (n, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        if !section.ends_with("dependencies]") || name.is_empty() || line.starts_with('#') {
            continue;
        }
        let is_for_build = section == "[build-dependencies]";
        let module = name.replace('-', "_");
        let mut code = rust.iter().filter(|file| (file.path == build) == is_for_build);
        if !code.any(|file| names(file, &module)) {
            let what = format!("{name} is used by no file of the crate");
            faults.push(Untidy::new(&manifest.path, n + 1, what));
        }
    }
    faults
}

/// Whether the code of a file begins a path with this crate. A part further back in a path is another's
/// (`axum::http`), and so are a module of that name and an address (`"http://…"`).
fn names(file: &TextFile, module: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    file.text.lines().map(code).any(|line| {
        line.match_indices(module).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + module.len()..]);
            let is_inside = match before.strip_suffix("::") {
                Some(path) => path.ends_with(|c: char| is_word(c) || c == '>'),
                None => before.ends_with(is_word),
            };
            let imports = before.trim_end().ends_with("use") && after.starts_with([';', ' ']);
            !is_inside && (after.starts_with("::") || after.starts_with('!') || imports)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_nobody_names_is_found() {
        let toml = "[package]\nname = \"a\"\n\n[dependencies]\nhttp-body.workspace = true\nhttp.workspace = true\n\n\
                    [build-dependencies]\nhex.workspace = true\n\n[lints]\nworkspace = true\n";
        let unused = |code: &str| -> Vec<usize> {
            let files = [
                TextFile::new("crates/a/Cargo.toml", toml),
                TextFile::new("crates/a/src/lib.rs", format!("use http_body::Body;\n{code}\n")),
                TextFile::new("crates/a/build.rs", "hex::encode(b);\n"),
                TextFile::new("crates/b/src/lib.rs", "use http::Uri;\n"),
            ];
            check(&files).into_iter().map(|fault| fault.line).collect()
        };
        for other in [
            "",
            "use axum::http::Uri;",
            "mod http;",
            "let url = \"http://localhost\";",
            "// http::Uri",
            "fn http() {}",
            "http_body::http::X",
            "use hex::encode;",
        ] {
            assert_eq!(unused(other), [6], "{other}");
        }
        for used in ["use http::Uri;", "use http;", "fn a(b: ::http::Uri) {}", "Some(http::Uri)"] {
            assert_eq!(unused(used), [0; 0], "{used}");
        }
    }
}
