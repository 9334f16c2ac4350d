//! The feed hears announcements: it reads the topics `tallies` and `polls` from their ends on.
//!
//! Of both topics only partition 0 matters. A client reads them on a thread of its own into a
//! bounded queue; a node that falls behind it gets [`FeedLost`].

use std::time::Duration;

use async_trait::async_trait;
use pollux_core::announcement::Announcement;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset as At, TopicPartitionList};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client::{Context, PATIENCE, reader_settings};
use super::listing::Names;
use crate::config::KafkaConfig;
use crate::log::{Feed, FeedLost};

/// The most announcements delivered at once.
const BATCH: usize = 1024;
/// The pause between two checks whether anybody still listens.
const TICK: Duration = Duration::from_millis(100);

/// The topic feed delivers the announcements of all nodes, including this one.
pub(super) struct TopicFeed {
    queue: mpsc::Receiver<Announcement>,
    _stop: DropGuard,
}

/// Listens from now on. It blocks until the positions are fixed.
pub(super) fn listen(
    config: &KafkaConfig,
    names: &Names,
    most: usize,
    stop: &CancellationToken,
) -> Result<TopicFeed, KafkaError> {
    let mut settings = reader_settings(config);
    settings.set("queued.max.messages.kbytes", (config.read_ahead / 1024).max(1).to_string());
    let client: BaseConsumer<Context> = settings.create_with_context(Context)?;
    let mut list = TopicPartitionList::new();
    for topic in [&names.tallies, &names.polls] {
        let (_, end) = client.fetch_watermarks(topic, 0, PATIENCE)?;
        list.add_partition_offset(topic, 0, At::Offset(end))?;
    }
    client.assign(&list)?;
    let (heard, queue) = mpsc::channel(most);
    let stop = stop.child_token();
    let stopped = stop.clone();
    std::thread::Builder::new()
        .name("kafka-feed".into())
        .spawn(move || while !stopped.is_cancelled() && hear(&client, &heard) {})
        .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
    Ok(TopicFeed { queue, _stop: stop.drop_guard() })
}

/// Passes on the next announcement, if there is one; returns `false` when some were missed.
fn hear(client: &BaseConsumer<Context>, heard: &mpsc::Sender<Announcement>) -> bool {
    match client.poll(TICK) {
        None => true,
        Some(Ok(message)) => match message.payload().map(Announcement::decode) {
            Some(Ok(announcement)) => heard.try_send(announcement).is_ok(),
            Some(Err(why)) => {
                let (topic, offset) = (message.topic(), message.offset());
                tracing::warn!(topic, offset, %why, "an announcement cannot be read");
                true
            }
            // A tombstone has no payload.
            None => true,
        },
        Some(Err(error)) => match error.rdkafka_error_code() {
            // The offset at which the feed stood does not exist any more.
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => false,
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => false,
            // The client goes on from where it stood.
            _ => true,
        },
    }
}

#[async_trait]
impl Feed for TopicFeed {
    async fn next(&mut self) -> Result<Vec<Announcement>, FeedLost> {
        let mut all = vec![self.queue.recv().await.ok_or(FeedLost)?];
        while all.len() < BATCH {
            match self.queue.try_recv() {
                Ok(next) => all.push(next),
                Err(_) => break,
            }
        }
        Ok(all)
    }
}
