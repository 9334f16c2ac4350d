//! A batch is the records of one partition that one commit made durable together. Its bytes are one
//! row of `log.db`, and the tail keeps the same bytes in memory.
//!
//! Each record is framed by the lengths of its key and value, so that any bytes come back exactly.
//! JSON records read as lines of text in the `sqlite3` shell:
//!
//! ```text
//! 69 182 0199…/5f1c… {"v":1,"type":"ballot",…}
//! ```

use bytes::Bytes;
use pollux_core::id::{Offset, Partition};

use super::chain::{self, Digest, Head};
use crate::log::{NewRecord, Record};

/// A batch holds consecutive records of one partition.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// The offset of the first record.
    pub base: Offset,
    /// The number of records.
    pub count: u64,
    /// The framed records.
    pub records: Bytes,
    /// The checksum that chains the batch to the one before it; `None` in a log that was written
    /// before there were checksums.
    pub digest: Option<Digest>,
}

/// `Malformed` says why bytes are not a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub &'static str);

/// Frames a record and appends it to a batch's bytes.
pub(super) fn push(records: &mut Vec<u8>, record: &NewRecord) {
    push_decimal(records, record.key.len());
    push_decimal(records, record.value.len());
    records.extend_from_slice(&record.key);
    records.push(b' ');
    records.extend_from_slice(&record.value);
    records.push(b'\n');
}

/// Appends a length and a space; `write!` costs several times as much here.
fn push_decimal(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    bytes.push(b' ');
}

impl Batch {
    /// Creates the batch of this many framed records, which comes after this head.
    pub fn after(before: Head, partition: Partition, count: u64, records: Bytes) -> Self {
        let digest = Some(chain::link(before, partition, count, &records));
        Self { base: before.end, count, records, digest }
    }

    /// Returns the offset after the last record.
    pub fn end(&self) -> Offset {
        self.base + self.count
    }

    /// Returns the partition's head after this batch.
    pub fn head(&self) -> Head {
        Head { end: self.end(), digest: self.digest }
    }

    /// Checks that the batch is whole, and that it was written after this head.
    pub fn check(&self, partition: Partition, before: Head) -> Result<(), Malformed> {
        if self.base != before.end {
            return Err(Malformed("records are missing or repeated"));
        }
        match self.digest {
            Some(digest) if digest == chain::link(before, partition, self.count, &self.records) => {
                Ok(())
            }
            Some(_) => Err(Malformed("the checksum does not match the records")),
            None if before.digest.is_some() => Err(Malformed("its checksum is missing")),
            None => self.read(self.base, usize::MAX, &mut Vec::new()),
        }
    }

    /// Appends the records from `from` on to `out`, until it holds `most`. They share the batch's
    /// bytes.
    pub fn read(&self, from: Offset, most: usize, out: &mut Vec<Record>) -> Result<(), Malformed> {
        let mut frames = Frames { bytes: &self.records, at: 0 };
        for offset in self.base..self.end() {
            if out.len() >= most {
                return Ok(());
            }
            let (key, value) = frames.next()?;
            if offset >= from {
                let (key, value) = (self.records.slice(key), self.records.slice(value));
                out.push(Record { offset, key, value });
            }
        }
        if frames.at == self.records.len() { Ok(()) } else { Err(Malformed("too long")) }
    }
}

/// `Frames` walks over the frames of a batch.
struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A span is the place of a field in the bytes of a batch.
type Span = std::ops::Range<usize>;

impl Frames<'_> {
    fn next(&mut self) -> Result<(Span, Span), Malformed> {
        let (key, value) = (self.length()?, self.length()?);
        Ok((self.field(key, b' ')?, self.field(value, b'\n')?))
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        let mut number = 0_usize;
        loop {
            let byte = *self.bytes.get(self.at).ok_or(Malformed("too short"))?;
            self.at += 1;
            match byte {
                b'0'..=b'9' if number < 1 << 40 => {
                    number = number * 10 + usize::from(byte - b'0');
                }
                b' ' => return Ok(number),
                _ => return Err(Malformed("not a length")),
            }
        }
    }

    fn field(&mut self, length: usize, mark: u8) -> Result<Span, Malformed> {
        let span = self.at..self.at + length;
        if self.bytes.get(span.end) != Some(&mark) {
            return Err(Malformed("a record does not end where its length says"));
        }
        self.at = span.end + 1;
        Ok(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch(records: &[NewRecord]) -> Batch {
        let mut bytes = Vec::new();
        for record in records {
            push(&mut bytes, record);
        }
        Batch { base: 7, count: records.len() as u64, records: bytes.into(), digest: None }
    }

    fn record(key: &[u8], value: &[u8]) -> NewRecord {
        NewRecord { key: Bytes::copy_from_slice(key), value: Bytes::copy_from_slice(value) }
    }

    #[test]
    fn json_reads_as_lines() {
        let batch = batch(&[record(b"k", b"{\"v\":1}"), record(b"", b"")]);
        assert_eq!(&batch.records[..], b"1 7 k {\"v\":1}\n0 0  \n");
    }

    #[test]
    fn damage_is_noticed() {
        let whole = batch(&[record(b"key", b"value"), record(b"k", b"v")]);
        let read = |bytes: &[u8], count| {
            let records = Bytes::copy_from_slice(bytes);
            Batch { base: 0, count, records, digest: None }.read(0, 10, &mut Vec::new())
        };
        assert_eq!(read(&whole.records, 2), Ok(()));
        assert_eq!(read(&whole.records, 1), Err(Malformed("too long")));
        assert_eq!(read(&whole.records, 3), Err(Malformed("too short")));
        assert_eq!(read(b"x 1 k v\n", 1), Err(Malformed("not a length")));
        for cut in 0..whole.records.len() {
            assert!(read(&whole.records[..cut], 2).is_err(), "cut at {cut}");
        }
        assert!(read(b"99999999999999999999 1 k v\n", 1).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(
            records in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<u8>(), 0..400)),
                1..20,
            ),
            skip in 0_u64..20,
            most in 1_usize..20,
        ) {
            let records: Vec<_> = records.iter().map(|(k, v)| record(k, v)).collect();
            let mut out = Vec::new();
            batch(&records).read(7 + skip, most, &mut out).expect("whole");
            let wanted: Vec<_> = records
                .iter()
                .zip(7..)
                .skip(skip as usize)
                .take(most)
                .map(|(r, offset)| Record { offset, key: r.key.clone(), value: r.value.clone() })
                .collect();
            prop_assert_eq!(out, wanted);
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), count in 0_u64..5) {
            let batch = Batch { base: 0, count, records: bytes.into(), digest: None };
            let _ = batch.read(0, 5, &mut Vec::new());
        }
    }
}
