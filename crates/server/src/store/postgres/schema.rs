//! The database's schema, which the first node to start brings up to date, and every reason not to
//! use the database.

use std::time::Duration;

use postgres_openssl::MakeTlsConnector;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::error::describe;
use super::lease;
use crate::config::PostgresConfig;

mod migrations {
    refinery::embed_migrations!("src/store/postgres/migrations");
}

/// The lock "PLXM", which is held while migrating.
const LOCK: i64 = 0x504c_584d;
/// The time for which a reader waits to learn the schema.
const PATIENCE: Duration = Duration::from_secs(60);
/// The time for which a start waits for another node's migration and its own. Some migrations build
/// an index over all ballots, which takes a second or two per million.
const MIGRATION: Duration = Duration::from_secs(30 * 60);

/// The pause after a migration that found others in its way.
const AGAIN: Duration = Duration::from_millis(500);

/// The query for the number of partitions that the store was made for.
const PARTITIONS: &str = "SELECT value FROM meta WHERE name = 'partitions'";

/// `OpenError` says why the database was not opened. Each message names the database and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody answers.
    #[error(
        "PostgreSQL at {at}: no answer ({why}). Start it, or set DB_HOST and DB_PORT to where it is"
    )]
    Unreachable {
        /// Host and port.
        at: String,
        /// The error.
        why: String,
    },
    /// The server does not accept the account.
    #[error(
        "PostgreSQL at {at} refuses us ({why}). Set DB_USER and DB_PASSWORD to an account of it; if \
         it says \"no encryption\", set POLLUX_DB_TLS=verify"
    )]
    Refused {
        /// Host and port.
        at: String,
        /// What the server said.
        why: String,
    },
    /// The server answers, but is not one that we trust, or speaks no TLS.
    #[error(
        "PostgreSQL at {at}: no TLS ({why}). The server must have TLS on; with POLLUX_DB_TLS=verify \
         its certificate must be for the name in DB_HOST, by an authority in POLLUX_DB_CA (without \
         it, one of the system's)"
    )]
    Tls {
        /// Host and port.
        at: String,
        /// The error.
        why: String,
    },
    /// The settings contradict each other, or name a file that cannot be used.
    #[error("{0}")]
    Settings(String),
    /// There is no such database.
    #[error(
        "PostgreSQL at {at} has no database {name}. Create it (createdb {name}), or set DB_NAME to \
         another"
    )]
    NoDatabase {
        /// Host and port.
        at: String,
        /// The database's name.
        name: String,
    },
    /// The database was written by a newer Pollux.
    #[error(
        "the database {name} was written by a newer Pollux (schema {found}; this one knows up to \
         {known}). Run that version, or a newer one"
    )]
    Newer {
        /// The database.
        name: String,
        /// The schema version found.
        found: i32,
        /// The greatest schema version that this binary knows.
        known: i32,
    },
    /// The database has an older schema or none, and a connection that only reads must not migrate
    /// it.
    #[error(
        "the database {name} has schema {found}, and this Pollux reads {known}: a node migrates it \
         when it starts. Is DB_NAME right?"
    )]
    Older {
        /// The database.
        name: String,
        /// The schema version found; 0 for none.
        found: i32,
        /// The schema version that this binary knows.
        known: i32,
    },
    /// The schema could not be brought up to date.
    #[error(
        "the database {name} could not be migrated to this Pollux's schema: {why}. Give the account \
         the right to create tables in it, or a database of its own"
    )]
    Migration {
        /// The database.
        name: String,
        /// The error.
        why: String,
    },
    /// The log has another number of partitions.
    #[error(
        "the database {name} was made for {found} partitions, not {asked}. The number is fixed when \
         the topic is made: use the topic it was counted from, or begin with an empty database"
    )]
    Partitions {
        /// The database.
        name: String,
        /// The number that it was made for.
        found: String,
        /// The number that was asked for.
        asked: u32,
    },
}

/// Brings the schema up to date, one process at a time.
pub async fn migrate(
    config: &PostgresConfig,
    tls: &MakeTlsConnector,
    partitions: u32,
) -> Result<(), OpenError> {
    let failed = |why| OpenError::Migration { name: config.name.clone(), why };
    let work = async {
        let mut client = connect(config, tls).await?;
        let said = |error: Error| failed(describe(&error));
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(said)?;
        let done = migrate_alone(&mut client, config, partitions).await;
        client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.map_err(said)?;
        done
    };
    let late = || Err(failed(format!("it took more than {MIGRATION:?}")));
    tokio::time::timeout(MIGRATION, work).await.unwrap_or_else(|_| late())
}

async fn migrate_alone(
    client: &mut Client,
    config: &PostgresConfig,
    partitions: u32,
) -> Result<(), OpenError> {
    let name = config.name.clone();
    let failed = |why| OpenError::Migration { name: config.name.clone(), why };
    let said = |error: Error| failed(describe(&error));
    let (found, known) = (applied(client).await.map_err(said)?, known());
    if found > known {
        return Err(OpenError::Newer { name, found, known });
    }
    if (1..known).contains(&found) {
        tracing::info!(found, known, "migrating the store's schema");
    }
    let runner = migrations::migrations::runner();
    while let Err(error) = runner.run_async(client).await {
        if !is_in_the_way(&error) {
            return Err(failed(error.to_string()));
        }
        tracing::info!("others use the tables that are to be migrated; trying again");
        tokio::time::sleep(AGAIN).await;
    }
    let found = made_for(client, partitions).await.map_err(said)?;
    if found != partitions.to_string() {
        return Err(OpenError::Partitions { name, found, asked: partitions });
    }
    Ok(())
}

/// Returns whether a migration failed only because others held what it had to lock. Nothing of it was done then.
fn is_in_the_way(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let code = causes.find_map(|cause| cause.downcast_ref::<Error>()?.code());
    code.is_some_and(|code| {
        [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
    })
}

/// Returns how many partitions the store is for, if it has our schema. Nothing is changed.
pub async fn look(config: &PostgresConfig, tls: &MakeTlsConnector) -> Result<u32, OpenError> {
    let failed = |why| OpenError::Migration { name: config.name.clone(), why };
    let work = async {
        let client = connect(config, tls).await?;
        let said = |error: Error| failed(describe(&error));
        let (name, known) = (config.name.clone(), known());
        match applied(&client).await.map_err(said)? {
            found if found > known => return Err(OpenError::Newer { name, found, known }),
            found if found < known => return Err(OpenError::Older { name, found, known }),
            _ => {}
        }
        let kept = client.query_one(PARTITIONS, &[]).await.map_err(said)?;
        let kept: String = kept.try_get(0).map_err(said)?;
        kept.parse().map_err(|_| failed(format!("{kept:?} partitions")))
    };
    let late = || Err(failed(format!("it took more than {PATIENCE:?}")));
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| late())
}

async fn connect(config: &PostgresConfig, tls: &MakeTlsConnector) -> Result<Client, OpenError> {
    let to = lease::address(config);
    let at = format!("{}:{}", config.host.as_deref().unwrap_or("localhost"), config.port);
    let (client, connection) = to.connect(tls.clone()).await.map_err(|error| {
        let why = describe(&error);
        match error.code() {
            Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
                OpenError::NoDatabase { at, name: config.name.clone() }
            }
            Some(code) if code.code().starts_with("28") => OpenError::Refused { at, why },
            // Only the text tells an error of TLS from an error of the connection.
            None if error.to_string().contains("TLS") => OpenError::Tls { at, why },
            _ => OpenError::Unreachable { at, why },
        }
    })?;
    tokio::spawn(connection);
    Ok(client)
}

/// Returns the schema version that this binary knows.
fn known() -> i32 {
    let runner = migrations::migrations::runner();
    runner.get_migrations().iter().map(refinery::Migration::version).max().unwrap_or(0)
}

/// Returns the schema version that the database has; 0 for an empty one.
async fn applied(client: &Client) -> Result<i32, Error> {
    let there = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !client.query_one(there, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let greatest = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    client.query_one(greatest, &[]).await?.try_get(0)
}

/// Returns the number of partitions that the store is for, which the first start decides.
async fn made_for(client: &Client, partitions: u32) -> Result<String, Error> {
    let first = "INSERT INTO meta VALUES ('partitions', $1) ON CONFLICT DO NOTHING";
    client.execute(first, &[&partitions.to_string()]).await?;
    client.query_one(PARTITIONS, &[]).await?.try_get(0)
}

/// Returns the secret for nodes that are given none, which the first start decides, and whether
/// this was the first. Returns `None` if the nodes before were given theirs. Nodes that start at
/// the same time wait for the first one, because a name has one row only.
pub async fn make_secret(
    client: &Client,
    fresh: &str,
    fingerprint: &str,
) -> Result<Option<(String, bool)>, Error> {
    let first = "WITH first AS (INSERT INTO meta VALUES ('secret', $2) ON CONFLICT DO NOTHING \
                 RETURNING name) INSERT INTO meta SELECT 'made_secret', $1 FROM first";
    let first = client.execute(first, &[&fresh, &fingerprint]).await? == 1;
    let kept = "SELECT value FROM meta WHERE name = 'made_secret'";
    let kept = client.query_opt(kept, &[]).await?;
    kept.map(|row| Ok((row.try_get(0)?, first))).transpose()
}

/// Replaces the kept text about the secrets with `ours`. Returns `false` if another node was
/// faster.
pub async fn follow_secret(client: &Client, kept: &str, ours: &str) -> Result<bool, Error> {
    let follow = "UPDATE meta SET value = $2 WHERE name = 'secret' AND value = $1";
    Ok(client.execute(follow, &[&kept, &ours]).await? == 1)
}

/// Returns what is kept of the secrets, which the first start decides, and whether this was the
/// first.
pub async fn keep_secret(client: &Client, ours: &str) -> Result<(String, bool), Error> {
    let first = "INSERT INTO meta VALUES ('secret', $1) ON CONFLICT DO NOTHING";
    let first = client.execute(first, &[&ours]).await? == 1;
    let kept = "SELECT value FROM meta WHERE name = 'secret'";
    Ok((client.query_one(kept, &[]).await?.try_get(0)?, first))
}
