//! The running digest of a partition: what its records were when they were counted.
//!
//! Whoever counts takes every record that it passes into one, whatever the record is, and the store keeps
//! it with the partition's next offset. So a recount can tell whether the log still holds what was counted. With each
//! record the hash becomes
//!
//! ```text
//! BLAKE2b-256( hash before, 32 bytes  ‖ offset, 8 bytes ‖ length of the key, 4 bytes ‖ key ‖ value )
//! ```
//!
//! with numbers in big-endian order, beginning with 32 zero bytes. After [`FULL`] records the next
//! commit begins another digest, so that a difference has a place.

use blake2::Blake2b;
use blake2::digest::{Digest as _, consts::U32};

use crate::id::Offset;

/// A digest of so many records, or more, is continued by none.
pub const FULL: u64 = 16_384;

/// The digest of a partition's records between two offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The offset it begins at.
    pub from: Offset,
    /// The offset after its last record.
    pub to: Offset,
    /// As above.
    pub hash: [u8; 32],
}

impl Digest {
    /// Of no records yet.
    pub fn new(from: Offset) -> Self {
        Self { from, to: from, hash: [0; 32] }
    }

    /// The one that the next records go into.
    pub fn next(self) -> Self {
        if self.to - self.from < FULL { self } else { Self::new(self.to) }
    }

    /// Take in the next record.
    pub fn take(&mut self, offset: Offset, key: &[u8], value: &[u8]) {
        let hash = Blake2b::<U32>::new()
            .chain_update(self.hash)
            .chain_update(offset.to_be_bytes())
            .chain_update((key.len() as u32).to_be_bytes())
            .chain_update(key)
            .chain_update(value);
        (self.to, self.hash) = (offset + 1, hash.finalize().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(records: &[(Offset, &str, &str)]) -> [u8; 32] {
        let mut digest = Digest::new(0);
        for (offset, key, value) in records {
            digest.take(*offset, key.as_bytes(), value.as_bytes());
        }
        digest.hash
    }

    #[test]
    fn everything_a_record_is_goes_in() {
        let right = of(&[(0, "k", "v"), (1, "key", "value")]);
        let others = [
            of(&[(0, "k", "v")]),
            of(&[(1, "key", "value")]),
            of(&[(1, "key", "value"), (0, "k", "v")]),
            of(&[(0, "k", "v"), (2, "key", "value")]),
            of(&[(0, "k", "w"), (1, "key", "value")]),
            of(&[(0, "k", "v"), (1, "kez", "value")]),
            of(&[(0, "k", "v"), (1, "keyv", "alue")]),
            of(&[(0, "k", "v"), (1, "key", "value"), (2, "", "")]),
        ];
        assert!(!others.contains(&right));
    }

    #[test]
    fn the_next_begins_where_a_full_one_ends() {
        let digest = |to| Digest { from: 5, to, hash: [1; 32] };
        assert_eq!(digest(5 + FULL - 1).next(), digest(5 + FULL - 1));
        assert_eq!(digest(5 + FULL).next(), Digest::new(5 + FULL));
    }
}
