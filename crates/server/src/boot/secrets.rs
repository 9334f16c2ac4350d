//! The secrets of an installation: which may follow which, and what the store keeps of them.
//!
//! A rotation happens at a moment. Polls created before it go on deriving voters' pseudonyms from the former
//! secret, and later ones use the next. So no voter is taken for a new one in any poll, and each node can
//! tell from a poll's id alone which secret the poll uses.

use std::fmt;

use pollux_core::id::UnixMillis;

use super::credentials::fingerprint;
use crate::config::FormerSecret;

/// A link is a secret, given by its [`fingerprint`], with the end of its time in force.
type Link = ([u8; 16], Option<UnixMillis>);

/// A chain has the fingerprints of all secrets, oldest first. Only the last has no end.
///
/// As text, the fingerprints are in hexadecimal digits and separated by spaces. An `@` and the end in
/// milliseconds since 1970 follow each but the last. A secret that was never rotated is the fingerprint
/// alone, which is what older versions keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain(Vec<Link>);

/// `Unfit` says why a node may not start with the secrets that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The store does not know these secrets, or some that have followed are missing.
    Unknown,
    /// The moment from which the next secret is in force has passed.
    Past(UnixMillis),
}

/// Returns the error for a rotation whose moment has passed: what is wrong, and what to do.
pub fn too_late(until: UnixMillis) -> String {
    let at = jiff::Timestamp::from_millisecond(until.0 as i64).unwrap_or_default();
    format!(
        "POLLUX_FORMER_SECRETS says that the secret is rotated at {at}, which has passed: polls created since \
         then use the former one. Name a moment ahead, by which every node has been \
         started like this; until then all go on with the former secret"
    )
}

impl Chain {
    /// Creates the chain of the former secrets and the one that follows them.
    pub fn new(former: &[FormerSecret], current: &str) -> Self {
        let former = former.iter().map(|one| (fingerprint(&one.text), Some(one.until)));
        Self(former.chain([(fingerprint(current), None)]).collect())
    }

    /// Returns what the store has to keep instead of `kept` once a node starts with these secrets, or `None`
    /// if `kept` may stay. The oldest secrets may be left out once nobody votes in their polls any more.
    fn after(&self, kept: &Self, now: UnixMillis) -> Result<Option<Self>, Unfit> {
        let shared = (0..kept.0.len()).find(|from| self.begins_with(&kept.0[*from..]));
        let from = shared.ok_or(Unfit::Unknown)?;
        let known = kept.0.len() - from;
        if known == self.0.len() {
            return Ok(None);
        }
        match self.0[known - 1].1 {
            Some(until) if until <= now => Err(Unfit::Past(until)),
            _ => Ok(Some(Self([&kept.0[..from], &self.0[..]].concat()))),
        }
    }

    /// Returns whether this chain begins with `others`. The last of them may have got an end since.
    fn begins_with(&self, others: &[Link]) -> bool {
        let Some((last, before)) = others.split_last() else { return false };
        self.0.starts_with(before) && self.0.get(before.len()).is_some_and(|one| one.0 == last.0)
    }

    /// Does the same as [`Chain::after`], with the text that the store keeps.
    pub fn after_text(&self, kept: &str, now: UnixMillis) -> Result<Option<Self>, Unfit> {
        self.after(&Self::parse(kept).ok_or(Unfit::Unknown)?, now)
    }

    /// Reads what [`fmt::Display`] writes.
    fn parse(text: &str) -> Option<Self> {
        let link = |text: &str| {
            let (digits, until) = match text.split_once('@') {
                Some((digits, until)) => (digits, Some(UnixMillis(until.parse().ok()?))),
                None => (text, None),
            };
            Some((hex::decode(digits).ok()?.try_into().ok()?, until))
        };
        let links: Vec<Link> = text.split(' ').map(link).collect::<Option<_>>()?;
        let (last, former) = links.split_last()?;
        (last.1.is_none() && former.iter().all(|one| one.1.is_some())).then_some(Self(links))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fingerprint, until) in &self.0 {
            f.write_str(&hex::encode(fingerprint))?;
            if let Some(until) = until {
                write!(f, "@{} ", until.0)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(100);

    fn chain(former: &[(&str, u64)], current: &str) -> Chain {
        let former: Vec<_> = former
            .iter()
            .map(|(text, until)| FormerSecret { text: (*text).into(), until: UnixMillis(*until) })
            .collect();
        Chain::new(&former, current)
    }

    #[test]
    fn a_rotation_lies_ahead_and_is_then_the_same_for_every_node() {
        let (first, second) = (chain(&[], "one"), chain(&[("one", 200)], "two"));
        assert_eq!(first.after(&first, NOW), Ok(None));
        assert_eq!(second.after(&first, NOW), Ok(Some(second.clone())));
        assert_eq!(chain(&[("one", 100)], "two").after(&first, NOW), Err(Unfit::Past(NOW)));
        let later = UnixMillis(300);
        assert_eq!(second.after(&second, later), Ok(None), "a node may start at any time after it");
        for wrong in [&first, &chain(&[], "three"), &chain(&[("one", 201)], "two")] {
            assert_eq!(wrong.after(&second, NOW), Err(Unfit::Unknown), "{wrong}");
        }
        assert_eq!(chain(&[("one", 200)], "three").after(&second, NOW), Err(Unfit::Unknown));
    }

    #[test]
    fn the_oldest_may_be_left_out_and_none_between() {
        let kept = chain(&[("one", 20), ("two", 40)], "three");
        assert_eq!(chain(&[("two", 40)], "three").after(&kept, NOW), Ok(None));
        assert_eq!(chain(&[], "three").after(&kept, NOW), Ok(None));
        assert_eq!(chain(&[("one", 20)], "three").after(&kept, NOW), Err(Unfit::Unknown));
        let next = chain(&[("three", 200)], "four").after(&kept, NOW).unwrap();
        assert_eq!(next, Some(chain(&[("one", 20), ("two", 40), ("three", 200)], "four")));
    }

    #[test]
    fn what_is_kept_is_read_again() {
        for chain in [chain(&[], "one"), chain(&[("one", 20), ("two", 40)], "three")] {
            assert_eq!(Chain::parse(&chain.to_string()), Some(chain));
        }
        assert_eq!(chain(&[], "one").to_string(), hex::encode(fingerprint("one")));
        for wrong in [
            "",
            "00",
            "no hex",
            &format!("{} ", hex::encode([0; 16])),
            &format!("{}@1", hex::encode([0; 16])),
        ] {
            assert_eq!(Chain::parse(wrong), None, "{wrong:?}");
        }
    }
}
