//! The proxy of docker-compose.yml is run for real before two stand-ins for the web nodes. The checks look at
//! the requests that it passes on or holds back, at the headers that it adds, and at its answer when no node is
//! there.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

const CONFIG: &str = "cluster/compose/haproxy.cfg";
const FOLDER: &str = "target/compose";
/// By default docker-compose.yml has nothing in front of the proxy, which this network stands for.
const NOBODY: &str = "0.0.0.0/32";
/// Within this time the proxy must have noticed a change, or answered.
const PATIENCE: Duration = Duration::from_secs(20);
/// RFC 6455, section 1.3, has this example of a key, and below it the answer to that key.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// `Proxy` is a running proxy, which is killed when dropped.
struct Proxy(Child);

impl Proxy {
    /// Starts the proxy with this address or network in front of it.
    fn start(file: &str, front: &str) -> Result<Self> {
        // The folders of administration programs are not on everybody's PATH.
        let program = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"];
        let program = program.into_iter().find(|it| Path::new(it).exists()).unwrap_or("haproxy");
        let log = fs::File::create(format!("{FOLDER}/haproxy.log"))?;
        let child = Command::new(program)
            .args(["-f", file])
            .env("PROXY_FRONT", front)
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .context("haproxy is missing. On Debian: sudo apt-get install haproxy")?;
        Ok(Self(child))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the proxy and tries it.
pub fn run() -> Result<()> {
    let (one, other) = (FakeNode::start("web1")?, FakeNode::start("web2")?);
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let proxy = format!("127.0.0.1:{port}");
    fs::create_dir_all(FOLDER)?;
    let file = format!("{FOLDER}/haproxy.cfg");
    fs::write(&file, configured(&proxy, &one.address, &other.address)?)?;
    let behind = Proxy::start(&file, "127.0.0.0/8")?;
    until_it_answers(&proxy)?;
    passes_on_what_the_front_says(&proxy)?;
    drop(behind);
    let _alone = Proxy::start(&file, NOBODY)?;
    until_it_answers(&proxy)?;
    tells_the_truth_about_the_client(&proxy)?;
    holds_no_event_back(&proxy)?;
    lets_a_websocket_through(&proxy)?;
    drop(one);
    for _ in 0..20 {
        let answer = ask(&proxy, "/headers", "")?;
        ensure!(answer.contains("node: web2"), "with web1 gone: {answer}");
    }
    drop(other);
    let answer = ask(&proxy, "/api/polls", "")?;
    let honest = [
        "HTTP/1.1 503",
        "application/problem+json",
        "etry-after: 1",
        "nothing of this request was recorded",
    ];
    let missing = honest.iter().find(|part| !answer.to_lowercase().contains(&part.to_lowercase()));
    ensure!(missing.is_none(), "with no node: {answer}");
    println!("{CONFIG} passes on what it should");
    Ok(())
}

/// Returns the configuration with local addresses in place of those that Docker gives.
fn configured(proxy: &str, one: &str, other: &str) -> Result<String> {
    let mut text = fs::read_to_string(CONFIG)?;
    let changes = [
        ("bind :5000", format!("bind {proxy}")),
        ("web1:5000", one.to_owned()),
        ("web2:5000", other.to_owned()),
        ("resolvers docker init-addr libc,none ", String::new()),
    ];
    for (written, here) in changes {
        ensure!(text.contains(written), "{CONFIG} does not say {written:?}");
        text = text.replace(written, &here);
    }
    Ok(text)
}

fn until_it_answers(proxy: &str) -> Result<()> {
    let begun = Instant::now();
    while !ask(proxy, "/headers", "").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
        ensure!(begun.elapsed() < PATIENCE, "no answer; see {FOLDER}/haproxy.log");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Checks that what ended TLS in front of the proxy is believed, and named as the last hop.
fn passes_on_what_the_front_says(proxy: &str) -> Result<()> {
    let said = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n";
    let heard = ask(proxy, "/headers", said)?.to_lowercase();
    let mut hops = heard.lines().filter_map(|line| line.strip_prefix("x-forwarded-for: "));
    ensure!(hops.by_ref().eq(["203.0.113.9", "127.0.0.1"]), "the node hears {heard}");
    let https = heard.lines().filter(|line| line.starts_with("x-forwarded-proto"));
    ensure!(https.eq(["x-forwarded-proto: https"]), "the node hears {heard}");
    Ok(())
}

fn tells_the_truth_about_the_client(proxy: &str) -> Result<()> {
    let lies = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 127.0.0.2\r\n\
                Forwarded: for=203.0.113.9\r\nX-Forwarded-Proto: https\r\n";
    let heard = ask(proxy, "/headers", lies)?.to_lowercase();
    let said: Vec<_> = heard.lines().filter(|line| line.contains("forwarded")).collect();
    let truth = ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http"];
    ensure!(said == truth, "the node hears {said:?}");
    Ok(())
}

fn holds_no_event_back(proxy: &str) -> Result<()> {
    let mut stream = request(proxy, "/stream", "")?;
    until_read(&mut stream, "data: first\n\n").context("the first event of a stream")?;
    stream.write_all(b"x").context("the stream is still open")
}

fn lets_a_websocket_through(proxy: &str) -> Result<()> {
    let upgrade = format!(
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {KEY}\r\n"
    );
    let mut socket = request(proxy, "/ws", &upgrade)?;
    until_read(&mut socket, ACCEPT)?;
    until_read(&mut socket, "\r\n\r\n")?;
    for word in ["ping", "pong"] {
        socket.write_all(word.as_bytes())?;
        until_read(&mut socket, word)?;
    }
    Ok(())
}

fn request(address: &str, path: &str, headers: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: polls.example.org\r\n{headers}\r\n")?;
    Ok(stream)
}

fn ask(address: &str, path: &str, headers: &str) -> Result<String> {
    let mut answer = String::new();
    request(address, path, &format!("{headers}Connection: close\r\n"))?
        .read_to_string(&mut answer)?;
    Ok(answer)
}

/// Reads up to this text and no further. A peer that ends or keeps silent is an error.
fn until_read(stream: &mut TcpStream, wanted: &str) -> Result<String> {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(wanted.as_bytes()) {
        match stream.read(&mut byte)? {
            0 => bail!("it ended after {:?}", String::from_utf8_lossy(&read)),
            _ => read.push(byte[0]),
        }
    }
    Ok(String::from_utf8(read)?)
}

/// `FakeNode` stands in for a web node. Once it is dropped, nobody listens at its address any more.
struct FakeNode {
    address: String,
    gone: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl FakeNode {
    fn start(name: &'static str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        listener.set_nonblocking(true)?;
        let gone = Arc::new(AtomicBool::new(false));
        let asked = gone.clone();
        let thread = std::thread::spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        std::thread::spawn(move || serve(stream, name));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    Err(_) => return,
                }
            }
        });
        Ok(Self { address, gone, thread: Some(thread) })
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers one request by its path. If that fails, the client sees it.
fn serve(mut stream: TcpStream, name: &str) -> Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = until_read(&mut stream, "\r\n\r\n")?;
    let close = "Connection: close\r\n\r\n";
    match head.split_whitespace().nth(1) {
        Some("/stream") => {
            let kind = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";
            write!(stream, "HTTP/1.1 200 OK\r\n{kind}\r\nd\r\ndata: first\n\n\r\n")?;
            // The stream stays open until the client closes it.
            stream.read_to_end(&mut Vec::new())?;
        }
        Some("/ws") => {
            write!(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")?;
            write!(stream, "Connection: Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n")?;
            let mut bytes = [0; 64];
            while let count @ 1.. = stream.read(&mut bytes)? {
                stream.write_all(&bytes[..count])?;
            }
        }
        _ => write!(stream, "HTTP/1.1 200 OK\r\n{close}node: {name}\r\n{head}")?,
    }
    Ok(())
}
