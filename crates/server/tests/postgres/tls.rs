//! The store speaks TLS to a server that lets nobody in without it.

use std::path::{Path, PathBuf};

use pollux_cluster::Postgres;
use pollux_server::config::{DbTls, PostgresConfig};
use pollux_server::store::Store;
use pollux_server::store::conformance::{Worker, ballot_id, create, open_poll, voter};
use pollux_server::store::postgres::{OpenError, PostgresStore};

use super::{database, shared};

fn with(config: &PostgresConfig, tls: DbTls, ca: Option<&Path>) -> PostgresConfig {
    PostgresConfig { tls, ca: ca.map(PathBuf::from), ..config.clone() }
}

async fn refused(config: &PostgresConfig) -> (OpenError, String) {
    let error = PostgresStore::open(config, 1).await.err().expect("refused");
    let text = error.to_string();
    (error, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_verifies_the_authority_and_the_name() {
    let server = Postgres::start_with_tls().unwrap();
    let ca = server.ca().unwrap();
    let plain = database(&server);

    let (why, text) = refused(&plain).await;
    assert!(matches!(why, OpenError::Refused { .. }), "{text}");
    assert!(text.contains("no encryption") && text.contains("POLLUX_DB_TLS=verify"), "{text}");

    // The system's authorities do not know this server's authority, and neither does another server's own.
    let (why, text) = refused(&with(&plain, DbTls::Verify, None)).await;
    assert!(matches!(why, OpenError::Tls { .. }), "{text}");
    assert!(text.contains("certificate verify failed") && text.contains("POLLUX_DB_CA"), "{text}");
    let other = Postgres::start_with_tls().unwrap();
    let (why, text) = refused(&with(&plain, DbTls::Verify, other.ca())).await;
    assert!(matches!(why, OpenError::Tls { .. }), "{text}");

    // The authority is right, but the certificate does not contain this name of 127.0.0.1.
    let named = PostgresConfig { host: Some("127.1".into()), ..plain.clone() };
    let (why, text) = refused(&with(&named, DbTls::Verify, Some(ca))).await;
    assert!(matches!(why, OpenError::Tls { .. }), "{text}");
    assert!(text.contains("mismatch"), "{text}");

    let (why, text) = refused(&with(&plain, DbTls::Require, Some(ca))).await;
    assert!(matches!(why, OpenError::Settings(_)), "{text}");
    let empty = ca.with_file_name("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let (why, text) = refused(&with(&plain, DbTls::Verify, Some(&empty))).await;
    assert!(matches!(why, OpenError::Settings(_)) && text.contains("empty.pem"), "{text}");
    let (why, text) = refused(&with(&database(&shared()), DbTls::Require, None)).await;
    assert!(matches!(why, OpenError::Tls { .. }) && text.contains("TLS on"), "{text}");

    let trusted = [with(&plain, DbTls::Verify, Some(ca)), with(&named, DbTls::Require, None)];
    for (n, trusted) in (1..).zip(trusted) {
        let store = PostgresStore::open(&trusted, 1).await.unwrap();
        let poll = create(&*store, open_poll(n)).await;
        let mut worker = Worker::begin(&*store, 0).await;
        worker.vote(&poll, voter(1), ballot_id(n), &[1]).await;
        let encrypted = "SELECT count(*) FILTER (WHERE NOT ssl), count(*) FILTER (WHERE ssl) \
                         FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                         WHERE application_name = 'pollux'";
        let counted = server.database().query(encrypted).unwrap();
        let (without, within) = counted.split_once('|').unwrap();
        assert_eq!(without, "0", "{counted}");
        assert_ne!(within, "0", "{counted}");
        store.shut().await;
    }
}
