//! What a commit of new voters costs in PostgreSQL, beside a raw COPY of the same rows into the same
//! table: `cargo run --release -p pollux-server --example postgres_commit`.

use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, TryStreamExt};
use pollux_cluster::Postgres;
use pollux_core::ballot::{Choice, Status};
use pollux_core::id::{BallotId, Generation, PollId, UnixMillis, VoterId};
use pollux_core::poll::{Draft, Poll};
use pollux_core::standing::TallyAt;
use pollux_core::tally::{Gate, Tally, VoterState};
use pollux_server::config::{Password, PostgresConfig};
use pollux_server::store::postgres::PostgresStore;
use pollux_server::store::{BallotRow, Commit, Created, Store};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const ROWS: u64 = 200_000;
const BATCHES: [u64; 2] = [1_000, 8_000];

#[tokio::main]
async fn main() -> Result<()> {
    let server = Postgres::start()?;
    println!(
        "{ROWS} ballots of new voters, rows/s\n\n| batch | raw COPY | load + commit | ratio |"
    );
    println!("|---|---|---|---|");
    for (n, batch) in BATCHES.into_iter().enumerate() {
        let to = server.database();
        let name = format!("bench{n}");
        to.query(&format!("CREATE DATABASE {name}"))?;
        let config = PostgresConfig {
            host: Some(to.host.clone()),
            port: to.port,
            user: Some(to.user.clone()),
            password: Password(to.password.clone()),
            name,
            ..PostgresConfig::default()
        };
        let ours = ours(&config, batch).await?;
        let raw = raw(&config, batch).await?;
        let rate = |took: Duration| ROWS as f64 / took.as_secs_f64();
        let ratio = rate(ours) / rate(raw);
        println!("| {batch} | {:.0} | {:.0} | {ratio:.2} |", rate(raw), rate(ours));
    }
    Ok(())
}

/// As a worker does it: ask for the voters' past, then commit.
async fn ours(config: &PostgresConfig, batch: u64) -> Result<Duration> {
    let store = PostgresStore::open(config, 1).await?;
    let (now, generation) = (UnixMillis(1_790_000_000_000), Generation(Uuid::from_u128(1)));
    let draft = Draft::new("Which?", ["this", "that"]);
    let mut poll = Poll::draft(PollId::new(now, [1; 10]), draft, [0; 32], now)?;
    poll.open(now)?;
    let Created::New(poll) = store.create(poll, vec!["123456".into()], None).await? else {
        anyhow::bail!("not a new database")
    };
    store.begin(0, generation).await?;
    store.load(0, &[poll.id], &[]).await?;
    let choice = Choice::of([1]).expect("an option");
    let since = Instant::now();
    for from in (0..ROWS).step_by(batch as usize) {
        let to = from + batch;
        let voters: Vec<(PollId, VoterId)> = (from..to)
            .map(|_| (poll.id, VoterId(Uuid::from_u128(rand::random()).into_bytes())))
            .collect();
        let loaded = store.load(0, &[], &voters).await?;
        let ballots = (from..to).zip(voters).zip(loaded.voters).map(|((offset, voter), past)| {
            let id = BallotId::new(UnixMillis(now.0 + offset), [2; 10]);
            BallotRow {
                offset,
                poll: poll.id,
                voter: voter.1,
                ballot: id,
                choice,
                decided: Status::Counted,
                at: now,
                after: VoterState { round: 1, counted: Some((id, choice)), seen: Some(id) },
                prev: past.last,
            }
        });
        let (phase, round, gate, counts) = (1, 1, Gate::Open, vec![to, 0]);
        let tally = Tally { phase, round, gate, counts, voters: to, changes: to };
        let tally = TallyAt { poll: poll.id, partition: 0, generation, next_offset: to, tally };
        let ballots = ballots.collect();
        let commit = Commit { from, to, ballots, tallies: vec![tally], ..Commit::default() };
        store.commit(0, &commit).await?;
    }
    let took = since.elapsed();
    store.shut().await;
    Ok(took)
}

/// The rows that are there, copied out and in again, as many at once.
async fn raw(config: &PostgresConfig, batch: u64) -> Result<Duration> {
    let client = connect(config).await?;
    let all: Vec<Bytes> = client
        .copy_out("COPY (SELECT * FROM ballots ORDER BY log_offset) TO STDOUT (FORMAT binary)")
        .await?
        .try_collect()
        .await?;
    client.batch_execute("TRUNCATE ballots; CHECKPOINT").await?;
    // The first piece holds the header, the last the end, each other one row.
    let rows = all.iter().enumerate().map(|(i, piece)| if i == 0 { &piece[19..] } else { piece });
    let rows: Vec<&[u8]> = rows.filter(|row| row.len() > 2).collect();
    anyhow::ensure!(rows.len() as u64 == ROWS, "{} rows", rows.len());
    let since = Instant::now();
    for rows in rows.chunks(batch as usize) {
        let mut bytes = BytesMut::new();
        bytes.put_slice(&all[0][..19]);
        rows.iter().for_each(|row| bytes.put_slice(row));
        bytes.put_i16(-1);
        let sink = client.copy_in("COPY ballots FROM STDIN (FORMAT binary)").await?;
        let mut sink = std::pin::pin!(sink);
        sink.send(bytes.freeze()).await?;
        sink.finish().await?;
    }
    Ok(since.elapsed())
}

async fn connect(config: &PostgresConfig) -> Result<Client> {
    let mut to = tokio_postgres::Config::new();
    to.host(config.host.as_deref().unwrap_or_default()).port(config.port).dbname(&config.name);
    to.user(config.user.as_deref().unwrap_or_default()).password(&config.password.0);
    let (client, connection) = to.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
