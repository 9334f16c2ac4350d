//! The ballot as a client sends it, read and checked. The body of a request and a message of the socket hold it in
//! the same members, and each has its own members beside it.

use std::fmt;
use std::marker::PhantomData;

use pollux_core::ballot::NamedBy;
use pollux_core::id::{BallotId, UnixMillis};
use pollux_core::kind::{Answer, Written};
use pollux_core::poll::Poll;
use pollux_core::text::Text;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::shape::diagnose_vote;
use crate::api::App;
use crate::api::problem::{Problem, Trouble};

/// `Cast` is a ballot as a client writes it.
#[derive(Default)]
pub struct Cast<'a> {
    pub(crate) answer: Written<'a>,
    pub(crate) ballot_id: Option<Text<'a>>,
    pub(crate) voter_id: Option<Text<'a>>,
    pub(crate) voter: Option<Text<'a>>,
    pub(crate) round: Option<u64>,
}

/// An envelope is what a client writes beside the ballot, which depends on where the ballot is sent.
pub trait Envelope<'a>: Default {
    /// The names of its members.
    const MEMBERS: &'static [&'static str];

    /// Reads the value of a member, if it is one of its own. Returns its place among them.
    fn member<M: MapAccess<'a>>(
        &mut self,
        name: &str,
        map: &mut M,
    ) -> Result<Option<usize>, M::Error>;
}

/// `Sent` is a ballot together with its envelope.
#[derive(Default)]
pub struct Sent<'a, E> {
    /// The ballot.
    pub cast: Cast<'a>,
    /// What is written beside it.
    pub envelope: E,
}

/// The envelope of a ballot in a request's body has the voter's name.
#[derive(Default)]
struct Body<'a> {
    voter_id: Option<Text<'a>>,
}

impl<'a> Envelope<'a> for Body<'a> {
    const MEMBERS: &'static [&'static str] = &["voterId"];

    fn member<M: MapAccess<'a>>(
        &mut self,
        name: &str,
        map: &mut M,
    ) -> Result<Option<usize>, M::Error> {
        if name != "voterId" {
            return Ok(None);
        }
        self.voter_id = map.next_value()?;
        Ok(Some(0))
    }
}

impl<'a> Cast<'a> {
    const MEMBERS: [&'static str; 3] = ["ballotId", "voter", "round"];

    /// Reads the value of a member, if it is one of a ballot's. Returns its place among them.
    fn member<M: MapAccess<'a>>(
        &mut self,
        name: &str,
        map: &mut M,
    ) -> Result<Option<usize>, M::Error> {
        let place = match name {
            "ballotId" => {
                self.ballot_id = map.next_value()?;
                0
            }
            "voter" => {
                self.voter = map.next_value()?;
                1
            }
            "round" => {
                self.round = map.next_value()?;
                2
            }
            _ => {
                let place = self.answer.member(name, map)?;
                return Ok(place.map(|place| Self::MEMBERS.len() + place));
            }
        };
        Ok(Some(place))
    }

    /// Returns the ballot's answer, if the poll allows it.
    pub fn checked(&self, poll: &Poll) -> Result<Answer, Problem> {
        let read = poll.kind.read(&self.answer, poll.text_key.as_ref());
        read.map_err(|broken| match poll.kind.holds_texts() && poll.text_key.is_none() {
            true => keyless(poll),
            false => Problem::rule(broken.pointer, broken.detail),
        })
    }

    /// Returns the client's ballot id, or a new one.
    pub fn ballot_id(&self, app: &App, now: UnixMillis) -> Result<(BallotId, NamedBy), Problem> {
        let Some(Text(text)) = &self.ballot_id else {
            return Ok((BallotId::new(now, app.ambient.random()), NamedBy::Server));
        };
        let id = text.parse().map_err(|error| Problem::rule("/ballotId", format!("is {error}")))?;
        Ok((id, NamedBy::Client))
    }
}

/// Reads the members one by one. A derived reader would have to name those of every kind of poll here, or keep
/// the whole object in between, which this hot path cannot afford.
impl<'de: 'a, 'a, E: Envelope<'de>> Deserialize<'de> for Sent<'a, E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<E>(PhantomData<E>);
        impl<'de, E: Envelope<'de>> Visitor<'de> for Members<E> {
            type Value = Sent<'de, E>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut sent = Sent { cast: Cast::default(), envelope: E::default() };
                let mut seen = 0_u32;
                while let Some(Text(name)) = map.next_key()? {
                    let bit = match sent.cast.member(&name, &mut map)? {
                        Some(place) => 1 << place,
                        None => match sent.envelope.member(&name, &mut map)? {
                            Some(place) => 1 << 16 << place,
                            None => return Err(unknown::<E, _>(&name)),
                        },
                    };
                    if seen & bit != 0 {
                        return Err(M::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    seen |= bit;
                }
                Ok(sent)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Returns the problem of a ballot in a poll that this node knows without the key of its texts. The store has the key,
/// so nothing is wrong with the ballot.
#[cold]
fn keyless(poll: &Poll) -> Problem {
    tracing::error!(poll = %poll.id, "the key of the poll's texts is missing here; its votes are refused");
    Problem::new(Trouble::NotRecorded, "the key of this poll's texts is missing here; try again")
}

#[cold]
fn unknown<'a, E: Envelope<'a>, T: Error>(name: &str) -> T {
    let known = E::MEMBERS.iter().copied().chain(Written::members()).chain(Cast::MEMBERS);
    let known: Vec<String> = known.map(|known| format!("`{known}`")).collect();
    T::custom(format_args!("unknown field `{name}`, expected one of {}", known.join(", ")))
}

/// Reads the ballot in the body of a request. One that cannot be read is read again, more slowly, to say where
/// it is wrong.
pub fn read(body: &[u8]) -> Result<Cast<'_>, Problem> {
    let sent: Sent<'_, Body<'_>> =
        serde_json::from_slice(body).map_err(|error| diagnose_vote(body, &error))?;
    Ok(Cast { voter_id: sent.envelope.voter_id, ..sent.cast })
}
