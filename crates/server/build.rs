//! The build script, which builds the screens (`web/`) and embeds them, so that `cargo build` alone makes a
//! whole binary whose pages are never older than their sources.
//!
//! `POLLUX_WEB_DIST` names a folder with screens that are built already, for packaging Pollux where there is
//! no Node.js.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The files and folders in `web/` on which the built pages depend.
const SOURCES: [&str; 7] = [
    "src",
    "public",
    "package.json",
    "package-lock.json",
    "pages.ts",
    "vite.config.ts",
    "svelte.config.js",
];

const NODE: &str = "the screens are built with Node.js (20.19 or newer, with npm): `make setup` brings \
     it, or install it from https://nodejs.org; or set POLLUX_WEB_DIST to a folder in which they \
     are built already";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    println!("cargo::rerun-if-env-changed=POLLUX_WEB_DIST");
    let built = match std::env::var_os("POLLUX_WEB_DIST") {
        Some(folder) => {
            let named = Path::new(&folder);
            let folder = named.canonicalize().map_err(|error| {
                format!(
                    "POLLUX_WEB_DIST is {}: {error}; name it by its whole path",
                    named.display()
                )
            })?;
            println!("cargo::rerun-if-changed={}", folder.display());
            folder
        }
        None => {
            // Asked when it runs: a target folder that was copied has the script of the tree that it came from.
            let own =
                std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?;
            build(&Path::new(&own).join("../../web"), &out.join("web"))?
        }
    };
    embed(&built, &out.join("files.rs"))
}

/// Returns the folder of the whole tree. Cargo is asked for it when the script runs, rather than when it is
/// compiled: in a target folder that was copied stands the script of the tree that the copy came from.
fn tree() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    Path::new(&package).join("../..")
}

/// Builds the screens in `web` into `to`.
fn build(web: &Path, to: &Path) -> Result<PathBuf, String> {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", web.join(source).display());
    }
    for page in read_dir(web)?.iter().filter(|path| path.extension().is_some_and(|e| e == "html")) {
        println!("cargo::rerun-if-changed={}", page.display());
    }
    install(web)?;
    let mut vite = Command::new("node");
    vite.args(["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"]);
    finish(vite.current_dir(web).env("WEB_OUT", to))?;
    Ok(to.to_owned())
}

/// Installs what the lock file names, unless it is installed already. A file lock admits one build at a time,
/// because several may have begun together.
fn install(web: &Path) -> Result<(), String> {
    let failed = |what: &Path, error| format!("{}: {error}", what.display());
    let turn = web.join("node_modules.lock");
    let lock = File::create(&turn).map_err(|error| failed(&turn, error))?;
    lock.lock().map_err(|error| failed(&turn, error))?;
    let (wanted, have) = (web.join("package-lock.json"), web.join("node_modules/.installed"));
    let wanted = fs::read(&wanted).map_err(|error| failed(&wanted, error))?;
    if fs::read(&have).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    finish(npm.current_dir(web))?;
    fs::write(&have, wanted).map_err(|error| failed(&have, error))
}

/// Runs a command with the tools of `make setup` on its path.
fn finish(command: &mut Command) -> Result<(), String> {
    let tools = tree().join(".tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([tools].into_iter().chain(std::env::split_paths(&path)));
    command.env("PATH", path.map_err(|error| format!("PATH: {error}"))?);
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}; {NODE}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{name} failed ({}); {NODE}\n{}", output.status, String::from_utf8_lossy(&said)))
}

/// Writes the table of all files: name, content, and its gzip and Brotli forms.
fn embed(built: &Path, table: &Path) -> Result<(), String> {
    let mut files = Vec::new();
    walk(built, &mut files)?;
    let mut rust = String::from("[\n");
    let packed = |path: &Path| path.extension().is_some_and(|e| e == "gz" || e == "br");
    for file in files.iter().filter(|path| !packed(path)) {
        let name = file.strip_prefix(built).map_err(|error| error.to_string())?;
        let form = |ending: &str| {
            let form = PathBuf::from(format!("{}.{ending}", file.display()));
            let bytes = || format!("Some(include_bytes!({form:?}))");
            if files.contains(&form) { bytes() } else { "None".to_owned() }
        };
        let _ = writeln!(
            rust,
            "    File {{ name: {:?}, plain: include_bytes!({file:?}), gzip: {}, brotli: {} }},",
            name.to_string_lossy(),
            form("gz"),
            form("br"),
        );
    }
    rust.push_str("]\n");
    fs::write(table, rust).map_err(|error| format!("{}: {error}", table.display()))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    for path in read_dir(folder)? {
        if path.is_dir() { walk(&path, found)? } else { found.push(path) }
    }
    Ok(())
}

/// Returns the contents of a folder, in order.
fn read_dir(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.sort();
    Ok(paths)
}
