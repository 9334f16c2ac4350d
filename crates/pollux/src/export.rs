//! `pollux export` writes results or ballots from the store, as CSV or JSON.

use std::io::{BufWriter, Write, stdout};

use clap::ValueEnum;
use pollux_core::id::Partition;
use pollux_core::standing::Standing;
use pollux_server::api::figures::export;
use pollux_server::api::figures::sheet::{Columns, Sheet};
use pollux_server::store::{BallotRow, Store};
use pollux_server::watch::view::{Audience, poll, rfc3339};
use serde_json::json;

use crate::exit::Outcome;
use crate::kind;
use crate::source;
use crate::terminal;

/// Ballots are read from the store this many at a time.
const PAGE: usize = 4096;

/// Export results or ballots as CSV or JSON
#[derive(clap::Args)]
#[command(
    after_long_help = "Reads the data folder, or PostgreSQL if KAFKA_BROKER and DB_HOST are set. \
    Results are those that the owner sees, including hidden ones. Ballots carry the \
    voter's pseudonym, never a name. Words are in the export whether or not they are shown, except those that were \
    erased. JSON ballots are written one object per line. In CSV, a cell that a \
    spreadsheet would run as a formula (it begins with = + - @, a tab or a carriage return, with or \
    without spaces before it) gets a leading apostrophe, unless Pollux wrote it as a number.\n\n\
    Examples:\n  \
    pollux export --all > results.csv\n  \
    pollux export 482913 --format json\n  \
    pollux export 482913 --ballots --data /var/lib/pollux > ballots.csv"
)]
pub struct Args {
    /// The poll's id or join code
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    poll: Option<String>,
    /// Export every poll, including drafts and deleted polls
    #[arg(long)]
    all: bool,
    /// Output format [default: csv; json with --json]
    #[arg(long)]
    format: Option<Format>,
    /// Export the ballots instead of the results
    #[arg(long)]
    ballots: bool,
    #[command(flatten)]
    source: source::Place,
}

/// `Format` is the output format. The variants' comments are help texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values (RFC 4180), with a header
    Csv,
    /// JSON
    Json,
}

/// Writes the export to stdout.
pub async fn run(args: Args, json: bool) -> Outcome {
    let store = args.source.open()?.store().await?;
    let polls = match &args.poll {
        Some(name) => vec![source::poll(&*store, name).await?],
        None => source::polls(&*store).await?,
    };
    let format = args.format.unwrap_or(if json { Format::Json } else { Format::Csv });
    let mut out = BufWriter::new(stdout().lock());
    match (args.ballots, format) {
        (false, Format::Csv) => export::csv(&polls, &mut out)?,
        (false, Format::Json) => {
            let views: Vec<_> = polls.iter().map(|s| poll(s, Audience::Owner)).collect();
            serde_json::to_writer_pretty(&mut out, &views)?;
            writeln!(out)?;
        }
        (true, format) => ballots(&*store, &polls, format, &mut out).await?,
    }
    Ok(out.flush()?)
}

/// Writes every decided ballot, in log order within each partition.
async fn ballots(
    store: &dyn Store,
    polls: &[Standing],
    format: Format,
    out: &mut impl Write,
) -> Outcome {
    let bar = terminal::progress(None, "ballots");
    let mut writer = BallotWriter::new(format, polls, out)?;
    for standing in polls {
        for (partition, _) in store.progress().await? {
            let mut from = 0;
            loop {
                let id = standing.poll.id;
                let page = store.ballots(partition, from, Some(id), PAGE).await?;
                let Some(last) = page.last() else { break };
                from = last.offset + 1;
                for row in &page {
                    // The status is what the voter would be told now. A ballot that was counted at first may
                    // have been superseded since.
                    let fate = store.fate(id, row.voter, row.ballot).await?;
                    let status = fate.map_or(row.decided, |fate| fate.status).as_str();
                    writer.write(standing, partition, row, status)?;
                    bar.inc(1);
                }
            }
        }
    }
    bar.finish_and_clear();
    writer.finish()
}

/// `BallotWriter` writes ballots in either format.
enum BallotWriter<W: Write> {
    Csv(Box<Sheet<W>>, Columns),
    Json(W),
}

impl<W: Write> BallotWriter<W> {
    fn new(format: Format, polls: &[Standing], out: W) -> Outcome<Self> {
        Ok(match format {
            Format::Json => Self::Json(out),
            Format::Csv => {
                let columns = Columns::of(&kind::COLUMNS, polls.iter().map(own_columns));
                let header = ["pollId", "partition", "offset", "ballotId", "voter", "takenAt"];
                let header = header.into_iter().chain(columns.names());
                let sheet = Sheet::new(out, header.chain(["decided", "status"]))?;
                Self::Csv(Box::new(sheet), columns)
            }
        })
    }

    fn write(
        &mut self,
        standing: &Standing,
        partition: Partition,
        row: &BallotRow,
        status: &str,
    ) -> Outcome {
        let texts = kind::say(&standing.poll, &row.answer);
        let (decided, taken) = (row.decided.as_str(), rfc3339(row.at));
        match self {
            Self::Csv(sheet, columns) => {
                let answer = [kind::cell(&row.answer), texts.join("; ")];
                let answer = columns.cells(own_columns(standing), &answer);
                let cells = [
                    &*row.poll.to_string(),
                    &partition.to_string(),
                    &row.offset.to_string(),
                    &row.ballot.to_string(),
                    &row.voter.to_string(),
                    &taken,
                ];
                let cells = cells.into_iter().chain(answer.iter().map(String::as_str));
                Ok(sheet.row(cells.chain([decided, status]))?)
            }
            Self::Json(out) => {
                let mut line = json!({
                    "pollId": row.poll, "partition": partition, "offset": row.offset,
                    "ballotId": row.ballot, "voter": row.voter, "takenAt": taken,
                    "decided": decided, "status": status,
                });
                let (member, answer) = row.answer.to_member();
                let [_, in_words] = *kind::columns(&standing.poll.kind);
                line[member] = answer;
                line[in_words] = texts.into();
                Ok(writeln!(out, "{line}")?)
            }
        }
    }

    fn finish(self) -> Outcome {
        match self {
            Self::Csv(sheet, _) => Ok(sheet.finish()?),
            Self::Json(mut out) => Ok(out.flush()?),
        }
    }
}

/// Returns the columns that only polls of this one's kind fill.
fn own_columns(standing: &Standing) -> &'static [&'static str] {
    kind::columns(&standing.poll.kind)
}
