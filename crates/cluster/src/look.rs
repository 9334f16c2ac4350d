//! This module answers questions about a cluster from outside: who lives, who leads, what is in sync.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::member::{self, Ready};
use crate::process::{Process, State};
use crate::wire::{self, Metadata, Topic};
use crate::{Cluster, MEMBERS, Mode, Port};

/// `Status` says how one member is.
#[derive(Clone, Debug)]
pub struct Status {
    /// The member's name.
    pub name: String,
    /// The address at which it listens, if it does.
    pub address: Option<String>,
    /// Whether its process runs, is paused or is dead.
    pub state: State,
    /// Its process id while it lives.
    pub pid: Option<u32>,
    /// Whether it is ready to work; the error says what is missing.
    pub ready: Result<(), String>,
}

impl Cluster {
    /// Returns the status of every member, in the order of their start.
    pub fn status(&self) -> Result<Vec<Status>> {
        let mut all = Vec::new();
        for member in self.members() {
            let process = Process::read(&member.pid_file(self.folder()))?;
            let state = process.as_ref().map_or(State::Dead, Process::state);
            let pid = process.map(|process| process.pid).filter(|_| state != State::Dead);
            let ready = match state {
                State::Running => member.ready.check().map_err(|why| format!("{why:#}")),
                State::Paused => Err("paused".to_owned()),
                State::Dead => Err("not running".to_owned()),
            };
            let address = member.ready.port().map(|port| format!("127.0.0.1:{port}"));
            all.push(Status { name: member.name, address, state, pid, ready });
        }
        Ok(all)
    }

    /// Returns the name of the ZooKeeper that leads the ensemble.
    pub fn zookeeper_leader(&self) -> Result<String> {
        let mut why = anyhow!("there is no ZooKeeper in KRaft mode");
        for member in self.members() {
            if let Ready::ZooKeeper { port } = member.ready
                && self.state(&member.name)? == State::Running
            {
                match member::zookeeper_mode(port) {
                    Ok(mode) if mode == "leader" => return Ok(member.name),
                    Ok(_) => why = anyhow!("only followers answer"),
                    Err(error) => why = error,
                }
            }
        }
        Err(why.context("no ZooKeeper leads"))
    }

    /// Returns the name of the broker that is the controller.
    pub fn controller(&self) -> Result<String> {
        let id = match self.mode() {
            Mode::ZooKeeper => self.metadata()?.controller,
            Mode::KRaft => self.ask_brokers(wire::quorum_leader)?,
        };
        id.map(|id| format!("kafka{id}")).context("there is no controller")
    }

    /// Returns a topic as the first broker that answers sees it, which may be a moment out of date.
    pub fn topic(&self, name: &str) -> Result<Topic> {
        let topics = self.metadata()?.topics;
        topics
            .into_iter()
            .find(|topic| topic.name == name)
            .with_context(|| format!("there is no topic {name}"))
    }

    /// Returns a topic as the named broker sees it, which may differ from what the others see.
    pub fn topic_seen_by(&self, broker: &str, name: &str) -> Result<Topic> {
        let members = self.members();
        let of_it = members.into_iter().find(|member| member.name == broker);
        let Some(Ready::Broker { port, .. }) = of_it.map(|member| member.ready) else {
            anyhow::bail!("{broker} is no broker");
        };
        let found = wire::metadata(port)?.topics.into_iter().find(|topic| topic.name == name);
        found.with_context(|| format!("{broker} knows of no topic {name}"))
    }

    /// Returns the name of the broker that leads a partition.
    pub fn leader(&self, topic: &str, partition: i32) -> Result<String> {
        let topic = self.topic(topic)?;
        let found = topic.partitions.iter().find(|found| found.index == partition);
        let found = found.with_context(|| format!("no partition {partition}"))?;
        found.leader.map(|id| format!("kafka{id}")).context("nobody leads it")
    }

    /// Returns what the first broker that answers knows of brokers and topics.
    pub fn metadata(&self) -> Result<Metadata> {
        self.ask_brokers(wire::metadata)
    }

    /// Returns the first answer of a running broker.
    fn ask_brokers<T>(&self, ask: impl Fn(u16) -> Result<T>) -> Result<T> {
        let mut why = anyhow!("no broker is running");
        for n in 1..=MEMBERS {
            if self.state(&format!("kafka{n}"))? == State::Running {
                match ask(self.ports().get(Port::Broker, n)) {
                    Ok(answer) => return Ok(answer),
                    Err(error) => why = error.context(format!("kafka{n}")),
                }
            }
        }
        Err(why)
    }

    /// Waits until every partition of every topic has all its replicas in sync.
    pub fn wait_in_sync(&self, patience: Duration) -> Result<()> {
        self.wait_until(patience, "all replicas in sync", || {
            for topic in self.metadata()?.topics {
                for partition in topic.partitions {
                    ensure!(
                        partition.in_sync.len() == partition.replicas.len(),
                        "{}: {partition:?}",
                        topic.name
                    );
                }
            }
            Ok(())
        })
    }
}
