//! The installation's secret and the operator's token: made once, kept in the data folder for
//! the owner of the folder only. A cluster is given its secret, and may derive the token from it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ambient::Ambient;

/// A credential, and whether it was made just now.
pub struct Credential {
    /// Its text.
    pub text: String,
    /// Nobody has seen it yet.
    pub new: bool,
}

/// The credential kept under this name, or a new one of 256 random bits.
pub fn keep(folder: &Path, name: &str, ambient: &dyn Ambient) -> std::io::Result<Credential> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= 16 => {
            return Ok(Credential { text: text.trim().to_owned(), new: false });
        }
        Ok(_) => {
            return Err(std::io::Error::new(
                ErrorKind::InvalidData,
                format!(
                    "{} is damaged: it should hold at least 16 characters. Put back the file it \
                     was; without it, voters and organisers are not recognised",
                    path.display()
                ),
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(named(&path, &error)),
    }
    let text = fresh(ambient);
    write_durably(folder, &path, &text).map_err(|error| named(&path, &error))?;
    Ok(Credential { text, new: true })
}

/// 256 random bits.
pub fn fresh(ambient: &dyn Ambient) -> String {
    URL_SAFE_NO_PAD.encode(ambient.random::<32>())
}

/// What tells one secret from another and gives neither away.
pub fn fingerprint(secret: &str) -> [u8; 16] {
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&derive(secret, b"pollux secret fingerprint")[..16]);
    fingerprint
}

/// The operator's token of a cluster that is given none: the same on every node.
pub fn operator_token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(derive(secret, b"pollux operator token"))
}

/// A keyed hash, with a purpose of its own like the keys in `api/identity.rs`.
fn derive(secret: &str, purpose: &[u8]) -> [u8; 32] {
    let mut mac: Hmac<Sha256> =
        Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}

/// Whole or not at all: a half-written secret would change who everybody is.
fn write_durably(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

fn named(path: &Path, error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
