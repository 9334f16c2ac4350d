//! These scenarios cut a broker's power: what it has written and not synced is gone. The broker runs with the
//! library of `power.c`, which writes down what it syncs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::preload::Preload;
use crate::recount::Topic;
use crate::scenario::{Area, Harm, Scenario};
use crate::stage::{BROKERS, HEALED, Stage, VOTES};

/// `LIBRARY` makes a broker write down what it syncs.
const LIBRARY: Preload = Preload { name: "power", variable: "POLLUX_TEST_SYNCED" };

/// These are the scenarios about power cuts.
pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "power cut at the last replica",
    area: Area::Log,
    // In KRaft mode a broker that is alone has no majority of controllers and leads nothing.
    zookeeper: true,
    nightly: true,
    harm: last_replica,
}];

/// Kills two brokers, and cuts the power of the third, which then leads what the others have more of.
fn last_replica(harm: &Harm<'_>) -> Result<()> {
    let stage = harm.stage;
    let [last, others @ ..] = BROKERS;
    let power = Power::watch(stage, last)?;
    harm.recovered()?;
    harm.votes_go_on("before the power cut", Duration::from_secs(5))?;
    // Only what is acknowledged is below these ends.
    let acknowledged = Topic::ends(&stage.cluster.bootstrap())?;
    for other in others {
        stage.cluster.kill(other)?;
    }
    stage
        .cluster
        .wait_until(HEALED, "only the last broker is in sync", || leads_alone(stage, last))?;
    let cut = power.cut(stage)?;
    harm.did(&format!("killed all brokers, {last} the last, where {cut}"));
    stage.start_broker(last)?;
    stage.cluster.wait_until(HEALED, "the last broker leads", || leads_alone(stage, last))?;
    harm.did(&format!("{last} came back alone and leads every partition"));
    for other in others {
        stage.start_broker(other)?;
    }
    stage.cluster.wait_in_sync(HEALED)?;
    let ends = Topic::ends(&stage.cluster.bootstrap())?;
    let cut = ends.iter().zip(&acknowledged).any(|(end, before)| end < before);
    ensure!(!cut, "acknowledged votes are gone: of {acknowledged:?} there are {ends:?}");
    harm.recovered()
}

/// Checks that this broker leads every partition of the votes and is the only one in sync.
fn leads_alone(stage: &Stage, broker: &str) -> Result<()> {
    let id: i32 = broker.trim_start_matches("kafka").parse()?;
    let topic = stage.cluster.topic_seen_by(broker, VOTES)?;
    let wrong = topic.partitions.iter().find(|it| it.leader != Some(id) || it.in_sync != [id]);
    ensure!(wrong.is_none(), "{wrong:?}");
    Ok(())
}

/// `Power` knows what of a broker's files would be left after a power cut.
struct Power {
    broker: &'static str,
    /// The broker's data.
    folder: PathBuf,
    /// The file in which the broker writes down what it syncs.
    record: PathBuf,
    /// The files that were there before the broker started, whole and on disk.
    before: Synced,
}

/// `Synced` holds the length up to which each file is on disk.
type Synced = BTreeMap<Identity, u64>;
/// An `Identity` is the number of an inode and the moment of its birth, which the record writes alike.
type Identity = (u64, String);

impl Power {
    /// Restarts the broker with the library that writes down what it syncs.
    fn watch(stage: &Stage, broker: &'static str) -> Result<Self> {
        let cluster = &stage.cluster;
        let record = cluster.folder().join(format!("{broker}.synced"));
        let folder = cluster.folder().join(broker);
        cluster.stop(broker)?;
        let _ = fs::remove_file(&record);
        let all = files(&folder)?;
        let before = all.iter().map(|file| identity(file)).collect::<Result<_>>()?;
        LIBRARY.give(cluster, broker, &record)?;
        let started = stage.start_broker(broker).and_then(|()| cluster.wait_in_sync(HEALED));
        // Whatever starts it next starts it as it was.
        LIBRARY.take_away(cluster, broker)?;
        started?;
        Ok(Self { broker, folder, record, before })
    }

    /// Kills the broker, cuts off what it had not synced, and says how much that was.
    fn cut(self, stage: &Stage) -> Result<String> {
        stage.cluster.kill(self.broker)?;
        let mut synced = self.before;
        for line in fs::read_to_string(&self.record)?.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [what, inode, birth, length] = words[..] else { continue };
            let (file, length) = ((inode.parse()?, birth.to_owned()), length.parse()?);
            let known = synced.entry(file).or_default();
            *known = if what == "synced" { length } else { length.min(*known) };
        }
        let (mut of_votes, mut of_all) = (0, 0);
        for path in files(&self.folder)? {
            let (file, length) = identity(&path)?;
            let left = synced.get(&file).copied().unwrap_or_default().min(length);
            if left == length {
                continue;
            }
            File::options().write(true).open(&path)?.set_len(left)?;
            // Indexes are as long as they may become, whatever is in them.
            if path.extension().is_some_and(|extension| extension == "log") {
                let partition = path.parent().and_then(Path::file_name).unwrap_or_default();
                let partition = partition.to_string_lossy();
                let is_vote = partition.strip_prefix(VOTES).is_some_and(|n| n.starts_with('-'));
                of_all += length - left;
                of_votes += if is_vote { length - left } else { 0 };
            }
        }
        // Without this the scenario would also pass if nothing were thrown away.
        ensure!(of_all > 0, "everything was synced, on topics too that nobody flushes");
        Ok(format!("{of_all} bytes were not synced, {of_votes} of them votes"))
    }
}

/// Returns all regular files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => all.extend(files(&entry.path())?),
            kind if kind.is_file() => all.push(entry.path()),
            _ => {}
        }
    }
    Ok(all)
}

/// Returns a file's identity and its length.
fn identity(path: &Path) -> Result<(Identity, u64)> {
    let found = fs::metadata(path)?;
    let born = found.created().context("this file system keeps no time of birth")?;
    let born = born.duration_since(UNIX_EPOCH)?;
    let birth = format!("{}.{:09}", born.as_secs(), born.subsec_nanos());
    Ok(((found.ino(), birth), found.len()))
}
