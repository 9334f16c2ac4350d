//! The PostgreSQL store as the three ports: each method is one question on a connection of its own, or one transaction.

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

use super::rows::damaged;
use super::{Lease, PostgresStore, ask, commit, events, polls, reads, rows};
use crate::store::{
    BallotFate, BallotRow, Ballots, ChangeError, Commit, CommitError, Counting, Created,
    DeadLetter, EventAndPolls, IdempotencyKey, Listing, Loaded, Polls, Progress, StoreError, Voter,
};

/// The id before that of every poll.
const FIRST: PollId = PollId(uuid::Uuid::nil());

#[async_trait]
impl Polls for PostgresStore {
    async fn create(
        &self,
        poll: Poll,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, StoreError> {
        self.keep(async |lease| polls::create(lease, poll, &codes, key.as_ref()).await).await
    }

    async fn change(&self, poll: &Poll, expected: u64) -> Result<(), ChangeError> {
        self.replace(async |lease| polls::change(lease, poll, expected).await).await?;
        self.destroyed.notify_one();
        Ok(())
    }

    async fn close(&self, all: &[(Poll, u64)]) -> Result<Vec<bool>, StoreError> {
        let (closed, lease) = self
            .within::<_, StoreError>(async {
                let lease = Lease::take(&self.pool).await?;
                Ok((polls::close(&lease, all).await?, lease))
            })
            .await?;
        self.finish(lease).await?;
        if all.iter().any(|(poll, _)| poll.kind.holds_texts()) {
            self.destroyed.notify_one();
        }
        Ok(closed)
    }

    async fn create_event(
        &self,
        event: Event,
        codes: Vec<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Created<Event>, StoreError> {
        self.keep(async |lease| events::create(lease, event, &codes, key.as_ref()).await).await
    }

    async fn change_event(
        &self,
        event: &Event,
        expected: u64,
        logo: Option<&[u8]>,
    ) -> Result<(), ChangeError> {
        self.replace(async |lease| events::change(lease, event, expected, logo).await).await
    }

    async fn event(&self, id: EventId) -> Result<Option<EventAndPolls>, StoreError> {
        ask!(self, lease => events::event(&lease, self.partitions, id))
    }

    async fn event_by_code(&self, code: &str) -> Result<Option<EventAndPolls>, StoreError> {
        ask!(self, lease => events::by_code(&lease, self.partitions, code))
    }

    async fn logo(&self, id: EventId) -> Result<Option<Bytes>, StoreError> {
        ask!(self, lease => events::logo(&lease, id))
    }

    async fn standing(&self, id: PollId) -> Result<Option<Standing>, StoreError> {
        ask!(self, lease => reads::standing(&lease, self.partitions, id))
    }

    async fn by_code(&self, code: &str) -> Result<Option<Standing>, StoreError> {
        ask!(self, lease => reads::by_code(&lease, self.partitions, code))
    }

    async fn list(&self, listing: Listing) -> Result<Vec<Standing>, StoreError> {
        ask!(self, lease => reads::list(&lease, self.partitions, listing))
    }

    async fn due(
        &self,
        now: UnixMillis,
        after: Option<(UnixMillis, PollId)>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError> {
        let (at, id) = after.unwrap_or((UnixMillis(0), FIRST));
        let (now, at) = (rows::time(now)?, rows::time(at)?);
        ask!(self, lease => reads::due(&lease, now, (at, id), limit))
    }

    async fn unsettled(
        &self,
        after: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError> {
        let after = after.unwrap_or(FIRST);
        ask!(self, lease => reads::unsettled(&lease, self.partitions, after, limit))
    }
}

#[async_trait]
impl Counting for PostgresStore {
    async fn begin(
        &self,
        partition: Partition,
        generation: Generation,
    ) -> Result<Progress, StoreError> {
        if partition >= self.partitions {
            let of = self.partitions;
            return Err(damaged(format!("partition {partition} of a store of {of}")));
        }
        let progress = ask!(self, lease => commit::begin(&lease, partition, generation))?;
        self.newcomers.begin(partition, progress.next_offset);
        Ok(progress)
    }

    async fn load(
        &self,
        partition: Partition,
        polls: &[PollId],
        voters: &[(PollId, VoterId)],
    ) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded { polls: Vec::new(), voters: vec![Voter::default(); voters.len()] };
        let asked = self.newcomers.as_of(partition);
        let places = self.newcomers.may_have_voted(partition, voters);
        if polls.is_empty() && places.is_empty() {
            return Ok(loaded);
        }
        let known: Vec<_> = places.iter().map(|place| voters[*place]).collect();
        let (found, past) = ask!(self, lease => async {
            tokio::try_join!(
                biased;
                reads::polls(&lease, partition, polls),
                reads::voters(&lease, partition, &known)
            )
        })?;
        // A ballot is never decided before its poll has a tally in the partition.
        let bare = polls.iter().zip(&found).filter(|(_, found)| matches!(found, Some((_, None))));
        let bare: Vec<PollId> = bare.map(|(id, _)| *id).collect();
        self.newcomers.empty(partition, asked, &bare);
        loaded.polls = found;
        for (place, voter) in places.into_iter().zip(past) {
            loaded.voters[place] = voter;
        }
        Ok(loaded)
    }

    async fn decided(
        &self,
        _partition: Partition,
        ballots: &[(PollId, VoterId, BallotId)],
    ) -> Result<Vec<Option<Status>>, StoreError> {
        if ballots.is_empty() {
            return Ok(Vec::new());
        }
        ask!(self, lease => reads::decided(&lease, ballots))
    }

    /// Always durable: a commit that was answered is on the server's disk.
    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<(), CommitError> {
        debug_assert!(commit.to > commit.from, "a commit moves on");
        let done = self.write_and_commit(partition, commit).await;
        match done {
            Ok(()) => self.newcomers.committed(partition, commit),
            Err(_) => self.newcomers.forget(partition),
        }
        done
    }

    async fn tallies_since(
        &self,
        partition: Partition,
        since: Offset,
    ) -> Result<Vec<TallyAt>, StoreError> {
        ask!(self, lease => reads::tallies_since(&lease, partition, since))
    }
}

#[async_trait]
impl Ballots for PostgresStore {
    async fn fate(
        &self,
        poll: PollId,
        voter: VoterId,
        ballot: BallotId,
    ) -> Result<Option<BallotFate>, StoreError> {
        ask!(self, lease => reads::fate(&lease, poll, voter, ballot))
    }

    async fn voter(&self, poll: PollId, voter: VoterId) -> Result<VoterState, StoreError> {
        ask!(self, lease => reads::voter(&lease, poll, voter))
    }

    async fn ballots(
        &self,
        partition: Partition,
        from: Offset,
        poll: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<BallotRow>, StoreError> {
        ask!(self, lease => reads::ballots(&lease, partition, from, poll, limit))
    }

    async fn dead(
        &self,
        partition: Partition,
        from: Offset,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        ask!(self, lease => reads::dead(&lease, partition, from, limit))
    }

    async fn digests(
        &self,
        partition: Partition,
        since: Offset,
    ) -> Result<Vec<Digest>, StoreError> {
        ask!(self, lease => reads::digests(&lease, partition, since))
    }

    async fn progress(&self) -> Result<Vec<(Partition, Progress)>, StoreError> {
        ask!(self, lease => reads::progress(&lease))
    }
}
