//! The rows of the tables: columns to values and back.

use pollux_core::ballot::Status;
use pollux_core::fold::Link;
use pollux_core::gate::Gate;
use pollux_core::id::{BallotId, Generation, Offset, Partition, PollId, UnixMillis, VoterId};
use pollux_core::kind::{Answer, Packed};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::TallyAt;
use pollux_core::tally::{Tally, VoterState};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{CachedStatement, ErrorCode, Row};
use uuid::Uuid;

use crate::store::{BallotRow, StoreError};

/// A poll key is the small number that stands for a poll in the tables.
pub type PollKey = u32;

const OFFSET_BITS: u32 = 48;

/// Returns a row's position: the partition above the offset, so that rows are ordered as on the
/// log.
pub fn position(partition: Partition, offset: Offset) -> i64 {
    debug_assert!(offset < 1 << OFFSET_BITS, "an offset fits 48 bits");
    (i64::from(partition) << OFFSET_BITS) | offset as i64
}

/// Returns the partition and offset that [`position`] has packed.
pub fn place(position: i64) -> (Partition, Offset) {
    ((position >> OFFSET_BITS) as Partition, position as u64 & ((1 << OFFSET_BITS) - 1))
}

/// Returns the first and last position from an offset to the end of its partition.
pub fn from_offset(partition: Partition, offset: Offset) -> (i64, i64) {
    let last = position(partition, (1 << OFFSET_BITS) - 1);
    (position(partition, offset.min((1 << OFFSET_BITS) - 1)), last)
}

/// Converts a failed statement to what it means to the caller. The writer judges a failed COMMIT
/// itself.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted
                | ErrorCode::SystemIoFailure,
            ) => Self::Unavailable(error.to_string()),
            _ => Self::Damaged(error.to_string()),
        }
    }
}

/// Makes the error for data that contradicts itself or this binary.
pub fn damaged(what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(what.to_string())
}

/// Returns the word for a status in the column `status`.
pub fn status_word(status: PollStatus) -> &'static str {
    match status {
        PollStatus::Draft => "draft",
        PollStatus::Open => "open",
        PollStatus::Closed => "closed",
        PollStatus::Deleted => "deleted",
    }
}

/// Returns a poll as JSON, for the column `poll`.
pub fn poll_json(poll: &Poll) -> String {
    serde_json::to_string(poll).expect("a poll has string keys only")
}

/// Reads a poll from the JSON of the column `poll`.
pub fn read_poll(json: &str) -> Result<Poll, StoreError> {
    serde_json::from_str(json).map_err(|e| damaged(format!("a row of `polls`: {e}")))
}

/// The columns of `tallies` in the order in which [`read_tally`] takes them.
pub const TALLY_COLUMNS: &str =
    "partition, phase, round, gate, counts, voters, changes, generation, next_offset";

/// The statement for which [`write_tally`] has the parameters.
pub const UPSERT_TALLY: &str =
    "INSERT OR REPLACE INTO tallies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Writes a tally over the one of the same poll and partition.
pub fn write_tally(
    stmt: &mut CachedStatement<'_>,
    key: PollKey,
    at: &TallyAt,
) -> rusqlite::Result<()> {
    let tally = &at.tally;
    let counts = serde_json::to_string(&tally.counts).expect("numbers are JSON");
    stmt.execute(rusqlite::params![
        key,
        at.partition,
        tally.phase,
        tally.round,
        tally.gate.as_str(),
        counts,
        tally.voters as i64,
        tally.changes as i64,
        at.generation.to_string(),
        at.next_offset as i64
    ])?;
    Ok(())
}

/// Reads a tally from [`TALLY_COLUMNS`].
pub fn read_tally(poll: PollId, row: &Row<'_>) -> Result<TallyAt, StoreError> {
    let word = row.get_ref(3)?.as_str().map_err(damaged)?;
    let gate = Gate::of(word).ok_or_else(|| damaged(format!("a tally's gate is {word:?}")))?;
    let counts = row.get_ref(4)?.as_str().map_err(damaged)?;
    let tally = Tally {
        phase: row.get(1)?,
        round: row.get(2)?,
        gate,
        counts: serde_json::from_str(counts).map_err(damaged)?,
        names: Default::default(),
        voters: row.get::<_, i64>(5)? as u64,
        changes: row.get::<_, i64>(6)? as u64,
    };
    Ok(TallyAt {
        poll,
        partition: row.get(0)?,
        generation: read_generation(row.get_ref(7)?.as_str().map_err(damaged)?)?,
        next_offset: row.get::<_, i64>(8)? as u64,
        tally,
    })
}

/// Reads a generation from its text.
pub fn read_generation(text: &str) -> Result<Generation, StoreError> {
    Uuid::try_parse(text).map(Generation).map_err(|e| damaged(format!("a generation: {e}")))
}

/// The columns of `ballots` in the order in which [`read_ballot`] takes them.
pub const BALLOT_COLUMNS: &str =
    "position, poll, voter, ballot, choice, decided, at, round, counted, seen, prev, nth";

/// The statement for which [`write_ballot`] has the parameters.
pub const INSERT_BALLOT: &str =
    "INSERT INTO ballots VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// Writes a row of `ballots`. Most rows take the short forms: a small answer, and a state that is
/// about this very ballot.
pub fn write_ballot(
    stmt: &mut CachedStatement<'_>,
    position: i64,
    key: PollKey,
    row: &BallotRow,
) -> rusqlite::Result<()> {
    let answer = match row.answer.pack() {
        Packed::Bits(bits) => i64::try_from(bits)
            .map_or_else(|_| Value::Blob(bits.to_be_bytes().to_vec()), Value::Integer),
        Packed::Json(json) => Value::Text(json),
    };
    let counted = match &row.after.counted {
        None => Value::Null,
        Some((id, answer)) if *id == row.ballot && *answer == row.answer => Value::Integer(1),
        Some((id, answer)) => Value::Blob(match answer.pack() {
            Packed::Bits(bits) => [*id.0.as_bytes(), bits.to_be_bytes()].concat(),
            Packed::Json(json) => [id.0.as_bytes(), json.as_bytes()].concat(),
        }),
    };
    let seen = match row.after.seen {
        None => Value::Null,
        Some(id) if id == row.ballot => Value::Integer(1),
        Some(id) => Value::Blob(id.0.as_bytes().to_vec()),
    };
    stmt.raw_bind_parameter(1, position)?;
    stmt.raw_bind_parameter(2, key)?;
    stmt.raw_bind_parameter(3, row.voter.0.as_slice())?;
    stmt.raw_bind_parameter(4, row.ballot.0.as_bytes().as_slice())?;
    stmt.raw_bind_parameter(5, answer)?;
    stmt.raw_bind_parameter(6, decided_number(row.decided))?;
    stmt.raw_bind_parameter(7, row.at.0 as i64)?;
    stmt.raw_bind_parameter(8, row.after.round)?;
    stmt.raw_bind_parameter(9, counted)?;
    stmt.raw_bind_parameter(10, seen)?;
    stmt.raw_bind_parameter(11, row.link.prev.map(|offset| offset as i64))?;
    stmt.raw_bind_parameter(12, row.link.nth)?;
    stmt.raw_execute()?;
    Ok(())
}

/// A stored ballot is a row of `ballots`, with its poll still given by key.
#[derive(Clone)]
pub struct StoredBallot {
    pub position: i64,
    pub key: PollKey,
    pub voter: VoterId,
    pub ballot: BallotId,
    answer: Answer,
    pub decided: Status,
    at: UnixMillis,
    pub after: VoterState,
    pub link: Link,
}

impl StoredBallot {
    /// Converts to the row that the store's users know.
    pub fn into_row(self, poll: PollId) -> BallotRow {
        BallotRow {
            offset: place(self.position).1,
            poll,
            voter: self.voter,
            ballot: self.ballot,
            answer: self.answer,
            decided: self.decided,
            at: self.at,
            after: self.after,
            link: self.link,
        }
    }
}

/// Reads a row from [`BALLOT_COLUMNS`].
pub fn read_ballot(row: &Row<'_>) -> Result<StoredBallot, StoreError> {
    let ballot = ballot_id(row.get_ref(3)?)?;
    let answer = match row.get_ref(4)? {
        ValueRef::Integer(bits) => unpack(&Packed::Bits(bits as u128))?,
        ValueRef::Text(json) => unpack(&json_of(json)?)?,
        blob => unpack(&Packed::Bits(u128::from_be_bytes(sixteen(blob)?)))?,
    };
    let counted = match row.get_ref(8)? {
        ValueRef::Null => None,
        ValueRef::Integer(_) => Some((ballot, answer.clone())),
        ValueRef::Blob(both) if both.len() > 16 => {
            let (id, rest) = both.split_at(16);
            // JSON of sixteen bytes begins with a brace, which no set of options does.
            let packed = match <[u8; 16]>::try_from(rest) {
                Ok(bits) if bits[0] != b'{' => Packed::Bits(u128::from_be_bytes(bits)),
                _ => json_of(rest)?,
            };
            Some((ballot_id(ValueRef::Blob(id))?, unpack(&packed)?))
        }
        _ => return Err(damaged("a voter's state in `ballots`")),
    };
    let seen = match row.get_ref(9)? {
        ValueRef::Null => None,
        ValueRef::Integer(_) => Some(ballot),
        blob => Some(ballot_id(blob)?),
    };
    Ok(StoredBallot {
        position: row.get(0)?,
        key: row.get(1)?,
        voter: VoterId(sixteen(row.get_ref(2)?)?),
        ballot,
        answer,
        decided: read_decided(row.get(5)?)?,
        at: UnixMillis(row.get::<_, i64>(6)? as u64),
        after: VoterState { round: row.get(7)?, counted, seen },
        link: Link {
            nth: row.get(11)?,
            prev: row.get::<_, Option<i64>>(10)?.map(|offset| offset as Offset),
        },
    })
}

fn sixteen(value: ValueRef<'_>) -> Result<[u8; 16], StoreError> {
    value
        .as_blob()
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| damaged("a row of `ballots` holds an id that is not 16 bytes"))
}

fn ballot_id(value: ValueRef<'_>) -> Result<BallotId, StoreError> {
    Ok(BallotId(Uuid::from_bytes(sixteen(value)?)))
}

fn unpack(packed: &Packed) -> Result<Answer, StoreError> {
    Answer::unpack(packed).ok_or_else(|| damaged("a ballot's answer is of no kind of poll"))
}

fn json_of(bytes: &[u8]) -> Result<Packed, StoreError> {
    std::str::from_utf8(bytes).map(|json| Packed::Json(json.to_owned())).map_err(damaged)
}

fn decided_number(status: Status) -> i64 {
    match status {
        Status::Counted => 1,
        Status::Superseded => 2,
        Status::Refused => 3,
        Status::Late => 4,
        // The fold decides neither; they are kept so that the store returns whatever it was given.
        Status::Replaced => 5,
        Status::Recorded => 6,
    }
}

fn read_decided(number: i64) -> Result<Status, StoreError> {
    Ok(match number {
        1 => Status::Counted,
        2 => Status::Superseded,
        3 => Status::Refused,
        4 => Status::Late,
        5 => Status::Replaced,
        6 => Status::Recorded,
        other => return Err(damaged(format!("a ballot was decided {other}"))),
    })
}
