//! A Bloom filter that tells which voters may have a row in the table, so that the many who have
//! none are not looked for on disk.
//!
//! All bits of a voter are in one block of the size of a cache line (Putze, Sanders, Singler,
//! "Cache-, Hash- and Space-Efficient Bloom Filters", 2007). Pseudonyms are uniformly distributed
//! already, so they are their own hash.

use std::hash::{Hash, Hasher};

use pollux_core::id::VoterId;

use super::rows::PollKey;

/// The filter's size in bits per voter. It lets about one in a hundred other voters pass.
const BITS_PER_VOTER: usize = 12;

/// The number of bits that a voter sets.
const PROBES: u32 = 6;

/// `Key` names a voter in a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub poll: PollKey,
    pub voter: [u8; 16],
}

impl Key {
    pub fn new(poll: PollKey, voter: VoterId) -> Self {
        Self { poll, voter: voter.0 }
    }
}

impl Hash for Key {
    /// Hashes two words instead of a length and sixteen bytes.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.voter));
        state.write_u32(self.poll);
    }
}

/// `Block` is a block of 512 bits.
type Block = [u64; 8];

/// `Filter` holds a set of voters, and lets a few others pass.
pub struct Filter(Vec<Block>);

impl Filter {
    /// Makes the filter of these voters.
    pub fn of<'a>(voters: impl ExactSizeIterator<Item = &'a Key>) -> Self {
        let blocks = (voters.len() * BITS_PER_VOTER).div_ceil(512).max(1);
        let mut filter = Self(vec![Block::default(); blocks]);
        for key in voters {
            let (block, bits) = filter.place(key);
            for bit in probes(bits) {
                filter.0[block][bit / 64] |= 1 << (bit % 64);
            }
        }
        filter
    }

    /// Returns whether the voter may be in the set; it never returns false for one who is.
    pub fn may_have(&self, key: &Key) -> bool {
        let (block, bits) = self.place(key);
        let block = &self.0[block];
        probes(bits).all(|bit| block[bit / 64] & (1 << (bit % 64)) != 0)
    }

    /// Returns the voter's block, and the bits that choose the probes in it.
    fn place(&self, key: &Key) -> (usize, u64) {
        let voter = u128::from_le_bytes(key.voter);
        // One voter's pseudonyms differ by poll, so the poll need not be mixed in well.
        let high = (voter >> 64) as u64 ^ u64::from(key.poll);
        let block = (u128::from(high) * self.0.len() as u128) >> 64;
        (block as usize, voter as u64)
    }
}

/// Returns the probes: each takes nine bits, which choose one of 512.
fn probes(bits: u64) -> impl Iterator<Item = usize> {
    (0..PROBES).map(move |probe| (bits >> (9 * probe)) as usize % 512)
}

#[cfg(test)]
mod tests {
    use pollux_core::id::VoterId;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn a_filter_has_all_its_keys_and_few_others() {
        let mut dice = StdRng::seed_from_u64(1);
        let mut voters = |n: usize| -> Vec<Key> {
            (0..n).map(|i| Key::new(i as u32 % 3, VoterId(dice.random()))).collect()
        };
        let (inside, outside) = (voters(20_000), voters(20_000));
        let filter = Filter::of(inside.iter());
        assert!(inside.iter().all(|key| filter.may_have(key)));
        let mistaken = outside.iter().filter(|key| filter.may_have(key)).count();
        assert!(mistaken < 400, "{mistaken} of 20000");
        assert!(!Filter::of([].iter()).may_have(&inside[0]));
    }
}
