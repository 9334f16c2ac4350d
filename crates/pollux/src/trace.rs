//! `pollux trace`: one ballot, from its records on the log to the decision in the store.

use std::io::{Write, stdout};
use std::path::PathBuf;

use pollux_core::ballot::Ballot;
use pollux_core::id::{BallotId, Offset, Partition};
use pollux_core::record::{Entry, ballot_partition};
use pollux_server::store::{BallotRow, Progress};
use pollux_server::watch::view::rfc3339;
use serde_json::{Value, json};

use crate::exit::{Failure, Outcome};
use crate::folder::Folder;
use crate::terminal::{self, grouped};

/// Records read at a time.
const BATCH: usize = 8_192;

/// Follow one ballot from the log to its decision
#[derive(clap::Args)]
#[command(
    after_help = "Reads the whole log; works beside a running server. The ballot's id is in the \
    answer to the vote. Exits 1 if no record of it is on the log.\n\n\
    Examples:\n  pollux trace 01890a5d-ac96-774b-bcce-b302099a8057\n  \
    pollux trace 01890a5d-ac96-774b-bcce-b302099a8057 --data /var/lib/pollux --json"
)]
pub struct Args {
    /// The ballot's id
    ballot: BallotId,
    /// The data folder [env: POLLUX_DATA] [default: ./pollux-data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// A record of the ballot; a ballot that was sent again may have several.
struct Found {
    partition: Partition,
    offset: Offset,
    ballot: Ballot,
}

/// What became of one record.
struct Traced {
    found: Found,
    /// How far its partition is committed.
    committed: Option<Offset>,
    /// Its own row, if it has one.
    row: Option<BallotRow>,
    /// What its voter is told now.
    status: Option<&'static str>,
    misplaced: bool,
}

/// Find it and tell.
pub async fn run(args: Args, json: bool) -> Outcome {
    let folder = Folder::open(args.data.as_deref())?;
    let found = search(&folder, args.ballot)?;
    if found.is_empty() {
        return Err(Failure::failed(format!(
            "no record of ballot {} is on this log. If its vote was answered 202 or 200, this is \
             not the folder of that server; if it was not answered, it was not recorded, and may \
             be sent again",
            args.ballot
        )));
    }
    let progress = folder.store.progress().await?;
    let mut traced = Vec::new();
    for found in found {
        traced.push(trace(&folder, &progress, found).await?);
    }
    if json {
        let records: Vec<_> = traced.iter().map(Traced::to_json).collect();
        writeln!(stdout(), "{}", json!({ "ballotId": args.ballot, "records": records }))?;
    } else {
        writeln!(stdout(), "ballot {}", args.ballot)?;
        for traced in &traced {
            write!(stdout(), "{traced}")?;
        }
    }
    Ok(())
}

/// Every record of the ballot, in log order of each partition.
fn search(folder: &Folder, ballot: BallotId) -> Outcome<Vec<Found>> {
    let log = &folder.log;
    let mut found = Vec::new();
    for partition in 0..log.partitions() {
        let end = log.end(partition)?;
        let bar = terminal::progress(Some(end), "records");
        let mut from = 0;
        while from < end {
            let records = log.read(partition, from, BATCH)?;
            let Some(last) = records.last() else { break };
            from = last.offset + 1;
            for record in &records {
                if let Ok(Entry::Ballot(entry)) = Entry::decode(&record.value)
                    && entry.id == ballot
                {
                    found.push(Found { partition, offset: record.offset, ballot: entry });
                }
            }
            bar.set_position(from);
        }
        bar.finish_and_clear();
    }
    Ok(found)
}

async fn trace(
    folder: &Folder,
    progress: &[(Partition, Progress)],
    found: Found,
) -> Outcome<Traced> {
    let Found { partition, offset, ballot } = found;
    let committed = progress.iter().find(|(p, _)| *p == partition).map(|(_, p)| p.next_offset);
    let rows = folder.store.ballots(partition, offset, Some(ballot.poll), 1).await?;
    let row = rows.into_iter().find(|row| row.offset == offset);
    let fate = folder.store.fate(ballot.poll, ballot.voter, ballot.id).await?;
    let partitions = folder.log.partitions();
    Ok(Traced {
        misplaced: ballot_partition(ballot.poll, ballot.voter, partitions) != partition,
        status: fate.map(|fate| fate.status.as_str()),
        found,
        committed,
        row,
    })
}

impl Traced {
    /// What was decided about this very record.
    fn decision(&self) -> &'static str {
        match (&self.row, self.committed) {
            (Some(row), _) => row.decided.as_str(),
            (None, Some(next)) if next > self.found.offset && self.misplaced => {
                "dead: in the wrong partition"
            }
            (None, Some(next)) if next > self.found.offset && self.status.is_none() => {
                "dead: the poll's rules do not allow it, or there is no such poll"
            }
            (None, Some(next)) if next > self.found.offset => "nothing new: sent again",
            _ => "not yet: durable, and decided once the processor gets here",
        }
    }

    fn to_json(&self) -> Value {
        let Found { partition, offset, ballot } = &self.found;
        json!({
            "partition": partition, "offset": offset,
            "pollId": ballot.poll, "voter": ballot.voter,
            "optionIds": ballot.choice.iter().collect::<Vec<_>>(),
            "round": ballot.round, "phase": ballot.phase, "takenAt": rfc3339(ballot.at),
            "committedUpTo": self.committed, "decided": self.row.as_ref().map(|r| r.decided.as_str()),
            "decision": self.decision(), "status": self.status,
        })
    }
}

impl std::fmt::Display for Traced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Found { partition, offset, ballot } = &self.found;
        let options: Vec<_> = ballot.choice.iter().map(|id| id.to_string()).collect();
        writeln!(f, "record   partition {partition}, offset {}", grouped(*offset))?;
        writeln!(f, "  taken    {} in round {}", rfc3339(ballot.at), ballot.round)?;
        writeln!(f, "  poll     {}", ballot.poll)?;
        writeln!(f, "  voter    {}", ballot.voter)?;
        writeln!(f, "  options  {}", options.join(", "))?;
        match self.committed {
            Some(next) if next > *offset => {
                writeln!(f, "  commit   yes; the partition is committed up to {}", grouped(next))?;
            }
            next => {
                let next = grouped(next.unwrap_or(0));
                writeln!(f, "  commit   not yet; the partition is committed up to {next}")?;
            }
        }
        writeln!(f, "  decided  {}", self.decision())?;
        writeln!(f, "  now      {}", self.status.unwrap_or("–"))
    }
}
