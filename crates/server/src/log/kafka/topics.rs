//! The topics: what they must be like, making them, looking at them.
//!
//! | topic | holds | kept |
//! |---|---|---|
//! | `votes` | ballots and control records, over all partitions | for ever |
//! | `votes.dead` | copies of records that are nobody's ballot | for ever |
//! | `tallies` | announced results | the newest of each poll and partition |
//! | `polls` | announced polls | the newest of each |

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pollux_core::id::{Generation, PollId};
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use serde::Serialize;

use super::client::{self, Context, PATIENCE, reader_settings, settings};
use super::{OpenError, genesis};
use crate::ambient::Ambient;
use crate::config::KafkaConfig;

/// Replicas that the promise needs: an acknowledged vote is on two brokers when a third is lost.
const REPLICAS: usize = 3;
/// Brokers that must have a record before it is acknowledged.
pub(super) const IN_SYNC: u32 = 2;
/// Within this the brokers know of a new topic.
const DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks for it.
const PAUSE: Duration = Duration::from_millis(100);

/// What the topics are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Ballots and control records.
    pub votes: String,
    /// Copies of what is nobody's ballot.
    pub dead: String,
    /// Announced results.
    pub tallies: String,
    /// Announced polls.
    pub polls: String,
}

impl Names {
    /// With this prefix.
    pub fn new(prefix: &str) -> Self {
        let named = |name: &str| format!("{prefix}{name}");
        Self {
            votes: named("votes"),
            dead: named("votes.dead"),
            tallies: named("tallies"),
            polls: named("polls"),
        }
    }

    fn all(&self) -> [&str; 4] {
        [&self.votes, &self.dead, &self.tallies, &self.polls]
    }

    /// What a topic is made with, and what of it the promise needs.
    fn plan(&self, topic: &str, config: &KafkaConfig) -> Plan {
        let common = [
            ("min.insync.replicas", IN_SYNC.min(config.replication).to_string()),
            ("unclean.leader.election.enable", "false".to_owned()),
            // A node whose clock is wrong could otherwise be refused.
            ("message.timestamp.type", "LogAppendTime".to_owned()),
        ];
        let own: &[(&str, &str)] = if topic == self.votes || topic == self.dead {
            &[("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1")]
        } else {
            // A feed may be behind by the lag before it misses what was replaced.
            &[("cleanup.policy", "compact"), ("min.compaction.lag.ms", "600000")]
        };
        let own = own.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let partitions = if topic == self.votes { config.partitions } else { 1 };
        Plan { partitions, settings: common.into_iter().chain(own).collect() }
    }
}

struct Plan {
    partitions: u32,
    settings: BTreeMap<&'static str, String>,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its partitions, in order.
    pub partitions: Vec<PartitionState>,
    /// Those of its settings that matter to us.
    pub settings: BTreeMap<String, String>,
}

/// A partition as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionState {
    /// Its number.
    pub partition: i32,
    /// The broker that leads it, if one does.
    pub leader: Option<i32>,
    /// The brokers that have it.
    pub replicas: Vec<i32>,
    /// Those that have all of it.
    pub in_sync: Vec<i32>,
}

/// What was found, or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The topics' names.
    pub names: Names,
    /// How many partitions `votes` has.
    pub partitions: u32,
    /// Which log this is.
    pub generation: Generation,
    /// Topics that were made just now.
    pub created: Vec<String>,
    /// All of them, as they are.
    pub topics: Vec<Topic>,
    /// What about the topics breaks the promise; empty unless that was asked for.
    pub faults: Vec<String>,
    /// Brokers that must have a vote before it is acknowledged.
    pub(super) in_sync: usize,
}

/// Make the topics that are not there, check all of them, and see to the genesis records. This
/// is `pollux topics create`, and the first thing a node does.
pub async fn create(config: &KafkaConfig, ambient: &dyn Ambient) -> Result<Prepared, OpenError> {
    client::check(config)?;
    let names = Names::new(&config.topic_prefix);
    let created = make_missing(config, &names).await?;
    let topics = described(config, &names, names.all().len()).await?;
    let mut faults = check(config, &topics);
    if !faults.is_empty() && !config.weak {
        faults.push("to take them all the same, for a try, set POLLUX_KAFKA_WEAK=true".into());
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
    Ok(Prepared { names, partitions, generation, created, topics, faults, in_sync })
}

/// The topics as they are; those that are not there are left out.
pub async fn describe(config: &KafkaConfig) -> Result<Vec<Topic>, OpenError> {
    client::check(config)?;
    described(config, &Names::new(&config.topic_prefix), 0).await
}

/// The same once there are so many, or the deadline has passed. The broker that is asked may not
/// have heard of a new topic yet, or not of its settings, so it is asked again.
async fn described(
    config: &KafkaConfig,
    names: &Names,
    wanted: usize,
) -> Result<Vec<Topic>, OpenError> {
    let begun = Instant::now();
    loop {
        let mut topics = list(config, names).await?;
        let untold = read_settings(config, names, &mut topics).await?;
        let late = begun.elapsed() > DEADLINE;
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

/// Fill in what the topics are set to, and return the names of those of which the broker that was
/// asked tells nothing. It answers for such a topic with an error, because it has not heard of it
/// yet or because we may not know; the client library drops that error, and the topic then seems
/// to have no settings at all.
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
    // Brokers that have just started are slow to say what they are told to be like.
    let options = AdminOptions::new().request_timeout(Some(DEADLINE));
    let answers = admin.describe_configs(&asked, &options).await?;
    for answer in answers {
        let found = answer.map_err(|code| {
            OpenError::Kafka(format!("the settings of the topics cannot be read: {code}"))
        })?;
        let OwnedResourceSpecifier::Topic(name) = &found.specifier else { continue };
        let Some(topic) = topics.iter_mut().find(|topic| topic.name == *name) else { continue };
        for setting in names.plan(name, config).settings.keys() {
            if let Some(value) = found.get(setting).and_then(|entry| entry.value.clone()) {
                topic.settings.insert((*setting).to_owned(), value);
            }
        }
    }
    let untold = topics.iter().filter(|topic| topic.settings.is_empty());
    Ok(untold.map(|topic| topic.name.clone()).collect())
}

/// Which log is on these topics; `None` if it has not begun. Nothing is written.
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

/// Everything about the topics that breaks the promise, and what to do.
pub fn check(config: &KafkaConfig, topics: &[Topic]) -> Vec<String> {
    let names = Names::new(&config.topic_prefix);
    let mut faults = Vec::new();
    for name in names.all() {
        match topics.iter().find(|topic| topic.name == name) {
            Some(topic) => faults.extend(faults_of(&names, topic)),
            None => {
                faults.push(format!("there is no topic {name}; `pollux topics create` makes it"))
            }
        }
    }
    faults
}

fn faults_of(names: &Names, topic: &Topic) -> Vec<String> {
    let Topic { name, partitions, settings } = topic;
    let mut faults = Vec::new();
    let fewest = partitions.iter().map(|partition| partition.replicas.len()).min();
    if let Some(fewest) = fewest.filter(|fewest| *fewest < REPLICAS) {
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

/// Those of our topics that there are, by name and partitions; their settings are not asked for.
pub(super) async fn list(config: &KafkaConfig, names: &Names) -> Result<Vec<Topic>, OpenError> {
    let (config, names) = (config.clone(), names.clone());
    let listed = tokio::task::spawn_blocking(move || list_blocking(&config, &names)).await;
    listed.map_err(|error| OpenError::Kafka(error.to_string()))?
}

fn list_blocking(config: &KafkaConfig, names: &Names) -> Result<Vec<Topic>, OpenError> {
    let client: BaseConsumer<Context> = reader_settings(config).create_with_context(Context)?;
    // All topics: to ask for one may make it.
    let metadata = client
        .fetch_metadata(None, PATIENCE)
        .map_err(|error| OpenError::no_answer(config, &error))?;
    let mut topics = Vec::new();
    for name in names.all() {
        let Some(found) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            continue;
        };
        let mut partitions: Vec<_> = found
            .partitions()
            .iter()
            .map(|partition| PartitionState {
                partition: partition.id(),
                leader: Some(partition.leader()).filter(|leader| *leader >= 0),
                replicas: partition.replicas().to_vec(),
                in_sync: partition.isr().to_vec(),
            })
            .collect();
        partitions.sort_by_key(|partition| partition.partition);
        topics.push(Topic { name: name.into(), partitions, settings: BTreeMap::new() });
    }
    Ok(topics)
}

/// Make the topics that are not there; the names of those made by us and nobody else.
async fn make_missing(config: &KafkaConfig, names: &Names) -> Result<Vec<String>, OpenError> {
    let there = list(config, names).await?;
    let missing: Vec<_> =
        names.all().into_iter().filter(|name| there.iter().all(|it| it.name != *name)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let plans: Vec<_> = missing.iter().map(|name| (*name, names.plan(name, config))).collect();
    let new = plans.iter().map(|(name, plan)| {
        let replicas = TopicReplication::Fixed(config.replication as i32);
        let topic = NewTopic::new(name, plan.partitions as i32, replicas);
        plan.settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value))
    });
    let new: Vec<_> = new.collect();
    let admin: AdminClient<Context> = settings(config).create_with_context(Context)?;
    let options =
        AdminOptions::new().request_timeout(Some(DEADLINE)).operation_timeout(Some(DEADLINE));
    let (mut created, mut failed) = (Vec::new(), Vec::new());
    for outcome in admin.create_topics(&new, &options).await? {
        match outcome {
            Ok(name) => created.push(name),
            // Another process was faster.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => failed.push(format!(
                "{name} cannot be made with {} replicas: {code}",
                config.replication
            )),
        }
    }
    if !failed.is_empty() {
        return Err(OpenError::Refused(failed));
    }
    // Not every broker knows of them yet.
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
            return Ok(created);
        }
        if begun.elapsed() > DEADLINE {
            return Err(OpenError::Kafka("the new topics have no leaders".into()));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
