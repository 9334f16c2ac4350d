//! The canonical form of a ballot is read and written here without a JSON library, because nearly
//! every vote passes both ways. The kind of the poll says whether an answer has a place in it. A
//! record that is laid out otherwise is no less valid; serde reads it.

use std::str::FromStr;

use crate::ballot::{Ballot, NamedBy};
use crate::id::UnixMillis;
use crate::kind::Answer;

// The golden tests fail if any of these texts changes.
const FIRST: &str = r#"{"v":1,"type":"ballot","pollId":""#;
const SECOND: &str = r#"{"v":2,"type":"ballot","pollId":""#;
const VOTER: &str = r#"","voter":""#;
const ID: &str = r#"","ballotId":""#;
const ANSWER: &str = r#"","#;
const PHASE: &str = r#","phase":"#;
const ROUND: &str = r#","round":"#;
const AT: &str = r#","at":"#;
const CLIENT: &str = "}";
const SERVER: &str = r#","namedBy":"server"}"#;

/// The bytes that a ballot with a short answer fits into.
const ROOM: usize = 256;

/// Encodes the value of a ballot's record; `None` if its answer has no canonical form.
pub(super) fn encode(ballot: &Ballot) -> Option<Vec<u8>> {
    let answer = ballot.answer.canonical()?;
    let mut bytes = Vec::with_capacity(ROOM);
    let mut put = |text: &str| bytes.extend_from_slice(text.as_bytes());
    let uuid = &mut [0; 36];
    let (start, end) = match ballot.named_by {
        NamedBy::Client => (FIRST, CLIENT),
        NamedBy::Server => (SECOND, SERVER),
    };
    put(start);
    put(ballot.poll.0.hyphenated().encode_lower(uuid));
    put(VOTER);
    put(ballot.voter.encode(&mut [0; 32]));
    put(ID);
    put(ballot.id.0.hyphenated().encode_lower(uuid));
    put(ANSWER);
    answer.write(&mut bytes);
    let mut put = |text: &str| bytes.extend_from_slice(text.as_bytes());
    let mut digits = itoa::Buffer::new();
    put(PHASE);
    put(digits.format(ballot.phase));
    put(ROUND);
    put(digits.format(ballot.round));
    put(AT);
    put(digits.format(ballot.at.0));
    put(end);
    Some(bytes)
}

/// Decodes the ballot in these bytes; `None` if they are laid out in any other way.
pub(super) fn decode(value: &[u8]) -> Option<Ballot> {
    let mut rest = Rest(value);
    let named_by = if rest.skip(FIRST).is_some() {
        NamedBy::Client
    } else {
        rest.skip(SECOND)?;
        NamedBy::Server
    };
    let poll = rest.id(36)?;
    rest.skip(VOTER)?;
    let voter = rest.id(32)?;
    rest.skip(ID)?;
    let id = rest.id(36)?;
    rest.skip(ANSWER)?;
    let answer;
    (answer, rest.0) = Answer::read_canonical(rest.0)?;
    rest.skip(PHASE)?;
    let phase = u32::try_from(rest.number()?).ok()?;
    rest.skip(ROUND)?;
    let round = u32::try_from(rest.number()?).ok()?;
    rest.skip(AT)?;
    let at = UnixMillis(rest.number()?);
    rest.skip(match named_by {
        NamedBy::Client => CLIENT,
        NamedBy::Server => SERVER,
    })?;
    rest.0.is_empty().then_some(Ballot { poll, voter, id, named_by, answer, round, phase, at })
}

/// `Rest` holds the bytes that are not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(())
    }

    fn id<T: FromStr>(&mut self, length: usize) -> Option<T> {
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()?.parse().ok()
    }

    /// Reads a number as JSON writes it, without leading zeros.
    fn number(&mut self) -> Option<u64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        let plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && length < 20;
        self.0 = rest;
        plain.then(|| digits.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0')))
    }
}
