//! The rows of the tables: columns to values and back. Every column can hold any value of its type,
//! so a record that the fold has counted is never refused here.

use std::time::{Duration, SystemTime};

use bytes::{BufMut, BytesMut};
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::event::Event;
use pollux_core::fold::Link;
use pollux_core::gate::Gate;
use pollux_core::id::{BallotId, Generation, Offset, Partition, PollId, UnixMillis, VoterId};
use pollux_core::kind::{Answer, Packed};
use pollux_core::poll::Poll;
use pollux_core::standing::TallyAt;
use pollux_core::tally::{Tally, VoterState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use crate::store::key::{may_have_key, read_key};
use crate::store::{BallotRow, Progress, StoreError};

/// `Read` is the result of reading a row.
type Read<T> = Result<T, StoreError>;

/// Makes the error for data that contradicts itself or this binary.
pub fn damaged(what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(what.to_string())
}

fn get<T: FromSqlOwned>(row: &Row, column: &str) -> Read<T> {
    Ok(row.try_get(column)?)
}

/// Reads a number. Ours are u64 and the tables' are i64: the same 64 bits.
fn number(row: &Row, column: &str) -> Read<u64> {
    Ok(get::<i64>(row, column)? as u64)
}

fn small(row: &Row, column: &str) -> Read<u32> {
    u32::try_from(get::<i64>(row, column)?).map_err(|_| damaged(format!("{column} is too great")))
}

/// Returns the word that a value has in JSON.
pub fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("a word was asked of {other:?}"),
    }
}

/// Returns a value as JSON.
pub fn json(value: impl Serialize) -> String {
    serde_json::to_string(&value).expect("plain data with string keys")
}

/// Converts a poll's time; the API takes none that does not fit here.
pub fn time(at: UnixMillis) -> Read<SystemTime> {
    // The year 9999 ends before 2^48 milliseconds.
    let known = Some(at.0).filter(|millis| *millis < 1 << 48);
    let millis = known.ok_or_else(|| damaged(format!("a time of {} ms", at.0)))?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
}

/// The columns of `polls p` that [`read_poll`] takes.
pub const POLL: &str =
    "p.poll, (SELECT k.text_key FROM text_keys k WHERE k.poll = p.id) AS text_key";

/// Reads a poll from the columns [`POLL`].
pub fn read_poll(row: &Row) -> Read<Poll> {
    let mut poll: Poll = document(row, "poll")?;
    if may_have_key(&poll) {
        let key: Option<&[u8]> = row.try_get("text_key")?;
        poll.text_key = key.map(read_key).transpose()?;
    }
    Ok(poll)
}

/// Reads a poll without its text key, as it is announced, from the column `poll`.
pub fn read_announced(row: &Row) -> Read<Poll> {
    document(row, "poll")
}

/// The column of `events e` that [`read_event`] takes.
pub const EVENT: &str = "e.event";

/// Reads an event from the column [`EVENT`].
pub fn read_event(row: &Row) -> Read<Event> {
    document(row, "event")
}

fn document<T: DeserializeOwned>(row: &Row, column: &str) -> Read<T> {
    let json: &str = row.try_get(column)?;
    serde_json::from_str(json).map_err(|e| damaged(format!("the column `{column}`: {e}")))
}

/// The columns of `tallies t` that [`read_tally`] takes; named so that a poll's columns can stand
/// beside.
pub const TALLY: &str = "t.poll AS of_poll, t.partition, t.phase AS t_phase, t.round AS t_round, \
     t.gate, t.counts, t.voters, t.changes, t.generation, t.next_offset";

/// Reads the tally, unless the join found none.
pub fn read_tally(row: &Row) -> Read<Option<TallyAt>> {
    let Some(poll) = get::<Option<Uuid>>(row, "of_poll")? else { return Ok(None) };
    let word: String = get(row, "gate")?;
    let gate = Gate::of(&word).ok_or_else(|| damaged(format!("a tally's gate is {word:?}")))?;
    let counts: Vec<i64> = get(row, "counts")?;
    let tally = Tally {
        phase: small(row, "t_phase")?,
        round: small(row, "t_round")?,
        gate,
        counts: counts.into_iter().map(|count| count as u64).collect(),
        names: Default::default(),
        voters: number(row, "voters")?,
        changes: number(row, "changes")?,
    };
    Ok(Some(TallyAt {
        poll: PollId(poll),
        partition: get::<i32>(row, "partition")? as Partition,
        generation: Generation(get(row, "generation")?),
        next_offset: number(row, "next_offset")?,
        tally,
    }))
}

/// Reads a partition and its progress from a row of `offsets`.
pub fn read_progress(row: &Row) -> Read<(Partition, Progress)> {
    let progress = Progress {
        generation: Generation(get(row, "generation")?),
        next_offset: number(row, "next_offset")?,
        announced: number(row, "announced")?,
    };
    Ok((get::<i32>(row, "partition")? as Partition, progress))
}

/// Reads a digest from a row of `digests`.
pub fn read_digest(row: &Row) -> Read<Digest> {
    let hash = get::<Vec<u8>>(row, "hash")?.try_into();
    let hash = hash.map_err(|_| damaged("a digest is not 32 bytes"))?;
    Ok(Digest { from: number(row, "from_offset")?, to: number(row, "to_offset")?, hash })
}

/// The columns of `ballots b`, in the order in which [`Copy::row`] writes them.
pub const BALLOT: &str = "b.log_offset, b.at, b.round, b.prev_offset, b.partition, b.poll, \
     b.voter, b.ballot, b.counted, b.seen, b.decided, b.choice, b.counted_choice, \
     b.answer, b.counted_answer, b.nth";

/// Reads a ballot and its partition from the columns of [`BALLOT`].
pub fn read_ballot(row: &Row) -> Read<(Partition, BallotRow)> {
    let ballot = BallotId(get(row, "ballot")?);
    let answer = answer(get(row, "choice")?, get(row, "answer")?)?;
    let counted = match get::<Option<Uuid>>(row, "counted")? {
        None => Some((ballot, answer.clone())),
        Some(id) if id.is_nil() => None,
        Some(id) => {
            let set = get::<Option<Vec<i16>>>(row, "counted_choice")?.unwrap_or_default();
            Some((BallotId(id), self::answer(set, get(row, "counted_answer")?)?))
        }
    };
    let seen = match get::<Option<Uuid>>(row, "seen")? {
        None => Some(ballot),
        Some(id) => (!id.is_nil()).then_some(BallotId(id)),
    };
    let ballot = BallotRow {
        offset: number(row, "log_offset")?,
        poll: PollId(get(row, "poll")?),
        voter: VoterId(get::<Uuid>(row, "voter")?.into_bytes()),
        ballot,
        answer,
        decided: read_decided(&get::<String>(row, "decided")?)?,
        at: UnixMillis(number(row, "at")?),
        after: VoterState { round: small(row, "round")?, counted, seen },
        link: Link {
            nth: u8::try_from(get::<i16>(row, "nth")?).map_err(damaged)?,
            prev: get::<Option<i64>>(row, "prev_offset")?.map(|offset| offset as Offset),
        },
    };
    Ok((read_position(row)?.0, ballot))
}

/// Reads the position of a ballot's record.
pub fn read_position(row: &Row) -> Read<(Partition, Offset)> {
    Ok((get::<i32>(row, "partition")? as Partition, number(row, "log_offset")?))
}

/// Returns the status that a word names.
pub fn read_decided(word: &str) -> Read<Status> {
    use Status::{Counted, Late, Recorded, Refused, Replaced, Superseded};
    let all = [Counted, Superseded, Refused, Late, Replaced, Recorded];
    let found = all.into_iter().find(|status| status.as_str() == word);
    found.ok_or_else(|| damaged(format!("a ballot was decided {word:?}")))
}

fn answer(set: Vec<i16>, json: Option<String>) -> Read<Answer> {
    let bit = |n: i16| u32::try_from(n).ok().and_then(|n| 1_u128.checked_shl(n));
    let packed = match json {
        Some(json) => Some(Packed::Json(json)),
        None => set.into_iter().try_fold(0, |bits, n| Some(bits | bit(n)?)).map(Packed::Bits),
    };
    let answer = packed.and_then(|packed| Answer::unpack(&packed));
    answer.ok_or_else(|| damaged("a ballot's answer is of no kind of poll"))
}

/// `Copy` holds rows of `ballots` in PostgreSQL's binary COPY format.
pub struct Copy(BytesMut);

/// The object id of the type `smallint`.
const INT2: i32 = 21;
const COLUMNS: i16 = 16;
/// The approximate length of a row, in bytes.
const ROW: usize = 220;

impl Copy {
    /// Begins a COPY of about this many rows.
    pub fn new(rows: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(32 + rows * ROW);
        bytes.put_slice(b"PGCOPY\n\xff\r\n\0");
        bytes.put_i32(0);
        bytes.put_i32(0);
        Self(bytes)
    }

    /// Adds a row.
    pub fn row(&mut self, partition: Partition, row: &BallotRow) {
        let VoterState { round, counted, seen } = &row.after;
        let is_own = |(id, answer): &(BallotId, Answer)| *id == row.ballot && *answer == row.answer;
        let other = counted.as_ref().filter(|counted| !is_own(counted));
        self.0.put_i16(COLUMNS);
        self.long(row.offset);
        self.long(row.at.0);
        self.long(u64::from(*round));
        match row.link.prev {
            Some(offset) => self.long(offset),
            None => self.null(),
        }
        self.0.put_i32(4);
        self.0.put_i32(partition as i32);
        self.sixteen(row.poll.0.as_bytes());
        self.sixteen(&row.voter.0);
        self.sixteen(row.ballot.0.as_bytes());
        match counted {
            Some(it) if is_own(it) => self.null(),
            Some((id, _)) => self.sixteen(id.0.as_bytes()),
            None => self.sixteen(Uuid::nil().as_bytes()),
        }
        match seen {
            Some(id) if *id == row.ballot => self.null(),
            seen => self.sixteen(seen.map_or(Uuid::nil(), |id| id.0).as_bytes()),
        }
        self.bytes(row.decided.as_str().as_bytes());
        let (own, other) = (row.answer.pack(), other.map(|(_, answer)| answer.pack()));
        self.set(&own);
        match &other {
            Some(other) => self.set(other),
            None => self.null(),
        }
        for packed in [Some(&own), other.as_ref()] {
            match packed {
                Some(Packed::Json(json)) => self.bytes(json.as_bytes()),
                _ => self.null(),
            }
        }
        self.0.put_i32(2);
        self.0.put_i16(row.link.nth.into());
    }

    /// Ends the COPY, and returns its bytes.
    pub fn finish(mut self) -> BytesMut {
        self.0.put_i16(-1);
        self.0
    }

    fn null(&mut self) {
        self.0.put_i32(-1);
    }

    fn long(&mut self, number: u64) {
        self.0.put_i32(8);
        self.0.put_u64(number);
    }

    fn sixteen(&mut self, id: &[u8; 16]) {
        self.bytes(id);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.put_i32(bytes.len() as i32);
        self.0.put_slice(bytes);
    }

    /// Writes an array of small numbers. For an answer that is no set of numbers the array is
    /// empty.
    fn set(&mut self, packed: &Packed) {
        let mut bits = match packed {
            Packed::Bits(bits) => *bits,
            Packed::Json(_) => 0,
        };
        let count = bits.count_ones() as i32;
        if count == 0 {
            self.0.put_i32(12);
            self.0.put_i32(0);
            self.0.put_i32(0);
            self.0.put_i32(INT2);
            return;
        }
        self.0.put_i32(20 + 6 * count);
        self.0.put_i32(1);
        self.0.put_i32(0);
        self.0.put_i32(INT2);
        self.0.put_i32(count);
        self.0.put_i32(1);
        while bits != 0 {
            self.0.put_i32(2);
            self.0.put_i16(bits.trailing_zeros() as i16);
            bits &= bits - 1;
        }
    }
}
