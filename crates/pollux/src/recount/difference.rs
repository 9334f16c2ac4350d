//! A `Difference` is a tally that differs between the log and the store.

use std::fmt;

use pollux_core::gate::Gate;
use pollux_core::id::{Offset, Partition, PollId};
use pollux_core::kind::words::Names;
use pollux_core::tally::Tally;
use serde_json::{Value, json};

use crate::terminal::{grouped, quantity};

/// `Difference` is a tally of one poll in one partition, as the log and as the store have it.
pub struct Difference {
    /// The poll.
    pub poll: PollId,
    /// The partition.
    pub partition: Partition,
    /// The offset at which the tallies were compared.
    pub at: Offset,
    /// The tally by the log.
    pub log: Option<Tally>,
    /// The tally that the store keeps.
    pub store: Option<Tally>,
}

impl Difference {
    /// Returns the difference as `--json` prints it.
    pub fn to_json(&self) -> Value {
        let tally = |tally: &Option<Tally>| {
            tally.as_ref().map(|Tally { phase, round, gate, counts, names, voters, changes }| {
                let mut told = json!({
                    "phase": phase, "round": round, "open": *gate == Gate::Open,
                    "counts": counts, "voters": voters, "changes": changes,
                });
                if !names.is_empty() {
                    told["names"] = names.words().iter().map(|word| json!(word)).collect();
                }
                told
            })
        };
        json!({
            "pollId": self.poll, "partition": self.partition, "atOffset": self.at,
            "log": tally(&self.log), "store": tally(&self.store),
        })
    }

    /// Returns the first slot whose names differ, with what stands there on the log and in the store.
    fn names(&self) -> Option<String> {
        let names = |tally: &Option<Tally>| tally.as_ref().map(|tally| tally.names.clone());
        let [log, store] = [&self.log, &self.store].map(|tally| names(tally).unwrap_or_default());
        let most = log.len().max(store.len());
        let at = (0..most).find(|at| log.words().get(*at) != store.words().get(*at))?;
        let [on_log, kept] = [&log, &store].map(|names| told(names, at));
        let as_well = if on_log == kept { ", with another text" } else { "" };
        Some(format!("slot {}: {on_log} on the log, {kept} in the store{as_well}", at + 1))
    }
}

/// Returns the name at this place among the names of a partition.
fn told(names: &Names, at: usize) -> String {
    names.words().get(at).map_or("no name".to_owned(), |word| word.name.to_string())
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = |tally: &Option<Tally>| match tally {
            None => "nothing".to_owned(),
            Some(Tally { phase, round, gate, counts, names: _, voters, changes }) => format!(
                "counts {counts:?}, {}, round {round}, phase {phase} ({gate:?}), {changes} changes",
                quantity(*voters, "voter"),
            ),
        };
        write!(
            f,
            "DIFFERENT: poll {} in partition {} at offset {}\n  log:   {}\n  store: {}",
            self.poll,
            self.partition,
            grouped(self.at),
            tally(&self.log),
            tally(&self.store),
        )?;
        match self.names() {
            Some(names) => write!(f, "\n  names: {names}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pollux_core::id::UnixMillis;
    use pollux_core::seal::{TextKey, Word};

    use super::*;

    fn word(text: &str) -> Word {
        TextKey::new([7; 64]).seal(text).unwrap()
    }

    fn difference(log: Vec<Word>, store: Vec<Word>) -> Difference {
        let tally = |words: Vec<Word>| {
            Some(Tally { counts: vec![0, 1, 1], names: Names::of(words), ..Tally::new() })
        };
        let (log, store) = (tally(log), tally(store));
        Difference { poll: PollId::new(UnixMillis(1), [7; 10]), partition: 2, at: 9, log, store }
    }

    #[test]
    fn names_that_differ_are_told_with_their_slot() {
        let [rust, shouted, go] = ["Rust", "RUST", "Go"].map(word);
        let both = || vec![rust.clone(), go.clone()];
        assert_eq!(difference(both(), both()).names(), None);
        let swapped = difference(both(), vec![go.clone(), rust.clone()]);
        let told = format!("slot 1: {} on the log, {} in the store", rust.name, go.name);
        assert_eq!(swapped.names(), Some(told.clone()));
        assert!(swapped.to_string().ends_with(&format!("\n  names: {told}")), "{swapped}");
        let names = &swapped.to_json()["store"]["names"];
        assert_eq!(names[0]["name"], go.name.to_string());
        let fewer = difference(both(), vec![rust.clone()]);
        assert_eq!(
            fewer.names(),
            Some(format!("slot 2: {} on the log, no name in the store", go.name))
        );
        let respelt = difference(both(), vec![shouted, go.clone()]).names().unwrap();
        assert!(respelt.starts_with("slot 1: ") && respelt.ends_with(", with another text"));
    }
}
