//! A record's bytes on the topic `votes`: one record is one ballot or one control, JSON with a
//! schema version, readable by any Kafka client.
//!
//! ```text
//! key   0199…-poll/5f1c…-voter
//! value {"v":1,"type":"ballot","pollId":"0199…","voter":"5f1c…","ballotId":"0199…",
//!        "optionIds":[2],"phase":1,"round":1,"at":1763740800000}
//!
//! value {"v":2, …the same…, "at":1763740800000,"namedBy":"server"}    (see `NamedBy`)
//!
//! value {"v":2,"type":"ballot", …, "answer":{"rating":[4,null,2]}, …, "namedBy":"client"}
//!                                    (an answer of any kind but a choice, in place of `optionIds`)
//!
//! value {"v":2,"type":"ballot", …, "answer":{"words":[{"name":"4896…","sealed":"Ky3j…"}]}, …}
//!                                    (words are sealed; see `crate::seal`)
//!
//! key   0199…-poll                     (opened, closed, reopened, reset, deleted)
//! value {"v":1,"type":"closed","pollId":"0199…","phase":2,"round":1,"open":false,"at":…}
//!
//! key   genesis                                            (the first of every partition)
//! value {"v":1,"type":"genesis","generation":"…","partition":3,"partitions":12}
//! ```
//!
//! Version 1 holds the choices that clients named, and is decided for ever as it was at first;
//! version 2 holds what was added later. Unknown members are ignored. A greater `v` is
//! [`RecordError::Newer`]: the reader must stop, because a vote it cannot read must not be lost. A
//! record of version 2 that cannot be read is `Newer` as well, because a later Pollux may have
//! written it. Anything else that cannot be read is [`RecordError::Unreadable`] in every version,
//! and dead.

mod canonical;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ballot::{Ballot, NamedBy};
use crate::gate::Gate;
use crate::id::{BallotId, Generation, Partition, PollId, UnixMillis, VoterId, partition_of};
use crate::kind::Answer;
use crate::kind::choice::OptionSet;
use crate::poll::{Poll, PollStatus};

/// The schema version of everything that the first Pollux wrote.
const FIRST: u32 = 1;

/// The greatest schema version this binary reads and writes.
pub const VERSION: u32 = 2;

/// The longest value that this binary writes or counts, in bytes; a longer one is unreadable.
pub const MAX_VALUE_BYTES: usize = 4096;

/// An entry is the content of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The first record of a partition.
    Genesis(Genesis),
    /// A ballot.
    Ballot(Ballot),
    /// A poll's move to another phase.
    Control(Control),
}

/// The genesis record is the first of every partition and says which log this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The generation of the log.
    pub generation: Generation,
    /// The partition that the record stands in.
    pub partition: Partition,
    /// The number of partitions, which is fixed for the generation.
    pub partitions: u32,
}

/// A control record tells of a poll's move to another phase; it is appended to every partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// The poll that moved.
    pub poll: PollId,
    /// The phase it is in now.
    pub phase: u32,
    /// The round it is in now.
    pub round: u32,
    /// Whether it takes votes now.
    pub gate: Gate,
    /// The reason for the move, for people who read the topic; the fold goes by the fields above.
    pub reason: Reason,
    /// The time of the move.
    pub at: UnixMillis,
}

/// The reason says what the owner did, as far as the poll's new status tells: a reset of a closed
/// poll reads `Closed`, and a reopening after a reset reads `Reset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The poll was opened for the first time.
    Opened,
    /// The poll was closed, or its closing time came.
    Closed,
    /// The poll was opened again.
    Reopened,
    /// A new round began.
    Reset,
    /// The poll was deleted.
    Deleted,
}

impl Control {
    /// Returns the control record for the phase that a poll is in; `None` for a draft, of which the
    /// log knows nothing.
    pub fn of(poll: &Poll, at: UnixMillis) -> Option<Self> {
        let reason = match poll.status {
            _ if poll.phase == 0 => return None,
            PollStatus::Draft => return None,
            PollStatus::Closed => Reason::Closed,
            PollStatus::Deleted => Reason::Deleted,
            PollStatus::Open if poll.phase == 1 => Reason::Opened,
            PollStatus::Open if poll.round > 1 => Reason::Reset,
            PollStatus::Open => Reason::Reopened,
        };
        let (phase, round, gate) = (poll.phase, poll.round, poll.gate());
        Some(Self { poll: poll.id, phase, round, gate, reason, at })
    }

    /// Returns the record's key: `{pollId}`.
    pub fn key(&self) -> String {
        self.poll.to_string()
    }
}

/// Returns the key of a ballot's record: `{pollId}/{voter}`.
pub fn ballot_key(poll: PollId, voter: VoterId) -> String {
    let mut key = String::with_capacity(36 + 1 + 32);
    key.push_str(poll.0.hyphenated().encode_lower(&mut [0; 36]));
    key.push('/');
    key.push_str(voter.encode(&mut [0; 32]));
    key
}

/// Returns the partition, one of `partitions`, of a voter's ballots in a poll.
pub fn ballot_partition(poll: PollId, voter: VoterId, partitions: u32) -> Partition {
    if partitions == 1 { 0 } else { partition_of(ballot_key(poll, voter).as_bytes(), partitions) }
}

/// `RecordError` says why bytes are not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A later Pollux wrote it. The partition must stop until this binary is replaced.
    #[error("a record of schema version {0} that this binary is too old to read")]
    Newer(u64),
    /// No version can read it.
    #[error("{0}")]
    Unreadable(&'static str),
}

/// `Wire` holds every member that a record can have. It is flat, because a tagged enum would buffer
/// each record once more.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    v: u32,
    r#type: Type,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<Partition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    poll_id: Option<PollId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voter: Option<VoterId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ballot_id: Option<BallotId>,
    #[serde(skip_serializing)]
    option_ids: Option<OptionSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    round: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<UnixMillis>,
}

/// `AddedInV2` holds the members that version 2 adds. They are read separately, because in version 1
/// they mean nothing.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AddedInV2 {
    /// The answer of a ballot in a poll of any kind but a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    named_by: NamedBy,
}

/// `WireV2` is a record of version 2 in the form in which it is written.
#[derive(Serialize)]
struct WireV2 {
    #[serde(flatten)]
    wire: Wire,
    #[serde(flatten)]
    added: AddedInV2,
}

/// `Type` is the word in the member `type`.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    #[default]
    Missing,
    Genesis,
    Ballot,
    Opened,
    Closed,
    Reopened,
    Reset,
    Deleted,
}

impl Entry {
    /// Returns the poll that the record is about; a genesis record is about none.
    pub fn poll(&self) -> Option<PollId> {
        match self {
            Self::Genesis(_) => None,
            Self::Ballot(ballot) => Some(ballot.poll),
            Self::Control(control) => Some(control.poll),
        }
    }

    /// Encodes the record's value.
    pub fn encode(&self) -> Vec<u8> {
        let wire = match self {
            &Self::Genesis(Genesis { generation, partition, partitions }) => Wire {
                r#type: Type::Genesis,
                generation: Some(generation.0),
                partition: Some(partition),
                partitions: Some(partitions),
                ..Wire::default()
            },
            Self::Ballot(ballot) => return encode_ballot(ballot),
            &Self::Control(Control { poll, phase, round, gate, reason, at }) => Wire {
                r#type: match reason {
                    Reason::Opened => Type::Opened,
                    Reason::Closed => Type::Closed,
                    Reason::Reopened => Type::Reopened,
                    Reason::Reset => Type::Reset,
                    Reason::Deleted => Type::Deleted,
                },
                poll_id: Some(poll),
                phase: Some(phase),
                round: Some(round),
                open: Some(gate == Gate::Open),
                at: Some(at),
                ..Wire::default()
            },
        };
        let mut bytes = Vec::with_capacity(256);
        serde_json::to_writer(&mut bytes, &Wire { v: FIRST, ..wire })
            .expect("a record is plain data");
        bytes
    }

    /// Decodes a record's value.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        if let Some(ballot) = canonical::decode(value) {
            return Ok(Self::Ballot(ballot));
        }
        match serde_json::from_slice::<Wire>(value) {
            Ok(_) if value.len() > MAX_VALUE_BYTES => Err(decode_error(value)),
            Ok(wire) if wire.v == FIRST => wire
                .entry(AddedInV2::default())
                .ok_or(RecordError::Unreadable("a member is missing")),
            Ok(wire) if wire.v == VERSION => {
                let added = serde_json::from_slice::<AddedInV2>(value).ok();
                added.and_then(|added| wire.entry(added)).ok_or_else(|| decode_error(value))
            }
            _ => Err(decode_error(value)),
        }
    }
}

/// Encodes the value of a ballot's record.
fn encode_ballot(ballot: &Ballot) -> Vec<u8> {
    if let Some(bytes) = canonical::encode(ballot) {
        return bytes;
    }
    let wire = Wire {
        v: VERSION,
        r#type: Type::Ballot,
        poll_id: Some(ballot.poll),
        voter: Some(ballot.voter),
        ballot_id: Some(ballot.id),
        phase: Some(ballot.phase),
        round: Some(ballot.round),
        at: Some(ballot.at),
        ..Wire::default()
    };
    let added = AddedInV2 { named_by: ballot.named_by, answer: Some(ballot.answer.clone()) };
    serde_json::to_vec(&WireV2 { wire, added }).expect("a record is plain data")
}

impl Wire {
    /// Builds the record from these members and those that version 2 adds; `None` if one is
    /// missing.
    fn entry(self, AddedInV2 { answer, named_by }: AddedInV2) -> Option<Entry> {
        let reason = match self.r#type {
            Type::Missing => return None,
            Type::Genesis => {
                return Some(Entry::Genesis(Genesis {
                    generation: Generation(self.generation?),
                    partition: self.partition?,
                    partitions: self.partitions?,
                }));
            }
            Type::Ballot => {
                return Some(Entry::Ballot(Ballot {
                    poll: self.poll_id?,
                    voter: self.voter?,
                    id: self.ballot_id?,
                    named_by,
                    answer: match (self.option_ids, answer) {
                        (Some(options), None) => Answer::Choice(options),
                        (None, Some(answer)) => answer,
                        _ => return None,
                    },
                    round: self.round.unwrap_or_default(),
                    phase: self.phase.unwrap_or_default(),
                    at: self.at.unwrap_or_default(),
                }));
            }
            Type::Opened => Reason::Opened,
            Type::Closed => Reason::Closed,
            Type::Reopened => Reason::Reopened,
            Type::Reset => Reason::Reset,
            Type::Deleted => Reason::Deleted,
        };
        let gate = match (reason, self.open?) {
            (Reason::Deleted, _) => Gate::Deleted,
            (_, true) => Gate::Open,
            (_, false) => Gate::Closed,
        };
        Some(Entry::Control(Control {
            poll: self.poll_id?,
            phase: self.phase?,
            round: self.round?,
            gate,
            reason,
            at: self.at.unwrap_or_default(),
        }))
    }
}

/// Tells a newer record from garbage, off the hot path.
#[cold]
pub(crate) fn decode_error(value: &[u8]) -> RecordError {
    #[derive(Deserialize)]
    struct Versioned {
        v: u64,
    }
    match serde_json::from_slice::<Versioned>(value) {
        Ok(Versioned { v }) if v > u64::from(FIRST) => RecordError::Newer(v),
        Ok(_) if value.len() > MAX_VALUE_BYTES => {
            RecordError::Unreadable("longer than a record may be")
        }
        Ok(_) => RecordError::Unreadable("not a record of its schema version"),
        Err(_) => RecordError::Unreadable("not a JSON object with a schema version `v`"),
    }
}
