//! The settings that every Kafka client of a node shares: the brokers' addresses, how it
//! authenticates, how long it waits, and where librdkafka's messages are logged.

use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::OpenError;
use crate::config::KafkaConfig;

/// The time that a question to the brokers may take, such as where a partition ends.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The time that the brokers may take to learn of a new topic, or of a setting that was altered.
pub(super) const CHANGE_DEADLINE: Duration = Duration::from_secs(30);

/// The number of replicas that the promise needs: when one of three brokers is lost, two still
/// acknowledge votes.
pub(super) const REPLICAS: u32 = 3;

/// Returns the settings that all clients share. Brokers that are gone are tried again within a
/// second: by default librdkafka backs off to ten seconds, and a healed cluster would stay
/// unavailable for as long.
pub(super) fn settings(config: &KafkaConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", config.broker.join(","))
        .set("client.id", "pollux")
        .set("security.protocol", protocol(config))
        .set("socket.keepalive.enable", "true")
        .set("socket.nagle.disable", "true")
        // A broker that is stopped keeps its connections open and answers nothing.
        .set("socket.timeout.ms", "4000")
        .set("socket.connection.setup.timeout.ms", "4000")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("retry.backoff.ms", "50")
        .set("retry.backoff.max.ms", "500")
        // A broker that has only just started may answer that it knows no such topic, or no leader.
        // The question is repeated within a second, also where no other client would ask:
        // librdkafka's default is 5 minutes.
        .set("topic.metadata.refresh.interval.ms", "1000")
        // A topic that was removed must not come back empty because a client asks for it.
        .set("allow.auto.create.topics", "false")
        .set("log.connection.close", "false");
    let mut file = |name: &str, path: &Option<std::path::PathBuf>| {
        if let Some(path) = path {
            client.set(name, path.to_string_lossy());
        }
    };
    file("ssl.ca.location", &config.ca);
    file("ssl.certificate.location", &config.certificate);
    file("ssl.key.location", &config.key);
    if let Some(sasl) = config.sasl {
        client
            .set("sasl.mechanism", sasl.name())
            .set("sasl.username", config.user.as_deref().unwrap_or_default())
            .set("sasl.password", config.password.as_ref().map_or("", |password| &password.0));
    }
    client
}

fn protocol(config: &KafkaConfig) -> &'static str {
    match (config.tls, config.sasl) {
        (false, None) => "plaintext",
        (true, None) => "ssl",
        (false, Some(_)) => "sasl_plaintext",
        (true, Some(_)) => "sasl_ssl",
    }
}

/// Checks that the settings are complete and do not contradict each other.
pub(super) fn check(config: &KafkaConfig) -> Result<(), OpenError> {
    let wrong = if config.broker.is_empty() {
        "no broker is named; set KAFKA_BROKER"
    } else if config.sasl.is_some() != config.user.is_some()
        || config.user.is_some() != config.password.is_some()
    {
        "SASL mechanism, user and password must be set together; set POLLUX_KAFKA_SASL, \
         POLLUX_KAFKA_USER and POLLUX_KAFKA_PASSWORD, or none of them"
    } else if config.certificate.is_some() != config.key.is_some() {
        "certificate and key must be set together; set POLLUX_KAFKA_CERTIFICATE and \
         POLLUX_KAFKA_KEY, or neither"
    } else if !config.tls && (config.ca.is_some() || config.certificate.is_some()) {
        "there are certificates for Kafka, but TLS is not asked for; set POLLUX_KAFKA_TLS=true"
    } else if config.linger >= config.timeout {
        "a record would wait longer for more records than for its acknowledgement; set \
         POLLUX_KAFKA_LINGER below POLLUX_KAFKA_TIMEOUT"
    } else if config.replication < REPLICAS && !config.weak {
        "topics created with fewer than 3 replicas break the promise; set \
         POLLUX_KAFKA_REPLICATION=3, or POLLUX_KAFKA_WEAK=true to accept them anyway"
    } else {
        return Ok(());
    };
    Err(OpenError::Settings(wrong.into()))
}

/// Returns the settings of a client that reads a topic from the offset it is given. It belongs to
/// no group that the brokers know of, but librdkafka requires the name of one all the same.
pub(super) fn reader_settings(config: &KafkaConfig) -> ClientConfig {
    let mut client = settings(config);
    client
        .set("group.id", format!("{}pollux-readers", config.topic_prefix))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A reader must never skip over what is missing.
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_uncommitted")
        // After a seek the client waits for the fetch under way to return.
        .set("fetch.wait.max.ms", "100")
        .set("fetch.error.backoff.ms", "100")
        .set("fetch.queue.backoff.ms", "20");
    client
}

/// The context of a client logs librdkafka's messages at lower levels than librdkafka gives them:
/// librdkafka tries again by itself, and whoever waits learns the outcome.
#[derive(Default)]
pub(super) struct Context;

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report(&error, reason);
    }
}

impl ConsumerContext for Context {}

/// Logs a line of librdkafka's own log.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::info!(target: "kafka", facility, "{message}"),
        _ => tracing::debug!(target: "kafka", facility, "{message}"),
    }
}

/// Logs an error that concerns a client as a whole.
pub(super) fn report(error: &KafkaError, reason: &str) {
    match error.rdkafka_error_code() {
        // These are errors that an operator must act on.
        Some(
            RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::SSL
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::Fatal,
        ) => tracing::warn!(target: "kafka", "{error}: {reason}"),
        _ => tracing::debug!(target: "kafka", "{error}: {reason}"),
    }
}
