//! The store in PostgreSQL, for any number of processes.
//!
//! [`commit`] commits a batch, [`polls`] and [`events`] change polls and events, and [`reads`] answers questions.
//! [`texts`] has what polls need whose voters write. [`lease`] lends connections, over [`tls`] or not, [`schema`]
//! creates the tables, and [`newcomers`] knows who need not be looked up. docs/adr/0013 says why a commit is as it is, and docs/adr/0037 why polls and events are
//! documents.

mod commit;
mod error;
mod events;
mod lease;
mod newcomers;
mod polls;
mod ports;
mod reads;
mod rows;
mod schema;
mod texts;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::Pool;
use parking_lot::Mutex;
use pollux_core::announcement::Announcement;
use pollux_core::id::{Offset, Partition, UnixMillis};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::lease::Lease;
use self::newcomers::Newcomers;
pub use self::schema::OpenError;
use super::{ChangeError, Commit, CommitError, Created, Store, StoreError};
use crate::config::PostgresConfig;

/// The time between two looks at whether the server is there, which find out what no call has found out.
const PROBE: Duration = Duration::from_secs(1);

/// `PostgresStore` is the PostgreSQL store. While the server is away it is cheap to ask: every method answers within
/// the configured times. The first call that succeeds ends the trouble.
pub struct PostgresStore {
    partitions: u32,
    pool: Pool,
    /// The time that one call may take, once it has a connection.
    patience: Duration,
    newcomers: Newcomers,
    /// Notified when a text key may have been destroyed.
    destroyed: Arc<Notify>,
    health: Arc<Health>,
    /// The calls under way.
    calls: TaskTracker,
    stop: CancellationToken,
}

/// `Outboxed` is a change of a poll or an event, to be told on the topic `polls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outboxed {
    /// The number of the change, in the order of the changes, for [`PostgresStore::relayed`].
    pub seq: u64,
    /// The revision that the change made.
    pub revision: u64,
    /// The poll or event as it is now: of that revision or a later one.
    pub change: Announcement,
}

/// `Health` is what the last call heard.
#[derive(Default)]
struct Health {
    /// The reason why there was no answer; `None` if there was one.
    down: Mutex<Option<String>>,
}

impl Health {
    fn note(&self, error: Option<&StoreError>) {
        let mut down = self.down.lock();
        match error {
            Some(StoreError::Unavailable(why) | StoreError::Unknown(why)) => {
                if down.is_none() {
                    tracing::warn!(why, "PostgreSQL is not available");
                }
                *down = Some(why.clone());
            }
            _ => {
                if down.take().is_some() {
                    tracing::info!("PostgreSQL is available again");
                }
            }
        }
    }
}

/// `Failure` is an error that says whether the server was there.
trait Failure: From<StoreError> {
    fn of_store(&self) -> Option<&StoreError>;
}

impl Failure for StoreError {
    fn of_store(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Failure for CommitError {
    fn of_store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Fenced => None,
        }
    }
}

impl Failure for ChangeError {
    fn of_store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Conflict | Self::CodeTaken => None,
        }
    }
}

/// Asks one question on a connection of its own, within the time there is.
macro_rules! ask {
    ($self:ident, $lease:ident => $work:expr) => {
        $self
            .within(async {
                let $lease = Lease::take(&$self.pool).await?;
                let answer = $work.await?;
                $lease.give_back();
                Ok::<_, StoreError>(answer)
            })
            .await
    };
}

use ask;

impl PostgresStore {
    /// Brings the database to this binary's schema, and opens it for a log of so many partitions.
    pub async fn open(config: &PostgresConfig, partitions: u32) -> Result<Arc<Self>, OpenError> {
        let tls = tls::connector(config).map_err(OpenError::Settings)?;
        schema::migrate(config, &tls, partitions).await?;
        let store = Arc::new(Self {
            partitions,
            pool: lease::pool(config, tls),
            patience: config.statement,
            newcomers: Newcomers::new(config.voters, partitions),
            destroyed: Arc::default(),
            health: Arc::default(),
            calls: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        let probe = Self::probe(store.pool.clone(), store.health.clone(), store.patience);
        let stop = store.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(probe).await });
        let (pool, patience) = (store.pool.clone(), store.patience);
        let (destroyed, stop) = (store.destroyed.clone(), store.stop.clone());
        tokio::spawn(async move {
            stop.run_until_cancelled(texts::destroy(pool, &destroyed, patience)).await
        });
        Ok(store)
    }

    /// Opens the database for somebody who only reads. Nothing is created or brought up to date, and the
    /// server refuses whatever would change anything.
    pub async fn open_read_only(config: &PostgresConfig) -> Result<Arc<Self>, OpenError> {
        let tls = tls::connector(config).map_err(OpenError::Settings)?;
        let partitions = schema::look(config, &tls).await?;
        Ok(Arc::new(Self {
            partitions,
            pool: lease::readers(config, tls),
            patience: config.statement,
            newcomers: Newcomers::new(0, partitions),
            destroyed: Arc::default(),
            health: Arc::default(),
            calls: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// Returns when the decision about this record was committed; `None` if there is none with a row of
    /// its own, or if the server keeps no such times (`track_commit_timestamp`).
    pub async fn committed_at(
        &self,
        partition: Partition,
        offset: Offset,
    ) -> Result<Option<UnixMillis>, StoreError> {
        ask!(self, lease => reads::committed_at(&lease, partition, offset))
    }

    /// Returns how many partitions the store was made for.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Returns the secret of nodes that are given none, and whether it was made just now from `fresh`;
    /// `None` if the voters are named with one that nodes were given.
    pub async fn make_secret(
        &self,
        fresh: &str,
        fingerprint: &str,
    ) -> Result<Option<(String, bool)>, StoreError> {
        ask!(self, lease => schema::make_secret(&lease, fresh, fingerprint))
    }

    /// Replaces the `kept` text about the secrets with `ours`. Returns `false` if another node was faster.
    pub async fn follow_secret(&self, kept: &str, ours: &str) -> Result<bool, StoreError> {
        ask!(self, lease => schema::follow_secret(&lease, kept, ours))
    }

    /// Returns what is kept of the secrets that the voters are named with, the first one and those that
    /// followed, and whether `ours` was kept just now.
    pub async fn keep_secret(&self, ours: &str) -> Result<(String, bool), StoreError> {
        ask!(self, lease => schema::keep_secret(&lease, ours))
    }

    /// Returns the oldest changes of polls and events that are still to be told, in their order.
    pub async fn outbox(&self, limit: usize) -> Result<Vec<Outboxed>, StoreError> {
        ask!(self, lease => polls::outbox(&lease, limit))
    }

    /// Takes note that everything up to this change was told.
    pub async fn relayed(&self, upto: u64) -> Result<(), StoreError> {
        ask!(self, lease => polls::relayed(&lease, upto))
    }

    /// Looks now and then, so that it is noticed when the server goes while nobody asks, and
    /// when it comes back.
    async fn probe(pool: Pool, health: Arc<Health>, patience: Duration) {
        loop {
            tokio::time::sleep(PROBE).await;
            let looked = async {
                let lease = Lease::take(&pool).await?;
                lease.batch_execute("SELECT 1").await?;
                lease.give_back();
                Ok(())
            };
            let looked = tokio::time::timeout(patience, looked).await;
            let late = || Err(StoreError::Unavailable("no answer".into()));
            health.note(looked.unwrap_or_else(|_| late()).as_ref().err());
        }
    }

    /// Does the work of a call, and gives it up past its time. Then nothing was changed, because no COMMIT is
    /// among `work`.
    async fn within<T, E: Failure>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let _call = self.calls.token();
        let late = || StoreError::Unavailable(format!("no answer within {:?}", self.patience));
        let done = tokio::time::timeout(self.patience, work).await;
        let done = done.unwrap_or_else(|_| Err(late().into()));
        self.health.note(done.as_ref().err().and_then(E::of_store));
        done
    }

    /// Commits what was written.
    async fn finish(&self, lease: Lease) -> Result<(), StoreError> {
        let _call = self.calls.token();
        let done = lease.commit(self.patience).await;
        self.health.note(done.as_ref().err());
        done
    }

    /// Writes something new, and commits it if it is new.
    async fn keep<T>(
        &self,
        write: impl AsyncFnOnce(&Lease) -> Result<Created<T>, StoreError>,
    ) -> Result<Created<T>, StoreError> {
        let (created, lease) = self
            .within::<_, StoreError>(async {
                let lease = Lease::take(&self.pool).await?;
                match write(&lease).await? {
                    new @ Created::New(_) => Ok((new, Some(lease))),
                    other => {
                        lease.roll_back().await?;
                        Ok((other, None))
                    }
                }
            })
            .await?;
        if let Some(lease) = lease {
            self.finish(lease).await?;
        }
        Ok(created)
    }

    /// Replaces something, and commits that unless somebody else came first.
    async fn replace(
        &self,
        write: impl AsyncFnOnce(&Lease) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        let lease = self
            .within(async {
                let lease = Lease::take(&self.pool).await?;
                match write(&lease).await {
                    Ok(()) => Ok(lease),
                    Err(error @ (ChangeError::Conflict | ChangeError::CodeTaken)) => {
                        lease.roll_back().await?;
                        Err(error)
                    }
                    Err(error) => Err(error),
                }
            })
            .await?;
        Ok(self.finish(lease).await?)
    }

    async fn write_and_commit(
        &self,
        partition: Partition,
        commit: &Commit,
    ) -> Result<(), CommitError> {
        let lease = self
            .within(async {
                let lease = Lease::take(&self.pool).await?;
                match commit::write(&lease, partition, commit).await {
                    Ok(()) => Ok(lease),
                    Err(CommitError::Fenced) => {
                        lease.roll_back().await?;
                        Err(CommitError::Fenced)
                    }
                    Err(error) => Err(error),
                }
            })
            .await?;
        fail::fail_point!("store::before_commit");
        self.finish(lease).await?;
        fail::fail_point!("store::after_commit");
        Ok(())
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn ready(&self) -> Result<(), String> {
        if self.stop.is_cancelled() {
            return Err("the store is shut".into());
        }
        match &*self.health.down.lock() {
            Some(why) => Err(format!("PostgreSQL is not available: {why}")),
            None => Ok(()),
        }
    }

    async fn shut(&self) {
        self.stop.cancel();
        // Who waits for a connection is turned away; who has one finishes.
        self.pool.close();
        self.calls.close();
        self.calls.wait().await;
    }
}
