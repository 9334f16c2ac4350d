//! The store in memory, for deterministic simulation. It answers as the contract says, or fails in
//! every way that the contract allows, as a seeded generator decides. It is written plainly, so
//! that it also is the model which other backends are compared with.
//!
//! The state belongs to no user of the store: a user "crashes" by dropping its handle, and the next
//! user finds what was done.

mod state;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::event::Event;
use pollux_core::id::{
    BallotId, EventId, Generation, Offset, Partition, PollId, UnixMillis, VoterId,
};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::VoterState;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use self::state::{State, is_listed};
use super::{
    BallotFate, BallotRow, ChangeError, Commit, CommitError, Created, DeadLetter, EventAndPolls,
    IdempotencyKey, Listing, Loaded, Progress, Store, StoreError,
};

/// How often, and how, one kind of call goes wrong. The probabilities are per call and exclude one
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

/// The faults of each kind of call.
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

/// Everything that the store holds, for a checker to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// The polls, by age.
    pub polls: Vec<Poll>,
    /// The events, by age.
    pub events: Vec<Event>,
    /// The tallies, by poll and partition.
    pub tallies: Vec<TallyAt>,
    /// The ballots, by partition and in log order.
    pub ballots: Vec<(Partition, BallotRow)>,
    /// The dead letters, by partition and in log order.
    pub dead: Vec<(Partition, DeadLetter)>,
    /// The offsets, by partition.
    pub progress: Vec<(Partition, Progress)>,
    /// The digests, by partition and in log order.
    pub digests: Vec<(Partition, Digest)>,
}

/// The store in memory.
pub struct MemoryStore {
    state: Mutex<State>,
    dice: Mutex<(StoreFaults, StdRng)>,
}

/// What the dice decide about one call.
enum Fault {
    None,
    Unavailable,
    UnknownDone,
    UnknownNotDone,
}

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
            tallies: state.tallies.values().cloned().collect(),
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
        let unavailable = || Err(StoreError::Unavailable("as the dice fell".into()).into());
        let unknown = || Err(StoreError::Unknown("as the dice fell".into()).into());
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

#[async_trait]
impl Store for MemoryStore {
    async fn create(
        &self,
        poll: Poll,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, StoreError> {
        self.call(Call::Change, |state| state.create(poll, codes, key)).await
    }

    async fn change(&self, poll: &Poll, expected: u64) -> Result<(), ChangeError> {
        self.call(Call::Change, |state| state.change(poll, expected)).await
    }

    async fn close(&self, polls: &[(Poll, u64)]) -> Result<Vec<bool>, StoreError> {
        self.call(Call::Change, |state| {
            Ok(polls.iter().map(|(poll, expected)| state.change(poll, *expected).is_ok()).collect())
        })
        .await
    }

    async fn create_event(
        &self,
        event: Event,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created<Event>, StoreError> {
        self.call(Call::Change, |state| state.create_event(event, codes, key)).await
    }

    async fn change_event(
        &self,
        event: &Event,
        expected: u64,
        logo: Option<&[u8]>,
    ) -> Result<(), ChangeError> {
        let logo = logo.map(Bytes::copy_from_slice);
        self.call(Call::Change, |state| state.change_event(event, expected, logo)).await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventAndPolls>, StoreError> {
        self.read(|state| state.event(id)).await
    }

    async fn event_by_code(&self, code: &str) -> Result<Option<EventAndPolls>, StoreError> {
        self.read(|state| state.event_by_code(code)).await
    }

    async fn logo(&self, id: EventId) -> Result<Option<Bytes>, StoreError> {
        self.read(|state| state.logos.get(&id).cloned()).await
    }

    async fn standing(&self, id: PollId) -> Result<Option<Standing>, StoreError> {
        self.read(|state| state.polls.get(&id).map(|poll| state.standing(poll))).await
    }

    async fn by_code(&self, code: &str) -> Result<Option<Standing>, StoreError> {
        self.read(|state| state.by_code(code)).await
    }

    async fn list(&self, listing: Listing) -> Result<Vec<Standing>, StoreError> {
        self.read(|state| {
            let newest_first = state.polls.values().rev();
            let wanted = newest_first.filter(|poll| is_listed(&listing, poll)).take(listing.limit);
            wanted.map(|poll| state.standing(poll)).collect()
        })
        .await
    }

    async fn due(
        &self,
        now: UnixMillis,
        after: Option<(UnixMillis, PollId)>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError> {
        self.read(|state| {
            let open = state.polls.values().filter(|poll| poll.status == PollStatus::Open);
            let due = open.filter_map(|poll| Some(((poll.closes_at?, poll.id), poll)));
            let due = due.filter(|(at, _)| at.0 <= now && after.is_none_or(|after| *at > after));
            let due: BTreeMap<_, _> = due.collect();
            due.into_values().take(limit).cloned().collect()
        })
        .await
    }

    async fn unsettled(
        &self,
        after: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError> {
        self.read(|state| {
            let here = state.polls.values().filter(|poll| after.is_none_or(|id| poll.id > id));
            here.filter(|poll| !state.is_settled(poll)).take(limit).cloned().collect()
        })
        .await
    }

    async fn begin(
        &self,
        partition: Partition,
        generation: Generation,
    ) -> Result<Progress, StoreError> {
        self.call(Call::Change, |state| state.begin(partition, generation)).await
    }

    async fn load(
        &self,
        partition: Partition,
        polls: &[PollId],
        voters: &[(PollId, VoterId)],
    ) -> Result<Loaded, StoreError> {
        self.read(|state| Loaded {
            polls: polls
                .iter()
                .map(|id| {
                    let poll = state.polls.get(id)?.clone();
                    Some((poll, state.tallies.get(&(*id, partition)).cloned()))
                })
                .collect(),
            voters: voters.iter().map(|(poll, voter)| state.past(*poll, *voter)).collect(),
        })
        .await
    }

    async fn decided(
        &self,
        _partition: Partition,
        ballots: &[(PollId, VoterId, BallotId)],
    ) -> Result<Vec<Option<Status>>, StoreError> {
        self.read(|state| {
            let each = ballots.iter().map(|(poll, voter, id)| state.decided(*poll, *voter, *id));
            each.collect()
        })
        .await
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<(), CommitError> {
        self.call(Call::Commit, |state| state.commit(partition, commit)).await
    }

    async fn tallies_since(
        &self,
        partition: Partition,
        since: Offset,
    ) -> Result<Vec<TallyAt>, StoreError> {
        self.read(|state| {
            let here = state.tallies.values().filter(|tally| tally.partition == partition);
            let mut late: Vec<TallyAt> =
                here.filter(|tally| tally.next_offset >= since).cloned().collect();
            late.sort_by_key(|tally| (tally.next_offset, tally.poll));
            late
        })
        .await
    }

    async fn fate(
        &self,
        poll: PollId,
        voter: VoterId,
        ballot: BallotId,
    ) -> Result<Option<BallotFate>, StoreError> {
        self.read(|state| state.fate(poll, voter, ballot)).await
    }

    async fn voter(&self, poll: PollId, voter: VoterId) -> Result<VoterState, StoreError> {
        self.read(|state| state.past(poll, voter).state).await
    }

    async fn ballots(
        &self,
        partition: Partition,
        from: Offset,
        poll: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<BallotRow>, StoreError> {
        self.read(|state| {
            let rows = state.ballots.range((partition, from)..=(partition, Offset::MAX));
            let wanted =
                rows.map(|(_, row)| row).filter(|row| poll.is_none_or(|id| id == row.poll));
            wanted.take(limit).cloned().collect()
        })
        .await
    }

    async fn dead(
        &self,
        partition: Partition,
        from: Offset,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(|state| {
            let letters = state.dead.range((partition, from)..=(partition, Offset::MAX));
            letters.take(limit).map(|(_, letter)| letter.clone()).collect()
        })
        .await
    }

    async fn digests(
        &self,
        partition: Partition,
        since: Offset,
    ) -> Result<Vec<Digest>, StoreError> {
        self.read(|state| {
            let all = state.digests.range((partition, 0)..=(partition, Offset::MAX));
            all.map(|(_, digest)| *digest).filter(|digest| digest.to >= since).collect()
        })
        .await
    }

    async fn progress(&self) -> Result<Vec<(Partition, Progress)>, StoreError> {
        self.read(|state| state.progress.iter().map(|(p, at)| (*p, *at)).collect()).await
    }

    /// The store is not ready when every change is refused.
    fn ready(&self) -> Result<(), String> {
        let away = self.faults(Call::Change).unavailable >= 1.0;
        if away { Err("as the dice fell".into()) } else { Ok(()) }
    }

    async fn shut(&self) {}
}
