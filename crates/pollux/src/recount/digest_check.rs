//! `DigestCheck` says whether the log still holds what was counted: it compares the records with the digests
//! that the store keeps of them (see [`pollux_core::digest`]).

use std::collections::VecDeque;
use std::fmt;

use pollux_core::digest::Digest;
use pollux_core::id::{Offset, Partition};
use pollux_server::log::Record;
use serde_json::{Value, json};

use crate::terminal::grouped;

/// `DigestCheck` digests the records of one partition again, one after the other.
pub struct DigestCheck {
    partition: Partition,
    /// The digests that the store keeps, beginning with the one that is being compared.
    kept: VecDeque<Digest>,
    /// The digest of what the log holds in that range so far.
    found: Digest,
    /// The offset up to which everything is compared.
    to: Offset,
    verdict: Verdict,
}

/// `Verdict` says what came of the comparison.
#[derive(Default)]
pub struct Verdict {
    /// The ranges in which the log holds something else than what was counted.
    pub changed: Vec<Range>,
    /// The ranges that were counted without a digest.
    pub uncompared: Vec<Range>,
}

/// `Range` is a range of a partition's records, from one offset up to another, which is excluded.
pub struct Range {
    partition: Partition,
    from: Offset,
    to: Offset,
}

impl DigestCheck {
    /// Returns a comparison before its first record, against the store's digests.
    pub fn new(partition: Partition, kept: Vec<Digest>) -> Self {
        let kept = VecDeque::from(kept);
        let found = Digest::new(kept.front().map_or(0, |first| first.from));
        Self { partition, kept, found, to: 0, verdict: Verdict::default() }
    }

    /// Returns the offset up to which records are needed.
    pub fn end(&self) -> Offset {
        self.kept.back().map_or(self.to, |last| last.to)
    }

    /// Takes the next record.
    pub fn take(&mut self, record: &Record) {
        while self.kept.front().is_some_and(|kept| kept.to <= record.offset) {
            self.compare();
        }
        if self.kept.front().is_some_and(|kept| kept.from <= record.offset) {
            self.found.take(record.offset, &record.key, &record.value);
        }
    }

    /// Compares the first of the store's digests, once all records of its range were taken.
    fn compare(&mut self) {
        let Some(kept) = self.kept.pop_front() else { return };
        let range = |from, to| Range { partition: self.partition, from, to };
        if self.to < kept.from {
            self.verdict.uncompared.push(range(self.to, kept.from));
        }
        if self.found.hash != kept.hash {
            self.verdict.changed.push(range(kept.from, kept.to));
        }
        self.to = kept.to;
        self.found = Digest::new(self.kept.front().map_or(kept.to, |next| next.from));
    }

    /// Returns the verdict, once every record was taken up to [`Self::end`] and to `counted`, the offset up
    /// to which the store has counted.
    pub fn finish(&mut self, counted: Offset) -> Verdict {
        while !self.kept.is_empty() {
            self.compare();
        }
        if self.to < counted {
            let (partition, from, to) = (self.partition, self.to, counted);
            self.verdict.uncompared.push(Range { partition, from, to });
        }
        std::mem::take(&mut self.verdict)
    }
}

impl Verdict {
    /// Adds the verdict of another partition.
    pub fn add(&mut self, other: Self) {
        self.changed.extend(other.changed);
        self.uncompared.extend(other.uncompared);
    }
}

impl Range {
    /// Returns the range as `--json` prints it.
    pub fn to_json(&self) -> Value {
        json!({ "partition": self.partition, "from": self.from, "to": self.to })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (grouped(self.from), grouped(self.to));
        write!(f, "partition {}, from offset {from} up to {to}", self.partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: Offset) -> Record {
        Record { offset, key: "k".into(), value: offset.to_string().into() }
    }

    fn digest(from: Offset, to: Offset) -> Digest {
        let mut digest = Digest::new(from);
        for record in (from..to).map(record) {
            digest.take(record.offset, &record.key, &record.value);
        }
        digest
    }

    /// Returns the ranges that changed, and those that were not compared.
    fn verdict(
        kept: &[Digest],
        counted: Offset,
        log: impl IntoIterator<Item = Record>,
    ) -> [Vec<(Offset, Offset)>; 2] {
        let mut compared = DigestCheck::new(0, kept.to_vec());
        log.into_iter().for_each(|record| compared.take(&record));
        let verdict = compared.finish(counted);
        [verdict.changed, verdict.uncompared]
            .map(|all| all.iter().map(|range| (range.from, range.to)).collect())
    }

    #[test]
    fn what_changed_has_a_place() {
        let kept = [digest(0, 4), digest(4, 7), digest(7, 9)];
        let log = || (0..9).map(record);
        assert_eq!(verdict(&kept, 9, log()), [vec![], vec![]]);
        assert_eq!(
            verdict(&kept, 9, (0..20).map(record)),
            [vec![], vec![]],
            "more is not counted yet"
        );
        for (offset, place) in [(0, (0, 4)), (3, (0, 4)), (4, (4, 7)), (8, (7, 9))] {
            let altered = log().map(|record| match record.offset == offset {
                true => Record { value: "other".into(), ..record },
                false => record,
            });
            assert_eq!(verdict(&kept, 9, altered), [vec![place], vec![]], "altered {offset}");
            let without = log().filter(|record| record.offset != offset);
            assert_eq!(verdict(&kept, 9, without), [vec![place], vec![]], "without {offset}");
        }
    }

    #[test]
    fn what_was_counted_without_a_digest_is_told() {
        let log = || (0..9).map(record);
        assert_eq!(verdict(&[], 9, log()), [vec![], vec![(0, 9)]]);
        assert_eq!(verdict(&[digest(5, 9)], 9, log()), [vec![], vec![(0, 5)]]);
        let kept = [digest(0, 2), digest(4, 6), digest(6, 7)];
        assert_eq!(verdict(&kept, 9, log()), [vec![], vec![(2, 4), (7, 9)]]);
        let elsewhere = log().map(|record| match record.offset {
            3 => Record { value: "other".into(), ..record },
            _ => record,
        });
        assert_eq!(verdict(&kept, 9, elsewhere), [vec![], vec![(2, 4), (7, 9)]]);
    }
}
