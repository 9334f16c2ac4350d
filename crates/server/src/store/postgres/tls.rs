//! TLS to the server, with the OpenSSL that Kafka's client links too.

use std::path::Path;

use openssl::error::ErrorStack;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use postgres_openssl::MakeTlsConnector;
use tokio_postgres::config::SslMode;

use crate::config::{DbTls, PostgresConfig};

/// Returns whether the server is asked for TLS. If it is, there is no connection without.
pub fn mode(config: &PostgresConfig) -> SslMode {
    match config.tls {
        DbTls::Off => SslMode::Disable,
        DbTls::Require | DbTls::Verify => SslMode::Require,
    }
}

/// Makes the connector, which trusts the authorities of the settings. The error names the wrong
/// setting.
pub fn connector(config: &PostgresConfig) -> Result<MakeTlsConnector, String> {
    let failed = |error: ErrorStack| format!("OpenSSL: {error}");
    let mut tls = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
    tls.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(failed)?;
    match (config.tls, &config.ca) {
        (DbTls::Off, None) => {}
        (DbTls::Require, None) => tls.set_verify(SslVerifyMode::NONE),
        // A new connector trusts the system's authorities.
        (DbTls::Verify, None) => {}
        (DbTls::Verify, Some(file)) => tls.set_cert_store(only(file)?),
        (other, Some(_)) => {
            return Err(format!(
                "POLLUX_DB_CA is set, but with POLLUX_DB_TLS={} no certificate is checked; set \
                 POLLUX_DB_TLS=verify",
                other.name()
            ));
        }
    }
    Ok(MakeTlsConnector::new(tls.build()))
}

/// Returns a store with the authorities of one file, and no others.
fn only(file: &Path) -> Result<X509Store, String> {
    let wrong = |why: String| format!("POLLUX_DB_CA={}: {why}", file.display());
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let found = X509::stack_from_pem(&text).map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() {
        return Err(wrong("there is no PEM certificate in it".into()));
    }
    let failed = |error: ErrorStack| wrong(error.to_string());
    let mut store = X509StoreBuilder::new().map_err(failed)?;
    for authority in found {
        store.add_cert(authority).map_err(failed)?;
    }
    Ok(store.build())
}
