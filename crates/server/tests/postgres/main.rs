//! The PostgreSQL store is tested on a real PostgreSQL: against the contract that every store keeps, and
//! against what only a server between two processes can do wrong.

#![allow(clippy::unwrap_used)]

mod away;
mod documents;
mod full;
mod older;
mod schema;
mod texts;
mod tls;
mod workers;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_cluster::Postgres;
use pollux_server::config::{Password, PostgresConfig};
use pollux_server::store::Store;
use pollux_server::store::conformance::{Backend, model};
use pollux_server::store::postgres::PostgresStore;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Returns the server of all tests that do not harm it; the last test to let go of it ends it.
fn shared() -> Arc<Postgres> {
    static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock();
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Postgres::start().unwrap());
        *shared = Arc::downgrade(&server);
        server
    })
}

/// Creates a database of its own.
fn database(server: &Postgres) -> PostgresConfig {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("polling{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let to = server.database();
    to.query(&format!("CREATE DATABASE {name}")).unwrap();
    PostgresConfig {
        host: Some(to.host.clone()),
        port: to.port,
        user: Some(to.user.clone()),
        password: Password(to.password.clone()),
        name,
        connections: 4,
        ..PostgresConfig::default()
    }
}

/// Runs statements on a database, past the store.
async fn sql(config: &PostgresConfig, statements: &str) {
    let client = client(config).await;
    client.batch_execute(statements).await.unwrap();
}

async fn client(config: &PostgresConfig) -> tokio_postgres::Client {
    let mut to = tokio_postgres::Config::new();
    to.host(config.host.as_ref().unwrap())
        .port(config.port)
        .user(config.user.as_ref().unwrap())
        .password(&config.password.0)
        .dbname(&config.name);
    let (client, connection) = to.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// `Real` makes PostgreSQL stores for the suite.
struct Real {
    server: Arc<Postgres>,
    /// The number of voters that the store remembers: with 1 nearly all of them are looked up.
    voters: usize,
    last: Mutex<Option<(PostgresConfig, u32)>>,
}

impl Real {
    fn with(voters: usize) -> Self {
        Self { server: shared(), voters, last: Mutex::default() }
    }
}

#[async_trait]
impl Backend for Real {
    async fn fresh(&self, partitions: u32) -> Arc<dyn Store> {
        let config = PostgresConfig { voters: self.voters, ..database(&self.server) };
        let store = PostgresStore::open(&config, partitions).await.unwrap();
        *self.last.lock() = Some((config, partitions));
        store
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store.shut().await;
        let (config, partitions) = self.last.lock().clone().unwrap();
        PostgresStore::open(&config, partitions).await.unwrap()
    }
}

pollux_server::store_conformance! {
    postgres = crate::Real::with(1 << 20),
    postgres_looking_up = crate::Real::with(1)
}

#[test]
fn postgres_answers_as_memory_does() {
    let _server = shared();
    let voters = prop_oneof![1..8_usize, Just(10_000)];
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let done = runner.run(&(voters, model::steps()), |(voters, steps)| {
        model::answers_as_memory_does(Box::new(Real::with(voters)), steps);
        Ok(())
    });
    done.unwrap();
}

/// Waits until `so` holds.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let patience = Duration::from_secs(30);
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(patience, waiting).await.unwrap_or_else(|_| panic!("never {what}"));
}
