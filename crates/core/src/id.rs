//! Ids of polls, events, ballots and voters, and a record's place on the log.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// A partition is a number among those of the topic `votes`, counted from 0.
pub type Partition = u32;

/// An offset is a record's place in its partition, counted from 0 (the genesis record).
pub type Offset = u64;

/// `UnixMillis` is a time in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

/// Reads a value from its text, without a copy of the text.
fn from_text<'de, D: serde::Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    d: D,
) -> Result<T, D::Error> {
    struct Text<T>(std::marker::PhantomData<T>);
    impl<T: FromStr<Err: fmt::Display>> serde::de::Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    d.deserialize_str(Text(std::marker::PhantomData))
}

macro_rules! uuid_v7 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                from_text(d)
            }
        }

        impl $name {
            /// Creates a UUIDv7 of this time and these random bits (RFC 9562 §5.7).
            pub fn new(now: UnixMillis, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(now.0, &random).into_uuid())
            }

            /// Returns the time that the id carries.
            pub fn time(self) -> UnixMillis {
                UnixMillis((self.0.as_u128() >> 80) as u64)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts the hyphenated form of a UUIDv7 and no other.
            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() != 36 {
                    return Err(IdError);
                }
                let uuid = Uuid::try_parse(text).map_err(|_| IdError)?;
                if uuid.get_version_num() != 7 { Err(IdError) } else { Ok(Self(uuid)) }
            }
        }
    };
}

uuid_v7! {
    /// A poll's id. Ids sort by the time at which the polls were created.
    PollId
}

uuid_v7! {
    /// The id of an event, which is several polls under one code. No poll has the id of an event.
    EventId
}

uuid_v7! {
    /// A ballot's id: one voter's submission in one poll. The client chooses it, or else the
    /// server. Among the ballots that a client named, the one with the greatest id wins; in a
    /// UUIDv7 the greatest is the newest.
    BallotId
}

/// An `IdError` says that the text is not a hyphenated UUIDv7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUIDv7 such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct IdError;

/// A voter id is a 128-bit pseudonym of a voter within one poll. The same person has an unrelated
/// [`VoterId`] in every poll, and without the secret nobody can go back from it to the name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoterId(pub [u8; 16]);

/// The voter kind says what a voter was recognised by. It is part of the pseudonym, so that a
/// `voterId` in a body can never collide with somebody's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoterKind {
    /// The `voterId` in the request's body.
    Named,
    /// The value in the signed cookie (or, for a first vote, the ballot id that the cookie will
    /// carry).
    Cookie,
}

impl VoterId {
    /// Derives a voter's pseudonym: the first 128 bits of HMAC-SHA256(secret, poll ‖ kind ‖ value).
    ///
    /// `key` is the keyed state that [`voter_key`] returns, computed once per process.
    pub fn derive(key: &VoterKey, poll: PollId, kind: VoterKind, value: &[u8]) -> Self {
        let mut mac = key.0.clone();
        mac.update(poll.0.as_bytes());
        mac.update(&[match kind {
            VoterKind::Named => b'n',
            VoterKind::Cookie => b'c',
        }]);
        mac.update(value);
        let digest = mac.finalize().into_bytes();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

/// The voter key is the state of HMAC-SHA256 keyed with `POLLUX_SECRET`.
#[derive(Clone)]
pub struct VoterKey(Hmac<Sha256>);

/// Keys the pseudonym function with the installation's secret, which may have any length.
pub fn voter_key(secret: &[u8]) -> VoterKey {
    VoterKey(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length"))
}

impl VoterId {
    /// Writes the 32 hexadecimal digits into `buffer` and returns them.
    pub fn encode(self, buffer: &mut [u8; 32]) -> &str {
        Uuid::from_bytes(self.0).simple().encode_lower(buffer)
    }
}

impl fmt::Display for VoterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.encode(&mut [0; 32]))
    }
}

impl fmt::Debug for VoterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VoterId {
    type Err = VoterIdError;

    fn from_str(text: &str) -> Result<Self, VoterIdError> {
        let lower = |c: &u8| c.is_ascii_digit() || (b'a'..=b'f').contains(c);
        if text.len() != 32 || !text.as_bytes().iter().all(lower) {
            return Err(VoterIdError);
        }
        Uuid::try_parse(text).map(|uuid| Self(uuid.into_bytes())).map_err(|_| VoterIdError)
    }
}

impl Serialize for VoterId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.encode(&mut [0; 32]))
    }
}

impl<'de> Deserialize<'de> for VoterId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        from_text(d)
    }
}

/// A `VoterIdError` says that the text is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a voter: 32 lower-case hexadecimal digits")]
pub struct VoterIdError;

/// A generation names one incarnation of the log. A log that was lost and created anew has another
/// generation, so that offsets of the old log are never applied to the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub Uuid);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A position is a record's place on the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The partition.
    pub partition: Partition,
    /// The offset in the partition; `None` when a retried append succeeded without telling where.
    pub offset: Option<Offset>,
}

/// Returns the partition of a key among `partitions`, as Kafka's default Java partitioner computes
/// it: `(murmur2(key) & 0x7fffffff) % partitions`.
pub fn partition_of(key: &[u8], partitions: u32) -> Partition {
    debug_assert!(partitions > 0, "a topic has at least one partition");
    (murmur2(key) & 0x7fff_ffff) % partitions
}

/// Computes MurmurHash2 with 32 bits and the seed that Kafka uses
/// (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut h = 0x9747_b28c_u32 ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes(word.try_into().expect("four bytes"));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        for (i, byte) in tail.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_is_kafkas() {
        // These are the vectors of Kafka's own UtilsTest.testMurmur2.
        for (key, hash) in [
            ("21", -973932308_i32),
            ("foobar", -790332482),
            ("a-little-bit-long-string", -985981536),
            ("a-little-bit-longer-string", -1486304829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
            ("abc", 479470107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }

    #[test]
    fn ids_carry_their_time_and_refuse_other_uuids() {
        let id = PollId::new(UnixMillis(1_700_000_000_123), [7; 10]);
        assert_eq!(id.time(), UnixMillis(1_700_000_000_123));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse::<PollId>(), Err(IdError));
        assert_eq!("".parse::<PollId>(), Err(IdError));
    }

    #[test]
    fn voters_differ_by_poll_kind_and_value() {
        let key = voter_key(b"secret");
        let poll = |n| PollId::new(UnixMillis(n), [1; 10]);
        let one = VoterId::derive(&key, poll(1), VoterKind::Named, b"ada");
        assert_eq!(one, VoterId::derive(&key, poll(1), VoterKind::Named, b"ada"));
        assert_ne!(one, VoterId::derive(&key, poll(2), VoterKind::Named, b"ada"));
        assert_ne!(one, VoterId::derive(&key, poll(1), VoterKind::Cookie, b"ada"));
        assert_ne!(one, VoterId::derive(&key, poll(1), VoterKind::Named, b"adb"));
        assert_eq!(one.to_string().parse(), Ok(one));
        assert!("+0000000000000000000000000000000".parse::<VoterId>().is_err());
    }
}
