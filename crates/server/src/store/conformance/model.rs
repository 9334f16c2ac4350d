//! The model test: the same random commands go to the plain store in memory and to another backend,
//! and all results are compared.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use pollux_core::ballot::{Ballot, NamedBy, Status};
use pollux_core::digest::Digest;
use pollux_core::fold::{Past, Trail, known};
use pollux_core::id::{BallotId, PollId, VoterId};
use pollux_core::kind::Answer;
use pollux_core::kind::words::{Said, Verdict};
use pollux_core::poll::{Poll, PollStatus, Revote};
use pollux_core::record::{Control, Entry, ballot_partition};
use pollux_core::seal::TextKey;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{
    Backend, Memory, NOW, at, ballot_id, generation, open_poll, poll_id, voter, words_poll,
};
use crate::log::Record;
use crate::processor::batch::{Batch, Slice};
use crate::store::{
    BallotRow, CODE_REST_MILLIS, Commit, Created, IDEMPOTENCY_MILLIS, IdempotencyKey, Listing,
    Store,
};

const PARTITIONS: u32 = 2;
const VOTERS: u8 = 3;
const BALLOTS: u64 = 24;
/// What voters say in polls of words; the last two are the same to people.
const TEXTS: [&str; 3] = ["tea", "milk", "MILK"];

/// A step is a command to both stores.
#[derive(Clone, Debug)]
pub enum Step {
    Create {
        codes: Vec<u8>,
        key: Option<(u8, u8)>,
        later: u64,
        refuse: bool,
        closes: Option<u64>,
        words: bool,
    },
    Change {
        poll: Index,
        how: u8,
        stale: bool,
    },
    Batch {
        items: Vec<Item>,
        announce: bool,
    },
    Fenced {
        partition: u32,
        off: u64,
    },
    Begin {
        partition: u32,
        generation: u128,
    },
    Reopen,
}

/// An item is a record that is appended to the log.
#[derive(Clone, Debug)]
pub enum Item {
    /// A ballot in the voter's partition, taken `earlier` phases before the present one.
    Vote { poll: Index, voter: u8, ballot: u64, options: u8, earlier: u32 },
    /// The control record of the poll's present phase, in this partition.
    Control { poll: Index, partition: u32 },
    /// A record that nobody can read, in this partition.
    Noise { partition: u32 },
}

fn item() -> impl Strategy<Value = Item> {
    let vote = (any::<Index>(), 0..VOTERS, 0..BALLOTS, 0_u8..8, 0_u32..2);
    prop_oneof![
        8 => vote.prop_map(|(poll, voter, ballot, options, earlier)| {
            Item::Vote { poll, voter, ballot, options, earlier }
        }),
        2 => (any::<Index>(), 0..PARTITIONS)
            .prop_map(|(poll, partition)| Item::Control { poll, partition }),
        1 => (0..PARTITIONS).prop_map(|partition| Item::Noise { partition }),
    ]
}

/// Generates one to forty commands.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..40)
}

fn step() -> impl Strategy<Value = Step> {
    let later = prop_oneof![
        0..1000_u64,
        Just(IDEMPOTENCY_MILLIS),
        Just(IDEMPOTENCY_MILLIS + 1),
        Just(CODE_REST_MILLIS + 500),
    ];
    let key = proptest::option::of((0..3_u8, 0..2_u8));
    let codes = proptest::collection::vec(0..6_u8, 1..3);
    let closes = proptest::option::of(0..2000_u64);
    let create = (codes, key, later, any::<bool>(), closes, any::<bool>()).prop_map(
        |(codes, key, later, refuse, closes, words)| Step::Create {
            codes,
            key,
            later,
            refuse,
            closes,
            words,
        },
    );
    let items = proptest::collection::vec(item(), 1..8);
    prop_oneof![
        2 => create,
        3 => (any::<Index>(), 0..9_u8, any::<bool>())
            .prop_map(|(poll, how, stale)| Step::Change { poll, how, stale }),
        10 => (items, any::<bool>())
            .prop_map(|(items, announce)| Step::Batch { items, announce }),
        1 => (0..PARTITIONS, 1..3_u64).prop_map(|(partition, off)| Step::Fenced { partition, off }),
        1 => (0..=PARTITIONS, 1..3_u128)
            .prop_map(|(partition, generation)| Step::Begin { partition, generation }),
        1 => Just(Step::Reopen),
    ]
}

/// `Pair` holds the two stores, and what a driver of commands has to remember.
struct Pair {
    backend: Box<dyn Backend>,
    model: Arc<dyn Store>,
    real: Arc<dyn Store>,
    polls: Vec<Poll>,
    /// The keys that the polls had when they were created.
    keys: BTreeMap<PollId, TextKey>,
    next: [u64; PARTITIONS as usize],
    /// The digest that the latest commit of each partition kept.
    digest: [Digest; PARTITIONS as usize],
    created: u64,
}

/// Compares two results. Errors are compared by kind, because their texts are each backend's own.
fn same<T: Debug + PartialEq, E: Debug>(what: impl Debug, model: Result<T, E>, real: Result<T, E>) {
    match (&model, &real) {
        (Ok(model), Ok(real)) => assert_eq!(model, real, "{what:?}"),
        (Err(model), Err(real)) => {
            let kind = |e: &E| format!("{e:?}").split('"').next().map(str::to_owned);
            assert_eq!(kind(model), kind(real), "{what:?}");
        }
        _ => panic!("{what:?}: the model says {model:?}, the real one {real:?}"),
    }
}

macro_rules! both {
    ($pair:expr, $method:ident($($arg:expr),*)) => {{
        let model = $pair.model.$method($($arg),*).await;
        let real = $pair.real.$method($($arg),*).await;
        same(stringify!($method), model.clone(), real);
        model
    }};
}

impl Pair {
    async fn new(backend: Box<dyn Backend>) -> Self {
        let (model, real) = (Memory.fresh(PARTITIONS).await, backend.fresh(PARTITIONS).await);
        let digest = [Digest::new(0); 2];
        let (polls, keys, next) = (Vec::new(), BTreeMap::new(), [0; 2]);
        let pair = Self { backend, model, real, polls, keys, next, digest, created: 0 };
        for partition in 0..PARTITIONS {
            both!(pair, begin(partition, generation(1))).unwrap();
        }
        pair
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Create { codes, key, later, refuse, closes, words } => {
                self.created += 1;
                let mut poll = if words { words_poll } else { open_poll }(self.created);
                poll.created_at = at(NOW + later);
                poll.closes_at = closes.map(|ms| at(NOW + ms));
                poll.missed_closes_at = closes.map(|ms| at(NOW - ms));
                poll.closes_after = closes.map(|ms| ms as u32);
                poll.listed = later % 3 != 0;
                if refuse {
                    poll.revote = Revote::Refuse;
                }
                let codes: Vec<String> = codes.iter().map(u8::to_string).collect();
                let key = key.map(|(key, request)| IdempotencyKey {
                    key: key.to_string(),
                    request: [request; 32],
                });
                let made = both!(self, create(poll.clone(), codes.clone(), key.clone()));
                if let Ok(Created::New(poll)) = made {
                    self.keys.extend(poll.text_key.clone().map(|key| (poll.id, key)));
                    self.polls.push(poll);
                }
            }
            Step::Change { poll, how, stale } => self.change(poll, how, stale).await,
            Step::Batch { items, announce } => self.batch(items, announce).await,
            Step::Fenced { partition, off } => {
                let from = self.next[partition as usize] + off;
                let commit = Commit { from, to: from + 1, ..Commit::default() };
                assert!(both!(self, commit(partition, &commit)).is_err());
            }
            Step::Begin { partition, generation: n } => {
                let _ = both!(self, begin(partition, generation(n)));
            }
            Step::Reopen => {
                let store = self.real.clone();
                self.real = Memory.fresh(1).await;
                self.real = self.backend.reopen(store).await;
            }
        }
    }

    fn pick(&self, at: Index) -> Option<Poll> {
        (!self.polls.is_empty()).then(|| self.polls[at.index(self.polls.len())].clone())
    }

    async fn change(&mut self, which: Index, how: u8, stale: bool) {
        let Some(old) = self.pick(which) else { return };
        let (mut poll, now) = (old.clone(), at(NOW + 700));
        let _ = match how {
            0 | 1 => poll.close(now).map(|_| ()),
            2 | 3 => poll.reopen(now).map(|_| ()),
            4 => poll.reset(now),
            5 => poll.reveal().map(|_| ()),
            6 | 7 if !self.keys.contains_key(&poll.id) => return,
            6 | 7 => {
                let word = TEXTS[usize::from(how) - 6];
                let erase = vec![self.keys[&poll.id].name(word)];
                poll.moderate(&Verdict { erase, ..Verdict::default() }).map(|_| ())
            }
            _ => poll.delete(now),
        };
        let expected = if stale { old.revision + 1 } else { old.revision };
        // Every other time the poll comes back without its key, as one that was announced.
        let text_key = poll.text_key.clone().filter(|_| how.is_multiple_of(2));
        let sent = Poll { text_key, ..poll.clone() };
        if both!(self, change(&sent, expected)).is_ok() {
            let kept = self.polls.iter_mut().find(|kept| kept.id == old.id);
            *kept.unwrap() = poll;
        }
    }

    /// Returns the partition that an item goes to, and the bytes that are written there.
    fn append(&self, item: Item) -> Option<(u32, Vec<u8>)> {
        let at = at(NOW);
        let (partition, entry) = match item {
            Item::Noise { partition } => return Some((partition, b"{".to_vec())),
            Item::Control { poll, partition } => {
                (partition, Entry::Control(Control::of(&self.pick(poll)?, at)?))
            }
            Item::Vote { poll, voter: who, ballot, options, earlier } => {
                let Poll { id: poll, round, phase, .. } = self.pick(poll)?;
                let (voter, id) = (voter(who), ballot_id(ballot));
                let marked = (1..=3).filter(|n| options >> (n - 1) & 1 == 1);
                let answer = match self.keys.get(&poll) {
                    None => Answer::options(marked)?,
                    Some(key) => {
                        // Two spellings of one word are no answer, and are counted nowhere.
                        let texts = marked.map(|n| TEXTS[usize::from(n) - 1]);
                        Answer::Words(Said::of(texts.filter_map(|text| key.seal(text))))
                    }
                };
                let phase = phase.saturating_sub(earlier).max(1);
                let named_by = if earlier > 0 { NamedBy::Server } else { NamedBy::Client };
                let ballot = Ballot { poll, voter, id, named_by, answer, round, phase, at };
                (ballot_partition(poll, voter, PARTITIONS), Entry::Ballot(ballot))
            }
        };
        Some((partition, entry.encode()))
    }

    /// Takes the processor's step in each partition to which something was appended.
    async fn batch(&mut self, items: Vec<Item>, announce: bool) {
        let mut logs = [Vec::new(), Vec::new()];
        for (partition, value) in items.into_iter().filter_map(|item| self.append(item)) {
            let log = &mut logs[partition as usize];
            let offset = self.next[partition as usize] + log.len() as u64;
            log.push(Record { offset, key: Vec::new().into(), value: value.into() });
        }
        for (partition, records) in (0..).zip(logs) {
            if !records.is_empty() {
                let batch = Batch::read(records);
                // A digest that begins anew stands for one whose predecessor is full.
                let mut digest = match announce {
                    true => Digest::new(self.next[partition as usize]),
                    false => self.digest[partition as usize],
                };
                batch.digest(&mut digest);
                let mut commit = self.fold(partition, batch).await;
                commit.digest = Some(digest);
                self.digest[partition as usize] = digest;
                if announce {
                    commit.announced = commit.from;
                }
                both!(self, commit(partition, &commit)).unwrap();
                self.next[partition as usize] = commit.to;
            }
        }
    }

    async fn fold(&self, partition: u32, batch: Batch) -> Commit {
        let mut past = Past::default();
        let (polls, voters) = batch.needs(&past.polls);
        let loaded = both!(self, load(partition, &polls, &voters)).unwrap();
        for (id, found) in polls.into_iter().zip(loaded.polls) {
            if let Some(known) = found.and_then(|(poll, tally)| known(&poll, tally)) {
                past.polls.insert(id, known);
            }
        }
        past.voters = voters.into_iter().zip(loaded.voters).collect();
        let doubtful = batch.doubtful(&past.voters);
        let decided = both!(self, decided(partition, &doubtful)).unwrap();
        let known = doubtful.into_iter().zip(decided);
        past.decided.extend(known.filter_map(|(name, status)| Some((name, status?))));
        let slice = Slice { partition, partitions: PARTITIONS, generation: generation(1) };
        batch.decide(slice, self.next[partition as usize], &mut past)
    }

    /// Compares the results of every read.
    async fn compare(&self) {
        let _ = both!(self, progress());
        let _ = both!(self, unsettled(None, 100));
        for (n, status) in
            [None, Some(PollStatus::Open), Some(PollStatus::Closed)].into_iter().enumerate()
        {
            for all in [true, false] {
                let before = (n == 0).then(|| poll_id(3));
                let _ = both!(self, list(Listing { status, before: None, limit: 3, all }));
                let _ = both!(self, list(Listing { status, before, limit: 9, all }));
            }
        }
        for ms in [0, 300, 2000] {
            let _ = both!(self, due(at(NOW + ms), None, 100));
        }
        for code in 0..6_u8 {
            let _ = both!(self, by_code(&code.to_string()));
        }
        for partition in 0..PARTITIONS {
            let _ = both!(self, tallies_since(partition, self.next[partition as usize] / 2));
            let _ = both!(self, digests(partition, self.next[partition as usize] / 2));
            let _ = both!(self, ballots(partition, 0, None, 1000));
            let _ = both!(self, dead(partition, 3, 1000));
            for poll in &self.polls {
                let _ = both!(self, ballots(partition, 8, Some(poll.id), 5));
                let here = |who: &_| ballot_partition(poll.id, *who, PARTITIONS) == partition;
                let voters = (0..VOTERS).map(voter).filter(here);
                let voters: Vec<_> = voters.map(|who| (poll.id, who)).collect();
                let _ = both!(self, load(partition, &[poll.id], &voters));
            }
        }
        for poll in &self.polls {
            let _ = both!(self, standing(poll.id));
            for n in 0..VOTERS {
                let _ = both!(self, voter(poll.id, voter(n)));
            }
        }
        self.compare_decisions().await;
    }

    /// Compares what is told of each ballot with what its rows say, read from the first to the
    /// last. The backends share the code that finds a ballot faster, so comparing them with each
    /// other is not enough.
    async fn compare_decisions(&self) {
        for partition in 0..PARTITIONS {
            let rows = both!(self, ballots(partition, 0, None, 10_000)).unwrap();
            for poll in &self.polls {
                for (who, id) in (0..VOTERS).flat_map(|n| (0..BALLOTS).map(move |id| (n, id))) {
                    let (poll, who, id) = (poll.id, voter(who), ballot_id(id));
                    if ballot_partition(poll, who, PARTITIONS) != partition {
                        continue;
                    }
                    let decided = both!(self, decided(partition, &[(poll, who, id)])).unwrap();
                    let fate = both!(self, fate(poll, who, id)).unwrap();
                    let told = fate.map(|fate| (fate.status, fate.position));
                    let found = by_the_rows(&rows, poll, who, id);
                    assert_eq!(decided, [found.map(|(decided, ..)| decided)]);
                    assert_eq!(told, found.map(|(_, now, at)| (now, (partition, at))));
                }
            }
        }
    }
}

/// Returns how a ballot was decided, what it is now, and its offset.
fn by_the_rows(
    rows: &[BallotRow],
    poll: PollId,
    voter: VoterId,
    id: BallotId,
) -> Option<(Status, Status, u64)> {
    let own: Vec<_> = rows.iter().filter(|row| (row.poll, row.voter) == (poll, voter)).collect();
    let mut trail = Trail::default();
    for row in &own {
        assert_eq!(row.link, trail.next(), "{own:?}");
        trail = Trail::after(row.offset, row.link);
    }
    let first = own.iter().position(|row| row.ballot == id)?;
    let row = own[first];
    assert!(own[first + 1..].iter().all(|later| later.ballot != id), "two rows of one ballot");
    let replaced = row.decided == Status::Counted
        && own[first + 1..]
            .iter()
            .any(|later| later.decided == Status::Counted && later.after.round == row.after.round);
    Some((row.decided, if replaced { Status::Replaced } else { row.decided }, row.offset))
}

/// Gives these commands to this backend and to the one in memory.
pub fn answers_as_memory_does(backend: Box<dyn Backend>, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut pair = Pair::new(backend).await;
        for step in steps {
            pair.step(step).await;
        }
        pair.compare().await;
        pair.step(Step::Reopen).await;
        pair.compare().await;
        pair.real.shut().await;
    });
}

#[cfg(test)]
proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn embedded_answers_as_memory_does(
        voters in prop_oneof![1..6_usize, Just(10_000)],
        steps in steps(),
    ) {
        answers_as_memory_does(Box::new(super::Embedded::with(voters)), steps);
    }
}
