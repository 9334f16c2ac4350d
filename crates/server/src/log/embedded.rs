//! The embedded log. SKELETON.

use std::path::Path;

use pollux_core::id::{Generation, Offset, Partition};

use super::{ReadError, Record};

/// Placeholder.
pub struct EmbeddedLog;

impl EmbeddedLog {
    /// Placeholder.
    pub fn open_read_only(_folder: &Path) -> Result<Self, ReadError> {
        Err(ReadError::Unavailable("the embedded log is not in this build yet".into()))
    }

    /// Placeholder.
    pub fn generation(&self) -> Generation {
        Generation(uuid::Uuid::nil())
    }

    /// Placeholder.
    pub fn partitions(&self) -> u32 {
        0
    }

    /// Placeholder.
    pub fn end(&self, _partition: Partition) -> Result<Offset, ReadError> {
        Ok(0)
    }

    /// Placeholder.
    pub fn read(
        &self,
        _partition: Partition,
        _from: Offset,
        _most: usize,
    ) -> Result<Vec<Record>, ReadError> {
        Ok(Vec::new())
    }
}
