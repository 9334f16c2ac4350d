//! The installation's secret and the operator's token. They are created once and kept in the data folder,
//! readable by the owner of the folder only. A cluster is given its secret or shares one in the database, and
//! may derive the token from it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ambient::Ambient;

/// A credential is a secret or a token that is kept under a name.
pub struct Credential {
    /// The credential itself.
    pub text: String,
    /// Whether it was created just now, so that nobody has seen it yet.
    pub new: bool,
}

/// Returns the credential that is kept under this name, or creates and keeps a new one of 256 random bits.
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
                    "{} is damaged: it should hold at least 16 characters. Restore the original \
                     file; without it, voters and organisers are not recognised",
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

/// Creates a credential of 256 random bits.
pub fn fresh(ambient: &dyn Ambient) -> String {
    URL_SAFE_NO_PAD.encode(ambient.random::<32>())
}

/// Returns a fingerprint that tells one secret from another and gives neither away.
pub fn fingerprint(secret: &str) -> [u8; 16] {
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&derive(secret, b"pollux secret fingerprint")[..16]);
    fingerprint
}

/// Derives the operator's token of a cluster that is given none. It is the same on every node.
pub fn operator_token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(derive(secret, b"pollux operator token"))
}

/// Returns a keyed hash. Each use has a purpose of its own, as the keys in `api/access/keys.rs` have.
fn derive(secret: &str, purpose: &[u8]) -> [u8; 32] {
    let mut mac: Hmac<Sha256> =
        Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(purpose);
    mac.finalize().into_bytes().into()
}

/// Writes a file whole or not at all: with a half-written secret nobody would be recognised.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use pollux_core::id::{PollId, UnixMillis};

    use super::*;
    use crate::ambient::{SharedAmbient, SystemAmbient};
    use crate::api::access::keys::Keys;

    const MANY: usize = 20_000;

    /// Checks that no two are alike, and that each bit is set in half of them within six standard deviations.
    /// A fair coin exceeds that about once in 500 million tries.
    fn looks_random<const N: usize>(drawn: impl Iterator<Item = [u8; N]>) {
        let drawn: Vec<_> = drawn.collect();
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), MANY);
        for bit in 0..N * 8 {
            let set = drawn.iter().filter(|bytes| bytes[bit / 8] >> (bit % 8) & 1 == 1).count();
            let off = (set as f64 - MANY as f64 / 2.0).abs();
            assert!(
                off < 6.0 * (MANY as f64).sqrt() / 2.0,
                "bit {bit} is set {set} times in {MANY}"
            );
        }
    }

    fn bytes<const N: usize>(token: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(token).unwrap().try_into().unwrap()
    }

    #[test]
    fn secrets_and_tokens_are_random_and_no_two_are_alike() {
        let ambient: SharedAmbient = std::sync::Arc::new(SystemAmbient::new());
        // This creates secrets and the operator's token, which have 256 bits.
        looks_random((0..MANY).map(|_| bytes::<32>(&fresh(&*ambient))));
        // New cookies are drawn so, and the nonces that reissued tokens are derived from.
        looks_random((0..MANY).map(|_| ambient.random::<16>()));
        let keys = Keys::new(fresh(&*ambient).as_bytes(), &[], &fresh(&*ambient));
        let poll = PollId::new(UnixMillis(1), [1; 10]).0;
        looks_random((0..MANY).map(|_| bytes::<32>(&keys.owner_token(poll, ambient.random()))));
        // First tokens are derived from the secret and the id.
        looks_random(
            (0..MANY).map(|_| bytes::<32>(&keys.owner_token(ambient.poll_id().0, [0; 16]))),
        );
        // Each process is seeded anew.
        looks_random((0..MANY).map(|_| SystemAmbient::new()).map(|one| {
            let one: SharedAmbient = std::sync::Arc::new(one);
            one.random::<16>()
        }));
    }

    /// SECURITY.md lists each purpose that a key is derived for, and how long a cookie is kept.
    #[test]
    fn every_key_and_lifetime_is_documented() {
        let manual = include_str!("../../../../SECURITY.md");
        let sources = [
            include_str!("credentials.rs"),
            include_str!("../api/access/keys.rs"),
            include_str!("../api/access/cookie.rs"),
        ];
        let code = sources.map(|source| source.split("mod tests").next().unwrap()).concat();
        let purposes: Vec<_> =
            code.split("b\"pollux ").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(purposes.len(), 5, "{purposes:?}");
        for purpose in purposes {
            assert!(manual.contains(&format!("| `pollux {purpose}` |")), "{purpose}");
        }
        let days = code.split("COOKIE_DAYS: u32 = ").nth(1).and_then(|rest| rest.split(';').next());
        assert!(manual.contains(&format!("| {} days in the browser;", days.unwrap())));
    }
}
