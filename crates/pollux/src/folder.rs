//! A data folder, read beside a server that may be running on it.

use std::path::Path;
use std::sync::Arc;

use pollux_core::id::PollId;
use pollux_core::standing::Standing;
use pollux_server::log::embedded::{EmbeddedLog, LogReader};
use pollux_server::store::embedded::EmbeddedStore;
use pollux_server::store::{Listing, Store};

use crate::exit::{Failure, Outcome};
use crate::settings::data_folder;

/// How many polls are read at a time.
const PAGE: usize = 500;

/// An open data folder.
pub struct Folder {
    /// The log, to be read only.
    pub log: LogReader,
    /// The store, to be read only.
    pub store: Arc<dyn Store>,
}

impl Folder {
    /// Open the folder that the flag, the environment or `.env` names.
    pub fn open(flag: Option<&Path>) -> Outcome<Self> {
        let folder = data_folder(flag)?;
        let log = EmbeddedLog::open_read_only(&folder)?;
        let store = EmbeddedStore::open_read_only(&folder)?;
        Ok(Self { log, store })
    }

    /// One poll, by id or join code.
    pub async fn poll(&self, name: &str) -> Outcome<Standing> {
        let found = match name.parse::<PollId>() {
            Ok(id) => self.store.standing(id).await?,
            Err(_) => self.store.by_code(name).await?,
        };
        found.ok_or_else(|| Failure::failed(format!("there is no poll {name} in this folder")))
    }

    /// Every poll, drafts and deleted ones too, newest first.
    pub async fn polls(&self) -> Outcome<Vec<Standing>> {
        let mut all: Vec<Standing> = Vec::new();
        loop {
            let before = all.last().map(|standing| standing.poll.id);
            let listing = Listing { status: None, before, limit: PAGE, all: true };
            let page = self.store.list(listing).await?;
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }
}
