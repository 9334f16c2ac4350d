//! This module writes the brokers' settings and prepares their folders. In KRaft mode each broker is a
//! controller too.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::jars::Jars;
use crate::java;
use crate::member::{Member, Ready};
use crate::plan::Plan;
use crate::ports::Port;
use crate::secure::Secure;
use crate::{MEMBERS, Mode, Proxies, shared, write_private, zookeeper};

/// Writes the settings of the `n`th broker, and returns how to start it.
pub(crate) fn member(folder: &Path, n: u16, plan: &Plan, jars: &Jars) -> Result<Member> {
    let Plan { mode, ports, .. } = *plan;
    let mut settings = shared::broker(mode)?;
    let mut listeners = vec![("PLAINTEXT", Port::Broker)];
    match mode {
        Mode::ZooKeeper => {
            writeln!(settings, "\n# This one.\nbroker.id={n}")?;
            let direct = || zookeeper::connect(ports);
            let connect = plan.proxies.map(|it| Proxies::addresses(it.zookeepers));
            writeln!(settings, "zookeeper.connect={}", connect.unwrap_or_else(direct))?;
        }
        Mode::KRaft => {
            let voters: Vec<String> = (1..=MEMBERS)
                .map(|k| format!("{k}@{}", ports.address(Port::Controller, k)))
                .collect();
            writeln!(settings, "\n# This one.\nnode.id={n}")?;
            writeln!(settings, "controller.quorum.voters={}", voters.join(","))?;
        }
    }
    if let Some(secure) = &plan.secure {
        listeners.extend(Secure::LISTENERS);
        settings.push_str(&secure.broker_settings());
    }
    let listen = |listeners: &[(&str, Port)]| {
        let all =
            listeners.iter().map(|(name, port)| format!("{name}://{}", ports.address(*port, n)));
        all.collect::<Vec<_>>().join(",")
    };
    // Clients are told of the brokers' listeners, never of the controller's.
    let mut advertised = listen(&listeners);
    if let Some(proxies) = plan.proxies {
        let port = proxies.brokers[usize::from(n) - 1];
        write!(advertised, ",PROXIED://127.0.0.1:{port}")?;
        listeners.push(("PROXIED", Port::Proxied));
        writeln!(settings, "inter.broker.listener.name=PROXIED")?;
    }
    writeln!(settings, "advertised.listeners={advertised}")?;
    if mode == Mode::KRaft {
        listeners.push(("CONTROLLER", Port::Controller));
    }
    writeln!(settings, "listeners={}", listen(&listeners))?;
    writeln!(
        settings,
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,\
         PROXIED:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL"
    )?;
    let name = format!("kafka{n}");
    writeln!(settings, "log.dirs={}", folder.join(&name).display())?;
    let file = settings_file(folder, n);
    write_private(&file, &settings)?;
    let ready = Ready::Broker { id: i32::from(n), port: ports.get(Port::Broker, n) };
    Ok(java::member(name, shared::BROKER_HEAP, jars, "kafka.Kafka", &file, ready))
}

fn settings_file(folder: &Path, n: u16) -> PathBuf {
    folder.join(format!("kafka{n}.properties"))
}

/// Formats the brokers' folders for KRaft, which keeps the cluster's id in each and does not start without.
pub(crate) fn format(folder: &Path, jars: &Jars) -> Result<()> {
    // Any 16 bytes will do. They are in Kafka's Base64 for a UUID.
    const CLUSTER: &str = "cG9sbHV4LWNsdXN0ZXIuLg";
    let started: Vec<_> = (1..=MEMBERS)
        .map(|n| {
            java::tool(jars, "kafka.tools.StorageTool")
                .args(["format", "--cluster-id", CLUSTER, "--config"])
                .arg(settings_file(folder, n))
                .stdout(fs::File::create(folder.join(format!("kafka{n}.format.log")))?)
                .stderr(std::process::Stdio::piped())
                .spawn()
                .context("java is missing. On Debian: sudo apt-get install default-jre-headless")
        })
        .collect();
    for child in started {
        let output = child?.wait_with_output()?;
        if !output.status.success() {
            bail!("formatting KRaft's storage: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok(())
}

/// Adds the user that logs in with SCRAM. The user of PLAIN is in the brokers' settings.
pub(crate) fn add_user(bootstrap: &str, jars: &Jars, secure: &Secure) -> Result<()> {
    let output = java::tool(jars, "kafka.admin.ConfigCommand")
        .args(["--bootstrap-server", bootstrap, "--alter", "--entity-type", "users"])
        .args(["--entity-name", &secure.user, "--add-config"])
        .arg(format!("SCRAM-SHA-512=[password={}]", secure.password))
        .output()?;
    ensure!(output.status.success(), "SCRAM user: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
