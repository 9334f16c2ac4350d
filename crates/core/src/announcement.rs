//! An announcement's bytes on the compacted topics `tallies` and `polls`: JSON with a schema
//! version, readable by any Kafka client. Of each key only the newest record need be kept.
//!
//! ```text
//! key   0199…-poll/3                                               (on `tallies`)
//! value {"v":1,"type":"tally","pollId":"0199…","partition":3,"generation":"…","nextOffset":1042,
//!        "phase":1,"round":1,"gate":"open","counts":[12,7],"voters":19,"changes":20}
//!
//! key   progress/3                                                 (on `tallies`)
//! value {"v":1,"type":"progress","partition":3,"generation":"…","nextOffset":1042}
//!
//! key   0199…-poll                                                 (on `polls`)
//! value {"v":1,"type":"poll","pollId":"0199…","question":"…",…}
//!
//! key   0199…-event                                                (on `polls`)
//! value {"v":1,"type":"event","eventId":"0199…","title":"…","current":"0199…-poll",…}
//! ```
//!
//! Unknown members are ignored; a greater `v` is [`RecordError::Newer`]. An announcement that
//! cannot be read loses nothing, because the store has what it tells.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::gate::Gate;
use crate::id::{EventId, Generation, Offset, Partition, PollId};
use crate::kind::words::Names;
use crate::poll::Poll;
use crate::record::{RecordError, decode_error};
use crate::standing::TallyAt;
use crate::tally::Tally;

/// The schema version that this binary writes, and the greatest that it reads.
pub const VERSION: u32 = 1;

/// An announcement tells every node what was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// A poll was created or changed.
    Poll(Arc<Poll>),
    /// An event was created or changed.
    Event(Arc<Event>),
    /// A tally was committed.
    Tally(TallyAt),
    /// A partition is committed up to an offset: every ballot below it is decided.
    Progress {
        /// The partition.
        partition: Partition,
        /// The generation of the log.
        generation: Generation,
        /// The first offset that is not decided yet.
        next_offset: Offset,
    },
}

/// `Versioned` adds the schema version to an announcement.
#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    wire: T,
}

/// `Wire` holds an announcement's members, as they are written.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Wire {
    Poll {
        poll_id: PollId,
        #[serde(flatten)]
        poll: Arc<Poll>,
    },
    Event {
        event_id: EventId,
        #[serde(flatten)]
        event: Arc<Event>,
    },
    Tally {
        poll_id: PollId,
        partition: Partition,
        generation: Generation,
        next_offset: Offset,
        phase: u32,
        round: u32,
        gate: Gate,
        counts: Vec<u64>,
        voters: u64,
        changes: u64,
    },
    Progress {
        partition: Partition,
        generation: Generation,
        next_offset: Offset,
    },
}

impl Announcement {
    /// Returns the record's key. An announcement makes all earlier ones of its key obsolete.
    pub fn key(&self) -> String {
        match self {
            Self::Poll(poll) => poll.id.to_string(),
            Self::Event(event) => event.id.to_string(),
            Self::Tally(at) => format!("{}/{}", at.poll, at.partition),
            Self::Progress { partition, .. } => format!("progress/{partition}"),
        }
    }

    /// Encodes the record's value.
    pub fn encode(&self) -> Vec<u8> {
        let wire = match self {
            Self::Poll(poll) => Wire::Poll { poll_id: poll.id, poll: poll.clone() },
            Self::Event(event) => Wire::Event { event_id: event.id, event: event.clone() },
            Self::Tally(at) => Wire::Tally {
                poll_id: at.poll,
                partition: at.partition,
                generation: at.generation,
                next_offset: at.next_offset,
                phase: at.tally.phase,
                round: at.tally.round,
                gate: at.tally.gate,
                counts: at.tally.counts.clone(),
                voters: at.tally.voters,
                changes: at.tally.changes,
            },
            &Self::Progress { partition, generation, next_offset } => {
                Wire::Progress { partition, generation, next_offset }
            }
        };
        serde_json::to_vec(&Versioned { v: VERSION, wire }).expect("an announcement is plain data")
    }

    /// Decodes a record's value.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let wire = match serde_json::from_slice::<Versioned<Wire>>(value) {
            Ok(Versioned { v: VERSION, wire }) => wire,
            _ => return Err(decode_error(value)),
        };
        Ok(match wire {
            Wire::Poll { poll_id, poll } if poll_id == poll.id => Self::Poll(poll),
            Wire::Poll { .. } => {
                return Err(RecordError::Unreadable("`pollId` and the poll's own id differ"));
            }
            Wire::Event { event_id, event } if event_id == event.id => Self::Event(event),
            Wire::Event { .. } => {
                return Err(RecordError::Unreadable("`eventId` and the event's own id differ"));
            }
            Wire::Tally {
                poll_id,
                partition,
                generation,
                next_offset,
                phase,
                round,
                gate,
                counts,
                voters,
                changes,
            } => {
                let names = Names::default();
                let tally = Tally { phase, round, gate, counts, names, voters, changes };
                Self::Tally(TallyAt { poll: poll_id, partition, generation, next_offset, tally })
            }
            Wire::Progress { partition, generation, next_offset } => {
                Self::Progress { partition, generation, next_offset }
            }
        })
    }
}
