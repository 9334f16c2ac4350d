//! What counting exactly once costs in PostgreSQL, compared with a raw binary COPY of the same rows into the
//! same table. It runs the whole processor over records in memory, from the first read to the last commit. It
//! uses the PostgreSQL that DB_HOST and its related variables name, or else one of its own. The report is
//! JSON.
//!
//! `cargo run --release -p pollux-server --example tally [ROWS [ROUNDS]]`

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::{join_all, try_join_all};
use futures_util::{SinkExt, TryStreamExt};
use pollux_cluster::Postgres;
use pollux_core::announcement::Announcement;
use pollux_core::ballot::{Ballot, NamedBy};
use pollux_core::id::{BallotId, Generation, Partition, PollId, UnixMillis, VoterId};
use pollux_core::kind::Answer;
use pollux_core::poll::{Draft, Poll};
use pollux_core::record::{Entry, ballot_key, ballot_partition};
use pollux_server::ambient::SystemAmbient;
use pollux_server::config::{LogLimits, Password, PostgresConfig, ProcessorLimits};
use pollux_server::log::memory::{LogFaults, MemoryLog};
use pollux_server::log::{Log, NewRecord, control};
use pollux_server::processor::Processor;
use pollux_server::store::postgres::PostgresStore;
use pollux_server::store::{Created, Polls, Store};
use serde_json::json;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

/// `Case` is a case to measure: how many partitions and ballots, and what the store remembers.
struct Case {
    name: &'static str,
    partitions: u32,
    /// The number of ballots of each voter.
    each: u64,
    /// Whether voters are remembered. Otherwise all are looked up, as after a takeover.
    remembered: bool,
}

const CASES: [Case; 4] = [
    Case { name: "new voters", partitions: 1, each: 1, remembered: true },
    Case { name: "new voters", partitions: 4, each: 1, remembered: true },
    Case { name: "everyone votes twice", partitions: 4, each: 2, remembered: true },
    Case { name: "every voter is looked up", partitions: 4, each: 1, remembered: false },
];

/// `Cost` is the cost in seconds: of the clock, and of CPU in this process and in the database.
#[derive(Clone, Copy)]
struct Cost {
    clock: f64,
    ours: f64,
    database: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>());
    let rows = args.next().transpose()?.unwrap_or(200_000);
    let rounds = args.next().transpose()?.unwrap_or(3);
    let (_server, config) = database()?;
    let mut report = Vec::new();
    for case in &CASES {
        let (mut counted, mut copied) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let config = fresh(&config, case).await?;
            counted.push(count(&config, case, rows).await?);
            copied.push(copy(&config, case, rows).await?);
        }
        let rate = |costs: &[Cost]| rows as f64 / median(costs, |cost| cost.clock);
        let micros = |seconds: f64| seconds * 1e6 / rows as f64;
        report.push(json!({
            "case": case.name, "partitions": case.partitions, "rows": rows,
            "copy": rate(&copied), "pollux": rate(&counted),
            "ratio": rate(&counted) / rate(&copied),
            "copyDatabaseMicros": micros(median(&copied, |cost| cost.database)),
            "polluxDatabaseMicros": micros(median(&counted, |cost| cost.database)),
            "polluxMicros": micros(median(&counted, |cost| cost.ours)),
        }));
    }
    println!("{}", json!(report));
    Ok(())
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    let mut all: Vec<f64> = costs.iter().map(of).collect();
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Returns the configuration of PostgreSQL, and the server if it was started here.
fn database() -> Result<(Option<Postgres>, PostgresConfig)> {
    let var = |name| std::env::var(name).ok();
    let default = PostgresConfig::default();
    if let Some(host) = var("DB_HOST") {
        let port = var("DB_PORT").map_or(Ok(default.port), |port| port.parse())?;
        let (host, user) = (Some(host), var("DB_USER"));
        let password = Password(var("DB_PASSWORD").unwrap_or_default());
        let name = var("DB_NAME").unwrap_or(default.name.clone());
        return Ok((None, PostgresConfig { host, port, user, password, name, ..default }));
    }
    let server = Postgres::start()?;
    let to = server.database();
    let (host, user) = (Some(to.host.clone()), Some(to.user.clone()));
    let (name, password) = (to.name.clone(), Password(to.password.clone()));
    let config = PostgresConfig { host, port: to.port, user, password, name, ..default };
    Ok((Some(server), config))
}

/// Creates a database for one measurement.
async fn fresh(config: &PostgresConfig, case: &Case) -> Result<PostgresConfig> {
    let name = format!("bench{:x}", rand::random::<u64>());
    let admin = connect(config).await?;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let voters = if case.remembered { config.voters } else { 1 };
    Ok(PostgresConfig { name, voters, ..config.clone() })
}

/// Puts ballots on a log in memory and the poll into the store, and then measures the processor.
async fn count(config: &PostgresConfig, case: &Case, rows: u64) -> Result<Cost> {
    let partitions = case.partitions;
    let store = PostgresStore::open(config, partitions).await?;
    let draft = Draft::new("Which?", ["this", "that"]);
    let mut poll = Poll::draft(PollId::new(NOW, [1; 10]), draft, [0; 32], NOW)?;
    poll.open(NOW)?;
    let Created::New(poll) = store.create(poll, vec!["123456".into()], None).await? else {
        anyhow::bail!("not a new database")
    };
    let limits = LogLimits { queue: rows as usize + 1, ..LogLimits::default() };
    let generation = Generation(Uuid::from_u128(rand::random()));
    let cluster = MemoryLog::new(generation, partitions, limits, LogFaults::default(), 1);
    let log = cluster.node(0);
    control::publish(&*log, &poll, NOW).await;
    join_all(ballots(&poll, case, rows).map(|(partition, it)| log.append(partition, it))).await;
    let ends = try_join_all((0..partitions).map(|partition| log.end(partition))).await?;

    let mut feed = log.feed().await?;
    let limits = ProcessorLimits::default();
    let processor =
        Processor::new(log.clone(), store.clone(), Arc::new(SystemAmbient::new()), limits);
    let watch = connect(config).await?;
    watch.batch_execute("CHECKPOINT").await?;
    let meter = Meter::start(&watch).await?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(processor.run(stop.clone()));
    let mut left: BTreeSet<Partition> = (0..partitions).collect();
    while !left.is_empty() {
        for heard in feed.next().await? {
            if let Announcement::Progress { partition, next_offset, .. } = heard
                && next_offset >= ends[partition as usize]
            {
                left.remove(&partition);
            }
        }
    }
    let cost = meter.stop()?;
    let voters = store.standing(poll.id).await?.context("no poll")?.total_voters();
    ensure!(voters == rows / case.each, "{voters} voters of {rows} ballots");
    stop.cancel();
    running.await?;
    store.shut().await;
    Ok(cost)
}

/// Returns everybody's first ballot, then everybody's second.
fn ballots(poll: &Poll, case: &Case, rows: u64) -> impl Iterator<Item = (Partition, NewRecord)> {
    let (id, round, phase, partitions) = (poll.id, poll.round, poll.phase, case.partitions);
    let voters: Vec<VoterId> =
        (0..rows / case.each).map(|_| VoterId(rand::random::<u128>().to_be_bytes())).collect();
    (0..rows).map(move |n| {
        let voter = voters[n as usize % voters.len()];
        let name = BallotId::new(UnixMillis(NOW.0 + n), rand::random());
        let answer = Answer::options([1 + (n % 2) as u8]).expect("an option");
        let ballot = Ballot {
            poll: id,
            voter,
            id: name,
            named_by: NamedBy::Client,
            answer,
            round,
            phase,
            at: NOW,
        };
        let key = Bytes::from(ballot_key(id, voter));
        let value = Bytes::from(Entry::Ballot(ballot).encode());
        (ballot_partition(id, voter, partitions), NewRecord { key, value })
    })
}

/// Copies the rows out, and measures copying them in again: as many at once, over as many connections.
async fn copy(config: &PostgresConfig, case: &Case, rows: u64) -> Result<Cost> {
    let watch = connect(config).await?;
    let mut work = Vec::new();
    for partition in 0..case.partitions {
        let client = connect(config).await?;
        let rows = "SELECT * FROM ballots WHERE partition";
        let out =
            format!("COPY ({rows} = {partition} ORDER BY log_offset) TO STDOUT (FORMAT binary)");
        let pieces: Vec<Bytes> = client.copy_out(&out).await?.try_collect().await?;
        // The first piece holds the header as well, the last piece the end, and each other piece one row.
        let rows = pieces.iter().enumerate().map(|(n, it)| it.slice(if n == 0 { 19 } else { 0 }..));
        let rows: Vec<Bytes> = rows.filter(|row| row.len() > 2).collect();
        work.push((client, pieces[0].slice(..19), rows));
    }
    let found: usize = work.iter().map(|(.., rows)| rows.len()).sum();
    ensure!(found as u64 == rows, "{found} rows");
    watch.batch_execute("TRUNCATE ballots").await?;
    watch.batch_execute("CHECKPOINT").await?;
    let meter = Meter::start(&watch).await?;
    let copying = work.into_iter().map(|(client, header, rows)| async move {
        for rows in rows.chunks(ProcessorLimits::default().batch) {
            let mut bytes = BytesMut::new();
            bytes.put_slice(&header);
            rows.iter().for_each(|row| bytes.put_slice(row));
            bytes.put_i16(-1);
            let sink = client.copy_in("COPY ballots FROM STDIN (FORMAT binary)").await?;
            let mut sink = std::pin::pin!(sink);
            sink.send(bytes.freeze()).await?;
            sink.finish().await?;
        }
        anyhow::Ok(client)
    });
    let copied = try_join_all(copying.map(tokio::spawn)).await?;
    let cost = meter.stop()?;
    // The connections are closed only now, because the CPU time of a database process that ends before the
    // meter stops is seen nowhere.
    copied.into_iter().collect::<Result<Vec<Client>>>()?;
    Ok(cost)
}

/// `Meter` is a measurement under way: when it began, and how much CPU had been used by then.
struct Meter {
    since: Instant,
    ours: f64,
    database: f64,
    postmaster: u32,
}

impl Meter {
    async fn start(client: &Client) -> Result<Self> {
        let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
        let postmaster = process(backend as u32)?.parent;
        let (ours, database) = (process(std::process::id())?.cpu, cpu_of(postmaster)?);
        Ok(Self { since: Instant::now(), ours, database, postmaster })
    }

    fn stop(self) -> Result<Cost> {
        let clock = self.since.elapsed().max(Duration::from_millis(1)).as_secs_f64();
        let ours = process(std::process::id())?.cpu - self.ours;
        Ok(Cost { clock, ours, database: cpu_of(self.postmaster)? - self.database })
    }
}

/// `Process` is what `/proc` says about a process.
struct Process {
    parent: u32,
    /// The CPU seconds, including those in the kernel.
    cpu: f64,
    /// The CPU seconds of its children that have ended.
    ended: f64,
}

fn process(id: u32) -> Result<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields: Vec<&str> =
        stat.rsplit_once(')').context("an odd stat")?.1.split_whitespace().collect();
    let seconds = |n: usize| -> Result<f64> {
        Ok((fields[n].parse::<f64>()? + fields[n + 1].parse::<f64>()?) / 100.0)
    };
    Ok(Process { parent: fields[1].parse()?, cpu: seconds(11)?, ended: seconds(13)? })
}

/// Returns the CPU seconds of a process with all its children, including those that have ended.
fn cpu_of(parent: u32) -> Result<f64> {
    let own = process(parent)?;
    let all = std::fs::read_dir("/proc")?.flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = ids.filter_map(|id| process(id).ok()).filter(|it| it.parent == parent);
    Ok(own.cpu + own.ended + children.map(|child| child.cpu).sum::<f64>())
}

async fn connect(config: &PostgresConfig) -> Result<Client> {
    let mut to = tokio_postgres::Config::new();
    to.host(config.host.as_deref().unwrap_or_default()).port(config.port).dbname(&config.name);
    to.user(config.user.as_deref().unwrap_or_default()).password(&config.password.0);
    let (client, connection) = to.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
