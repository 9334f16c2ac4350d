//! This benchmark measures a vote on a real cluster: Kafka, ZooKeeper, PostgreSQL and Pollux's nodes on this
//! machine, beside raw baselines on the same brokers and the same database.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pollux_cluster::{Cluster, Options};
use serde_json::Value;

use super::{CONNECTIONS, all, load, median};
use crate::server::MeasuredServer;

/// `ClusterScale` says how much is measured.
struct ClusterScale {
    rounds: usize,
    round: Duration,
    /// The number of ballots in each case of the tally.
    rows: u32,
}

/// The topic `votes` has this many partitions by default.
const PARTITIONS: u32 = 12;

/// Starts a cluster, measures on it, and removes it.
pub fn run(quick: bool, built: &Path) -> Result<()> {
    let scale = match quick {
        false => ClusterScale { rounds: 5, round: Duration::from_secs(3), rows: 200_000 },
        true => ClusterScale { rounds: 3, round: Duration::from_secs(1), rows: 50_000 },
    };
    let cluster = Cluster::start(&Options::default())?;
    tally(&scale, &cluster, built)?;
    let mut nodes = Nodes::start(&cluster, built, PARTITIONS, 1)?;
    let saturation = votes(&scale, &mut nodes, built)?;
    answers(&scale, &cluster, &mut nodes, built, saturation)?;
    drop(nodes);
    growth(&scale, &cluster, built)
}

/// Measures the processor alone, on the cluster's PostgreSQL.
fn tally(scale: &ClusterScale, cluster: &Cluster, built: &Path) -> Result<()> {
    let output = Command::new(built.join("examples/tally"))
        .args([scale.rows.to_string(), scale.rounds.min(3).to_string()])
        .envs(cluster.environment())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the tally's bench failed");
    let report: Value = serde_json::from_slice(&output.stdout)?;
    println!("counting exactly once in PostgreSQL, beside binary COPY of the same rows");
    println!(
        "  {:28} {:>10} {:>10} {:>6}   µs CPU a row: {:>5} {:>8} {:>5}",
        "", "COPY/s", "Pollux/s", "ratio", "COPY", "database", "ours"
    );
    for case in report.as_array().context("no cases")? {
        let figure = |name: &str| case[name].as_f64().with_context(|| format!("no {name}"));
        let partitions = case["partitions"].as_u64().context("no partitions")?;
        let name = case["case"].as_str().context("no name")?;
        println!(
            "  {:28} {:10.0} {:10.0} {:6.2} {:21.2} {:8.2} {:5.2}",
            format!("{name}, {partitions} partition{}", if partitions == 1 { "" } else { "s" }),
            figure("copy")?,
            figure("pollux")?,
            figure("ratio")?,
            figure("copyDatabaseMicros")?,
            figure("polluxDatabaseMicros")?,
            figure("polluxMicros")?,
        );
    }
    println!("  (target: ratio of at least 0.7 for new voters)");
    Ok(())
}

/// `Nodes` are a web node, processors, and a poll, on topics and a database of their own.
struct Nodes {
    web: MeasuredServer,
    processors: Vec<MeasuredServer>,
    /// The number of votes that were acknowledged so far.
    sent: u64,
}

impl Nodes {
    fn start(cluster: &Cluster, built: &Path, partitions: u32, processors: usize) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bench{}", COUNT.fetch_add(1, Ordering::Relaxed));
        cluster.database().query(&format!("CREATE DATABASE {name}"))?;
        let mut environment = cluster.environment();
        environment.retain(|(variable, _)| *variable != "DB_NAME");
        environment.push(("DB_NAME", name.clone()));
        environment.push(("POLLUX_TOPIC_PREFIX", format!("{name}.")));
        environment.push(("POLLUX_KAFKA_PARTITIONS", partitions.to_string()));
        let processors =
            (0..processors).map(|_| MeasuredServer::member(built, &environment, "processor"));
        let processors = processors.collect::<Result<Vec<_>>>()?;
        let mut web = MeasuredServer::member(built, &environment, "web")?;
        web.poll = web.create_poll()?;
        let mut nodes = Self { web, processors, sent: 0 };
        nodes.run(&load(&nodes.web, Duration::from_secs(1), None))?;
        Ok(nodes)
    }

    /// Runs a load. It is over when its votes are counted, not when they are answered.
    fn run(&mut self, load: &load::VoteLoad) -> Result<Cost> {
        let before = (self.web.cpu()?, self.counting()?);
        let outcome = load::run(load)?;
        self.sent += outcome.accepted;
        self.web.counted(self.sent)?;
        let each = |seconds: f64| seconds * 1e6 / outcome.accepted as f64;
        let (web, processors) = (self.web.cpu()? - before.0, self.counting()? - before.1);
        Ok(Cost { web: each(web), processors: each(processors), outcome })
    }

    fn counting(&self) -> Result<f64> {
        self.processors.iter().map(MeasuredServer::cpu).sum()
    }
}

/// `Cost` is the cost of a vote in microseconds of CPU time.
struct Cost {
    web: f64,
    processors: f64,
    outcome: load::LoadOutcome,
}

/// Measures the CPU time of a vote in a closed loop. Returns how many votes were taken a second.
fn votes(scale: &ClusterScale, nodes: &mut Nodes, built: &Path) -> Result<f64> {
    let bare = MeasuredServer::bare(built)?;
    load::run(&load(&bare, Duration::from_secs(1), None))?;
    let [mut micros_bare, mut web, mut counting, mut ratios, mut rates] = [const { Vec::new() }; 5];
    for _ in 0..scale.rounds {
        let before = bare.cpu()?;
        let outcome = load::run(&load(&bare, scale.round, None))?;
        let a = (bare.cpu()? - before) * 1e6 / outcome.accepted as f64;
        let load = load(&nodes.web, scale.round, None);
        let cost = nodes.run(&load)?;
        micros_bare.push(a);
        ratios.push(cost.web / a);
        web.push(cost.web);
        counting.push(cost.processors);
        rates.push(cost.outcome.rate());
    }
    let saturation = median(&mut rates);
    println!("a vote over HTTP, acknowledged by Kafka ({CONNECTIONS} connections, closed loop)");
    println!("  bare axum handler      {:8.2} µs CPU", median(&mut micros_bare));
    println!("  a web node             {:8.2} µs CPU", median(&mut web));
    println!("  ratio                  {:8.2}   (target 2; {})", median(&mut ratios), all(&ratios));
    println!("  a processor            {:8.2} µs CPU more, to count it", median(&mut counting));
    println!("  saturation             {saturation:8.0} votes/s (everything is on the same cores)");
    Ok(saturation)
}

/// Measures how long an answer takes in an open loop at half of saturation, beside librdkafka alone.
fn answers(
    scale: &ClusterScale,
    cluster: &Cluster,
    nodes: &mut Nodes,
    built: &Path,
    saturation: f64,
) -> Result<()> {
    let topic = "bench.raw";
    let made = cluster
        .tool("org.apache.kafka.tools.TopicCommand")
        .args(["--bootstrap-server", &cluster.bootstrap(), "--create", "--topic", topic])
        .args(["--partitions", &PARTITIONS.to_string(), "--replication-factor", "3"])
        .args(["--config", "min.insync.replicas=2"])
        .output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let raw = |how: &str, figure: f64| -> Result<Value> {
        let output = Command::new(built.join("examples/raw_producer"))
            .args([&cluster.bootstrap(), topic, &PARTITIONS.to_string()])
            .args([&scale.round.as_secs_f64().to_string(), how, &figure.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "librdkafka's bench failed");
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let figure = |of: &Value, name: &str| of[name].as_f64().with_context(|| format!("no {name}"));
    let rate = saturation / 2.0;
    let [mut middles, mut raw_middles, mut slow, mut raw_slow, mut ratios] =
        [const { Vec::new() }; 5];
    for _ in 0..scale.rounds {
        let theirs = raw("open", rate)?;
        let load = load(&nodes.web, scale.round, Some(rate));
        let ours = nodes.run(&load)?.outcome;
        let p99 = figure(&theirs, "p99Millis")?;
        raw_middles.push(figure(&theirs, "p50Millis")?);
        raw_slow.push(p99);
        middles.push(ours.percentile(0.5));
        slow.push(ours.percentile(0.99));
        ratios.push(ours.percentile(0.99) / p99);
    }
    let closed = raw("closed", CONNECTIONS as f64)?;
    println!("the answer at half of saturation, {rate:.0} votes/s (open loop)");
    println!("  librdkafka p50         {:8.2} ms", median(&mut raw_middles));
    println!("  librdkafka p99         {:8.2} ms", median(&mut raw_slow));
    println!("  answer p50             {:8.2} ms", median(&mut middles));
    println!("  answer p99             {:8.2} ms", median(&mut slow));
    println!(
        "  ratio of the p99       {:8.2}   (target 1.5; {})",
        median(&mut ratios),
        all(&ratios)
    );
    println!(
        "  librdkafka alone, {CONNECTIONS} in flight: {:.0} records/s, {:.2} µs CPU each",
        figure(&closed, "rate")?,
        figure(&closed, "cpuMicros")?
    );
    println!("  every vote of {} acknowledged was counted, once", nodes.sent);
    Ok(())
}

/// Measures the CPU time of a vote as partitions, votes in flight and processors grow.
fn growth(scale: &ClusterScale, cluster: &Cluster, built: &Path) -> Result<()> {
    println!("CPU a vote as the cluster grows (closed loop)");
    println!(
        "  {:>10} {:>9} {:>10}   {:>11} {:>13} {:>8}",
        "partitions", "in flight", "processors", "web node µs", "processors µs", "votes/s"
    );
    let shapes: [(u32, usize, &[usize]); 5] = [
        (3, 1, &[CONNECTIONS]),
        (12, 1, &[64, CONNECTIONS, 1024]),
        (12, 2, &[CONNECTIONS]),
        (12, 4, &[CONNECTIONS]),
        (48, 1, &[CONNECTIONS]),
    ];
    for shape in shapes {
        // A vote that is not taken spoils the figures of one shape, and not those of the others.
        if let Err(error) = grown(scale, cluster, built, shape) {
            let why = format!("{error:#}");
            let why = why.lines().next().unwrap_or_default();
            println!("  {:>10} {:>9} {:>10}   not measured: {why}", shape.0, "", shape.1);
        }
    }
    Ok(())
}

/// Measures one shape of the cluster, at each number of votes in flight.
fn grown(
    scale: &ClusterScale,
    cluster: &Cluster,
    built: &Path,
    (partitions, processors, in_flight): (u32, usize, &[usize]),
) -> Result<()> {
    let mut nodes = Nodes::start(cluster, built, partitions, processors)?;
    for &connections in in_flight {
        let load = load::VoteLoad { connections, ..load(&nodes.web, scale.round, None) };
        nodes.run(&load)?;
        let Cost { web, processors: counting, outcome } = nodes.run(&load)?;
        println!(
            "  {partitions:>10} {connections:>9} {processors:>10}   {web:>11.2} \
                 {counting:>13.2} {:>8.0}",
            outcome.rate()
        );
    }
    Ok(())
}
