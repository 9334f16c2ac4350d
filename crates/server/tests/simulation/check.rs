//! At the end of a run, an independent recount of the raw log is compared with the store, the screens and
//! what the voters were told.

use std::collections::BTreeSet;

use bytes::Bytes;
use pollux_checker::{Recount, Rules, Told, digest, recount};
use pollux_server::log::Record;
use serde_json::Value;

use crate::client::{Known, Sent};
use crate::viewer::{self, Shown};
use crate::words;
use crate::world::{PollPlan, World};

/// Recounts what is on the log.
pub fn truth(world: &World, polls: &[PollPlan]) -> Recount {
    let rules = polls.iter().map(|poll| {
        let rules = Rules { asks: poll.asks.clone(), refuse: poll.refuse };
        (poll.id.clone(), rules)
    });
    let records = (0..world.partitions()).flat_map(|partition| {
        let records = world.log().records(partition);
        records.into_iter().map(move |r| (partition, r.offset, r.value.to_vec()))
    });
    recount(records, &rules.collect())
}

/// Asserts that every acknowledged ballot is decided once, and that no refused one is there. Of those in
/// `untold` nobody knows more than that they are on the log.
pub fn ballots(sent: &[Sent], untold: &BTreeSet<String>, truth: &Recount) {
    let told = sent.iter().map(|sent| {
        let told = match sent.known {
            Known::Recorded => Told::Recorded,
            Known::NotRecorded => Told::NotRecorded,
            Known::TooLate => Told::TooLate,
            Known::Unknown => panic!("still unknown at the end: {sent:?}"),
        };
        (sent.ballot.as_str(), told)
    });
    let untold = untold.iter().map(|ballot| (ballot.as_str(), Told::Recorded));
    let lies = truth.contradictions(told.chain(untold));
    assert!(lies.is_empty(), "{lies:#?}");
}

/// Asserts that the store has the recount's decisions, tallies and dead letters, and nothing else.
pub fn store(world: &World, polls: &[PollPlan], truth: &Recount) {
    let dump = world.store().dump();
    let mut rows = BTreeSet::new();
    for (partition, row) in &dump.ballots {
        let name = (row.poll.to_string(), row.voter.to_string(), row.ballot.to_string());
        let decided = truth.ballots.get(&name).unwrap_or_else(|| panic!("nobody's row: {row:?}"));
        let first = if decided.status == "replaced" { "counted" } else { decided.status };
        assert_eq!(decided.position, (*partition, row.offset), "{row:?}");
        assert_eq!(row.decided.as_str(), first, "{row:?}");
        assert!(rows.insert(name), "two rows for one ballot: {row:?}");
    }
    assert_eq!(rows.len(), truth.ballots.len(), "ballots are missing from the store");
    let dead: Vec<_> = dump.dead.iter().map(|(partition, it)| (*partition, it.offset)).collect();
    let mut right = truth.dead.clone();
    right.sort_unstable();
    assert_eq!(dead, right, "what is nobody's ballot");
    let copies = world.log().dead();
    for (partition, it) in &dump.dead {
        let copied = copies.iter().any(|(at, copy)| {
            at == partition
                && (copy.offset, &copy.key, &copy.value, &copy.reason)
                    == (it.offset, &it.key, &it.value, &it.reason)
        });
        assert!(copied, "partition {partition}: {it:?} has no copy on votes.dead");
    }
    for poll in polls {
        let result = &truth.polls[&poll.id];
        let mut counts = vec![0; poll.asks.slots()];
        let mut voters = 0;
        for at in dump.tallies.iter().filter(|at| at.poll.to_string() == poll.id) {
            if u64::from(at.tally.round) == result.round {
                voters += at.tally.voters;
                for (sum, count) in counts.iter_mut().zip(&at.tally.counts) {
                    *sum += count;
                }
            }
        }
        assert_eq!((&counts, voters), (&result.counts, result.voters), "poll {}", poll.id);
        let words = words::counted(&dump.tallies, &poll.id, result.round);
        assert_eq!(words, result.words, "poll {}", poll.id);
    }
}

/// Asserts that the store has digests of all that was counted. They match the records on the log, and would
/// not match if any record were another.
pub fn digests(world: &World) {
    let dump = world.store().dump();
    for (partition, progress) in dump.progress {
        let mut records = world.log().records(partition);
        let kept: Vec<_> = dump.digests.iter().filter(|(of, _)| *of == partition).collect();
        let mut end = 0;
        for (_, kept) in kept {
            assert_eq!(kept.from, end, "partition {partition} has records of no digest");
            end = kept.to;
            let range = kept.from as usize..kept.to as usize;
            let of = |records: &[Record]| {
                digest(records.iter().map(|r| (r.offset, &r.key[..], &r.value[..])))
            };
            assert_eq!(of(&records[range.clone()]), kept.hash, "partition {partition}");
            // The hash picks the record, which is as good as drawing one.
            let victim = kept.from as usize + usize::from(kept.hash[0]) % range.len();
            records[victim].value = Bytes::from_static(b"other");
            assert_ne!(of(&records[range]), kept.hash, "an altered record shows");
        }
        assert_eq!(end, progress.next_offset, "partition {partition} has records of no digest");
    }
}

/// Returns an error unless a screen shows what the recount says, and that it is final.
pub fn screen(shown: &Shown, polls: &[PollPlan], truth: &Recount) -> Result<(), String> {
    for poll in polls {
        let result = &truth.polls[&poll.id];
        let view = shown.get(&poll.id).ok_or(format!("poll {} is not shown", poll.id))?;
        if counts(view) != result.counts
            || view["totalVoters"] != result.voters
            || view["final"] != true
            || !words::are_all_there(view, result)
        {
            return Err(format!("the screen shows {view}, the recount says {result:?}"));
        }
    }
    Ok(())
}

/// Asserts that everybody is shown the recount's turnout, unless it is hidden with the numbers.
pub fn turnout(shown: &Shown, polls: &[PollPlan], truth: &Recount) {
    for poll in polls {
        let view = &shown[&poll.id];
        let shows = view["turnout"] == "shown" || viewer::shows_numbers(view);
        let right = shows.then(|| truth.polls[&poll.id].voters);
        assert_eq!(view["totalVoters"].as_u64(), right, "{view}");
    }
}

/// Returns the numbers of a poll, slot by slot.
pub fn counts(view: &Value) -> Vec<u64> {
    let kind = view["kind"].as_str();
    if kind == Some("number") {
        let spread = view["spread"].as_array().into_iter().flatten();
        return spread.filter_map(Value::as_u64).collect();
    }
    if kind == Some("words") {
        return view["otherVotes"].as_u64().into_iter().collect();
    }
    let rows = if kind == Some("rating") { &view["statements"] } else { &view["options"] };
    let numbers = |row: &Value| -> Vec<Value> {
        match kind {
            Some("rating" | "ranking") => row["spread"].as_array().cloned().unwrap_or_default(),
            Some("points") => vec![row["points"].clone(), row["people"].clone()],
            _ => vec![row["votes"].clone()],
        }
    };
    rows.as_array().unwrap().iter().flat_map(numbers).filter_map(|n| n.as_u64()).collect()
}

/// Returns how many votes a poll's counts hold: of points only every second count is of votes.
pub fn votes(view: &Value, counts: &[u64]) -> u64 {
    if view["kind"] == "words" {
        return words::votes(view);
    }
    let (skipped, step) = if view["kind"] == "points" { (1, 2) } else { (0, 1) };
    counts.iter().skip(skipped).step_by(step).sum()
}

/// Asserts that two nodes that have heard the same show the same, versions included.
pub fn same(a: &Shown, b: &Shown) {
    let stripped = |shown: &Shown| -> Vec<Value> { shown.values().cloned().collect() };
    assert_eq!(stripped(a), stripped(b), "two nodes show different things in the end");
}
