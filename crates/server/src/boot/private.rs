//! The rights on the data folder's files. They hold secrets, and ballots under pseudonyms, so only the user
//! who owns the folder may read them, however the folder came to be.
//!
//! `pollux serve` creates its files so by its umask. This module closes files that exist already: those of an
//! older Pollux, those restored from a copy, or those of a program with another umask.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::log::embedded::FILE as LOG;
use crate::store::embedded::FILE as STORE;

/// The name of the file that holds the installation's secret.
pub(super) const SECRET: &str = "secret";
/// The name of the file that holds the operator's token. It may be deleted to get a new one.
pub(super) const OPERATOR_TOKEN: &str = "admin-token";

/// The beginnings of the names of our files. SQLite keeps `-wal` and `-shm` beside a database, and an
/// operator keeps copies of it.
const OURS: [&str; 5] = [LOG, STORE, SECRET, OPERATOR_TOKEN, "pollux.lock"];

/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Takes all rights on our files from everybody but their owner. Where the file system has no rights, or a
/// file is not ours to change, that is logged and does not keep the server from starting.
pub fn close_to_others(folder: &Path) {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) => return warn(folder, &error),
    };
    for file in files.filter_map(Result::ok) {
        let name = file.file_name();
        let ours = OURS.iter().any(|ours| name.as_encoded_bytes().starts_with(ours.as_bytes()));
        if ours && let Err(error) = close(&file.path()) {
            warn(&file.path(), &error);
        }
    }
}

fn warn(path: &Path, error: &io::Error) {
    tracing::warn!(
        "others may be able to read {}, which cannot be changed: {error}",
        path.display()
    );
}

fn close(file: &Path) -> io::Result<()> {
    let now = match fs::metadata(file) {
        Ok(found) if found.is_file() => found.mode(),
        Ok(_) => return Ok(()),
        // SQLite removes a write-ahead log when the last connection to it closes.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if now & OTHERS == 0 {
        return Ok(());
    }
    match fs::set_permissions(file, Permissions::from_mode(now & 0o777 & !OTHERS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        changed => changed,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::ambient::{SharedAmbient, SystemAmbient};
    use crate::boot::folder;
    use crate::config::Config;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().mode() & 0o777
    }

    #[tokio::test]
    async fn whatever_was_there_and_is_ours_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let others = ["store.db.monday", "log.db-wal.old", "notes.txt", "index.html"];
        for name in others.into_iter().chain([SECRET, OPERATOR_TOKEN, "pollux.lock"]) {
            fs::write(folder.path().join(name), "a text of at least 16 characters").unwrap();
            fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o664)).unwrap();
        }
        let config = Config { data: folder.path().into(), ..Config::default() };
        let ambient: SharedAmbient = Arc::new(SystemAmbient::new());
        let open = folder::open(&config, &ambient).await.unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let stranger = ["notes.txt", "index.html"].iter().any(|name| path.ends_with(name));
            let wanted = if stranger { 0o664 } else { 0o600 };
            assert_eq!(mode(&path), wanted, "{}", path.display());
        }
        assert!(folder.path().join("log.db-shm").exists(), "the log is open");
        assert_eq!(mode(folder.path()), 0o755, "the folder is as its owner made it");
        open.log.shut().await;
        open.store.shut().await;
    }
}
