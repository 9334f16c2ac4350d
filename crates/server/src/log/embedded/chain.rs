//! The log's checksums form a chain in each partition.
//!
//! Each batch carries a checksum over its records, its place and the checksum of the batch before
//! it. A batch that was altered, left out, doubled or moved is therefore noticed where it stands.
//! The checksum is no signature: anybody who may write to the file can compute it anew.

use pollux_core::id::{Offset, Partition};
use rapidhash::v3::rapidhash_v3;

/// The digest is a checksum. It is on the disk for ever, so the hash is one whose output is fixed.
pub(super) type Digest = u64;

/// A head is the end of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The offset after the partition's last record.
    pub end: Offset,
    /// The checksum of its last batch; `None` if that was written before there were checksums.
    pub digest: Option<Digest>,
}

/// Computes the checksum of this many framed records that come after this head.
pub(super) fn link(before: Head, partition: Partition, count: u64, records: &[u8]) -> Digest {
    let link = [before.digest.unwrap_or(0), partition.into(), before.end, count, hash(records)];
    hash(link.map(u64::to_be_bytes).as_flattened())
}

/// Computes the hash under the chain, also for other bytes that need a checksum of their own.
pub(super) fn hash(bytes: &[u8]) -> Digest {
    rapidhash_v3(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Existing logs hold these checksums.
    #[test]
    fn checksums_stay_what_they_are() {
        let first = link(Head::default(), 3, 1, b"1 7 k {\"v\":1}\n");
        assert_eq!(format!("{first:016x}"), "2e6bfcfabaad363b");
        let second = link(Head { end: 1, digest: Some(first) }, 3, 2, b"0 0  \n1 1 a b\n");
        assert_eq!(format!("{second:016x}"), "69e95d79d5314856");
    }

    #[test]
    fn every_part_of_a_batch_changes_the_checksum() {
        let head = Head { end: 5, digest: Some(9) };
        let others = [
            link(Head { end: 6, ..head }, 1, 2, b"ab"),
            link(Head { digest: Some(8), ..head }, 1, 2, b"ab"),
            link(head, 0, 2, b"ab"),
            link(head, 1, 3, b"ab"),
            link(head, 1, 2, b"ac"),
        ];
        assert!(!others.contains(&link(head, 1, 2, b"ab")));
    }
}
