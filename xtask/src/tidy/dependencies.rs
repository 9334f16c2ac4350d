//! Dependencies: whatever a crate declares, its code names.

use super::{Fault, File};

pub fn check(files: &[File]) -> Vec<Fault> {
    let manifests = files.iter().filter(|file| {
        file.path.ends_with("/Cargo.toml")
            && (file.path.starts_with("crates/") || file.path.starts_with("xtask/"))
    });
    manifests.flat_map(|manifest| unused(manifest, files)).collect()
}

fn unused(manifest: &File, files: &[File]) -> Vec<Fault> {
    let folder = manifest.path.trim_end_matches("Cargo.toml");
    let code: Vec<_> =
        files.iter().filter(|file| file.is_rust() && file.path.starts_with(folder)).collect();
    let mut faults = Vec::new();
    let mut declares = false;
    for (n, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            declares = line.ends_with("dependencies]");
            continue;
        }
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        if !declares || name.is_empty() || line.starts_with('#') {
            continue;
        }
        let module = name.replace('-', "_");
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let names_it = |text: &str| {
            text.match_indices(&module).any(|(at, _)| {
                let before = text[..at].chars().last();
                let after = text[at + module.len()..].chars().next();
                let alone = !before.is_some_and(is_word) && !after.is_some_and(is_word);
                alone && matches!(after, Some(':' | '!' | ';'))
            })
        };
        if !code.iter().any(|file| names_it(&file.text)) {
            faults.push(Fault::new(
                &manifest.path,
                n + 1,
                format!("{name} is used by no file of the crate"),
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_nobody_names_is_found() {
        let toml = "[package]\nname = \"a\"\n\n[dependencies]\nhttp-body.workspace = true\nhttp.workspace = true\n\n[lints]\nworkspace = true\n";
        let files = [
            File::new("crates/a/Cargo.toml", toml),
            File::new("crates/a/src/lib.rs", "use http_body::Body;\n"),
            File::new("crates/b/src/lib.rs", "use http::Uri;\n"),
        ];
        let faults = check(&files);
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].line, faults[0].what.starts_with("http ")), (6, true));
    }
}
