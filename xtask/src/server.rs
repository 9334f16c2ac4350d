//! This module runs a server that is measured: it is started as its users start it, asked over HTTP, and its
//! process is observed from outside.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// `/proc/PID/stat` counts this many clock ticks a second, the same on every Linux.
const TICKS: f64 = 100.0;

/// `MeasuredServer` is a running server, which is killed when dropped.
pub struct MeasuredServer {
    child: Child,
    /// The address, `127.0.0.1:port`.
    pub address: String,
    /// The id of the poll that is voted in.
    pub poll: String,
}

impl Drop for MeasuredServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl MeasuredServer {
    /// Starts the bare handler that Pollux is compared with. It prints its URL.
    pub fn bare(built: &Path) -> Result<Self> {
        let mut child = Command::new(built.join("examples/bare")).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let address = line.trim().trim_start_matches("http://").to_owned();
        Ok(Self { child, address, poll: "01890a5d-ac96-774b-bcce-b302099a8057".into() })
    }

    /// Starts Pollux on a folder of its own, as `pollux serve` is by default, with one poll.
    pub fn pollux(built: &Path, folder: &Path) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(built.join("pollux"))
            // With --json the greeting goes to stdout, and only trouble to stderr.
            .args(["--json", "serve", "--embedded", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string()])
            .arg("--data")
            .arg(folder)
            .env("POLLUX_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Self { child, address: format!("127.0.0.1:{port}"), poll: String::new() };
        server.poll = server.create_poll()?;
        Ok(server)
    }

    /// Starts a node of the cluster that this environment names.
    pub fn member(built: &Path, environment: &[(&str, String)], roles: &str) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(built.join("pollux"))
            .args(["--json", "serve", "--host", "127.0.0.1", "--roles", roles])
            .args(["--port", &port.to_string()])
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("POLLUX_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self { child, address: format!("127.0.0.1:{port}"), poll: String::new() };
        let started = Instant::now();
        while let Err(error) = get(&server.address, "/readyz") {
            ensure!(started.elapsed() < Duration::from_secs(60), "a {roles} node: {error:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Returns the path of the vote route.
    pub fn path(&self) -> String {
        format!("/api/polls/{}/vote", self.poll)
    }

    /// Creates a poll with two options, as soon as the server answers, and returns its id.
    pub fn create_poll(&self) -> Result<String> {
        let body = r#"{"question":"Which?","options":["This","That"]}"#;
        let started = Instant::now();
        loop {
            match post(&self.address, "/api/polls", body) {
                Ok(made) => return Ok(made["id"].as_str().context("no id")?.to_owned()),
                Err(error) if started.elapsed() > Duration::from_secs(20) => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Waits until the poll shows this many voters. More would mean that a vote was counted twice.
    pub fn counted(&self, voters: u64) -> Result<()> {
        let path = format!("/api/polls/{}", self.poll);
        let started = Instant::now();
        loop {
            let poll = get(&self.address, &path)?;
            let shown = poll["totalVoters"].as_u64().context("no totalVoters")?;
            if shown == voters {
                return Ok(());
            }
            ensure!(shown < voters, "{shown} counted of {voters}");
            let patient = started.elapsed() < Duration::from_secs(60);
            ensure!(patient, "only {shown} of {voters} counted");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the CPU seconds that the process has used, in the kernel too.
    pub fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(self.file("stat"))?;
        let after_name = stat.rsplit_once(')').context("an odd /proc/PID/stat")?.1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / TICKS)
    }

    /// Returns the resident memory of the whole process in bytes.
    pub fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(self.file("status"))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(kib.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
    }

    fn file(&self, name: &str) -> PathBuf {
        format!("/proc/{}/{name}", self.child.id()).into()
    }
}

/// Sends a GET over a connection of its own and returns the JSON answer. Any answer but a success is an
/// error.
pub fn get(address: &str, path: &str) -> Result<Value> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    ask(address, &format!("{head}accept: application/json\r\n\r\n"))
}

/// Sends a POST of this JSON over a connection of its own and returns the JSON answer. Any answer but a
/// success is an error.
pub fn post(address: &str, path: &str, body: &str) -> Result<Value> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    let length = body.len();
    ask(
        address,
        &format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"),
    )
}

fn ask(address: &str, request: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 2") {
        bail!("{answer}");
    }
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
    Ok(serde_json::from_str(body)?)
}

/// `Viewers` are sockets that watch the server's poll and send nothing.
pub struct Viewers(Vec<TcpStream>);

impl Viewers {
    /// Connects this many sockets, one after the other, and reads the hello of each.
    pub fn open(server: &MeasuredServer, count: usize) -> Result<Self> {
        let request = format!(
            "GET /ws?poll={} HTTP/1.1\r\nhost: {}\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.poll, server.address
        );
        let mut sockets = Vec::with_capacity(count);
        for n in 0..count {
            let socket = TcpStream::connect(&server.address).and_then(|mut socket| {
                socket.set_read_timeout(Some(Duration::from_secs(10)))?;
                socket.write_all(request.as_bytes())?;
                read_hello(&mut socket)?;
                Ok(socket)
            });
            sockets.push(socket.with_context(|| format!("viewer {n} of {count}"))?);
        }
        Ok(Self(sockets))
    }

    /// Returns the number of sockets.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Reads the answer to the handshake and the whole first message.
fn read_hello(socket: &mut TcpStream) -> std::io::Result<()> {
    let wrong = |what: &str| std::io::Error::other(what.to_owned());
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = socket.read(&mut part)?;
        if read == 0 {
            return Err(wrong("the server closed the connection"));
        }
        bytes.extend_from_slice(&part[..read]);
        let Some(head) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        if !bytes.starts_with(b"HTTP/1.1 101") {
            return Err(wrong(&String::from_utf8_lossy(&bytes)));
        }
        let frame = &bytes[head + 4..];
        // A poll's hello is between 126 and 65,535 bytes long.
        if let [0x81, 126, a, b, payload @ ..] = frame
            && payload.len() >= usize::from(u16::from_be_bytes([*a, *b]))
        {
            return Ok(());
        }
    }
}
