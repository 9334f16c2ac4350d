//! Bins: the values of a number, put together so that few bars show how the answers are spread.
//!
//! `crates/core/tests/bins.json` has examples, which the screens' own rules (`web/src/kinds/number/number.ts`) are held
//! to as well.

use super::{Decimal, Form, round};

/// A bin holds neighbouring values and the number of people who gave one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    /// The least value of the bin.
    pub from: Decimal,
    /// The greatest value of the bin.
    pub to: Decimal,
    /// The number of people who gave one of its values.
    pub people: u64,
}

impl std::fmt::Display for Bin {
    /// Writes the bin's only value, or the least and the greatest one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.from == self.to {
            self.from.fmt(f)
        } else {
            // Beside a minus a dash would read like another one.
            let to = if self.from < Decimal::default() { " to " } else { "–" };
            write!(f, "{}{to}{}", self.from, self.to)
        }
    }
}

impl Form {
    /// Returns bins from the least to the greatest value that somebody gave, at most so many; `most` is 2 or greater.
    ///
    /// All bins are equally wide: as many steps as the least of 1, 2, 5, 10, 20, 50, … that makes them few enough. They
    /// begin at multiples of their width, counted from zero if zero is a whole number of steps away from the least
    /// value, and otherwise from that value. No bin goes beyond the bounds.
    pub fn bins(self, counts: &[u64], most: u16) -> Vec<Bin> {
        let slots = |n: usize| n as i64;
        let given = |(slot, people): (usize, &u64)| (*people > 0).then_some(slots(slot));
        let mut answered = counts.iter().take(self.values.into()).enumerate().filter_map(given);
        let Some(least) = answered.next() else { return Vec::new() };
        let greatest = answered.next_back().unwrap_or(least);
        // The number of steps from where the edges are counted to the least value that may be given.
        let first = if self.min % self.step == 0 { self.min / self.step } else { 0 };
        let bin = |slot: i64, width: i64| (first + slot).div_euclid(width);
        let count = |width: i64| bin(greatest, width) - bin(least, width) + 1;
        let few = i64::from(most.max(2));
        let width = round().find(|width| count(*width) <= few);
        let width = width.expect("bins as wide as all values are two at most");
        let bins = (bin(least, width)..=bin(greatest, width)).map(|n| {
            let from = (n * width - first).max(0) as usize;
            let to = ((n + 1) * width - first).min(self.values.into()) as usize;
            let people = counts.iter().take(to).skip(from).sum();
            Bin { from: self.value(from), to: self.value(to - 1), people }
        });
        bins.collect()
    }
}
