//! The topics: what they must be like, how they are created, and how they are checked.
//!
//! | topic | holds | kept |
//! |---|---|---|
//! | `votes` | ballots and control records, over all partitions | for ever |
//! | `votes.dead` | copies of records that are nobody's ballot | for ever |
//! | `tallies` | announced tallies, and how far partitions are decided | the newest of each key |
//! | `polls` | announced polls and events | the newest of each |

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pollux_core::id::{Generation, PollId};
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::RDKafkaErrorCode;

pub use super::listing::{Names, PartitionState, Topic};

use super::client::{self, CHANGE_DEADLINE, Context, REPLICAS, settings};
use super::listing::list;
use super::{OpenError, flush, genesis};
use crate::ambient::Ambient;
use crate::config::{Flush, KafkaConfig};

/// The number of brokers that must have a record before it is acknowledged.
const IN_SYNC: u32 = 2;
/// The pause between two checks whether the brokers have learnt of a new topic.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause before brokers are asked again for topics for which too few of them were there.
const BROKER_PAUSE: Duration = Duration::from_secs(1);

/// `Prepared` describes the topics as they were found or created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The topics' names.
    pub names: Names,
    /// The number of partitions of `votes`.
    pub partitions: u32,
    /// The generation of the log.
    pub generation: Generation,
    /// The names of the topics that were created just now.
    pub created: Vec<String>,
    /// All topics, as they are.
    pub topics: Vec<Topic>,
    /// What about the topics breaks the promise. It is empty unless `POLLUX_KAFKA_WEAK` allows such
    /// topics.
    pub faults: Vec<String>,
    /// What about the topics weakens the promise, though they are used.
    pub warnings: Vec<String>,
    /// The number of brokers that must have a vote before it is acknowledged.
    pub(super) in_sync: usize,
}

/// `TopicSettings` holds the number of partitions and the settings that a topic is created with.
struct TopicSettings {
    partitions: u32,
    settings: BTreeMap<&'static str, String>,
}

/// Returns what a topic is created with, including the settings that the promise needs.
fn settings_of(names: &Names, topic: &str, config: &KafkaConfig) -> TopicSettings {
    let common = [
        ("min.insync.replicas", IN_SYNC.min(config.replication).to_string()),
        ("unclean.leader.election.enable", "false".to_owned()),
        // Otherwise the brokers could refuse the records of a node whose clock is wrong.
        ("message.timestamp.type", "LogAppendTime".to_owned()),
    ];
    let own: &[(&str, &str)] = if topic == names.votes || topic == names.dead {
        &[("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1")]
    } else {
        // This lag is how far a feed may be behind before it misses an announcement that was
        // replaced.
        &[("cleanup.policy", "compact"), ("min.compaction.lag.ms", "600000")]
    };
    let own = own.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let mut settings: BTreeMap<_, _> = common.into_iter().chain(own).collect();
    if topic == names.votes && config.flush != Flush::Off {
        settings.insert(flush::SETTING, flush::EACH.to_owned());
    }
    let partitions = if topic == names.votes { config.partitions } else { 1 };
    TopicSettings { partitions, settings }
}

/// Creates the topics that do not exist, checks all of them, and ensures that they have genesis
/// records. `pollux topics create` does this, and a node does it first of all.
pub async fn create(config: &KafkaConfig, ambient: &dyn Ambient) -> Result<Prepared, OpenError> {
    client::check(config)?;
    let names = Names::new(&config.topic_prefix);
    let created = make_missing(config, &names).await?;
    let topics = described(config, &names, names.all().len()).await?;
    let mut faults = check(config, &topics);
    if !faults.is_empty() && !config.weak {
        faults.push("to accept them anyway, for a trial, set POLLUX_KAFKA_WEAK=true".into());
        return Err(OpenError::Refused(faults));
    }
    let votes = topics.iter().find(|topic| topic.name == names.votes);
    let votes = votes.ok_or_else(|| OpenError::Kafka(format!("there is no {}", names.votes)))?;
    let partitions = votes.partitions.len() as u32;
    let proposal = Generation(PollId::new(ambient.now(), ambient.random()).0);
    let creator = created.contains(&names.votes);
    let generation = genesis::elect(config, &names.votes, partitions, proposal, creator).await?;
    let in_sync = votes.settings.get("min.insync.replicas").and_then(|n| n.parse().ok());
    let in_sync = in_sync.unwrap_or(1);
    let warnings = warnings(config, &topics);
    Ok(Prepared { names, partitions, generation, created, topics, faults, warnings, in_sync })
}

/// Returns the topics as they are, without those that do not exist.
pub async fn describe(config: &KafkaConfig) -> Result<Vec<Topic>, OpenError> {
    client::check(config)?;
    described(config, &Names::new(&config.topic_prefix), 0).await
}

/// Returns the topics once there are `wanted` of them, or once the deadline has passed. The broker
/// that is asked may not have heard of a new topic yet, or not of its settings, so it is asked
/// again.
async fn described(
    config: &KafkaConfig,
    names: &Names,
    wanted: usize,
) -> Result<Vec<Topic>, OpenError> {
    let begun = Instant::now();
    loop {
        let mut topics = list(config, names).await?;
        let untold = read_settings(config, names, &mut topics).await?;
        let late = begun.elapsed() > CHANGE_DEADLINE;
        if !untold.is_empty() && late {
            return Err(OpenError::Kafka(format!(
                "no broker tells the settings of {}: this account may need the right to read them \
                 (DescribeConfigs on the topics)",
                untold.join(", ")
            )));
        }
        if untold.is_empty() && (late || topics.len() >= wanted) {
            return Ok(topics);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Fills in the topics' settings, and returns the names of those topics about which the broker that
/// was asked tells nothing. It answers for such a topic with an error, because it has not heard of
/// the topic yet or because this account may not know. The client library drops that error, and the
/// topic then seems to have no settings at all.
pub async fn read_settings(
    config: &KafkaConfig,
    names: &Names,
    topics: &mut [Topic],
) -> Result<Vec<String>, OpenError> {
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let admin: AdminClient<Context> = settings(config).create_with_context(Context)?;
    let asked: Vec<_> = topics.iter().map(|topic| ResourceSpecifier::Topic(&topic.name)).collect();
    // Brokers that have just started are slow to report settings.
    let options = AdminOptions::new().request_timeout(Some(CHANGE_DEADLINE));
    let answers = admin.describe_configs(&asked, &options).await?;
    for answer in answers {
        let found = answer.map_err(|code| {
            OpenError::Kafka(format!("the settings of the topics cannot be read: {code}"))
        })?;
        let OwnedResourceSpecifier::Topic(name) = &found.specifier else { continue };
        let Some(topic) = topics.iter_mut().find(|topic| topic.name == *name) else { continue };
        for setting in settings_of(names, name, config).settings.keys() {
            let Some(entry) = found.get(setting) else { continue };
            let flushing = *setting == flush::SETTING;
            let value = if flushing { flush::told(entry) } else { entry.value.clone() };
            let Some(value) = value else { continue };
            topic.settings.insert((*setting).to_owned(), value);
        }
    }
    let untold = topics.iter().filter(|topic| topic.settings.is_empty());
    Ok(untold.map(|topic| topic.name.clone()).collect())
}

/// Returns the generation of the log on these topics; `None` if it has not begun. It writes
/// nothing.
pub async fn generation(
    config: &KafkaConfig,
    topics: &[Topic],
) -> Result<Option<Generation>, OpenError> {
    let names = Names::new(&config.topic_prefix);
    match topics.iter().find(|topic| topic.name == names.votes) {
        None => Ok(None),
        Some(votes) => genesis::read(config, &names.votes, votes.partitions.len() as u32).await,
    }
}

/// Returns everything about the topics that breaks the promise, and what to do about it.
pub fn check(config: &KafkaConfig, topics: &[Topic]) -> Vec<String> {
    let names = Names::new(&config.topic_prefix);
    let mut faults = Vec::new();
    for name in names.all() {
        match topics.iter().find(|topic| topic.name == name) {
            Some(topic) => faults.extend(faults_of(&names, topic)),
            None => {
                faults.push(format!("there is no topic {name}; `pollux topics create` creates it"))
            }
        }
    }
    if config.flush == Flush::Required {
        faults.extend(flush::unflushed(&names, topics));
    }
    faults
}

/// Returns what about the topics weakens the promise without a reason to refuse them.
pub fn warnings(config: &KafkaConfig, topics: &[Topic]) -> Vec<String> {
    let names = Names::new(&config.topic_prefix);
    let unflushed = || flush::unflushed(&names, topics);
    (config.flush == Flush::Each).then(unflushed).flatten().into_iter().collect()
}

fn faults_of(names: &Names, topic: &Topic) -> Vec<String> {
    let Topic { name, partitions, settings } = topic;
    let mut faults = Vec::new();
    let fewest = partitions.iter().map(|partition| partition.replicas.len()).min();
    if let Some(fewest) = fewest.filter(|fewest| *fewest < REPLICAS as usize) {
        faults.push(format!(
            "{name} has {fewest} of the {REPLICAS} replicas it needs: add brokers, and replicas \
             with kafka-reassign-partitions"
        ));
    }
    let get = |setting: &str| settings.get(setting).map_or("unknown", String::as_str);
    let mut wants = |setting: &str, wanted: &str, fits: bool| {
        if !fits {
            faults.push(format!(
                "{name} has {setting}={}; set it to {wanted} with kafka-configs --alter \
                 --entity-type topics --entity-name {name} --add-config {setting}={wanted}",
                get(setting)
            ));
        }
    };
    let in_sync = get("min.insync.replicas").parse().is_ok_and(|n: u32| n >= IN_SYNC);
    wants("min.insync.replicas", &IN_SYNC.to_string(), in_sync);
    let setting = "unclean.leader.election.enable";
    wants(setting, "false", get(setting) == "false");
    if *name == names.votes || *name == names.dead {
        wants("cleanup.policy", "delete", get("cleanup.policy") == "delete");
        for setting in ["retention.ms", "retention.bytes"] {
            wants(setting, "-1", get(setting) == "-1");
        }
    } else {
        let compact = get("cleanup.policy").split(',').any(|policy| policy == "compact");
        wants("cleanup.policy", "compact", compact);
    }
    faults
}

/// Creates the topics that do not exist, and returns the names of those that this process created
/// itself.
async fn make_missing(config: &KafkaConfig, names: &Names) -> Result<Vec<String>, OpenError> {
    let there = list(config, names).await?;
    let missing: Vec<_> =
        names.all().into_iter().filter(|name| there.iter().all(|it| it.name != *name)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let created = ask_for(config, names, missing).await?;
    wait_for_leaders(config, names).await?;
    Ok(created)
}

/// Asks the brokers to create these topics, and returns the names of those that they created for
/// this process. While too few brokers are there for the replicas, it asks again until the deadline:
/// when a whole cluster starts, or a broker restarts, a node may be there before all brokers are.
async fn ask_for(
    config: &KafkaConfig,
    names: &Names,
    mut missing: Vec<&str>,
) -> Result<Vec<String>, OpenError> {
    let admin: AdminClient<Context> = settings(config).create_with_context(Context)?;
    let options = AdminOptions::new()
        .request_timeout(Some(CHANGE_DEADLINE))
        .operation_timeout(Some(CHANGE_DEADLINE));
    let (mut created, begun) = (Vec::new(), Instant::now());
    loop {
        let planned: Vec<_> =
            missing.iter().map(|name| (*name, settings_of(names, name, config))).collect();
        let new = planned.iter().map(|(name, topic)| {
            let replicas = TopicReplication::Fixed(config.replication as i32);
            let new = NewTopic::new(name, topic.partitions as i32, replicas);
            topic.settings.iter().fold(new, |new, (name, value)| new.set(name, value))
        });
        let new: Vec<_> = new.collect();
        let late = begun.elapsed() > CHANGE_DEADLINE;
        let (mut waiting, mut failed) = (Vec::new(), Vec::new());
        for outcome in admin.create_topics(&new, &options).await? {
            match outcome {
                Ok(name) => created.push(name),
                // Another process was faster.
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, RDKafkaErrorCode::InvalidReplicationFactor)) if !late => {
                    waiting.push(name);
                }
                Err((name, code)) => failed.push(cannot(config, names, &name, code)),
            }
        }
        if !failed.is_empty() {
            return Err(OpenError::Refused(failed));
        }
        if waiting.is_empty() {
            return Ok(created);
        }
        tracing::info!(replicas = config.replication, "too few brokers are there yet; waiting");
        missing.retain(|name| waiting.iter().any(|it| it == name));
        tokio::time::sleep(BROKER_PAUSE).await;
    }
}

/// Says that a topic cannot be created, and what to do about it.
fn cannot(config: &KafkaConfig, names: &Names, name: &str, code: RDKafkaErrorCode) -> String {
    let replicas = config.replication;
    let flush = match names.votes == name && config.flush != Flush::Off {
        true => " and flush.messages=1 (which POLLUX_KAFKA_FLUSH=off leaves out)",
        false => "",
    };
    let advice = match code {
        RDKafkaErrorCode::InvalidReplicationFactor => {
            format!("; start brokers until there are {replicas}")
        }
        _ => String::new(),
    };
    format!("{name} cannot be created with {replicas} replicas{flush}: {code}{advice}")
}

/// Waits until all brokers that are asked know of the topics, and of a leader for each partition.
async fn wait_for_leaders(config: &KafkaConfig, names: &Names) -> Result<(), OpenError> {
    let begun = Instant::now();
    loop {
        let there = list(config, names).await?;
        let led = |name: &str| {
            let topic = there.iter().find(|topic| topic.name == name);
            topic.is_some_and(|t| {
                !t.partitions.is_empty() && t.partitions.iter().all(|p| p.leader.is_some())
            })
        };
        if names.all().into_iter().all(led) {
            return Ok(());
        }
        if begun.elapsed() > CHANGE_DEADLINE {
            return Err(OpenError::Kafka("the new topics have no leaders".into()));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
