//! `make bench`: what a vote and a delivery cost, beside raw baselines in the same run.
//!
//! CPU seconds per operation come first, of the server's process alone (`/proc/PID/stat`), as
//! medians of alternating rounds: wall time on shared machines is noise.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::load::{self, Load};

/// Alternating rounds; the median of each figure is told.
const ROUNDS: usize = 5;
/// How long each round's load lasts.
const ROUND: Duration = Duration::from_secs(4);
/// Connections of the closed loop.
const CONNECTIONS: usize = 256;

/// Build, measure, print.
pub fn run() -> Result<()> {
    build()?;
    votes()?;
    println!();
    deliveries()
}

fn build() -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "-p", "pollux", "-p", "pollux-server", "--bins", "--examples"])
        .status()?;
    ensure!(status.success(), "the release build failed");
    Ok(())
}

/// A server being measured. Killed when dropped.
struct Server {
    child: Child,
    address: String,
    path: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The yardstick: prints its URL.
    fn bare() -> Result<Self> {
        let mut child =
            Command::new("target/release/examples/bare").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let address = line.trim().trim_start_matches("http://").to_owned();
        let path = "/api/polls/01890a5d-ac96-774b-bcce-b302099a8057/vote".into();
        Ok(Self { child, address, path })
    }

    /// The product, on a folder of its own, with one poll.
    fn pollux(folder: &Path) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new("target/release/pollux")
            .args(["serve", "--embedded", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string()])
            .arg("--data")
            .arg(folder)
            .env("POLLUX_LOG", "warn")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let address = format!("127.0.0.1:{port}");
        let mut server = Self { child, address, path: String::new() };
        let poll = server.create_poll()?;
        server.path = format!("/api/polls/{poll}/vote");
        Ok(server)
    }

    fn create_poll(&self) -> Result<String> {
        let body = r#"{"question":"Which?","options":["This","That"]}"#;
        let request = format!(
            "POST /api/polls HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let started = Instant::now();
        loop {
            match http(&self.address, &request) {
                Ok(answer) => return text_after(&answer, "\"id\":\"", '"'),
                Err(error) if started.elapsed() > Duration::from_secs(20) => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Wait until the poll shows this many voters.
    fn counted(&self, voters: u64) -> Result<()> {
        let poll = self.path.trim_end_matches("/vote");
        let request = format!("GET {poll} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let started = Instant::now();
        loop {
            let shown: u64 =
                text_after(&http(&self.address, &request)?, "\"totalVoters\":", ',')?.parse()?;
            if shown == voters {
                return Ok(());
            }
            ensure!(shown < voters, "{shown} counted of {voters}");
            ensure!(
                started.elapsed() < Duration::from_secs(60),
                "only {shown} of {voters} counted"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// CPU seconds this process has used.
    fn cpu(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit_once(')').context("an odd /proc/PID/stat")?.1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        Ok(ticks / 100.0)
    }

    fn load(&self, time: Duration, rate: Option<f64>) -> Load {
        Load {
            address: self.address.clone(),
            path: self.path.clone(),
            connections: CONNECTIONS,
            time,
            rate,
        }
    }
}

fn votes() -> Result<()> {
    let folder = Folder::new()?;
    let (bare, pollux) = (Server::bare()?, Server::pollux(&folder.0)?);
    let mut sent = 0;
    let warm = Duration::from_secs(1);
    load::run(&bare.load(warm, None))?;
    sent += load::run(&pollux.load(warm, None))?.accepted;
    pollux.counted(sent)?;

    let (mut micros_bare, mut micros_pollux, mut ratios, mut rates) =
        (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let before = bare.cpu()?;
        let outcome = load::run(&bare.load(ROUND, None))?;
        let a = (bare.cpu()? - before) * 1e6 / outcome.accepted as f64;

        let before = pollux.cpu()?;
        let outcome = load::run(&pollux.load(ROUND, None))?;
        sent += outcome.accepted;
        pollux.counted(sent)?;
        let b = (pollux.cpu()? - before) * 1e6 / outcome.accepted as f64;
        micros_bare.push(a);
        micros_pollux.push(b);
        ratios.push(b / a);
        rates.push(outcome.rate());
    }
    let saturation = median(&mut rates);
    println!("a vote over HTTP, fsynced and tallied ({CONNECTIONS} connections, closed loop)");
    println!("  bare axum handler      {:8.2} µs CPU", median(&mut micros_bare));
    println!("  pollux                 {:8.2} µs CPU", median(&mut micros_pollux));
    println!("  ratio                  {:8.2}   (target 1.5)", median(&mut ratios));
    println!("  saturation             {saturation:8.0} votes/s (load on the same two cores)");

    let (mut answers, mut syncs, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let sync = fdatasync_p99(&folder.0)?;
        let outcome = load::run(&pollux.load(ROUND, Some(saturation / 2.0)))?;
        sent += outcome.accepted;
        answers.push(outcome.percentile(0.99));
        ratios.push(outcome.percentile(0.99) / sync);
        syncs.push(sync);
    }
    pollux.counted(sent)?;
    println!("the answer at half of saturation (open loop)");
    println!("  fdatasync p99          {:8.2} ms", median(&mut syncs));
    println!("  answer p99             {:8.2} ms", median(&mut answers));
    println!("  ratio                  {:8.2}   (target 3)", median(&mut ratios));
    println!("  every vote of {sent} acknowledged was counted");
    Ok(())
}

/// 4 KiB appended and synced, again and again for a second: the p99 in milliseconds.
fn fdatasync_p99(folder: &Path) -> Result<f64> {
    let path = folder.join("fdatasync-probe");
    let file = File::create(&path)?;
    let mut micros = Vec::new();
    let started = Instant::now();
    let mut at = 0;
    while started.elapsed() < Duration::from_secs(1) {
        let begun = Instant::now();
        file.write_all_at(&[7; 4096], at)?;
        file.sync_data()?;
        micros.push(begun.elapsed().as_secs_f64() * 1e3);
        at += 4096;
    }
    fs::remove_file(path)?;
    micros.sort_unstable_by(f64::total_cmp);
    Ok(micros[(micros.len() * 99 / 100).min(micros.len() - 1)])
}

fn deliveries() -> Result<()> {
    let status = Command::new("target/release/examples/fanout").status()?;
    ensure!(status.success(), "the fan-out bench failed");
    Ok(())
}

/// A folder for the server, on the disk this checkout is on; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::current_dir()?.join(format!("target/bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn http(address: &str, request: &str) -> Result<String> {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 2") {
        bail!("{answer}");
    }
    Ok(answer)
}

fn text_after(text: &str, mark: &str, end: char) -> Result<String> {
    let after = text.split_once(mark).with_context(|| format!("no {mark} in {text}"))?.1;
    Ok(after.split(end).next().unwrap_or_default().to_owned())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
