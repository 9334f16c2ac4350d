//! The options that one ballot marks, as a set of bits.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An option's id is 1 to [`super::MAX_OPTIONS`], in the order the organiser wrote them.
pub type OptionId = u8;

/// An option set holds the options that one ballot marks. It is a set, so no option can be marked
/// twice and their order cannot matter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct OptionSet {
    low: u64,
    high: u64,
}

impl OptionSet {
    /// The set without any mark: no valid ballot, but a place to start from.
    pub const NONE: Self = Self { low: 0, high: 0 };

    /// Returns the set of these options; `None` if an id is outside 1 to 100.
    pub fn of(options: impl IntoIterator<Item = OptionId>) -> Option<Self> {
        let mut bits = 0;
        for option in options {
            if option == 0 || usize::from(option) > super::MAX_OPTIONS {
                return None;
            }
            bits |= 1 << option;
        }
        Some(Self::packed(bits))
    }

    /// Returns the marked options, ascending.
    pub fn iter(self) -> impl Iterator<Item = OptionId> {
        let mut bits = self.bits();
        std::iter::from_fn(move || {
            (bits != 0).then(|| {
                let option = bits.trailing_zeros() as OptionId;
                bits &= bits - 1;
                option
            })
        })
    }

    /// Returns how many options are marked.
    pub fn len(self) -> usize {
        (self.low.count_ones() + self.high.count_ones()) as usize
    }

    /// Returns whether nothing is marked.
    pub fn is_empty(self) -> bool {
        self.low | self.high == 0
    }

    /// Returns the greatest option marked; 0 if none is.
    pub fn greatest(self) -> OptionId {
        let bits = self.bits();
        if bits == 0 { 0 } else { (127 - bits.leading_zeros()) as OptionId }
    }

    /// Returns the set as bits (bit *n* is option *n*), for a store that keeps it in one column.
    pub fn bits(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    fn packed(bits: u128) -> Self {
        Self { low: bits as u64, high: (bits >> 64) as u64 }
    }

    /// Returns the set of which these are the [`OptionSet::bits`]; `None` if a bit outside 1 to 100
    /// is set.
    pub fn from_bits(bits: u128) -> Option<Self> {
        let outside = !(((1_u128 << super::MAX_OPTIONS) - 1) << 1);
        (bits & outside == 0).then_some(Self::packed(bits))
    }
}

/// The canonical form of a ballot's record has the options as a member of this name.
const MEMBER: &[u8] = br#""optionIds":["#;

impl OptionSet {
    /// Appends the set as a member of a record in the canonical form: the ids, ascending.
    pub(crate) fn write(self, record: &mut Vec<u8>) {
        record.extend_from_slice(MEMBER);
        let mut digits = itoa::Buffer::new();
        for (i, option) in self.iter().enumerate() {
            if i > 0 {
                record.push(b',');
            }
            record.extend_from_slice(digits.format(option).as_bytes());
        }
        record.push(b']');
    }

    /// Reads what [`OptionSet::write`] has written at the start of these bytes. Returns the rest,
    /// too; `None` if the bytes begin in any other way.
    pub(in crate::kind) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut rest = bytes.strip_prefix(MEMBER)?;
        let mut options = Self::NONE;
        while rest.first() != Some(&b']') {
            if !options.is_empty() {
                rest = rest.strip_prefix(b",")?;
            }
            let option;
            (option, rest) = id(rest).filter(|(option, _)| *option > options.greatest())?;
            options = Self::from_bits(options.bits() | 1_u128.checked_shl(option.into())?)?;
        }
        Some((options, &rest[1..]))
    }
}

/// Reads an id as JSON writes it, without leading zeros. Returns the rest, too.
fn id(bytes: &[u8]) -> Option<(OptionId, &[u8])> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(length);
    let plain = matches!(digits, [b'1'..=b'9', ..]) && length <= 3;
    let number = || digits.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
    let id = plain.then(number).and_then(|number| OptionId::try_from(number).ok());
    id.map(|id| (id, rest))
}

impl std::fmt::Display for OptionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<String> = self.iter().map(|id| id.to_string()).collect();
        write!(f, "options {}", ids.join(", "))
    }
}

impl std::fmt::Debug for OptionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for OptionSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for OptionSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ids = Vec::<OptionId>::deserialize(deserializer)?;
        Self::of(ids).ok_or_else(|| D::Error::custom("option id outside 1 to 100"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_a_set() {
        let marked = OptionSet::of([3, 1, 3]).unwrap();
        assert_eq!(marked.iter().collect::<Vec<_>>(), [1, 3]);
        assert_eq!((marked.len(), marked.greatest()), (2, 3));
        assert_eq!(OptionSet::from_bits(marked.bits()), Some(marked));
        assert_eq!(OptionSet::of([0]), None);
        assert_eq!(OptionSet::of([101]), None);
        assert_eq!(OptionSet::from_bits(1), None);
        assert_eq!(OptionSet::from_bits(1 << 101), None);
        assert_eq!(OptionSet::of(1..=100).unwrap().len(), 100);
    }
}
