//! A ballot: one voter's submission in one poll, and the set of options it marks.

use serde::{Deserialize, Serialize};

use crate::id::{BallotId, PollId, UnixMillis, VoterId};

/// An option's id: 1 to [`crate::poll::MAX_OPTIONS`], in the order the organiser wrote them.
pub type OptionId = u8;

/// The options one ballot marks: a set, so a doubled mark cannot exist and order cannot matter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Choice(u128);

impl Choice {
    /// No mark at all; not a valid ballot, but a place to start from.
    pub const NONE: Self = Self(0);

    /// The set of these options; `None` if an id is outside 1 to 100.
    pub fn of(options: impl IntoIterator<Item = OptionId>) -> Option<Self> {
        let mut bits = 0;
        for option in options {
            if option == 0 || usize::from(option) > crate::poll::MAX_OPTIONS {
                return None;
            }
            bits |= 1 << option;
        }
        Some(Self(bits))
    }

    /// The marked options, ascending.
    pub fn iter(self) -> impl Iterator<Item = OptionId> {
        let mut bits = self.0;
        std::iter::from_fn(move || {
            (bits != 0).then(|| {
                let option = bits.trailing_zeros() as OptionId;
                bits &= bits - 1;
                option
            })
        })
    }

    /// How many options are marked.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether nothing is marked.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The greatest option marked; 0 if none.
    pub fn greatest(self) -> OptionId {
        if self.0 == 0 { 0 } else { (127 - self.0.leading_zeros()) as OptionId }
    }

    /// The set as bits (bit *n* is option *n*), for a store that keeps it in one column.
    pub fn bits(self) -> u128 {
        self.0
    }

    /// The set of [`Choice::bits`]; `None` if a bit outside 1 to 100 is set.
    pub fn from_bits(bits: u128) -> Option<Self> {
        let outside = !(((1_u128 << crate::poll::MAX_OPTIONS) - 1) << 1);
        (bits & outside == 0).then_some(Self(bits))
    }
}

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A ballot as it stands on the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// In which poll.
    pub poll: PollId,
    /// By whom.
    pub voter: VoterId,
    /// Which submission; the greatest of a voter wins.
    pub id: BallotId,
    /// For what.
    pub choice: Choice,
    /// The poll's round when it was taken; 0 when a foreign producer did not say.
    pub round: u32,
    /// The poll's phase when it was taken (see [`crate::poll::Poll::phase`]); 0 likewise.
    pub phase: u32,
    /// When the node took it.
    pub at: UnixMillis,
}

/// What became of a ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Durable on the log, not decided yet.
    Recorded,
    /// It counts.
    Counted,
    /// It counted until the same voter's newer ballot took its place.
    Replaced,
    /// It came after a newer ballot of the same voter and never counted.
    Superseded,
    /// The poll takes one ballot per voter and had one already.
    Refused,
    /// It reached the log after the poll closed, or belongs to an earlier round.
    Late,
}

impl Status {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Counted => "counted",
            Self::Replaced => "replaced",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
            Self::Late => "late",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_set() {
        let choice = Choice::of([3, 1, 3]).unwrap();
        assert_eq!(choice.iter().collect::<Vec<_>>(), [1, 3]);
        assert_eq!((choice.len(), choice.greatest()), (2, 3));
        assert_eq!(Choice::from_bits(choice.bits()), Some(choice));
        assert_eq!(Choice::of([0]), None);
        assert_eq!(Choice::of([101]), None);
        assert_eq!(Choice::from_bits(1), None);
        assert_eq!(Choice::from_bits(1 << 101), None);
        assert_eq!(Choice::of(1..=100).unwrap().len(), 100);
    }
}
