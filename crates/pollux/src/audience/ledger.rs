//! The ledger is a file with one JSON line for each ballot and its last known fate, so that a checker can
//! prove afterwards that each was counted exactly once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use pollux_core::id::BallotId;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::booth::Answered;
use super::crowd::Ballot;
use crate::exit::{Failure, Outcome};

/// This many lines may wait for the disk.
const WAITING: usize = 65_536;

/// `Fate` is what the audience learnt of a ballot in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server said that the ballot is durable.
    Acknowledged,
    /// The ballot may or may not be on the log.
    Unknown,
    /// The ballot is certainly not on the log.
    Failed,
}

/// `Ledger` is a ledger that is being written, by a thread of its own.
pub struct Ledger {
    lines: SyncSender<Vec<u8>>,
    writer: JoinHandle<io::Result<()>>,
}

/// `Line` is the JSON of one line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    ballot_id: BallotId,
    voter_id: &'a str,
    #[serde(flatten)]
    answer: BTreeMap<&'static str, &'a Value>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a RawValue>,
}

impl Ledger {
    /// Creates a ledger at this path, if there is one.
    pub fn at(path: Option<&Path>) -> Outcome<Option<Self>> {
        let named = |path: &Path| {
            Self::create(path).map_err(|error| Failure::from(error).context(path.display()))
        };
        path.map(named).transpose()
    }

    /// Creates the file and starts the writer.
    fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        // If the disk is slower than the votes, the votes wait, and the memory does not fill up.
        let (lines, received) = sync_channel::<Vec<u8>>(WAITING);
        let writer = std::thread::spawn(move || {
            for line in received {
                file.write_all(&line)?;
            }
            file.flush()
        });
        Ok(Self { lines, writer })
    }

    /// Writes a ballot with its fate.
    pub fn write(&self, ballot: &Ballot, fate: Fate, answered: &Answered) {
        let (member, answer) = &ballot.answer;
        let line = Line {
            ballot_id: ballot.id,
            voter_id: &ballot.voter,
            answer: BTreeMap::from([(*member, answer)]),
            outcome: match fate {
                Fate::Acknowledged => "acknowledged",
                Fate::Unknown => "unknown",
                Fate::Failed => "failed",
            },
            status: answered.status,
            receipt: (fate == Fate::Acknowledged)
                .then(|| serde_json::from_slice(&answered.body).ok())
                .flatten(),
        };
        let mut bytes = serde_json::to_vec(&line).expect("a line is plain data");
        bytes.push(b'\n');
        // `close` reports an error of the writer.
        let _ = self.lines.send(bytes);
    }

    /// Waits until every line is handed to the operating system, and returns the first error.
    pub fn close(self) -> io::Result<()> {
        drop(self.lines);
        self.writer.join().expect("the ledger's writer does not panic")
    }
}
