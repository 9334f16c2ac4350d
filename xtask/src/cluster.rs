//! `cargo xtask cluster` runs the real cluster of `crates/cluster` from a terminal.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use pollux_cluster::{Cluster, Mode, Options, Port, State};

use crate::{demo, nodes};

/// Run a real cluster on this machine: Kafka with ZooKeeper (or KRaft) and PostgreSQL
#[derive(Args)]
pub struct ClusterCommand {
    #[command(subcommand)]
    action: ClusterAction,
    /// Folder of everything that the cluster has: data, logs, settings
    #[arg(long, global = true, default_value = "target/cluster", value_name = "FOLDER")]
    folder: PathBuf,
}

#[derive(Subcommand)]
enum ClusterAction {
    /// Start the cluster, or what is missing of it, and wait until it is ready
    Up {
        /// Run Kafka 4 in KRaft mode instead of Kafka 3.9 with ZooKeeper
        #[arg(long)]
        kraft: bool,
        /// Also listen with TLS and SASL
        #[arg(long)]
        secure: bool,
        /// First of a hundred ports [default: a free block]
        #[arg(long, value_name = "BASE")]
        port: Option<u16>,
        /// Start no Pollux nodes
        #[arg(long)]
        bare: bool,
        /// Binary that the nodes run
        #[arg(long, default_value = "target/release/pollux", value_name = "BINARY")]
        pollux: PathBuf,
    },
    /// Show votes flowing over the partitions while members are killed, on the cluster that is up, or on a
    /// temporary one
    Demo {
        /// If the cluster is a temporary one, run Kafka 4 in KRaft mode instead of Kafka 3.9 with ZooKeeper
        #[arg(long)]
        kraft: bool,
        /// Binary that the nodes run
        #[arg(long, default_value = "target/release/pollux", value_name = "BINARY")]
        pollux: PathBuf,
    },
    /// Kill every member and remove the folder, with all data
    Down,
    /// Show which members live, which lead, and which is the controller
    Status,
    /// Print the environment that connects Pollux to the cluster, for a `.env` file
    Env,
    /// Kill members with SIGKILL
    Kill(MemberNames),
    /// Pause members with SIGSTOP: connections stay open, nobody answers
    Pause(MemberNames),
    /// Resume paused members
    Resume(MemberNames),
    /// Ask members to stop, and wait until they have
    Stop(MemberNames),
    /// Start members that were killed or stopped, and wait until they are ready
    Start(MemberNames),
    /// Ask members to stop and start them again, one after the other
    Restart(MemberNames),
}

#[derive(Args)]
struct MemberNames {
    /// Members: zk1 to zk3, kafka1 to kafka3, pg, processor1, processor2, web1, web2
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// Runs the command.
pub fn run(command: ClusterCommand) -> Result<()> {
    let folder = command.folder;
    if let ClusterAction::Up { kraft, secure, port, bare, pollux } = command.action {
        return up(&folder, kraft, secure, port, (!bare).then_some(&pollux));
    }
    if let ClusterAction::Demo { kraft, pollux } = command.action {
        return demonstrate(&folder, kraft, &pollux);
    }
    if matches!(command.action, ClusterAction::Down) && !folder.exists() {
        eprintln!("there is no cluster in {}", folder.display());
        return Ok(());
    }
    let cluster = Cluster::open(&folder, say)?;
    match command.action {
        ClusterAction::Up { .. } | ClusterAction::Demo { .. } => Ok(()),
        ClusterAction::Down => {
            cluster.remove()?;
            say("everything is stopped and removed");
            Ok(())
        }
        ClusterAction::Status => print(&status(&cluster)?),
        ClusterAction::Env => print(&environment(&cluster)),
        ClusterAction::Kill(all) => each(&all, "killed", |name| cluster.kill(name)),
        ClusterAction::Pause(all) => each(&all, "paused", |name| cluster.pause(name)),
        ClusterAction::Resume(all) => each(&all, "resumed", |name| cluster.resume(name)),
        ClusterAction::Stop(all) => each(&all, "stopped", |name| cluster.stop(name)),
        ClusterAction::Restart(all) => each(&all, "restarted", |name| cluster.restart(name)),
        ClusterAction::Start(all) => {
            // All are started before any is waited for: one ZooKeeper is not ready without another.
            each(&all, "started", |name| cluster.launch(name))?;
            let names: Vec<&str> = all.names.iter().map(String::as_str).collect();
            cluster.wait_ready(&names, pollux_cluster::START_DEADLINE)
        }
    }
}

fn up(
    folder: &Path,
    kraft: bool,
    secure: bool,
    port: Option<u16>,
    pollux: Option<&PathBuf>,
) -> Result<()> {
    pollux.map_or(Ok(()), |pollux| is_built(pollux))?;
    let mode = mode(kraft);
    let cluster = match Cluster::open(folder, say) {
        // A cluster whose start was cut short has no members, and is made anew.
        Ok(there) if !there.names().is_empty() => {
            let same = there.mode() == mode
                && there.secure().is_some() == secure
                && port.is_none_or(|base| there.ports().get(Port::ZooKeeper, 0) == base);
            ensure!(
                same,
                "the cluster in {} was started with other flags; take it down first: \
                 cargo xtask cluster down --folder {0}",
                folder.display()
            );
            there.bring_up()?;
            there
        }
        _ => {
            let folder = folder.to_owned();
            let options =
                Options { folder, mode, port, secure, progress: say, ..Options::default() };
            Cluster::start(&options)?
        }
    };
    if let Some(pollux) = pollux {
        add_nodes(&cluster, pollux)?;
    }
    print(&addresses(&cluster)?)?;
    cluster.detach();
    Ok(())
}

fn mode(kraft: bool) -> Mode {
    if kraft { Mode::KRaft } else { Mode::ZooKeeper }
}

fn is_built(pollux: &Path) -> Result<()> {
    ensure!(pollux.is_file(), "{}: build it with cargo build --release", pollux.display());
    Ok(())
}

fn demonstrate(folder: &Path, kraft: bool, pollux: &Path) -> Result<()> {
    is_built(pollux)?;
    let cluster = match Cluster::open(folder, say) {
        Ok(there) if !there.names().is_empty() => {
            there.bring_up()?;
            there
        }
        _ => Cluster::start(&Options { mode: mode(kraft), progress: say, ..Options::default() })?,
    };
    add_nodes(&cluster, pollux)?;
    demo::run(&cluster, pollux)
}

/// Adds two web nodes and two processors, those that are missing. The first to start creates the topics and
/// the tables.
fn add_nodes(cluster: &Cluster, pollux: &Path) -> Result<()> {
    let there = cluster.names();
    for (number, name, roles) in nodes::all() {
        if !there.iter().any(|there| there == name) {
            say(&format!("starting {name}"));
            cluster.add_node(name, number, pollux, roles, &[])?;
        }
    }
    Ok(())
}

fn each(all: &MemberNames, done: &str, act: impl Fn(&str) -> Result<()>) -> Result<()> {
    for name in &all.names {
        act(name).with_context(|| format!("{name} is not {done}"))?;
        say(&format!("{name} {done}"));
    }
    Ok(())
}

fn addresses(cluster: &Cluster) -> Result<String> {
    let mut text = status(cluster)?;
    if let Some(secure) = cluster.secure() {
        writeln!(text, "\nTLS        {}", cluster.bootstrap_of(Port::Tls))?;
        writeln!(text, "SASL       {}", cluster.bootstrap_of(Port::Sasl))?;
        writeln!(text, "SASL, TLS  {}", cluster.bootstrap_of(Port::SaslTls))?;
        writeln!(text, "authority  {}", secure.ca.display())?;
        writeln!(text, "user       {}, password {}", secure.user, secure.password)?;
        writeln!(text, "           (PLAIN or SCRAM-SHA-512)")?;
    }
    writeln!(text, "\nlogs are in {}", cluster.folder().display())?;
    writeln!(text, "take it away with `cargo xtask cluster down`\n")?;
    text.push_str(&environment(cluster));
    Ok(text)
}

fn environment(cluster: &Cluster) -> String {
    let lines = cluster.environment();
    lines.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn status(cluster: &Cluster) -> Result<String> {
    let roles =
        [(cluster.zookeeper_leader().ok(), "leader"), (cluster.controller().ok(), "controller")];
    let mut text = String::new();
    for member in cluster.status()? {
        let state = match (member.state, &member.ready) {
            (State::Running, Ok(())) => "ready".to_owned(),
            (State::Running, Err(why)) => why.lines().next().unwrap_or_default().to_owned(),
            (State::Paused, _) => "paused".to_owned(),
            (State::Dead, _) => "dead".to_owned(),
        };
        let role = roles.iter().find(|(name, _)| name.as_ref() == Some(&member.name));
        let role = role.map_or("", |(_, role)| role);
        let pid = member.pid.map(|pid| format!("pid {pid}")).unwrap_or_default();
        let address = member.address.unwrap_or_default();
        let line = format!("{:<8} {address:<16} {pid:<12} {state} {role}", member.name);
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(text)
}

/// Prints what was asked for, to standard output.
fn print(text: &str) -> Result<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

/// Prints what is being done, to standard error, unless the demo draws on the terminal.
fn say(line: &str) {
    if !demo::DRAWS.load(Relaxed) {
        eprintln!("{line}");
    }
}
