//! `make bench` measures what a vote, a delivery and an idle viewer cost, and raw baselines in the same run.
//!
//! CPU seconds per operation come first, of the server's process alone (`/proc/PID/stat`), as medians of
//! alternating rounds: wall time on shared machines is noise. `docs/benchmarks.md` says how it measures,
//! and what came out.

mod cluster;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::load::{self, VoteLoad};
use crate::server::{MeasuredServer, Viewers};

/// The load has this many connections.
const CONNECTIONS: usize = 256;

/// `BenchScale` says how much is measured.
struct BenchScale {
    /// The number of alternating rounds; of each figure the median is printed.
    rounds: usize,
    /// How long each round's load lasts.
    round: Duration,
    /// The number of sockets that watch.
    sockets: usize,
}

/// Builds, measures and prints: the embedded mode, then the cluster, or only one of them.
pub fn run(quick: bool, only: Option<Measured>, built: Option<PathBuf>) -> Result<()> {
    let built = match built {
        Some(folder) => folder,
        None => build()?,
    };
    if only != Some(Measured::Cluster) {
        embedded(quick, &built)?;
    }
    if only != Some(Measured::Embedded) {
        cluster::run(quick, &built)?;
    }
    Ok(())
}

/// `Measured` is what is measured. The variants' comments are help texts.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Measured {
    /// One process and one folder
    Embedded,
    /// Kafka and PostgreSQL
    Cluster,
}

fn embedded(quick: bool, built: &Path) -> Result<()> {
    let scale = match quick {
        false => BenchScale { rounds: 7, round: Duration::from_secs(4), sockets: 5_000 },
        true => BenchScale { rounds: 3, round: Duration::from_secs(1), sockets: 1_000 },
    };
    let folder = Folder::new("votes")?;
    let pollux = MeasuredServer::pollux(built, &folder.0)?;
    let (sent, saturation) = votes(&scale, &pollux, &MeasuredServer::bare(built)?)?;
    answers(&scale, &pollux, &folder.0, sent, saturation)?;
    drop(pollux);
    idle(&scale, built)?;
    deliveries(&scale, built)
}

fn build() -> Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--release", "-p", "pollux", "-p", "pollux-server"])
        .args(["--bins", "--examples"])
        .status()?;
    ensure!(status.success(), "the release build failed");
    Ok("target/release".into())
}

fn load(server: &MeasuredServer, time: Duration, rate: Option<f64>) -> VoteLoad {
    let (address, path) = (server.address.clone(), server.path());
    VoteLoad { address, path, connections: CONNECTIONS, time, rate }
}

/// Measures the CPU time of a vote in a closed loop. Returns how many votes were sent in all, and how many a
/// second.
fn votes(scale: &BenchScale, pollux: &MeasuredServer, bare: &MeasuredServer) -> Result<(u64, f64)> {
    let warm = Duration::from_secs(1);
    load::run(&load(bare, warm, None))?;
    let mut sent = load::run(&load(pollux, warm, None))?.accepted;
    pollux.counted(sent)?;

    let [mut micros_bare, mut micros, mut ratios, mut rates] = [const { Vec::new() }; 4];
    for _ in 0..scale.rounds {
        let before = bare.cpu()?;
        let outcome = load::run(&load(bare, scale.round, None))?;
        let a = (bare.cpu()? - before) * 1e6 / outcome.accepted as f64;

        let before = pollux.cpu()?;
        let outcome = load::run(&load(pollux, scale.round, None))?;
        sent += outcome.accepted;
        // A round is over when its votes are counted, not when they are answered.
        pollux.counted(sent)?;
        let b = (pollux.cpu()? - before) * 1e6 / outcome.accepted as f64;
        micros_bare.push(a);
        micros.push(b);
        ratios.push(b / a);
        rates.push(outcome.rate());
    }
    let saturation = median(&mut rates);
    println!("a vote over HTTP, fsynced and tallied ({CONNECTIONS} connections, closed loop)");
    println!("  bare axum handler      {:8.2} µs CPU", median(&mut micros_bare));
    println!("  pollux                 {:8.2} µs CPU", median(&mut micros));
    println!(
        "  ratio                  {:8.2}   (target 1.5; {})",
        median(&mut ratios),
        all(&ratios)
    );
    println!("  saturation             {saturation:8.0} votes/s (the load runs on the same cores)");
    Ok((sent, saturation))
}

/// Measures how long an answer takes in an open loop at half of saturation, beside the disk's own sync.
fn answers(
    scale: &BenchScale,
    pollux: &MeasuredServer,
    folder: &Path,
    mut sent: u64,
    saturation: f64,
) -> Result<()> {
    let [mut answers, mut middles, mut syncs, mut ratios] = [const { Vec::new() }; 4];
    for _ in 0..scale.rounds {
        let sync = fdatasync_p99(folder)?;
        let outcome = load::run(&load(pollux, scale.round, Some(saturation / 2.0)))?;
        sent += outcome.accepted;
        answers.push(outcome.percentile(0.99));
        middles.push(outcome.percentile(0.5));
        ratios.push(outcome.percentile(0.99) / sync);
        syncs.push(sync);
    }
    pollux.counted(sent)?;
    println!("the answer at half of saturation (open loop)");
    println!("  fdatasync p99          {:8.2} ms", median(&mut syncs));
    println!("  answer p50             {:8.2} ms", median(&mut middles));
    println!("  answer p99             {:8.2} ms", median(&mut answers));
    println!("  ratio                  {:8.2}   (target 3; {})", median(&mut ratios), all(&ratios));
    println!("  every vote of {sent} acknowledged was counted, once");
    Ok(())
}

/// Appends and syncs 4 KiB again and again for a second, and returns the p99 in milliseconds.
fn fdatasync_p99(folder: &Path) -> Result<f64> {
    let path = folder.join("fdatasync-probe");
    let file = File::create(&path)?;
    let mut millis = Vec::new();
    let started = Instant::now();
    let mut at = 0;
    while started.elapsed() < Duration::from_secs(1) {
        let begun = Instant::now();
        file.write_all_at(&[7; 4096], at)?;
        file.sync_data()?;
        millis.push(begun.elapsed().as_secs_f64() * 1e3);
        at += 4096;
    }
    fs::remove_file(path)?;
    millis.sort_unstable_by(f64::total_cmp);
    Ok(millis[(millis.len() * 99 / 100).min(millis.len() - 1)])
}

/// Measures how much memory the server needs for sockets that watch a poll in which nothing happens.
fn idle(scale: &BenchScale, built: &Path) -> Result<()> {
    println!("an idle viewer, of {} on `pollux serve`", scale.sockets);
    let folder = Folder::new("idle")?;
    let pollux = MeasuredServer::pollux(built, &folder.0)?;
    // The first connections need memory that the server keeps for good, which is no viewer's cost.
    drop(Viewers::open(&pollux, 16)?);
    std::thread::sleep(Duration::from_secs(1));
    let before = pollux.resident()?;
    let viewers = Viewers::open(&pollux, scale.sockets)?;
    let settling = Duration::from_secs(3);
    let at_once = pollux.resident()?;
    std::thread::sleep(settling);
    let after = pollux.resident()?;
    let each = |bytes: f64| (bytes - before) / viewers.len() as f64 / 1024.0;
    println!("  resident memory        {:8.2} KiB (target 8)", each(after));
    println!("  just after they came   {:8.2} KiB", each(at_once));
    Ok(())
}

fn deliveries(scale: &BenchScale, built: &Path) -> Result<()> {
    let output = Command::new(built.join("examples/fanout"))
        .arg(scale.sockets.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the fan-out bench failed");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let figure = |name: &str| report[name].as_f64().with_context(|| format!("no {name}"));
    let bytes = figure("bytesPerDelivery")?;
    println!("a delivery of {bytes} bytes to each of {} viewers", scale.sockets);
    println!("  raw send()             {:8.2} µs CPU", figure("sendMicros")?);
    println!("  pollux                 {:8.2} µs CPU", figure("deliveryMicros")?);
    println!("  ratio                  {:8.2}   (target 1.3)", figure("ratio")?);
    Ok(())
}

/// `Folder` is a folder for the server, on the disk of this checkout. It is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Self> {
        let name = format!("target/bench-{name}-{}", std::process::id());
        let path = std::env::current_dir()?.join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the smallest and the greatest of sorted values.
fn all(sorted: &[f64]) -> String {
    format!("{:.2} to {:.2}", sorted[0], sorted[sorted.len() - 1])
}
