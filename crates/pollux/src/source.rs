//! What `recount`, `export` and `trace` read: a data folder or a cluster, beside whatever runs on
//! it. They change nothing, make no topic and no table.

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

/// How many polls are read at a time.
const PAGE: usize = 500;

/// Where to read.
#[derive(clap::Args)]
pub struct Place {
    /// The data folder, even if KAFKA_BROKER and DB_HOST are set [env: POLLUX_DATA]
    /// [default: ./pollux-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    cluster: Only<Cluster>,
}

/// Where log and store are.
pub enum Source {
    /// In this folder.
    Folder(PathBuf),
    /// On Kafka and in PostgreSQL.
    Cluster(Box<Config>),
}

impl Place {
    /// A cluster where the settings name one, unless a folder was typed; else the folder.
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
            // Half a cluster; this says what is missing.
            _ => {
                variables.server(&self.cluster.flags, false)?;
                Err(Failure::usage("of KAFKA_BROKER and DB_HOST only one is set"))
            }
        }
    }
}

impl Source {
    /// Open the log.
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

    /// Open the store.
    pub async fn store(&self) -> Outcome<Arc<dyn Store>> {
        match self {
            Self::Folder(folder) => Ok(EmbeddedStore::open_read_only(folder)?),
            Self::Cluster(config) => Ok(postgres(config).await?),
        }
    }
}

/// The cluster's store, for what only PostgreSQL can tell.
pub async fn postgres(config: &Config) -> Outcome<Arc<PostgresStore>> {
    PostgresStore::open_read_only(&config.db).await.map_err(|error| match error {
        OpenError::Unreachable { .. } => Failure::unreachable(error.to_string()),
        error => error.into(),
    })
}

/// A log, to be read only.
pub enum LogReader {
    /// A folder's.
    Folder(Box<embedded::LogReader>),
    /// A cluster's.
    Cluster(kafka_log::LogReader),
}

impl LogReader {
    /// Which incarnation of the log this is.
    pub fn generation(&self) -> Generation {
        match self {
            Self::Folder(log) => log.generation(),
            Self::Cluster(log) => log.generation(),
        }
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u32 {
        match self {
            Self::Folder(log) => log.partitions(),
            Self::Cluster(log) => log.partitions(),
        }
    }

    /// The offset the next durable record will get, by now.
    pub async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        match self {
            Self::Folder(log) => log.end(partition),
            Self::Cluster(log) => log.end(partition).await,
        }
    }

    /// Look at every record of a partition, and say what is not as it was written. A cluster's brokers
    /// keep checksums of their own, and check them themselves.
    pub fn inspect(&self, partition: Partition) -> Result<Inspected, ReadError> {
        match self {
            Self::Folder(log) => log.inspect(partition),
            Self::Cluster(_) => Ok(Inspected::default()),
        }
    }

    /// Up to `most` records from `from` on; empty at the end.
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

/// One poll, by id or join code.
pub async fn poll(store: &dyn Store, name: &str) -> Outcome<Standing> {
    let found = match name.parse::<PollId>() {
        Ok(id) => store.standing(id).await?,
        Err(_) => store.by_code(name).await?,
    };
    found.ok_or_else(|| Failure::failed(format!("there is no poll {name} here")))
}

/// Every poll, drafts and deleted ones too, newest first.
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
