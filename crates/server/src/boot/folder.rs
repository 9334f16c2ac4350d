//! The embedded mode's data folder, which holds a log, a store and a secret that belong together. If one of
//! them is lost or swapped, the server notices before it counts anything, and never replaces it with a new
//! one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;
use pollux_core::id::{Generation, Offset, Partition, UnixMillis};

use super::credentials::{self, Credential};
use super::private::{self, OPERATOR_TOKEN, SECRET};
use super::secrets::{self, Chain, Unfit};
use super::{Backends, StartError};
use crate::ambient::SharedAmbient;
use crate::config::Config;
use crate::log::Log;
use crate::log::embedded::{EmbeddedLog, FILE as LOG, FolderLock};
use crate::store::embedded::{self, EmbeddedStore, FILE as STORE};
use crate::store::{Ballots, Store, StoreError};

/// `Mismatch` says why the contents of the folder cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    /// The log that the store was counted from is gone.
    #[error(
        "{} is there, but the log it was counted from, {LOG}, is not. Restore {LOG} (with its \
         -wal file, if there was one), or begin in an empty folder", .0.join(STORE).display()
    )]
    LogLost(PathBuf),
    /// The store that belongs to the log is gone.
    #[error(
        "{} holds votes, but {STORE} is missing or empty: the polls they were cast in are lost \
         with it. Restore the newest copy of {STORE}: votes it has not counted yet are counted from \
         the log, up to the first poll it does not have. Or begin in an empty folder", .0.join(LOG).display()
    )]
    StoreLost(PathBuf),
    /// The secret is gone.
    #[error(
        "{} holds votes, but the file {SECRET} is gone: with a new one no voter would be \
         recognised, and everybody could vote again. Restore it, or give it as POLLUX_SECRET",
        .0.join(LOG).display()
    )]
    SecretLost(PathBuf),
    /// The given secret is not the one from which the voters' pseudonyms were derived.
    #[error(
        "POLLUX_SECRET is not the secret that the votes in {} were cast under: with it no voter \
         would be recognised, and everybody could vote again. Give the former one{}; or begin in an empty \
         folder", folder.join(LOG).display(),
        if *kept { ", or leave POLLUX_SECRET out: then the one in the file secret is used" } else { "" }
    )]
    SecretChanged {
        /// The folder.
        folder: PathBuf,
        /// Whether the file in the folder holds the right secret.
        kept: bool,
    },
    /// The secret in the file is not the one from which the voters' pseudonyms were derived.
    #[error(
        "{} is not the secret that the votes here were cast under: with it no voter would be \
         recognised, and everybody could vote again. Restore the original file, or give its content \
         as POLLUX_SECRET; if POLLUX_SECRET used to be set, set it again", .0.join(SECRET).display()
    )]
    SecretSwapped(PathBuf),
    /// Polls created since the rotation's moment already use the former secret, though they would need the
    /// next.
    #[error("{}", secrets::too_late(*.0))]
    RotatedTooLate(UnixMillis),
    /// Log and store belong to two installations.
    #[error(
        "{} was counted from the log {counted}, but {LOG} is the log {found}: restore the file \
         that belongs to the other", folder.join(STORE).display()
    )]
    Strangers {
        /// The folder.
        folder: PathBuf,
        /// The generation of the log that the store was counted from.
        counted: Generation,
        /// The generation of the log that was found.
        found: Generation,
    },
    /// The log is shorter than what was counted from it.
    #[error(
        "{} ends at offset {end} of partition {partition}, but {counted} records of it were \
         counted: records are missing. Restore the newest copy of {LOG}; do not delete {STORE}",
        folder.join(LOG).display()
    )]
    LogShortened {
        /// The folder.
        folder: PathBuf,
        /// The partition whose records are missing.
        partition: Partition,
        /// The end of the log in that partition.
        end: Offset,
        /// The store's next offset in that partition.
        counted: Offset,
    },
    /// The store does not say what it has counted.
    #[error("{}: {error}", .folder.join(STORE).display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// Why it does not say so.
        error: StoreError,
    },
}

/// Opens log, store and credentials in the data folder, or creates them.
pub async fn open(config: &Config, ambient: &SharedAmbient) -> Result<Backends, StartError> {
    let folder = &config.data;
    let lock = FolderLock::take(folder, ambient.now())?;
    // This comes before a database is opened, because SQLite gives the files beside a database the same
    // rights.
    private::close_to_others(folder);
    let found = |name| std::fs::metadata(folder.join(name)).is_ok_and(|file| file.len() > 0);
    // This is asked before anything is created. A log is created whole and before the store, so a store
    // without a log cannot be left by a first start that was cut short.
    let store_is_there = found(STORE);
    if store_is_there && !folder.join(LOG).exists() {
        return Err(Mismatch::LogLost(folder.clone()).into());
    }
    let log = EmbeddedLog::open(folder, config.partitions, config.log.clone(), ambient.clone())?;
    let opened = open_rest(config, ambient, &log, store_is_there).await;
    private::close_to_others(folder);
    if opened.is_err() {
        log.shut().await;
    }
    let (store, secret, operator) = opened?;
    let failed = {
        let (log, store) = (log.clone(), store.clone());
        async move {
            tokio::select! {
                biased;
                why = log.failed() => why,
                why = store.failed() => why,
            }
        }
    };
    Ok(Backends {
        log,
        store,
        secret: secret.text,
        operator,
        faults: Vec::new(),
        warnings: Vec::new(),
        failed: failed.boxed().shared(),
        relay: None,
        lock: Some(lock),
    })
}

async fn open_rest(
    config: &Config,
    ambient: &SharedAmbient,
    log: &Arc<EmbeddedLog>,
    store_is_there: bool,
) -> Result<(Arc<EmbeddedStore>, Credential, Credential), StartError> {
    let folder = &config.data;
    let ends = ends(log).await;
    let has_votes = ends.iter().any(|end| *end > 1);
    if has_votes && !store_is_there {
        return Err(Mismatch::StoreLost(folder.clone()).into());
    }
    if has_votes && config.secret.is_none() && !folder.join(SECRET).exists() {
        return Err(Mismatch::SecretLost(folder.clone()).into());
    }
    let credential = |given: &Option<String>, name| match given {
        Some(text) => Ok(Credential { text: text.clone(), new: false }),
        None => credentials::keep(folder, name, &**ambient)
            .map_err(|error| StartError::Folder { folder: folder.clone(), error }),
    };
    let secret = credential(&config.secret, SECRET)?;
    let store = EmbeddedStore::open(folder, log.partitions(), config.store.clone())?;
    let same = match compare(folder, log.generation(), &ends, &store).await {
        Ok(()) => same_secret(config, &secret.text, has_votes, ambient.now()),
        Err(mismatch) => Err(mismatch.into()),
    };
    // The token is created last, because it is shown only once, and a start that fails would not show it.
    let operator = match same.and_then(|()| credential(&config.admin_token, OPERATOR_TOKEN)) {
        Ok(operator) => operator,
        Err(error) => {
            store.shut().await;
            return Err(error);
        }
    };
    Ok((store, secret, operator))
}

/// Checks that the voters on the log were named with this secret. While the log has no votes, any secret will
/// do.
fn same_secret(
    config: &Config,
    secret: &str,
    has_votes: bool,
    now: UnixMillis,
) -> Result<(), StartError> {
    let folder = config.data.clone();
    let ours = Chain::new(&config.former_secrets, secret);
    let kept = embedded::secrets(&folder, &ours.to_string(), !has_votes)?;
    match ours.after_text(&kept, now) {
        Ok(None) => return Ok(()),
        Ok(Some(next)) => {
            return Ok(embedded::follow_secrets(&folder, &next.to_string())?);
        }
        Err(Unfit::Past(until)) => return Err(Mismatch::RotatedTooLate(until).into()),
        Err(Unfit::Unknown) => {}
    }
    let file = std::fs::read_to_string(folder.join(SECRET));
    let kept = file.is_ok_and(|text| Chain::new(&[], text.trim()).to_string() == kept);
    Err(match config.secret {
        Some(_) => Mismatch::SecretChanged { folder, kept },
        None => Mismatch::SecretSwapped(folder),
    }
    .into())
}

/// Returns the end of the log in each partition.
async fn ends(log: &EmbeddedLog) -> Vec<Offset> {
    let mut ends = Vec::new();
    for partition in 0..log.partitions() {
        ends.push(log.end(partition).await.expect("the partition is the log's own"));
    }
    ends
}

/// Checks that the store was counted from this log, and from no more records than the log has.
async fn compare(
    folder: &Path,
    found: Generation,
    ends: &[Offset],
    store: &EmbeddedStore,
) -> Result<(), Mismatch> {
    let folder = folder.to_owned();
    let progress = match store.progress().await {
        Ok(progress) => progress,
        Err(error) => return Err(Mismatch::Unreadable { folder, error }),
    };
    for (partition, progress) in progress {
        if progress.generation != found {
            return Err(Mismatch::Strangers { folder, counted: progress.generation, found });
        }
        let end = ends.get(partition as usize).copied().unwrap_or(0);
        if progress.next_offset > end {
            let counted = progress.next_offset;
            return Err(Mismatch::LogShortened { folder, partition, end, counted });
        }
    }
    Ok(())
}
