//! The backends of the cluster mode: the log on Kafka and the store in PostgreSQL. Before anything is
//! counted, both and the secret are checked to belong together. [`relay`] announces changes of polls that
//! were committed by a node that could not announce them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use pollux_core::id::{Generation, UnixMillis};
use pollux_core::record::Entry;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::credentials::{self, Credential};
use super::secrets::{self, Chain, Unfit};
use super::{Backends, StartError};
use crate::ambient::SharedAmbient;
use crate::config::Config;
use crate::log::kafka::KafkaLog;
use crate::log::kafka::topics::Prepared;
use crate::log::{Log, ReadError};
use crate::store::postgres::PostgresStore;
use crate::store::{Ballots, Listing, Polls, Store, StoreError};

/// The pause between two looks into the outbox, and between two tries to start.
const PAUSE: Duration = Duration::from_millis(500);
/// The most changes of polls that are announced at once.
const MOST_CHANGES: usize = 256;
/// The number of records of a partition that are looked at to see whether it holds votes. [`READ_WAIT`] is
/// the most that reading them may take.
const FIRST_RECORDS: usize = 64;
const READ_WAIT: Duration = Duration::from_secs(5);

/// `Mismatch` says why the servers that were found cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    /// No secret was given, but the other nodes were given one.
    #[error(
        "the other nodes of the database {0} have a POLLUX_SECRET: set it to the same on this one"
    )]
    NoSecret(String),
    /// The store that belongs to the log is gone.
    #[error(
        "the topic {topic} holds votes, but the database {database} holds no poll: the polls they \
         were cast in are lost with it. Name the database they were counted into (DB_HOST, DB_NAME), \
         or restore its newest backup: what it has not counted is counted from the topic. Or begin \
         with topics of another name (POLLUX_TOPIC_PREFIX)"
    )]
    StoreLost {
        /// The database.
        database: String,
        /// The topic of the votes.
        topic: String,
    },
    /// The log cannot be read.
    #[error("the topic {topic}: {error}")]
    NoLog {
        /// The topic of the votes.
        topic: String,
        /// Why it cannot be read.
        error: ReadError,
    },
    /// The given secret is not the one from which the voters' pseudonyms were derived.
    #[error(
        "POLLUX_SECRET is not the secret of the other nodes of the database {0}: with it no \
         voter would be recognised, and everybody could vote again. Give this node the same one, and \
         the same POLLUX_FORMER_SECRETS; if the first was a mistake and nobody has voted yet, run DELETE FROM \
         meta WHERE name = 'secret' in {0}"
    )]
    SecretChanged(String),
    /// Some polls use the former secret on the other nodes, and would use the next on this one.
    #[error("{}", secrets::too_late(*.0))]
    RotatedTooLate(UnixMillis),
    /// Log and store belong to two installations.
    #[error(
        "the database {database} was counted from the log {counted}, but the topic {topic} is the \
         log {found}: use the topic it was counted from (KAFKA_BROKER, POLLUX_TOPIC_PREFIX), or \
         begin with an empty database"
    )]
    Strangers {
        /// The database.
        database: String,
        /// The topic of the votes.
        topic: String,
        /// The generation of the log that the store was counted from.
        counted: Generation,
        /// The generation of the log that was found.
        found: Generation,
    },
    /// The store does not say what it has counted.
    #[error("the database {database}: {error}")]
    Unreadable {
        /// The database.
        database: String,
        /// Why it does not say so.
        error: StoreError,
    },
}

/// Connects to Kafka and PostgreSQL, and checks that log, store and secret belong together.
pub async fn open(config: &Config, ambient: &SharedAmbient) -> Result<Backends, StartError> {
    let deadline = Instant::now() + config.wait;
    let log = patiently(deadline, || async {
        Ok(KafkaLog::open(&config.kafka, &config.log, ambient.clone()).await?)
    })
    .await?;
    let opened = patiently(deadline, || open_store(config, &log, ambient)).await;
    let (store, Secret { text: secret, first }) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            log.shut().await;
            return Err(error);
        }
    };
    let stop = CancellationToken::new();
    if config.roles.processor {
        tokio::spawn(relay(log.clone(), store.clone(), stop.clone()));
    }
    let operator = match &config.admin_token {
        Some(text) => Credential { text: text.clone(), new: false },
        None => Credential { text: credentials::operator_token(&secret), new: first },
    };
    let Prepared { faults, warnings, .. } = log.prepared().clone();
    Ok(Backends {
        log,
        store,
        secret,
        operator,
        faults,
        warnings,
        // What fails here recovers without a restart, because the brokers and the database come back.
        failed: std::future::pending().boxed().shared(),
        relay: Some(stop.drop_guard()),
        lock: None,
    })
}

/// Retries until the deadline while the only error is that nobody answers. Whatever starts a whole cluster
/// starts everything at once.
async fn patiently<T, F>(deadline: Instant, mut attempt: impl FnMut() -> F) -> Result<T, StartError>
where
    F: Future<Output = Result<T, StartError>>,
{
    let mut told = String::new();
    loop {
        let error = match attempt().await {
            Err(error) if error.is_no_answer() && Instant::now() < deadline => error.to_string(),
            done => return done,
        };
        if told != error {
            tracing::warn!("waiting: {error}");
            told = error;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A secret is what all nodes derive the voters' pseudonyms from.
struct Secret {
    text: String,
    /// Whether no node has used this store before.
    first: bool,
}

async fn open_store(
    config: &Config,
    log: &KafkaLog,
    ambient: &SharedAmbient,
) -> Result<(Arc<PostgresStore>, Secret), StartError> {
    let store = PostgresStore::open(&config.db, log.partitions()).await?;
    let belongs = match compare(config, log, &store).await {
        Ok(()) => agree(config, &store, ambient).await,
        Err(error) => Err(error),
    };
    if belongs.is_err() {
        store.shut().await;
    }
    Ok((store, belongs?))
}

/// Checks that the store was counted from this log.
async fn compare(config: &Config, log: &KafkaLog, store: &PostgresStore) -> Result<(), Mismatch> {
    let database = config.db.name.clone();
    let unreadable = |error| Mismatch::Unreadable { database: database.clone(), error };
    let found = log.generation();
    for (_, progress) in store.progress().await.map_err(unreadable)? {
        let counted = progress.generation;
        if counted != found {
            let topic = log.prepared().names.votes.clone();
            return Err(Mismatch::Strangers { database, topic, counted, found });
        }
    }
    let every = Listing { limit: 1, all: true, ..Listing::default() };
    if store.list(every).await.map_err(unreadable)?.is_empty() {
        let topic = log.prepared().names.votes.clone();
        match holds_votes(log).await {
            Ok(false) => {}
            Ok(true) => return Err(Mismatch::StoreLost { database, topic }),
            Err(error) => return Err(Mismatch::NoLog { topic, error }),
        }
    }
    Ok(())
}

/// Returns the secret from which the voters' pseudonyms are derived. If this node is given one, it must be
/// the same as the others'. If it is given none, it is the one that the first such node created and left in
/// the store.
async fn agree(
    config: &Config,
    store: &PostgresStore,
    ambient: &SharedAmbient,
) -> Result<Secret, Mismatch> {
    let database = config.db.name.clone();
    let unreadable = |error| Mismatch::Unreadable { database: database.clone(), error };
    let (text, made) = match &config.secret {
        Some(given) => (given.clone(), false),
        None => {
            let fresh = credentials::fresh(&**ambient);
            let made = store.make_secret(&fresh, &Chain::new(&[], &fresh).to_string()).await;
            let made = made.map_err(unreadable)?;
            made.ok_or_else(|| Mismatch::NoSecret(database.clone()))?
        }
    };
    let ours = Chain::new(&config.former_secrets, &text);
    let first = loop {
        let (kept, first) = store.keep_secret(&ours.to_string()).await.map_err(unreadable)?;
        let next = ours.after_text(&kept, ambient.now());
        match next.map_err(|unfit| match unfit {
            Unfit::Unknown => Mismatch::SecretChanged(database.clone()),
            Unfit::Past(until) => Mismatch::RotatedTooLate(until),
        })? {
            None => break first,
            Some(next) => {
                store.follow_secret(&kept, &next.to_string()).await.map_err(unreadable)?
            }
        };
    };
    if config.secret.is_none() {
        tracing::warn!(
            database,
            "POLLUX_SECRET is not set, so the nodes share a secret that the first of them made. It \
             is kept in the database (table meta, name made_secret): whoever reads the database \
             can find out how a voter voted whose name they know. For more than a try set \
             POLLUX_SECRET to that value on every node, then delete the row"
        );
    }
    Ok(Secret { text, first: first || made })
}

/// Returns whether anybody opened a poll or voted on this log. If so, its first records are not all genesis
/// records, of which there may be several.
async fn holds_votes(log: &KafkaLog) -> Result<bool, ReadError> {
    for partition in 0..log.partitions() {
        let first = match log.end(partition).await? {
            0 | 1 => continue,
            _ => log.read(partition, 0, FIRST_RECORDS, READ_WAIT).await?,
        };
        let polls = |entry| matches!(entry, Ok(Entry::Ballot(_) | Entry::Control(_)));
        if first.iter().any(|record| polls(Entry::decode(&record.value))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Announces what the outbox still holds, in its order, and then deletes it. The node that changed a poll has
/// announced it already, unless it died before it could. Announcing it twice does no harm.
async fn relay(log: Arc<KafkaLog>, store: Arc<PostgresStore>, stop: CancellationToken) {
    let mut full = false;
    let mut failing: Option<String> = None;
    loop {
        let pause = if full { Duration::ZERO } else { PAUSE };
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        let told = relay_some(&log, &store).await;
        full = told.as_ref().is_ok_and(|told| *told >= MOST_CHANGES);
        let error = told.err();
        if let Some(error) = error.as_ref().filter(|error| failing.as_ref() != Some(*error)) {
            tracing::warn!(error, "changes of polls are announced later");
        }
        failing = error;
    }
}

async fn relay_some(log: &KafkaLog, store: &PostgresStore) -> Result<usize, String> {
    let notes = store.outbox(MOST_CHANGES).await.map_err(|error| error.to_string())?;
    let Some(last) = notes.last().map(|note| note.seq) else { return Ok(0) };
    let told = notes.len();
    let changes: Vec<_> = notes.into_iter().map(|note| note.change).collect();
    log.announce(changes).await.map_err(|error| error.to_string())?;
    store.relayed(last).await.map_err(|error| error.to_string())?;
    Ok(told)
}
