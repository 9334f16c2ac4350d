//! The health check asks the brokers again and again whether Kafka takes votes, so that a vote that
//! certainly cannot be recorded is refused at once and not after a timeout.
//!
//! A refusal is always true, because what is never sent is never recorded. What was sent before
//! keeps its own outcome. A verdict holds for a short time only; then appends are tried again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use pollux_core::id::Partition;
use rdkafka::client::{Client, ClientContext};
use rdkafka::producer::Producer as _;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::genesis;
use super::producer::{Producer, in_a_line};
use super::topics::Prepared;
use crate::config::KafkaConfig;

/// The pause between two looks while all is well.
const LOOK: Duration = Duration::from_secs(1);
/// The pause between two looks while something is wrong.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// The time that a broker may take to say what it knows.
const ANSWER: Duration = Duration::from_secs(3);
/// The time for which a verdict holds; the next one comes before that.
const HOLDS: Duration = Duration::from_secs(4);
/// The time for which a verdict holds that only another one can lift: nothing may be appended to
/// what may be another log.
const FOR_GOOD: Duration = Duration::from_secs(365 * 24 * 3600);

/// The health says why votes would not be recorded, by partition, as of the last look.
pub(super) struct Health {
    /// Whether there is any reason, so that an append need not take the lock while all is well.
    troubled: AtomicBool,
    verdict: RwLock<Verdict>,
}

/// A verdict is what the last look found, and until when that holds.
struct Verdict {
    trouble: Trouble,
    until: Instant,
}

/// Trouble is what a look found wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The reason that concerns all partitions.
    all: Option<String>,
    /// Whether the topic does not exist, or has another number of partitions.
    gone: bool,
    /// What each partition lacks.
    partitions: BTreeMap<Partition, String>,
}

impl Trouble {
    fn everywhere(why: String) -> Self {
        Self { all: Some(why), ..Self::default() }
    }

    fn is_none(&self) -> bool {
        self.all.is_none() && self.partitions.is_empty()
    }

    /// Returns the trouble in one line.
    fn summary(&self) -> Option<String> {
        if let Some(why) = &self.all {
            return Some(why.clone());
        }
        in_a_line(self.partitions.values().cloned().collect())
    }
}

impl Health {
    /// Creates a health check that has found no trouble.
    pub(super) fn new() -> Self {
        let verdict = Verdict { trouble: Trouble::default(), until: Instant::now() };
        Self { troubled: AtomicBool::new(false), verdict: RwLock::new(verdict) }
    }

    /// Checks whether a record for this partition could be recorded, as far as the last look can
    /// tell.
    pub(super) fn takes(&self, partition: Partition) -> Result<(), String> {
        if !self.troubled.load(Ordering::Acquire) {
            return Ok(());
        }
        let Verdict { trouble, until } = &*self.verdict.read();
        let why = trouble.all.as_ref().or_else(|| trouble.partitions.get(&partition));
        match why.filter(|_| Instant::now() < *until) {
            Some(why) => Err(why.clone()),
            None => Ok(()),
        }
    }

    /// Checks whether all partitions take votes, for `/readyz`.
    pub(super) fn ready(&self) -> Result<(), String> {
        match self.troubled.load(Ordering::Acquire) {
            true => self.verdict.read().trouble.summary().map_or(Ok(()), Err),
            false => Ok(()),
        }
    }

    /// Returns what is wrong now, if it is expected to pass. That the topic is gone, or is another
    /// log, does not pass.
    pub(super) fn hindrance(&self) -> Option<String> {
        if !self.troubled.load(Ordering::Acquire) {
            return None;
        }
        let verdict = self.verdict.read();
        verdict.trouble.summary().filter(|_| verdict.until < Instant::now() + FOR_GOOD / 2)
    }

    /// Replaces the verdict, and logs what has changed.
    pub(super) fn judge(&self, trouble: Trouble, holds: Duration) {
        let troubled = !trouble.is_none();
        let mut verdict = self.verdict.write();
        match trouble.summary() {
            Some(why) if verdict.trouble != trouble => tracing::warn!("{why}"),
            None if !verdict.trouble.is_none() => tracing::info!("Kafka takes votes again"),
            _ => {}
        }
        *verdict = Verdict { trouble, until: Instant::now() + holds };
        self.troubled.store(troubled, Ordering::Release);
    }
}

/// Looks again and again until `stop`.
pub(super) async fn watch(
    health: Arc<Health>,
    producer: Arc<Producer>,
    (config, prepared): (KafkaConfig, Prepared),
    stop: CancellationToken,
) {
    // Whether the topic was gone, so that it may be another one now.
    let mut doubt = false;
    loop {
        let mut pause = LOOK;
        if let Some(client) = producer.client() {
            let before = producer.acknowledged();
            let expected = prepared.clone();
            let ask = move || look(client.client(), &expected);
            let found = tokio::task::spawn_blocking(ask).await;
            let found = found.unwrap_or_else(|error| Err(error.to_string()));
            let trouble = match found {
                Ok(trouble) => trouble,
                // Records were acknowledged meanwhile, so only the question was lost.
                Err(_) if producer.acknowledged() != before => Trouble::default(),
                Err(why) => Trouble::everywhere(format!("no broker answers: {why}")),
            };
            if !trouble.is_none() {
                pause = LOOK_AGAIN;
            }
            if trouble.gone {
                doubt = true;
                health.judge(trouble, FOR_GOOD);
            } else if doubt {
                match confirm(&config, &prepared).await {
                    Ok(()) => {
                        doubt = false;
                        health.judge(trouble, HOLDS);
                    }
                    Err(why) => health.judge(Trouble::everywhere(why), FOR_GOOD),
                }
            } else {
                health.judge(trouble, HOLDS);
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

/// Checks whether the topic of that name is still the log it was.
async fn confirm(config: &KafkaConfig, prepared: &Prepared) -> Result<(), String> {
    let (config, prepared) = (config.clone(), prepared.clone());
    let ask = move || {
        let Prepared { names, partitions, generation, .. } = &prepared;
        genesis::confirm(&config, &names.votes, *partitions, *generation)
    };
    tokio::task::spawn_blocking(ask).await.unwrap_or_else(|error| Err(error.to_string()))
}

/// Asks a broker which partitions have no leader, or too few replicas in sync.
fn look(client: &Client<impl ClientContext>, expected: &Prepared) -> Result<Trouble, String> {
    let (topic, in_sync) = (expected.names.votes.as_str(), expected.in_sync);
    let metadata = client.fetch_metadata(Some(topic), ANSWER).map_err(|error| error.to_string())?;
    let partitions = metadata.topics().first().map(|topic| topic.partitions()).unwrap_or_default();
    if partitions.len() != expected.partitions as usize {
        let why = match partitions.len() {
            0 => format!("the brokers know of no topic {topic}"),
            found => format!("{topic} has {found} partitions and had {}", expected.partitions),
        };
        return Ok(Trouble { gone: true, ..Trouble::everywhere(why) });
    }
    let lacks = partitions.iter().filter_map(|partition| {
        let (n, has) = (partition.id(), partition.isr().len());
        let why = if partition.leader() < 0 {
            format!("partition {n} of {topic} has no leader")
        } else if has < in_sync {
            format!("partition {n} of {topic} has {has} of {in_sync} brokers in sync that it needs")
        } else {
            return None;
        };
        Some((n as Partition, why))
    });
    Ok(Trouble { partitions: lacks.collect(), ..Trouble::default() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_one_partition_lacks_is_refused_there_and_for_a_short_time() {
        let health = Health::new();
        health.takes(1).unwrap();
        let partitions = [(1, "no leader".to_owned())].into();
        let trouble = Trouble { partitions, ..Trouble::default() };
        health.judge(trouble.clone(), HOLDS);
        health.takes(0).unwrap();
        assert_eq!(health.takes(1), Err("no leader".into()));
        health.ready().unwrap_err();
        assert_eq!(health.hindrance().as_deref(), Some("no leader"));
        // Nobody looks any more, so appends must find out for themselves.
        tokio::time::advance(HOLDS).await;
        health.takes(1).unwrap();
        health.judge(trouble, HOLDS);
        health.takes(1).unwrap_err();
        health.judge(Trouble::default(), HOLDS);
        health.takes(1).unwrap();
        health.ready().unwrap();
        health.judge(Trouble::everywhere("nobody answers".into()), FOR_GOOD);
        tokio::time::advance(10 * HOLDS).await;
        assert_eq!(health.takes(7), Err("nobody answers".into()));
        assert_eq!(health.ready(), Err("nobody answers".into()));
        assert_eq!(health.hindrance(), None, "it does not pass");
    }
}
