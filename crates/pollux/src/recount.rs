//! `pollux recount` counts every tally again from the log alone, and compares it with the store's.
//!
//! It works beside a running server, without a lock on log or store. The store's offset of a partition is
//! read first, then the tallies. A tally says at which offset it last changed. It is what the fold must
//! give there, and also at every later offset that was committed when we read the tally. So each is compared
//! at the greater of the two offsets, however many commits happen between the reads. Besides the tallies, the
//! records themselves are compared with what they were when they were counted, of which the store keeps
//! digests.

mod difference;
mod digest_check;
mod fold;
mod whole;

use std::collections::{BTreeMap, HashSet};
use std::io::{Write, stdout};

use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::result;
use pollux_core::standing::{Standing, TallyAt};
use pollux_core::tally::Tally;
use serde_json::{Value, json};

use self::difference::Difference;
use self::digest_check::{Range, Verdict};
use self::fold::{Extent, Refold};
use crate::exit::{FAILED, Failure, Outcome};
use crate::kind;
use crate::source;
use crate::terminal::quantity;

/// Recount every vote from the log alone, and compare with the store
#[derive(clap::Args)]
#[command(
    after_help = "Exits 1 if the log and the store differ, if the log no longer holds what was counted, or \
    if it is damaged, and shows every such place; nothing is counted from a damaged log. Works beside a \
    running server and changes nothing: neither in the data folder nor, if KAFKA_BROKER and DB_HOST are \
    set, on the cluster, whose topic it reads itself. Needs about 250 bytes of memory for each \
    ballot.\n\n\
    Examples:\n  pollux recount\n  pollux recount --data /var/lib/pollux 482913\n  \
    pollux recount --kafka-broker localhost:9092 --db-host localhost\n  \
    pollux recount --json | jq .polls[].resultHash"
)]
pub struct Args {
    /// Recount only this poll, by id or join code
    poll: Option<String>,
    #[command(flatten)]
    source: source::Place,
}

/// `Findings` are what a recount found.
#[derive(Default)]
struct Findings {
    /// How each poll stands by the log alone.
    recounted: BTreeMap<PollId, Standing>,
    differences: Vec<Difference>,
    /// Whether the records are those that were counted.
    records: Verdict,
    extent: Extent,
}

/// Recounts, compares, and prints the findings.
pub async fn run(args: Args, json: bool) -> Outcome {
    let source = args.source.open()?;
    let (log, store) = (source.log().await?, source.store().await?);
    // The comparison is exact only if these two are read in this order.
    let progress = store.progress().await?;
    let mut standings = match &args.poll {
        Some(name) => vec![source::poll(&*store, name).await?],
        None => source::polls(&*store).await?,
    };
    // Drafts take no votes, and their rules may still change.
    standings.retain(|standing| standing.poll.phase > 0);

    let mut found = Findings::default();
    found.extent.unchecked = whole::check(&log, json)?;
    for (partition, progress) in progress {
        let generation = log.generation();
        if progress.generation != generation {
            return Err(Failure::failed(format!(
                "the store was built from log {}, but the log here is {generation}: they do not \
                 belong together",
                progress.generation
            )));
        }
        let digests = store.digests(partition, 0).await?;
        let mut refold = Refold::new(&log, partition, &standings, digests).await?;
        for (at, standing) in checks(&standings, partition, progress.next_offset) {
            refold.up_to(at).await?;
            let poll = standing.poll.id;
            let store = standing.tallies().find(|tally| tally.partition == partition);
            let counted = refold.tally(poll);
            let unvoted = || Standing::new(standing.poll.clone(), log.partitions());
            let recounted = found.recounted.entry(poll).or_insert_with(unvoted);
            if let Some(tally) = counted.cloned() {
                recounted.take_tally(TallyAt {
                    poll,
                    partition,
                    generation,
                    next_offset: at,
                    tally,
                });
            }
            let fresh = Tally::new();
            if counted.unwrap_or(&fresh) != store.map_or(&fresh, |at| &at.tally) {
                let (log, store) = (counted.cloned(), store.map(|at| at.tally.clone()));
                found.differences.push(Difference { poll, partition, at, log, store });
            }
        }
        found.records.add(refold.compare(progress.next_offset).await?);
        found.extent.add(&refold.extent().await?);
    }
    // Polls are opened while we count, and what was just folded may hold their first records.
    if !found.extent.unknown.is_empty() {
        found.extent.sort(&opened(&source::polls(&*store).await?));
    }
    if json {
        found.print_json(&standings)?;
    } else {
        found.print(&standings)?;
    }
    found.outcome()
}

/// Returns the polls that have been opened. Drafts are not among them: whatever the log has of a draft is a dead
/// letter.
fn opened(all: &[Standing]) -> HashSet<PollId> {
    all.iter()
        .map(|standing| &standing.poll)
        .filter(|poll| poll.phase > 0)
        .map(|poll| poll.id)
        .collect()
}

/// Returns the offset at which to compare each poll's tally, in the order of the offsets.
fn checks(
    standings: &[Standing],
    partition: Partition,
    committed: Offset,
) -> Vec<(Offset, &Standing)> {
    let mut checks: Vec<_> = standings
        .iter()
        .map(|standing| {
            let changed = standing.tallies().find(|tally| tally.partition == partition);
            (changed.map_or(0, |tally| tally.next_offset).max(committed), standing)
        })
        .collect();
    checks.sort_by_key(|(at, standing)| (*at, standing.poll.id));
    checks
}

impl Findings {
    /// Returns how each poll that was asked for stands by the log.
    fn polls<'a>(&'a self, standings: &'a [Standing]) -> impl Iterator<Item = &'a Standing> {
        standings.iter().filter_map(|standing| self.recounted.get(&standing.poll.id))
    }

    fn equal(&self) -> bool {
        self.differences.is_empty() && self.records.changed.is_empty()
    }

    fn print_json(&self, standings: &[Standing]) -> Outcome {
        let polls = self.polls(standings).map(|poll| {
            let line = poll.result_line();
            let mut told: Value = serde_json::from_str(&line).expect("a result's line is JSON");
            told["question"] = json!(poll.poll.question);
            told["resultHash"] = result::hash(&line).into();
            told
        });
        let differences = self.differences.iter().map(Difference::to_json);
        let ranges = |all: &[Range]| Value::from_iter(all.iter().map(Range::to_json));
        let Self { extent, records, .. } = self;
        writeln!(
            stdout(),
            "{}",
            json!({
                "equal": self.equal(), "records": extent.records, "dead": extent.dead,
                "otherPolls": extent.other_polls, "waiting": extent.waiting, "unchecked": extent.unchecked,
                "polls": Value::from_iter(polls), "differences": Value::from_iter(differences),
                "changed": ranges(&records.changed), "uncompared": ranges(&records.uncompared),
            })
        )?;
        Ok(())
    }

    fn print(&self, standings: &[Standing]) -> Outcome {
        let mut votes = 0;
        for poll in self.polls(standings) {
            let cast = poll.total_votes();
            votes += cast;
            writeln!(
                stdout(),
                "{}  {:>12}  sha256:{}  {}",
                poll.poll.id,
                quantity(cast, "vote"),
                result::hash(&poll.result_line()),
                // A question cannot hold characters that move the cursor, because the API refuses them.
                poll.poll.question,
            )?;
            for line in kind::recounted(poll) {
                writeln!(stdout(), "{line}")?;
            }
        }
        for difference in &self.differences {
            writeln!(stdout(), "{difference}")?;
        }
        for range in &self.records.changed {
            writeln!(stdout(), "CHANGED: {range}: the log no longer holds what was counted")?;
        }
        if self.equal() {
            let as_counted = match self.records.uncompared.is_empty() {
                true => ", all of them as they were counted",
                false => "",
            };
            writeln!(
                stdout(),
                "equal: {} in {} from {} of the log{as_counted}",
                quantity(votes, "vote"),
                quantity(standings.len() as u64, "poll"),
                quantity(self.extent.records, "record"),
            )?;
        }
        self.print_extent()
    }

    /// Prints how much of the log was compared.
    fn print_extent(&self) -> Outcome {
        let Extent { dead, other_polls, unchecked, waiting, .. } = self.extent;
        if dead > 0 {
            writeln!(stdout(), "{} left out", quantity(dead, "dead letter"))?;
        }
        if other_polls > 0 {
            writeln!(stdout(), "{} of other polls left out", quantity(other_polls, "record"))?;
        }
        if unchecked > 0 {
            let unchecked = quantity(unchecked, "record");
            writeln!(stdout(), "{unchecked} without a checksum: written before records had one")?;
        }
        for range in &self.records.uncompared {
            let why = "they were counted by a version that kept no digests";
            writeln!(stdout(), "not compared with what was counted: {range}: {why}")?;
        }
        if waiting > 0 {
            writeln!(stdout(), "{} more on the log, not counted yet", quantity(waiting, "record"))?;
        }
        Ok(())
    }

    fn outcome(&self) -> Outcome {
        let mut wrong = Vec::new();
        if !self.differences.is_empty() {
            let differences = quantity(self.differences.len() as u64, "difference");
            wrong.push(format!("{differences} between the log and the store"));
        }
        if !self.records.changed.is_empty() {
            let places = quantity(self.records.changed.len() as u64, "place");
            wrong.push(format!(
                "in {places} the log no longer holds what was counted: records were altered, lost or put in \
                 since. Restore an undamaged copy of the log and recount that; do not delete the store, which \
                 has counted what was there"
            ));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(FAILED, wrong.join("; "))),
        }
    }
}
