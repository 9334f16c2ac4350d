//! Before anything is counted from a log, it is checked for damage: it must be what was written.

use std::io::{Write, stdout};

use pollux_core::id::Partition;
use pollux_server::log::embedded::Inspected;
use serde_json::json;

use crate::exit::{Failure, Outcome};
use crate::source::LogReader;
use crate::terminal::{grouped, quantity};

/// Inspects the whole log, and returns how many records are too old to have a checksum. If there is damage,
/// it prints every damaged place and what is whole, and returns an error.
pub fn check(log: &LogReader, json: bool) -> Outcome<u64> {
    let look = |partition| Ok((partition, log.inspect(partition)?));
    let seen = (0..log.partitions()).map(look).collect::<Outcome<Vec<_>>>()?;
    let places = seen.iter().map(|(_, found)| found.damage.len() as u64).sum();
    if places == 0 {
        return Ok(seen.iter().map(|(_, found)| found.unchecked).sum());
    }
    if json {
        print_json(&seen)?
    } else {
        print(&seen)?
    }
    Err(Failure::failed(format!(
        "the log is damaged in {}, and nothing is counted from it. Restore an undamaged copy of the \
         data folder and recount that; what the store has counted stands, but this log cannot confirm it",
        quantity(places, "place")
    )))
}

fn print_json(seen: &[(Partition, Inspected)]) -> Outcome {
    let damage = seen.iter().flat_map(|(_, found)| &found.damage);
    let damage: Vec<_> = damage
        .map(
            |place| json!({ "partition": place.partition, "atOffset": place.at, "why": place.why }),
        )
        .collect();
    let whole: Vec<_> = seen
        .iter()
        .map(|(partition, found)| json!({ "partition": partition, "upTo": whole_up_to(found) }))
        .collect();
    writeln!(stdout(), "{}", json!({ "equal": false, "damage": damage, "whole": whole }))?;
    Ok(())
}

fn print(seen: &[(Partition, Inspected)]) -> Outcome {
    for place in seen.iter().flat_map(|(_, found)| &found.damage) {
        writeln!(stdout(), "DAMAGED: log.db {place}")?;
    }
    for (partition, found) in seen {
        let upto = grouped(whole_up_to(found));
        let all = if found.damage.is_empty() { "all of it, " } else { "" };
        writeln!(stdout(), "whole: partition {partition}, {all}up to offset {upto}")?;
    }
    Ok(())
}

/// Returns the offset before which everything is as it was written.
fn whole_up_to(found: &Inspected) -> u64 {
    found.damage.first().map_or(found.end, |place| place.at)
}
