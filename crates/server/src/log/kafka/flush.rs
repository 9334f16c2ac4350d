//! Brokers flush votes to disk before they acknowledge them if the topic says so.
//!
//! Kafka by itself acknowledges what is in the memory of two machines. Suppose that two of three
//! brokers die. The third is then the last in the set of replicas in sync. If it loses its memory as
//! well, it comes back without those records and leads all the same, and the other two cut their
//! logs down to its own.
//! With `flush.messages=1` every replica has flushed a batch before the batch counts as replicated.
//!
//! Only `votes` needs this: whatever is on the other topics is in the store as well, and a node
//! that missed some of it reads the store.

use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigEntry, ConfigResource, ConfigSource,
    ResourceSpecifier,
};

use super::OpenError;
use super::client::{self, CHANGE_DEADLINE, Context, settings};
use super::listing::{self, Names, Topic};
use crate::config::{Flush, KafkaConfig};

/// The setting of a topic that says after how many records a broker flushes.
pub const SETTING: &str = "flush.messages";
/// The value with which no record is acknowledged before it is on disk.
pub(super) const EACH: &str = "1";
/// The pause between two looks whether the brokers have taken a setting over.
const PAUSE: Duration = Duration::from_millis(100);

/// Returns the warning about a topic of votes whose brokers acknowledge what they have not flushed.
pub(super) fn unflushed(names: &Names, topics: &[Topic]) -> Option<String> {
    let votes = topics.iter().find(|topic| topic.name == names.votes)?;
    let found = votes.settings.get(SETTING);
    let what = match found {
        Some(value) if value == EACH => return None,
        Some(value) => format!(
            "{} has {SETTING}={value}: brokers acknowledge votes that are not on disk, and a power \
             cut at the last broker in sync loses them",
            names.votes
        ),
        None => format!("no broker says whether it flushes {} ({SETTING})", names.votes),
    };
    Some(format!(
        "{what}; `pollux topics alter` sets it to {EACH}, and POLLUX_KAFKA_FLUSH=off accepts it"
    ))
}

/// `Altered` says what became of the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// The topic of the votes.
    pub topic: String,
    /// The value before.
    pub was: String,
    /// The value that the brokers now report.
    pub is: String,
}

/// Has brokers flush the votes as the configuration says, on a topic that exists.
pub async fn alter(config: &KafkaConfig) -> Result<Altered, OpenError> {
    client::check(config)?;
    let names = Names::new(&config.topic_prefix);
    let there = listing::list(config, &names).await?;
    let topic = names.votes;
    if there.iter().all(|found| found.name != topic) {
        let missing = format!("there is no topic {topic}; `pollux topics create` creates it");
        return Err(OpenError::Missing(missing));
    }
    let admin: AdminClient<Context> = settings(config).create_with_context(Context)?;
    let found = read(&admin, &topic).await?;
    let was = value(&found);
    let fits = |value: &str| (value == EACH) == (config.flush != Flush::Off);
    if fits(&was) {
        return Ok(Altered { topic, is: was.clone(), was });
    }
    // This request replaces all of a topic's own settings, so those that it has are sent again.
    let kept = found.entries.iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
    let kept = kept.filter(|entry| entry.name != SETTING);
    if let Some(hidden) = kept.clone().find(|entry| entry.value.is_none()) {
        return Err(OpenError::Refused(vec![format!(
            "the brokers hide the value of {} of {topic}, which would be lost: set {SETTING} with the \
             brokers' own tools",
            hidden.name
        )]));
    }
    let kept = kept.filter_map(|entry| Some((entry.name.as_str(), entry.value.as_deref()?)));
    let own = (config.flush != Flush::Off).then_some((SETTING, EACH));
    let change = kept
        .chain(own)
        .fold(AlterConfig::new(ResourceSpecifier::Topic(&topic)), |all, (name, value)| {
            all.set(name, value)
        });
    let done = admin.alter_configs([&change], &options()).await?;
    if let Some(Err((_, code))) = done.into_iter().next() {
        return Err(refused(&topic, &code));
    }
    let begun = Instant::now();
    loop {
        let is = value(&read(&admin, &topic).await?);
        if fits(&is) {
            return Ok(Altered { topic, was, is });
        }
        if begun.elapsed() > CHANGE_DEADLINE {
            return Err(OpenError::Refused(vec![format!(
                "{topic} still has {SETTING}={is}; do the brokers' own settings ask for it \
                 (log.flush.interval.messages)?"
            )]));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CHANGE_DEADLINE))
}

fn refused(topic: &str, code: &dyn std::fmt::Display) -> OpenError {
    OpenError::Refused(vec![format!(
        "{SETTING} of {topic} cannot be altered: {code}. This account may need the rights \
         DescribeConfigs and AlterConfigs on the topic"
    )])
}

/// Reads all settings of the topic. The client library gives a topic whose settings this account may
/// not read as one without settings; it must not be altered then, because that would take its own
/// settings away.
async fn read(admin: &AdminClient<Context>, topic: &str) -> Result<ConfigResource, OpenError> {
    let asked = [ResourceSpecifier::Topic(topic)];
    let answers = admin.describe_configs(&asked, &options()).await?;
    match answers.into_iter().next() {
        Some(Ok(found)) if !found.entries.is_empty() => Ok(found),
        Some(Err(code)) => Err(refused(topic, &code)),
        _ => Err(OpenError::Missing(format!(
            "no broker tells the settings of {topic}: this account may need the right to read them \
             (DescribeConfigs on the topic)"
        ))),
    }
}

fn value(found: &ConfigResource) -> String {
    found.get(SETTING).and_then(told).unwrap_or_else(|| "unknown".into())
}

/// Returns how the setting is told. Only the topic's own value is told bare: one broker answers for all,
/// and fills in a default of its own, which others need not share.
pub(super) fn told(entry: &ConfigEntry) -> Option<String> {
    let value = entry.value.clone()?;
    match entry.source {
        ConfigSource::DynamicTopic => Some(value),
        _ => Some(format!("{value} by default")),
    }
}
