//! This module makes certificates and settings for TLS and SASL at the brokers, and for TLS at PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::ports::Port;

/// `Certificates` are an authority, and one certificate for all servers, since all of them are at 127.0.0.1.
pub(crate) struct Certificates {
    /// The PEM file of the authority's certificate.
    pub(crate) ca: PathBuf,
    /// The PEM file of the servers' certificate.
    pub(crate) certificate: PathBuf,
    /// The PEM file of the servers' private key.
    pub(crate) key: PathBuf,
}

impl Certificates {
    /// Creates the certificates in this folder.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let make = |args: &[&str]| {
            let output = Command::new("openssl")
                .args(["req", "-x509", "-days", "3650"])
                .args(key)
                .args(args)
                .current_dir(folder)
                .output()
                .context("openssl is missing. On Debian: sudo apt-get install openssl")?;
            if !output.status.success() {
                bail!("openssl: {}", String::from_utf8_lossy(&output.stderr));
            }
            Ok(())
        };
        make(&["-subj", "/CN=Pollux local cluster", "-keyout", "ca.key", "-out", "ca.pem"])?;
        make(&[
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-keyout",
            "server.key",
            "-out",
            "server.pem",
        ])?;
        let [ca, certificate, key] =
            ["ca.pem", "server.pem", "server.key"].map(|file| folder.join(file));
        Ok(Self { ca, certificate, key })
    }
}

/// `Secure` is what a client needs for the secure listeners.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secure {
    /// The PEM file of the authority's certificate.
    pub ca: PathBuf,
    /// The PEM file that holds the brokers' key and certificate.
    identity: PathBuf,
    /// The SASL user, for PLAIN and SCRAM-SHA-512.
    pub user: String,
    /// The SASL user's password.
    pub password: String,
}

impl Secure {
    /// Each broker has these listeners besides the plain one.
    pub(crate) const LISTENERS: [(&'static str, Port); 3] =
        [("SSL", Port::Tls), ("SASL_PLAINTEXT", Port::Sasl), ("SASL_SSL", Port::SaslTls)];

    /// Creates the certificates.
    pub(crate) fn create(folder: &Path, user: &str, password: &str) -> Result<Self> {
        let folder = folder.join("tls");
        let made = Certificates::create(&folder)?;
        let identity = folder.join("identity.pem");
        fs::write(&identity, [fs::read(made.key)?, fs::read(made.certificate)?].concat())?;
        let (user, password) = (user.to_owned(), password.to_owned());
        Ok(Self { ca: made.ca, identity, user, password })
    }

    /// Returns the lines for a broker's settings.
    pub(crate) fn broker_settings(&self) -> String {
        let (user, password) = (&self.user, &self.password);
        let jaas = "org.apache.kafka.common.security";
        let mut text = format!(
            "ssl.keystore.type=PEM\nssl.keystore.location={}\n\
             ssl.truststore.type=PEM\nssl.truststore.location={}\n\
             sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512\n",
            self.identity.display(),
            self.ca.display()
        );
        for listener in ["sasl_plaintext", "sasl_ssl"] {
            text.push_str(&format!(
                "listener.name.{listener}.plain.sasl.jaas.config=\
                 {jaas}.plain.PlainLoginModule required user_{user}=\"{password}\";\n\
                 listener.name.{listener}.scram-sha-512.sasl.jaas.config=\
                 {jaas}.scram.ScramLoginModule required;\n"
            ));
        }
        text
    }
}
