//! `cargo xtask cluster demo` shows votes flowing over the partitions of a real cluster while a broker, a
//! ZooKeeper and a processor are killed, and checks that the totals stay exact.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use pollux_cluster::{Cluster, Mode, START_DEADLINE, State};
use serde_json::Value;

use crate::nodes::address;
use crate::server;

/// This is true while the demo draws on the terminal, so that nothing else may be printed there.
pub static DRAWS: AtomicBool = AtomicBool::new(false);

/// The demo pauses this long between two pictures, and as long as below between two lines if there is no
/// terminal.
const FRAME: Duration = Duration::from_millis(400);
const LINE: Duration = Duration::from_secs(2);
/// The demo rests this long between two acts of the story.
const REST: Duration = Duration::from_secs(6);
/// Each web node gets this many ballots a second, and as many as below in all: what two cores do at ease
/// beside a cluster.
const RATE: u32 = 150;
const BALLOTS: u32 = 9_000;
/// This many lines of the story stay on the screen.
const TOLD: usize = 8;
/// Within this time everything that was acknowledged is counted and shown.
const SETTLE: Duration = Duration::from_secs(30);

/// Runs the demo on this cluster, whose nodes run.
pub fn run(cluster: &Cluster, pollux: &Path) -> Result<()> {
    // `recount` runs in another folder, where there is no `.env`, so that the path must be absolute.
    let pollux = &pollux.canonicalize()?;
    DRAWS.store(std::io::stdout().is_terminal(), Relaxed);
    let poll = make_poll(cluster)?;
    let story = Story::new();
    story.say(&format!(
        "a poll; {} voters vote on it, half through web1, half through web2",
        2 * BALLOTS
    ));
    let mut audience = Vec::new();
    for web in ["web1", "web2"] {
        audience.push(vote(cluster, pollux, web, &poll)?);
    }
    thread::scope(|scope| {
        let acts = scope.spawn(|| {
            // The flag is set however the story ends.
            let _over = Over(&story.over);
            play(cluster, &story)
        });
        let mut screen = Terminal::new();
        while !story.over.load(Relaxed) {
            screen.show(&picture(cluster, &poll, &story), &story);
            thread::sleep(screen.pause());
        }
        acts.join().expect("the story does not panic")?;
        story.say("waiting for the last votes to be answered");
        let mut acknowledged = 0;
        for voters in audience {
            let output = wait(voters, || {
                screen.show(&picture(cluster, &poll, &story), &story);
                thread::sleep(screen.pause());
            })?;
            acknowledged += output;
        }
        finish(cluster, pollux, &poll, &story, acknowledged, &mut screen)
    })
}

/// `Over` sets the flag when dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// `Simulation` is a running audience, which is killed when dropped.
struct Simulation(Child);

impl Drop for Simulation {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `Story` says what is done to the cluster, and keeps the lines that tell it.
struct Story {
    begun: Instant,
    told: Mutex<VecDeque<String>>,
    over: AtomicBool,
}

impl Story {
    fn new() -> Self {
        Self { begun: Instant::now(), told: Mutex::default(), over: AtomicBool::new(false) }
    }

    fn say(&self, line: &str) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let line = format!("{seconds:5.1} s  {line}");
        if !std::io::stdout().is_terminal() {
            println!("{line}");
        }
        let mut told = self.told.lock().expect("nobody panics while telling");
        told.push_back(line);
        while told.len() > TOLD {
            told.pop_front();
        }
    }
}

/// Kills a broker, a ZooKeeper and a processor, and starts each again.
fn play(cluster: &Cluster, story: &Story) -> Result<()> {
    thread::sleep(REST);
    let victim = busiest(cluster)?;
    let before = led(cluster)?;
    story.say(&format!("kill -9 {victim}, which leads {} partitions", before[&victim]));
    cluster.kill(&victim)?;
    let killed = Instant::now();
    cluster.wait_until(START_DEADLINE, "other brokers lead", || {
        ensure!(!led(cluster)?.contains_key(&victim), "{victim} still leads");
        Ok(())
    })?;
    let now: Vec<_> =
        led(cluster)?.iter().map(|(name, count)| format!("{name} leads {count}")).collect();
    let how = match cluster.mode() {
        Mode::ZooKeeper => "ZooKeeper let its session go, and the controller chose new leaders",
        Mode::KRaft => "the controllers missed it, and chose new leaders",
    };
    story.say(&format!("{how} after {:.1} s: {}", killed.elapsed().as_secs_f64(), now.join(", ")));
    thread::sleep(REST);
    story.say(&format!("{victim} is started again, and fetches what it has missed"));
    cluster.start_member(&victim)?;
    cluster.wait_in_sync(START_DEADLINE)?;
    story.say("every partition is on three brokers again");
    if cluster.mode() == Mode::ZooKeeper {
        thread::sleep(REST / 2);
        let leader = cluster.zookeeper_leader()?;
        story.say(&format!("kill -9 {leader}, the leader of the ZooKeepers"));
        cluster.kill(&leader)?;
        cluster.wait_until(START_DEADLINE, "another leads", || {
            ensure!(cluster.zookeeper_leader()? != leader, "{leader} still leads");
            Ok(())
        })?;
        story.say(&format!(
            "{} was elected; {leader} is started again",
            cluster.zookeeper_leader()?
        ));
        cluster.start_member(&leader)?;
    }
    thread::sleep(REST / 2);
    story.say("kill -9 processor1, in the middle of what it counts");
    cluster.kill("processor1")?;
    thread::sleep(REST);
    story.say("processor1 is started again; the other had taken over its partitions");
    cluster.start_member("processor1")?;
    thread::sleep(REST);
    Ok(())
}

/// Returns the broker that leads most partitions.
fn busiest(cluster: &Cluster) -> Result<String> {
    let led = led(cluster)?;
    let most = led.into_iter().max_by_key(|(_, partitions)| *partitions);
    most.map(|(name, _)| name).context("nobody leads anything")
}

/// Returns how many partitions of `votes` each broker leads.
fn led(cluster: &Cluster) -> Result<BTreeMap<String, usize>> {
    let mut led = BTreeMap::new();
    for partition in cluster.topic("votes")?.partitions {
        if let Some(id) = partition.leader {
            *led.entry(format!("kafka{id}")).or_default() += 1;
        }
    }
    Ok(led)
}

/// Waits until everything that was acknowledged is counted, then prints the totals of both nodes, of the
/// database and of a recount of the log side by side.
fn finish(
    cluster: &Cluster,
    pollux: &Path,
    poll: &str,
    story: &Story,
    acknowledged: u64,
    screen: &mut Terminal,
) -> Result<()> {
    let begun = Instant::now();
    let shown = |web| total(cluster, web, poll);
    while begun.elapsed() < SETTLE
        && (shown("web1").ok() != Some(acknowledged) || shown("web2").ok() != Some(acknowledged))
    {
        screen.show(&picture(cluster, poll, story), story);
        thread::sleep(screen.pause());
    }
    let rows =
        format!("SELECT count(*) FROM ballots WHERE poll = '{poll}' AND decided = 'counted'");
    let stored: u64 = cluster.database().query(&rows)?.trim().parse()?;
    let (one, other) = (shown("web1")?, shown("web2")?);
    let recount = recounted(cluster, pollux)?;
    screen.show(&picture(cluster, poll, story), story);
    println!(
        "\n  acknowledged {acknowledged}\n  on web1      {one}\n  on web2      {other}\n  \
         in PostgreSQL {stored}\n  recount of the log: {recount}\n"
    );
    ensure!(
        [one, other, stored].iter().all(|number| *number == acknowledged),
        "the totals differ: this must never happen; please tell us"
    );
    println!("  Not one vote was lost, and none was counted twice.\n");
    Ok(())
}

fn recounted(cluster: &Cluster, pollux: &Path) -> Result<String> {
    let output = Command::new(pollux)
        .arg("recount")
        .envs(cluster.environment())
        .current_dir("/")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let trouble = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pollux recount: {said}{trouble}");
    Ok(said.lines().last().unwrap_or("equal").trim().to_owned())
}

fn make_poll(cluster: &Cluster) -> Result<String> {
    let body = r#"{"question":"Which part will survive?",
        "options":["The brokers","The ZooKeepers","The processors","Every vote"]}"#;
    let made = server::post(&address(cluster, "web1")?, "/api/polls", body)?;
    Ok(made["id"].as_str().context("the poll has no id")?.to_owned())
}

fn total(cluster: &Cluster, web: &str, poll: &str) -> Result<u64> {
    let found = server::get(&address(cluster, web)?, &format!("/api/polls/{poll}"))?;
    found["totalVoters"].as_u64().context("no total")
}

/// Starts an audience in which each voter votes once, and tries until there is an answer.
fn vote(cluster: &Cluster, pollux: &Path, web: &str, poll: &str) -> Result<Simulation> {
    let url = format!("http://{}", address(cluster, web)?);
    let number = BALLOTS.to_string();
    let child = Command::new(pollux)
        .args(["--json", "simulate", "--url", &url, "--poll", poll, "--connections", "32"])
        .args(["--rate", &RATE.to_string(), "--voters", &number, "--votes", &number])
        .args(["--skew", "0.9", "--patience", "120s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Simulation(child))
}

/// Waits until the audience has finished, and returns how many ballots were acknowledged.
fn wait(mut voters: Simulation, mut meanwhile: impl FnMut()) -> Result<u64> {
    let status = loop {
        match voters.0.try_wait()? {
            Some(status) => break status,
            None => meanwhile(),
        }
    };
    let report = voters.0.stdout.take().context("the audience's report")?;
    let report: Value = serde_json::from_reader(report).context("the audience's report")?;
    ensure!(status.success(), "the audience: {report}");
    report["acknowledged"].as_u64().context("no number of acknowledged ballots")
}

/// Draws the cluster and the poll as they are now. What cannot be asked at the moment is left out.
fn picture(cluster: &Cluster, poll: &str, story: &Story) -> String {
    let mut text = String::new();
    let _ = draw(cluster, poll, story, &mut text);
    text
}

fn draw(cluster: &Cluster, poll: &str, story: &Story, text: &mut String) -> Result<()> {
    let topic = cluster.topic("votes").ok();
    draw_members(cluster, text)?;
    let offsets = cluster.database().query("SELECT partition, next_offset FROM offsets")?;
    let offsets: BTreeMap<i32, u64> = offsets
        .lines()
        .filter_map(|row| row.split_once('|'))
        .filter_map(|(partition, next)| Some((partition.parse().ok()?, next.parse().ok()?)))
        .collect();
    let most = offsets.values().copied().max().unwrap_or(1).max(1);
    for partition in topic.map(|topic| topic.partitions).unwrap_or_default() {
        let next = offsets.get(&partition.index).copied().unwrap_or(0);
        let leader = partition.leader.map_or("nobody".to_owned(), |id| format!("kafka{id}"));
        let replicas = partition.in_sync.len();
        writeln!(
            text,
            "  votes-{:<2} {leader:<7} on {replicas}  {} {next}",
            partition.index,
            bar(next, most, 30)
        )?;
    }
    let found = server::get(&address(cluster, "web1")?, &format!("/api/polls/{poll}"))?;
    writeln!(text, "\n  {}", found["question"].as_str().unwrap_or_default())?;
    let options = found["options"].as_array().cloned().unwrap_or_default();
    let votes = |option: &Value| option["votes"].as_u64().unwrap_or(0);
    let most = options.iter().map(votes).max().unwrap_or(1).max(1);
    for option in &options {
        let name = option["text"].as_str().unwrap_or_default();
        writeln!(text, "  {name:<16} {} {}", bar(votes(option), most, 30), votes(option))?;
    }
    let totals = ["web1", "web2"].map(|web| match total(cluster, web, poll) {
        Ok(total) => format!("{total} on {web}"),
        Err(_) => format!("{web} does not answer"),
    });
    writeln!(text, "\n  counted: {}\n", totals.join(", "))?;
    for line in story.told.lock().expect("nobody panics while telling").iter() {
        writeln!(text, "  {line}")?;
    }
    Ok(())
}

/// Draws each member with its state and its roles; members of one kind share a line.
fn draw_members(cluster: &Cluster, text: &mut String) -> Result<()> {
    let led = led(cluster).unwrap_or_default();
    let (zookeeper, controller) = (cluster.zookeeper_leader().ok(), cluster.controller().ok());
    let mut lines: Vec<(String, String)> = Vec::new();
    for member in cluster.status()? {
        let kind = member.name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        if lines.last().is_none_or(|(last, _)| *last != kind) {
            lines.push((kind, String::new()));
        }
        let mark = match (member.state, &member.ready) {
            (State::Dead, _) => "\x1b[31m✗ dead\x1b[0m".to_owned(),
            (State::Paused, _) => "\x1b[33m‖ paused\x1b[0m".to_owned(),
            (State::Running, Err(_)) => "\x1b[33m… starting\x1b[0m".to_owned(),
            (State::Running, Ok(())) => "\x1b[32m●\x1b[0m".to_owned(),
        };
        let mut role = String::new();
        if zookeeper.as_ref() == Some(&member.name) {
            role += " leader";
        }
        if controller.as_ref() == Some(&member.name) {
            role += " controller";
        }
        if let Some(count) = led.get(&member.name) {
            write!(role, " leads {count}")?;
        }
        if let Some((_, line)) = lines.last_mut() {
            write!(line, "{} {mark}{role}   ", member.name)?;
        }
    }
    for (_, line) in lines {
        writeln!(text, "  {line}")?;
    }
    writeln!(text)?;
    Ok(())
}

fn bar(value: u64, most: u64, width: u64) -> String {
    let filled = value * width / most;
    format!("{:<width$}", "█".repeat(filled as usize), width = width as usize)
}

/// `Terminal` is the one on which the picture is drawn over and over. If there is none, a line is printed
/// now and then.
struct Terminal {
    terminal: bool,
    height: usize,
}

impl Terminal {
    fn new() -> Self {
        Self { terminal: std::io::stdout().is_terminal(), height: 0 }
    }

    fn pause(&self) -> Duration {
        if self.terminal { FRAME } else { LINE }
    }

    fn show(&mut self, picture: &str, story: &Story) {
        let mut out = std::io::stdout().lock();
        if self.terminal {
            let up = if self.height > 0 { format!("\x1b[{}A", self.height) } else { String::new() };
            let lines: String = picture.lines().map(|line| format!("{line}\x1b[K\n")).collect();
            let _ = write!(out, "{up}{lines}\x1b[J");
            let _ = out.flush();
            self.height = picture.lines().count();
        } else if let Some(counted) = picture.lines().find(|line| line.contains("counted:")) {
            let _ = writeln!(out, "{:5.1} s {counted}", story.begun.elapsed().as_secs_f64());
        }
    }
}
