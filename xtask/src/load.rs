//! This module puts a load on a vote route that costs little itself: kept connections in one thread. The loop
//! is closed (each connection sends when it has its answer) or open (votes are sent at intended times, from
//! which latency counts).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};

/// The open loop looks for what is due this often. tokio's own timers would be up to a millisecond late,
/// which would count as the server's latency.
const PACE: Duration = Duration::from_micros(500);
/// Up to this many votes that are due wait for a connection. If more are due, whoever looks for them waits as well.
/// Latency is the same either way: it counts from a vote's intended time, which follows from its number.
const DUE: usize = 4_096;

/// `VoteLoad` says what is sent, and how.
#[derive(Clone, Debug)]
pub struct VoteLoad {
    /// The server's address, `127.0.0.1:port`.
    pub address: String,
    /// The path of the vote route.
    pub path: String,
    /// The number of connections.
    pub connections: usize,
    /// How long the load lasts.
    pub time: Duration,
    /// The number of votes a second; `None` for as fast as the answers come.
    pub rate: Option<f64>,
}

/// `LoadOutcome` says what came of a load of votes.
#[derive(Debug, Default)]
pub struct LoadOutcome {
    /// The number of 202 answers.
    pub accepted: u64,
    /// The seconds that the load took.
    pub seconds: f64,
    /// The latencies in microseconds, ascending.
    pub micros: Vec<u32>,
}

impl LoadOutcome {
    /// Returns the latency in milliseconds within which this share of the answers came.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.micros.len().saturating_sub(1);
        let at = ((self.micros.len() as f64 * share).ceil() as usize).saturating_sub(1).min(last);
        f64::from(self.micros.get(at).copied().unwrap_or_default()) / 1000.0
    }

    /// Returns the number of answers a second.
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.seconds
    }
}

/// Runs the load. Any answer but 202 is an error.
pub fn run(load: &VoteLoad) -> Result<LoadOutcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, drive(load))
}

async fn drive(load: &VoteLoad) -> Result<LoadOutcome> {
    let mut streams = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let stream = TcpStream::connect(&load.address)
            .await
            .with_context(|| format!("cannot connect to {}", load.address))?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let micros = Rc::new(RefCell::new(Vec::new()));
    let start = Instant::now();
    let turns = Rc::new(Turns::new(start, load));
    let mut tasks = Vec::new();
    for mut stream in streams {
        let (load, turns, micros) = (load.clone(), turns.clone(), micros.clone());
        tasks.push(tokio::task::spawn_local(async move {
            let mut buffer = vec![0; 4096];
            let mut request = Vec::with_capacity(512);
            while let Some((n, due)) = turns.next().await {
                write_request(&mut request, &load, n);
                stream.write_all(&request).await?;
                read_accepted(&mut stream, &mut buffer).await?;
                micros.borrow_mut().push(due.elapsed().as_micros() as u32);
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let mut micros = micros.take();
    micros.sort_unstable();
    Ok(LoadOutcome {
        accepted: micros.len() as u64,
        seconds: start.elapsed().as_secs_f64(),
        micros,
    })
}

/// `Turns` hands out the number of each vote, and the moment since when it is due.
enum Turns {
    /// The closed loop, in which every connection gets a turn as soon as it asks, until the end.
    Closed { next: Cell<u64>, end: Instant },
    /// The open loop, in which turns come as they become due.
    Open(Mutex<mpsc::Receiver<(u64, Instant)>>),
}

impl Turns {
    fn new(start: Instant, load: &VoteLoad) -> Self {
        let end = start + load.time;
        let Some(rate) = load.rate else { return Self::Closed { next: Cell::new(0), end } };
        let (sender, due) = mpsc::channel(DUE);
        thread::spawn(move || {
            let mut n = 0;
            loop {
                let now = Instant::now();
                loop {
                    let at = start + Duration::from_secs_f64(n as f64 / rate);
                    if at >= end {
                        return;
                    }
                    if at > now {
                        break;
                    }
                    if sender.blocking_send((n, at)).is_err() {
                        return;
                    }
                    n += 1;
                }
                thread::sleep(PACE);
            }
        });
        Self::Open(Mutex::new(due))
    }

    async fn next(&self) -> Option<(u64, Instant)> {
        match self {
            Self::Closed { next, end } => {
                let (n, now) = (next.get(), Instant::now());
                next.set(n + 1);
                (now < *end).then_some((n, now))
            }
            Self::Open(due) => due.lock().await.recv().await,
        }
    }
}

/// Writes a ballot as a phone sends it, from a new voter.
fn write_request(request: &mut Vec<u8>, load: &VoteLoad, n: u64) {
    use std::io::Write;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let id = (u128::from(now.as_millis() as u64) << 80)
        | (0x7_u128 << 76)
        | (0x2_u128 << 62)
        | u128::from(n & 0x3fff_ffff);
    let (a, b, c, d, e) = (
        (id >> 96) as u32,
        (id >> 80) as u16,
        (id >> 64) as u16,
        (id >> 48) as u16,
        id & 0xffff_ffff_ffff,
    );
    let body = format!(
        r#"{{"optionId":{},"voterId":"{:x}-{n}","ballotId":"{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}"}}"#,
        1 + n % 2,
        now.as_nanos() & 0xffff_ffff,
    );
    request.clear();
    let _ = write!(
        request,
        "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        load.path,
        load.address,
        body.len()
    );
}

/// Reads one whole answer and checks that it is 202.
async fn read_accepted(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut have = 0;
    loop {
        let read = stream.read(&mut buffer[have..]).await?;
        ensure!(read > 0, "the server closed the connection");
        have += read;
        let Some(end) = buffer[..have].windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end])?;
        let length: usize = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .context("no content-length")?
            .1
            .trim()
            .parse()?;
        if have >= end + 4 + length {
            if !head.starts_with("HTTP/1.1 202") {
                bail!("{}", String::from_utf8_lossy(&buffer[..have]));
            }
            return Ok(());
        }
    }
}
