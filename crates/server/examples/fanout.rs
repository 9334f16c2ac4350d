//! This part of `make bench` measures the fan-out. It compares the CPU that a delivery takes with that of a bare
//! `send()` of the same bytes to as many sockets, in alternating rounds. It also measures the memory of an idle
//! viewer.
//!
//! Another process reads the sockets, so that only the sending side is counted. Usage: `fanout [SOCKETS]`;
//! the report is JSON on stdout.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use pollux_core::announcement::Announcement;
use pollux_core::gate::Gate;
use pollux_core::id::{Generation, PollId, UnixMillis};
use pollux_core::poll::{Draft, Poll};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::Tally;
use pollux_server::ambient::SystemAmbient;
use pollux_server::config::WatchLimits;
use pollux_server::watch::handle::ViewerHandle;
use pollux_server::watch::hub::Hub;
use pollux_server::watch::socket::{Inbound, serve_socket};
use pollux_server::watch::view::{self, Audience};
use pollux_server::watch::viewer::Interest;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The rounds of each kind; the medians are reported.
const ROUNDS: usize = 7;
/// The deliveries to every socket in a round, one per tick.
const TICKS: u64 = 10;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("read") => read(&args[1], args[2].parse()?),
        Some("send") => send(args[1].parse()?),
        first => with_open_files(first.unwrap_or("5000")),
    }
}

/// Starts this program again with as many open files as the system allows.
fn with_open_files(sockets: &str) -> Result<()> {
    let status = Command::new("sh")
        .args(["-c", "ulimit -n $(ulimit -Hn); exec \"$0\" send \"$1\""])
        .arg(std::env::current_exe()?)
        .arg(sockets)
        .status()?;
    ensure!(status.success(), "the measurement failed");
    Ok(())
}

// ---- the reading process ----

/// Opens the sockets and reads whatever comes. Each line of stdin is a number of bytes. Once that many have
/// come in all, it is answered with how many have come.
fn read(address: &str, sockets: usize) -> Result<()> {
    let received = Arc::new(AtomicU64::new(0));
    let counted = received.clone();
    let address = address.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            for _ in 0..sockets {
                let stream = tokio::net::TcpStream::connect(&address).await.expect("a socket");
                tokio::spawn(drain(stream, counted.clone()));
            }
            std::future::pending::<()>().await;
        });
    });
    for line in std::io::stdin().lines() {
        let expected: u64 = line?.parse()?;
        while received.load(Ordering::Relaxed) < expected {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("{}", received.load(Ordering::Relaxed));
    }
    Ok(())
}

async fn drain(stream: tokio::net::TcpStream, received: Arc<AtomicU64>) {
    while stream.readable().await.is_ok() {
        let mut bytes = [0; 16 * 1024];
        match stream.try_read(&mut bytes) {
            Ok(0) => return,
            Ok(read) => _ = received.fetch_add(read as u64, Ordering::Relaxed),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// `Readers` are the reading process, as the sending process sees it.
struct Readers {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
    expected: u64,
}

impl Readers {
    fn start(address: &str, sockets: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["read", address, &sockets.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = child.stdin.take().context("a pipe")?;
        let answer = BufReader::new(child.stdout.take().context("a pipe")?);
        Ok(Self { child, ask, answer, expected: 0 })
    }

    /// Waits, without using the processor, until this many more bytes have come.
    fn wait_for(&mut self, bytes: u64) -> Result<()> {
        self.expected += bytes;
        let came = self.received(self.expected)?;
        ensure!(came == self.expected, "{came} bytes came instead of {}", self.expected);
        Ok(())
    }

    /// Returns how many bytes have come in all, once there are at least this many.
    fn received(&mut self, at_least: u64) -> Result<u64> {
        writeln!(self.ask, "{at_least}")?;
        let mut line = String::new();
        self.answer.read_line(&mut line)?;
        line.trim().parse().context("the reading process stopped")
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// ---- the sending process ----

/// `Silent` is a client whose messages are ignored.
struct Silent;

#[async_trait]
impl Inbound for Silent {
    async fn message(&self, _: &ViewerHandle, _: &str) {}
}

/// `World` is a hub with one ordinary poll and its votes.
struct World {
    hub: Arc<Hub>,
    poll: Arc<Poll>,
    votes: u64,
}

impl World {
    fn new(limits: WatchLimits) -> Result<Self> {
        let hub = Hub::new(1, limits, Arc::new(SystemAmbient::new()));
        let now = UnixMillis(1_700_000_000_000);
        let draft = Draft::new(
            "What is your favorite language?",
            ["JavaScript", "Python", "Rust", "Something else"],
        );
        let mut poll = Poll::draft(PollId::new(now, [7; 10]), draft, [0; 32], now)?;
        poll.open(now)?;
        poll.code = "482913".into();
        let poll = Arc::new(poll);
        hub.merge(Standing::new(poll.clone(), 1));
        // From this count on all states have the same length.
        Ok(Self { hub, poll, votes: 100_000 })
    }

    fn vote(&mut self) {
        self.votes += 1;
        let tally = Tally {
            phase: 1,
            round: 1,
            gate: Gate::Open,
            counts: vec![self.votes; 4],
            voters: self.votes,
            changes: self.votes,
            ..Tally::new()
        };
        let (poll, next_offset) = (self.poll.id, self.votes);
        let generation = Generation(self.poll.id.0);
        let tally = TallyAt { poll, partition: 0, generation, next_offset, tally };
        self.hub.apply(Announcement::Tally(tally)).expect("the poll is known");
    }

    /// Returns the frame that every viewer is sent.
    fn frame(&self) -> Result<Vec<u8>> {
        let standing = self.hub.standing(self.poll.id).context("the poll is known")?;
        let json = serde_json::to_string(&view::poll(&standing, Audience::Public))?;
        let text = format!("{{\"type\":\"poll.updated\",\"poll\":{json}}}");
        let mut frame = vec![0x81, 126];
        frame.extend_from_slice(&u16::try_from(text.len())?.to_be_bytes());
        frame.extend_from_slice(text.as_bytes());
        Ok(frame)
    }
}

fn send(sockets: usize) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    // No ping may come in between, because every byte is accounted for.
    let limits = WatchLimits { silence: Duration::from_secs(3600), ..WatchLimits::default() };
    let tick = limits.tick;
    let mut world = World::new(limits)?;
    runtime.spawn({
        let hub = world.hub.clone();
        async move { hub.run(CancellationToken::new()).await }
    });

    let mut readers = Readers::start(&address, 2 * sockets)?;
    let bare: Vec<TcpStream> =
        (0..sockets).map(|_| accept(&listener)).collect::<Result<_>>().context("bare sockets")?;
    let before = resident()?;
    for _ in 0..sockets {
        let stream = accept(&listener).context("watchers")?;
        let (hub, poll) = (world.hub.clone(), world.poll.id);
        runtime.spawn(async move {
            let stream = tokio::net::TcpStream::from_std(stream).expect("a registered socket");
            let interest = Interest { polls: vec![poll], ..Interest::default() };
            let task =
                serve_socket(hub, stream, Default::default(), interest, None, Arc::new(Silent));
            tokio::spawn(task);
        });
    }
    while world.hub.viewers() < sockets {
        std::thread::sleep(Duration::from_millis(10));
    }
    // By now the hellos are sent, and the memory that the start needed is given back as far as it ever is.
    std::thread::sleep(Duration::from_secs(2));
    let idle = resident()?.saturating_sub(before) / sockets as u64;

    world.vote();
    let frame = world.frame()?;
    let bytes = frame.len() as u64 * sockets as u64;
    // The length of what was sent before the first round is not known, so counting starts after it.
    std::thread::sleep(Duration::from_secs(1));
    readers.expected = readers.received(0)?;

    let (mut by_send, mut by_hub) = (Vec::new(), Vec::new());
    for round in 0..2 * ROUNDS {
        let started = cpu()?;
        for _ in 0..TICKS {
            let next = Instant::now() + tick + Duration::from_millis(20);
            if (round / 2 + round) % 2 == 0 {
                for mut socket in &bare {
                    ensure!(socket.write(&frame)? == frame.len(), "a full socket");
                }
            } else {
                world.vote();
            }
            readers.wait_for(bytes)?;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        let micros = (cpu()? - started) as f64 / 1e3 / (sockets as u64 * TICKS) as f64;
        if (round / 2 + round) % 2 == 0 { &mut by_send } else { &mut by_hub }.push(micros);
    }
    let (send, hub) = (median(&mut by_send), median(&mut by_hub));
    let report = serde_json::json!({
        "sockets": sockets,
        "bytesPerDelivery": frame.len(),
        "rounds": ROUNDS,
        "sendMicros": send,
        "deliveryMicros": hub,
        "ratio": hub / send,
        "allSendMicros": by_send,
        "allDeliveryMicros": by_hub,
        "idleWatcherBytes": idle,
    });
    println!("{report:#}");
    Ok(())
}

fn accept(listener: &TcpListener) -> Result<TcpStream> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Returns the CPU time that this process has used, in nanoseconds, including its threads' time in the
/// kernel.
fn cpu() -> Result<u64> {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += stat.split(' ').next().context("a number")?.parse::<u64>()?;
    }
    Ok(nanos)
}

/// Returns the resident memory of this process, in bytes.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    let kib: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kib * 1024)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
