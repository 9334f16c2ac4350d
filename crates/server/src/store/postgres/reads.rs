//! The queries: everything that is asked of the tables. Queries whose results must agree are sent
//! in one flight, in one snapshot.

use std::sync::Arc;
use std::time::SystemTime;

use pollux_core::ballot::Status;
use pollux_core::digest::Digest;
use pollux_core::fold::Trail;
use pollux_core::id::{BallotId, EventId, Offset, Partition, PollId, UnixMillis, VoterId};
use pollux_core::poll::Poll;
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::VoterState;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::lease::Lease;
use super::rows::{self, BALLOT, POLL, TALLY};
use super::texts::{self, OfPolls};
use crate::store::{BallotFate, BallotRow, DeadLetter, Listing, Progress, StoreError, Voter};

/// `Read` is the result of a query.
type Read<T> = Result<T, StoreError>;
/// `Params` are the parameters of a query.
type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The number of a voter's rows that are searched one by one; migration 7 indexes the later ones.
const CHAIN: u8 = Trail::CHAIN;
const _: () = assert!(CHAIN == 8);

async fn query(lease: &Lease, sql: &str, params: Params<'_>) -> Read<Vec<Row>> {
    let statement = lease.prepare_cached(sql).await?;
    Ok(lease.query(&statement, params).await?)
}

/// Returns the polls whose ids `which` selects, newest first, with their tallies: two queries in
/// one snapshot. All four requests are sent before the first response, so a caller who gives up
/// leaves no transaction open. The names of words are asked for afterwards, if there are any.
async fn standings(
    lease: &Lease,
    partitions: u32,
    which: &str,
    params: Params<'_>,
) -> Read<Vec<Standing>> {
    let polls = format!("SELECT {POLL} FROM polls p WHERE p.id IN ({which}) ORDER BY p.id DESC");
    let tallies = format!("SELECT {TALLY} FROM tallies t WHERE t.poll IN ({which})");
    let polls = lease.prepare_cached(&polls).await?;
    let tallies = lease.prepare_cached(&tallies).await?;
    let (begun, polls, tallies, ended) = tokio::join! {
        biased;
        lease.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        lease.query(&polls, params),
        lease.query(&tallies, params),
        lease.batch_execute("COMMIT")
    };
    begun?;
    let (polls, tallies) = (polls?, tallies?);
    ended?;
    let polls: Vec<Poll> = polls.iter().map(rows::read_poll).collect::<Result<_, _>>()?;
    let mut of_polls = OfPolls::default();
    for row in &tallies {
        rows::read_tally(row)?.into_iter().for_each(|tally| of_polls.add(tally));
    }
    of_polls.name(lease, polls.iter()).await?;
    let standing = |poll: Poll| {
        let tallies = of_polls.take(poll.id);
        let mut standing = Standing::new(Arc::new(poll), partitions);
        for tally in tallies {
            standing.take_tally(tally);
        }
        standing
    };
    Ok(polls.into_iter().map(standing).collect())
}

/// Returns a poll of any status with its tallies.
pub async fn standing(lease: &Lease, partitions: u32, id: PollId) -> Read<Option<Standing>> {
    Ok(standings(lease, partitions, "SELECT $1::uuid", &[&id.0]).await?.pop())
}

/// Returns the poll that a join code leads to; for an event's code, the event's current poll.
pub async fn by_code(lease: &Lease, partitions: u32, code: &str) -> Read<Option<Standing>> {
    // A code never has the one character that `text` cannot hold.
    if code.contains('\0') {
        return Ok(None);
    }
    let which = "SELECT coalesce(c.poll, e.current) FROM codes c \
         LEFT JOIN events e ON e.id = c.event WHERE c.code = $1";
    Ok(standings(lease, partitions, which, &[&code]).await?.pop())
}

/// Returns the polls that belong to an event, newest first.
pub async fn of_event(lease: &Lease, partitions: u32, id: EventId) -> Read<Vec<Standing>> {
    let which = "SELECT o.id FROM polls o WHERE o.event = $1::uuid";
    standings(lease, partitions, which, &[&id.0]).await
}

/// Returns the polls of a listing, newest first.
pub async fn list(lease: &Lease, partitions: u32, listing: Listing) -> Read<Vec<Standing>> {
    // Each of these conditions has an index that gives the rows in order.
    let visible = match (listing.status, listing.all) {
        (None, false) => "l.listed AND l.status IN ('open', 'closed') AND $3::text IS NULL",
        (Some(_), false) => "l.listed AND l.status = $3",
        (None, true) => "$3::text IS NULL",
        (Some(_), true) => "l.status = $3",
    };
    let which = format!(
        "SELECT l.id FROM polls l WHERE {visible} AND l.id < $1 ORDER BY l.id DESC LIMIT $2"
    );
    let before = listing.before.map_or(Uuid::max(), |id| id.0);
    let limit = limit(listing.limit);
    let status = listing.status.map(rows::word);
    standings(lease, partitions, &which, &[&before, &limit, &status]).await
}

/// Returns open polls whose closing time has come, behind the given one; see
/// [`crate::store::Polls::due`].
pub async fn due(
    lease: &Lease,
    now: SystemTime,
    (at, id): (SystemTime, PollId),
    most: usize,
) -> Read<Vec<Poll>> {
    let sql = format!(
        "SELECT {POLL} FROM polls p WHERE p.status = 'open' AND p.closes_at <= $1 \
         AND (p.closes_at, p.id) > ($2, $3) ORDER BY p.closes_at, p.id LIMIT $4"
    );
    let found = query(lease, &sql, &[&now, &at, &id.0, &limit(most)]).await?;
    found.iter().map(rows::read_poll).collect()
}

/// Returns polls whose present phase some partition has not committed. Polls that every partition
/// has committed are noted as settled here, so that nobody looks at them again. The commits do not
/// note it, because then partitions would wait for one another.
pub async fn unsettled(
    lease: &Lease,
    partitions: u32,
    mut after: PollId,
    most: usize,
) -> Read<Vec<Poll>> {
    loop {
        let (last, open) = looked_at(lease, partitions, after, most).await?;
        match last {
            Some(last) if open.is_empty() => after = last,
            _ => return Ok(open),
        }
    }
}

/// Reads the next `most` polls that are not noted as settled. Returns the last of them, and those
/// that are not settled.
async fn looked_at(
    lease: &Lease,
    partitions: u32,
    after: PollId,
    most: usize,
) -> Read<(Option<PollId>, Vec<Poll>)> {
    let sql = format!(
        "SELECT {POLL}, $1 <= (SELECT count(*) FROM tallies t WHERE t.poll = p.id \
         AND t.phase >= p.phase) AS settled FROM polls p WHERE p.settled_phase < p.phase \
         AND p.id > $2 ORDER BY p.id LIMIT $3"
    );
    let (mut last, mut open, mut done) = (None, Vec::new(), Vec::new());
    let params: Params<'_> = &[&i64::from(partitions), &after.0, &limit(most)];
    for row in &query(lease, &sql, params).await? {
        let poll = rows::read_poll(row)?;
        last = Some(poll.id);
        if row.try_get("settled")? {
            done.push(poll);
        } else {
            open.push(poll);
        }
    }
    if !done.is_empty() {
        let ids: Vec<Uuid> = done.iter().map(|poll| poll.id.0).collect();
        let phases: Vec<i64> = done.iter().map(|poll| poll.phase.into()).collect();
        let note = "UPDATE polls p SET settled_phase = greatest(p.settled_phase, q.phase) \
             FROM unnest($1::uuid[], $2::bigint[]) AS q(id, phase) WHERE p.id = q.id";
        let statement = lease.prepare_cached(note).await?;
        lease.execute(&statement, &[&ids, &phases]).await?;
    }
    Ok((last, open))
}

/// Returns polls with their tallies in a partition, in the order asked.
pub async fn polls(
    lease: &Lease,
    partition: Partition,
    ids: &[PollId],
) -> Read<Vec<Option<(Poll, Option<TallyAt>)>>> {
    let mut found = vec![None; ids.len()];
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT q.n, {POLL}, {TALLY} FROM unnest($1::uuid[]) WITH ORDINALITY AS q(id, n) \
         JOIN polls p ON p.id = q.id LEFT JOIN tallies t ON t.poll = q.id AND t.partition = $2"
    );
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    for row in &query(lease, &sql, &[&ids, &(partition as i32)]).await? {
        found[place(row)?] = Some((rows::read_poll(row)?, rows::read_tally(row)?));
    }
    let tallies = found.iter_mut().flatten().filter_map(|(poll, at)| Some((&*poll, at.as_mut()?)));
    texts::name(lease, tallies.collect()).await?;
    Ok(found)
}

/// Returns the index of a row; `WITH ORDINALITY` counts from 1.
fn place(row: &Row) -> Read<usize> {
    Ok(row.try_get::<_, i64>("n")? as usize - 1)
}

/// Returns what the latest row of each voter says, in the order asked. The partition is hidden from
/// the planner. Otherwise the planner could use `ballots_in_log_order`, which gives the wanted
/// order too, and a new voter would be looked for in every row of the partition.
pub async fn voters(
    lease: &Lease,
    partition: Partition,
    voters: &[(PollId, VoterId)],
) -> Read<Vec<Voter>> {
    let mut found = vec![Voter::default(); voters.len()];
    if voters.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT q.n, b.* FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS q(poll, voter, n) \
         CROSS JOIN LATERAL (SELECT {BALLOT} FROM ballots b WHERE b.voter = q.voter \
         AND b.poll = q.poll AND b.partition + 0 = $3 ORDER BY b.log_offset DESC LIMIT 1) b"
    );
    let polls: Vec<Uuid> = voters.iter().map(|(poll, _)| poll.0).collect();
    let names: Vec<Uuid> = voters.iter().map(|(_, voter)| Uuid::from_bytes(voter.0)).collect();
    for row in &query(lease, &sql, &[&polls, &names, &(partition as i32)]).await? {
        found[place(row)?] = rows::read_ballot(row)?.1.past();
    }
    Ok(found)
}

/// Returns SQL for a voter's first rows in a poll; the arguments are placeholders.
fn first_rows(poll: &str, voter: &str) -> String {
    format!(
        "(SELECT * FROM ballots f WHERE f.voter = {voter} AND f.poll = {poll} \
         ORDER BY f.log_offset LIMIT {CHAIN})"
    )
}

/// Returns SQL for a voter's row of one ballot, of which there is at most one; the array has
/// placeholders for poll, voter and ballot. The row is among the voter's first rows, or past them
/// and in an index.
fn row_of(columns: &str, [poll, voter, ballot]: [&str; 3]) -> String {
    let first = first_rows(poll, voter);
    format!(
        "(SELECT {columns} FROM {first} b WHERE b.ballot = {ballot}) \
         UNION ALL \
         (SELECT {columns} FROM ballots b WHERE b.nth > {CHAIN} AND b.poll = {poll} \
          AND uuid_send(b.voter) || uuid_send(b.ballot) = \
              uuid_send({voter}) || uuid_send({ballot})) \
         LIMIT 1"
    )
}

/// Returns what was decided about each of these ballots, in the order asked.
pub async fn decided(
    lease: &Lease,
    ballots: &[(PollId, VoterId, BallotId)],
) -> Read<Vec<Option<Status>>> {
    let mut found = vec![None; ballots.len()];
    let row = row_of("b.decided", ["q.poll", "q.voter", "q.ballot"]);
    let sql = format!(
        "SELECT q.n, b.decided FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) \
         WITH ORDINALITY AS q(poll, voter, ballot, n) CROSS JOIN LATERAL ({row}) b"
    );
    let polls: Vec<Uuid> = ballots.iter().map(|(poll, ..)| poll.0).collect();
    let voters: Vec<Uuid> = ballots.iter().map(|(_, it, _)| Uuid::from_bytes(it.0)).collect();
    let ids: Vec<Uuid> = ballots.iter().map(|(.., id)| id.0).collect();
    for row in &query(lease, &sql, &[&polls, &voters, &ids]).await? {
        found[place(row)?] = Some(rows::read_decided(row.try_get("decided")?)?);
    }
    Ok(found)
}

/// Returns a partition's tallies that were committed at or after `since`, by offset and poll, without names.
pub async fn tallies_since(
    lease: &Lease,
    partition: Partition,
    since: Offset,
) -> Read<Vec<TallyAt>> {
    let sql = format!(
        "SELECT {TALLY} FROM tallies t WHERE t.partition = $1 AND t.next_offset >= $2 \
         ORDER BY t.next_offset, t.poll"
    );
    let found = query(lease, &sql, &[&(partition as i32), &signed(since)]).await?;
    found.iter().filter_map(|row| rows::read_tally(row).transpose()).collect()
}

/// Returns what became of a ballot. One that counted is *replaced* once a later one of the same
/// round counted.
pub async fn fate(
    lease: &Lease,
    poll: PollId,
    voter: VoterId,
    ballot: BallotId,
) -> Read<Option<BallotFate>> {
    let row = row_of("b.partition, b.log_offset, b.round, b.decided", ["$1", "$2", "$3"]);
    let first = first_rows("$1", "$2");
    let sql = format!(
        "SELECT b.partition, b.log_offset, b.decided, b.decided = 'counted' AND (\
           EXISTS (SELECT FROM {first} l \
                   WHERE l.log_offset > b.log_offset AND l.round = b.round \
                   AND l.decided = 'counted') \
           OR EXISTS (SELECT FROM ballots l WHERE l.nth > {CHAIN} AND l.decided = 'counted' \
                      AND l.poll = $1 AND l.log_offset > b.log_offset \
                      AND uuid_send(l.voter) || int8send(l.round) = \
                          uuid_send($2) || int8send(b.round))) AS replaced \
         FROM ({row}) b"
    );
    let rows = query(lease, &sql, &[&poll.0, &Uuid::from_bytes(voter.0), &ballot.0]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let status = match row.try_get("replaced")? {
        true => Status::Replaced,
        false => rows::read_decided(row.try_get("decided")?)?,
    };
    Ok(Some(BallotFate { ballot, status, position: rows::read_position(row)? }))
}

/// Returns the state of one voter in one poll.
pub async fn voter(lease: &Lease, poll: PollId, voter: VoterId) -> Read<VoterState> {
    let sql = format!(
        "SELECT {BALLOT} FROM ballots b WHERE b.voter = $2 AND b.poll = $1 \
         ORDER BY b.log_offset DESC LIMIT 1"
    );
    let rows = query(lease, &sql, &[&poll.0, &Uuid::from_bytes(voter.0)]).await?;
    let latest = rows.first().map(rows::read_ballot).transpose()?;
    Ok(latest.map_or_else(VoterState::default, |(_, row)| row.after))
}

/// Returns ballots of a partition in log order, of one poll or of all.
pub async fn ballots(
    lease: &Lease,
    partition: Partition,
    from: Offset,
    poll: Option<PollId>,
    most: usize,
) -> Read<Vec<BallotRow>> {
    let sql = format!(
        "SELECT {BALLOT} FROM ballots b WHERE b.partition = $1 AND b.log_offset >= $2 \
         AND ($3::uuid IS NULL OR b.poll = $3) ORDER BY b.log_offset LIMIT $4"
    );
    let poll = poll.map(|id| id.0);
    let params: Params<'_> = &[&(partition as i32), &signed(from), &poll, &limit(most)];
    let found = query(lease, &sql, params).await?;
    found.iter().map(|row| Ok(rows::read_ballot(row)?.1)).collect()
}

/// Returns dead letters of a partition in log order.
pub async fn dead(
    lease: &Lease,
    partition: Partition,
    from: Offset,
    most: usize,
) -> Read<Vec<DeadLetter>> {
    let sql = "SELECT log_offset, key, value, reason FROM dead_letters \
         WHERE partition = $1 AND log_offset >= $2 ORDER BY log_offset LIMIT $3";
    let params: Params<'_> = &[&(partition as i32), &signed(from), &limit(most)];
    let letter = |row: &Row| {
        Ok(DeadLetter {
            offset: row.try_get::<_, i64>(0)? as Offset,
            key: row.try_get::<_, Vec<u8>>(1)?.into(),
            value: row.try_get::<_, Vec<u8>>(2)?.into(),
            reason: row.try_get(3)?,
        })
    };
    query(lease, sql, params).await?.iter().map(letter).collect()
}

/// Returns a partition's digests that end at or behind `since`, in log order.
pub async fn digests(lease: &Lease, partition: Partition, since: Offset) -> Read<Vec<Digest>> {
    let sql = "SELECT from_offset, to_offset, hash FROM digests \
               WHERE partition = $1 AND to_offset >= $2 ORDER BY from_offset";
    let rows = query(lease, sql, &[&(partition as i32), &signed(since)]).await?;
    rows.iter().map(rows::read_digest).collect()
}

/// Returns the progress of each partition, in order.
pub async fn progress(lease: &Lease) -> Read<Vec<(Partition, Progress)>> {
    let sql =
        "SELECT partition, generation, next_offset, announced FROM offsets ORDER BY partition";
    query(lease, sql, &[]).await?.iter().map(rows::read_progress).collect()
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Converts to `bigint`, which is signed; offsets stay far below its end.
fn signed(offset: Offset) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// Returns when the row of this record was committed, if the server kept that.
pub async fn committed_at(
    lease: &Lease,
    partition: Partition,
    offset: Offset,
) -> Read<Option<UnixMillis>> {
    let sql = "SELECT CASE WHEN current_setting('track_commit_timestamp')::boolean \
               THEN floor(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::bigint END \
               FROM ballots WHERE partition = $1 AND log_offset = $2";
    let (partition, offset) = (partition as i32, offset as i64);
    let rows = query(lease, sql, &[&partition, &offset]).await?;
    let at = rows.first().map(|row| row.try_get::<_, Option<i64>>(0)).transpose()?.flatten();
    Ok(at.and_then(|millis| millis.try_into().ok()).map(UnixMillis))
}
