//! This module checks that the Dockerfile is pinned, builds with the pinned toolchain, runs as a user without
//! rights, has a health check, and installs every library that the binary links.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The libraries that the binary may link are in these Debian packages, apart from those of the base system.
const PACKAGES: [(&str, &str); 3] =
    [("libssl.so", "libssl3"), ("libcrypto.so", "libssl3"), ("libz.so", "zlib1g")];
/// These libraries are in Debian's base system.
const BASE: [&str; 7] =
    ["linux-vdso", "libc.so", "libm.so", "libgcc_s.so", "libpthread.so", "libdl.so", "ld-linux"];

/// Returns everything that is wrong with the image.
pub fn faults() -> Result<Vec<String>> {
    let dockerfile = fs::read_to_string("Dockerfile")?;
    let (toolchain, makefile) =
        (fs::read_to_string("rust-toolchain.toml")?, fs::read_to_string("Makefile")?);
    let mut faults = of_text(&dockerfile, &toolchain, &makefile);
    let ignored = fs::read_to_string(".dockerignore")?;
    let gone = ignored.lines().filter_map(|line| line.strip_prefix('!'));
    let gone = gone.filter(|path| !std::path::Path::new(path).exists());
    faults.extend(gone.map(|path| format!(".dockerignore: there is no {path}")));
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let output = Command::new("ldd").arg(format!("{target}/debug/pollux")).output();
    let output = output.context("ldd")?;
    ensure!(output.status.success(), "ldd: {}", String::from_utf8_lossy(&output.stderr));
    let linked = String::from_utf8_lossy(&output.stdout);
    let names = linked.lines().filter_map(|line| line.split_whitespace().next());
    faults.extend(names.filter_map(|name| missing(name, &dockerfile)));
    Ok(faults)
}

fn of_text(dockerfile: &str, toolchain: &str, makefile: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = || dockerfile.lines().map(str::trim);
    let rust = toolchain.split('"').nth(1).unwrap_or_default();
    let from: Vec<_> = lines().filter_map(|line| line.strip_prefix("FROM ")).collect();
    let node = makefile.lines().find_map(|line| line.strip_prefix("NODE := ")).unwrap_or_default();
    match from[..] {
        [web, build, run] => {
            if !web.starts_with(&format!("node:{node}-")) || !web.ends_with("-slim AS web") {
                faults.push(format!("Dockerfile: {web} is not the Makefile's Node.js {node}"));
            }
            let debian = build
                .strip_prefix(&format!("rust:{rust}-slim-"))
                .and_then(|rest| rest.strip_suffix(" AS build"));
            let dated = |debian: &str| {
                let date = run.strip_prefix(&format!("debian:{debian}-"));
                let date = date.and_then(|rest| rest.strip_suffix("-slim"));
                date.is_some_and(|date| date.len() == 8 && date.parse::<u32>().is_ok())
            };
            if !debian.is_some_and(dated) {
                faults.push(format!("Dockerfile: {build} and {run} are not pinned alike"));
            }
        }
        _ => faults.push(format!("Dockerfile: {} stages instead of 3", from.len())),
    }
    // The last stage is the image that runs.
    let last = dockerfile.rsplit("\nFROM ").next().unwrap_or_default();
    for wanted in ["\nUSER pollux\n", "CMD [\"pollux\", \"health\"]", "ca-certificates"] {
        if !last.contains(wanted) {
            faults.push(format!("Dockerfile: no {:?} in the image that runs", wanted.trim()));
        }
    }
    faults
}

fn missing(library: &str, dockerfile: &str) -> Option<String> {
    let file = library.rsplit('/').next().unwrap_or(library);
    if BASE.iter().any(|base| file.starts_with(base)) {
        return None;
    }
    let package = PACKAGES.iter().find(|(name, _)| file.starts_with(name)).map(|(_, it)| *it);
    let last = dockerfile.rsplit("\nFROM ").next().unwrap_or_default();
    let installed = package.is_some_and(|package| last.split_whitespace().any(|w| w == package));
    (!installed).then(|| format!("Dockerfile: the binary links {file}, which nothing installs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_would_not_run_is_noticed() {
        let good = "FROM node:24.19.0-bookworm-slim AS web\nRUN x\nFROM rust:1.95.0-slim-bookworm AS build\nRUN x\nFROM debian:bookworm-20260824-slim\n\
                    RUN apt-get install ca-certificates libssl3\nUSER pollux\nHEALTHCHECK CMD [\"pollux\", \"health\"]";
        let toolchain = "[toolchain]\nchannel = \"1.95.0\"";
        let makefile = "NODE_MIN := 20.19\nNODE := 24.19.0\n";
        assert_eq!(of_text(good, toolchain, makefile), [""; 0]);
        for (right, wrong) in [
            ("24.19.0", "24.18.0"),
            ("1.95.0", "1.96.0"),
            ("debian:bookworm", "debian:trixie"),
            ("-20260824-slim", ""),
            ("USER pollux\n", ""),
            ("\"health\"", "\"--version\""),
        ] {
            let bad = good.replacen(right, wrong, 1);
            assert_eq!(of_text(&bad, toolchain, makefile).len(), 1, "{right}");
        }
        assert_eq!(missing("libssl.so.3", good), None);
        assert!(missing("libz.so.1", good).is_some());
        assert!(missing("libcurl.so.4", good).is_some());
        assert_eq!(missing("/lib64/ld-linux-x86-64.so.2", good), None);
    }
}
