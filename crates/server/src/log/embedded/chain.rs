//! Checksums over what the log holds, chained.
//!
//! Each batch carries one over its records, its place and the checksum of the batch before it in
//! the partition. So a batch that was altered, left out, doubled or put in another's place is
//! noticed where it stands. It is no signature: whoever may write to the file can make it anew.

use pollux_core::id::{Offset, Partition};
use rapidhash::v3::rapidhash_v3;

/// A checksum. These bytes are on the disk for ever: the hash is one whose output is fixed.
pub(super) type Digest = u64;

/// Where a partition ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The offset after its last record.
    pub end: Offset,
    /// The checksum of its last batch; none if that was written before there were any.
    pub digest: Option<Digest>,
}

/// The checksum of so many records, framed, that come after this head.
pub(super) fn link(before: Head, partition: Partition, count: u64, records: &[u8]) -> Digest {
    let link = [before.digest.unwrap_or(0), partition.into(), before.end, count, hash(records)];
    hash(link.map(u64::to_be_bytes).as_flattened())
}

/// The hash under the chain, for whatever else wants a check of its own.
pub(super) fn hash(bytes: &[u8]) -> Digest {
    rapidhash_v3(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logs that exist hold these.
    #[test]
    fn checksums_stay_what_they_are() {
        let first = link(Head::default(), 3, 1, b"1 7 k {\"v\":1}\n");
        assert_eq!(format!("{first:016x}"), "2e6bfcfabaad363b");
        let second = link(Head { end: 1, digest: Some(first) }, 3, 2, b"0 0  \n1 1 a b\n");
        assert_eq!(format!("{second:016x}"), "69e95d79d5314856");
    }

    #[test]
    fn everything_a_batch_is_goes_in() {
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
