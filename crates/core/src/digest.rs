//! A partition's running digest shows whether the log still holds the records that were counted.
//!
//! A worker adds every record that it passes to the digest, of whatever sort, and the store keeps
//! the digest with the partition's next offset, so that a recount can compare. With each record the
//! hash becomes
//!
//! ```text
//! BLAKE2b-256( hash before, 32 bytes  ‖ offset, 8 bytes ‖ length of the key, 4 bytes ‖ key ‖ value )
//! ```
//!
//! with numbers in big-endian order, beginning with 32 zero bytes. After [`FULL`] records the next
//! commit begins another digest, so that a difference can be located.

use blake2::Blake2b;
use blake2::digest::{Digest as _, consts::U32};

use crate::id::Offset;

/// The number of records from which on a digest is full: the next records go into a new one.
pub const FULL: u64 = 16_384;

/// A digest is a hash over a partition's records between two offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The offset that it begins at.
    pub from: Offset,
    /// The offset after its last record.
    pub to: Offset,
    /// The hash, computed as this module's documentation says.
    pub hash: [u8; 32],
}

impl Digest {
    /// Creates the digest of no records, which begins at this offset.
    pub fn new(from: Offset) -> Self {
        Self { from, to: from, hash: [0; 32] }
    }

    /// Returns the digest that the next records go into: this one, or a new one if it is full.
    pub fn next(self) -> Self {
        if self.to - self.from < FULL { self } else { Self::new(self.to) }
    }

    /// Adds the next record.
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
    fn every_part_of_a_record_changes_the_digest() {
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
    fn the_next_digest_begins_where_a_full_one_ends() {
        let digest = |to| Digest { from: 5, to, hash: [1; 32] };
        assert_eq!(digest(5 + FULL - 1).next(), digest(5 + FULL - 1));
        assert_eq!(digest(5 + FULL).next(), Digest::new(5 + FULL));
    }
}
