//! The store in memory, for deterministic simulation: it answers as the contract says, or fails
//! in every way the contract allows, as a seeded generator decides. It is written plainly, so
//! that it doubles as the model other backends are compared with.
//!
//! The state belongs to no user of the store: whoever "crashes" drops their handle, and the next
//! one finds what was done.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pollux_core::id::{BallotId, Generation, Offset, Partition, PollId, UnixMillis, VoterId};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::VoterState;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{
    BallotFate, BallotRow, CODE_REST_MILLIS, ChangeError, Commit, CommitError, Created, DeadLetter,
    IDEMPOTENCY_MILLIS, IdempotencyKey, Listing, Loaded, Progress, Store, StoreError,
};

/// Most commits a power cut can take back.
const TAIL: usize = 1024;

/// How often, and how, one kind of call goes wrong. The probabilities are of each call, and
/// exclude one another.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Refused, nothing done.
    pub unavailable: f64,
    /// Done, but the answer is `Unknown`; for reads the same as `unavailable`.
    pub unknown_done: f64,
    /// Not done, and the answer is `Unknown`; for reads the same as `unavailable`.
    pub unknown_not_done: f64,
    /// How long before it is done, and again before it answers.
    pub delay: Range<Duration>,
}

impl Faults {
    /// None, and at once.
    pub const NONE: Self =
        Self { unavailable: 0.0, unknown_done: 0.0, unknown_not_done: 0.0, delay: NO_DELAY };
}

const NO_DELAY: Range<Duration> = Duration::ZERO..Duration::ZERO;

/// What goes wrong, by kind of call.
#[derive(Clone, Debug)]
pub struct StoreFaults {
    /// Whatever changes nothing.
    pub reads: Faults,
    /// `create`, `change`, `begin`.
    pub changes: Faults,
    /// `commit`.
    pub commits: Faults,
}

impl StoreFaults {
    /// Nothing ever.
    pub const NONE: Self =
        Self { reads: Faults::NONE, changes: Faults::NONE, commits: Faults::NONE };
}

/// Everything the store holds, for a checker to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// Polls by age.
    pub polls: Vec<Poll>,
    /// Tallies by poll and partition.
    pub tallies: Vec<TallyAt>,
    /// Ballots by partition, in log order.
    pub ballots: Vec<(Partition, BallotRow)>,
    /// Dead letters by partition, in log order.
    pub dead: Vec<(Partition, DeadLetter)>,
    /// Offsets by partition.
    pub progress: Vec<(Partition, Progress)>,
}

/// The memory store.
pub struct MemoryStore {
    state: Mutex<State>,
    dice: Mutex<(StoreFaults, StdRng)>,
}

type Place = (Partition, Offset);

#[derive(Default)]
struct State {
    partitions: u32,
    polls: BTreeMap<PollId, Poll>,
    codes: BTreeMap<String, PollId>,
    keys: BTreeMap<String, ([u8; 32], PollId, UnixMillis)>,
    tallies: BTreeMap<(PollId, Partition), TallyAt>,
    ballots: BTreeMap<Place, BallotRow>,
    dead: BTreeMap<Place, DeadLetter>,
    progress: BTreeMap<Partition, Progress>,
    /// Every row of a voter, in the order committed.
    voters: BTreeMap<(PollId, VoterId), Vec<Place>>,
    /// How to take back the commits since the last change that is durable.
    tail: Vec<Undo>,
}

/// What a commit wrote over.
struct Undo {
    partition: Partition,
    progress: Progress,
    tallies: Vec<((PollId, Partition), Option<TallyAt>)>,
}

/// What the dice say of one call.
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
    /// An empty store that never fails.
    pub fn new(partitions: u32) -> Arc<Self> {
        Self::faulty(partitions, StoreFaults::NONE, StdRng::seed_from_u64(0))
    }

    /// An empty store that fails as these dice say.
    pub fn faulty(partitions: u32, faults: StoreFaults, dice: StdRng) -> Arc<Self> {
        let state = State { partitions, ..State::default() };
        Arc::new(Self { state: Mutex::new(state), dice: Mutex::new((faults, dice)) })
    }

    /// Fail differently from now on.
    pub fn set_faults(&self, faults: StoreFaults) {
        self.dice.lock().0 = faults;
    }

    /// The machine loses its power: some of the newest commits are gone, drawn from the
    /// dice, but none older than the last change that was durable. Says how many. Whoever uses
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

    /// All of it, without faults or delays.
    pub fn dump(&self) -> Dump {
        let state = self.state.lock();
        Dump {
            polls: state.polls.values().cloned().collect(),
            tallies: state.tallies.values().cloned().collect(),
            ballots: state.ballots.iter().map(|(at, row)| (at.0, row.clone())).collect(),
            dead: state.dead.iter().map(|(at, letter)| (at.0, letter.clone())).collect(),
            progress: state.progress.iter().map(|(p, at)| (*p, *at)).collect(),
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

    /// Do it, or fail. A caller that stops waiting leaves it done or not done, as it was then.
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

impl State {
    fn create(
        &mut self,
        mut poll: Poll,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, StoreError> {
        let now = poll.created_at;
        let forgotten = UnixMillis(now.0.saturating_sub(IDEMPOTENCY_MILLIS));
        if let Some(key) = &key
            && let Some((request, before, at)) = self.keys.get(&key.key)
            && *at >= forgotten
        {
            return Ok(if *request == key.request {
                Created::Before(self.polls[before].clone())
            } else {
                Created::KeyReused
            });
        }
        if let Some(before) = self.polls.get(&poll.id) {
            return Ok(Created::Before(before.clone()));
        }
        let Some(code) = codes.into_iter().find(|code| self.is_free(code, now)) else {
            return Ok(Created::CodesTaken);
        };
        self.tail.clear();
        poll.code = code.clone();
        self.codes.insert(code, poll.id);
        self.keys.retain(|_, (_, _, at)| *at >= forgotten);
        if let Some(key) = key {
            self.keys.insert(key.key, (key.request, poll.id, now));
        }
        self.polls.insert(poll.id, poll.clone());
        Ok(Created::New(poll))
    }

    fn is_free(&self, code: &str, now: UnixMillis) -> bool {
        let Some(holder) = self.codes.get(code).map(|id| &self.polls[id]) else { return true };
        match (holder.status, holder.closed_at) {
            (PollStatus::Closed | PollStatus::Deleted, Some(at)) => {
                now.0.saturating_sub(at.0) > CODE_REST_MILLIS
            }
            _ => false,
        }
    }

    fn change(&mut self, poll: &Poll, expected: u64) -> Result<(), ChangeError> {
        let Some(kept) = self.polls.get_mut(&poll.id) else { return Err(ChangeError::Conflict) };
        if kept.revision != expected {
            return Err(ChangeError::Conflict);
        }
        *kept = poll.clone();
        self.tail.clear();
        Ok(())
    }

    fn begin(
        &mut self,
        partition: Partition,
        generation: Generation,
    ) -> Result<Progress, StoreError> {
        if partition >= self.partitions {
            let of = self.partitions;
            return Err(StoreError::Damaged(format!("partition {partition} of {of}")));
        }
        if let Some(known) = self.progress.get(&partition) {
            if known.generation != generation {
                return Err(StoreError::Damaged(format!(
                    "partition {partition} belongs to the log {}, not {generation}",
                    known.generation
                )));
            }
            return Ok(*known);
        }
        let new = Progress { generation, next_offset: 0, announced: 0 };
        self.progress.insert(partition, new);
        self.tail.clear();
        Ok(new)
    }

    fn commit(&mut self, partition: Partition, commit: &Commit) -> Result<(), CommitError> {
        let Some(progress) = self.progress.get_mut(&partition) else {
            return Err(CommitError::Fenced);
        };
        if progress.next_offset != commit.from {
            return Err(CommitError::Fenced);
        }
        let of_tallies = commit.tallies.iter().map(|tally| tally.poll);
        let of_ballots = commit.ballots.iter().map(|row| row.poll);
        if let Some(poll) = of_ballots.chain(of_tallies).find(|id| !self.polls.contains_key(id)) {
            let what = format!("a commit of poll {poll}, which is not here");
            return Err(StoreError::Damaged(what).into());
        }
        let mut undo = Undo { partition, progress: *progress, tallies: Vec::new() };
        progress.next_offset = commit.to;
        progress.announced = progress.announced.max(commit.announced);
        for tally in &commit.tallies {
            let key = (tally.poll, tally.partition);
            undo.tallies.push((key, self.tallies.insert(key, tally.clone())));
        }
        for row in &commit.ballots {
            let place = (partition, row.offset);
            self.ballots.insert(place, row.clone());
            self.voters.entry((row.poll, row.voter)).or_default().push(place);
        }
        for letter in &commit.dead {
            self.dead.insert((partition, letter.offset), letter.clone());
        }
        self.tail.push(undo);
        if self.tail.len() > TAIL {
            self.tail.remove(0);
        }
        Ok(())
    }

    /// Take the newest commit back.
    fn undo(&mut self) {
        let Some(undo) = self.tail.pop() else { return };
        let committed = (undo.partition, undo.progress.next_offset)..=(undo.partition, Offset::MAX);
        let places: Vec<Place> = self.ballots.range(committed).map(|(at, _)| *at).collect();
        for place in places {
            let row = self.ballots.remove(&place).expect("it was just seen");
            self.voters.get_mut(&(row.poll, row.voter)).expect("by its row").pop();
        }
        self.dead
            .retain(|(p, offset), _| *p != undo.partition || *offset < undo.progress.next_offset);
        for (key, tally) in undo.tallies.into_iter().rev() {
            match tally {
                Some(tally) => self.tallies.insert(key, tally),
                None => self.tallies.remove(&key),
            };
        }
        self.progress.insert(undo.partition, undo.progress);
    }

    fn standing(&self, poll: &Poll) -> Standing {
        let mut standing = Standing::new(Arc::new(poll.clone()), self.partitions);
        for tally in self.tallies.range((poll.id, 0)..=(poll.id, Partition::MAX)) {
            standing.take_tally(tally.1.clone());
        }
        standing
    }

    fn latest(&self, poll: PollId, voter: VoterId) -> Option<(Partition, &BallotRow)> {
        let place = self.voters.get(&(poll, voter))?.last()?;
        Some((place.0, &self.ballots[place]))
    }

    fn voter(&self, poll: PollId, voter: VoterId) -> VoterState {
        self.latest(poll, voter).map(|(_, row)| row.after).unwrap_or_default()
    }

    fn fate(
        &self,
        poll: PollId,
        voter: VoterId,
        ballot: BallotId,
        at: Option<Place>,
    ) -> Option<BallotFate> {
        let rules = self.polls.get(&poll)?.rules();
        let latest = self.latest(poll, voter);
        let pointed = at.and_then(|at| self.ballots.get(&at).map(|row| (at.0, row)));
        let own = [pointed, latest]
            .into_iter()
            .flatten()
            .find(|(_, row)| (row.poll, row.voter, row.ballot) == (poll, voter, ballot));
        super::fate::fate(&rules, ballot, own, latest.map(|(_, row)| row))
    }

    fn is_settled(&self, poll: &Poll) -> bool {
        poll.phase <= 1
            || (0..self.partitions).all(|partition| {
                let tally = self.tallies.get(&(poll.id, partition));
                tally.is_some_and(|at| at.tally.phase >= poll.phase)
            })
    }
}

fn is_listed(listing: &Listing, poll: &Poll) -> bool {
    let public = matches!(poll.status, PollStatus::Open | PollStatus::Closed);
    listing.before.is_none_or(|before| poll.id < before)
        && (listing.all || poll.listed)
        && match listing.status {
            Some(status) => poll.status == status,
            None => listing.all || public,
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

    async fn standing(&self, id: PollId) -> Result<Option<Standing>, StoreError> {
        self.read(|state| state.polls.get(&id).map(|poll| state.standing(poll))).await
    }

    async fn by_code(&self, code: &str) -> Result<Option<Standing>, StoreError> {
        self.read(|state| state.codes.get(code).map(|id| state.standing(&state.polls[id]))).await
    }

    async fn list(&self, listing: Listing) -> Result<Vec<Standing>, StoreError> {
        self.read(|state| {
            let newest_first = state.polls.values().rev();
            let wanted = newest_first.filter(|poll| is_listed(&listing, poll)).take(listing.limit);
            wanted.map(|poll| state.standing(poll)).collect()
        })
        .await
    }

    async fn due(&self, now: UnixMillis) -> Result<Vec<Poll>, StoreError> {
        self.read(|state| {
            let open = state.polls.values().filter(|poll| poll.status == PollStatus::Open);
            let due = open.filter(|poll| poll.closes_at.is_some_and(|at| at <= now));
            let mut due: Vec<Poll> = due.cloned().collect();
            due.sort_by_key(|poll| (poll.closes_at, poll.id));
            due
        })
        .await
    }

    async fn unsettled(&self) -> Result<Vec<Poll>, StoreError> {
        self.read(|state| {
            state.polls.values().filter(|poll| !state.is_settled(poll)).cloned().collect()
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
            voters: voters.iter().map(|(poll, voter)| state.voter(*poll, *voter)).collect(),
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
        at: Option<(Partition, Offset)>,
    ) -> Result<Option<BallotFate>, StoreError> {
        self.read(|state| state.fate(poll, voter, ballot, at)).await
    }

    async fn voter(&self, poll: PollId, voter: VoterId) -> Result<VoterState, StoreError> {
        self.read(|state| state.voter(poll, voter)).await
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

    async fn progress(&self) -> Result<Vec<(Partition, Progress)>, StoreError> {
        self.read(|state| state.progress.iter().map(|(p, at)| (*p, *at)).collect()).await
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    async fn shut(&self) {}
}
