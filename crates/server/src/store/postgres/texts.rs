//! What a poll whose voters write texts has beside its row: the key of these texts, and the names that were counted.
//!
//! A key that is replaced or deleted must be gone from the table's files. VACUUM alone does not do that: it leaves the
//! bytes of dead rows where they were. So the table of keys, which is small, is rewritten. The rewriting keeps rows that
//! a transaction of before can still see; the table's `relfrozenxid` tells whether it has kept any.

use std::collections::HashMap;
use std::time::Duration;

use deadpool_postgres::Pool;
use foldhash::fast::FixedState;
use pollux_core::id::PollId;
use pollux_core::poll::Poll;
use pollux_core::seal::{Name, Sealed, Word};
use pollux_core::standing::TallyAt;
use tokio::sync::Notify;
use tokio_postgres::Row;
use uuid::Uuid;

use super::lease::Lease;
use super::rows::damaged;
use crate::store::key::{key_to_keep, read_key, take_names};
use crate::store::{Commit, StoreError};

/// A text key that was destroyed is gone from the files of its table so soon after the last transaction that began before
/// has ended, and after the server's next checkpoint.
const DESTROY_AGAIN: Duration = Duration::from_secs(1);

/// The time between two looks for keys that another node has destroyed and could not see to.
const LOOK: Duration = Duration::from_secs(60);

/// Keeps the key of a poll that was just written. What that destroys is noted in `destroyed_keys`.
pub async fn keep_key(lease: &Lease, poll: &Poll, new: bool) -> Result<(), StoreError> {
    let id = poll.id.0;
    let old = match new {
        true => None,
        false => {
            let sql = "SELECT text_key FROM text_keys WHERE poll = $1";
            let statement = lease.prepare_cached(sql).await?;
            let row = lease.query_opt(&statement, &[&id]).await?;
            row.map(|row| row.try_get::<_, Vec<u8>>(0)).transpose()?
        }
    };
    let had = || old.as_deref().map(read_key).transpose();
    let kept = key_to_keep(poll, had)?.map(|key| key.to_bytes());
    if kept == old {
        return Ok(());
    }
    match kept {
        Some(key) => {
            let put = "INSERT INTO text_keys VALUES ($1, $2) \
                 ON CONFLICT (poll) DO UPDATE SET text_key = excluded.text_key";
            lease.run(put, &[&id, &key]).await?;
        }
        None => drop(lease.run("DELETE FROM text_keys WHERE poll = $1", &[&id]).await?),
    }
    if old.is_some() {
        lease.run("INSERT INTO destroyed_keys DEFAULT VALUES", &[]).await?;
    }
    Ok(())
}

/// Rewrites the table of keys whenever one was destroyed, and never returns.
pub async fn destroy(pool: Pool, more: &Notify, patience: Duration) {
    let mut failing = false;
    loop {
        let done = tokio::time::timeout(2 * patience, destroy_once(&pool)).await;
        let late = || Err(StoreError::Unavailable("no answer".into()));
        let done = done.unwrap_or_else(|_| late());
        if let Err(error) = &done
            && !failing
        {
            tracing::warn!(%error, "keys that were destroyed may be in files yet; trying again");
        }
        failing = done.is_err();
        match done {
            Ok(true) => drop(tokio::time::timeout(LOOK, more.notified()).await),
            Ok(false) | Err(_) => tokio::time::sleep(DESTROY_AGAIN).await,
        }
    }
}

/// Returns whether no key is left that has to be destroyed.
async fn destroy_once(pool: &Pool) -> Result<bool, StoreError> {
    let lease = Lease::take(pool).await?;
    let any = "SELECT EXISTS (SELECT FROM destroyed_keys)";
    let left = async || Ok::<bool, StoreError>(lease.query_one(any, &[]).await?.try_get(0)?);
    if left().await? {
        lease.batch_execute("VACUUM (FULL) text_keys").await?;
        // What ended before this transaction id is in the new files no more.
        let gone = "DELETE FROM destroyed_keys d USING pg_class c \
             WHERE c.oid = 'text_keys'::regclass AND age(d.xmin) > age(c.relfrozenxid)";
        lease.execute(gone, &[]).await?;
    }
    let done = !left().await?;
    lease.give_back();
    Ok(done)
}

/// The statement for which [`Names::params`] has the parameters. It fails if a slot has a name already.
pub const NAMES: &str = "INSERT INTO names SELECT q.poll, $1, q.round, q.slot, q.name, q.sealed \
     FROM unnest($2::uuid[], $3::bigint[], $4::integer[], $5::bytea[], $6::bytea[]) \
     AS q(poll, round, slot, name, sealed)";

/// `Names` holds the new names of a commit, as one array per column.
#[derive(Default)]
pub struct Names<'a> {
    poll: Vec<Uuid>,
    round: Vec<i64>,
    slot: Vec<i32>,
    name: Vec<&'a [u8]>,
    sealed: Vec<&'a [u8]>,
}

impl<'a> Names<'a> {
    pub fn of(commit: &'a Commit) -> Self {
        let mut all = Self::default();
        for row in &commit.names {
            all.poll.push(row.poll.0);
            all.round.push(row.round.into());
            all.slot.push(row.slot as i32);
            all.name.push(&row.word.name.0);
            all.sealed.push(&row.word.sealed.0);
        }
        all
    }

    pub fn params<'b>(
        &'b self,
        part: &'b i32,
    ) -> [&'b (dyn tokio_postgres::types::ToSql + Sync); 6] {
        [part, &self.poll, &self.round, &self.slot, &self.name, &self.sealed]
    }
}

/// The query for the names of tallies. The planner must look each up by itself.
const NAMES_OF: &str = "SELECT q.n, n.slot, n.name, n.sealed \
     FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::integer[]) \
     WITH ORDINALITY AS q(poll, partition, round, named, n) \
     CROSS JOIN LATERAL (SELECT * FROM names m WHERE m.poll = q.poll AND m.partition = q.partition \
     AND m.round = q.round AND m.slot <= q.named ORDER BY m.slot OFFSET 0) n ORDER BY q.n, n.slot";

/// Gives tallies, each with its poll, their names. The names may be read later than the tallies: they are only ever
/// added, and of those that were added since, none is taken.
pub async fn name(lease: &Lease, tallies: Vec<(&Poll, &mut TallyAt)>) -> Result<(), StoreError> {
    let with_texts = tallies.into_iter().filter(|(poll, _)| poll.kind.holds_texts());
    let mut tallies: Vec<_> = with_texts.collect();
    if tallies.is_empty() {
        return Ok(());
    }
    let all = tallies.iter();
    let polls: Vec<Uuid> = all.clone().map(|(_, at)| at.poll.0).collect();
    let partitions: Vec<i32> = all.clone().map(|(_, at)| at.partition as i32).collect();
    let rounds: Vec<i64> = all.clone().map(|(_, at)| at.tally.round.into()).collect();
    let named = |(poll, at): &(&Poll, &mut TallyAt)| {
        at.tally.counts.len().saturating_sub(poll.kind.form().slots()) as i32
    };
    let named: Vec<i32> = all.map(named).collect();
    let statement = lease.prepare_cached(NAMES_OF).await?;
    let rows = lease.query(&statement, &[&polls, &partitions, &rounds, &named]).await?;
    let mut names: Vec<Vec<(usize, Word)>> = vec![Vec::new(); tallies.len()];
    for row in &rows {
        let place = row.try_get::<_, i64>("n")? as usize - 1;
        names[place].push(read_name(row)?);
    }
    for ((poll, at), names) in tallies.iter_mut().zip(names) {
        take_names(poll, at, names)?;
    }
    Ok(())
}

fn read_name(row: &Row) -> Result<(usize, Word), StoreError> {
    let name = row.try_get::<_, &[u8]>("name")?.try_into();
    let name = Name(name.map_err(|_| damaged("a name is not 16 bytes"))?);
    let sealed = Sealed(row.try_get::<_, &[u8]>("sealed")?.into());
    Ok((row.try_get::<_, i32>("slot")? as usize, Word { name, sealed }))
}

/// `OfPolls` holds the tallies of polls until these have their names.
#[derive(Default)]
pub struct OfPolls(HashMap<PollId, Vec<TallyAt>, FixedState>);

impl OfPolls {
    /// Adds a tally.
    pub fn add(&mut self, at: TallyAt) {
        self.0.entry(at.poll).or_default().push(at);
    }

    /// Gives the tallies of these polls their names.
    pub async fn name<'a>(
        &mut self,
        lease: &Lease,
        polls: impl Iterator<Item = &'a Poll>,
    ) -> Result<(), StoreError> {
        let polls: HashMap<PollId, &Poll, FixedState> = polls.map(|poll| (poll.id, poll)).collect();
        let all = self.0.values_mut().flatten();
        let of_polls = all.filter_map(|at| Some((*polls.get(&at.poll)?, at))).collect();
        name(lease, of_polls).await
    }

    /// Takes out the tallies of a poll.
    pub fn take(&mut self, poll: PollId) -> Vec<TallyAt> {
        self.0.remove(&poll).unwrap_or_default()
    }
}
