//! The store in one SQLite file, `store.db`, in the data folder: one thread writes
//! ([`writer`]), a few connections read ([`reads`]), voters are found through [`index`].

mod db;
mod events;
mod filter;
mod index;
mod past;
mod polls;
mod readers;
mod reads;
mod rows;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
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
use tokio::sync::{mpsc, oneshot, watch};

use self::index::{Found, Index, Key};
use self::past::Rows;
use self::readers::{Readers, snapshot};
pub use self::schema::{FILE, OpenError, follow_secrets, secrets};
use self::writer::Writer;
use super::{
    BallotFate, BallotRow, ChangeError, Commit, CommitError, Created, DeadLetter, EventAndPolls,
    IdempotencyKey, Listing, Loaded, Progress, Store, StoreError, Voter,
};
use crate::config::StoreLimits;

type Reply<T> = oneshot::Sender<T>;

/// What the writer is asked to do.
enum Job {
    Create(Box<Poll>, Vec<String>, Option<IdempotencyKey>, Reply<Result<Created, StoreError>>),
    Change(Box<Poll>, u64, Reply<Result<(), ChangeError>>),
    CreateEvent(
        Box<Event>,
        Vec<String>,
        Option<IdempotencyKey>,
        Reply<Result<Created<Event>, StoreError>>,
    ),
    Close(Vec<(Poll, u64)>, Reply<Result<Vec<bool>, StoreError>>),
    ChangeEvent(Box<Event>, u64, Option<Vec<u8>>, Reply<Result<(), ChangeError>>),
    Begin(Partition, Generation, Reply<Result<Progress, StoreError>>),
    Commit(Partition, Commit, Reply<Result<(), CommitError>>),
    /// The checkpointer has copied back all it could.
    Checkpointed,
}

/// The embedded store.
pub struct EmbeddedStore {
    partitions: u32,
    /// `None` when opened to read only, or shut.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    readers: Arc<Readers>,
    /// `None` when opened to read only: another process has the maps.
    index: Option<Arc<Index>>,
    failed: watch::Receiver<Option<String>>,
}

impl EmbeddedStore {
    /// Open the store of this folder, or make it. The caller holds the folder's lock: a second
    /// writer in another process would not be noticed here.
    pub fn open(
        folder: &Path,
        partitions: u32,
        limits: StoreLimits,
    ) -> Result<Arc<Self>, OpenError> {
        let conn = schema::open_writer(folder, partitions)?;
        let writer = Writer::new(conn, partitions, limits.clone())
            .map_err(|error| OpenError::damaged(folder, &error))?;
        Self::start(folder, partitions, limits, writer)
    }

    fn start(
        folder: &Path,
        partitions: u32,
        limits: StoreLimits,
        writer: Writer,
    ) -> Result<Arc<Self>, OpenError> {
        let readers = Readers::open(folder, limits.readers)?;
        let checkpointer = schema::open_checkpointer(folder)?;
        let (queue, jobs) = (mpsc::channel(limits.queue), sync_channel(1));
        let (index, turn) = (writer.index(), writer.turn());
        let (failing, failed) = watch::channel(None);
        let weak = queue.0.downgrade();
        let threads = vec![
            spawn("store", move || write(writer, queue.1, jobs.0, failing)),
            spawn("store-checkpoint", move || checkpoint(checkpointer, &turn, jobs.1, weak)),
        ];
        Ok(Arc::new(Self {
            partitions,
            jobs: Mutex::new(Some(queue.0)),
            threads: Mutex::new(threads),
            readers,
            index: Some(index),
            failed,
        }))
    }

    /// Open the store of this folder to read only, beside a running server or without one. Every
    /// method that changes something answers `Unavailable`.
    pub fn open_read_only(folder: &Path) -> Result<Arc<Self>, OpenError> {
        let readers = Readers::open(folder, 1)?;
        let partitions = schema::partitions(folder)?;
        Ok(Arc::new(Self {
            partitions,
            jobs: Mutex::new(None),
            threads: Mutex::default(),
            readers,
            index: None,
            failed: watch::channel(None).1,
        }))
    }

    /// How many partitions the store was made for.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Waits until the store has failed for good, and says why: a commit whose outcome nobody
    /// knows. The process must end; the next start finds what was committed. Never returns
    /// otherwise.
    pub async fn failed(&self) -> String {
        let mut failed = self.failed.clone();
        loop {
            if let Some(why) = failed.borrow_and_update().clone() {
                return why;
            }
            if failed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Queue a job and await its answer.
    async fn ask<T, E: From<StoreError>>(
        &self,
        job: impl FnOnce(Reply<Result<T, E>>) -> Job,
    ) -> Result<T, E> {
        let closed = || StoreError::Unavailable("the store is shut or was opened to read".into());
        let queue = self.jobs.lock().clone().ok_or_else(closed)?;
        let (reply, answer) = oneshot::channel();
        queue.send(job(reply)).await.map_err(|_| closed())?;
        drop(queue);
        let gone = || StoreError::Unknown("the store's writer stopped".into());
        answer.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Answer from the tables, off the async threads. Each statement sees all that is committed
    /// by then, so a row that the index names is there; see [`snapshot`] for more than one.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.clone().run(work).await
    }

    /// What memory knows of voters, in the order asked.
    fn in_memory(&self, voters: &[(PollId, VoterId)]) -> Vec<Found> {
        let Some(index) = &self.index else { return vec![Found::AskTable; voters.len()] };
        let mut found = vec![Found::AskTable; voters.len()];
        let (mut keys, mut places) = (Vec::new(), Vec::new());
        let mut last = None;
        for (place, (poll, voter)) in voters.iter().enumerate() {
            let key = match last {
                Some((id, key)) if id == *poll => key,
                _ => index.key(*poll),
            };
            last = Some((*poll, key));
            // Of a poll whose key is forgotten the table of polls must be asked first.
            if let Some(key) = key {
                keys.push(Key::new(key, *voter));
                places.push(place);
            }
        }
        let mut places = places.into_iter();
        index.find(keys, |answer| {
            found[places.next().expect("an answer for each key")] = answer;
        });
        found
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(work).expect("the system has room for a thread")
}

/// The writer's life: jobs in order; merging while there are none.
fn write(
    mut writer: Writer,
    mut queue: mpsc::Receiver<Job>,
    checkpointer: SyncSender<()>,
    failing: watch::Sender<Option<String>>,
) {
    loop {
        let job = if writer.merging() {
            match queue.try_recv() {
                Ok(job) => Some(job),
                Err(mpsc::error::TryRecvError::Disconnected) => None,
                Err(mpsc::error::TryRecvError::Empty) => {
                    if let Err(error) = writer.merge_slice(0) {
                        tracing::warn!(%error, "the index of voters was not merged");
                    }
                    continue;
                }
            }
        } else {
            queue.blocking_recv()
        };
        let Some(job) = job else { break };
        perform(&mut writer, job);
        if let Some(why) = &writer.db.failed
            && failing.borrow().is_none()
        {
            tracing::error!(why, "the store has failed");
            failing.send_replace(Some(why.clone()));
        }
        writer.tend_wal(|| {
            let _ = checkpointer.try_send(());
        });
    }
    drop(checkpointer);
    writer.finish();
}

/// Whoever stopped waiting for an answer does not need it.
fn perform(writer: &mut Writer, job: Job) {
    match job {
        Job::Create(poll, codes, key, reply) => {
            let _ = reply.send(writer.create(*poll, &codes, key.as_ref()));
        }
        Job::Change(poll, expected, reply) => {
            let _ = reply.send(writer.change(&poll, expected));
        }
        Job::Close(polls, reply) => {
            let _ = reply.send(writer.close(&polls));
        }
        Job::CreateEvent(event, codes, key, reply) => {
            let _ = reply.send(writer.create_event(*event, &codes, key.as_ref()));
        }
        Job::ChangeEvent(event, expected, logo, reply) => {
            let _ = reply.send(writer.change_event(&event, expected, logo.as_deref()));
        }
        Job::Begin(partition, generation, reply) => {
            let _ = reply.send(writer.begin(partition, generation));
        }
        Job::Commit(partition, commit, reply) => {
            let _ = reply.send(writer.commit(partition, &commit));
        }
        Job::Checkpointed => writer.checkpointed(),
    }
}

/// Copies the write-ahead log back while the writer goes on, then lets the writer do the rest.
fn checkpoint(
    conn: Connection,
    turn: &Mutex<()>,
    asked: Receiver<()>,
    queue: mpsc::WeakSender<Job>,
) {
    while asked.recv().is_ok() {
        let copied = {
            let _turn = turn.lock();
            db::checkpoint(&conn, "PASSIVE")
        };
        if let Err(error) = copied {
            tracing::warn!(%error, "the store's write-ahead log was not copied back");
        }
        if let Some(queue) = queue.upgrade() {
            let _ = queue.blocking_send(Job::Checkpointed);
        }
    }
}

#[async_trait]
impl Store for EmbeddedStore {
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
        self.read(move |conn| reads::due(conn, now, after, limit)).await
    }

    async fn unsettled(
        &self,
        after: Option<PollId>,
        limit: usize,
    ) -> Result<Vec<Poll>, StoreError> {
        self.read(move |conn| reads::unsettled(conn, after, limit)).await
    }

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
                Found::AskTable => None,
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
            for id in polls {
                let Some((key, poll)) = reads::poll(conn, id)? else {
                    loaded.polls.push(None);
                    continue;
                };
                if let Some(index) = &index {
                    index.remember(id, key);
                }
                loaded.polls.push(Some((poll, reads::tally(conn, key, id, partition)?)));
            }
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
            Found::AskTable => {
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

    fn ready(&self) -> Result<(), String> {
        if let Some(why) = &*self.failed.borrow() {
            return Err(format!("the store has failed: {why}"));
        }
        match &*self.jobs.lock() {
            None => Err("the store is shut or was opened to read only".into()),
            Some(queue) if queue.capacity() == 0 => Err("the store's queue is full".into()),
            Some(_) => Ok(()),
        }
    }

    async fn shut(&self) {
        // The writer ends once the last sender is gone and the queue is empty.
        drop(self.jobs.lock().take());
        self.readers.close();
        let threads = std::mem::take(&mut *self.threads.lock());
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().filter_map(|thread| thread.join().err()).count()
        });
        match joined.await {
            Ok(0) => {}
            Ok(_) | Err(_) => tracing::error!("a thread of the store panicked"),
        }
    }
}
