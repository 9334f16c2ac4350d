//! The part of the index of voters that is in memory: it finds each voter's latest row.
//!
//! Ballots are only ever appended, so finding a voter's latest state needs an index, and an index
//! under random keys is what makes a store slow. This is a log-structured merge tree with one run:
//! rows from `offsets.indexed_to` on are indexed here, with the state itself, and the older ones in
//! the table `voters`. When the `active` map is full it becomes `frozen`, is sorted, and is merged
//! into the table a slice at a time (see `writer`). A crash in between costs nothing, because
//! `indexed_to` moves with the last slice and the maps are rebuilt from the rows.
//!
//! Lookups go through active, frozen and table, always from the newest to the oldest. Most voters
//! are new, and a [`Filter`] for each merged map spares them the lookup in the table.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::RwLock;
use pollux_core::id::{BallotId, PollId};
use pollux_core::kind::Answer;
use pollux_core::tally::VoterState;
use uuid::Uuid;

use super::filter::{Filter, Key};
use super::rows::{PollKey, StoredBallot};
use crate::store::BallotRow;

/// The most poll ids whose keys are remembered; beyond it all are forgotten and read anew.
const POLL_KEYS: usize = 1 << 16;

/// The most filters that are kept, each about 700 KB for a map of the default size. Beyond it all
/// are forgotten, and every voter of those polls is looked for in the table.
const FILTERS: usize = 64;

/// `Slot` holds a voter's latest row and, unless that is long, the state after it, in 72 bytes.
#[derive(Clone)]
struct Slot {
    position: i64,
    round: u32,
    nth: u8,
    seen: bool,
    counted_id: [u8; 16],
    counted: Option<Answer>,
    /// Whether the answer that counts is left out, because it is long; the row has it.
    in_row: bool,
    seen_id: [u8; 16],
}

impl Slot {
    fn new(position: i64, nth: u8, state: &VoterState) -> Self {
        let id = state.counted.as_ref().map(|(id, _)| id);
        // Words would need several times the bytes of a slot, and few voters change theirs.
        let is_long = |(_, answer): &&(_, Answer)| answer.words().next().is_some();
        let short = state.counted.as_ref().filter(|counted| !is_long(counted));
        Self {
            position,
            round: state.round,
            nth,
            seen: state.seen.is_some(),
            counted_id: id.map_or([0; 16], |id| *id.0.as_bytes()),
            counted: short.map(|(_, answer)| answer.clone()),
            in_row: state.counted.is_some() && short.is_none(),
            seen_id: state.seen.map_or([0; 16], |id| *id.0.as_bytes()),
        }
    }

    fn state(&self) -> VoterState {
        let counted_id = BallotId(Uuid::from_bytes(self.counted_id));
        VoterState {
            round: self.round,
            counted: self.counted.clone().map(|answer| (counted_id, answer)),
            seen: self.seen.then(|| BallotId(Uuid::from_bytes(self.seen_id))),
        }
    }
}

/// `Slots` maps voters to their latest rows.
type Slots = HashMap<Key, Slot, FixedState>;

/// `Found` is what the maps in memory say of a voter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The position of the voter's latest row, which of the voter's rows it is, and the state after
    /// it.
    Here(i64, u8, VoterState),
    /// The voter's latest row is at this position, and has the state after it.
    InRow(i64),
    /// The voter has no row at all.
    Nothing,
    /// The voter has no row in memory, but may have one in the table.
    AskTable,
}

/// `Maps` holds the maps of the index, and what they know of the table.
#[derive(Default)]
struct Maps {
    active: Slots,
    /// The map that is being merged, with the filter that it will leave behind.
    frozen: Option<(Slots, Filter)>,
    /// The polls that may have rows in the table.
    indexed: HashSet<PollKey, FixedState>,
    /// Those of them that may have rows which no filter covers.
    unfiltered: HashSet<PollKey, FixedState>,
    /// The filters of the maps that this process has merged.
    filters: Vec<Filter>,
}

impl Maps {
    fn table_may_have(&self, key: &Key) -> bool {
        self.indexed.contains(&key.poll)
            && (self.unfiltered.contains(&key.poll)
                || self.filters.iter().any(|filter| filter.may_have(key)))
    }
}

/// `Index` shares the maps among all readers and the writer, which changes them after each commit.
#[derive(Default)]
pub struct Index {
    maps: RwLock<Maps>,
    keys: RwLock<HashMap<PollId, PollKey, FixedState>>,
}

impl Index {
    /// Makes an empty index, given the polls that have rows in the table.
    pub fn new(indexed: impl IntoIterator<Item = PollKey>) -> Arc<Self> {
        let index = Self::default();
        let mut maps = index.maps.write();
        maps.unfiltered.extend(indexed);
        maps.indexed = maps.unfiltered.clone();
        drop(maps);
        Arc::new(index)
    }

    /// Returns the key of a poll if it is remembered.
    pub fn key(&self, poll: PollId) -> Option<PollKey> {
        self.keys.read().get(&poll).copied()
    }

    /// Remembers the key of a committed poll.
    pub fn remember(&self, poll: PollId, key: PollKey) {
        let mut keys = self.keys.write();
        if keys.len() >= POLL_KEYS {
            keys.clear();
        }
        keys.insert(poll, key);
    }

    /// Looks up many voters under one lock.
    pub fn find(&self, wanted: impl IntoIterator<Item = Key>, mut each: impl FnMut(Found)) {
        let maps = self.maps.read();
        for key in wanted {
            let frozen = || maps.frozen.as_ref().and_then(|(frozen, _)| frozen.get(&key));
            each(match maps.active.get(&key).or_else(frozen) {
                Some(slot) if slot.in_row => Found::InRow(slot.position),
                Some(slot) => Found::Here(slot.position, slot.nth, slot.state()),
                None if maps.table_may_have(&key) => Found::AskTable,
                None => Found::Nothing,
            });
        }
    }

    /// Takes in committed rows, in log order. Returns how many voters are in the active map now.
    pub fn insert<'a>(
        &self,
        rows: impl IntoIterator<Item = (i64, PollKey, &'a BallotRow)>,
    ) -> usize {
        let mut maps = self.maps.write();
        for (position, poll, row) in rows {
            let slot = Slot::new(position, row.link.nth, &row.after);
            maps.active.insert(Key::new(poll, row.voter), slot);
        }
        maps.active.len()
    }

    /// Takes in one row while the maps are rebuilt. Returns how many voters are in the active map
    /// now.
    pub fn rebuild(&self, row: &StoredBallot) -> usize {
        let mut maps = self.maps.write();
        let slot = Slot::new(row.position, row.link.nth, &row.after);
        maps.active.insert(Key::new(row.key, row.voter), slot);
        maps.active.len()
    }

    /// Sets the active map aside to be merged, and returns its entries in the table's order.
    /// Returns `None` while an earlier map is still being merged, or if there is nothing to merge.
    pub fn freeze(&self) -> Option<Vec<(Key, i64)>> {
        let mut maps = self.maps.write();
        if maps.frozen.is_some() || maps.active.is_empty() {
            return None;
        }
        let frozen = std::mem::take(&mut maps.active);
        let mut entries: Vec<_> = frozen.iter().map(|(key, slot)| (*key, slot.position)).collect();
        let filter = Filter::of(frozen.keys());
        maps.frozen = Some((frozen, filter));
        drop(maps);
        entries.sort_unstable();
        Some(entries)
    }

    /// Drops the frozen map, which is in the table now, with rows of these polls.
    pub fn thaw(&self, polls: impl IntoIterator<Item = PollKey>) {
        let mut maps = self.maps.write();
        maps.indexed.extend(polls);
        let Some((_, filter)) = maps.frozen.take() else { return };
        if maps.filters.len() >= FILTERS {
            maps.filters.clear();
            maps.unfiltered = maps.indexed.clone();
        } else {
            maps.filters.push(filter);
        }
    }

    /// Returns those of these polls that have no rows in the table yet.
    pub fn not_indexed(&self, polls: impl IntoIterator<Item = PollKey>) -> Vec<PollKey> {
        let maps = self.maps.read();
        polls.into_iter().filter(|poll| !maps.indexed.contains(poll)).collect()
    }
}
