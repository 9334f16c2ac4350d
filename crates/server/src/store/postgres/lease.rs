//! Leases of connections: how connections are made, lent and given back.

use std::ops::Deref;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use postgres_openssl::MakeTlsConnector;
use tokio_postgres::Config;
use tokio_postgres::types::ToSql;

use super::error::of_commit;
use super::tls;
use crate::config::PostgresConfig;
use crate::store::StoreError;

/// Returns how to reach the server. Both ends notice within `statement` that the other one is gone.
pub fn address(config: &PostgresConfig) -> Config {
    let mut to = Config::new();
    to.host(config.host.as_deref().unwrap_or("localhost"))
        .port(config.port)
        .user(config.user.as_deref().unwrap_or("pollux"))
        .password(config.password.0.as_bytes())
        .dbname(&config.name)
        .ssl_mode(tls::mode(config))
        .application_name("pollux")
        .connect_timeout(config.connect)
        .tcp_user_timeout(config.statement)
        .keepalives_idle(config.statement.max(Duration::from_secs(1)))
        .keepalives_interval(Duration::from_secs(1))
        .keepalives_retries(3);
    to
}

/// Makes the pool. Nothing is connected yet.
pub fn pool(config: &PostgresConfig, tls: MakeTlsConnector) -> Pool {
    pool_with(config, tls, session(config))
}

/// Makes the pool of a user who must change nothing.
pub fn readers(config: &PostgresConfig, tls: MakeTlsConnector) -> Pool {
    pool_with(config, tls, session(config) + " -c default_transaction_read_only=on")
}

fn pool_with(config: &PostgresConfig, tls: MakeTlsConnector, session: String) -> Pool {
    let mut to = address(config);
    to.options(session);
    let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(to, tls, how))
        .max_size(config.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(config.wait))
        .create_timeout(Some(config.connect))
        .build()
        .expect("a runtime is given")
}

/// Returns the settings of every session. They rule out reading a whole table: voters are looked up
/// one by one through an index, but a plan made while the table was small would go on reading all
/// of it.
fn session(config: &PostgresConfig) -> String {
    let millis = |time: Duration| time.as_millis().max(1);
    let (statement, lock) = (millis(config.statement), millis(config.lock));
    let idle = millis(config.idle_in_transaction);
    let seconds = config.statement.as_secs().max(1);
    format!(
        "-c synchronous_commit=on -c TimeZone=UTC -c jit=off -c enable_seqscan=off \
         -c enable_bitmapscan=off -c statement_timeout={statement} -c lock_timeout={lock} \
         -c idle_in_transaction_session_timeout={idle} -c tcp_user_timeout={statement} \
         -c tcp_keepalives_idle={seconds} -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3"
    )
}

/// A lease is a connection on loan. If it is dropped before it was given back, because of an error or because
/// its user gave up, it is closed, so that nobody else finds a half-done transaction on it.
pub struct Lease(Option<Object>);

impl Lease {
    /// Runs a statement, and returns how many rows it has touched.
    pub async fn run(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        let statement = self.prepare_cached(sql).await?;
        Ok(self.execute(&statement, params).await?)
    }

    /// Takes a connection from the pool. It waits for one as long as the settings allow.
    pub async fn take(pool: &Pool) -> Result<Self, StoreError> {
        let lent = pool.get().await.map_err(|error| match error {
            deadpool_postgres::PoolError::Backend(error) => {
                StoreError::Unavailable(super::error::describe(&error))
            }
            other => StoreError::Unavailable(other.to_string()),
        })?;
        Ok(Self(Some(lent)))
    }

    /// Gives the connection back to the pool; nothing may be under way on it.
    pub fn give_back(mut self) {
        drop(self.0.take());
    }

    /// Ends the transaction without changing anything.
    pub async fn roll_back(self) -> Result<(), StoreError> {
        self.batch_execute("ROLLBACK").await?;
        self.give_back();
        Ok(())
    }

    /// Commits the transaction. If `patience` runs out, nobody knows whether it was committed.
    pub async fn commit(self, patience: Duration) -> Result<(), StoreError> {
        match tokio::time::timeout(patience, self.batch_execute("COMMIT")).await {
            Ok(Ok(())) => {
                self.give_back();
                Ok(())
            }
            Ok(Err(error)) => Err(of_commit(&error)),
            Err(_) => {
                Err(StoreError::Unknown(format!("COMMIT was not answered within {patience:?}")))
            }
        }
    }
}

impl Deref for Lease {
    type Target = Object;

    fn deref(&self) -> &Object {
        self.0.as_ref().expect("held until it is given back")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}
