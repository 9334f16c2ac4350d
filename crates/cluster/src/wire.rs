//! This module sends two requests of Kafka's protocol, `Metadata` and `DescribeQuorum`, which tell whether a
//! broker is really there. A client library would hide the answers behind its own retries.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// A broker may take this long to answer. A paused broker never answers.
const PATIENCE: Duration = Duration::from_secs(2);
/// An answer may have this many bytes. None that we ask for is larger.
const MAX_ANSWER: usize = 4 << 20;

const METADATA: i16 = 3;
const DESCRIBE_QUORUM: i16 = 55;

/// `Metadata` is what one broker knows of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The ids of the registered brokers, in order.
    pub brokers: Vec<i32>,
    /// The controller's id. In KRaft mode brokers do not tell it and name any broker instead.
    pub controller: Option<i32>,
    /// All topics.
    pub topics: Vec<Topic>,
}

/// `Topic` is a topic as one broker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The topic's name.
    pub name: String,
    /// The topic's partitions in the order of their numbers.
    pub partitions: Vec<Partition>,
}

/// `Partition` is a partition as one broker sees it. Brokers are given by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The partition's number.
    pub index: i32,
    /// The broker that leads the partition, if there is one.
    pub leader: Option<i32>,
    /// The brokers that should have the partition.
    pub replicas: Vec<i32>,
    /// The brokers that have all of the partition.
    pub in_sync: Vec<i32>,
}

/// Asks the broker on this port of loopback for what it knows of the cluster.
pub fn metadata(port: u16) -> Result<Metadata> {
    // The request is version 1, for all topics.
    let mut answer = ask(port, METADATA, 1, &(-1_i32).to_be_bytes(), false)?;
    let mut found = Metadata::default();
    for _ in 0..answer.length()? {
        found.brokers.push(answer.i32()?);
        let _host = answer.text()?;
        let _port = answer.i32()?;
        let _rack = answer.text()?;
    }
    found.brokers.sort_unstable();
    found.controller = Some(answer.i32()?).filter(|id| *id >= 0);
    for _ in 0..answer.length()? {
        let error = answer.i16()?;
        let name = answer.text()?;
        let _internal = answer.take(1)?;
        let partitions = partitions(&mut answer)?;
        ensure!(error == 0, "topic {name}: error {error} of the Kafka protocol");
        found.topics.push(Topic { name, partitions });
    }
    Ok(found)
}

fn partitions(answer: &mut Answer) -> Result<Vec<Partition>> {
    let mut all = Vec::new();
    for _ in 0..answer.length()? {
        let _error = answer.i16()?;
        let index = answer.i32()?;
        let leader = Some(answer.i32()?).filter(|id| *id >= 0);
        all.push(Partition { index, leader, replicas: answer.ids()?, in_sync: answer.ids()? });
    }
    all.sort_unstable_by_key(|partition| partition.index);
    Ok(all)
}

/// Asks the broker on this port for the active controller's id, in KRaft mode.
pub fn quorum_leader(port: u16) -> Result<Option<i32>> {
    const TOPIC: &[u8] = b"__cluster_metadata";
    // The body is one topic, its name and one partition, number 0, with an empty list of tags after each.
    // Lengths are one more than they are, because 0 stands for null.
    let mut body = vec![2, TOPIC.len() as u8 + 1];
    body.extend_from_slice(TOPIC);
    body.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
    let mut answer = ask(port, DESCRIBE_QUORUM, 0, &body, true)?;
    let error = answer.i16()?;
    ensure!(error == 0, "error {error} of the Kafka protocol");
    ensure!(answer.take(1)? == [2], "one topic was asked for");
    let name = usize::from(answer.take(1)?[0]).saturating_sub(1);
    answer.take(name)?;
    ensure!(answer.take(1)? == [2], "one partition was asked for");
    let _index = answer.i32()?;
    let error = answer.i16()?;
    ensure!(error == 0, "error {error} of the Kafka protocol");
    Ok(Some(answer.i32()?).filter(|id| *id >= 0))
}

/// Sends one request and reads its answer. A flexible one has an empty list of tags in both headers.
fn ask(port: u16, key: i16, version: i16, body: &[u8], flexible: bool) -> Result<Answer> {
    const CORRELATION: i32 = 1;
    const CLIENT: &[u8] = b"pollux-cluster";
    let tags: &[u8] = if flexible { &[0] } else { &[] };
    let mut request = Vec::new();
    request.extend_from_slice(&key.to_be_bytes());
    request.extend_from_slice(&version.to_be_bytes());
    request.extend_from_slice(&CORRELATION.to_be_bytes());
    request.extend_from_slice(&(CLIENT.len() as i16).to_be_bytes());
    request.extend_from_slice(CLIENT);
    request.extend_from_slice(tags);
    request.extend_from_slice(body);

    let mut tcp = connect(port)?;
    tcp.write_all(&(request.len() as i32).to_be_bytes())?;
    tcp.write_all(&request)?;
    let mut length = [0; 4];
    tcp.read_exact(&mut length).context("no answer")?;
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(usize::MAX);
    ensure!(length <= MAX_ANSWER, "an answer of {length} bytes");
    let mut bytes = vec![0; length];
    tcp.read_exact(&mut bytes).context("half an answer")?;
    let mut answer = Answer { bytes, at: 0 };
    ensure!(answer.i32()? == CORRELATION, "an answer to something else");
    ensure!(answer.take(tags.len())? == tags, "tags nobody asked for");
    Ok(answer)
}

/// Opens a connection to a port of loopback, whose reads and writes time out.
pub fn connect(port: u16) -> Result<TcpStream> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let tcp = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("nobody on {address}"))?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    Ok(tcp)
}

/// `Answer` reads the bytes of an answer from front to back.
struct Answer {
    bytes: Vec<u8>,
    at: usize,
}

impl Answer {
    fn take(&mut self, count: usize) -> Result<&[u8]> {
        let Some(bytes) = self.bytes.get(self.at..).and_then(|rest| rest.get(..count)) else {
            bail!("the answer is too short");
        };
        self.at += count;
        Ok(bytes)
    }

    fn i16(&mut self) -> Result<i16> {
        let bytes = self.take(2)?;
        Ok(i16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn i32(&mut self) -> Result<i32> {
        let bytes = self.take(4)?;
        Ok(i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Reads the length of a list. Null counts as 0.
    fn length(&mut self) -> Result<usize> {
        Ok(usize::try_from(self.i32()?).unwrap_or(0))
    }

    fn ids(&mut self) -> Result<Vec<i32>> {
        let mut ids = Vec::new();
        for _ in 0..self.length()? {
            ids.push(self.i32()?);
        }
        Ok(ids)
    }

    /// Reads a text. Null is the empty text.
    fn text(&mut self) -> Result<String> {
        let length = usize::try_from(self.i16()?).unwrap_or(0);
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}
