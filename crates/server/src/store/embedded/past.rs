//! A voter's past in one poll: the latest row, and any earlier row of a given ballot.
//!
//! ```text
//! latest ──▶ chained: each names the one before it                       8 ▶ 7 ▶ … ▶ 1
//!        └─▶ later: each names the eighth, and two indexes know them     9, 9, 9, …
//! ```
//!
//! Either way a lookup takes a few steps, however often the voter has voted.

use pollux_core::ballot::Status;
use pollux_core::fold::{Link, Trail};
use pollux_core::id::{BallotId, PollId, VoterId};
use pollux_core::tally::VoterState;
use rusqlite::Connection;

use super::filter::Key;
use super::index::{Found, Index};
use super::query::Read;
use super::reads;
use super::rows::{self, PollKey, StoredBallot, damaged};
use crate::store::{BallotFate, StoreError, Voter};

/// Returns the voter's past if what the maps in memory say is enough for it. For a voter with rows
/// past the chain it is not: the table must be asked where the chain ends.
pub fn in_short(position: i64, nth: u8, state: VoterState) -> Option<Voter> {
    let link = Link { nth, prev: None };
    let trail = || Trail::after(rows::place(position).1, link);
    link.is_chained().then(|| Voter { state, trail: trail() })
}

/// Returns a voter's past in a poll, or the default if there is none.
pub fn of(conn: &Connection, index: Option<&Index>, poll: PollId, voter: VoterId) -> Read<Voter> {
    let rows = Rows::of(conn, index, poll, voter)?;
    Ok(rows.map_or_else(Voter::default, Rows::past))
}

/// `Rows` are the rows of a voter who has at least one.
pub struct Rows<'a> {
    conn: &'a Connection,
    latest: StoredBallot,
}

impl<'a> Rows<'a> {
    /// Returns the rows of a voter in a poll, or `None` if there are none. `index` holds the maps
    /// in memory, in a process that has them.
    pub fn of(
        conn: &'a Connection,
        index: Option<&Index>,
        poll: PollId,
        voter: VoterId,
    ) -> Read<Option<Self>> {
        let known = index.and_then(|index| index.key(poll));
        let Some(key) = known.map_or_else(|| reads::poll_key(conn, poll), |key| Ok(Some(key)))?
        else {
            return Ok(None);
        };
        if let Some(index) = index {
            index.remember(poll, key);
        }
        let latest = latest(conn, index, key, voter)?;
        Ok(latest.map(|latest| Self { conn, latest }))
    }

    /// Returns what the fold needs to know of these rows.
    fn past(self) -> Voter {
        let offset = rows::place(self.latest.position).1;
        Voter { trail: Trail::after(offset, self.latest.link), state: self.latest.after }
    }

    /// Returns the one row of a ballot, if it was decided.
    pub fn find(&self, ballot: BallotId) -> Read<Option<StoredBallot>> {
        if !self.latest.after.may_have_seen(ballot) {
            return Ok(None);
        }
        // The latest ballot is the one that is asked for most.
        if self.latest.ballot == ballot {
            return Ok(Some(self.latest.clone()));
        }
        let StoredBallot { key, voter, .. } = self.latest;
        if !self.latest.link.is_chained()
            && let Some(row) = reads::later_ballot(self.conn, key, voter, ballot)?
        {
            return Ok(Some(row));
        }
        let chain = self.chain()?;
        Ok(chain.into_iter().find(|row| row.ballot == ballot))
    }

    /// Returns what became of the ballot of one of these rows. A ballot that counted is *replaced*
    /// once a later one of the same round counted.
    pub fn fate(&self, row: &StoredBallot) -> Read<BallotFate> {
        let replaced = row.decided == Status::Counted && self.counted_later(row)?;
        let status = if replaced { Status::Replaced } else { row.decided };
        Ok(BallotFate { ballot: row.ballot, status, position: rows::place(row.position) })
    }

    fn counted_later(&self, row: &StoredBallot) -> Read<bool> {
        if row.position == self.latest.position {
            return Ok(false);
        }
        if !self.latest.link.is_chained() && reads::counted_later(self.conn, row)? {
            return Ok(true);
        }
        Ok(self.chain()?.iter().any(|later| {
            later.position > row.position
                && later.decided == Status::Counted
                && later.after.round == row.after.round
        }))
    }

    /// Returns the chained rows, the last of them first.
    fn chain(&self) -> Read<Vec<StoredBallot>> {
        let (partition, offset) = rows::place(self.latest.position);
        let mut next = Trail::after(offset, self.latest.link).end;
        let mut chain: Vec<StoredBallot> = Vec::new();
        while let Some(offset) = next {
            let row = reads::ballot_at(self.conn, rows::position(partition, offset))?;
            let row = row.ok_or_else(|| broken("names a row that is not there"))?;
            // Rows from before rows were numbered are all in the indexes.
            if !row.link.is_chained() {
                break;
            }
            if chain.last().is_some_and(|last| last.link.nth <= row.link.nth) {
                return Err(broken("does not go back"));
            }
            next = row.link.prev;
            chain.push(row);
        }
        Ok(chain)
    }
}

fn broken(how: &str) -> StoreError {
    damaged(format!("a voter's chain of rows {how}"))
}

/// Returns a voter's latest row, from memory if it is there, and from the tables otherwise.
fn latest(
    conn: &Connection,
    index: Option<&Index>,
    key: PollKey,
    voter: VoterId,
) -> Read<Option<StoredBallot>> {
    let Some(index) = index else { return reads::latest_ballot(conn, key, voter) };
    let mut found = Found::Nothing;
    index.find([Key::new(key, voter)], |answer| found = answer);
    match found {
        Found::Here(position, ..) | Found::InRow(position) => reads::ballot_at(conn, position)?
            .map(Some)
            .ok_or_else(|| damaged("the index names a row that is not there")),
        Found::Nothing => Ok(None),
        Found::AskTable => reads::indexed_ballot(conn, key, voter),
    }
}
