//! `make compose` checks the compose files and the image where no container engine runs. The compose tool's
//! own library reads the files (`cluster/compose/check`). What it makes of them is compared with what the
//! tested cluster runs with, and with what `pollux serve` knows.

mod image;
mod members;
mod nodes;
mod proxy;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The Makefile builds the tool at this path.
const TOOL: &str = ".tools/compose-check";
/// This compose file starts the whole cluster.
const WHOLE: &str = "docker-compose.yml";
/// This compose file starts the small cluster, with one member of each kind.
const SMALL: &str = "docker-compose.small.yml";
/// Our own image, which is built here, has this name.
const OURS: &str = "pollux";
/// Other machines may reach only this port.
const OPEN: u64 = 5000;

/// `Project` is a compose file, as it is written and as the compose tool understands it.
struct Project {
    file: &'static str,
    text: String,
    json: Value,
}

/// Checks everything, and reports all faults at once.
pub fn run() -> Result<()> {
    ensure!(Path::new(TOOL).exists(), "{TOOL} is missing; `make compose` builds it");
    let known = nodes::settings()?;
    let (whole, small) = (Project::read(WHOLE)?, Project::read(SMALL)?);
    let mut faults = Vec::new();
    for project in [&whole, &small] {
        let found = [
            pinned(project),
            ports(project),
            restarts(project),
            known_passwords(project),
            members::faults(project)?,
            nodes::faults(project, &known),
        ];
        faults.extend(found.concat().into_iter().map(|fault| format!("{}: {fault}", project.file)));
    }
    faults.extend(nodes::sample(&fs::read_to_string(".env.sample")?, &[&whole, &small], &known));
    faults.extend(image::faults()?);
    if !faults.is_empty() {
        bail!("{} faults\n  {}", faults.len(), faults.join("\n  "));
    }
    let services = whole.services().count();
    println!("{WHOLE} ({services} services), {SMALL}, Dockerfile and .env.sample are in order");
    proxy::run().context("the proxy")
}

impl Project {
    /// Reads a compose file. The compose tool refuses a file that breaks its schema or names what is not
    /// there.
    fn read(file: &'static str) -> Result<Self> {
        let output = Command::new(TOOL).arg(file).env_clear().output().context(TOOL)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{file}: {}", said.trim());
        let (text, json) = (fs::read_to_string(file)?, serde_json::from_slice(&output.stdout)?);
        Ok(Self { file, text, json })
    }

    fn services(&self) -> impl Iterator<Item = (&str, &Value)> {
        let services = self.json["services"].as_object().into_iter().flatten();
        services.map(|(name, service)| (name.as_str(), service))
    }

    /// Returns the variables that the file takes, with the values that they have when nobody sets them.
    fn variables(&self) -> BTreeSet<(&str, &str)> {
        let opened = self.text.match_indices("${");
        // `$${` stands for a variable inside the container.
        let opened = opened.filter(|(at, _)| !self.text[..*at].ends_with('$'));
        let opened = opened.map(|(at, _)| &self.text[at + 2..]);
        let named = opened.filter_map(|rest| {
            let name =
                rest.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
            let name = name.into_iter().next().filter(|name| !name.is_empty())?;
            let default = rest[name.len()..].strip_prefix(":-")?;
            Some((name, default.split('}').next()?))
        });
        named.collect()
    }
}

/// Returns the text at this path of a JSON value, or an empty text.
fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the texts of the list at this path of a JSON value.
fn texts<'a>(value: &'a Value, path: &str) -> Vec<&'a str> {
    let list = value.pointer(path).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

/// Checks that every image is pinned to one release.
fn pinned(project: &Project) -> Vec<String> {
    let loose = project.services().filter(|(_, service)| {
        let image = text(service, "/image");
        image != OURS && !is_release(image)
    });
    loose.map(|(name, service)| format!("{name}: {} is not pinned", service["image"])).collect()
}

/// Returns whether an image's tag is never moved to the next release: `name:1.2`, `name:v1.2.3-flavour`.
fn is_release(image: &str) -> bool {
    let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    let version = tag.map(|tag| tag.trim_start_matches('v').split('-').next().unwrap_or_default());
    version.is_some_and(|version| {
        version.contains('.') && version.split('.').all(|part| part.parse::<u32>().is_ok())
    })
}

/// Checks that every published port is a variable's, and that only one is for other machines.
fn ports(project: &Project) -> Vec<String> {
    let mut faults = Vec::new();
    let mut published = 0;
    for (name, service) in project.services() {
        for port in service["ports"].as_array().into_iter().flatten() {
            published += 1;
            let open = port["target"] == OPEN;
            match text(port, "/host_ip") {
                "127.0.0.1" if !open => {}
                "" if open => {}
                _ => faults.push(format!("{name}: {port} is published to the wrong place")),
            }
        }
    }
    // A service that extends another publishes ports that are written in the other file.
    let extended = project.text.contains("extends:").then(|| fs::read_to_string(WHOLE));
    let extended = extended.and_then(Result::ok).unwrap_or_default();
    let lines = || project.text.lines().chain(extended.lines()).filter_map(published_line);
    faults.extend(
        lines()
            .filter(|line| !line.trim_start_matches("127.0.0.1:").starts_with("${"))
            .map(|line| format!("{line}: the published port is no variable")),
    );
    if lines().count() < published || published == 0 {
        faults.push(format!("{published} ports are published, not all of them as \"HOST:PORT\""));
    }
    faults
}

/// Returns the port of a line such as `- "127.0.0.1:${PORT:-1}:1"`.
fn published_line(line: &str) -> Option<&str> {
    let entry = line.trim().strip_prefix("- \"")?.strip_suffix('"')?;
    let target = entry.rsplit(':').next()?;
    (target.parse::<u16>().is_ok() && !entry.contains(' ')).then_some(entry)
}

/// Checks that every service that ends is started again, and has a health check, except those that run once.
fn restarts(project: &Project) -> Vec<String> {
    let lacks = project.services().filter(|(_, service)| match text(service, "/restart") {
        "no" => false,
        // The health check of our image is in the Dockerfile.
        "unless-stopped" => {
            text(service, "/image") != OURS && texts(service, "/healthcheck/test").is_empty()
        }
        _ => true,
    });
    lacks.map(|(name, _)| format!("{name} lacks a restart policy or a health check")).collect()
}

/// Finds passwords that are written in the file, and so are known to everybody.
fn known_passwords(project: &Project) -> Vec<String> {
    let secret = |name: &str| {
        ["PASSWORD", "SECRET", "TOKEN"].iter().any(|word| name.contains(word))
            && !name.ends_with("_FILE")
    };
    let given = project.services().flat_map(|(service, it)| {
        let all = it["environment"].as_object().into_iter().flatten();
        all.map(move |(name, value)| (service, name.as_str(), value.as_str().unwrap_or_default()))
    });
    let defaults = project.variables().into_iter().map(|(name, default)| ("${…}", name, default));
    let known = given.chain(defaults).filter(|(_, name, value)| secret(name) && !value.is_empty());
    known
        .map(|(place, name, _)| format!("{place}: {name} has a value that everybody knows"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    pub fn project(text: &str, services: Value) -> Project {
        Project { file: WHOLE, text: text.into(), json: json!({ "services": services }) }
    }

    #[test]
    fn a_release_is_told_from_what_moves() {
        for good in ["zookeeper:3.8.6", "ghcr.io/a/b:v1.5.0", "haproxy:3.2.22-alpine", "p/q:9.16"] {
            assert!(is_release(good), "{good}");
        }
        for bad in ["zookeeper", "kafka:latest", "postgres:15", "a:5000/b", "nginx:stable-alpine"] {
            assert!(!is_release(bad), "{bad}");
        }
    }

    #[test]
    fn an_open_or_fixed_port_is_noticed() {
        let service = |ip: &str, target: u64| json!({ "a": { "ports": [{ "host_ip": ip, "target": target, "published": "1" }] } });
        let variable = "- \"127.0.0.1:${DB_PORT:-5432}:5432\"";
        assert_eq!(ports(&project(variable, service("127.0.0.1", 5432))), [""; 0]);
        assert_eq!(ports(&project(variable, service("", 5432))).len(), 1);
        assert_eq!(ports(&project(variable, service("0.0.0.0", 5432))).len(), 1);
        let fixed = "- \"127.0.0.1:5432:5432\"";
        assert_eq!(ports(&project(fixed, service("127.0.0.1", 5432))).len(), 1);
        assert_eq!(ports(&project("", service("127.0.0.1", 5432))).len(), 1);
        assert_eq!(ports(&project("- \"${PORT:-5000}:5000\"", service("", OPEN))), [""; 0]);
    }

    #[test]
    fn a_password_that_everybody_knows_is_noticed() {
        let with = |text: &str, name: &str, value: &str| {
            known_passwords(&project(text, json!({ "a": { "environment": { name: value } } })))
        };
        assert_eq!(with("x: ${DB_PASSWORD:-}", "DB_PASSWORD", ""), [""; 0]);
        assert_eq!(with("", "X_PASSWORD_FILE", "/run/x"), [""; 0]);
        assert_eq!(with("x: ${DB_PASSWORD:-polling}", "DB_NAME", "polling").len(), 1);
        assert_eq!(with("", "PGADMIN_DEFAULT_PASSWORD", "admin").len(), 1);
        let shipped = [
            include_str!("../../docker-compose.yml"),
            include_str!("../../docker-compose.small.yml"),
        ];
        for file in shipped {
            assert_eq!(known_passwords(&project(file, json!({}))), [""; 0]);
        }
    }

    #[test]
    fn variables_are_found_inside_others_too() {
        let found =
            project("x: ${A_1:-y}\nz: ${URL:-http://h:${PORT:-5000}} $${NOT:-x}", json!({}));
        let names: Vec<_> = found.variables().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["A_1", "PORT", "URL"]);
        assert!(found.variables().contains(&("PORT", "5000")));
    }
}
