//! The group of processors is a consumer group of Kafka that only says who works on which
//! partition. Its members fetch nothing and commit nothing: offsets are the store's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::id::Partition;
use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset as At, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client::{self, settings};
use crate::config::KafkaConfig;
use crate::log::Membership;

/// The pause between the member's checks whether it has to leave.
const TICK: Duration = Duration::from_millis(100);
/// The time for which a member may be silent before the group takes it for dead. It is the shortest
/// time that brokers allow.
const SESSION: Duration = Duration::from_secs(6);
/// The pause between two reports of the client's state.
const STATE: Duration = Duration::from_secs(2);
/// The time for which a client may have no place in the group before it is replaced by a new one. A
/// client finds a place by itself once the brokers let it; this is for one that has got stuck.
const UNSETTLED: Duration = Duration::from_secs(30);

/// A member has a place in the group; dropping it leaves the group.
pub(super) struct Member {
    held: watch::Receiver<Option<Vec<Partition>>>,
    _leave: DropGuard,
}

/// `GroupAssignment` is the client's context, which reports the partitions that the member holds
/// whenever they change.
struct GroupAssignment {
    held: Mutex<BTreeSet<Partition>>,
    told: Arc<watch::Sender<Option<Vec<Partition>>>>,
    /// The time at which the client last said that it has its place in the group.
    settled: Mutex<Instant>,
}

impl GroupAssignment {
    fn new(told: Arc<watch::Sender<Option<Vec<Partition>>>>) -> Self {
        Self { held: Mutex::default(), told, settled: Mutex::new(Instant::now()) }
    }
}

impl ClientContext for GroupAssignment {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::report(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let Some(group) = statistics.cgrp else { return };
        if group.state == "up" && group.join_state == "steady" {
            *self.settled.lock() = Instant::now();
        }
    }
}

impl ConsumerContext for GroupAssignment {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let named = partitions.elements().into_iter().map(|element| element.partition() as u32);
        let named: BTreeSet<Partition> = named.collect();
        let assigned = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let mut held = self.held.lock();
        let done = if assigned {
            held.extend(&named);
            // With an offset given here, the client asks for no committed one.
            partitions
                .set_all_offsets(At::End)
                .and_then(|()| consumer.incremental_assign(partitions))
                .and_then(|()| consumer.pause(partitions))
        } else {
            held.retain(|partition| !named.contains(partition));
            consumer.incremental_unassign(partitions)
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the assignment of partitions was not taken in full");
        }
        let now: Vec<_> = held.iter().copied().collect();
        self.told.send_if_modified(|told| {
            let changed = told.as_ref() != Some(&now);
            if changed {
                tracing::info!(partitions = ?now, "this processor now holds partitions");
            }
            *told = Some(now);
            changed
        });
    }
}

fn member_settings(config: &KafkaConfig) -> ClientConfig {
    let mut client = settings(config);
    client
        .set("group.id", format!("{}pollux-processors", config.topic_prefix))
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", SESSION.as_millis().to_string())
        .set("heartbeat.interval.ms", (SESSION / 4).as_millis().to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("statistics.interval.ms", STATE.as_millis().to_string())
        .set("auto.offset.reset", "latest");
    client
}

/// Joins the group. The member leaves when it is dropped or when `stop` is cancelled.
pub(super) fn join(
    config: &KafkaConfig,
    topic: &str,
    stop: &CancellationToken,
) -> Result<Member, KafkaError> {
    let told = Arc::new(watch::Sender::new(None));
    let held = told.subscribe();
    let (settings, topic) = (member_settings(config), topic.to_owned());
    let subscribe = move || {
        let consumer: BaseConsumer<GroupAssignment> =
            settings.create_with_context(GroupAssignment::new(told.clone()))?;
        consumer.subscribe(&[&topic]).map(|()| consumer)
    };
    let mut consumer = subscribe()?;
    let leave = stop.child_token();
    let left = leave.clone();
    std::thread::Builder::new()
        .name("kafka-member".into())
        .spawn(move || {
            while !left.is_cancelled() {
                // Rebalances arrive through the callback; errors have been logged, and pass.
                let _ = consumer.poll(TICK);
                if consumer.context().settled.lock().elapsed() < UNSETTLED {
                    continue;
                }
                tracing::warn!("no place in the group of processors for long; joining anew");
                match subscribe() {
                    // Dropping the old consumer leaves the group, and gives up what it held.
                    Ok(new) => consumer = new,
                    Err(error) => tracing::warn!(%error, "the group cannot be joined anew yet"),
                }
                *consumer.context().settled.lock() = Instant::now();
            }
            // Dropping the consumer leaves the group.
        })
        .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
    Ok(Member { held, _leave: leave.drop_guard() })
}

#[async_trait]
impl Membership for Member {
    async fn changed(&mut self) -> Vec<Partition> {
        loop {
            if self.held.changed().await.is_err() {
                // The log is shut.
                return std::future::pending().await;
            }
            if let Some(held) = self.held.borrow_and_update().clone() {
                return held;
            }
        }
    }
}
