//! The one thread that writes: one transaction at a time, each wholly or not at all.
//!
//! Changes of polls are committed with `synchronous=FULL`: SQLite syncs the write-ahead log, and
//! with it every commit before. Ballots are committed with `synchronous=NORMAL`, so they are
//! written and not synced, unless they move a poll to another phase. A power cut can take the
//! newest of them, but never one from the middle (the frames of the write-ahead log are chained by
//! their checksums), and the ballot log gives them back.
//!
//! Between the jobs, full maps of the index are merged into the table `voters`. As many rows are
//! merged as ballots came in, so the merge always ends before the next map is full.

use std::collections::BTreeSet;
use std::sync::Arc;

use fail::fail_point;
use parking_lot::Mutex;
use pollux_core::digest::Digest;
use pollux_core::event::Event;
use pollux_core::id::{Generation, Offset, Partition, PollId};
use pollux_core::poll::Poll;
use rusqlite::{Connection, params};

use super::db::{Db, Durable, checkpoint, cut_off};
use super::filter::Key;
use super::index::Index;
use super::polls::Put;
use super::rows::{self, PollKey, damaged};
use super::{PAGE, events, polls, reads, texts};
use crate::config::StoreLimits;
use crate::store::{
    ChangeError, Commit, CommitError, Created, IdempotencyKey, Progress, StoreError,
};
use crate::wal::WalSize;

/// The fewest and the most rows of one slice of a merge, which is some milliseconds' work.
const SLICE: std::ops::RangeInclusive<usize> = 1_024..=8_192;

/// A merge is a frozen map on its way into the table.
struct Merge {
    entries: Vec<(Key, i64)>,
    done: usize,
    /// The offsets that each partition's `indexed_to` becomes with the last slice.
    to: Vec<(Partition, Offset)>,
    polls: BTreeSet<PollKey>,
}

/// `Writer` is all that writes to the store.
pub struct Writer {
    pub db: Db,
    index: Arc<Index>,
    partitions: u32,
    limits: StoreLimits,
    merge: Option<Merge>,
    /// Whether a slice failed, so that the next one waits until a commit succeeds.
    merge_stalled: bool,
    wal: WalSize,
    /// Whether the checkpointer was asked and has not finished.
    checkpointing: bool,
    /// Whether copies of a text key that was destroyed may lie in the files.
    destroy: bool,
    /// Whether the checkpointer will say when to try again to destroy them.
    waiting: bool,
    /// Held while checkpointing, because SQLite refuses a second checkpoint instead of letting it
    /// wait.
    turn: Arc<Mutex<()>>,
}

/// The factor by which the write-ahead log may exceed its limit while the checkpointer is at work;
/// then the writer waits for it.
const WAL_PATIENCE: usize = 4;

impl Writer {
    /// Takes over a configured connection, and rebuilds the index from the rows.
    pub fn new(
        mut conn: Connection,
        partitions: u32,
        limits: StoreLimits,
    ) -> Result<Self, StoreError> {
        let wal = WalSize::follow(&mut conn)?;
        let index = Index::new(reads::indexed_polls(&conn)?);
        let mut voters = 0;
        for (partition, from) in reads::unindexed(&conn)? {
            reads::scan(&conn, partition, from, |row| voters = index.rebuild(&row))?;
        }
        let db = Db::new(conn);
        let mut writer = Self {
            db,
            index,
            partitions,
            limits,
            merge: None,
            merge_stalled: false,
            wal,
            checkpointing: false,
            // The process before may have ended too early.
            destroy: true,
            waiting: false,
            turn: Arc::default(),
        };
        writer.freeze_if_full(voters)?;
        Ok(writer)
    }

    /// Returns the index, which readers share.
    pub fn index(&self) -> Arc<Index> {
        self.index.clone()
    }

    /// Returns the lock that is to be held while checkpointing.
    pub fn turn(&self) -> Arc<Mutex<()>> {
        self.turn.clone()
    }

    /// Returns whether a merge is under way and can go on.
    pub fn merging(&self) -> bool {
        self.merge.is_some() && !self.merge_stalled
    }

    /// Creates a poll; see [`crate::store::Polls::create`].
    pub fn create(
        &mut self,
        poll: Poll,
        codes: &[String],
        key: Option<&IdempotencyKey>,
    ) -> Result<Created, StoreError> {
        let partitions = self.partitions;
        self.db.transact(Durable::Now, |conn| polls::create(conn, partitions, poll, codes, key))
    }

    /// Replaces a poll; see [`crate::store::Polls::change`].
    pub fn change(&mut self, poll: &Poll, expected: u64) -> Result<(), ChangeError> {
        let partitions = self.partitions;
        let put = self
            .db
            .transact(Durable::Now, |conn| polls::change(conn, partitions, poll, expected))?;
        self.destroy |= put.destroyed;
        Ok(())
    }

    /// Closes polls in one transaction; see [`crate::store::Polls::close`].
    pub fn close(&mut self, all: &[(Poll, u64)]) -> Result<Vec<bool>, StoreError> {
        let partitions = self.partitions;
        let puts: Vec<Put> = self.db.transact(Durable::Now, |conn| {
            let put = |(poll, expected): &(_, _)| polls::put(conn, partitions, poll, *expected);
            all.iter().map(put).collect::<Result<_, StoreError>>()
        })?;
        self.destroy |= puts.iter().any(|put| put.destroyed);
        Ok(puts.into_iter().map(|put| put.done).collect())
    }

    /// Creates an event; see [`crate::store::Polls::create_event`].
    pub fn create_event(
        &mut self,
        event: Event,
        codes: &[String],
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<Event>, StoreError> {
        self.db.transact(Durable::Now, |conn| events::create(conn, event, codes, key))
    }

    /// Replaces an event; see [`crate::store::Polls::change_event`].
    pub fn change_event(
        &mut self,
        event: &Event,
        expected: u64,
        logo: Option<&[u8]>,
    ) -> Result<(), ChangeError> {
        self.db.transact(Durable::Now, |conn| events::change(conn, event, expected, logo))
    }

    /// Takes up a partition; see [`crate::store::Counting::begin`].
    pub fn begin(
        &mut self,
        partition: Partition,
        generation: Generation,
    ) -> Result<Progress, StoreError> {
        if partition >= self.partitions {
            let of = self.partitions;
            return Err(damaged(format!("partition {partition} of a store of {of}")));
        }
        match reads::progress_of(&self.db.conn, partition)? {
            Some(known) if known.generation == generation => Ok(known),
            Some(known) => Err(damaged(format!(
                "partition {partition} was counted from the log {}, but the log is {generation} \
                 now; restore the log that belongs to this store, or begin with an empty store",
                known.generation
            ))),
            None => self.db.transact(Durable::Now, |conn| {
                conn.execute(
                    "INSERT INTO offsets VALUES (?1, ?2, 0, 0, 0)",
                    (partition, generation.to_string()),
                )?;
                Ok(Progress { generation, next_offset: 0, announced: 0 })
            }),
        }
    }

    /// Commits a folded batch; see [`crate::store::Counting::commit`]. Afterwards it brings the index
    /// up to date.
    pub fn commit(&mut self, partition: Partition, commit: &Commit) -> Result<(), CommitError> {
        debug_assert!(commit.to > commit.from, "a commit moves on");
        let mut written = Vec::with_capacity(commit.ballots.len());
        let (index, partitions) = (&*self.index, self.partitions);
        let durable = if commit.durable { Durable::Now } else { Durable::Later };
        self.db.transact(durable, |conn| {
            fence(conn, partition, commit)?;
            let mut keys = Keys { conn, index, last: None };
            write_batch(conn, &mut keys, partition, commit, &mut written)?;
            write_digest(conn, partition, commit)?;
            write_tallies(conn, &mut keys, (partition, partitions), commit)?;
            fail_point!("store::before_commit");
            Ok::<_, CommitError>(())
        })?;
        fail_point!("store::after_commit");
        let rows = written.iter().zip(&commit.ballots);
        let voters = self.index.insert(rows.map(|((at, key), row)| (*at, *key, row)));
        self.merge_stalled = false;
        // A merge that fails here is tried again after the next commit; this commit stands.
        let merged = self.freeze_if_full(voters).and_then(|()| {
            if self.merging() { self.merge_slice(commit.ballots.len()) } else { Ok(()) }
        });
        if let Err(error) = merged {
            tracing::warn!(%error, "the index of voters was not merged");
        }
        Ok(())
    }

    /// Begins a merge if the map is full and none is under way.
    fn freeze_if_full(&mut self, voters: usize) -> Result<(), StoreError> {
        if voters < self.limits.voters || self.merge.is_some() {
            return Ok(());
        }
        // Every committed row is in the map, so its rows end where the partitions stand now.
        let to = reads::progress(&self.db.conn)?;
        let Some(entries) = self.index.freeze() else { return Ok(()) };
        let polls = entries.iter().map(|(key, _)| key.poll).collect();
        let to = to.into_iter().map(|(partition, at)| (partition, at.next_offset)).collect();
        self.merge = Some(Merge { entries, done: 0, to, polls });
        Ok(())
    }

    /// Merges a slice of about this many rows, in one short transaction.
    pub fn merge_slice(&mut self, about: usize) -> Result<(), StoreError> {
        let Some(merge) = &mut self.merge else { return Ok(()) };
        let count = about.clamp(*SLICE.start(), *SLICE.end());
        let end = merge.entries.len().min(merge.done + count);
        let last = end == merge.entries.len();
        let new_polls =
            if last { self.index.not_indexed(merge.polls.iter().copied()) } else { Vec::new() };
        let slice = &merge.entries[merge.done..end];
        let done = self.db.transact(Durable::Later, |conn| {
            let mut put =
                conn.prepare_cached("INSERT OR REPLACE INTO voters VALUES (?1, ?2, ?3)")?;
            for (key, position) in slice {
                put.execute(params![key.poll, &key.voter[..], position])?;
            }
            if last {
                for (partition, to) in &merge.to {
                    conn.execute(
                        "UPDATE offsets SET indexed_to = ?2 WHERE partition = ?1",
                        (partition, reads::signed(*to)),
                    )?;
                }
                for poll in new_polls {
                    conn.execute("UPDATE polls SET indexed = 1 WHERE key = ?1", [poll])?;
                }
            }
            Ok::<_, StoreError>(())
        });
        self.merge_stalled = done.is_err();
        done?;
        merge.done = end;
        if last {
            self.index.thaw(std::mem::take(&mut merge.polls));
            self.merge = None;
        }
        Ok(())
    }

    /// Keeps the write-ahead log bounded: `ask` makes the checkpointer copy it back when it is
    /// large. If it grows faster than that, it is copied back here.
    pub fn tend_wal(&mut self, ask: impl FnOnce()) {
        let grown = self.wal.grown() as usize * PAGE;
        if grown >= WAL_PATIENCE * self.limits.wal_bytes {
            self.restart_wal("RESTART");
        } else if grown >= self.limits.wal_bytes && !self.checkpointing {
            self.checkpointing = true;
            ask();
        }
    }

    /// Follows up a checkpoint: what the checkpointer could not see is little, so it is copied
    /// here, and with all of it copied the next write begins the write-ahead log anew.
    pub fn checkpointed(&mut self) {
        self.checkpointing = false;
        self.restart_wal("PASSIVE");
    }

    /// Cuts off the write-ahead log if a text key was destroyed that may be in it. If a reader holds an old snapshot,
    /// `again` is asked to have [`Writer::destroy_again`] called later; it says whether that will be.
    pub fn destroy(&mut self, again: impl FnOnce() -> bool) {
        if !self.destroy || self.waiting || self.db.failed.is_some() {
            return;
        }
        let cut = {
            let _turn = self.turn.lock();
            cut_off(&self.db.conn)
        };
        match cut {
            Ok(true) => {
                self.destroy = false;
                return;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "a key that was destroyed may be in a file yet"),
        }
        self.waiting = again();
    }

    /// Lets [`Writer::destroy`] try again.
    pub fn destroy_again(&mut self) {
        self.waiting = false;
    }

    fn restart_wal(&mut self, how: &str) {
        // If a reader holds an old snapshot, this is tried again after the write-ahead log has
        // grown as much once more.
        self.wal.asked();
        let _turn = self.turn.lock();
        if let Err(error) = checkpoint(&self.db.conn, how) {
            tracing::warn!(%error, "the store's write-ahead log was not copied back");
        }
    }

    /// Copies everything into the database file; this is the writer's last act.
    pub fn finish(self) {
        if self.db.failed.is_none()
            && let Err(error) = checkpoint(&self.db.conn, "TRUNCATE")
        {
            tracing::warn!(%error, "the store's last checkpoint was not made; none is needed");
        }
    }
}

/// Moves the offset, which is the first step: it fails if somebody has committed since this worker
/// loaded.
fn fence(conn: &Connection, partition: Partition, commit: &Commit) -> Result<(), CommitError> {
    let moved = conn
        .prepare_cached(
            "UPDATE offsets SET next_offset = ?3, announced = max(announced, ?4) \
             WHERE partition = ?1 AND next_offset = ?2",
        )
        .and_then(|mut update| {
            update.execute(params![
                partition,
                reads::signed(commit.from),
                reads::signed(commit.to),
                reads::signed(commit.announced)
            ])
        })
        .map_err(StoreError::from)?;
    if moved == 0 { Err(CommitError::Fenced) } else { Ok(()) }
}

/// `Keys` returns poll keys, which the index remembers. Neighbouring rows are often of one poll, so the last key is
/// kept here.
struct Keys<'a> {
    conn: &'a Connection,
    index: &'a Index,
    last: Option<(PollId, PollKey)>,
}

impl Keys<'_> {
    fn of(&mut self, poll: PollId) -> Result<PollKey, StoreError> {
        if let Some((last, key)) = self.last
            && last == poll
        {
            return Ok(key);
        }
        let key = match self.index.key(poll) {
            Some(key) => key,
            None => {
                let key = reads::poll_key(self.conn, poll)?.ok_or_else(|| {
                    damaged(format!("a commit of poll {poll}, which is not here"))
                })?;
                self.index.remember(poll, key);
                key
            }
        };
        self.last = Some((poll, key));
        Ok(key)
    }
}

fn write_batch(
    conn: &Connection,
    keys: &mut Keys<'_>,
    partition: Partition,
    commit: &Commit,
    written: &mut Vec<(i64, PollKey)>,
) -> Result<(), StoreError> {
    let mut insert = conn.prepare_cached(rows::INSERT_BALLOT)?;
    for row in &commit.ballots {
        let (position, key) = (rows::position(partition, row.offset), keys.of(row.poll)?);
        rows::write_ballot(&mut insert, position, key, row)?;
        written.push((position, key));
    }
    for letter in &commit.dead {
        conn.prepare_cached("INSERT INTO dead VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            rows::position(partition, letter.offset),
            &letter.key[..],
            &letter.value[..],
            letter.reason
        ])?;
    }
    Ok(())
}

fn write_digest(
    conn: &Connection,
    partition: Partition,
    commit: &Commit,
) -> Result<(), StoreError> {
    let Some(Digest { from, to, hash }) = commit.digest else { return Ok(()) };
    conn.prepare_cached("INSERT OR REPLACE INTO digests VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![partition, reads::signed(from), reads::signed(to), &hash[..]])?;
    Ok(())
}

fn write_tallies(
    conn: &Connection,
    keys: &mut Keys<'_>,
    (partition, partitions): (Partition, u32),
    commit: &Commit,
) -> Result<(), StoreError> {
    let mut upsert = conn.prepare_cached(rows::UPSERT_TALLY)?;
    for tally in &commit.tallies {
        let key = keys.of(tally.poll)?;
        rows::write_tally(&mut upsert, key, tally)?;
        polls::settle(conn, "key = ?2 AND settled = 0", partitions, &key)?;
    }
    for row in &commit.names {
        texts::write_name(conn, keys.of(row.poll)?, partition, row)?;
    }
    Ok(())
}
