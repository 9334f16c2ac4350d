//! The listing of the topics: what they are called, which of them exist, and which brokers have their partitions.

use std::collections::BTreeMap;

use rdkafka::consumer::{BaseConsumer, Consumer};
use serde::Serialize;

use super::OpenError;
use super::client::{Context, PATIENCE, reader_settings};
use crate::config::KafkaConfig;

/// `Names` holds the names of the topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The topic of ballots and control records.
    pub votes: String,
    /// The topic of copies of dead records.
    pub dead: String,
    /// The topic of announced tallies and progress.
    pub tallies: String,
    /// The topic of announced polls and events.
    pub polls: String,
}

impl Names {
    /// Returns the names with this prefix.
    pub fn new(prefix: &str) -> Self {
        let named = |name: &str| format!("{prefix}{name}");
        Self {
            votes: named("votes"),
            dead: named("votes.dead"),
            tallies: named("tallies"),
            polls: named("polls"),
        }
    }

    pub(super) fn all(&self) -> [&str; 4] {
        [&self.votes, &self.dead, &self.tallies, &self.polls]
    }
}

/// `Topic` describes a topic as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// The topic's name.
    pub name: String,
    /// The topic's partitions, in order.
    pub partitions: Vec<PartitionState>,
    /// Those of the topic's settings that matter to Pollux.
    pub settings: BTreeMap<String, String>,
}

/// `PartitionState` describes a partition as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionState {
    /// The partition's number.
    pub partition: i32,
    /// The broker that leads it, if one does.
    pub leader: Option<i32>,
    /// The brokers that have a replica.
    pub replicas: Vec<i32>,
    /// The brokers whose replica is in sync.
    pub in_sync: Vec<i32>,
}

/// Returns those of Pollux's topics that exist, with their partitions. Their settings are not asked
/// for.
pub(super) async fn list(config: &KafkaConfig, names: &Names) -> Result<Vec<Topic>, OpenError> {
    let (config, names) = (config.clone(), names.clone());
    let listed = tokio::task::spawn_blocking(move || list_blocking(&config, &names)).await;
    listed.map_err(|error| OpenError::Kafka(error.to_string()))?
}

fn list_blocking(config: &KafkaConfig, names: &Names) -> Result<Vec<Topic>, OpenError> {
    let client: BaseConsumer<Context> = reader_settings(config).create_with_context(Context)?;
    // All topics are asked for, because asking for one may create it.
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
