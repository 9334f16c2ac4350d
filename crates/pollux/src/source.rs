//! `recount`, `export` and `trace` read a data folder or a cluster, beside whatever runs on it. They change
//! nothing and create neither topics nor tables.

use std::path::PathBuf;
use std::sync::Arc;

use pollux_core::id::{Generation, Offset, Partition, PollId};
use pollux_core::standing::Standing;
use pollux_server::config::Config;
use pollux_server::log::embedded::{self, EmbeddedLog, Inspected};
use pollux_server::log::kafka::{self as kafka_log, KafkaLog};
use pollux_server::log::{ReadError, Record};
use pollux_server::store::embedded::EmbeddedStore;
use pollux_server::store::postgres::{OpenError, PostgresStore};
use pollux_server::store::{Listing, Store};

use crate::exit::{Failure, Outcome};
use crate::kafka;
use crate::settings::{Cluster, Only, Variables, data_folder};

/// Polls are read this many at a time.
const PAGE: usize = 500;

/// `Place` has the arguments that say where to read.
#[derive(clap::Args)]
pub struct Place {
    /// Read this data folder, even if KAFKA_BROKER and DB_HOST are set [env: POLLUX_DATA]
    /// [default: ./pollux-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    cluster: Only<Cluster>,
}

/// `Source` is the place of the log and the store.
pub enum Source {
    /// A data folder.
    Folder(PathBuf),
    /// Kafka and PostgreSQL.
    Cluster(Box<Config>),
}

impl Place {
    /// Returns the folder if one was typed, else the cluster if the settings name one, else the default
    /// folder.
    pub fn open(&self) -> Outcome<Source> {
        if self.data.is_some() {
            return Ok(Source::Folder(data_folder(self.data.as_deref())?));
        }
        let variables = Variables::read()?;
        let config = variables.config(&self.cluster.flags)?;
        match (config.kafka.broker.is_empty(), config.db.host.is_none()) {
            (true, true) => Ok(Source::Folder(data_folder(None)?)),
            (false, false) => {
                kafka::warn_on_stderr();
                Ok(Source::Cluster(Box::new(config)))
            }
            // Only a part of a cluster's settings is there, and this error says what is missing.
            _ => {
                variables.server(&self.cluster.flags, false)?;
                Err(Failure::usage("only one of KAFKA_BROKER and DB_HOST is set"))
            }
        }
    }
}

impl Source {
    /// Opens the log for reading.
    pub async fn log(&self) -> Outcome<LogReader> {
        match self {
            Self::Folder(folder) => {
                Ok(LogReader::Folder(Box::new(EmbeddedLog::open_read_only(folder)?)))
            }
            Self::Cluster(config) => {
                let opened = KafkaLog::open_read_only(&config.kafka).await;
                Ok(LogReader::Cluster(opened.map_err(kafka::failure)?))
            }
        }
    }

    /// Opens the store for reading.
    pub async fn store(&self) -> Outcome<Arc<dyn Store>> {
        match self {
            Self::Folder(folder) => Ok(EmbeddedStore::open_read_only(folder)?),
            Self::Cluster(config) => Ok(postgres(config).await?),
        }
    }
}

/// Opens the cluster's store as what it is, for what only PostgreSQL can tell.
pub async fn postgres(config: &Config) -> Outcome<Arc<PostgresStore>> {
    PostgresStore::open_read_only(&config.db).await.map_err(|error| match error {
        OpenError::Unreachable { .. } => Failure::unreachable(error.to_string()),
        error => error.into(),
    })
}

/// `LogReader` is a log that is open for reading.
pub enum LogReader {
    /// The log of a data folder.
    Folder(Box<embedded::LogReader>),
    /// The log of a cluster.
    Cluster(kafka_log::LogReader),
}

impl LogReader {
    /// Returns the log's incarnation.
    pub fn generation(&self) -> Generation {
        match self {
            Self::Folder(log) => log.generation(),
            Self::Cluster(log) => log.generation(),
        }
    }

    /// Returns the number of partitions.
    pub fn partitions(&self) -> u32 {
        match self {
            Self::Folder(log) => log.partitions(),
            Self::Cluster(log) => log.partitions(),
        }
    }

    /// Returns the offset that the next durable record will get, as of now.
    pub async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        match self {
            Self::Folder(log) => log.end(partition),
            Self::Cluster(log) => log.end(partition).await,
        }
    }

    /// Inspects every record of a partition, and returns what is not as it was written. Of a cluster's log it
    /// finds nothing: the brokers keep and check checksums of their own.
    pub fn inspect(&self, partition: Partition) -> Result<Inspected, ReadError> {
        match self {
            Self::Folder(log) => log.inspect(partition),
            Self::Cluster(_) => Ok(Inspected::default()),
        }
    }

    /// Returns up to `most` records from `from` on; none at the end.
    pub async fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
    ) -> Result<Vec<Record>, ReadError> {
        match self {
            Self::Folder(log) => log.read(partition, from, most),
            Self::Cluster(log) => log.read(partition, from, most).await,
        }
    }
}

/// Returns the poll of this id or join code.
pub async fn poll(store: &dyn Store, name: &str) -> Outcome<Standing> {
    let found = match name.parse::<PollId>() {
        Ok(id) => store.standing(id).await?,
        Err(_) => store.by_code(name).await?,
    };
    found.ok_or_else(|| Failure::failed(format!("there is no poll {name} here")))
}

/// Returns every poll, including drafts and deleted polls, newest first.
pub async fn polls(store: &dyn Store) -> Outcome<Vec<Standing>> {
    let mut all: Vec<Standing> = Vec::new();
    loop {
        let before = all.last().map(|standing| standing.poll.id);
        let listing = Listing { status: None, before, limit: PAGE, all: true };
        let page = store.list(listing).await?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}
