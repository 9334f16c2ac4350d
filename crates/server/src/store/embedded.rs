//! The embedded store. SKELETON.

use std::path::Path;
use std::sync::Arc;

use super::{Store, StoreError};

/// Placeholder.
pub struct EmbeddedStore;

impl EmbeddedStore {
    /// Placeholder.
    pub fn open_read_only(_folder: &Path) -> Result<Arc<dyn Store>, StoreError> {
        Err(StoreError::Unavailable("the embedded store is not in this build yet".into()))
    }
}
