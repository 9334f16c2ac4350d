//! These helpers run the real binary as a child process, and talk to it with a plain HTTP client.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// `Server` is a `pollux serve` on a folder and a port of its own, which stay the same over restarts. It is
/// killed when dropped.
pub struct Server {
    pub folder: PathBuf,
    pub port: u16,
    settings: Vec<(String, String)>,
    /// Shell commands that are run first, in the process that becomes the server.
    pub prelude: String,
    child: Option<Child>,
}

impl Server {
    /// Starts a server on this folder.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// Starts a server on this folder with these variables set.
    pub fn start_with(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let settings = settings.iter().map(owned).collect();
        let mut server =
            Self { folder: folder.to_owned(), port, settings, prelude: String::new(), child: None };
        server.restart();
        server
    }

    /// Starts the server again, and waits until it accepts votes.
    pub fn restart(&mut self) {
        let mut command = pollux();
        if !self.prelude.is_empty() {
            command = Command::new("sh");
            command.arg("-c").arg(format!("{}; exec \"$0\" \"$@\"", self.prelude));
            command.arg(env!("CARGO_BIN_EXE_pollux"));
        }
        let port = self.port.to_string();
        self.child = Some(
            command
                .args(["serve", "--embedded", "--host", "127.0.0.1", "--port", &port])
                .arg("--data")
                .arg(&self.folder)
                .envs(self.settings.iter().map(|(name, value)| (name, value)))
                .current_dir(&self.folder)
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(self.stderr_file()).unwrap())
                .spawn()
                .unwrap(),
        );
        let started = Instant::now();
        loop {
            if matches!(self.get("/readyz"), Ok((200, _))) {
                return;
            }
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.stderr());
            }
            assert!(started.elapsed() < Duration::from_secs(30), "not ready: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns what the server has written to stderr.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(self.stderr_file()).unwrap_or_default()
    }

    /// Returns the file for stderr, which is beside the folder and not in it: the folder's disk may be full.
    fn stderr_file(&self) -> PathBuf {
        self.folder.with_extension("stderr")
    }

    /// Returns the process id of the server.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops the server with SIGTERM, and waits for its end.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        signal(self.pid(), "TERM");
        self.ended()
    }

    /// Waits for the server's end.
    pub fn ended(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().unwrap();
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "does not stop: {}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Makes a poll with these options and returns its id.
    pub fn poll(&self, options: &[&str]) -> String {
        let body = serde_json::json!({ "question": "Which?", "options": options });
        let (status, poll) = self.post("/api/polls", &body).unwrap();
        assert_eq!(status, 201, "{poll}");
        poll["id"].as_str().unwrap().to_owned()
    }

    /// Votes for the first option, as this voter.
    pub fn vote(&self, poll: &str, voter: &str) -> std::io::Result<(u16, Value)> {
        let body = serde_json::json!({ "optionId": 1, "voterId": voter });
        self.post(&format!("/api/polls/{poll}/vote"), &body)
    }

    /// Returns the votes that are shown, as soon as they are `wanted`, or after 10 seconds.
    pub fn votes(&self, poll: &str, wanted: u64) -> u64 {
        let started = Instant::now();
        loop {
            let (_, shown) = self.get(&format!("/api/polls/{poll}")).unwrap();
            let votes = shown["totalVotes"].as_u64().unwrap_or_default();
            if votes == wanted || started.elapsed() > Duration::from_secs(10) {
                return votes;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a GET request on a connection of its own.
    pub fn get(&self, path: &str) -> std::io::Result<(u16, Value)> {
        Client::new(self.port).send("GET", path, None, None)
    }

    /// Sends a POST request with a JSON body on a connection of its own.
    pub fn post(&self, path: &str, body: &Value) -> std::io::Result<(u16, Value)> {
        Client::new(self.port).send("POST", path, Some(&body.to_string()), None)
    }

    /// Sends a POST request with an empty object as its body, under this token.
    pub fn post_as(&self, token: &str, path: &str) -> std::io::Result<(u16, Value)> {
        Client::new(self.port).send("POST", path, Some("{}"), Some(token))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_file(self.stderr_file());
    }
}

/// Returns the binary, with an environment that no shell around the tests can disturb.
pub fn pollux() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollux"));
    for name in ["PORT", "KAFKA_BROKER", "DB_HOST", "DB_USER", "DB_PASSWORD", "DB_NAME", "DB_PORT"]
    {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("POLLUX_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command of the binary to its end.
pub fn run<const N: usize>(arguments: [&str; N]) -> Output {
    pollux().args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Returns what a command wrote to stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Sends a signal to a process, by its id.
pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

/// `Client` keeps one connection, which it opens when it has to.
pub struct Client {
    port: u16,
    /// The client's address as a proxy in front of the server would report it, if set.
    pub from: Option<String>,
    stream: Option<TcpStream>,
}

impl Client {
    /// Creates a client of the server at this port, without a connection yet.
    pub fn new(port: u16) -> Self {
        Self { port, from: None, stream: None }
    }

    /// Sends a request and returns status and JSON body (null if there is none). An error drops the
    /// connection.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&str>,
        token: Option<&str>,
    ) -> std::io::Result<(u16, Value)> {
        let outcome = self.try_send(method, path, body, token);
        if outcome.is_err() {
            self.stream = None;
        }
        outcome
    }

    fn try_send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&str>,
        token: Option<&str>,
    ) -> std::io::Result<(u16, Value)> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(("127.0.0.1", self.port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(Duration::from_secs(15)))?;
                none.insert(stream)
            }
        };
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n", self.port);
        if let Some(from) = &self.from {
            request += &format!("x-forwarded-for: {from}\r\n");
        }
        if let Some(token) = token {
            request += &format!("authorization: Bearer {token}\r\n");
        }
        match body {
            Some(body) => {
                request += &format!(
                    "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
            None => request += "\r\n",
        }
        stream.write_all(request.as_bytes())?;
        let broken = |why: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            let n = stream.read(&mut buffer)?;
            if n == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&buffer[..n]);
            let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let status = head.get(9..12).and_then(|s| s.parse().ok()).ok_or(broken("no status"))?;
            let length = head
                .lines()
                .filter_map(|line| line.strip_prefix("content-length:"))
                .find_map(|length| length.trim().parse().ok())
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let body = serde_json::from_slice(&bytes[end + 4..end + 4 + length]);
                return Ok((status, body.unwrap_or(Value::Null)));
            }
        }
    }
}
