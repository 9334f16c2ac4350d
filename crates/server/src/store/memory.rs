//! The store in memory, for deterministic simulation. It answers as the contract says, or fails in
//! every way that the contract allows, as a seeded generator decides. It is written plainly, so
//! that it also is the model which other backends are compared with.
//!
//! The state belongs to no user of the store: a user "crashes" by dropping its handle, and the next
//! user finds what was done.

mod ports;
mod state;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::digest::Digest;
use pollux_core::event::Event;
use pollux_core::id::Partition;
use pollux_core::poll::Poll;
use pollux_core::seal::Word;
use pollux_core::standing::TallyAt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use self::state::{NameKey, State};
use super::{BallotRow, DeadLetter, NameRow, Progress, Store, StoreError};

/// `Faults` says how often, and how, one kind of call goes wrong. The probabilities are per call and exclude one
/// another.
#[derive(Clone, Debug)]
pub struct Faults {
    /// The probability that a call is refused and nothing is done.
    pub unavailable: f64,
    /// The probability that a call is done and answered `Unknown`; for reads the same as
    /// `unavailable`.
    pub unknown_done: f64,
    /// The probability that a call is not done and answered `Unknown`; for reads the same as
    /// `unavailable`.
    pub unknown_not_done: f64,
    /// The delay before the call is done, and once more before it is answered.
    pub delay: Range<Duration>,
}

impl Faults {
    /// No faults and no delay.
    pub const NONE: Self =
        Self { unavailable: 0.0, unknown_done: 0.0, unknown_not_done: 0.0, delay: NO_DELAY };
}

const NO_DELAY: Range<Duration> = Duration::ZERO..Duration::ZERO;

/// `StoreFaults` holds the faults of each kind of call.
#[derive(Clone, Debug)]
pub struct StoreFaults {
    /// The faults of all calls that change nothing.
    pub reads: Faults,
    /// The faults of `create`, `change`, `close`, `create_event`, `change_event` and `begin`.
    pub changes: Faults,
    /// The faults of `commit`.
    pub commits: Faults,
}

impl StoreFaults {
    /// No faults at all.
    pub const NONE: Self =
        Self { reads: Faults::NONE, changes: Faults::NONE, commits: Faults::NONE };
}

/// `Dump` is everything that the store holds, for a checker to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The polls, by age.
    pub polls: Vec<Poll>,
    /// The events, by age.
    pub events: Vec<Event>,
    /// The tallies with their names, by poll and partition.
    pub tallies: Vec<TallyAt>,
    /// The names of all rounds, by poll, partition, round and slot.
    pub names: Vec<(Partition, NameRow)>,
    /// The ballots, by partition and in log order.
    pub ballots: Vec<(Partition, BallotRow)>,
    /// The dead letters, by partition and in log order.
    pub dead: Vec<(Partition, DeadLetter)>,
    /// The offsets, by partition.
    pub progress: Vec<(Partition, Progress)>,
    /// The digests, by partition and in log order.
    pub digests: Vec<(Partition, Digest)>,
}

/// `MemoryStore` is the store in memory.
pub struct MemoryStore {
    state: Mutex<State>,
    dice: Mutex<(StoreFaults, StdRng)>,
}

/// `Fault` is what the dice decide about one call.
enum Fault {
    None,
    Unavailable,
    UnknownDone,
    UnknownNotDone,
}

/// `Call` is a kind of call that may go wrong.
#[derive(Clone, Copy)]
enum Call {
    Read,
    Change,
    Commit,
}

impl MemoryStore {
    /// Makes an empty store that never fails.
    pub fn new(partitions: u32) -> Arc<Self> {
        Self::faulty(partitions, StoreFaults::NONE, StdRng::seed_from_u64(0))
    }

    /// Makes an empty store that fails as these dice decide.
    pub fn faulty(partitions: u32, faults: StoreFaults, dice: StdRng) -> Arc<Self> {
        let state = State { partitions, ..State::default() };
        Arc::new(Self { state: Mutex::new(state), dice: Mutex::new((faults, dice)) })
    }

    /// Sets how the store fails from now on.
    pub fn set_faults(&self, faults: StoreFaults) {
        self.dice.lock().0 = faults;
    }

    /// Simulates that the machine loses its power: some of the newest commits are gone, as many as
    /// the dice decide, but none older than the last durable change. Returns how many. Whoever uses
    /// the store must have crashed with it.
    pub fn power_cut(&self) -> usize {
        let mut state = self.state.lock();
        let lost = self.dice.lock().1.random_range(0..=state.tail.len());
        for _ in 0..lost {
            state.undo();
        }
        state.tail.clear();
        lost
    }

    /// Returns everything, without faults or delays.
    pub fn dump(&self) -> Dump {
        let state = self.state.lock();
        Dump {
            polls: state.polls.values().cloned().collect(),
            events: state.events.values().cloned().collect(),
            tallies: state.tallies.values().map(|tally| state.with_names(tally)).collect(),
            names: state.names.iter().map(|(key, word)| name_row(*key, word)).collect(),
            ballots: state.ballots.iter().map(|(at, row)| (at.0, row.clone())).collect(),
            dead: state.dead.iter().map(|(at, letter)| (at.0, letter.clone())).collect(),
            progress: state.progress.iter().map(|(p, at)| (*p, *at)).collect(),
            digests: state.digests.iter().map(|(at, digest)| (at.0, *digest)).collect(),
        }
    }

    fn faults(&self, of: Call) -> Faults {
        let faults = &self.dice.lock().0;
        match of {
            Call::Read => &faults.reads,
            Call::Change => &faults.changes,
            Call::Commit => &faults.commits,
        }
        .clone()
    }

    async fn delay(&self, faults: &Faults) {
        if !faults.delay.is_empty() {
            let pause = self.dice.lock().1.random_range(faults.delay.clone());
            tokio::time::sleep(pause).await;
        }
    }

    fn roll(&self, faults: &Faults) -> Fault {
        let drawn: f64 = self.dice.lock().1.random();
        let unknown_done = faults.unavailable + faults.unknown_done;
        if drawn < faults.unavailable {
            Fault::Unavailable
        } else if drawn < unknown_done {
            Fault::UnknownDone
        } else if drawn < unknown_done + faults.unknown_not_done {
            Fault::UnknownNotDone
        } else {
            Fault::None
        }
    }

    /// Does the work, or fails. If the caller stops waiting, the work stays done or not done, as it
    /// is then.
    async fn call<T, E: From<StoreError>>(
        &self,
        call: Call,
        work: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let faults = self.faults(call);
        self.delay(&faults).await;
        let unavailable =
            || Err(StoreError::Unavailable("refused by fault injection".into()).into());
        let unknown =
            || Err(StoreError::Unknown("outcome unknown by fault injection".into()).into());
        let answer = match (self.roll(&faults), call) {
            (Fault::None, _) => work(&mut self.state.lock()),
            (Fault::Unavailable, _) | (_, Call::Read) => unavailable(),
            (Fault::UnknownNotDone, _) => unknown(),
            (Fault::UnknownDone, _) => work(&mut self.state.lock()).and_then(|_| unknown()),
        };
        self.delay(&faults).await;
        answer
    }

    async fn read<T>(&self, work: impl FnOnce(&State) -> T) -> Result<T, StoreError> {
        self.call(Call::Read, |state| Ok(work(state))).await
    }
}

fn name_row((poll, partition, round, slot): NameKey, word: &Word) -> (Partition, NameRow) {
    (partition, NameRow { poll, round, slot, word: word.clone() })
}

#[async_trait]
impl Store for MemoryStore {
    /// The store is not ready when every change is refused.
    fn ready(&self) -> Result<(), String> {
        let away = self.faults(Call::Change).unavailable >= 1.0;
        if away { Err("refused by fault injection".into()) } else { Ok(()) }
    }

    async fn shut(&self) {}
}
