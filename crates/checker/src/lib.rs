//! An independent recount, for tests: raw records go in, every decision and every tally comes out.
//!
//! It shares no code with `pollux-core` and is written in another way on purpose: it keeps the
//! whole history, looks everything up in it, and counts from scratch at the end. It is slow and
//! plain, so that reading it is enough to trust it.

#![allow(clippy::unwrap_used)]

mod kind;

use std::collections::BTreeMap;

use blake2::digest::{Digest, consts::U32};
use serde_json::Value;

pub use self::kind::{Asks, MAX_NAMES, Marks};

/// The rules of a poll are those that its organiser set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The poll's kind, and what it asks about.
    pub asks: Asks,
    /// Which ballot of a voter counts. `true`: the first. `false`: the newest, which among those
    /// that clients named is the one with the greatest id.
    pub refuse: bool,
}

/// `Decided` says what became of a ballot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The partition and offset of the record that decided it, which is its first.
    pub position: (u32, u64),
    /// What is true of it after all records: counted, replaced, superseded, refused or late.
    pub status: &'static str,
    /// The marks of its first record.
    pub marks: Marks,
    /// The names of the words of its first record, if the poll asks for words.
    pub names: Vec<String>,
    /// The round in which it was decided.
    pub round: u64,
}

/// A name tells a ballot from all others, by its poll, its voter and its ballot id.
pub type Name = (String, String, String);

/// A poll's result is what was counted in its newest round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Result {
    /// The round that is counted: the greatest that any partition has seen.
    pub round: u64,
    /// The weight of that round's marks by slot; in a choice, index 0 is option 1. Of words the only count is that of
    /// the words for whose names a partition had no room.
    pub counts: Vec<u64>,
    /// How often the words of each name were counted in that round, over all partitions; names that nobody says any
    /// more are not there. It is empty for other kinds than words.
    pub words: BTreeMap<String, u64>,
    /// The voters counted in that round.
    pub voters: u64,
    /// The phase by partition, and whether ballots are counted there now.
    pub partitions: BTreeMap<u32, (u64, bool)>,
}

/// A recount tells what became of every ballot, poll and record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recount {
    /// Every ballot that some record decided.
    pub ballots: BTreeMap<Name, Decided>,
    /// Every poll that some record is about.
    pub polls: BTreeMap<String, Result>,
    /// The positions of records that are nobody's ballot.
    pub dead: Vec<(u32, u64)>,
}

/// `Told` is what a voter was told about a ballot in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The ballot is durable: it must be decided exactly once.
    Recorded,
    /// The ballot is certainly not on the log.
    NotRecorded,
    /// The poll was closed: if the ballot is on the log, it does not count.
    TooLate,
}

/// `Ballot` holds the content of a ballot's record, without its name.
struct Ballot {
    position: (u32, u64),
    /// `None` if the poll's rules do not allow the answer.
    marks: Option<Marks>,
    names: Vec<String>,
    round: u64,
    /// Whether the server named it. Then it replaces what stands before it on the log, whatever the
    /// ids say.
    by_place: bool,
}

/// `Gate` holds a poll's phase and round, as one partition has seen them.
#[derive(Clone)]
struct Gate {
    phase: u64,
    round: u64,
    open: bool,
}

/// Recounts the records, which are given in the order of their offsets within each partition.
pub fn recount(
    records: impl IntoIterator<Item = (u32, u64, Vec<u8>)>,
    rules: &BTreeMap<String, Rules>,
) -> Recount {
    let mut recount = Recount::default();
    let mut gates: BTreeMap<(u32, String), Gate> = BTreeMap::new();
    for (partition, offset, bytes) in records {
        let position = (partition, offset);
        let Ok(value) = serde_json::from_slice::<Value>(&bytes) else {
            recount.dead.push(position);
            continue;
        };
        if value["type"] == "genesis" {
            if offset != 0 {
                recount.dead.push(position);
            }
            continue;
        }
        let poll = value["pollId"].as_str().unwrap_or_default().to_owned();
        let Some(rule) = rules.get(&poll) else {
            recount.dead.push(position);
            continue;
        };
        let gate = gates.entry((partition, poll.clone())).or_insert(Gate {
            phase: 1,
            round: 1,
            open: true,
        });
        let phase = value["phase"].as_u64().unwrap_or(0);
        let round = value["round"].as_u64().unwrap_or(0);
        if value["type"] == "ballot" {
            let (marks, names) = (rule.asks.marks(&value), rule.asks.names(&value));
            if phase > gate.phase && round >= gate.round {
                *gate = Gate { phase, round, open: true };
            }
            let voter = value["voter"].as_str().unwrap().to_owned();
            let id = value["ballotId"].as_str().unwrap().to_owned();
            let by_place = value["v"] == 2 && value["namedBy"] == "server";
            let ballot = Ballot { position, marks, names, round, by_place };
            recount.ballot((poll, voter, id), ballot, gate, rule);
        } else if phase > gate.phase {
            *gate = Gate {
                phase,
                round: round.max(gate.round),
                open: value["open"] == Value::Bool(true),
            };
        }
    }
    recount.results(&gates, rules);
    recount
}

/// Returns the digest of these records of a partition, given as offset, key and value.
pub fn digest<'a>(records: impl IntoIterator<Item = (u64, &'a [u8], &'a [u8])>) -> [u8; 32] {
    records.into_iter().fold([0; 32], |before, (offset, key, value)| {
        let length = (key.len() as u32).to_be_bytes();
        let bytes = [&before[..], &offset.to_be_bytes(), &length, key, value].concat();
        blake2::Blake2b::<U32>::digest(bytes).into()
    })
}

impl Recount {
    /// Compares what voters were told with what the log says, and returns every contradiction. All
    /// ballots that were ever sent must be given, because a ballot that nobody sent is a
    /// contradiction, too.
    pub fn contradictions<'a>(
        &self,
        sent: impl IntoIterator<Item = (&'a str, Told)>,
    ) -> Vec<String> {
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for ((_, _, ballot), decided) in &self.ballots {
            found.entry(ballot).or_default().push(decided.status);
        }
        let mut lies = Vec::new();
        for (ballot, told) in sent {
            let found = found.remove(ballot).unwrap_or_default();
            let honest = match told {
                Told::Recorded => found.len() == 1,
                Told::NotRecorded => found.is_empty(),
                Told::TooLate => found.is_empty() || found.len() == 1 && found[0] != "counted",
            };
            if !honest {
                lies.push(format!("{ballot}: told {told:?}, decided {found:?}"));
            }
        }
        lies.extend(found.into_keys().map(|ballot| format!("{ballot}: nobody sent it")));
        lies
    }

    fn ballot(&mut self, name: Name, ballot: Ballot, gate: &Gate, rule: &Rules) {
        let Ballot { position, marks, names, round, by_place } = ballot;
        if self.ballots.contains_key(&name) {
            return; // Decided before; the first record is the one that counts.
        }
        // Ids are UUIDv7s in lower case, so their texts sort as the ids do.
        let standing = self
            .ballots
            .range((name.0.clone(), name.1.clone(), String::new())..)
            .take_while(|((poll, voter, _), _)| (poll, voter) == (&name.0, &name.1))
            .find(|(_, decided)| decided.round == gate.round && decided.status == "counted")
            .map(|((_, _, id), _)| id.clone());
        let Some(marks) = marks.filter(|_| gate.phase > 0) else {
            self.dead.push(position);
            return;
        };
        let status = match &standing {
            _ if !gate.open || (round != 0 && round < gate.round) => "late",
            Some(_) if rule.refuse => "refused",
            Some(id) if !by_place && *id > name.2 => "superseded",
            _ => "counted",
        };
        if status == "counted"
            && let Some(id) = standing
        {
            let old = (name.0.clone(), name.1.clone(), id);
            self.ballots.get_mut(&old).unwrap().status = "replaced";
        }
        self.ballots.insert(name, Decided { position, status, marks, names, round: gate.round });
    }

    fn results(&mut self, gates: &BTreeMap<(u32, String), Gate>, rules: &BTreeMap<String, Rules>) {
        for ((partition, poll), gate) in gates {
            let result = self.polls.entry(poll.clone()).or_default();
            result.round = result.round.max(gate.round);
            result.counts = vec![0; rules[poll].asks.slots()];
            result.partitions.insert(*partition, (gate.phase, gate.open));
        }
        for ((poll, _, _), decided) in &self.ballots {
            let result = self.polls.get_mut(poll).unwrap();
            if decided.status == "counted" && decided.round == result.round {
                result.voters += 1;
                for (slot, weight) in &decided.marks {
                    result.counts[*slot] += weight;
                }
            }
        }
        let of_words = |poll: &String| matches!(rules[poll].asks, Asks::Words { .. });
        for (partition, poll) in gates.keys().filter(|(_, poll)| of_words(poll)) {
            self.say(*partition, poll);
        }
    }

    /// Adds the words of one partition to a poll's result.
    fn say(&mut self, partition: u32, poll: &str) {
        let result = self.polls.get_mut(poll).unwrap();
        let all = self.ballots.iter().filter(|((of, _, _), _)| of == poll);
        let there = all.map(|(_, decided)| decided).filter(|decided| {
            decided.position.0 == partition
                && decided.round == result.round
                && ["counted", "replaced"].contains(&decided.status)
        });
        let mut ever: Vec<&Decided> = there.collect();
        ever.sort_by_key(|decided| decided.position);
        let kept = kind::kept(ever.iter().map(|decided| &decided.names[..]));
        for name in ever.iter().filter(|it| it.status == "counted").flat_map(|it| &it.names) {
            if kept.contains(name) {
                *result.words.entry(name.clone()).or_default() += 1;
            } else {
                result.counts[0] += 1;
            }
        }
    }
}
