//! `pollux trace` follows one ballot from its records on the log to the decision in the store; on a cluster
//! from phone to screen, with the milliseconds between.

mod cast;
mod search;
mod way;

use std::io::{Write, stdout};

use pollux_core::id::{BallotId, Offset, Partition};
use pollux_core::record::ballot_partition;
use pollux_server::config::Config;
use pollux_server::store::{BallotRow, Progress, Store};
use pollux_server::watch::view::rfc3339;
use serde_json::{Value, json};

use self::cast::Seen;
use self::search::Found;
use self::way::Way;
use crate::client::Server;
use crate::exit::{Failure, Outcome};
use crate::kind::{self, Vote};
use crate::source::{self, Source, postgres};
use crate::terminal::{grouped, plain};

/// Trace one ballot from the log to its decision
#[derive(clap::Args)]
#[command(
    after_help = "Reads all of the log in the data folder; or, if KAFKA_BROKER and DB_HOST are set, \
    the topic from about the time at which the ballot was made, and shows when the vote passed each \
    station. Works beside whatever runs there and changes nothing. The ballot's id is in the \
    answer to the vote. Exits 1 if the log has no record of the ballot.\n\n\
    With --cast the command is the phone: it votes over a WebSocket, and the trace ends when the \
    voter's screen is told of the decision.\n\n\
    Examples:\n  pollux trace 01890a5d-ac96-774b-bcce-b302099a8057\n  \
    pollux trace 01890a5d-ac96-774b-bcce-b302099a8057 --data /var/lib/pollux --json\n  \
    pollux trace --cast 482913 --option 2\n  \
    pollux trace --cast 482913 --answer '[5,null,3]'"
)]
pub struct Args {
    /// The ballot's id
    #[arg(required_unless_present = "cast", conflicts_with = "cast")]
    ballot: Option<BallotId>,
    /// Cast a new voter's ballot in this poll, by id or join code, and trace it; the ballot counts
    #[arg(long, value_name = "ID|CODE")]
    cast: Option<String>,
    #[command(flatten)]
    vote: Vote,
    /// URL of the server to vote at
    #[arg(long, env = "POLLUX_URL", default_value = "http://localhost:5000")]
    url: Server,
    #[command(flatten)]
    source: source::Place,
}

/// `Traced` is one record of the ballot, and what became of it.
struct Traced {
    found: Found,
    /// The offset up to which the record's partition is committed.
    committed: Option<Offset>,
    /// The record's row in the store, if it has one.
    row: Option<BallotRow>,
    /// What the voter wrote, if the answer holds texts: the name of that in JSON, and the texts.
    texts: Option<(&'static str, Vec<String>)>,
    /// The status that the voter is told now.
    status: Option<&'static str>,
    misplaced: bool,
    /// When the vote passed each station, on a cluster or after `--cast`.
    way: Option<Way>,
}

/// Finds the ballot's records and prints what became of them.
pub async fn run(args: Args, json: bool) -> Outcome {
    let source = args.source.open()?;
    let (log, store) = (source.log().await?, source.store().await?);
    let seen = match &args.cast {
        Some(poll) => Some(cast::cast(&args.url, poll, &args.vote).await?),
        None => None,
    };
    let ballot = args.ballot.or(seen.as_ref().map(|seen| seen.ballot));
    let ballot = ballot.ok_or_else(|| Failure::usage("give the ballot's id, or --cast"))?;
    let (found, here) = match &source {
        Source::Folder(_) => {
            (search::in_folder(&log, ballot).await?, "this is not the folder of that server")
        }
        Source::Cluster(config) => {
            (search::on_kafka(config, ballot).await?, "this is not its cluster")
        }
    };
    if found.is_empty() {
        return Err(Failure::failed(format!(
            "no record of ballot {ballot} is on this log. If its vote was answered 202 or 200, \
             {here}; if it was not answered, it was not recorded, and may be sent again"
        )));
    }
    let progress = store.progress().await?;
    let mut traced = Vec::new();
    for found in found {
        let way = match (&source, &seen) {
            (Source::Cluster(config), _) => Some(way(config, &found, seen.as_ref()).await?),
            (Source::Folder(_), Some(seen)) => Some(Way::in_folder(&found, seen)),
            (Source::Folder(_), None) => None,
        };
        traced.push(trace(&*store, log.partitions(), &progress, found, way).await?);
    }
    if json {
        let records: Vec<_> = traced.iter().map(Traced::to_json).collect();
        writeln!(stdout(), "{}", json!({ "ballotId": ballot, "records": records }))?;
    } else {
        writeln!(stdout(), "ballot {ballot}")?;
        for traced in &traced {
            write!(stdout(), "{traced}")?;
        }
    }
    Ok(())
}

/// Returns when the record was committed and announced, as far as that is kept.
async fn way(config: &Config, found: &Found, seen: Option<&Seen>) -> Outcome<Way> {
    let store = postgres(config).await?;
    let committed = store.committed_at(found.partition, found.offset).await?;
    let since = found.appended.unwrap_or(found.ballot.at);
    let announced = search::announced(config, found, since).await?;
    Ok(Way::on_cluster(config, found, committed, announced, seen))
}

async fn trace(
    store: &dyn Store,
    partitions: u32,
    progress: &[(Partition, Progress)],
    found: Found,
    way: Option<Way>,
) -> Outcome<Traced> {
    let Found { partition, offset, ref ballot, .. } = found;
    let committed = progress.iter().find(|(p, _)| *p == partition).map(|(_, p)| p.next_offset);
    let rows = store.ballots(partition, offset, Some(ballot.poll), 1).await?;
    let row = rows.into_iter().find(|row| row.offset == offset);
    let fate = store.fate(ballot.poll, ballot.voter, ballot.id).await?;
    let standing = store.standing(ballot.poll).await?;
    let poll = standing.map(|standing| standing.poll).filter(|poll| poll.kind.holds_texts());
    let texts = poll.map(|poll| {
        let [_, in_words] = *kind::columns(&poll.kind);
        (in_words, kind::say(&poll, &ballot.answer))
    });
    Ok(Traced {
        texts,
        misplaced: ballot_partition(ballot.poll, ballot.voter, partitions) != partition,
        status: fate.map(|fate| fate.status.as_str()),
        found,
        committed,
        row,
        way,
    })
}

impl Traced {
    /// Returns what was decided about this very record.
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
        let Found { partition, offset, ballot, .. } = &self.found;
        let mut told = json!({
            "partition": partition, "offset": offset,
            "pollId": ballot.poll, "voter": ballot.voter,
            "round": ballot.round, "phase": ballot.phase, "takenAt": rfc3339(ballot.at),
            "committedUpTo": self.committed, "decided": self.row.as_ref().map(|r| r.decided.as_str()),
            "decision": self.decision(), "status": self.status,
        });
        let (member, answer) = ballot.answer.to_member();
        told[member] = answer;
        if let Some((in_words, texts)) = &self.texts {
            told[*in_words] = json!(texts);
        }
        if let (Some(way), Some(told)) = (&self.way, told.as_object_mut()) {
            told.insert("way".into(), way.to_json());
        }
        told
    }
}

impl std::fmt::Display for Traced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Found { partition, offset, ballot, .. } = &self.found;
        writeln!(f, "record   partition {partition}, offset {}", grouped(*offset))?;
        writeln!(f, "  taken    {} in round {}", rfc3339(ballot.at), ballot.round)?;
        writeln!(f, "  poll     {}", ballot.poll)?;
        writeln!(f, "  voter    {}", ballot.voter)?;
        writeln!(f, "  answer   {}", ballot.answer)?;
        if let Some((_, texts)) = &self.texts {
            writeln!(f, "  in words {}", plain(texts.join("; ").as_bytes()))?;
        }
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
        writeln!(f, "  now      {}", self.status.unwrap_or("–"))?;
        match &self.way {
            Some(way) => write!(f, "{way}"),
            None => Ok(()),
        }
    }
}
