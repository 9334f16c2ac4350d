//! The model test: the same random commands to the plain store in memory and to the embedded
//! one, and every answer compared.

use std::fmt::Debug;
use std::sync::Arc;

use pollux_core::ballot::Ballot;
use pollux_core::poll::{Poll, PollStatus, Revote};
use pollux_core::tally::{self, Decision, Tally};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{
    Backend, Embedded, Memory, NOW, at, ballot_id, choice, generation, open_poll, poll_id, voter,
};
use crate::store::{
    BallotRow, CODE_REST_MILLIS, Commit, Created, DeadLetter, IDEMPOTENCY_MILLIS, IdempotencyKey,
    Listing, Store,
};

const PARTITIONS: u32 = 2;
const VOTERS: u8 = 6;

#[derive(Clone, Debug)]
enum Step {
    Create { codes: Vec<u8>, key: Option<(u8, u8)>, later: u64, refuse: bool, closes: Option<u64> },
    Change { poll: Index, how: u8, stale: bool },
    Batch { partition: u32, votes: Vec<Vote>, dead: bool, announce: bool },
    Control { poll: Index, partition: u32 },
    Fenced { partition: u32, off: u64 },
    Begin { partition: u32, generation: u128 },
    Fate { poll: Index, voter: u8, ballot: u64, at: Option<(u32, u64)> },
    Reopen,
}

#[derive(Clone, Debug)]
struct Vote {
    poll: Index,
    voter: u8,
    ballot: u64,
    options: u8,
}

fn vote() -> impl Strategy<Value = Vote> {
    (any::<Index>(), 0..VOTERS, 0_u64..8, 1_u8..8).prop_map(|(poll, voter, ballot, options)| Vote {
        poll,
        voter,
        ballot,
        options,
    })
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
    let create = (codes, key, later, any::<bool>(), closes).prop_map(
        |(codes, key, later, refuse, closes)| Step::Create { codes, key, later, refuse, closes },
    );
    let batch = (0..PARTITIONS, proptest::collection::vec(vote(), 0..6), any::<bool>());
    let at = proptest::option::of((0..PARTITIONS, 0..40_u64));
    prop_oneof![
        2 => create,
        3 => (any::<Index>(), 0..7_u8, any::<bool>())
            .prop_map(|(poll, how, stale)| Step::Change { poll, how, stale }),
        8 => (batch, any::<bool>()).prop_map(|((partition, votes, dead), announce)| {
            Step::Batch { partition, votes, dead, announce }
        }),
        3 => (any::<Index>(), 0..PARTITIONS)
            .prop_map(|(poll, partition)| Step::Control { poll, partition }),
        1 => (0..PARTITIONS, 1..3_u64).prop_map(|(partition, off)| Step::Fenced { partition, off }),
        1 => (0..=PARTITIONS, 1..3_u128)
            .prop_map(|(partition, generation)| Step::Begin { partition, generation }),
        4 => (any::<Index>(), 0..VOTERS, 0..8_u64, at)
            .prop_map(|(poll, voter, ballot, at)| Step::Fate { poll, voter, ballot, at }),
        1 => Just(Step::Reopen),
    ]
}

/// The two stores, and what a driver has to remember.
struct Pair {
    backend: Embedded,
    model: Arc<dyn Store>,
    real: Arc<dyn Store>,
    polls: Vec<Poll>,
    next: [u64; PARTITIONS as usize],
    created: u64,
}

/// Errors are compared by kind: their texts are each backend's own.
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
    async fn new(voters: usize) -> Self {
        let backend = Embedded::with(voters);
        let (model, real) = (Memory.fresh(PARTITIONS).await, backend.fresh(PARTITIONS).await);
        let pair = Self { backend, model, real, polls: Vec::new(), next: [0; 2], created: 0 };
        for partition in 0..PARTITIONS {
            both!(pair, begin(partition, generation(1))).unwrap();
        }
        pair
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Create { codes, key, later, refuse, closes } => {
                self.created += 1;
                let mut poll = open_poll(self.created);
                poll.created_at = at(NOW + later);
                poll.closes_at = closes.map(|ms| at(NOW + ms));
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
                    self.polls.push(poll);
                }
            }
            Step::Change { poll, how, stale } => self.change(poll, how, stale).await,
            Step::Batch { partition, votes, dead, announce } => {
                self.batch(partition, votes, dead, announce).await;
            }
            Step::Control { poll, partition } => {
                let Some(poll) = self.pick(poll) else { return };
                let (_, mut tally) = self.tally(partition, &poll).await;
                tally::control(&mut tally, poll.phase, poll.round, poll.gate());
                self.commit(partition, vec![(poll, tally)], Commit::default()).await;
            }
            Step::Fenced { partition, off } => {
                let from = self.next[partition as usize] + off;
                let commit = Commit { from, to: from + 1, ..Commit::default() };
                assert!(both!(self, commit(partition, &commit)).is_err());
            }
            Step::Begin { partition, generation: n } => {
                let _ = both!(self, begin(partition, generation(n)));
            }
            Step::Fate { poll, voter: who, ballot, at } => {
                let Some(poll) = self.pick(poll) else { return };
                let _ = both!(self, fate(poll.id, voter(who), ballot_id(ballot), at));
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
            4 => poll.reset(),
            5 => poll.reveal().map(|_| ()),
            _ => poll.delete(),
        };
        let expected = if stale { old.revision + 1 } else { old.revision };
        if both!(self, change(&poll, expected)).is_ok() {
            let kept = self.polls.iter_mut().find(|kept| kept.id == old.id);
            *kept.unwrap() = poll;
        }
    }

    async fn tally(&self, partition: u32, poll: &Poll) -> (Poll, Tally) {
        let loaded = both!(self, load(partition, &[poll.id, poll_id(99)], &[])).unwrap();
        let (poll, tally) = loaded.polls[0].clone().unwrap();
        let tally = tally.map_or_else(|| Tally::new(&poll.rules()), |at| at.tally);
        (poll, tally)
    }

    /// Folds as the processor does; a voter's ballots all go to one partition.
    async fn batch(&mut self, partition: u32, votes: Vec<Vote>, dead: bool, announce: bool) {
        let mut commit = Commit::default();
        let mut tallies: Vec<(Poll, Tally)> = Vec::new();
        let mut offset = self.next[partition as usize];
        for vote in votes {
            let Some(poll) = self.pick(vote.poll) else { return };
            let who = voter(vote.voter / 2 * 2 + partition as u8);
            if !tallies.iter().any(|(known, _)| known.id == poll.id) {
                tallies.push(self.tally(partition, &poll).await);
            }
            let (_, tally) = tallies.iter_mut().find(|(known, _)| known.id == poll.id).unwrap();
            let earlier = commit.ballots.iter().rev();
            let mut earlier = earlier.filter(|row| (row.poll, row.voter) == (poll.id, who));
            let mut after = match earlier.next() {
                Some(row) => row.after,
                None => both!(self, load(partition, &[], &[(poll.id, who)])).unwrap().voters[0],
            };
            let options: Vec<u8> = (1..=3).filter(|n| vote.options >> (n - 1) & 1 == 1).collect();
            let (id, choice) = (ballot_id(vote.ballot), choice(&options));
            let (round, at) = (poll.round, at(NOW));
            let ballot = Ballot { poll: poll.id, voter: who, id, choice, round, phase: 0, at };
            let decision = tally::count(&poll.rules(), tally, &mut after, &ballot);
            if decision != Decision::Duplicate {
                commit.ballots.push(BallotRow {
                    offset,
                    poll: poll.id,
                    voter: who,
                    ballot: id,
                    choice,
                    decided: decision.status().unwrap(),
                    at,
                    after,
                });
            }
            offset += 1;
        }
        if dead {
            let (key, value) = (vec![1].into(), vec![2].into());
            commit.dead.push(DeadLetter { offset, key, value, reason: "no".into() });
        }
        if announce {
            commit.announced = self.next[partition as usize];
        }
        self.commit(partition, tallies, commit).await;
    }

    async fn commit(&mut self, partition: u32, tallies: Vec<(Poll, Tally)>, commit: Commit) {
        let from = self.next[partition as usize];
        let to = from + 8;
        let worker = super::Worker { store: &*self.model, partition, next: from };
        let tallies = tallies.into_iter().map(|(poll, tally)| worker.at(&poll, tally, to));
        let commit = Commit { from, to, tallies: tallies.collect(), ..commit };
        both!(self, commit(partition, &commit)).unwrap();
        self.next[partition as usize] = to;
    }

    /// Everything there is to ask.
    async fn compare(&self) {
        let _ = both!(self, progress());
        let _ = both!(self, unsettled());
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
            let _ = both!(self, due(at(NOW + ms)));
        }
        for code in 0..6_u8 {
            let _ = both!(self, by_code(&code.to_string()));
        }
        for partition in 0..PARTITIONS {
            let _ = both!(self, tallies_since(partition, self.next[partition as usize] / 2));
            let _ = both!(self, ballots(partition, 0, None, 1000));
            let _ = both!(self, dead(partition, 3, 1000));
            for poll in &self.polls {
                let _ = both!(self, ballots(partition, 8, Some(poll.id), 5));
                let voters: Vec<_> = (0..VOTERS).map(|n| (poll.id, voter(n))).collect();
                let _ = both!(self, load(partition, &[poll.id], &voters));
            }
        }
        for poll in &self.polls {
            let _ = both!(self, standing(poll.id));
            for n in 0..VOTERS {
                let _ = both!(self, voter(poll.id, voter(n)));
                for ballot in 0..8 {
                    let _ = both!(self, fate(poll.id, voter(n), ballot_id(ballot), None));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn embedded_answers_as_memory_does(
        voters in prop_oneof![1..6_usize, Just(10_000)],
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new(voters).await;
            for step in steps {
                pair.step(step).await;
            }
            pair.compare().await;
            pair.step(Step::Reopen).await;
            pair.compare().await;
            pair.real.shut().await;
        });
    }
}
