//! The memory store as the three ports.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::event::Event;
use pollux_core::id::{
    BallotId, EventId, Generation, Offset, Partition, PollId, UnixMillis, VoterId,
};
use pollux_core::poll::{Poll, PollStatus};
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::VoterState;

use super::state::is_listed;
use super::{Call, MemoryStore};
use crate::store::{
    BallotFate, BallotRow, Ballots, ChangeError, Commit, CommitError, Counting, Created,
    DeadLetter, EventAndPolls, IdempotencyKey, Listing, Loaded, Polls, Progress, StoreError,
};

#[async_trait]
impl Polls for MemoryStore {
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
}

#[async_trait]
impl Counting for MemoryStore {
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
                    let tally = state.tallies.get(&(*id, partition));
                    Some((poll, tally.map(|tally| state.with_names(tally))))
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
}

#[async_trait]
impl Ballots for MemoryStore {
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
}
