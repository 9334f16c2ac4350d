//! The state of the memory store, and what each call does to it: the contract in its plainest form.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::event::Event;
use pollux_core::id::{
    BallotId, EventId, Generation, Offset, Partition, PollId, UnixMillis, VoterId,
};
use pollux_core::kind::Slot;
use pollux_core::kind::words::Names;
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::seal::Word;
use pollux_core::standing::{Standing, TallyAt};

use crate::store::key::key_to_keep;
use crate::store::{
    BallotFate, BallotRow, CODE_REST_MILLIS, ChangeError, Commit, CommitError, Created, DeadLetter,
    EventAndPolls, IDEMPOTENCY_MILLIS, IdempotencyKey, Listing, Progress, StoreError, Voter,
};

/// The most commits that a power cut can take back.
const TAIL: usize = 1024;

/// A place is where a record stands: partition and offset.
pub type Place = (Partition, Offset);

/// A name's key says where a name is counted.
pub type NameKey = (PollId, Partition, u32, Slot);

/// A holder is the poll or the event that has a join code, or was made under an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Poll(PollId),
    Event(EventId),
}

/// `State` is everything that the store holds.
#[derive(Default)]
pub struct State {
    pub partitions: u32,
    pub polls: BTreeMap<PollId, Poll>,
    pub events: BTreeMap<EventId, Event>,
    pub logos: BTreeMap<EventId, Bytes>,
    pub codes: BTreeMap<String, Holder>,
    pub keys: BTreeMap<String, ([u8; 32], Holder, UnixMillis)>,
    /// The tallies, without their names.
    pub tallies: BTreeMap<(PollId, Partition), TallyAt>,
    pub names: BTreeMap<NameKey, Word>,
    pub ballots: BTreeMap<Place, BallotRow>,
    pub dead: BTreeMap<Place, DeadLetter>,
    pub progress: BTreeMap<Partition, Progress>,
    /// The digests, by the offset at which each begins.
    pub digests: BTreeMap<Place, Digest>,
    /// Every row of a voter, in the order in which they were committed.
    pub voters: BTreeMap<(PollId, VoterId), Vec<Place>>,
    /// How to take back the commits since the last durable change.
    pub tail: Vec<Undo>,
}

/// `Undo` is what a commit has overwritten.
pub struct Undo {
    pub partition: Partition,
    pub progress: Progress,
    pub tallies: Vec<((PollId, Partition), Option<TallyAt>)>,
    pub names: Vec<NameKey>,
    pub digest: Option<(Place, Option<Digest>)>,
}

/// The methods that are named like those of [`crate::store::Store`] do what its documentation says.
impl State {
    pub fn create(
        &mut self,
        mut poll: Poll,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, StoreError> {
        let now = poll.created_at;
        match self.done_before(key.as_ref(), now) {
            Some(Some(Holder::Poll(id))) => return Ok(Created::Before(self.polls[&id].clone())),
            Some(_) => return Ok(Created::KeyReused),
            None => {}
        }
        if let Some(before) = self.polls.get(&poll.id) {
            return Ok(Created::Before(before.clone()));
        }
        let holder = Holder::Poll(poll.id);
        if poll.event.is_none() {
            let Some(code) = self.take_code(codes, holder, now) else {
                return Ok(Created::CodesTaken);
            };
            poll.code = code;
        }
        poll.text_key = key_to_keep(&poll, || Ok::<_, StoreError>(None))?;
        self.remember(key, holder, now);
        self.polls.insert(poll.id, poll.clone());
        Ok(Created::New(poll))
    }

    pub fn create_event(
        &mut self,
        mut event: Event,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created<Event>, StoreError> {
        let now = event.created_at;
        match self.done_before(key.as_ref(), now) {
            Some(Some(Holder::Event(id))) => return Ok(Created::Before(self.events[&id].clone())),
            Some(_) => return Ok(Created::KeyReused),
            None => {}
        }
        if let Some(before) = self.events.get(&event.id) {
            return Ok(Created::Before(before.clone()));
        }
        let holder = Holder::Event(event.id);
        let Some(code) = self.take_code(codes, holder, now) else { return Ok(Created::CodesTaken) };
        event.code = code;
        self.remember(key, holder, now);
        self.events.insert(event.id, event.clone());
        Ok(Created::New(event))
    }

    /// Returns `None` if the key is new or forgotten; otherwise what the same request made under
    /// it, or `Some(None)` if another request used it.
    fn done_before(&self, key: Option<&IdempotencyKey>, now: UnixMillis) -> Option<Option<Holder>> {
        let (request, made, at) = self.keys.get(&key?.key)?;
        let known = now.0.saturating_sub(at.0) <= IDEMPOTENCY_MILLIS;
        known.then(|| (*request == key?.request).then_some(*made))
    }

    fn remember(&mut self, key: Option<IdempotencyKey>, made: Holder, now: UnixMillis) {
        self.tail.clear();
        self.keys.retain(|_, (_, _, at)| now.0.saturating_sub(at.0) <= IDEMPOTENCY_MILLIS);
        if let Some(key) = key {
            self.keys.insert(key.key, (key.request, made, now));
        }
    }

    fn take_code(&mut self, codes: Vec<String>, holder: Holder, now: UnixMillis) -> Option<String> {
        let code = codes.into_iter().find(|code| self.is_free(code, now))?;
        self.codes.insert(code.clone(), holder);
        Some(code)
    }

    /// Returns whether a code leads nowhere, or its poll or event ended more than a month before `now`.
    pub fn is_free(&self, code: &str, now: UnixMillis) -> bool {
        let ended = match self.codes.get(code) {
            None => return true,
            Some(Holder::Event(id)) => self.events[id].deleted_at,
            Some(Holder::Poll(id)) => {
                let holder = &self.polls[id];
                let ended = matches!(holder.status, PollStatus::Closed | PollStatus::Deleted);
                holder.closed_at.filter(|_| ended)
            }
        };
        ended.is_some_and(|at| now.0.saturating_sub(at.0) > CODE_REST_MILLIS)
    }

    pub fn change_event(
        &mut self,
        event: &Event,
        expected: u64,
        logo: Option<Bytes>,
    ) -> Result<(), ChangeError> {
        let Some(kept) = self.events.get_mut(&event.id) else { return Err(ChangeError::Conflict) };
        if kept.revision != expected {
            return Err(ChangeError::Conflict);
        }
        *kept = event.clone();
        match logo {
            Some(logo) => drop(self.logos.insert(event.id, logo)),
            None if event.logo.is_none() => drop(self.logos.remove(&event.id)),
            None => {}
        }
        self.tail.clear();
        Ok(())
    }

    pub fn event(&self, id: EventId) -> Option<EventAndPolls> {
        let polls = self.polls.values().filter(|poll| poll.event == Some(id));
        let event = self.events.get(&id)?.clone();
        Some((event, polls.map(|poll| self.standing(poll)).collect()))
    }

    pub fn event_by_code(&self, code: &str) -> Option<EventAndPolls> {
        match self.codes.get(code)? {
            Holder::Event(id) => self.event(*id),
            Holder::Poll(id) => self.event(self.polls[id].event?),
        }
    }

    pub fn by_code(&self, code: &str) -> Option<Standing> {
        let id = match self.codes.get(code)? {
            Holder::Poll(id) => *id,
            Holder::Event(id) => self.events[id].current?,
        };
        self.polls.get(&id).map(|poll| self.standing(poll))
    }

    pub fn change(&mut self, poll: &Poll, expected: u64) -> Result<(), ChangeError> {
        let Some(kept) = self.polls.get_mut(&poll.id) else { return Err(ChangeError::Conflict) };
        if kept.revision != expected {
            return Err(ChangeError::Conflict);
        }
        let own = [Some(Holder::Poll(poll.id)), poll.event.map(Holder::Event)];
        let holder = self.codes.get(&poll.code).copied();
        let passed_on = holder.is_some() && !own.contains(&holder);
        if poll.status == PollStatus::Open && passed_on {
            return Err(ChangeError::CodeTaken);
        }
        let text_key = key_to_keep(poll, || Ok::<_, StoreError>(kept.text_key.clone()))?;
        *kept = Poll { text_key, ..poll.clone() };
        self.tail.clear();
        Ok(())
    }

    pub fn begin(
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

    pub fn commit(&mut self, partition: Partition, commit: &Commit) -> Result<(), CommitError> {
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
        let of_names = commit.names.iter().map(|row| (row.poll, partition, row.round, row.slot));
        let names: Vec<NameKey> = of_names.collect();
        if let Some(known) = names.iter().find(|key| self.names.contains_key(key)) {
            return Err(StoreError::Damaged(format!("the name {known:?} is here already")).into());
        }
        let mut undo =
            Undo { partition, progress: *progress, tallies: Vec::new(), names, digest: None };
        progress.next_offset = commit.to;
        progress.announced = progress.announced.max(commit.announced);
        if let Some(digest) = commit.digest {
            let place = (partition, digest.from);
            undo.digest = Some((place, self.digests.insert(place, digest)));
        }
        for tally in &commit.tallies {
            let key = (tally.poll, tally.partition);
            let kept = without_names(tally);
            undo.tallies.push((key, self.tallies.insert(key, kept)));
        }
        let words = commit.names.iter().map(|row| row.word.clone());
        self.names.extend(undo.names.iter().copied().zip(words));
        for row in &commit.ballots {
            let place = (partition, row.offset);
            self.ballots.insert(place, row.clone());
            self.voters.entry((row.poll, row.voter)).or_default().push(place);
        }
        for letter in &commit.dead {
            self.dead.insert((partition, letter.offset), letter.clone());
        }
        self.tail.push(undo);
        if commit.durable {
            self.tail.clear();
        }
        if self.tail.len() > TAIL {
            self.tail.remove(0);
        }
        Ok(())
    }

    /// Takes the newest commit back.
    pub fn undo(&mut self) {
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
        for key in &undo.names {
            self.names.remove(key);
        }
        match undo.digest {
            Some((place, Some(digest))) => drop(self.digests.insert(place, digest)),
            Some((place, None)) => drop(self.digests.remove(&place)),
            None => {}
        }
        self.progress.insert(undo.partition, undo.progress);
    }

    pub fn standing(&self, poll: &Poll) -> Standing {
        let mut standing = Standing::new(Arc::new(poll.clone()), self.partitions);
        for tally in self.tallies.range((poll.id, 0)..=(poll.id, Partition::MAX)) {
            standing.take_tally(self.with_names(tally.1));
        }
        standing
    }

    /// Returns a tally together with its names.
    pub fn with_names(&self, at: &TallyAt) -> TallyAt {
        let place = |slot| (at.poll, at.partition, at.tally.round, slot);
        let rows = self.names.range(place(0)..=place(Slot::MAX));
        let mut at = at.clone();
        at.tally.names = Names::of(rows.map(|(_, word)| word.clone()).collect());
        at
    }

    /// Returns a voter's rows, latest first.
    pub fn rows(
        &self,
        poll: PollId,
        voter: VoterId,
    ) -> impl Iterator<Item = (Partition, &BallotRow)> {
        let places = self.voters.get(&(poll, voter)).into_iter().flatten();
        places.rev().map(|place| (place.0, &self.ballots[place]))
    }

    /// Returns a voter's past in a poll, as its latest row says.
    pub fn past(&self, poll: PollId, voter: VoterId) -> Voter {
        let latest = self.rows(poll, voter).next();
        latest.map_or_else(Voter::default, |(_, row)| row.past())
    }

    pub fn decided(&self, poll: PollId, voter: VoterId, ballot: BallotId) -> Option<Status> {
        let own = self.rows(poll, voter).find(|(_, row)| row.ballot == ballot);
        own.map(|(_, row)| row.decided)
    }

    /// Returns what became of a ballot. One that counted is replaced once a later one of the same
    /// round counted.
    pub fn fate(&self, poll: PollId, voter: VoterId, ballot: BallotId) -> Option<BallotFate> {
        let rows: Vec<_> = self.rows(poll, voter).collect();
        let at = rows.iter().position(|(_, row)| row.ballot == ballot)?;
        let (partition, row) = rows[at];
        let counts = |one: &BallotRow| one.decided == Status::Counted;
        let again = |later: &BallotRow| counts(later) && later.after.round == row.after.round;
        let replaced = counts(row) && rows[..at].iter().any(|(_, later)| again(later));
        let status = if replaced { Status::Replaced } else { row.decided };
        Some(BallotFate { ballot, status, position: (partition, row.offset) })
    }

    /// Returns whether every partition has committed the present phase of a poll.
    pub fn is_settled(&self, poll: &Poll) -> bool {
        poll.phase == 0
            || (0..self.partitions).all(|partition| {
                let tally = self.tallies.get(&(poll.id, partition));
                tally.is_some_and(|at| at.tally.phase >= poll.phase)
            })
    }
}

fn without_names(at: &TallyAt) -> TallyAt {
    let mut at = at.clone();
    at.tally.names = Names::default();
    at
}

/// Returns whether a listing shows this poll.
pub fn is_listed(listing: &Listing, poll: &Poll) -> bool {
    let public = matches!(poll.status, PollStatus::Open | PollStatus::Closed);
    listing.before.is_none_or(|before| poll.id < before)
        && (listing.all || poll.listed)
        && match listing.status {
            Some(status) => poll.status == status,
            None => listing.all || public,
        }
}
