//! The tail keeps the newest batches in memory, so that a reader that keeps up never reads the
//! file.

use std::collections::VecDeque;

use pollux_core::id::{Offset, Partition};

use super::batch::Batch;

/// The tail holds the newest batches of all partitions, within one bound of bytes.
pub(super) struct Tail {
    /// The batches by partition, in order of offsets, without gaps.
    batches: Vec<VecDeque<Batch>>,
    /// The partition of each batch, oldest first: the order in which batches leave.
    order: VecDeque<Partition>,
    bytes: usize,
    most_bytes: usize,
}

impl Tail {
    /// Creates an empty tail, which holds at most `most_bytes` bytes of records.
    pub fn new(partitions: u32, most_bytes: usize) -> Self {
        let batches = vec![VecDeque::new(); partitions as usize];
        Self { batches, order: VecDeque::new(), bytes: 0, most_bytes }
    }

    /// Adds a durable batch, which follows the partition's last; the oldest batches make room.
    pub fn push(&mut self, partition: Partition, batch: Batch) {
        self.bytes += batch.records.len();
        self.batches[partition as usize].push_back(batch);
        self.order.push_back(partition);
        while self.bytes > self.most_bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some(gone) = self.batches[oldest as usize].pop_front() {
                self.bytes -= gone.records.len();
            }
        }
    }

    /// Returns the batches that hold up to `most` records from `from` on; `None` when `from` is
    /// older than the tail.
    pub fn from(&self, partition: Partition, from: Offset, most: usize) -> Option<Vec<Batch>> {
        let batches = &self.batches[partition as usize];
        if batches.front()?.base > from {
            return None;
        }
        let first = batches.partition_point(|batch| batch.end() <= from);
        let until = from.saturating_add(most as u64);
        Some(batches.range(first..).take_while(|batch| batch.base < until).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(base: Offset, count: u64) -> Batch {
        Batch { base, count, records: vec![0; 10].into(), digest: None }
    }

    #[test]
    fn the_oldest_of_all_partitions_make_room() {
        let mut tail = Tail::new(2, 30);
        tail.push(0, batch(0, 1));
        tail.push(1, batch(0, 5));
        tail.push(0, batch(1, 2));
        let bases = |found: Option<Vec<Batch>>| {
            found.map(|batches| batches.iter().map(|batch| batch.base).collect::<Vec<_>>())
        };
        assert_eq!(bases(tail.from(0, 0, 9)), Some(vec![0, 1]));
        tail.push(0, batch(3, 2));
        assert_eq!(bases(tail.from(0, 0, 9)), None, "pushed out");
        assert_eq!(bases(tail.from(0, 2, 9)), Some(vec![1, 3]));
        assert_eq!(bases(tail.from(0, 2, 1)), Some(vec![1]));
        assert_eq!(bases(tail.from(1, 4, 9)), Some(vec![0]));
        tail.push(0, batch(5, 1));
        assert_eq!(bases(tail.from(1, 4, 9)), None);
    }
}
