//! The embedded store as the three ports: what changes something is a job of the writer, what reads asks the tables.

use async_trait::async_trait;
use bytes::Bytes;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::event::Event;
use pollux_core::id::{
    BallotId, EventId, Generation, Offset, Partition, PollId, UnixMillis, VoterId,
};
use pollux_core::poll::Poll;
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::VoterState;
use rusqlite::Connection;

use super::index::{Found, Index};
use super::jobs::Job;
use super::past::{self, Rows};
use super::readers::snapshot;
use super::{EmbeddedStore, events, reads};
use crate::store::{
    BallotFate, BallotRow, Ballots, ChangeError, Commit, CommitError, Counting, Created,
    DeadLetter, EventAndPolls, IdempotencyKey, Listing, Loaded, Polls, Progress, StoreError, Voter,
};

#[async_trait]
impl Polls for EmbeddedStore {
    async fn create(
        &self,
        poll: Poll,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, StoreError> {
        self.ask(|reply| Job::Create(Box::new(poll), codes, key, reply)).await
    }

    async fn change(&self, poll: &Poll, expected: u64) -> Result<(), ChangeError> {
        self.ask(|reply| Job::Change(Box::new(poll.clone()), expected, reply)).await
    }

    async fn close(&self, polls: &[(Poll, u64)]) -> Result<Vec<bool>, StoreError> {
        self.ask(|reply| Job::Close(polls.to_vec(), reply)).await
    }

    async fn create_event(
        &self,
        event: Event,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created<Event>, StoreError> {
        self.ask(|reply| Job::CreateEvent(Box::new(event), codes, key, reply)).await
    }

    async fn change_event(
        &self,
        event: &Event,
        expected: u64,
        logo: Option<&[u8]>,
    ) -> Result<(), ChangeError> {
        let (event, logo) = (Box::new(event.clone()), logo.map(<[u8]>::to_vec));
        self.ask(|reply| Job::ChangeEvent(event, expected, logo, reply)).await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventAndPolls>, StoreError> {
        let partitions = self.partitions;
        self.read(move |conn| snapshot(conn, |conn| events::event(conn, partitions, id))).await
    }

    async fn event_by_code(&self, code: &str) -> Result<Option<EventAndPolls>, StoreError> {
        let (partitions, code) = (self.partitions, code.to_owned());
        self.read(move |conn| snapshot(conn, |conn| events::by_code(conn, partitions, &code))).await
    }

    async fn logo(&self, id: EventId) -> Result<Option<Bytes>, StoreError> {
        self.read(move |conn| events::logo(conn, id)).await
    }

    async fn standing(&self, id: PollId) -> Result<Option<Standing>, StoreError> {
        let partitions = self.partitions;
        self.read(move |conn| {
            snapshot(conn, |conn| {
                let found = reads::poll(conn, id)?;
                found.map(|(key, poll)| reads::standing(conn, partitions, key, poll)).transpose()
            })
        })
        .await
    }

    async fn by_code(&self, code: &str) -> Result<Option<Standing>, StoreError> {
        let (partitions, code) = (self.partitions, code.to_owned());
        self.read(move |conn| {
            snapshot(conn, |conn| {
                let found = reads::by_code(conn, &code)?;
                found.map(|(key, poll)| reads::standing(conn, partitions, key, poll)).transpose()
            })
        })
        .await
    }

    async fn list(&self, listing: Listing) -> Result<Vec<Standing>, StoreError> {
        let partitions = self.partitions;
        self.read(move |conn| {
            snapshot(conn, |conn| {
                let polls = reads::list(conn, listing)?.into_iter();
                polls.map(|(key, poll)| reads::standing(conn, partitions, key, poll)).collect()
            })
        })
        .await
    }

    async fn due(
        &self,
        now: UnixMillis,
        after: Option<(UnixMillis, PollId)>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError> {
        self.read(move |conn| snapshot(conn, |conn| reads::due(conn, now, after, limit))).await
    }

    async fn unsettled(
        &self,
        after: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError> {
        self.read(move |conn| snapshot(conn, |conn| reads::unsettled(conn, after, limit))).await
    }
}

#[async_trait]
impl Counting for EmbeddedStore {
    /// Goes through the writer, and so after every commit before it: whoever takes a partition
    /// up finds the index as new as the offset it is told.
    async fn begin(
        &self,
        partition: Partition,
        generation: Generation,
    ) -> Result<Progress, StoreError> {
        self.ask(|reply| Job::Begin(partition, generation, reply)).await
    }

    async fn load(
        &self,
        partition: Partition,
        polls: &[PollId],
        voters: &[(PollId, VoterId)],
    ) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded { polls: Vec::new(), voters: Vec::with_capacity(voters.len()) };
        let mut misses = Vec::new();
        for (i, found) in self.in_memory(voters).into_iter().enumerate() {
            let known = match found {
                Found::Here(position, nth, state) => past::in_short(position, nth, state),
                Found::Nothing => Some(Voter::default()),
                Found::InRow(_) | Found::AskTable => None,
            };
            if known.is_none() {
                misses.push((i, voters[i]));
            }
            loaded.voters.push(known.unwrap_or_default());
        }
        if polls.is_empty() && misses.is_empty() {
            return Ok(loaded);
        }
        let (index, polls) = (self.index.clone(), polls.to_vec());
        self.read(move |conn| {
            loaded.polls = load_polls(conn, index.as_deref(), polls, partition)?;
            for (i, (poll, voter)) in misses {
                loaded.voters[i] = past::of(conn, index.as_deref(), poll, voter)?;
            }
            Ok(loaded)
        })
        .await
    }

    async fn decided(
        &self,
        _partition: Partition,
        ballots: &[(PollId, VoterId, BallotId)],
    ) -> Result<Vec<Option<Status>>, StoreError> {
        let (index, ballots) = (self.index.clone(), ballots.to_vec());
        self.read(move |conn| {
            let decided = ballots.into_iter().map(|(poll, voter, ballot)| {
                let Some(rows) = Rows::of(conn, index.as_deref(), poll, voter)? else {
                    return Ok(None);
                };
                Ok(rows.find(ballot)?.map(|row| row.decided))
            });
            decided.collect()
        })
        .await
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<(), CommitError> {
        self.ask(|reply| Job::Commit(partition, commit.clone(), reply)).await
    }

    async fn tallies_since(
        &self,
        partition: Partition,
        since: Offset,
    ) -> Result<Vec<TallyAt>, StoreError> {
        self.read(move |conn| reads::tallies_since(conn, partition, since)).await
    }
}

/// `LoadedPoll` is a poll with its tally, if there is one.
type LoadedPoll = Option<(Poll, Option<TallyAt>)>;

/// Returns polls with their tallies in a partition, from one state of the tables.
fn load_polls(
    conn: &Connection,
    index: Option<&Index>,
    polls: Vec<PollId>,
    partition: Partition,
) -> Result<Vec<LoadedPoll>, StoreError> {
    if polls.is_empty() {
        return Ok(Vec::new());
    }
    snapshot(conn, |conn| {
        let load = |id| {
            let Some((key, poll)) = reads::poll(conn, id)? else { return Ok(None) };
            if let Some(index) = index {
                index.remember(id, key);
            }
            let tally = reads::tally(conn, key, &poll, partition)?;
            Ok(Some((poll, tally)))
        };
        polls.into_iter().map(load).collect()
    })
}

#[async_trait]
impl Ballots for EmbeddedStore {
    async fn fate(
        &self,
        poll: PollId,
        voter: VoterId,
        ballot: BallotId,
    ) -> Result<Option<BallotFate>, StoreError> {
        let index = self.index.clone();
        self.read(move |conn| {
            let Some(rows) = Rows::of(conn, index.as_deref(), poll, voter)? else {
                return Ok(None);
            };
            rows.find(ballot)?.map(|row| rows.fate(&row)).transpose()
        })
        .await
    }

    async fn voter(&self, poll: PollId, voter: VoterId) -> Result<VoterState, StoreError> {
        match self.in_memory(&[(poll, voter)]).remove(0) {
            Found::Here(_, _, state) => Ok(state),
            Found::Nothing => Ok(VoterState::default()),
            Found::InRow(_) | Found::AskTable => {
                let index = self.index.clone();
                self.read(move |conn| Ok(past::of(conn, index.as_deref(), poll, voter)?.state))
                    .await
            }
        }
    }

    async fn ballots(
        &self,
        partition: Partition,
        from: Offset,
        poll: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<BallotRow>, StoreError> {
        self.read(move |conn| reads::ballots(conn, partition, from, poll, limit)).await
    }

    async fn dead(
        &self,
        partition: Partition,
        from: Offset,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(move |conn| reads::dead(conn, partition, from, limit)).await
    }

    async fn digests(
        &self,
        partition: Partition,
        since: Offset,
    ) -> Result<Vec<Digest>, StoreError> {
        self.read(move |conn| reads::digests(conn, partition, since)).await
    }

    async fn progress(&self) -> Result<Vec<(Partition, Progress)>, StoreError> {
        self.read(reads::progress).await
    }
}
