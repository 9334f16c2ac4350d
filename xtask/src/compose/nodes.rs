//! This module checks Pollux's own services and `.env.sample`: every variable must be a setting that `pollux
//! serve` knows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{OURS, Project, SMALL, text, texts};

/// `.env.sample` must name these variables.
const SAMPLED: [&str; 8] = [
    "DB_USER",
    "DB_PASSWORD",
    "DB_HOST",
    "DB_NAME",
    "DB_PORT",
    "KAFKA_BROKER",
    "PORT",
    "POLLUX_SECRET",
];
/// A service without these variables is no node of a cluster.
const NEEDED: [&str; 5] = ["KAFKA_BROKER", "DB_HOST", "DB_USER", "DB_PASSWORD", "POLLUX_SECRET"];

/// `ServeHelp` is what `pollux serve` says of itself: its help text, and the variables of its settings.
pub struct ServeHelp {
    help: String,
    variables: BTreeSet<String>,
}

/// Builds `pollux` and reads the help text of `pollux serve`.
pub fn settings() -> Result<ServeHelp> {
    let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "pollux"]).status()?;
    ensure!(built.success(), "the build failed");
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let pollux = format!("{target}/debug/pollux");
    let output = Command::new(&pollux).args(["serve", "--help"]).output().context(pollux)?;
    Ok(ServeHelp::of(&String::from_utf8(output.stdout)?))
}

impl ServeHelp {
    fn of(help: &str) -> Self {
        // A narrow terminal breaks lines anywhere.
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let named = help.split("[env: ").skip(1).filter_map(|rest| rest.split(']').next());
        let mut variables: BTreeSet<_> = named.map(str::to_owned).collect();
        // This variable belongs to the commands that ask a server.
        variables.insert("POLLUX_URL".into());
        Self { help, variables }
    }

    fn default_of(&self, variable: &str) -> Option<&str> {
        let rest = self.help.split(&format!("[env: {variable}] [default: ")).nth(1)?;
        rest.split(']').next()
    }
}

/// Returns everything that is wrong with the nodes.
pub fn faults(project: &Project, known: &ServeHelp) -> Vec<String> {
    let mut faults = Vec::new();
    let small = project.file == SMALL;
    let ours = || project.services().filter(|(_, service)| text(service, "/image") == OURS);
    let nodes = || ours().filter(|(_, service)| !service["environment"].is_null());
    let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, service) in nodes() {
        let mut wrong = |what: String| faults.push(format!("{name}: {what}"));
        let environment = service["environment"].as_object().into_iter().flatten();
        let environment: BTreeMap<_, _> =
            environment.map(|(k, v)| (k.as_str(), v.as_str().unwrap_or_default())).collect();
        for variable in environment.keys().filter(|name| !known.variables.contains(**name)) {
            wrong(format!("{variable} is not a setting"));
        }
        for variable in NEEDED.iter().filter(|name| !environment.contains_key(**name)) {
            wrong(format!("{variable} is missing"));
        }
        // The settings that the promise depends on keep their defaults, with which the cluster is tested.
        for variable in [
            "POLLUX_KAFKA_REPLICATION",
            "POLLUX_KAFKA_WEAK",
            "POLLUX_KAFKA_FLUSH",
            "POLLUX_KAFKA_PARTITIONS",
        ] {
            let value = environment.get(variable).copied().filter(|value| !value.is_empty());
            let given_up = small && ["REPLICATION", "WEAK"].iter().any(|it| variable.ends_with(it));
            if value.is_some() && !given_up {
                wrong(format!("{variable} is set, but the tested cluster has the default"));
            }
        }
        let brokers: Vec<_> = environment.get("KAFKA_BROKER").unwrap_or(&"").split(',').collect();
        let there = |broker: &&str| {
            let (host, port) = broker.split_once(':').unwrap_or_default();
            let own = text(&project.json["services"][host], "/environment/OWN_SETTINGS");
            own.contains(&format!("INSIDE://{host}:{port}"))
        };
        if !brokers.iter().all(there) || brokers.len() != if small { 1 } else { 3 } {
            wrong(format!("{brokers:?} are not the brokers' inner addresses"));
        }
        if let [_, flag, role] = texts(service, "/command")[..] {
            *roles.entry(role).or_default() += 1;
            if !known.help.contains(&format!(" {flag} ")) {
                wrong(format!("{flag} is no flag of pollux serve"));
            }
        }
    }
    let each = if small { 1 } else { 2 };
    if roles != BTreeMap::from([("processor", each), ("web", each)]) {
        faults.push(format!("not {each} of each role, but {roles:?}"));
    }
    if ours().filter(|(_, service)| service.get("build").is_some()).count() != 1 {
        faults.push("the image is not built by exactly one service".into());
    }
    faults.extend(proxy(project));
    faults.extend(strangers(project, known));
    faults
}

/// Finds variables that are named like settings of Pollux and are none, or have another default here.
fn strangers(project: &Project, known: &ServeHelp) -> Vec<String> {
    let ours = |name: &str| {
        ["POLLUX_", "DB_"].iter().any(|prefix| name.starts_with(prefix)) || name == "KAFKA_BROKER"
    };
    let mut faults = Vec::new();
    for (name, default) in project.variables().into_iter().filter(|(name, _)| ours(name)) {
        if !known.variables.contains(name) {
            faults.push(format!("${{{name}}} is not a setting"));
        }
        let real = known.default_of(name);
        // A setting without a default must have one here, so that nothing needs to be set.
        if real.is_some_and(|real| !default.is_empty() && default != real) {
            faults.push(format!("${{{name}:-{default}}}: the default is {real:?}"));
        }
    }
    faults
}

/// Checks that the nodes trust the proxy, at the address that it has, and what is in front of it, and nobody
/// else.
fn proxy(project: &Project) -> Vec<String> {
    let services = &project.json["services"];
    let trusted =
        project.services().map(|(_, service)| text(service, "/environment/POLLUX_TRUSTED_PROXIES"));
    let trusted: BTreeSet<_> = trusted.filter(|networks| !networks.is_empty()).collect();
    let Some(proxy) = services.get("proxy") else {
        let none = trusted.is_empty();
        return if none { Vec::new() } else { vec![format!("{trusted:?} are no proxies")] };
    };
    let mut faults = Vec::new();
    let address = text(proxy, "/networks/proxied/ipv4_address");
    let front = text(proxy, "/environment/PROXY_FRONT");
    let both = format!("{address},{front}");
    if trusted != BTreeSet::from([both.as_str()]) {
        faults.push(format!("the proxy is {address} behind {front}, and {trusted:?} is trusted"));
    }
    let network = &project.json["networks"]["proxied"]["ipam"]["config"][0];
    let (subnet, range) = (text(network, "/subnet"), text(network, "/ip_range"));
    if !within(address, subnet) || within(address, range) || range.is_empty() {
        faults.push(format!("{address} must be of {subnet}, and none that {range} gives away"));
    }
    faults
}

fn within(address: &str, network: &str) -> bool {
    let parsed = || {
        let (base, bits) = network.split_once('/')?;
        let mask = u32::MAX.checked_shl(32 - bits.parse::<u32>().ok()?)?;
        let [address, base] =
            [address, base].map(|text| text.parse::<Ipv4Addr>().ok().map(u32::from));
        Some(address? & mask == base? & mask)
    };
    parsed().unwrap_or(false)
}

/// Checks `.env.sample`: each line names a setting, or a variable of a compose file with its default.
pub fn sample(sample: &str, projects: &[&Project], known: &ServeHelp) -> Vec<String> {
    let taken: BTreeSet<_> = projects.iter().flat_map(|project| project.variables()).collect();
    let mut faults = Vec::new();
    let mut named = BTreeSet::new();
    for line in sample.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let bare = line.strip_prefix('#').unwrap_or(line);
        let Some((name, value)) = bare.split_once('=').filter(|(name, _)| is_name(name)) else {
            if !line.starts_with("# ") {
                faults.push(format!(".env.sample: {line:?} is no NAME=value and no comment"));
            }
            continue;
        };
        named.insert(name);
        let for_compose = taken.iter().any(|(taken, default)| *taken == name && *default == value);
        if !known.variables.contains(name) && !for_compose {
            faults.push(format!(".env.sample: {name} is not a setting"));
        }
    }
    let missing = SAMPLED.iter().copied().chain(taken.iter().map(|(name, _)| *name));
    let missing: BTreeSet<_> = missing.filter(|name| !named.contains(name)).collect();
    faults.extend(missing.into_iter().map(|name| format!(".env.sample: {name} is missing")));
    faults
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::super::tests::project;
    use super::*;

    #[test]
    fn what_pollux_does_not_know_is_noticed() {
        let known =
            ServeHelp::of("--db-port <PORT> x [env: DB_PORT] [default: 5432]\n --roles <ROLES>");
        let wrong = project("${DB_PORT:-5433} ${DB_PROT:-1} ${KAFKA1_PORT:-9092}", json!({}));
        assert_eq!(strangers(&wrong, &known).len(), 2);
        let lines =
            "# A word.\n#DB_PORT=5432\n#DB_PROT=1\nnonsense\n#KAFKA1_PORT=9092\n#KAFKA2_PORT=1";
        let said = sample(lines, &[&project("${KAFKA1_PORT:-9092}", json!({}))], &known);
        let about: Vec<_> = said.iter().filter(|fault| !fault.ends_with("is missing")).collect();
        assert_eq!(about.len(), 3, "{said:?}");
    }

    #[test]
    fn a_proxy_that_is_elsewhere_is_noticed() {
        let with = |trusted: &str, range: &str| {
            let mut project = project(
                "",
                json!({
                    "proxy": {
                        "networks": { "proxied": { "ipv4_address": "10.0.0.2" } },
                        "environment": { "PROXY_FRONT": "10.9.0.0/16" },
                    },
                    "web1": { "environment": { "POLLUX_TRUSTED_PROXIES": trusted } },
                }),
            );
            project.json["networks"]["proxied"]["ipam"] =
                json!({ "config": [{ "subnet": "10.0.0.0/24", "ip_range": range }] });
            proxy(&project)
        };
        let both = "10.0.0.2,10.9.0.0/16";
        assert_eq!(with(both, "10.0.0.128/25"), [""; 0]);
        assert_eq!(with("10.0.0.3,10.9.0.0/16", "10.0.0.128/25").len(), 1);
        assert_eq!(with("10.0.0.2", "10.0.0.128/25").len(), 1, "what is in front is not trusted");
        assert_eq!(with(both, "10.0.0.0/25").len(), 1);
    }
}
